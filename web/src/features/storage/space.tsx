import { Button, Card, CardBody } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router-dom";
import { call, get, segment } from "../../api/client";
import type { Space, SpaceItem } from "../../api/models";
import { fieldProblems } from "../../api/problem";
import { numberOrText } from "../../text/number";
import { formatSize, sizeInput } from "../../text/size";
import { Waiting } from "../../ui/page";
import { ErrorBox } from "../../ui/problem";
import { Question } from "../../ui/question";
import { TextField } from "../guests/fields";
import { guestPage } from "../guests/guests";
import { SetupNeeded } from "../host/setup_needed";
import { OrderDialog } from "../tasks/order_dialog";

const parts = [
  ["live", "Live"],
  ["snapshots", "Snapshots"],
  ["reserved", "Kept free for it"],
] as const;

const total = (item: SpaceItem): number => item.live + item.snapshots + item.reserved;

/// One line of the picture: as long as its share of the largest.
function Bar({ item, most }: { item: SpaceItem; most: number }) {
  let at = 0;
  return (
    <svg className="space-bar" viewBox="0 0 100 10" preserveAspectRatio="none" role="img"
      aria-label={parts.map(([key, word]) => `${word} ${formatSize(item[key])}`).join(", ")}>
      {parts.map(([key]) => {
        const width = most > 0 ? (100 * item[key]) / most : 0;
        const x = at;
        at += width;
        return <rect key={key} className={`space-${key}`} x={x} width={width} height="10" />;
      })}
    </svg>
  );
}

function Floor({ space, onClose }: { space: Space; onClose: () => void }) {
  const client = useQueryClient();
  const [percent, setPercent] = useState(String(space.floor));
  const change = useMutation({
    mutationFn: () => call("PUT", "/space/floor", { body: { percent: numberOrText(percent) } }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["pools"] });
      onClose();
    },
  });
  return (
    <Question title={`How much of ${space.pool} stays free?`} verb="Keep" allowed={percent !== ""} busy={change.isPending} onClose={onClose} onAnswer={() => change.mutate()}>
      <TextField id="floor" label="Percent of the pool" required value={percent} onChange={setPercent} problem={fieldProblems(change.error)["percent"]}
        help="With less free, no VM is started, made, cloned or snapshot. Stopping, consoles and deleting go on. 0: no limit" />
      {change.error && <ErrorBox error={change.error} />}
    </Question>
  );
}

function Limits({ item, onClose }: { item: SpaceItem; onClose: () => void }) {
  const [quota, setQuota] = useState(item.quota ? sizeInput(item.quota) : "0");
  const [reservation, setReservation] = useState(item.reservation ? sizeInput(item.reservation) : "0");
  const [error, setError] = useState<Error | null>(null);
  const problems = fieldProblems(error);
  return (
    <OrderDialog title={`Limit the space of ${item.name}`} verb="Change" allowed={quota !== "" && reservation !== ""} onClose={onClose} onProblem={setError}
      order={() => ({ method: "PATCH", path: `/vms/${segment(item.name)}/limits`, body: { quota, reservation } })}>
      <TextField id="quota" label="At most" value={quota} onChange={setQuota} problem={problems["quota"]} help="With its snapshots, such as 50G; 0: no limit" />
      <TextField id="reservation" label="Keep free for it" value={reservation} onChange={setReservation} problem={problems["reservation"]} help="Nobody else gets it, such as 20G; 0: nothing" />
    </OrderDialog>
  );
}

export function SpaceTab({ administers }: { administers: boolean }) {
  const { data, error, refetch } = useQuery({
    queryKey: ["pools", "space"],
    queryFn: ({ signal }) => get<Space>("/space", signal),
    refetchInterval: 60_000,
  });
  const [limited, setLimited] = useState<SpaceItem>();
  const [floor, setFloor] = useState(false);
  const most = Math.max(1, ...(data?.items.map(total) ?? []));
  return (
    <Card>
      <CardBody>
        <SetupNeeded />
        {error && <ErrorBox error={error} retry={() => void refetch()} />}
        {!data && !error && <Waiting label="Looking at the space" />}
        {data && (
          <>
            <div className="page-head-line">
              <p>
                {formatSize(data.used)} of pool {data.pool} used, {formatSize(data.available)} free. {data.floor > 0 ? `${data.floor} % stay free.` : "Nothing is kept free."}
              </p>
              {administers && (
                <div className="page-head-actions">
                  <Button variant="secondary" onClick={() => setFloor(true)}>
                    Change what stays free
                  </Button>
                </div>
              )}
            </div>
            <ul className="space-legend">
              {parts.map(([key, word]) => (
                <li key={key}>
                  <svg viewBox="0 0 10 10" aria-hidden="true">
                    <rect className={`space-${key}`} width="10" height="10" />
                  </svg>{" "}
                  {word}
                </li>
              ))}
            </ul>
            <Table variant="compact" aria-label="Who uses the space" gridBreakPoint="grid-md" className="flush">
              <Thead>
                <Tr>
                  {["Who", "", "Live", "Snapshots", "Kept free", "At most", "Before compression"].map((head) => (
                    <Th key={head} screenReaderText={head ? undefined : "Picture"}>
                      {head}
                    </Th>
                  ))}
                  {administers && <Th screenReaderText="Actions" />}
                </Tr>
              </Thead>
              <Tbody>
                {data.items.map((item) => (
                  <Tr key={item.name}>
                    <Td dataLabel="Who">{item.vm ? <Link to={guestPage(item.vm)}>{item.name}</Link> : item.name}</Td>
                    <Td dataLabel="Picture" className="space-cell">
                      <Bar item={item} most={most} />
                    </Td>
                    <Td dataLabel="Live">{formatSize(item.live)}</Td>
                    <Td dataLabel="Snapshots">{formatSize(item.snapshots)}</Td>
                    <Td dataLabel="Kept free">{formatSize(item.reserved + item.reservation)}</Td>
                    <Td dataLabel="At most">{item.quota ? formatSize(item.quota) : "-"}</Td>
                    <Td dataLabel="Before compression">{item.logical ? formatSize(item.logical) : "-"}{item.blocks ? ` (${item.compression}, ${item.blocks} blocks)` : ""}</Td>
                    {administers && (
                      <Td isActionCell>
                        {item.vm && (
                          <Button variant="link" isInline onClick={() => setLimited(item)} aria-label={`Limit ${item.name}`}>
                            Limit
                          </Button>
                        )}
                      </Td>
                    )}
                  </Tr>
                ))}
              </Tbody>
            </Table>
            {floor && <Floor space={data} onClose={() => setFloor(false)} />}
            {limited && <Limits item={limited} onClose={() => setLimited(undefined)} />}
          </>
        )}
      </CardBody>
    </Card>
  );
}
