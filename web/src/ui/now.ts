import { useSyncExternalStore } from "react";

// One clock for all relative times on a page: a timer each would wake the page a thousand times.
const period = 10_000;
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let current = Date.now();

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) {
    current = Date.now();
    timer = setInterval(() => {
      current = Date.now();
      for (const each of listeners) each();
    }, period);
  }
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) clearInterval(timer);
  };
}

/// The time in milliseconds, renewed every few seconds. Never behind what a fresh event says.
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => current);
}
