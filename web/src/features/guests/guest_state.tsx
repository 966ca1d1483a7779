import { Button } from "@patternfly/react-core";
import type { VmSummary } from "../../api/models";
import { StateLabel } from "../../ui/state";
import { useTaskDrawer } from "../tasks/drawer_state";

/// The state of a guest and, beside it, what waits for a restart and the task that works on it.
export function GuestState({ vm }: { vm: VmSummary }) {
  const { show } = useTaskDrawer();
  return (
    <span className="guest-state">
      <StateLabel state={vm.state} />
      {vm.pending_restart.length > 0 && <StateLabel state="restart" />}
      {vm.definition_error !== undefined && vm.state !== "failed" && <StateLabel state="attention" />}
      {vm.task && (
        <Button variant="link" isInline className="guest-task" onClick={() => show(vm.task)}>
          task
        </Button>
      )}
    </span>
  );
}
