import { Checkbox, Modal, ModalBody, ModalHeader } from "@patternfly/react-core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call, get, segment } from "../../api/client";
import type { PlanPreview, SnapshotPlanView } from "../../api/models";
import { fieldProblems } from "../../api/problem";
import { numberOrText } from "../../text/number";
import { formatExact } from "../../text/time";
import { Waiting } from "../../ui/page";
import { ErrorBox } from "../../ui/problem";
import { Question } from "../../ui/question";
import { TextField } from "../guests/fields";
import { useVms } from "../guests/guests";
import { tagsInput, tagsProblem } from "../guests/tags";
import { type Rule, rules, ruleWords, scheduleWords } from "./schedule";

const planPath = (name: string): string => `/plans/${segment(name)}`;

/// Changes what is kept, not the host: it is done when it is answered.
function usePlanChange(onDone: () => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ method, path, body }: { method: string; path: string; body?: unknown }) => call<SnapshotPlanView>(method, path, { body }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["plans"] });
      onDone();
    },
  });
}

const startRetention: Record<Rule, string> = { last: "", hourly: "", daily: "7", weekly: "4", monthly: "12", yearly: "" };

/// A new plan, or other settings for one that is there.
export function PlanDialog({ plan, administers, onClose }: { plan?: SnapshotPlanView; administers: boolean; onClose: () => void }) {
  const vms = useVms();
  const [name, setName] = useState(plan?.name ?? "");
  const [schedule, setSchedule] = useState(plan?.schedule ?? "30 3 * * *");
  const [note, setNote] = useState(plan?.note ?? "");
  const [all, setAll] = useState(plan?.all ?? false);
  const [marked, setMarked] = useState<readonly string[]>(plan?.vms ?? []);
  // One that has gone since the plan was made is nobody's to choose any more.
  const chosen = marked.filter((vm) => vms.data?.some((present) => present.name === vm) ?? true);
  const [tags, setTags] = useState(plan?.tags.join(" ") ?? "");
  const [enabled, setEnabled] = useState(plan?.enabled ?? true);
  const [keep, setKeep] = useState<Record<Rule, string>>(
    plan ? (Object.fromEntries(rules.map((rule) => [rule, String(plan.retention[rule] ?? "")])) as Record<Rule, string>) : startRetention,
  );
  const change = usePlanChange(onClose);
  const problems = fieldProblems(change.error);
  const retention = Object.fromEntries(rules.filter((rule) => keep[rule] !== "").map((rule) => [rule, numberOrText(keep[rule])]));
  const tagged = tagsInput(tags);
  const named = chosen.length > 0 || tagged.length > 0;
  const body = { schedule, retention, all, tags: all ? [] : tagged, vms: all ? [] : chosen, enabled, note };
  const scope = administers ? { all: true } : { tags: tagged, vms: chosen };
  // The server says the next times, and what is wrong while somebody types.
  const next = useQuery({
    queryKey: ["plans", "times", schedule, scope],
    queryFn: async ({ signal }) =>
      (await call<SnapshotPlanView>("POST", "/plans", { body: { name: "times", schedule, ...scope, plan: true }, signal })).data,
    enabled: schedule !== "" && (administers || named),
    retry: false,
    gcTime: 0,
  });
  const changeable = vms.data?.filter((vm) => vm.actions.includes("edit")) ?? [];
  return (
    <Question
      title={plan ? `Change plan ${plan.name}?` : "Make a plan"}
      verb={plan ? "Change" : "Make"}
      allowed={name !== "" && schedule !== "" && !next.error && (all || named)}
      busy={change.isPending}
      onClose={onClose}
      onAnswer={() =>
        change.mutate(plan ? { method: "PATCH", path: planPath(plan.name), body } : { method: "POST", path: "/plans", body: { name, ...body } })
      }
    >
      {!plan && <TextField id="plan-name" label="Name" required value={name} onChange={setName} problem={problems["name"]} help="Its snapshots begin with it" />}
      <TextField
        id="plan-schedule"
        label="Schedule"
        required
        value={schedule}
        onChange={setSchedule}
        problem={fieldProblems(next.error)["schedule"]}
        help={scheduleWords(schedule) ?? "minute, hour, day of month, month, day of week, as in crontab(5)"}
      />
      {next.data && (
        <p className="quiet">
          Next: {next.data.next.map((time) => formatExact(time * 1000)).join("; ")}. Times of the host's zone, now {next.data.zone}; one that a change
          of clocks leaves out is taken at the change, one that comes twice is taken once.
        </p>
      )}
      {administers && <Checkbox id="plan-all" label="Every VM, also later ones" isChecked={all} onChange={(_event, on) => setAll(on)} />}
      {!all && <TextField id="plan-tags" label="VMs with one of the tags" value={tags} onChange={setTags} problem={tagsProblem(problems)} help="Also those that get it later" />}
      {!all && (
        <fieldset className="choices">
          <legend>VMs</legend>
          {changeable.map((vm) => (
            <Checkbox
              key={vm.name}
              id={`plan-vm-${vm.name}`}
              label={vm.name}
              isChecked={chosen.includes(vm.name)}
              onChange={(_event, on) => setMarked((old) => (on ? [...old, vm.name] : old.filter((other) => other !== vm.name)))}
            />
          ))}
          {problems["vms"] && <p className="field-problem">{problems["vms"]}</p>}
        </fieldset>
      )}
      <fieldset className="choices">
        <legend>How many stay: the newest of each of the last</legend>
        <div className="rule-row">
          {rules.map((rule) => (
            <TextField
              key={rule}
              id={`plan-${rule}`}
              label={ruleWords[rule]}
              value={keep[rule]}
              onChange={(value) => setKeep((old) => ({ ...old, [rule]: value }))}
              problem={problems[`retention.${rule}`]}
            />
          ))}
        </div>
        <p className="quiet">Everything stays when all are empty. The newest, what is held and what has clones always stays.</p>
      </fieldset>
      <TextField id="plan-note" label="Note" value={note} onChange={setNote} problem={problems["note"]} />
      {plan && <Checkbox id="plan-enabled" label="Enabled" isChecked={enabled} onChange={(_event, on) => setEnabled(on)} />}
      {change.error && <ErrorBox error={change.error} />}
    </Question>
  );
}

export function DeletePlanDialog({ plan, onClose }: { plan: SnapshotPlanView; onClose: () => void }) {
  const change = usePlanChange(onClose);
  return (
    <Question
      title={`Delete plan ${plan.name}?`}
      verb="Delete"
      danger
      busy={change.isPending}
      onClose={onClose}
      onAnswer={() => change.mutate({ method: "DELETE", path: planPath(plan.name) })}
    >
      <p>No more snapshots are taken by it. Those that it has made stay, and nothing prunes them any more.</p>
      {change.error && <ErrorBox error={change.error} />}
    </Question>
  );
}

export function PreviewDialog({ plan, onClose }: { plan: SnapshotPlanView; onClose: () => void }) {
  const { data, error, refetch } = useQuery({
    queryKey: ["plans", "one", plan.name, "preview"],
    queryFn: ({ signal }) => get<PlanPreview[]>(`${planPath(plan.name)}/preview`, signal),
    gcTime: 0,
  });
  return (
    <Modal variant="medium" isOpen onClose={onClose} aria-labelledby="preview-title">
      <ModalHeader title={`What ${plan.name} would prune now`} labelId="preview-title" />
      <ModalBody>
        {error && <ErrorBox error={error} retry={() => void refetch()} />}
        {!data && !error && <Waiting lines={6} label="Looking at its snapshots" />}
        {data?.every(({ snapshots }) => snapshots.length === 0) && <p className="quiet">It has made no snapshot yet.</p>}
        {data
          ?.filter(({ snapshots }) => snapshots.length > 0)
          .map(({ vm, snapshots }) => (
            <div key={vm}>
              <h2 className="section-title">{vm}</h2>
              <ul className="plan-list">
                {snapshots.map((one) => (
                  <li key={one.name}>
                    <code>{one.name}</code> <span className="quiet">{one.kept_by.length > 0 ? `stays: ${one.kept_by.join(", ")}` : "goes"}</span>
                  </li>
                ))}
              </ul>
            </div>
          ))}
      </ModalBody>
    </Modal>
  );
}
