import { Card, CardBody, CardTitle } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router-dom";
import { get } from "../../api/client";
import type { Lease, Neighbor } from "../../api/models";
import { Waiting } from "../../ui/page";
import { ErrorBox } from "../../ui/problem";
import { Until } from "../../ui/time";
import { guestPage } from "../guests/guests";

/// dnsmasq tells nobody when a lease comes or goes.
const refetchEvery = 10_000;

/// What was seen of guests that have no lease: an address set in the guest, or of IPv6.
function Neighbors() {
  const { data, error, refetch } = useQuery({
    queryKey: ["neighbors"],
    queryFn: ({ signal }) => get<Neighbor[]>("/neighbors", signal),
    refetchInterval: refetchEvery,
  });
  return (
    <Card>
      <CardTitle component="h2">MACs and addresses seen</CardTitle>
      <CardBody>
        {error && <ErrorBox error={error} retry={() => void refetch()} />}
        {!data && !error && <Waiting label="Fetching what was seen" />}
        {data?.length === 0 && <p className="quiet">The host has talked to nobody lately.</p>}
        {data && data.length > 0 && (
          <Table variant="compact" aria-label="MACs and addresses seen" gridBreakPoint="grid-md" className="flush">
            <Thead>
              <Tr>
                {["Address", "MAC", "Guest", "Switch", "Seen on"].map((head) => (
                  <Th key={head}>{head}</Th>
                ))}
              </Tr>
            </Thead>
            <Tbody>
              {data.map((one) => (
                <Tr key={`${one.interface} ${one.address}`}>
                  <Td dataLabel="Address">
                    <code>{one.address}</code>
                  </Td>
                  <Td dataLabel="MAC">
                    <code>{one.mac}</code>
                  </Td>
                  <Td dataLabel="Guest">
                    {one.vm ? <Link to={guestPage(one.vm)}>{one.vm}</Link> : "none of bHype's"} {one.nic}
                  </Td>
                  <Td dataLabel="Switch">{one.switch ?? "-"}</Td>
                  <Td dataLabel="Seen on">{one.interface}</Td>
                </Tr>
              ))}
            </Tbody>
          </Table>
        )}
      </CardBody>
    </Card>
  );
}

export function LeasesTab() {
  return (
    <div className="cards">
      <Leases />
      <Neighbors />
    </div>
  );
}

function Leases() {
  const { data, error, refetch } = useQuery({
    queryKey: ["leases"],
    queryFn: ({ signal }) => get<Lease[]>("/leases", signal),
    refetchInterval: refetchEvery,
  });
  return (
    <Card>
      <CardTitle component="h2">DHCP leases</CardTitle>
      <CardBody>
        {error && <ErrorBox error={error} retry={() => void refetch()} />}
        {!data && !error && <Waiting label="Fetching the leases" />}
        {data?.length === 0 && <p className="quiet">No guest has asked for an address yet.</p>}
        {data && data.length > 0 && (
          <Table variant="compact" aria-label="DHCP leases" gridBreakPoint="grid-md" className="flush">
            <Thead>
              <Tr>
                {["Address", "Guest", "Switch", "MAC", "Name", "Until"].map((head) => (
                  <Th key={head}>{head}</Th>
                ))}
              </Tr>
            </Thead>
            <Tbody>
              {data.map((lease) => (
                <Tr key={lease.mac}>
                  <Td dataLabel="Address">
                    <code>{lease.address}</code> {lease.fixed && <span className="quiet">reserved</span>}
                  </Td>
                  <Td dataLabel="Guest">
                    {lease.vm ? <Link to={guestPage(lease.vm)}>{lease.vm}</Link> : "none of bHype's"} {lease.nic}
                  </Td>
                  <Td dataLabel="Switch">{lease.switch ?? "-"}</Td>
                  <Td dataLabel="MAC">
                    <code>{lease.mac}</code>
                  </Td>
                  <Td dataLabel="Name">{lease.hostname || "-"}</Td>
                  <Td dataLabel="Until">{lease.expires ? <Until at={lease.expires * 1000} /> : "for ever"}</Td>
                </Tr>
              ))}
            </Tbody>
          </Table>
        )}
      </CardBody>
    </Card>
  );
}
