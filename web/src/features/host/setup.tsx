import { ActionGroup, Alert, Button, Card, CardBody, Checkbox, Form, FormGroup, FormSelect, FormSelectOption, PageSection } from "@patternfly/react-core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Link, useNavigate } from "react-router-dom";
import { call, get } from "../../api/client";
import type { Disk, Host, SetupPlan, SetupRequest } from "../../api/models";
import { fieldProblems } from "../../api/problem";
import { formatSize } from "../../text/size";
import { PageHead, Waiting } from "../../ui/page";
import { ErrorBox } from "../../ui/problem";
import { TypeToConfirm } from "../../ui/type_to_confirm";
import { TextField } from "../guests/fields";
import { EncryptionChoice, isWhole, noEncryption, wish as keyWish, withSecret } from "../storage/keys";
import { mayAdminister, useUser } from "../session/session";
import { useOrder } from "../tasks/drawer_state";
import { useHost } from "./host";
import { fitting, layoutNames, usable } from "./layouts";

function SetupForm({ disks, host }: { disks: readonly Disk[]; host: Host }) {
  const [pool, setPool] = useState(host.pool?.name ?? "tank");
  const [chosen, setChosen] = useState<string[]>([]);
  const [wish, setWish] = useState("mirror");
  const [encryption, setEncryption] = useState(noEncryption);
  const [typed, setTyped] = useState("");
  const give = useOrder();
  const navigate = useNavigate();
  const layouts = fitting(chosen.length);
  const layout = layouts.find((each) => each === wish) ?? layouts[0];
  const request: SetupRequest = { pool, ...(chosen.length ? { disks: chosen, layout, ...keyWish(encryption) } : {}) };
  const plan = useMutation({
    mutationFn: async () => (await call<SetupPlan>("POST", "/setup", { body: { ...request, plan: true } })).data,
  });
  const change = () => {
    plan.reset();
    setTyped("");
  };
  const nothing = plan.data?.nothing_to_do ?? false;
  const sizes = disks.filter((disk) => chosen.includes(disk.name)).map((disk) => disk.size);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!plan.data) plan.mutate();
    else if (!nothing && (!chosen.length || (typed === pool && isWhole(encryption)))) {
      // No task: it was set up by somebody else since the plan was made.
      const body = { ...request };
      give.mutate({ method: "POST", path: "/setup", body, prepare: () => (chosen.length ? withSecret(body, encryption) : Promise.resolve(body)) }, { onSuccess: (task) => (task ? navigate("/") : plan.mutate()) });
    }
  };
  const problems = { ...fieldProblems(plan.error), ...fieldProblems(give.error) };
  return (
    <Form onSubmit={submit} className="create-form">
      {host.setup_done && <Alert isInline variant="info" component="p" title="This host is set up. Doing it again mends what is missing." />}
      <TextField id="pool" label="Pool" required value={pool} onChange={(next) => { setPool(next); change(); }} problem={problems["pool"]}
        help="An existing pool is used as it is; a new one needs disks." />
      <FormGroup role="group" label="Disks for a new pool" fieldId="disks">
        {disks.map((disk) => (
          <Checkbox key={disk.name} id={`disk-${disk.name}`} label={`${disk.name}  ${formatSize(disk.size)}`}
            description={disk.used_by ? `in use: ${disk.used_by}` : disk.description} isDisabled={Boolean(disk.used_by)}
            isChecked={chosen.includes(disk.name)}
            onChange={(_event, on) => { setChosen((old) => (on ? [...old, disk.name] : old.filter((each) => each !== disk.name))); change(); }} />
        ))}
      </FormGroup>
      {chosen.length > 0 && (
        <FormGroup label="Layout" fieldId="layout">
          <FormSelect id="layout" value={layout} onChange={(_event, next) => { setWish(next); change(); }}>
            {layouts.map((each) => (
              <FormSelectOption key={each} value={each} label={`${layoutNames[each]}, about ${formatSize(usable(each, sizes))} usable`} />
            ))}
          </FormSelect>
        </FormGroup>
      )}
      {chosen.length > 0 && <EncryptionChoice value={encryption} onChange={(next) => { setEncryption(next); change(); }} />}
      {plan.data && (
        <>
          <div>
            <h2 className="section-title">What will be done</h2>
            {nothing ? <p role="status">Nothing is to be done: the host is set up. <Link to="/">To the overview</Link></p> : <ol className="plan-list">{plan.data.steps.map((step) => <li key={step}>{step}</li>)}</ol>}
          </div>
          {chosen.length > 0 && !nothing && (
            <>
              <Alert isInline variant="danger" component="p" title="Everything on these disks is lost">
                <ul className="plan-list">{plan.data.wipes.map((disk) => <li key={disk}>{disk}</li>)}</ul>
              </Alert>
              {plan.data.warnings.map((warning) => <Alert key={warning} isInline variant="warning" component="p" title={warning} />)}
              <TypeToConfirm name={pool} value={typed} onChange={setTyped} />
            </>
          )}
        </>
      )}
      {(give.error ?? plan.error) && <ErrorBox error={give.error ?? plan.error} />}
      <ActionGroup>
        {!nothing && <Button type="submit" variant={plan.data && chosen.length ? "danger" : "primary"} isLoading={plan.isPending || give.isPending}
          isDisabled={!pool || plan.isPending || give.isPending || Boolean(chosen.length && (!isWhole(encryption) || (plan.data && typed !== pool)))}>
          {plan.data ? "Set up" : "Show what will be done"}
        </Button>}
      </ActionGroup>
    </Form>
  );
}

export default function Setup() {
  const may = mayAdminister(useUser());
  const host = useHost();
  const disks = useQuery({ queryKey: ["disks"], queryFn: ({ signal }) => get<Disk[]>("/disks", signal), enabled: may });
  const error = disks.error ?? host.error;
  return (
    <>
      <PageHead title="Set up this host" windowTitle="Set up" />
      <PageSection>
        <Card>
          <CardBody>
            {!may && <p>Ask an administrator of the host (group wheel) to set it up.</p>}
            {error && <ErrorBox error={error} />}
            {may && (!disks.data || !host.data) && !error && <Waiting label="Looking at the disks" />}
            {disks.data && host.data && <SetupForm disks={disks.data} host={host.data} />}
          </CardBody>
        </Card>
      </PageSection>
    </>
  );
}
