import { Content, FormGroup, HelperText, HelperTextItem, TextInput } from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation, useNavigate } from "react-router-dom";
import { call, segment } from "../../api/client";
import type { Plan, VmSummary } from "../../api/models";
import { ErrorBox } from "../../ui/problem";
import { Waiting } from "../../ui/page";
import { TypeToConfirm } from "../../ui/type_to_confirm";
import { OrderDialog } from "../tasks/order_dialog";
import type { Asked } from "./actions";
import { PlanList, planItem } from "./plan_list";
import { guestPage, mostStopSeconds, stopSecondsProblem } from "./guests";

interface DialogProps {
  vm: VmSummary;
  onClose: () => void;
}

const defaultDeadline = "60";

function StopDialog({ vm, onClose }: DialogProps) {
  const [seconds, setSeconds] = useState(defaultDeadline);
  const problem = stopSecondsProblem(seconds);
  return (
    <OrderDialog
      title={`Stop ${vm.name}?`}
      verb="Stop"
      allowed={!problem}
      onClose={onClose}
      order={() => ({ method: "POST", path: `/vms/${segment(vm.name)}/stop`, body: { seconds: Number(seconds) } })}
    >
      <Content component="p">
        The guest sees its power button pressed (ACPI) and shuts itself down: services stop, disks are written. The
        button is pressed again while it does not react. If it has not ended in time, the task says so and the guest
        keeps running.
      </Content>
      <FormGroup label="Time for the guest" fieldId="stop-seconds">
        <TextInput
          id="stop-seconds"
          className="narrow"
          inputMode="numeric"
          value={seconds}
          onChange={(_event, next) => setSeconds(next)}
          validated={problem ? "error" : "default"}
          aria-describedby="stop-seconds-help"
        />
        <HelperText id="stop-seconds-help">
          <HelperTextItem variant={problem ? "error" : "default"}>{problem ?? `Seconds, at most ${mostStopSeconds}`}</HelperTextItem>
        </HelperText>
      </FormGroup>
    </OrderDialog>
  );
}

function KillDialog({ vm, onClose }: DialogProps) {
  return (
    <OrderDialog
      title={`Kill ${vm.name}?`}
      verb="Kill"
      danger
      onClose={onClose}
      order={() => ({ method: "POST", path: `/vms/${segment(vm.name)}/kill` })}
    >
      <Content component="p">
        This is pulling the plug: bhyve ends at once and the guest loses what it has not written to its disks. Its disks
        and settings stay.
      </Content>
    </OrderDialog>
  );
}

function ResetDialog({ vm, onClose }: DialogProps) {
  return (
    <OrderDialog
      title={`Reset ${vm.name}?`}
      verb="Reset"
      danger
      onClose={onClose}
      order={() => ({ method: "POST", path: `/vms/${segment(vm.name)}/reset` })}
    >
      <Content component="p">
        This is the reset button: the guest starts anew at once and loses what it has not written to its disks. To reboot
        it cleanly, do so inside the guest.
      </Content>
      {vm.pending_restart.length > 0 && (
        <Content component="p">
          It goes on with its present settings. What was changed ({vm.pending_restart.join(", ")}) takes effect when it is
          stopped and started again.
        </Content>
      )}
    </OrderDialog>
  );
}

function DeleteDialog({ vm, onClose }: DialogProps) {
  const [typed, setTyped] = useState("");
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const plan = useQuery({
    queryKey: ["vms", "one", vm.name, "delete-plan"],
    queryFn: async () => call<Plan>("DELETE", `/vms/${segment(vm.name)}?plan=1`),
    gcTime: 0,
  });
  return (
    <OrderDialog
      title={`Delete ${vm.name}?`}
      verb="Delete"
      danger
      allowed={plan.isSuccess && plan.data.data.problems.length === 0 && typed === vm.name}
      onClose={onClose}
      onDone={() => {
        if (pathname.startsWith(guestPage(vm.name))) navigate("/guests");
      }}
      order={() => {
        const path = `/vms/${segment(vm.name)}`;
        return plan.data?.etag ? { method: "DELETE", path, ifMatch: plan.data.etag } : { method: "DELETE", path };
      }}
    >
      {plan.isPending && <Waiting lines={3} label="Asking what would go" />}
      {plan.error && <ErrorBox error={plan.error} retry={() => void plan.refetch()} />}
      {plan.data && (
        <>
          <PlanList title="In the way" items={plan.data.data.problems} />
          <PlanList title="Goes for good" items={plan.data.data.destroys.map(planItem)} />
          <PlanList title="Stays" items={plan.data.data.keeps.map(planItem)} />
          <TypeToConfirm name={vm.name} value={typed} onChange={setTyped} />
        </>
      )}
    </OrderDialog>
  );
}

export default function GuestDialog({ asked, onClose }: { asked: Asked; onClose: () => void }) {
  const { verb, vm } = asked;
  switch (verb) {
    case "stop":
      return <StopDialog vm={vm} onClose={onClose} />;
    case "kill":
      return <KillDialog vm={vm} onClose={onClose} />;
    case "reset":
      return <ResetDialog vm={vm} onClose={onClose} />;
    case "delete":
      return <DeleteDialog vm={vm} onClose={onClose} />;
    case "start":
      return null;
  }
}
