import { Card, CardBody } from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router-dom";
import { get } from "../../api/client";
import type { NicSummary, Switch, UplinkList, VmSummary } from "../../api/models";
import { Waiting } from "../../ui/page";
import { ErrorBox } from "../../ui/problem";
import { StateLabel } from "../../ui/state";
import { guestPage, useVms } from "../guests/guests";
import { type Rate, formatRate, useTraffic } from "./traffic";
import { useSwitches } from "./use_switches";

/// More of them would be a list, which there is already.
const mostGuests = 40;

/// A line between two things, thicker where more goes through. `received` of a tap is what its guest sends.
function Line({ rate, name }: { rate?: Rate; name?: string | undefined }) {
  const all = (rate?.received ?? 0) + (rate?.sent ?? 0);
  const width = 1 + Math.min(5, Math.floor(Math.log10(all + 1)));
  return (
    <span className="net-line" title={name}>
      <svg aria-hidden="true" preserveAspectRatio="none" viewBox="0 0 100 8">
        <line x1="0" y1="4" x2="100" y2="4" strokeWidth={width} className={all > 0 ? "net-busy" : "net-idle"} />
      </svg>
      {rate && (
        <span className="quiet numbers">
          {formatRate(rate.received)} in, {formatRate(rate.sent)} out
        </span>
      )}
    </span>
  );
}

function outside(item: Switch, wayOut: string | undefined): string {
  if (item.kind === "public") return item.uplink ? (item.vlan ? `${item.uplink}, VLAN ${item.vlan}` : item.uplink) : "nothing outside";
  if (item.kind === "nat") return `NAT by ${item.uplink ?? wayOut ?? "the default route"}`;
  return item.kind === "manual" ? "as the bridge is" : "nothing outside";
}

interface Placed {
  vm: VmSummary;
  nic: NicSummary;
}

function Row({ item, guests, uplinks, rates }: { item: Switch; guests: readonly Placed[]; uplinks?: UplinkList | undefined; rates: ReadonlyMap<string, Rate> }) {
  const host = uplinks?.uplinks.find((each) => each.used_by.includes("the host"))?.name;
  const port = item.kind === "public" ? (item.vlan ? `bhv-${item.name}` : item.uplink) : item.kind === "nat" ? item.interface : undefined;
  const rate = port ? rates.get(port) : undefined;
  const shown = guests.slice(0, mostGuests);
  return (
    <li className="net-row">
      <span className="net-box net-outside">{outside(item, host)}</span>
      <Line {...(rate ? { rate } : {})} name={port} />
      <span className="net-box">
        <strong>{item.name}</strong> <StateLabel state={item.state} />
        <span className="quiet">
          {item.interface} {item.address ?? ""}
        </span>
      </span>
      <ul className="net-guests">
        {shown.length === 0 && <li className="quiet">no guest of yours</li>}
        {shown.map(({ vm, nic }) => {
          const through = nic.tap ? rates.get(nic.tap) : undefined;
          return (
            <li key={`${vm.name} ${nic.name}`}>
              <Line {...(through ? { rate: { received: through.sent, sent: through.received } } : {})} name={nic.tap} />
              <span className="net-box">
                <Link to={guestPage(vm.name)}>{vm.name}</Link> <span className="quiet">{[nic.name, nic.address, nic.mac].filter(Boolean).join(", ")}</span>
              </span>
            </li>
          );
        })}
        {guests.length > shown.length && <li className="quiet">and {guests.length - shown.length} more</li>}
      </ul>
    </li>
  );
}

export function PictureTab({ administers }: { administers: boolean }) {
  const switches = useSwitches();
  const vms = useVms();
  const uplinks = useQuery({ queryKey: ["uplinks"], queryFn: ({ signal }) => get<UplinkList>("/uplinks", signal), enabled: administers });
  const { rates } = useTraffic();
  if (switches.error) return <ErrorBox error={switches.error} retry={() => void switches.refetch()} />;
  if (!switches.data || !vms.data) return <Waiting label="Looking at the networks" />;
  const guests = new Map<string, Placed[]>();
  for (const vm of vms.data)
    for (const nic of vm.nics) guests.set(nic.switch, [...(guests.get(nic.switch) ?? []), { vm, nic }]);
  return (
    <Card>
      <CardBody>
        <p className="quiet net-legend">Outside, switches, guests. In and out are seen from the switch&apos;s uplink and from the guest.</p>
        {switches.data.length === 0 && <p className="quiet">There is no switch yet; the set-up of the host makes three.</p>}
        <ul className="net-rows" aria-label="Networks, from outside to the guests">
          {switches.data.map((item) => (
            <Row key={item.name} item={item} guests={guests.get(item.name) ?? []} uplinks={uplinks.data} rates={rates} />
          ))}
        </ul>
      </CardBody>
    </Card>
  );
}
