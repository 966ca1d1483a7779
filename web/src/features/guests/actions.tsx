import { createContext, lazy, type ReactNode, Suspense, useCallback, useContext, useMemo, useState } from "react";
import { segment } from "../../api/client";
import type { VmSummary, VmAction } from "../../api/models";
import { toProblem } from "../../api/problem";
import { useOrder } from "../tasks/drawer_state";
import { ProblemModal } from "../../ui/problem_modal";

const GuestDialog = lazy(() => import("./dialogs"));

/// What changes the state of a guest. The others in `actions` (edit, console) are places to go to.
export type GuestVerb = Extract<VmAction, "start" | "stop" | "kill" | "reset" | "delete">;

export const verbs: readonly { verb: GuestVerb; label: string; danger: boolean }[] = [
  { verb: "start", label: "Start", danger: false },
  { verb: "stop", label: "Stop", danger: false },
  { verb: "reset", label: "Reset", danger: true },
  { verb: "kill", label: "Kill", danger: true },
  { verb: "delete", label: "Delete", danger: true },
];

export interface Asked {
  verb: GuestVerb;
  vm: VmSummary;
}

const Context = createContext<(verb: GuestVerb, vm: VmSummary) => void>(() => undefined);

/// Starts at once; everything else asks first, as hard as the harm is.
export const useGuestAction = () => useContext(Context);

export function GuestActions({ children }: { children: ReactNode }) {
  const [asked, setAsked] = useState<Asked>();
  const start = useOrder();
  const { mutate, reset } = start;

  const act = useCallback(
    (verb: GuestVerb, vm: VmSummary) => {
      if (verb === "start") mutate({ method: "POST", path: `/vms/${segment(vm.name)}/start` });
      else setAsked({ verb, vm });
    },
    [mutate],
  );
  const done = useCallback(() => setAsked(undefined), []);
  const failure = useMemo(() => (start.error ? toProblem(start.error) : undefined), [start.error]);

  return (
    <Context.Provider value={act}>
      {children}
      {asked && (
        <Suspense fallback={null}>
          <GuestDialog asked={asked} onClose={done} />
        </Suspense>
      )}
      {failure && <ProblemModal problem={failure} onClose={reset} />}
    </Context.Provider>
  );
}
