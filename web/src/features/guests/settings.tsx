import { ActionGroup, Alert, Button, Card, CardBody, Form, FormGroup, FormSelect, FormSelectOption, Label } from "@patternfly/react-core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { type Answer, call, newKey, segment } from "../../api/client";
import type { EditVm, Task, Vm } from "../../api/models";
import { ApiError, fieldProblems } from "../../api/problem";
import { numberInput } from "../../text/number";
import { sizeInput } from "../../text/size";
import { ErrorBox } from "../../ui/problem";
import { isActive } from "../tasks/tasks";
import { TextField } from "./fields";
import { tagsHelp, tagsInput, tagsProblem } from "./tags";

const screens = ["800x600", "1024x768", "1280x720", "1280x1024", "1600x900", "1920x1080"];

const screenText = (vm: Vm): string => (vm.screen ? `${vm.screen.width}x${vm.screen.height}` : "");

function fromVm(vm: Vm) {
  return {
    cpus: String(vm.cpus), memory: sizeInput(vm.memory), note: vm.note, tags: vm.tags.join(" "), owner: vm.owner, group: vm.group, screen: screenText(vm), cd: vm.cds[0]?.image ?? "",
  };
}
type Values = ReturnType<typeof fromVm>;

/// What the form begins with.
const of = ({ data, etag }: Answer<Vm>) => ({ values: fromVm(data), etag, generation: data.generation });

/// Only what differs from what the form began with.
function toEdit(values: Values, before: Values): EditVm {
  const edit: EditVm = {};
  if (values.cpus !== before.cpus) edit.cpus = numberInput(values.cpus);
  if (values.memory !== before.memory) edit.memory = values.memory;
  if (values.note !== before.note) edit.note = values.note;
  if (values.tags !== before.tags) edit.tags = tagsInput(values.tags);
  if (values.owner !== before.owner) edit.owner = values.owner;
  if (values.group !== before.group) edit.group = values.group;
  if (values.cd !== before.cd) edit.cd = values.cd;
  if (values.screen !== before.screen) {
    const [width, height] = values.screen.split("x").map(Number);
    if (width && height) edit.screen = { width, height };
  }
  return edit;
}

/// How long a change may wait behind another task of the VM before the page says so; seconds.
const patience = 30;

/// The VM as it is after the change; nothing when the change still waits for its turn.
async function change(name: string, edit: EditVm, etag: string | null): Promise<Answer<Vm> | undefined> {
  const path = `/vms/${segment(name)}`;
  const headers: Record<string, string> = { "Idempotency-Key": newKey() };
  if (etag) headers["If-Match"] = etag;
  const { status, data } = await call<Vm | Task>("PATCH", `${path}?wait=${patience}`, { body: edit, headers });
  const task = status === 202 ? (data as Task) : undefined;
  if (task?.error) throw new ApiError(task.error);
  return task && isActive(task) ? undefined : call<Vm>("GET", path);
}

export function Settings({ answer }: { answer: Answer<Vm> }) {
  const client = useQueryClient();
  const vm = answer.data;
  const [base, setBase] = useState(of(answer));
  const [values, setValues] = useState(base.values);
  const save = useMutation({
    mutationFn: (edit: EditVm) => change(vm.name, edit, base.etag),
    onSuccess: (next) => {
      if (!next) return;
      client.setQueryData(["vms", "one", vm.name], next);
      void client.invalidateQueries({ queryKey: ["vms", "list"] });
      setBase(of(next));
      setValues(fromVm(next.data));
    },
  });
  const edit = toEdit(values, base.values);
  const changed = Object.keys(edit).length > 0;
  // What others change shows by itself, as long as nothing else has been typed over it.
  const behind = vm.generation !== base.generation && !save.isPending;
  if (behind && (!changed || Object.keys(toEdit(values, fromVm(vm))).length === 0)) {
    setBase(of(answer));
    setValues(fromVm(vm));
  }
  const problems = fieldProblems(save.error);
  const stale = (save.error instanceof ApiError && save.error.status === 412) || (changed && behind);
  const set = (changes: Partial<Values>) => setValues((old) => ({ ...old, ...changes }));
  const may = vm.actions.includes("edit");
  const renew = () => {
    setBase(of(answer));
    setValues(fromVm(vm));
    save.reset();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (changed && !save.isPending) save.mutate(edit);
  };
  return (
    <Card>
      <CardBody>
        {!may && (
          <Alert
            isInline
            variant="info"
            component="p"
            title={vm.definition_error !== undefined ? "The definition cannot be used; the overview says why. Until it is right, nothing can be changed here." : vm.task ? "A task works on this VM; its settings can be changed when it has ended." : "You may look at these settings, not change them."}
          />
        )}
        {vm.pending_restart.length > 0 && (
          <p className="pending">
            Changed, but not before the VM is stopped and started again:{" "}
            {vm.pending_restart.map((field) => (
              <Label key={field} isCompact color="yellow">
                {field}
              </Label>
            ))}
          </p>
        )}
        <Form onSubmit={submit} className="create-form">
          <TextField id="cpus" label="vCPUs" value={values.cpus} onChange={(cpus) => set({ cpus })} problem={problems["cpus"]} />
          <TextField id="memory" label="Memory" value={values.memory} onChange={(memory) => set({ memory })} problem={problems["memory"]} />
          <FormGroup label="Screen" fieldId="screen">
            <FormSelect id="screen" value={values.screen} onChange={(_event, screen) => set({ screen })}>
              {!base.values.screen && <FormSelectOption value="" label="none" />}
              {[...new Set([...screens, ...(base.values.screen ? [base.values.screen] : [])])].map((size) => (
                <FormSelectOption key={size} value={size} label={size} />
              ))}
            </FormSelect>
          </FormGroup>
          <TextField id="cd" label="CD, a file of the host" value={values.cd} onChange={(cd) => set({ cd })} problem={problems["cd"]} help="Such as /var/bhype/images/debian-12.iso; empty: no CD" />
          <TextField id="owner" label="Owner" value={values.owner} onChange={(owner) => set({ owner })} problem={problems["owner"]} />
          <TextField id="group" label="Group that may use it" value={values.group} onChange={(group) => set({ group })} problem={problems["group"]} />
          <TextField id="tags" label="Tags" value={values.tags} onChange={(tags) => set({ tags })} problem={tagsProblem(problems)} help={tagsHelp} />
          <TextField id="note" label="Note" value={values.note} onChange={(note) => set({ note })} problem={problems["note"]} />
          {stale ? (
            <Alert isInline variant="warning" component="p" title="The settings were changed in the meantime">
              <p>Nothing of yours has been saved. Look at what they are now and make your change on that.</p>
              <Button variant="link" isInline onClick={renew}>
                Show the present settings
              </Button>
            </Alert>
          ) : (
            save.error && <ErrorBox error={save.error} />
          )}
          {save.isSuccess && !save.data && (
            <Alert isInline variant="info" component="p" title="The change waits for another task of this VM">
              <p>It is made when that one has ended; the tasks show both.</p>
            </Alert>
          )}
          {may && (
            <ActionGroup>
              <Button type="submit" isDisabled={!changed || stale || save.isPending} isLoading={save.isPending}>
                Save
              </Button>
              {changed && !stale && (
                <Button variant="link" onClick={renew}>
                  Put back
                </Button>
              )}
            </ActionGroup>
          )}
        </Form>
      </CardBody>
    </Card>
  );
}
