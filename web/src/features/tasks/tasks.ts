import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { call, get, segment } from "../../api/client";
import type { Step, Task } from "../../api/models";

export const isActive = (task: Task): boolean => task.state === "queued" || task.state === "running";
export const needsLook = (task: Task): boolean => task.state === "failed" || task.state === "attention";

/// What the list of tasks can be narrowed to.
export const taskFilters = { work: "At work", look: "Failed or needs attention", done: "Done", cancelled: "Cancelled" } as const;
export type TaskFilter = keyof typeof taskFilters | "";

export function filterTasks(tasks: readonly Task[], filter: TaskFilter): Task[] {
  switch (filter) {
    case "":
      return [...tasks];
    case "work":
      return tasks.filter(isActive);
    case "look":
      return tasks.filter(needsLook);
    default:
      return tasks.filter(({ state }) => state === filter);
  }
}

// Events bring every change at once; this is the net below them while work is going on.
const netInterval = 5000;

const most = 100;

/// The newest tasks, of one object ("vm/web1") or of all that the caller may see.
export function useTasks(object?: string) {
  const query = new URLSearchParams({ most: String(most), ...(object ? { object } : {}) });
  return useQuery({
    queryKey: ["tasks", "list", object ?? ""],
    queryFn: ({ signal }) => get<Task[]>(`/tasks?${query.toString()}`, signal),
    refetchInterval: ({ state }) => (state.data?.some(isActive) ? netInterval : false),
  });
}

export function useTask(id: string | undefined) {
  return useQuery({
    queryKey: ["tasks", "one", id ?? ""],
    queryFn: ({ signal }) => get<Task>(`/tasks/${segment(id!)}`, signal),
    enabled: Boolean(id),
    refetchInterval: ({ state }) => (state.data && isActive(state.data) ? netInterval : false),
  });
}

export function useSteps(task: Task | undefined) {
  return useQuery({
    queryKey: ["tasks", "one", task?.id ?? "", "steps"],
    queryFn: ({ signal }) => get<Step[]>(`/tasks/${segment(task!.id)}/steps`, signal),
    enabled: Boolean(task),
    refetchInterval: task && isActive(task) ? netInterval : false,
  });
}

export function useCancelTask() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (id: string) => (await call<Task>("POST", `/tasks/${segment(id)}/cancel`)).data,
    onSuccess: (task) => {
      client.setQueryData(["tasks", "one", task.id], task);
      void client.invalidateQueries({ queryKey: ["tasks", "list"] });
    },
  });
}

/// The page of the thing that a task works on: "vm/web1" has one.
export function objectPage(object: string): { name: string; path: string } | undefined {
  const slash = object.indexOf("/");
  if (slash < 0) return undefined;
  const name = object.slice(slash + 1);
  if (object.slice(0, slash) === "vm" && name) return { name, path: `/guests/${segment(name)}` };
  return undefined;
}

/// Who started it, as the one who looks would say it.
export const byWhom = (task: Task, me: string): string => (task.user === me ? "you" : task.user);

/// How long a task has run or ran, in milliseconds.
export function taskDuration(task: Task, now: number): number {
  if (!task.started) return 0;
  return Math.max(0, (task.ended || now) - task.started);
}
