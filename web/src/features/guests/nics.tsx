import { Button, Card, CardBody, FormGroup, FormSelect, FormSelectOption, Modal, ModalBody, ModalHeader } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { get, segment } from "../../api/client";
import type { Finding, Nic, Vm } from "../../api/models";
import { fieldProblems } from "../../api/problem";
import { formatSize } from "../../text/size";
import { Waiting } from "../../ui/page";
import { ErrorBox } from "../../ui/problem";
import { StateLabel } from "../../ui/state";
import { formatRate, useTraffic } from "../network/traffic";
import { useSwitches } from "../network/use_switches";
import { OrderDialog } from "../tasks/order_dialog";
import { TextField } from "./fields";

const nicPath = (vm: Vm, nic: Nic): string => `/vms/${segment(vm.name)}/nics/${segment(nic.name)}`;

/// A new NIC, or another switch and address for one that is there.
function NicDialog({ vm, nic, onClose }: { vm: Vm; nic?: Nic; onClose: () => void }) {
  const switches = useSwitches();
  const [values, setValues] = useState({ switch: nic?.switch ?? "", fixed: nic?.fixed ?? "", kind: nic?.kind ?? "virtio-net" });
  const [error, setError] = useState<Error | null>(null);
  const set = (changes: Partial<typeof values>) => setValues((old) => ({ ...old, ...changes }));
  const problems = fieldProblems(error);
  const chosen = values.switch || (switches.data?.[0]?.name ?? "");
  return (
    <OrderDialog
      title={nic ? `Change ${nic.name} of ${vm.name}?` : `Add a NIC to ${vm.name}?`}
      verb={nic ? "Change" : "Add"}
      allowed={chosen !== ""}
      onProblem={setError}
      onClose={onClose}
      order={() =>
        nic
          ? { method: "PATCH", path: nicPath(vm, nic), body: { switch: chosen, fixed: values.fixed } }
          : {
              method: "POST",
              path: `/vms/${segment(vm.name)}/nics`,
              body: { switch: chosen, kind: values.kind, ...(values.fixed ? { fixed: values.fixed } : {}) },
            }
      }
    >
      <p>
        {nic
          ? "Another switch takes effect at once; the guest notices that its link went and came, and asks for an address there."
          : "A running guest has it from its next start on."}
      </p>
      <FormGroup label="Switch" fieldId="nic-switch" isRequired>
        <FormSelect id="nic-switch" value={chosen} onChange={(_event, next) => set({ switch: next })}>
          {switches.data?.map((each) => <FormSelectOption key={each.name} value={each.name} label={`${each.name} (${each.kind})`} />)}
        </FormSelect>
        {problems["switch"] && <p className="field-problem">{problems["switch"]}</p>}
      </FormGroup>
      {!nic && (
        <FormGroup label="Kind" fieldId="nic-kind">
          <FormSelect id="nic-kind" value={values.kind} onChange={(_event, next) => set({ kind: next as Nic["kind"] })}>
            <FormSelectOption value="virtio-net" label="virtio-net" />
            <FormSelectOption value="e1000" label="e1000: for guests without virtio drivers" />
          </FormSelect>
        </FormGroup>
      )}
      <TextField
        id="nic-fixed"
        label="Address kept for it"
        value={values.fixed}
        onChange={(fixed) => set({ fixed })}
        problem={problems["fixed"]}
        help="One of the switch's network; any when empty"
      />
    </OrderDialog>
  );
}

const states: Record<Finding["state"], { state: string; word: string }> = {
  good: { state: "ok", word: "ok" },
  bad: { state: "failed", word: "problem" },
  unknown: { state: "unknown", word: "unknown" },
};

/// The way of a NIC's packets, check by check.
function Diagnosis({ vm, nic, onClose }: { vm: Vm; nic: Nic; onClose: () => void }) {
  const { data, error, refetch, isFetching } = useQuery({
    queryKey: ["vms", "one", vm.name, "diagnosis", nic.name],
    queryFn: ({ signal }) => get<Finding[]>(`${nicPath(vm, nic)}/diagnosis`, signal),
    gcTime: 0,
  });
  const bad = data?.filter((finding) => finding.state === "bad").length ?? 0;
  return (
    <Modal variant="medium" isOpen onClose={onClose} aria-labelledby="diagnosis-title">
      <ModalHeader title={`The network of ${vm.name}'s ${nic.name}`} labelId="diagnosis-title" />
      <ModalBody>
        {error && <ErrorBox error={error} retry={() => void refetch()} />}
        {!data && !error && <Waiting lines={6} label="Looking at its packets' way" />}
        {data && (
          <>
            <p>{bad === 0 ? "Nothing is in the way on this host. Look inside the guest." : "The first problem is the likely cause of the others."}</p>
            <ol className="findings">
              {data.map((finding) => (
                <li key={finding.check}>
                  <StateLabel state={states[finding.state].state} word={states[finding.state].word} /> {finding.check}:{" "}
                  <span className="quiet">{finding.found}</span>
                  {finding.todo && <p>{finding.todo}</p>}
                </li>
              ))}
            </ol>
            <Button variant="secondary" isDisabled={isFetching} onClick={() => void refetch()}>
              Look again
            </Button>
          </>
        )}
      </ModalBody>
    </Modal>
  );
}

function RemoveDialog({ vm, nic, onClose }: { vm: Vm; nic: Nic; onClose: () => void }) {
  return (
    <OrderDialog title={`Remove ${nic.name} of ${vm.name}?`} verb="Remove" danger onClose={onClose} order={() => ({ method: "DELETE", path: nicPath(vm, nic) })}>
      <p>
        Its MAC <code>{nic.mac}</code> goes with it. A running guest keeps it until its next start.
      </p>
    </OrderDialog>
  );
}

/// What went through its tap since it was made, told as the guest sees it: what a tap receives is what the guest sent.
function Counters({ tap }: { tap: string }) {
  const { counters, rates } = useTraffic();
  const all = counters.get(tap);
  if (!all) return null;
  const now = rates.get(tap);
  const wrong = all.received_errors + all.received_dropped + all.sent_errors;
  return (
    <div className="quiet">
      sent {formatSize(all.received_bytes)}
      {now && `, ${formatRate(now.received)}`}
      <br />
      received {formatSize(all.sent_bytes)}
      {now && `, ${formatRate(now.sent)}`}
      {wrong > 0 && (
        <>
          <br />
          {wrong} packets lost or with errors
        </>
      )}
    </div>
  );
}

type Asked = { what: "add" } | { what: "change" | "remove" | "diagnose"; nic: Nic };

export function Nics({ vm, changeable }: { vm: Vm; changeable: boolean }) {
  const [asked, setAsked] = useState<Asked>();
  const close = () => setAsked(undefined);
  const action = (what: "change" | "remove" | "diagnose", nic: Nic, words: string) => (
    <Button variant="link" isInline onClick={() => setAsked({ what, nic })} aria-label={`${words} (${nic.name})`}>
      {words}
    </Button>
  );
  return (
    <Card>
      <CardBody>
        <h2 className="section-title">Network</h2>
        {vm.nics.length === 0 && <p className="quiet">It has no NIC.</p>}
        {vm.nics.length > 0 && (
          <Table variant="compact" aria-label="NICs" gridBreakPoint="grid-md" className="flush">
            <Thead>
              <Tr>
                {["NIC", "Switch", "Address", "MAC", "Tap"].map((head) => (
                  <Th key={head}>{head}</Th>
                ))}
                <Th screenReaderText="Actions" />
              </Tr>
            </Thead>
            <Tbody>
              {vm.nics.map((nic) => (
                <Tr key={nic.name}>
                  <Td dataLabel="NIC">
                    {nic.name} <span className="quiet">{nic.kind}</span>
                  </Td>
                  <Td dataLabel="Switch">{nic.switch}</Td>
                  <Td dataLabel="Address">
                    {nic.address ? <code>{nic.address}</code> : "-"} {nic.fixed && <span className="quiet">{nic.fixed === nic.address ? "kept" : `${nic.fixed} is kept`}</span>}
                    {nic.inet6.map((address) => (
                      <div key={address}>
                        <code>{address}</code>
                      </div>
                    ))}
                  </Td>
                  <Td dataLabel="MAC">
                    <code>{nic.mac}</code>
                  </Td>
                  <Td dataLabel="Tap">
                    {nic.tap || "-"}
                    {nic.tap && <Counters tap={nic.tap} />}
                  </Td>
                  <Td dataLabel="Actions">
                    <div className="row-actions">
                      {action("diagnose", nic, "Check")}
                      {changeable && action("change", nic, "Change")}
                      {changeable && action("remove", nic, "Remove")}
                    </div>
                  </Td>
                </Tr>
              ))}
            </Tbody>
          </Table>
        )}
        {changeable && (
          <p className="table-action">
            <Button variant="secondary" onClick={() => setAsked({ what: "add" })}>
              Add a NIC
            </Button>
          </p>
        )}
        {asked?.what === "add" && <NicDialog vm={vm} onClose={close} />}
        {asked?.what === "change" && <NicDialog vm={vm} nic={asked.nic} onClose={close} />}
        {asked?.what === "remove" && <RemoveDialog vm={vm} nic={asked.nic} onClose={close} />}
        {asked?.what === "diagnose" && <Diagnosis vm={vm} nic={asked.nic} onClose={close} />}
      </CardBody>
    </Card>
  );
}
