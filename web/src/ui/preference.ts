import { useCallback, useState } from "react";

/// Small choices that belong to this browser. Storage may be forbidden or full: then they last until the reload.
export function readPreference(name: string): string | undefined {
  try {
    return localStorage.getItem(`bhype.${name}`) ?? undefined;
  } catch {
    return undefined;
  }
}

export function writePreference(name: string, value: string): void {
  try {
    localStorage.setItem(`bhype.${name}`, value);
  } catch {
    // Only the memory of the choice is lost.
  }
}

export function usePreference(name: string, initial: string): [string, (value: string) => void] {
  const [value, setValue] = useState(() => readPreference(name) ?? initial);
  const change = useCallback(
    (next: string) => {
      setValue(next);
      writePreference(name, next);
    },
    [name],
  );
  return [value, change];
}
