import { Button, Card, CardBody } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router-dom";
import { call, segment } from "../../api/client";
import type { Switch } from "../../api/models";
import { Waiting } from "../../ui/page";
import { ErrorBox } from "../../ui/problem";
import { StateLabel } from "../../ui/state";
import { guestPage } from "../guests/guests";
import { OrderDialog } from "../tasks/order_dialog";
import { SwitchDialog } from "./switch_form";
import { useSwitches } from "./use_switches";

function Row({ item, administers, onEdit, onDelete }: { item: Switch; administers: boolean; onEdit: () => void; onDelete: () => void }) {
  return (
    <Tr>
      <Td dataLabel="Name">
        <strong>{item.name}</strong> {item.note && <span className="quiet">{item.note}</span>}
      </Td>
      <Td dataLabel="State">
        <StateLabel state={item.state} />
        {item.drift.map((line) => (
          <div key={line} className="quiet">
            {line}
          </div>
        ))}
      </Td>
      <Td dataLabel="Kind">
        {item.kind}
        {item.isolated && ", isolated"}
      </Td>
      <Td dataLabel="Bridge">
        <code>{item.interface}</code>
      </Td>
      <Td dataLabel="Network">
        {[item.address, item.address6].filter(Boolean).join(", ") || (item.uplink ? `${item.uplink}${item.vlan ? `, VLAN ${item.vlan}` : ""}` : "-")}
      </Td>
      <Td dataLabel="Guests">
        {item.guests.length
          ? item.guests.map((name) => (
              <Link key={name} className="spaced whole" to={guestPage(name)}>
                {name}
              </Link>
            ))
          : "none"}
      </Td>
      <Td isActionCell>
        {administers && (
          <>
            <Button variant="link" onClick={onEdit} aria-label={`Change switch ${item.name}`}>
              Change
            </Button>
            <Button variant="link" isDanger onClick={onDelete} aria-label={`Delete switch ${item.name}`}>
              Delete
            </Button>
          </>
        )}
      </Td>
    </Tr>
  );
}

/// Fetched with its ETag, so that nobody's change in between is lost.
function EditDialog({ name, onClose }: { name: string; onClose: () => void }) {
  const { data } = useQuery({
    queryKey: ["switches", "one", name],
    queryFn: () => call<Switch>("GET", `/switches/${segment(name)}`),
    gcTime: 0,
  });
  if (!data) return null;
  return <SwitchDialog item={data.data} {...(data.etag ? { etag: data.etag } : {})} onClose={onClose} />;
}

export function SwitchesTab({ administers }: { administers: boolean }) {
  const { data, error, refetch } = useSwitches();
  const [making, setMaking] = useState(false);
  const [editing, setEditing] = useState<string>();
  const [deleting, setDeleting] = useState<Switch>();
  return (
    <Card>
      <CardBody>
        {error && <ErrorBox error={error} retry={() => void refetch()} />}
        {!data && !error && <Waiting label="Fetching the switches" />}
        {administers && <Button onClick={() => setMaking(true)}>Create a switch</Button>}
        {data?.length === 0 && <p className="quiet">There is no switch yet; the set-up of the host makes three.</p>}
        {data && data.length > 0 && (
          <Table variant="compact" aria-label="Switches" gridBreakPoint="grid-lg" className="flush">
            <Thead>
              <Tr>
                {["Name", "State", "Kind", "Bridge", "Network", "Guests"].map((head) => (
                  <Th key={head}>{head}</Th>
                ))}
                <Th screenReaderText="Actions" />
              </Tr>
            </Thead>
            <Tbody>
              {data.map((item) => (
                <Row key={item.name} item={item} administers={administers} onEdit={() => setEditing(item.name)} onDelete={() => setDeleting(item)} />
              ))}
            </Tbody>
          </Table>
        )}
        {making && <SwitchDialog onClose={() => setMaking(false)} />}
        {editing && <EditDialog name={editing} onClose={() => setEditing(undefined)} />}
        {deleting && (
          <OrderDialog
            title={`Delete switch ${deleting.name}?`}
            verb="Delete"
            danger
            onClose={() => setDeleting(undefined)}
            order={() => ({ method: "DELETE", path: `/switches/${segment(deleting.name)}` })}
          >
            <p>
              {deleting.kind === "manual"
                ? `Bridge ${deleting.interface} stays as it is.`
                : `Bridge ${deleting.interface} goes, with its addresses and DHCP.`}
            </p>
          </OrderDialog>
        )}
      </CardBody>
    </Card>
  );
}
