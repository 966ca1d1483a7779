import { Card, CardBody } from "@patternfly/react-core";
import { ActionsColumn, Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { formatSize } from "../../text/size";
import { Waiting } from "../../ui/page";
import { ErrorBox } from "../../ui/problem";
import { StateLabel } from "../../ui/state";
import { useState } from "react";
import { WipeDisk } from "./disk_dialogs";
import { DiskHealth, DiskRemarks } from "./disk_health";
import { useDisks } from "./storage";

export function DisksTab({ administers }: { administers: boolean }) {
  const { data, error, refetch } = useDisks(administers);
  const [wiped, setWiped] = useState<string>();
  return (
    <Card>
      <CardBody>
        {error && <ErrorBox error={error} retry={() => void refetch()} />}
        {!data && !error && <Waiting label="Looking at the disks" />}
        {data && <DiskRemarks disks={data} />}
        {data && (
          <Table variant="compact" aria-label="Disks" gridBreakPoint="grid-md" className="flush">
            <Thead>
              <Tr>
                {["Disk", "Size", "Kind", "Model", "Serial", "Used by", "Health"].map((head) => (
                  <Th key={head}>{head}</Th>
                ))}
                <Th screenReaderText="Actions" />
              </Tr>
            </Thead>
            <Tbody>
              {data.map((disk) => (
                <Tr key={disk.name}>
                  <Td dataLabel="Disk">
                    <code>{disk.name}</code>
                  </Td>
                  <Td dataLabel="Size">{formatSize(disk.size)}</Td>
                  <Td dataLabel="Kind">{disk.solid_state ? "solid state" : "turning"}</Td>
                  <Td dataLabel="Model">{disk.description || "-"}</Td>
                  <Td dataLabel="Serial">{disk.ident || "-"}</Td>
                  <Td dataLabel="Used by">{disk.used_by || <StateLabel state="ok" word="free" />}</Td>
                  <Td dataLabel="Health">
                    <DiskHealth disk={disk} />
                  </Td>
                  <Td isActionCell>
                    {disk.used_by.startsWith("exported pool ") && <ActionsColumn items={[{ title: "Wipe", onClick: () => setWiped(disk.name) }]} />}
                  </Td>
                </Tr>
              ))}
            </Tbody>
          </Table>
        )}
        {wiped && <WipeDisk disk={wiped} onClose={() => setWiped(undefined)} />}
      </CardBody>
    </Card>
  );
}
