import { Breadcrumb, BreadcrumbItem, Button, FormSelect, FormSelectOption, Modal, ModalBody, ModalHeader } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { base, get, segment } from "../../api/client";
import type { LookEntry, SnapshotFiles } from "../../api/models";
import { formatSize } from "../../text/size";
import { Waiting } from "../../ui/page";
import { Pager } from "../../ui/pager";
import { ErrorBox } from "../../ui/problem";
import { Moment } from "../../ui/time";
import { child, crumbs, permissions, type Place, query } from "./look";
import type { DialogProps } from "./snapshot_dialogs";

const perPage = 1000;

const called = (partition: string): string => (partition === "0" ? "The whole disk" : `Partition ${partition}`);

function Partitions({ shown, open }: { shown: SnapshotFiles; open: (partition: string) => void }) {
  return (
    <Table variant="compact" aria-label="Partitions" gridBreakPoint="grid-md" className="flush">
      <Thead>
        <Tr>
          {["Partition", "Size", "File system", "In the table"].map((head) => (
            <Th key={head}>{head}</Th>
          ))}
        </Tr>
      </Thead>
      <Tbody>
        {shown.partitions.map((one) => (
          <Tr key={one.name}>
            <Td dataLabel="Partition">
              {one.readable ? (
                <Button variant="link" isInline onClick={() => open(one.name)}>
                  {called(one.name)}
                </Button>
              ) : (
                called(one.name)
              )}
            </Td>
            <Td dataLabel="Size">{formatSize(one.size)}</Td>
            <Td dataLabel="File system">
              {one.file_system || "-"}
              {one.problem && <div className="quiet">{one.problem}</div>}
            </Td>
            <Td dataLabel="In the table">{one.type || "-"}</Td>
          </Tr>
        ))}
      </Tbody>
    </Table>
  );
}

function Name({ one, path, open, address }: { one: LookEntry; path: string; open: (path: string) => void; address: (path: string) => string }) {
  const own = child(path, one.name);
  if (one.kind === "file")
    return (
      <a href={address(own)} download aria-label={`Download ${one.name}`}>
        {one.name}
      </a>
    );
  if (one.kind === "other") return <>{one.name}</>;
  return (
    <>
      <Button variant="link" isInline onClick={() => open(own)}>
        {one.name}
        {one.kind === "directory" ? "/" : ""}
      </Button>
      {one.target && <span className="quiet"> to {one.target}</span>}
    </>
  );
}

function Directory({ shown, open, address }: { shown: SnapshotFiles; open: (path: string) => void; address: (path: string) => string }) {
  if (shown.total === 0) return <p className="quiet">Nothing is in it.</p>;
  return (
    <Table variant="compact" aria-label="Files" gridBreakPoint="grid-md" className="flush">
      <Thead>
        <Tr>
          {["Name", "Size", "Changed", "Permissions", "Owner"].map((head) => (
            <Th key={head}>{head}</Th>
          ))}
        </Tr>
      </Thead>
      <Tbody>
        {shown.entries.map((one) => (
          <Tr key={one.name}>
            <Td dataLabel="Name">
              <Name one={one} path={shown.path} open={open} address={address} />
            </Td>
            <Td dataLabel="Size">{one.kind === "file" ? formatSize(one.size) : "-"}</Td>
            <Td dataLabel="Changed">{one.modified ? <Moment at={one.modified * 1000} /> : "-"}</Td>
            <Td dataLabel="Permissions">
              <code>{permissions(one.mode)}</code>
            </Td>
            <Td dataLabel="Owner">
              {one.uid}:{one.gid}
            </Td>
          </Tr>
        ))}
      </Tbody>
    </Table>
  );
}

/// Which disk, and which partition of it: a choice only where there is one.
function Choices({ shown, choose }: { shown: SnapshotFiles; choose: (place: Place) => void }) {
  const readable = shown.partitions.filter((one) => one.readable);
  return (
    <div className="row-actions">
      {shown.disks.length > 1 && (
        <FormSelect aria-label="Disk" value={shown.disk} onChange={(_event, disk) => choose({ disk, path: "/" })}>
          {shown.disks.map((disk) => (
            <FormSelectOption key={disk} value={disk} label={disk} />
          ))}
        </FormSelect>
      )}
      {shown.partition !== undefined && readable.length > 1 && (
        <FormSelect aria-label="Partition" value={shown.partition} onChange={(_event, partition) => choose({ disk: shown.disk, partition, path: "/" })}>
          {readable.map((one) => (
            <FormSelectOption key={one.name} value={one.name} label={`Partition ${one.name}, ${one.file_system}, ${formatSize(one.size)}`} />
          ))}
        </FormSelect>
      )}
    </div>
  );
}

export function BrowseDialog({ vm, asked, onClose }: DialogProps) {
  const snapshot = asked.names[0] ?? "";
  const [place, setPlace] = useState<Place>({ path: "/" });
  const [from, setFrom] = useState(0);
  const address = `/vms/${segment(vm.name)}/snapshots/${segment(snapshot)}`;
  const { data, error, isPlaceholderData, refetch } = useQuery({
    queryKey: ["vms", "one", vm.name, "files", snapshot, place, from],
    queryFn: ({ signal }) => get<SnapshotFiles>(`${address}/files?${query(place, from)}`, signal),
    placeholderData: keepPreviousData,
    staleTime: Infinity, // a snapshot does not change
    retry: false,
  });
  const go = (next: Place) => {
    setPlace(next);
    setFrom(0);
  };
  const inside = (path: string): Place => ({ disk: data?.disk, partition: data?.partition, path });
  const shownPath = error ? place.path : (data?.path ?? place.path);
  const chosen = data?.partitions.find((one) => one.name === data.partition);
  return (
    <Modal variant="large" isOpen onClose={onClose} aria-labelledby="browse-title">
      <ModalHeader
        title={`What ${vm.name} had on its disks at ${snapshot}`}
        labelId="browse-title"
        description="Read only. Nothing is rolled back, and who downloads what is recorded."
      />
      <ModalBody>
        {data && <Choices shown={data} choose={go} />}
        {data?.partition !== undefined && (
          <Breadcrumb className="table-action" aria-label="Directory">
            <BreadcrumbItem>
              <Button variant="link" isInline onClick={() => go(inside("/"))}>
                {data.disk}
                {data.partition !== "0" && `, partition ${data.partition}`}
              </Button>
            </BreadcrumbItem>
            {crumbs(shownPath).map(({ name, path }) => (
              <BreadcrumbItem key={path} isActive={path === shownPath}>
                {path === shownPath ? (
                  name
                ) : (
                  <Button variant="link" isInline onClick={() => go(inside(path))}>
                    {name}
                  </Button>
                )}
              </BreadcrumbItem>
            ))}
          </Breadcrumb>
        )}
        {chosen?.problem && <p className="quiet">{chosen.problem}.</p>}
        {error && <ErrorBox error={error} retry={() => void refetch()} />}
        {((!data && !error) || isPlaceholderData) && <Waiting lines={6} label="Reading the disk" />}
        {data && !error && !isPlaceholderData && data.partition === undefined && (
          <Partitions shown={data} open={(partition) => go({ disk: data.disk, partition, path: "/" })} />
        )}
        {data && !error && !isPlaceholderData && data.partition !== undefined && (
          <>
            <Directory shown={data} open={(path) => go(inside(path))} address={(path) => `${base}${address}/file?${query(inside(path))}`} />
            <Pager from={from} perPage={perPage} total={data.total} before="Before" after="After" go={setFrom} />
          </>
        )}
      </ModalBody>
    </Modal>
  );
}
