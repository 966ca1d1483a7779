import { Button, Card, CardBody, FormGroup, FormSelect, FormSelectOption } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router-dom";
import { get, segment } from "../../api/client";
import type { Forward } from "../../api/models";
import { fieldProblems } from "../../api/problem";
import { numberOrText } from "../../text/number";
import { Waiting } from "../../ui/page";
import { ErrorBox } from "../../ui/problem";
import { StateLabel } from "../../ui/state";
import { TextField } from "../guests/fields";
import { guestPage, useVms } from "../guests/guests";
import { OrderDialog } from "../tasks/order_dialog";

const forwardStates = { active: "ok", waiting: "queued", broken: "failed" } as const;

function ForwardDialog({ onClose }: { onClose: () => void }) {
  const vms = useVms();
  const [values, setValues] = useState({ vm: "", protocol: "tcp", port: "", to: "", from: "", note: "" });
  const [error, setError] = useState<Error | null>(null);
  const set = (changes: Partial<typeof values>) => setValues((old) => ({ ...old, ...changes }));
  const problems = fieldProblems(error);
  const vm = values.vm || vms.data?.[0]?.name || "";
  return (
    <OrderDialog
      title="Forward a port to a guest"
      verb="Forward"
      allowed={vm !== "" && values.port !== ""}
      onClose={onClose}
      onProblem={setError}
      order={() => ({
        method: "POST",
        path: "/forwards",
        body: {
          vm,
          protocol: values.protocol,
          port: numberOrText(values.port),
          ...(values.to ? { to_port: numberOrText(values.to) } : {}),
          ...(values.from ? { from: values.from } : {}),
          ...(values.note ? { note: values.note } : {}),
        },
      })}
    >
      <FormGroup label="Guest" fieldId="forward-vm" isRequired>
        <FormSelect id="forward-vm" value={vm} onChange={(_event, next) => set({ vm: next })}>
          {vms.data?.map((each) => <FormSelectOption key={each.name} value={each.name} label={each.name} />)}
        </FormSelect>
        {problems["vm"] && <p className="field-problem">{problems["vm"]}</p>}
      </FormGroup>
      <div className="field-row">
        <FormGroup label="Protocol" fieldId="forward-protocol">
          <FormSelect id="forward-protocol" value={values.protocol} onChange={(_event, protocol) => set({ protocol })}>
            <FormSelectOption value="tcp" label="tcp" />
            <FormSelectOption value="udp" label="udp" />
          </FormSelect>
        </FormGroup>
        <TextField id="forward-port" label="Port of the host" required value={values.port} onChange={(port) => set({ port })} problem={problems["port"]} />
        <TextField id="forward-to" label="Port of the guest" value={values.to} onChange={(to) => set({ to })} problem={problems["to_port"]} help="The same when empty" />
      </div>
      <TextField id="forward-from" label="Address of the host" value={values.from} onChange={(from) => set({ from })} problem={problems["from"]} help="All addresses of the way out when empty" />
      <TextField id="forward-note" label="Note" value={values.note} onChange={(note) => set({ note })} problem={problems["note"]} />
    </OrderDialog>
  );
}

export function ForwardsTab({ administers }: { administers: boolean }) {
  const { data, error, refetch } = useQuery({ queryKey: ["forwards"], queryFn: ({ signal }) => get<Forward[]>("/forwards", signal) });
  const [making, setMaking] = useState(false);
  const [ending, setEnding] = useState<Forward>();
  return (
    <Card>
      <CardBody>
        {error && <ErrorBox error={error} retry={() => void refetch()} />}
        {!data && !error && <Waiting label="Fetching the forwards" />}
        {administers && <Button onClick={() => setMaking(true)}>Forward a port</Button>}
        {data?.length === 0 && <p className="quiet">No port of the host leads to a guest.</p>}
        {data && data.length > 0 && (
          <Table variant="compact" aria-label="Port forwards" gridBreakPoint="grid-md" className="flush">
            <Thead>
              <Tr>
                {["Host", "Guest", "State", "Note"].map((head) => (
                  <Th key={head}>{head}</Th>
                ))}
                <Th screenReaderText="Actions" />
              </Tr>
            </Thead>
            <Tbody>
              {data.map((each) => (
                <Tr key={each.name}>
                  <Td dataLabel="Host">
                    {each.protocol} {each.from ? `${each.from} ` : ""}port {each.port}
                  </Td>
                  <Td dataLabel="Guest">
                    <Link to={guestPage(each.vm)}>{each.vm}</Link> {each.nic ?? ""} port {each.to_port}
                  </Td>
                  <Td dataLabel="State">
                    <StateLabel state={forwardStates[each.state]} word={each.state} /> {each.to ? <code>{each.to}</code> : <span className="quiet">{each.reason}</span>}
                  </Td>
                  <Td dataLabel="Note">{each.note || "-"}</Td>
                  <Td isActionCell>
                    {administers && (
                      <Button variant="link" isDanger onClick={() => setEnding(each)} aria-label={`Stop forwarding ${each.name}`}>
                        Stop forwarding
                      </Button>
                    )}
                  </Td>
                </Tr>
              ))}
            </Tbody>
          </Table>
        )}
        {making && <ForwardDialog onClose={() => setMaking(false)} />}
        {ending && (
          <OrderDialog
            title={`Stop forwarding ${ending.protocol} port ${ending.port}?`}
            verb="Stop forwarding"
            danger
            onClose={() => setEnding(undefined)}
            order={() => ({ method: "DELETE", path: `/forwards/${segment(ending.name)}` })}
          >
            <p>Connections that exist go on until they end.</p>
          </OrderDialog>
        )}
      </CardBody>
    </Card>
  );
}
