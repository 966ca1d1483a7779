import { Card, CardBody, CardTitle } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "react-router-dom";
import { get } from "../../api/client";
import type { Lease, Neighbor } from "../../api/models";
import { Waiting } from "../../ui/page";
import { ErrorBox } from "../../ui/problem";
import { Until } from "../../ui/time";
import { guestPage } from "../guests/guests";

/// dnsmasq tells nobody when a lease comes or goes.
const refetchEvery = 10_000;

function Owner({ vm, nic }: { vm?: string; nic?: string }) {
  return (
    <>
      {vm ? <Link to={guestPage(vm)}>{vm}</Link> : "none of bHype's"} {nic}
    </>
  );
}

/// A list that is fetched again and again, as a table; `row` gives the cells under `heads`.
function Listed<Item>({ title, path, empty, heads, keyOf, row }: {
  title: string;
  path: string;
  empty: string;
  heads: string[];
  keyOf: (item: Item) => string;
  row: (item: Item) => ReactNode[];
}) {
  const { data, error, refetch } = useQuery({
    queryKey: [path],
    queryFn: ({ signal }) => get<Item[]>(`/${path}`, signal),
    refetchInterval: refetchEvery,
  });
  return (
    <Card>
      <CardTitle component="h2">{title}</CardTitle>
      <CardBody>
        {error && <ErrorBox error={error} retry={() => void refetch()} />}
        {!data && !error && <Waiting label={`Fetching the ${path}`} />}
        {data?.length === 0 && <p className="quiet">{empty}</p>}
        {data && data.length > 0 && (
          <Table variant="compact" aria-label={title} gridBreakPoint="grid-md" className="flush">
            <Thead>
              <Tr>
                {heads.map((head) => (
                  <Th key={head}>{head}</Th>
                ))}
              </Tr>
            </Thead>
            <Tbody>
              {data.map((item) => (
                <Tr key={keyOf(item)}>
                  {row(item).map((cell, column) => (
                    <Td key={heads[column]} dataLabel={heads[column]}>
                      {cell}
                    </Td>
                  ))}
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
      <Listed<Lease>
        title="DHCP leases"
        path="leases"
        empty="No guest has asked for an address yet."
        heads={["Address", "Guest", "Switch", "MAC", "Name", "Until"]}
        keyOf={(lease) => lease.mac}
        row={(lease) => [
          <>
            <code>{lease.address}</code> {lease.fixed && <span className="quiet">reserved</span>}
          </>,
          <Owner vm={lease.vm} nic={lease.nic} />,
          lease.switch ?? "-",
          <code>{lease.mac}</code>,
          lease.hostname || "-",
          lease.expires ? <Until at={lease.expires * 1000} /> : "for ever",
        ]}
      />
      <Listed<Neighbor>
        title="MACs and addresses seen"
        path="neighbors"
        empty="The host has talked to nobody lately."
        heads={["Address", "MAC", "Guest", "Switch", "Seen on"]}
        keyOf={(one) => `${one.interface} ${one.address}`}
        row={(one) => [
          <code>{one.address}</code>,
          <code>{one.mac}</code>,
          <Owner vm={one.vm} nic={one.nic} />,
          one.switch ?? "-",
          one.interface,
        ]}
      />
    </div>
  );
}
