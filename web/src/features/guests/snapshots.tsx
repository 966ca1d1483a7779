import { Button, Card, CardBody, Checkbox } from "@patternfly/react-core";
import { ActionsColumn, Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router-dom";
import { get, segment } from "../../api/client";
import type { Snapshot, SnapshotPage, Vm } from "../../api/models";
import { formatSize } from "../../text/size";
import { Waiting } from "../../ui/page";
import { Pager } from "../../ui/pager";
import { ErrorBox } from "../../ui/problem";
import { StateLabel } from "../../ui/state";
import { Moment } from "../../ui/time";
import { guestPage } from "./guests";
import { type AskedSnapshot, SnapshotDialog } from "./snapshot_dialogs";

const perPage = 100;

const worth: Record<Snapshot["consistency"], string> = {
  stopped: "the guest was off",
  "crash-consistent": "crash-consistent",
  unknown: "not made by bHype",
};

/// VMs have a page; other datasets have a name.
function Clone({ name }: { name: string }) {
  return name.includes("/") ? <code>{name}</code> : <Link to={guestPage(name)}>{name}</Link>;
}

function Row({ one, chosen, changeable, onChoose, ask }: {
  one: Snapshot;
  chosen: boolean;
  changeable: boolean;
  onChoose: (chosen: boolean) => void;
  ask: (asked: AskedSnapshot) => void;
}) {
  const items = [
    { title: "Roll back", what: "rollback" },
    { title: "Clone", what: "clone" },
    { title: "Browse", what: "browse" },
    { title: "Compare", what: "compare" },
    { title: "Note", what: "note" },
    { title: one.held ? "Release" : "Hold", what: "hold" },
    { title: "Delete", what: "delete" },
  ] as const;
  return (
    <Tr>
      {changeable && (
        <Td modifier="fitContent">
          <Checkbox id={`snapshot-${one.name}`} aria-label={`Choose ${one.name}`} isChecked={chosen} onChange={(_event, next) => onChoose(next)} />
        </Td>
      )}
      <Td dataLabel="Snapshot">
        <code>{one.name}</code> {one.held && <StateLabel state="warning" word="held" />}
        {one.note && <div className="quiet">{one.note}</div>}
      </Td>
      <Td dataLabel="Made">
        <Moment at={one.created * 1000} />
        <div className="quiet">{one.made_by}</div>
      </Td>
      <Td dataLabel="Holds">
        {worth[one.consistency]}
        <div className="quiet">{[...(one.definition ? ["definition"] : []), ...one.disks].join(", ")}</div>
      </Td>
      <Td dataLabel="Its own">{formatSize(one.used)}</Td>
      <Td dataLabel="Clones">
        {one.clones.length === 0 ? "-" : one.clones.map((name) => <div key={name}><Clone name={name} /></div>)}
      </Td>
      {changeable && (
        <Td isActionCell>
          <ActionsColumn
            items={items.map(({ title, what }) => ({ title, onClick: () => ask({ what, names: [one.name], one }) }))}
            popperProps={{ position: "right" }}
          />
        </Td>
      )}
    </Tr>
  );
}

export function Snapshots({ vm }: { vm: Vm }) {
  const changeable = vm.actions.includes("edit");
  const [offset, setOffset] = useState(0);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [asked, setAsked] = useState<AskedSnapshot>();
  const { data, error, refetch } = useQuery({
    queryKey: ["vms", "one", vm.name, "snapshots", offset],
    queryFn: ({ signal }) => get<SnapshotPage>(`/vms/${segment(vm.name)}/snapshots?limit=${perPage}&offset=${offset}`, signal),
    placeholderData: keepPreviousData,
  });
  const choose = (name: string, add: boolean) =>
    setChosen((old) => new Set(add ? [...old, name] : [...old].filter((other) => other !== name)));
  const present = data?.snapshots.filter(({ name }) => chosen.has(name)).map(({ name }) => name) ?? [];
  return (
    <Card>
      <CardBody>
        {error && <ErrorBox error={error} retry={() => void refetch()} />}
        {!data && !error && <Waiting label="Fetching the snapshots" />}
        {changeable && (
          <div className="row-actions">
            <Button onClick={() => setAsked({ what: "take", names: [] })}>Take a snapshot</Button>
            <Button variant="secondary" onClick={() => setAsked({ what: "clone", names: [] })}>
              Clone as it is now
            </Button>
            {present.length > 0 && (
              <Button variant="danger" onClick={() => setAsked({ what: "delete", names: present })}>
                Delete {present.length}
              </Button>
            )}
          </div>
        )}
        {data?.total === 0 && (
          <p className="quiet">No snapshot yet. One holds the definition and all disks as they were at one moment, and takes only the space of what changes after it.</p>
        )}
        {data && data.total > 0 && (
          <>
            <p className="quiet table-action">
              {data.total === 1 ? "One snapshot" : `${data.total} snapshots`}, {formatSize(data.used)} that only they hold.
            </p>
            <Table variant="compact" aria-label="Snapshots" gridBreakPoint="grid-md" className="flush">
              <Thead>
                <Tr>
                  {changeable && <Th screenReaderText="Chosen" modifier="fitContent" />}
                  {["Snapshot", "Made", "Holds", "Its own", "Clones"].map((head) => (
                    <Th key={head}>{head}</Th>
                  ))}
                  {changeable && <Th screenReaderText="Actions" />}
                </Tr>
              </Thead>
              <Tbody>
                {data.snapshots.map((one) => (
                  <Row
                    key={one.name}
                    one={one}
                    chosen={chosen.has(one.name)}
                    changeable={changeable}
                    onChoose={(add) => choose(one.name, add)}
                    ask={setAsked}
                  />
                ))}
              </Tbody>
            </Table>
            <Pager from={offset} perPage={perPage} total={data.total} before="Newer" after="Older" go={setOffset} />
          </>
        )}
        {asked && <SnapshotDialog vm={vm} asked={asked} onClose={() => setAsked(undefined)} />}
      </CardBody>
    </Card>
  );
}
