import { type QueryClient, type QueryKey, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useRef, useState } from "react";
import { type EventLine, type LineState, openEvents } from "./events";

/// Which cached answers a changed resource makes stale. Keys are [collection, "list" | "one", name, ...].
export function staleKeys(resource: string): QueryKey[] {
  const slash = resource.indexOf("/");
  if (slash < 0) return [[resource]];
  const collection = resource.slice(0, slash);
  const name = resource.slice(slash + 1);
  const keys: QueryKey[] = [
    [collection, "list"],
    [collection, "one", name],
  ];
  // A switch lists its guests; what is free on the host follows from what runs on it.
  if (collection === "vms") keys.push(["switches"], ["host"]);
  return keys;
}

interface Live {
  state: LineState;
  retry(): void;
}

const Context = createContext<Live>({ state: { up: true }, retry: () => undefined });

export const useLive = (): Live => useContext(Context);

/// Changes come in bursts (a task writes every step): gather them for a moment, fetch each thing once.
const gathering = 150;

function gather(client: QueryClient): (resource: string) => void {
  const waiting = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  return (resource) => {
    waiting.add(resource);
    timer ??= setTimeout(() => {
      timer = undefined;
      const keys = new Map<string, QueryKey>();
      for (const one of waiting) for (const key of staleKeys(one)) keys.set(JSON.stringify(key), key);
      waiting.clear();
      for (const key of keys.values()) void client.invalidateQueries({ queryKey: key });
    }, gathering);
  };
}

export function LiveUpdates({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const [state, setState] = useState<LineState>({ up: true });
  const line = useRef<EventLine | undefined>(undefined);

  useEffect(() => {
    const opened = openEvents(gather(client), (next) => {
      setState(next);
      // What changed while nobody listened (also between the page's first requests and now) is not known.
      if (next.up) void client.invalidateQueries();
    });
    line.current = opened;
    const online = () => opened.retry();
    window.addEventListener("online", online);
    return () => {
      window.removeEventListener("online", online);
      opened.close();
    };
  }, [client]);

  return <Context.Provider value={{ state, retry: () => line.current?.retry() }}>{children}</Context.Provider>;
}
