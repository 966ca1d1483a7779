import { Checkbox, FormGroup, FormSelect, FormSelectOption } from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../../api/client";
import type { UplinkPlan } from "../../api/models";
import { fieldProblems } from "../../api/problem";
import { numberOrText } from "../../text/number";
import { Waiting } from "../../ui/page";
import { ErrorBox } from "../../ui/problem";
import { TextField } from "../guests/fields";
import { OrderDialog } from "../tasks/order_dialog";
import { useSwitches } from "./use_switches";

export type UplinkOrder =
  | { kind: "bridge"; port: string }
  | { kind: "unbridge"; port: string; switch: string }
  | { kind: "lagg"; ports: string[] }
  | { kind: "unlagg"; port: string }
  | { kind: "vlan"; port: string }
  | { kind: "unvlan"; port: string; vlan: string };

const titles: Record<UplinkOrder["kind"], string> = {
  bridge: "Bridge the NIC to a switch?",
  unbridge: "Give the host's addresses back to the NIC?",
  lagg: "Join NICs as one?",
  unlagg: "Take the lagg apart?",
  vlan: "Add a VLAN for the host?",
  unvlan: "Remove the VLAN?",
};

const told: Record<UplinkOrder["kind"], string> = {
  bridge: "Guests on the switch are then on the NIC's network. The host's addresses and routes move to the bridge, with the NIC's MAC.",
  unbridge: "The host's addresses and routes move back to the NIC. Guests on the switch reach only each other then.",
  lagg: "The host stays reachable when one of them loses its cable. Addresses and routes move to the new interface.",
  unlagg: "Its addresses and routes move to its first NIC.",
  vlan: "An interface of the host's own, tagged on the NIC. Guests get a VLAN by a public switch instead.",
  unvlan: "Its addresses and routes go with it.",
};

interface Values {
  switch: string;
  ports: string[];
  protocol: string;
  name: string;
  vlan: string;
  address: string;
  seconds: string;
}

function bodyOf(asked: UplinkOrder, values: Values): Record<string, unknown> {
  const seconds = numberOrText(values.seconds);
  switch (asked.kind) {
    case "bridge":
      return { kind: "bridge", present: true, ports: [asked.port], switch: values.switch, seconds };
    case "unbridge":
      return { kind: "bridge", present: false, ports: [asked.port], switch: asked.switch, seconds };
    case "lagg":
      return { kind: "lagg", present: true, ports: values.ports, name: values.name, protocol: values.protocol, seconds };
    case "unlagg":
      return { kind: "lagg", present: false, name: asked.port, seconds };
    case "vlan":
      return {
        kind: "vlan",
        present: true,
        ports: [asked.port],
        vlan: numberOrText(values.vlan),
        ...(values.address ? { address: values.address } : {}),
        seconds,
      };
    case "unvlan":
      return { kind: "vlan", present: false, ports: [asked.port], vlan: numberOrText(asked.vlan), seconds };
  }
}

function Commands({ title, lines }: { title: string; lines: readonly string[] }) {
  return (
    <div>
      <h2 className="section-title">{title}</h2>
      <pre>{lines.join("\n")}</pre>
    </div>
  );
}

/// Asks, with the commands as they would run: forward, back, and into rc.conf.
export function UplinkDialog({ asked, onClose }: { asked: UplinkOrder; onClose: () => void }) {
  const switches = useSwitches(asked.kind === "bridge");
  const open = switches.data?.filter((each) => each.kind === "public" && !each.uplink) ?? [];
  const [values, setValues] = useState<Values>({
    switch: "",
    ports: asked.kind === "lagg" ? asked.ports : [],
    protocol: "failover",
    name: "lagg0",
    vlan: "",
    address: "",
    seconds: "60",
  });
  const set = (changes: Partial<Values>) => setValues((old) => ({ ...old, ...changes }));
  const filled = { ...values, switch: values.switch || (open[0]?.name ?? "") };
  const body = bodyOf(asked, filled);
  const ready = asked.kind === "bridge" ? filled.switch !== "" : asked.kind === "vlan" ? values.vlan !== "" : true;
  const plan = useQuery({
    queryKey: ["uplinks", "plan", body],
    queryFn: async () => (await call<UplinkPlan>("POST", "/uplinks", { body: { ...body, plan: true } })).data,
    enabled: ready,
    retry: false,
    // What is in the way may pass while somebody reads it: a bridge that is still to be made after a boot.
    refetchInterval: ({ state }) => (state.error ? 3_000 : false),
    gcTime: 0,
  });
  const problems = fieldProblems(plan.error);
  const own = ["switch", "ports", "protocol", "name", "vlan", "address", "seconds"];
  const elsewhere = plan.error && !Object.keys(problems).some((field) => own.includes(field));
  return (
    <OrderDialog title={titles[asked.kind]} verb="Change it" danger allowed={plan.isSuccess} onClose={onClose} order={() => ({ method: "POST", path: "/uplinks", body })}>
      <p>{told[asked.kind]}</p>
      {asked.kind === "bridge" && (
        <FormGroup label="Switch" fieldId="uplink-switch" isRequired>
          <FormSelect id="uplink-switch" value={filled.switch} onChange={(_event, next) => set({ switch: next })}>
            {open.map((each) => (
              <FormSelectOption key={each.name} value={each.name} label={each.name} />
            ))}
          </FormSelect>
          {switches.data && open.length === 0 && <p className="field-problem">There is no public switch without an uplink: create one first.</p>}
        </FormGroup>
      )}
      {asked.kind === "lagg" && (
        <>
          <FormGroup role="group" label="NICs" fieldId="uplink-ports">
            {asked.ports.map((port) => (
              <Checkbox
                key={port}
                id={`uplink-port-${port}`}
                label={port}
                isChecked={values.ports.includes(port)}
                onChange={(_event, on) => set({ ports: asked.ports.filter((each) => (each === port ? on : values.ports.includes(each))) })}
              />
            ))}
          </FormGroup>
          <FormGroup label="Protocol" fieldId="uplink-protocol">
            <FormSelect id="uplink-protocol" value={values.protocol} onChange={(_event, protocol) => set({ protocol })}>
              <FormSelectOption value="failover" label="failover: the first one, the next when it has no link" />
              <FormSelectOption value="lacp" label="lacp: all at once; the network's switch must be set up for it" />
              <FormSelectOption value="loadbalance" label="loadbalance: all at once, without a protocol" />
            </FormSelect>
          </FormGroup>
          <TextField id="uplink-name" label="Name" value={values.name} onChange={(name) => set({ name })} problem={problems["name"]} />
        </>
      )}
      {asked.kind === "vlan" && (
        <div className="field-row">
          <TextField id="uplink-vlan" label="Tag" required value={values.vlan} onChange={(vlan) => set({ vlan })} problem={problems["vlan"]} help="1 to 4094" />
          <TextField id="uplink-address" label="Address" value={values.address} onChange={(address) => set({ address })} problem={problems["address"]} help="Such as 10.20.0.5/24" />
        </div>
      )}
      <TextField
        id="uplink-seconds"
        label="Goes back unless you keep it within"
        value={values.seconds}
        onChange={(seconds) => set({ seconds })}
        problem={problems["seconds"]}
        help="Seconds, 10 to 3600"
      />
      {["ports", "switch"].map((field) => problems[field] && <p key={field} className="field-problem">{problems[field]}</p>)}
      {elsewhere && plan.error && <ErrorBox error={plan.error} />}
      {ready && plan.isPending && <Waiting lines={3} label="Asking what would be done" />}
      {plan.data && (
        <>
          <Commands title="Now" lines={plan.data.now} />
          <Commands title="Unless you keep it, whatever happens to bHype or to your connection" lines={plan.data.back} />
          <Commands title="Once you keep it" lines={plan.data.saved} />
        </>
      )}
    </OrderDialog>
  );
}
