import { useQuery } from "@tanstack/react-query";
import { call, segment } from "../../api/client";
import type { Plan, Vm } from "../../api/models";
import { Waiting } from "../../ui/page";
import { ErrorBox } from "../../ui/problem";
import { OrderDialog } from "../tasks/order_dialog";
import { PlanList } from "./plan_list";

/// Of which VM a linked disk shares the blocks; nothing when its origin is a template's image.
export const linkedVm = (origin: string): string | undefined => /\/bhype\/vm\/([^/@]+)/.exec(origin)?.[1];

/// Turns the dependence of a linked clone round.
export function Promote({ vm, onClose }: { vm: Vm; onClose: () => void }) {
  const path = `/vms/${segment(vm.name)}/promote`;
  const plan = useQuery({
    queryKey: ["vms", "promote", vm.name],
    queryFn: async ({ signal }) => (await call<Plan>("POST", path, { body: { plan: true }, signal })).data,
    retry: false,
    gcTime: 0,
  });
  return (
    <OrderDialog title={`Promote ${vm.name}?`} verb="Promote" allowed={plan.data?.problems.length === 0} onClose={onClose}
      order={() => ({ method: "POST", path, body: {} })}>
      <p>It takes over the snapshots that it was made from. The VM that they were of is the clone from then on, and can be deleted.</p>
      {plan.error && <ErrorBox error={plan.error} retry={() => void plan.refetch()} />}
      {!plan.data && !plan.error && <Waiting lines={3} label="Asking what would change" />}
      {plan.data && (
        <>
          <PlanList title="In the way" items={plan.data.problems} />
          <PlanList title="Moves" items={plan.data.steps} />
          <PlanList title="Stays" items={plan.data.keeps} />
        </>
      )}
    </OrderDialog>
  );
}
