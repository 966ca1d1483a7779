import {
  ActionGroup,
  Button,
  Card,
  CardBody,
  Checkbox,
  ExpandableSection,
  Form,
  FormGroup,
  FormSelect,
  FormSelectOption,
  PageSection,
  Radio,
} from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useEffect, useState } from "react";
import { Link, useNavigate, useSearchParams } from "react-router-dom";
import { call, get } from "../../api/client";
import type { CreateVm, Plan, Switch, Template } from "../../api/models";
import { fieldProblems } from "../../api/problem";
import { formatSize, sizeInput } from "../../text/size";
import { CopyButton } from "../../ui/copy";
import { Fact, Facts } from "../../ui/facts";
import { numberInput } from "../../text/number";
import { PageHead, Waiting } from "../../ui/page";
import { ErrorBox } from "../../ui/problem";
import { SetupNeeded } from "../host/setup_needed";
import { boots, kinds, outcome, sortTemplates } from "../templates/kinds";
import { createCommand } from "../tasks/as_command";
import { useOrder } from "../tasks/drawer_state";
import { TextField } from "./fields";
import { tagsHelp, tagsInput, tagsProblem } from "./tags";
import { guestPage } from "./guests";
import { useSwitches } from "../network/use_switches";

interface Values {
  name: string;
  template: string;
  cpus: string;
  memory: string;
  disk: string;
  switch: string;
  note: string;
  tags: string;
  group: string;
  start: boolean;
}

function toRequest(values: Values): CreateVm {
  return {
    name: values.name,
    template: values.template,
    ...(values.cpus ? { cpus: numberInput(values.cpus) } : {}),
    ...(values.memory ? { memory: values.memory } : {}),
    ...(values.disk ? { disk: values.disk } : {}),
    ...(values.switch ? { switch: values.switch } : {}),
    ...(values.note ? { note: values.note } : {}),
    ...(values.tags ? { tags: tagsInput(values.tags) } : {}),
    ...(values.group ? { group: values.group } : {}),
    start: values.start,
  };
}

/// The value once it has rested for a moment, so that not each key asks the server.
function useRested<T>(value: T, milliseconds = 400): T {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), milliseconds);
    return () => clearTimeout(timer);
  }, [value, milliseconds]);
  return rested;
}

function PlanBox({ plan }: { plan: Plan }) {
  return (
    <div aria-live="polite">
      <Facts>
        <Fact name="Space now">{formatSize(plan.space_now)}</Fact>
        <Fact name="Space at most">{formatSize(plan.space_most)}</Fact>
        <Fact name="Memory left on the host">{formatSize(plan.memory_left)}</Fact>
      </Facts>
      {plan.problems.length > 0 && (
        <ul className="problem-fields">
          {plan.problems.map((problem) => (
            <li key={problem}>{problem}</li>
          ))}
        </ul>
      )}
      <ExpandableSection toggleText="What will be done">
        <ol className="plan-list">
          {plan.steps.map((step, index) => (
            <li key={index}>{step}</li>
          ))}
        </ol>
      </ExpandableSection>
    </div>
  );
}

function CreateForm({ templates, switches }: { templates: readonly Template[]; switches: readonly Switch[] }) {
  const [search] = useSearchParams();
  const usable = sortTemplates(templates).filter((template) => template.available);
  const first = usable.find((template) => template.name === search.get("template")) ?? usable[0];
  const others = templates.length - usable.length;
  const pick = (template: Template | undefined): Partial<Values> =>
    template
      ? {
          template: template.name, cpus: String(template.cpus), memory: sizeInput(template.memory), disk: sizeInput(template.disk),
          start: boots(template),
        }
      : {};
  const [values, setValues] = useState<Values>({
    name: "", template: "", cpus: "", memory: "", disk: "", switch: switches[0]?.name ?? "", note: "", tags: "", group: "", start: true,
    ...pick(first),
  });
  const set = (changes: Partial<Values>) => setValues((old) => ({ ...old, ...changes }));
  const give = useOrder();
  const navigate = useNavigate();
  const rested = useRested(values);
  const plan = useQuery({
    queryKey: ["create-plan", rested],
    queryFn: async ({ signal }) =>
      (await call<Plan>("POST", "/vms", { body: { ...toRequest(rested), plan: true }, signal })).data,
    enabled: rested.name !== "" && rested.template !== "",
    retry: false,
    gcTime: 0,
    placeholderData: (old) => old,
  });
  const problems = { ...fieldProblems(plan.error), ...fieldProblems(give.error) };
  const nameTaken = plan.error && !Object.keys(fieldProblems(plan.error)).length ? plan.error : undefined;
  const chosen = templates.find((template) => template.name === values.template);
  const request = toRequest(values);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!values.name || !values.template || give.isPending) return;
    give.mutate(
      { method: "POST", path: "/vms", body: { ...request } },
      { onSuccess: () => navigate(guestPage(values.name)) },
    );
  };

  return (
    <Form onSubmit={submit} className="create-form">
      <TextField id="name" label="Name" required value={values.name} onChange={(name) => set({ name })} problem={problems["name"]} />
      <FormGroup role="radiogroup" label="Template" fieldId="template" isRequired>
        <div className="template-choice">
          {usable.map((template) => (
            <Radio
              key={template.name}
              id={`template-${template.name}`}
              name="template"
              label={
                <>
                  {template.title} <span className="quiet">{kinds[template.kind]}</span>
                </>
              }
              description={template.description}
              isChecked={values.template === template.name}
              onChange={() => set(pick(template))}
            />
          ))}
        </div>
        {others > 0 && (
          <p className="quiet template-more">
            {usable.length === 0 ? "No template can be used yet. " : ""}
            <Link to="/templates">Templates</Link> says what {others === 1 ? "one more needs" : `${others} more need`} before {others === 1 ? "it" : "they"} can be used.
          </p>
        )}
        {chosen?.notes && <p className="quiet template-notes">{chosen.notes}</p>}
      </FormGroup>
      <div className="field-row">
        <TextField id="cpus" label="vCPUs" value={values.cpus} onChange={(cpus) => set({ cpus })} problem={problems["cpus"]} />
        <TextField
          id="memory"
          label="Memory"
          value={values.memory}
          onChange={(memory) => set({ memory })}
          problem={problems["memory"]}
          help={chosen && `At least ${formatSize(chosen.smallest_memory)}`}
        />
        <TextField
          id="disk"
          label="Disk"
          value={values.disk}
          onChange={(disk) => set({ disk })}
          problem={problems["disk"]}
          help={chosen && `At least ${formatSize(chosen.smallest_disk)}`}
        />
      </div>
      <ExpandableSection toggleText="More">
        <FormGroup label="Switch" fieldId="switch">
          <FormSelect id="switch" value={values.switch} onChange={(_event, next) => set({ switch: next })}>
            {switches.map((each) => (
              <FormSelectOption key={each.name} value={each.name} label={`${each.name} (${each.address ?? each.kind})`} />
            ))}
          </FormSelect>
        </FormGroup>
        <TextField id="group" label="Group that may use it" value={values.group} onChange={(group) => set({ group })} problem={problems["group"]} />
        <TextField id="tags" label="Tags" value={values.tags} onChange={(tags) => set({ tags })} problem={tagsProblem(problems)} help={tagsHelp} />
        <TextField id="note" label="Note" value={values.note} onChange={(note) => set({ note })} problem={problems["note"]} />
      </ExpandableSection>
      <Checkbox
        id="start"
        label="Start it when it is made"
        description={chosen && outcome(chosen, values.start)}
        isChecked={values.start}
        onChange={(_event, start) => set({ start })}
      />
      {plan.data && <PlanBox plan={plan.data} />}
      {(give.error || nameTaken) && <ErrorBox error={give.error ?? nameTaken} />}
      <ActionGroup>
        <Button type="submit" isDisabled={!values.name || !values.template || give.isPending} isLoading={give.isPending}>
          Create
        </Button>
        <CopyButton text={createCommand({ ...request })} title={createCommand({ ...request })}>
          Copy as command
        </CopyButton>
      </ActionGroup>
    </Form>
  );
}

export default function Create() {
  const templates = useQuery({ queryKey: ["templates", "list"], queryFn: ({ signal }) => get<Template[]>("/templates", signal) });
  const switches = useSwitches();
  const error = templates.error ?? switches.error;
  return (
    <>
      <PageHead title="Create a VM" windowTitle="Create a VM" />
      <PageSection>
        <SetupNeeded />
        <Card>
          <CardBody>
            {error && <ErrorBox error={error} />}
            {!error && (!templates.data || !switches.data) && <Waiting label="Fetching the templates" />}
            {templates.data && switches.data && <CreateForm templates={templates.data} switches={switches.data} />}
          </CardBody>
        </Card>
      </PageSection>
    </>
  );
}
