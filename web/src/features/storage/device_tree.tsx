import { ActionsColumn, Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import type { Pool } from "../../api/models";
import { StateLabel } from "../../ui/state";
import type { Asked } from "./dialogs";
import { deviceActions, groupOf } from "./storage";

const look: Record<string, string> = { ONLINE: "ok", AVAIL: "ok", INUSE: "warning", DEGRADED: "warning", OFFLINE: "stopped" };
const roles: Record<string, string> = { data: "", log: "log", cache: "cache", special: "special", dedup: "dedup", spare: "spare" };
const verbs = { online: "Bring online", offline: "Take offline", replace: "Replace", attach: "Attach a mirror", detach: "Detach", remove: "Remove" } as const;

export function DeviceTree({ pool, administers, ask }: { pool: Pool; administers: boolean; ask: (asked: Asked) => void }) {
  return (
    <Table variant="compact" aria-label={`Devices of pool ${pool.name}`} gridBreakPoint="grid-md" className="flush">
      <Thead>
        <Tr>
          {["Device", "State", "Read", "Write", "Checksum"].map((head) => (
            <Th key={head}>{head}</Th>
          ))}
          {administers && <Th screenReaderText="Actions" />}
        </Tr>
      </Thead>
      <Tbody>
        {pool.vdevs.map((device, index) => {
          const group = groupOf(pool.vdevs, index);
          const actions = deviceActions(device, /^(mirror|replacing|spare)-/.test(group?.name ?? ""));
          return (
            <Tr key={`${device.role} ${device.name}`}>
              <Td dataLabel="Device">
                <span className={`depth-${Math.min(device.depth, 3)}`}>
                  <code>{device.name}</code> <span className="quiet">{[roles[device.role], device.note].filter(Boolean).join(", ")}</span>
                </span>
              </Td>
              <Td dataLabel="State">
                <StateLabel state={look[device.state] ?? "failed"} word={device.state} />
              </Td>
              {[device.read_errors, device.write_errors, device.checksum_errors].map((count, column) => (
                <Td key={column} dataLabel={["Read", "Write", "Checksum"][column]} className="numbers">
                  {count ?? "-"}
                </Td>
              ))}
              {administers && (
                <Td isActionCell>
                  {actions.length > 0 && (
                    <ActionsColumn
                      items={actions.map((action) => ({
                        title: verbs[action],
                        onClick: () =>
                          ask(action === "replace" || action === "attach" ? { what: action, pool, device: device.name } : { what: "device", pool, device: device.name, action }),
                      }))}
                    />
                  )}
                </Td>
              )}
            </Tr>
          );
        })}
      </Tbody>
    </Table>
  );
}
