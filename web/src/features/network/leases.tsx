import { Card, CardBody } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router-dom";
import { get } from "../../api/client";
import type { Lease } from "../../api/models";
import { Waiting } from "../../ui/page";
import { ErrorBox } from "../../ui/problem";
import { Moment } from "../../ui/time";
import { guestPage } from "../guests/guests";

/// dnsmasq tells nobody when a lease comes or goes.
const refetchEvery = 10_000;

export function LeasesTab() {
  const { data, error, refetch } = useQuery({
    queryKey: ["leases"],
    queryFn: ({ signal }) => get<Lease[]>("/leases", signal),
    refetchInterval: refetchEvery,
  });
  return (
    <Card>
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
                  <Td dataLabel="Until">{lease.expires ? <Moment at={lease.expires * 1000} /> : "for ever"}</Td>
                </Tr>
              ))}
            </Tbody>
          </Table>
        )}
      </CardBody>
    </Card>
  );
}
