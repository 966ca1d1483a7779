import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call, segment } from "../../api/client";
import type { GrowPlan, Vm } from "../../api/models";
import { fieldProblems } from "../../api/problem";
import { formatSize, sizeInput } from "../../text/size";
import { ErrorBox } from "../../ui/problem";
import { OrderDialog } from "../tasks/order_dialog";
import { TextField } from "./fields";
import { PlanList } from "./plan_list";

/// A larger disk, and what the guest has to do so that it uses it.
export function GrowDisk({ vm, disk, onClose }: { vm: Vm; disk: Vm["disks"][number]; onClose: () => void }) {
  const [size, setSize] = useState(sizeInput(disk.size * 2));
  const path = `/vms/${segment(vm.name)}/disks/${segment(disk.name)}/grow`;
  const plan = useQuery({
    queryKey: ["vms", "grow", vm.name, disk.name, size],
    queryFn: async ({ signal }) => (await call<GrowPlan>("POST", path, { body: { size, plan: true }, signal })).data,
    enabled: size !== "",
    retry: false,
    gcTime: 0,
  });
  const problems = fieldProblems(plan.error);
  const wrong = plan.data?.problems ?? [];
  return (
    <OrderDialog title={`Grow ${disk.name} of ${vm.name}`} verb="Grow" allowed={Boolean(plan.data) && wrong.length === 0} onClose={onClose}
      order={() => ({ method: "POST", path, body: { size } })}>
      <p>It has {formatSize(disk.size)}. A disk cannot be made smaller again.</p>
      <TextField id="grow-size" label="New size" required value={size} onChange={setSize} problem={problems["size"] ?? wrong.find((each) => each.startsWith("size: "))?.slice(6)} />
      {plan.error && !problems["size"] && <ErrorBox error={plan.error} />}
      {wrong.filter((each) => !each.startsWith("size: ")).map((each) => (
        <p key={each} className="field-problem">
          {each}
        </p>
      ))}
      {plan.data && wrong.length === 0 && <PlanList title="In the guest then" items={plan.data.inside} />}
    </OrderDialog>
  );
}
