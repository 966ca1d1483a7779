import { Alert, Checkbox, FormGroup, FormSelect, FormSelectOption, Radio } from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call, get, segment } from "../../api/client";
import type { Disk, Pool, Proposal, StoragePlan, VdevGroup } from "../../api/models";
import { fieldProblems } from "../../api/problem";
import { formatSize } from "../../text/size";
import { ErrorBox } from "../../ui/problem";
import { TypeToConfirm } from "../../ui/type_to_confirm";
import { TextField } from "../guests/fields";
import { OrderDialog } from "../tasks/order_dialog";
import { EncryptionChoice, isWhole, noEncryption, wish, withSecret } from "./keys";
import { groupWords, poolPath, useDisks } from "./storage";

/// What the server would do, asked for anew whenever the wish changes.
function useStoragePlan(path: string, body: Record<string, unknown>, enabled: boolean) {
  return useQuery({
    queryKey: ["pools", "plan", path, body],
    queryFn: async ({ signal }) => (await call<StoragePlan>("POST", path, { body: { ...body, plan: true }, signal })).data,
    enabled,
    retry: false,
    gcTime: 0,
  });
}

function WhatIsDone({ plan, name, typed, onType }: { plan: StoragePlan; name: string; typed: string; onType: (text: string) => void }) {
  return (
    <>
      {plan.commands.map((command) => (
        <pre key={command} className="words">
          {command}
        </pre>
      ))}
      {plan.warnings.map((warning) => (
        <Alert key={warning} isInline variant="warning" component="p" title={warning} />
      ))}
      <Alert isInline variant="danger" component="p" title="Everything on these disks is lost">
        <ul className="plan-list">
          {plan.wipes.map((disk) => (
            <li key={disk}>{disk}</li>
          ))}
        </ul>
      </Alert>
      <TypeToConfirm name={name} value={typed} onChange={onType} />
    </>
  );
}

function DiskChoice({ disks, chosen, onChange, label }: { disks: readonly Disk[]; chosen: readonly string[]; onChange: (next: string[]) => void; label: string }) {
  const free = disks.filter((disk) => !disk.used_by);
  return (
    <FormGroup role="group" label={label} fieldId="disks">
      {free.length === 0 && <p className="quiet">No disk is free: those of pools, with partitions, mounted or swapped to are not offered.</p>}
      {free.map((disk) => (
        <Checkbox key={disk.name} id={`disk-${disk.name}`} label={`${disk.name}  ${formatSize(disk.size)}`} description={[disk.description, disk.ident].filter(Boolean).join(", ")}
          isChecked={chosen.includes(disk.name)} onChange={(_event, on) => onChange(on ? [...chosen, disk.name] : chosen.filter((each) => each !== disk.name))} />
      ))}
    </FormGroup>
  );
}

const extraRoles = ["log", "cache", "special", "spare"] as const;
const roleHelp: Record<(typeof extraRoles)[number], string> = {
  log: "Log: takes synchronous writes first; for databases and NFS",
  cache: "Cache: more room for what is read often; may be lost",
  special: "Special: metadata and small blocks; lost means the pool is lost",
  spare: "Spare: stands in by itself when a disk fails",
};

export function MakePool({ onClose }: { onClose: () => void }) {
  const disks = useDisks(true);
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState<string[]>([]);
  const [wanted, setWanted] = useState<string>();
  const [encryption, setEncryption] = useState(noEncryption);
  const [extra, setExtra] = useState<Record<string, string>>({});
  const [typed, setTyped] = useState("");
  const main = chosen.filter((disk) => !extra[disk]);
  const layouts = useQuery({
    queryKey: ["pools", "layouts", main],
    queryFn: ({ signal }) => get<Proposal[]>(`/layouts?disks=${main.map(encodeURIComponent).join(",")}`, signal),
    enabled: main.length > 0,
    retry: false,
  });
  const proposal = layouts.data?.find((each) => each.name === wanted) ?? layouts.data?.[0];
  const more: VdevGroup[] = extraRoles.flatMap((role) => {
    const those = chosen.filter((disk) => extra[disk] === role);
    if (those.length === 0) return [];
    return [{ role, layout: role !== "cache" && role !== "spare" && those.length > 1 ? "mirror" : "stripe", disks: those }];
  });
  const groups = main.length > 0 && proposal ? [...proposal.groups, ...more] : [];
  const body = { name, groups, ...wish(encryption) };
  const plan = useStoragePlan("/pools", body, name !== "" && groups.length > 0);
  const problems = fieldProblems(plan.error);
  const change = (next: () => void) => {
    next();
    setTyped("");
  };
  return (
    <OrderDialog title="Make a pool" verb="Make it" danger allowed={Boolean(plan.data) && typed === name && isWhole(encryption)} onClose={onClose}
      order={() => ({ method: "POST", path: "/pools", body, prepare: () => withSecret(body, encryption) })}>
      <TextField id="pool-name" label="Name" required value={name} onChange={(next) => change(() => setName(next))} problem={problems["name"]} />
      {disks.error && <ErrorBox error={disks.error} />}
      {disks.data && <DiskChoice disks={disks.data} chosen={chosen} onChange={(next) => change(() => setChosen(next))} label="Disks" />}
      {chosen.length > 1 && (
        <FormGroup role="group" label="What each is for" fieldId="roles">
          {chosen.map((disk) => (
            <FormSelect key={disk} aria-label={`What ${disk} is for`} value={extra[disk] ?? ""} onChange={(_event, role) => change(() => setExtra((old) => ({ ...old, [disk]: role })))}>
              <FormSelectOption value="" label={`${disk}: data`} />
              {extraRoles.map((role) => (
                <FormSelectOption key={role} value={role} label={`${disk}: ${roleHelp[role]}`} />
              ))}
            </FormSelect>
          ))}
        </FormGroup>
      )}
      {layouts.error && <ErrorBox error={layouts.error} />}
      {main.length > 0 && layouts.data && (
        <FormGroup role="radiogroup" label="Layout" fieldId="layout">
          {layouts.data.map((each) => (
            <Radio key={each.name} id={`layout-${each.name}`} name="layout" isChecked={each === proposal} onChange={() => change(() => setWanted(each.name))}
              label={`${each.name}: ${formatSize(each.usable)}, ${each.survives === 0 ? "no disk may fail" : each.survives === 1 ? "any one disk may fail" : `any ${each.survives} disks may fail`}${each.recommended ? " (recommended)" : ""}`}
              description={`${each.words} ${groupWords(each.groups)}`} />
          ))}
        </FormGroup>
      )}
      <EncryptionChoice value={encryption} onChange={setEncryption} />
      {plan.error && !problems["name"] && <ErrorBox error={plan.error} />}
      {plan.data && (
        <>
          <p>
            Holds {formatSize(plan.data.usable ?? 0)};{" "}
            {plan.data.survives === 0 ? "no disk may fail." : `${plan.data.survives} ${plan.data.survives === 1 ? "disk" : "disks"} may fail, whichever.`}
          </p>
          <WhatIsDone plan={plan.data} name={name} typed={typed} onType={setTyped} />
        </>
      )}
    </OrderDialog>
  );
}

const addKinds: Record<string, { label: string; group: (disks: string[]) => VdevGroup }> = {
  mirror: { label: "More room: a mirror", group: (disks) => ({ role: "data", layout: "mirror", disks }) },
  raidz1: { label: "More room: a raidz1", group: (disks) => ({ role: "data", layout: "raidz1", disks }) },
  raidz2: { label: "More room: a raidz2", group: (disks) => ({ role: "data", layout: "raidz2", disks }) },
  stripe: { label: "More room: single disks, without redundancy", group: (disks) => ({ role: "data", layout: "stripe", disks }) },
  ...Object.fromEntries(
    extraRoles.map((role) => [
      role,
      { label: roleHelp[role], group: (disks: string[]): VdevGroup => ({ role, layout: role !== "cache" && role !== "spare" && disks.length > 1 ? "mirror" : "stripe", disks }) },
    ]),
  ),
};

export function AddDisks({ pool, onClose }: { pool: Pool; onClose: () => void }) {
  const disks = useDisks(true);
  const [kind, setKind] = useState("mirror");
  const [chosen, setChosen] = useState<string[]>([]);
  const [typed, setTyped] = useState("");
  const body = { group: addKinds[kind]?.group(chosen) };
  const plan = useStoragePlan(poolPath(pool.name, "/vdevs"), body, chosen.length > 0);
  return (
    <OrderDialog title={`Add disks to pool ${pool.name}`} verb="Add" danger allowed={Boolean(plan.data) && typed === pool.name} onClose={onClose}
      order={() => ({ method: "POST", path: poolPath(pool.name, "/vdevs"), body })}>
      <FormGroup label="For" fieldId="add-kind">
        <FormSelect id="add-kind" value={kind} onChange={(_event, next) => { setKind(next); setTyped(""); }}>
          {Object.entries(addKinds).map(([each, { label }]) => (
            <FormSelectOption key={each} value={each} label={label} />
          ))}
        </FormSelect>
      </FormGroup>
      {disks.data && <DiskChoice disks={disks.data} chosen={chosen} onChange={(next) => { setChosen(next); setTyped(""); }} label="Disks" />}
      {(plan.error ?? disks.error) && <ErrorBox error={plan.error ?? disks.error} />}
      {plan.data && <WhatIsDone plan={plan.data} name={pool.name} typed={typed} onType={setTyped} />}
    </OrderDialog>
  );
}

export function PutDisk({ pool, device, word, onClose }: { pool: Pool; device: string; word: "replace" | "attach"; onClose: () => void }) {
  const disks = useDisks(true);
  const [chosen, setChosen] = useState("");
  const [typed, setTyped] = useState("");
  const free = disks.data?.filter((disk) => !disk.used_by) ?? [];
  const disk = chosen || free[0]?.name || "";
  const body = { device, disk };
  const path = poolPath(pool.name, `/${word}`);
  const plan = useStoragePlan(path, body, disk !== "");
  return (
    <OrderDialog title={word === "replace" ? `Replace ${device} in pool ${pool.name}` : `Make a mirror of ${device} in pool ${pool.name}`}
      verb={word === "replace" ? "Replace" : "Attach"} danger allowed={Boolean(plan.data) && typed === pool.name} onClose={onClose} order={() => ({ method: "POST", path, body })}>
      <p>
        {word === "replace" ? "The new disk is filled from the others, then the old one leaves the pool." : "The new disk is filled from this one and then holds the same."} VMs go on meanwhile.
      </p>
      {disks.data && free.length === 0 && <p className="quiet">No disk is free: those of pools, with partitions, mounted or swapped to are not offered.</p>}
      {free.length > 0 && (
        <FormGroup label="Disk" fieldId="put-disk">
          <FormSelect id="put-disk" value={disk} onChange={(_event, next) => { setChosen(next); setTyped(""); }}>
            {free.map((each) => (
              <FormSelectOption key={each.name} value={each.name} label={`${each.name}  ${formatSize(each.size)}  ${each.description}`} />
            ))}
          </FormSelect>
        </FormGroup>
      )}
      {(plan.error ?? disks.error) && <ErrorBox error={plan.error ?? disks.error} />}
      {plan.data && <WhatIsDone plan={plan.data} name={pool.name} typed={typed} onType={setTyped} />}
    </OrderDialog>
  );
}

export function WipeDisk({ disk, onClose }: { disk: string; onClose: () => void }) {
  const [typed, setTyped] = useState("");
  const path = `/disks/${segment(disk)}/wipe`;
  const plan = useStoragePlan(path, {}, true);
  return (
    <OrderDialog title={`Wipe ${disk}?`} verb="Wipe" danger allowed={Boolean(plan.data) && typed === disk} onClose={onClose} order={() => ({ method: "POST", path, body: {} })}>
      {plan.error && <ErrorBox error={plan.error} />}
      {plan.data && <WhatIsDone plan={plan.data} name={disk} typed={typed} onType={setTyped} />}
    </OrderDialog>
  );
}
