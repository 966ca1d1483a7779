import { Checkbox, Modal, ModalBody, ModalHeader, Radio } from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { call, finished, get, order, segment } from "../../api/client";
import type { Difference, Snapshot, SnapshotDefinition, SnapshotPlan, Vm } from "../../api/models";
import { fieldProblems } from "../../api/problem";
import { formatSize } from "../../text/size";
import { Waiting } from "../../ui/page";
import { ErrorBox } from "../../ui/problem";
import { TypeToConfirm } from "../../ui/type_to_confirm";
import { OrderDialog } from "../tasks/order_dialog";
import { BrowseDialog } from "./browse_snapshot";
import { TextField } from "./fields";
import { isUp } from "./guests";
import { PlanList, planItem } from "./plan_list";

export interface AskedSnapshot {
  what: "take" | "clone" | "rollback" | "browse" | "compare" | "note" | "hold" | "delete";
  names: readonly string[];
  one?: Snapshot;
}

export interface DialogProps {
  vm: Vm;
  asked: AskedSnapshot;
  onClose: () => void;
}

const snapshotsPath = (vm: Vm): string => `/vms/${segment(vm.name)}/snapshots`;
const onePath = (vm: Vm, asked: AskedSnapshot): string => `${snapshotsPath(vm)}/${segment(asked.names[0] ?? "")}`;

function Live({ vm }: { vm: Vm }) {
  return isUp(vm) ? (
    <p>
      The guest runs, so its disks will be crash-consistent: as a loss of power would leave them. Stop it first for a clean
      state.
    </p>
  ) : null;
}

function TakeDialog({ vm, onClose }: DialogProps) {
  const [name, setName] = useState("");
  const [note, setNote] = useState("");
  const [error, setError] = useState<Error | null>(null);
  const problems = fieldProblems(error);
  return (
    <OrderDialog
      title={`Take a snapshot of ${vm.name}?`}
      verb="Take"
      onClose={onClose}
      onProblem={setError}
      order={() => ({
        method: "POST",
        path: snapshotsPath(vm),
        body: { ...(name ? { name } : {}), ...(note ? { note } : {}) },
      })}
    >
      <p>The definition, the firmware's variables and all disks, at one moment.</p>
      <Live vm={vm} />
      <TextField id="snapshot-name" label="Name" value={name} onChange={setName} problem={problems["name"]} help="The present time in UTC when empty" />
      <TextField id="snapshot-note" label="Note" value={note} onChange={setNote} problem={problems["note"]} />
    </OrderDialog>
  );
}

function CloneDialog({ vm, asked, onClose }: DialogProps) {
  const snapshot = asked.names[0];
  const [name, setName] = useState("");
  const [start, setStart] = useState(true);
  const [full, setFull] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const problems = fieldProblems(error);
  const body = { name, start, full, ...(snapshot ? { snapshot } : {}) };
  return (
    <OrderDialog
      title={snapshot ? `Clone ${vm.name} as it was at ${snapshot}?` : `Clone ${vm.name} as it is now?`}
      verb="Clone"
      allowed={name !== ""}
      onClose={onClose}
      onProblem={setError}
      order={() => ({ method: "POST", path: `/vms/${segment(vm.name)}/clone`, body })}
    >
      <p>
        {full
          ? "The blocks are copied, which takes their space and time; the new VM depends on nothing."
          : "The new VM shares the snapshot's blocks and takes only the space of what it changes. The snapshot cannot be deleted while the clone lives."}{" "}
        Id, MACs and reserved addresses are its own; host keys and names inside the guest are copies.
      </p>
      {!snapshot && <Live vm={vm} />}
      <TextField id="clone-name" label="Name of the new VM" required value={name} onChange={setName} problem={problems["name"]} />
      <Checkbox id="clone-full" label="Full: copy the blocks" isChecked={full} onChange={(_event, next) => setFull(next)} />
      <Checkbox id="clone-start" label="Start it" isChecked={start} onChange={(_event, next) => setStart(next)} />
    </OrderDialog>
  );
}

function Differences({ items }: { items: readonly Difference[] }) {
  if (items.length === 0) return <p className="quiet">The definition is the same.</p>;
  return (
    <PlanList
      title="The definition"
      items={items.map(({ field, then, now }) => (
        <>
          <code>{field}</code> was {then || "not there"}, is {now || "not there"}
        </>
      ))}
    />
  );
}

/// What the host says would be done, and nothing is done without it.
function Planned({ plan, error, retry, children }: { plan?: SnapshotPlan; error: Error | null; retry: () => void; children: ReactNode }) {
  return (
    <>
      {!plan && !error && <Waiting lines={3} label="Asking what would go" />}
      {error && <ErrorBox error={error} retry={retry} />}
      {plan && (
        <>
          <PlanList title="In the way" items={plan.problems} />
          <PlanList title="Goes for good" items={plan.destroys.map((item) => (item.startsWith("snapshot ") ? planItem(item) : item))} />
          <PlanList title="Stays" items={plan.keeps} />
          {plan.frees !== undefined && <p>Frees {formatSize(plan.frees)}.</p>}
          {children}
        </>
      )}
    </>
  );
}

function RollbackDialog({ vm, asked, onClose }: DialogProps) {
  const [definition, setDefinition] = useState<"keep" | "restore">("keep");
  const [typed, setTyped] = useState("");
  const [keepAs, setKeepAs] = useState("");
  const path = `${onePath(vm, asked)}/rollback`;
  const copied = async (): Promise<void> => {
    const note = `before the rollback of ${vm.name} to ${asked.names[0]}`;
    const task = await order("POST", `/vms/${segment(vm.name)}/clone`, { name: keepAs, full: true, note });
    if (task) await finished(task);
  };
  const plan = useQuery({
    queryKey: ["vms", "one", vm.name, "rollback-plan", asked.names[0], definition, vm.state],
    queryFn: async () => (await call<SnapshotPlan>("POST", path, { body: { definition, plan: true } })).data,
    gcTime: 0,
  });
  return (
    <OrderDialog
      title={`Roll ${vm.name} back to ${asked.names[0]}?`}
      verb="Roll back"
      danger
      allowed={plan.isSuccess && plan.data.problems.length === 0 && typed === vm.name}
      onClose={onClose}
      order={() => ({
        method: "POST",
        path,
        body: { definition },
        prepare: async () => {
          if (keepAs) await copied();
          return { definition };
        },
      })}
    >
      <TextField id="rollback-keep" label="First keep the VM as it is now, as" value={keepAs} onChange={setKeepAs}
        help="A name for a full copy, which takes as much room as its disks use. Empty: what came after the snapshot is lost" />
      <Radio id="keep-definition" name="definition" label="Keep today's definition" isChecked={definition === "keep"} onChange={() => setDefinition("keep")} />
      <Radio
        id="restore-definition"
        name="definition"
        label="Bring the definition of then back"
        isChecked={definition === "restore"}
        onChange={() => setDefinition("restore")}
      />
      <Planned plan={plan.data} error={plan.error} retry={() => void plan.refetch()}>
        {definition === "restore" && plan.data && <Differences items={plan.data.differences} />}
        <TypeToConfirm name={vm.name} value={typed} onChange={setTyped} />
      </Planned>
    </OrderDialog>
  );
}

function DeleteDialog({ vm, asked, onClose }: DialogProps) {
  const [typed, setTyped] = useState("");
  const path = `${snapshotsPath(vm)}?names=${asked.names.map(segment).join(",")}`;
  const plan = useQuery({
    queryKey: ["vms", "one", vm.name, "delete-snapshots", asked.names],
    queryFn: async () => (await call<SnapshotPlan>("DELETE", `${path}&plan=1`)).data,
    gcTime: 0,
  });
  return (
    <OrderDialog
      title={asked.names.length === 1 ? `Delete snapshot ${asked.names[0]} of ${vm.name}?` : `Delete ${asked.names.length} snapshots of ${vm.name}?`}
      verb="Delete"
      danger
      allowed={plan.isSuccess && plan.data.problems.length === 0 && typed === vm.name}
      onClose={onClose}
      order={() => ({ method: "DELETE", path })}
    >
      <Planned plan={plan.data} error={plan.error} retry={() => void plan.refetch()}>
        <TypeToConfirm name={vm.name} value={typed} onChange={setTyped} />
      </Planned>
    </OrderDialog>
  );
}

function NoteDialog({ vm, asked, onClose }: DialogProps) {
  const [note, setNote] = useState(asked.one?.note ?? "");
  const [error, setError] = useState<Error | null>(null);
  return (
    <OrderDialog
      title={`A note about ${asked.names[0]}`}
      verb="Write"
      onClose={onClose}
      onProblem={setError}
      order={() => ({ method: "PATCH", path: onePath(vm, asked), body: { note } })}
    >
      <TextField id="snapshot-note" label="Note" value={note} onChange={setNote} problem={fieldProblems(error)["note"]} />
    </OrderDialog>
  );
}

function HoldDialog({ vm, asked, onClose }: DialogProps) {
  const held = asked.one?.held ?? false;
  return (
    <OrderDialog
      title={held ? `Release ${asked.names[0]}?` : `Hold ${asked.names[0]}?`}
      verb={held ? "Release" : "Hold"}
      onClose={onClose}
      order={() => ({ method: "PATCH", path: onePath(vm, asked), body: { held: !held } })}
    >
      <p>{held ? "It can be deleted again." : "ZFS lets nobody destroy it until it is released (zfs hold)."}</p>
    </OrderDialog>
  );
}

function CompareDialog({ vm, asked, onClose }: DialogProps) {
  const { data, error, refetch } = useQuery({
    queryKey: ["vms", "one", vm.name, "snapshot-definition", asked.names[0]],
    queryFn: ({ signal }) => get<SnapshotDefinition>(`${onePath(vm, asked)}/definition`, signal),
    gcTime: 0,
  });
  return (
    <Modal variant="medium" isOpen onClose={onClose} aria-labelledby="compare-title">
      <ModalHeader title={`${vm.name} at ${asked.names[0]} and now`} labelId="compare-title" />
      <ModalBody>
        {error && <ErrorBox error={error} retry={() => void refetch()} />}
        {!data && !error && <Waiting lines={6} label="Fetching the definition" />}
        {data?.error && <p>It could not be used today: {data.error}</p>}
        {data && !data.error && <Differences items={data.differences} />}
        {data && (
          <>
            <h2 className="section-title">vm.toml as it was</h2>
            <pre className="words" tabIndex={0}>
              {data.text}
            </pre>
          </>
        )}
      </ModalBody>
    </Modal>
  );
}

export function SnapshotDialog(properties: DialogProps) {
  switch (properties.asked.what) {
    case "take":
      return <TakeDialog {...properties} />;
    case "clone":
      return <CloneDialog {...properties} />;
    case "rollback":
      return <RollbackDialog {...properties} />;
    case "browse":
      return <BrowseDialog {...properties} />;
    case "compare":
      return <CompareDialog {...properties} />;
    case "note":
      return <NoteDialog {...properties} />;
    case "hold":
      return <HoldDialog {...properties} />;
    case "delete":
      return <DeleteDialog {...properties} />;
  }
}
