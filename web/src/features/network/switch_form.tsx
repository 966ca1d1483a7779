import { Checkbox, ExpandableSection, FormGroup, FormSelect, FormSelectOption } from "@patternfly/react-core";
import { useState } from "react";
import { segment } from "../../api/client";
import type { Switch } from "../../api/models";
import { fieldProblems } from "../../api/problem";
import { numberOrText } from "../../text/number";
import { TextField } from "../guests/fields";
import { OrderDialog } from "../tasks/order_dialog";

export const kindWords: Record<Switch["kind"], string> = {
  nat: "nat: a network of its own, translated on its way out",
  private: "private: guests among themselves",
  public: "public: bridged to an uplink",
  manual: "manual: a bridge that you made, used as it is",
};

const texts = ["note", "uplink", "bridge", "address", "address6", "first", "last", "domain"] as const;
const numbers = ["vlan", "mtu", "lease"] as const;
type TextKey = (typeof texts)[number] | (typeof numbers)[number];
type Values = Record<TextKey, string> & { name: string; kind: Switch["kind"]; isolated: boolean; reach_host: boolean; dhcp: boolean; dns: string };

function valuesOf(item: Switch | undefined): Values {
  const values: Values = {
    name: item?.name ?? "", kind: item?.kind ?? "nat", isolated: item?.isolated ?? false, reach_host: item?.reach_host ?? false,
    dhcp: item?.dhcp ?? true, dns: item?.dns.join(", ") ?? "",
    note: "", uplink: "", bridge: "", address: "", address6: "", first: "", last: "", domain: "", vlan: "", mtu: "", lease: "",
  };
  for (const key of [...texts, ...numbers]) if (item?.[key] !== undefined) values[key] = String(item[key]);
  return values;
}

/// The request; fields of other kinds are left out, those without a value too.
export function bodyOf(values: Values, item: Switch | undefined): Record<string, unknown> {
  const own = values.kind === "nat" || values.kind === "private";
  const of: Record<string, boolean> = {
    uplink: values.kind === "public" || values.kind === "nat", vlan: values.kind === "public", bridge: values.kind === "manual",
    mtu: values.kind !== "manual", address: own, address6: own, first: own, last: own, lease: own, domain: own,
  };
  const body: Record<string, unknown> = { isolated: values.isolated, dhcp: values.dhcp, options: item?.options ?? [] };
  if (!item) Object.assign(body, { name: values.name, kind: values.kind });
  if (own) body["reach_host"] = values.reach_host;
  for (const key of texts) if (values[key] && of[key] !== false) body[key] = values[key];
  for (const key of numbers)
    if (values[key] && of[key]) body[key] = numberOrText(values[key]);
  if (own && values.dns.trim()) body["dns"] = values.dns.split(",").map((each) => each.trim());
  return body;
}

/// Makes a switch, or changes one.
export function SwitchDialog({ item, etag, onClose }: { item?: Switch; etag?: string; onClose: () => void }) {
  const [values, setValues] = useState(() => valuesOf(item));
  const [error, setError] = useState<Error | null>(null);
  const set = (changes: Partial<Values>) => setValues((old) => ({ ...old, ...changes }));
  const problems = fieldProblems(error);
  const field = (key: TextKey | "name" | "dns", label: string, help?: string) => (
    <TextField id={`switch-${key}`} label={label} value={values[key]} onChange={(next) => set({ [key]: next })} problem={problems[key]} {...(help ? { help } : {})} />
  );
  const own = values.kind === "nat" || values.kind === "private";
  return (
    <OrderDialog
      title={item ? `Change switch ${item.name}` : "Create a switch"}
      verb={item ? "Change" : "Create"}
      allowed={values.name !== ""}
      onClose={onClose}
      onProblem={setError}
      order={() =>
        item
          ? { method: "PUT", path: `/switches/${segment(item.name)}`, body: bodyOf(values, item), ...(etag ? { ifMatch: etag } : {}) }
          : { method: "POST", path: "/switches", body: bodyOf(values, item) }
      }
    >
      {!item && field("name", "Name", "1 to 8 lower-case letters, digits or '-'")}
      {!item && (
        <FormGroup label="Kind" fieldId="switch-kind">
          <FormSelect id="switch-kind" value={values.kind} onChange={(_event, kind) => set({ kind: kind as Switch["kind"] })}>
            {(Object.keys(kindWords) as Switch["kind"][]).map((kind) => (
              <FormSelectOption key={kind} value={kind} label={kindWords[kind]} />
            ))}
          </FormSelect>
        </FormGroup>
      )}
      {own && field("address", "Address of the host", values.kind === "nat" ? "Such as 10.77.5.1/24; a free network when empty" : "Such as 10.77.5.1/24; without one there is no DHCP")}
      {values.kind === "public" && (
        <div className="field-row">
          {field("uplink", "Uplink", "A NIC or lagg without addresses, or any with a VLAN")}
          {field("vlan", "VLAN", "1 to 4094; untagged when empty")}
        </div>
      )}
      {values.kind === "manual" && field("bridge", "Bridge", "Such as bridge0; bHype never changes it")}
      <Checkbox id="switch-isolated" label="Guests do not reach each other" isChecked={values.isolated} onChange={(_event, isolated) => set({ isolated })} />
      {own && (
        <Checkbox id="switch-reach" label="Guests may reach the host's own addresses" isChecked={values.reach_host} onChange={(_event, reach_host) => set({ reach_host })} />
      )}
      <ExpandableSection toggleText="More">
        {own && (
          <>
            <Checkbox id="switch-dhcp" label="Serve DHCP and names" isChecked={values.dhcp} onChange={(_event, dhcp) => set({ dhcp })} />
            <div className="field-row">
              {field("first", "First address for guests")}
              {field("last", "Last address for guests")}
              {field("lease", "Lease, seconds", "12 hours when empty")}
            </div>
            {field("address6", "IPv6 address of the host", "Such as fd00:77::1/64; guests hear of it by router advertisements")}
            {field("dns", "DNS servers", "The host's address when empty")}
            {field("domain", "Domain")}
          </>
        )}
        {values.kind === "nat" && field("uplink", "Way out", "The default route's interface when empty")}
        {values.kind !== "manual" && field("mtu", "MTU")}
        {field("note", "Note")}
      </ExpandableSection>
    </OrderDialog>
  );
}
