import { Alert, Button, Card, CardBody } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import type { Vm } from "../../api/models";
import { formatSize } from "../../text/size";
import { Fact, Facts } from "../../ui/facts";
import { Since } from "../../ui/time";
import { useState } from "react";
import { GrowDisk } from "./grow_disk";
import { linkedVm, Promote } from "./promote";
import { addressOf, upSince, useVmLog } from "./guests";
import { Nics } from "./nics";

function Devices({ vm }: { vm: Vm }) {
  const [promoting, setPromoting] = useState(false);
  const [grown, setGrown] = useState<Vm["disks"][number]>();
  const changeable = vm.actions.includes("edit");
  const rows = [
    ...vm.disks.map((disk) => [disk.slot, disk.name, disk.kind, `${formatSize(disk.size)}, ${formatSize(disk.used)} used${disk.origin ? `, linked to ${disk.origin}` : ""}`]),
    ...vm.nics.map((nic) => [nic.slot, nic.name, nic.kind, `on switch ${nic.switch}`]),
    ...vm.cds.map((cd) => [cd.slot, cd.name, "ahci-cd", cd.image]),
  ];
  return (
    <Table variant="compact" aria-label="Devices" gridBreakPoint="grid-md" className="flush">
      <Thead>
        <Tr>
          <Th>Slot</Th>
          <Th>Device</Th>
          <Th>Kind</Th>
          <Th>Details</Th>
          {changeable && <Th screenReaderText="Actions" />}
        </Tr>
      </Thead>
      <Tbody>
        {rows.map(([slot, name, kind, details]) => (
          <Tr key={String(name)}>
            <Td dataLabel="Slot" className="numbers">
              {slot}
            </Td>
            <Td dataLabel="Device">{name}</Td>
            <Td dataLabel="Kind">{kind}</Td>
            <Td dataLabel="Details">{details}</Td>
            {changeable && (
              <Td isActionCell>
                {vm.disks.some((disk) => disk.name === name) && (
                  <Button variant="link" isInline aria-label={`Grow ${String(name)}`} onClick={() => setGrown(vm.disks.find((disk) => disk.name === name))}>
                    Grow
                  </Button>
                )}
                {vm.disks.some((disk) => disk.name === name && disk.origin && linkedVm(disk.origin)) && (
                  <Button variant="link" isInline aria-label={`Promote ${String(name)}`} onClick={() => setPromoting(true)}>
                    Promote
                  </Button>
                )}
              </Td>
            )}
          </Tr>
        ))}
      </Tbody>
      {promoting && <Promote vm={vm} onClose={() => setPromoting(false)} />}
      {grown && <GrowDisk vm={vm} disk={grown} onClose={() => setGrown(undefined)} />}
    </Table>
  );
}

/// Beside a setting that the running guest does not have yet.
function Pending({ vm, field }: { vm: Vm; field: string }) {
  return vm.pending_restart.includes(field) ? <span className="quiet"> after a restart</span> : null;
}

export function Summary({ vm }: { vm: Vm }) {
  const log = useVmLog(vm.name);
  return (
    <div className="cards">
      {vm.definition_error && (
        <Alert isInline variant="danger" component="p" title="The definition cannot be used">
          <pre className="words">{vm.definition_error}</pre>
          <p>
            What is shown is what it last said. Correct the file as root; it is read again within a minute. Until then the VM
            cannot be started or changed.
          </p>
        </Alert>
      )}
      {vm.state === "failed" && !vm.definition_error && (
        <Alert isInline variant="danger" component="p" title={vm.reason || "The VM failed"}>
          {vm.last_lines.length > 0 && <pre className="words">{vm.last_lines.join("\n")}</pre>}
          <p>Start it again, or look at its log below.</p>
        </Alert>
      )}
      <Card>
        <CardBody>
          <Facts>
            <Fact name="Address">{addressOf(vm) ?? "-"}</Fact>
            <Fact name="Uptime">
              <Since at={upSince(vm)} />
            </Fact>
            <Fact name="vCPUs">{vm.cpus}<Pending vm={vm} field="cpus" /></Fact>
            <Fact name="Memory">{formatSize(vm.memory)}<Pending vm={vm} field="memory" /></Fact>
            <Fact name="Owner">{vm.owner || "-"}</Fact>
            <Fact name="Group">{vm.group || "-"}</Fact>
            <Fact name="Template">{vm.template || "-"}</Fact>
            <Fact name="Reboots">{vm.reboots}</Fact>
            {vm.since > 0 && !upSince(vm) && (
              <Fact name={`Has been ${vm.state}`}>
                for <Since at={vm.since * 1000} />
                {vm.reason && vm.state !== "failed" && <span className="quiet">, {vm.reason}</span>}
              </Fact>
            )}
            <Fact name="Dataset" wide>
              <code>{vm.dataset}</code>
            </Fact>
            {vm.note && <Fact name="Note" wide>{vm.note}</Fact>}
            {vm.tags.length > 0 && <Fact name="Tags">{vm.tags.join(" ")}</Fact>}
          </Facts>
        </CardBody>
      </Card>
      <Nics vm={vm} changeable={vm.actions.includes("edit")} />
      <Card>
        <CardBody>
          <h2 className="section-title">Devices</h2>
          <Devices vm={vm} />
        </CardBody>
      </Card>
      <Card>
        <CardBody>
          <h2 className="section-title">Log</h2>
          <pre className="log" tabIndex={0} aria-label="Log">
            {log.data || "Nothing has been logged."}
          </pre>
        </CardBody>
      </Card>
    </div>
  );
}
