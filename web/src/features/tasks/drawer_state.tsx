import { useMutation, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { order } from "../../api/client";
import { type Order, rememberOrder } from "./as_command";

interface Kept {
  open: boolean;
  /// The task whose details are shown; none: the list.
  shown?: string;
  /// Tasks started here whose end has not been told yet.
  followed: string[];
}

interface TaskDrawer extends Kept {
  show(id?: string): void;
  close(): void;
  follow(id: string): void;
  unfollow(id: string): void;
}

const nothing: Kept = { open: false, followed: [] };
const storeName = "bhype.drawer";

function read(): Kept {
  try {
    return { ...nothing, ...(JSON.parse(sessionStorage.getItem(storeName) ?? "{}") as Partial<Kept>) };
  } catch {
    return nothing;
  }
}

const Context = createContext<TaskDrawer | undefined>(undefined);

export function useTaskDrawer(): TaskDrawer {
  const drawer = useContext(Context);
  if (!drawer) throw new Error("no task drawer around this");
  return drawer;
}

/// Keeps the drawer as it was over a reload: what is running does not care about the page, and neither should it.
export function TaskDrawerState({ children }: { children: ReactNode }) {
  const [kept, setKept] = useState(read);

  useEffect(() => {
    try {
      sessionStorage.setItem(storeName, JSON.stringify(kept));
    } catch {
      // Then it is closed after a reload.
    }
  }, [kept]);

  const show = useCallback((id?: string) => setKept((old) => ({ ...old, open: true, shown: id })), []);
  const close = useCallback(() => setKept((old) => ({ ...old, open: false })), []);
  const follow = useCallback(
    (id: string) => setKept((old) => ({ ...old, followed: [...old.followed.filter((each) => each !== id), id] })),
    [],
  );
  const unfollow = useCallback(
    (id: string) => setKept((old) => ({ ...old, followed: old.followed.filter((each) => each !== id) })),
    [],
  );
  const value = useMemo(() => ({ ...kept, show, close, follow, unfollow }), [kept, show, close, follow, unfollow]);
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

/// Gives an order that makes a task, and follows the task from then on.
export function useOrder() {
  const client = useQueryClient();
  const { follow } = useTaskDrawer();
  return useMutation({
    mutationFn: async (wanted: Order) => order(wanted.method, wanted.path, wanted.prepare ? await wanted.prepare() : wanted.body, wanted.ifMatch),
    onSuccess: (task, wanted) => {
      if (task) {
        rememberOrder(task.id, wanted);
        client.setQueryData(["tasks", "one", task.id], task);
        follow(task.id);
        void client.invalidateQueries({ queryKey: ["tasks", "list"] });
      }
      for (const key of ["vms", "switches", "forwards", "firewall", "pools", "alerts"]) void client.invalidateQueries({ queryKey: [key] });
    },
  });
}
