import { useQuery } from "@tanstack/react-query";
import { get } from "../../api/client";
import type { Traffic } from "../../api/models";

export interface Rate {
  /// Bytes a second.
  received: number;
  sent: number;
}

interface Look {
  at: number;
  counters: ReadonlyMap<string, Traffic>;
  rates: ReadonlyMap<string, Rate>;
}

const every = 2_000;

/// Rates between two looks; an interface that was made anew meanwhile, so that it counts from zero again, has none yet.
export function ratesBetween(before: Pick<Look, "at" | "counters">, now: Pick<Look, "at" | "counters">): Map<string, Rate> {
  const seconds = (now.at - before.at) / 1000;
  const rates = new Map<string, Rate>();
  for (const [name, counter] of now.counters) {
    const old = before.counters.get(name);
    if (!old || seconds <= 0 || counter.received_bytes < old.received_bytes || counter.sent_bytes < old.sent_bytes) continue;
    rates.set(name, {
      received: (counter.received_bytes - old.received_bytes) / seconds,
      sent: (counter.sent_bytes - old.sent_bytes) / seconds,
    });
  }
  return rates;
}

/// What goes through each interface now.
export function useTraffic(): Pick<Look, "counters" | "rates"> {
  const { data } = useQuery({
    queryKey: ["traffic"],
    queryFn: async ({ signal, client, queryKey }): Promise<Look> => {
      const before = client.getQueryData<Look>(queryKey);
      const all = await get<Traffic[]>("/traffic", signal);
      const now = { at: Date.now(), counters: new Map(all.map((each) => [each.name, each])) };
      return { ...now, rates: before ? ratesBetween(before, now) : new Map() };
    },
    refetchInterval: every,
    structuralSharing: false,
  });
  return data ?? { counters: new Map(), rates: new Map() };
}

const units = ["B/s", "kB/s", "MB/s", "GB/s"];

/// Three digits at most: "0 B/s", "12.3 kB/s".
export function formatRate(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toPrecision(value < 999.5 && value >= 1 ? 3 : 1).replace(/\.0+$/, "")} ${units[unit]}`;
}
