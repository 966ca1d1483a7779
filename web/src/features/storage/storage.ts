import { useQuery } from "@tanstack/react-query";
import { get, segment } from "../../api/client";
import type { Alert, Disk, ImportablePool, Pool, PoolDevice, PoolScan, VdevGroup } from "../../api/models";

export const poolPath = (name: string, rest = ""): string => `/pools/${segment(name)}${rest}`;

/// Read again when the server tells that something about them has changed.
export const usePools = () => useQuery({ queryKey: ["pools"], queryFn: ({ signal }) => get<Pool[]>("/pools", signal), refetchInterval: 30_000 });
export const useDisks = (enabled: boolean) =>
  useQuery({ queryKey: ["pools", "disks"], queryFn: ({ signal }) => get<Disk[]>("/disks", signal), enabled });
export const useImportable = (enabled: boolean) =>
  useQuery({ queryKey: ["pools", "importable"], queryFn: ({ signal }) => get<ImportablePool[]>("/importable-pools", signal), enabled });
export const useAlerts = () =>
  useQuery({ queryKey: ["alerts"], queryFn: ({ signal }) => get<Alert[]>("/alerts", signal), refetchInterval: 60_000 });

/// A scrub or a resilvering in words, without its time.
export function scanWords(scan: PoolScan): string {
  if (scan.kind === "none") return "never scrubbed";
  const errors = scan.errors > 0 ? `, ${scan.errors} errors left` : "";
  if (scan.state === "finished") return `${scan.kind} finished${errors}`;
  const part = scan.percent == null ? "" : `, ${scan.percent.toFixed(1)} % done`;
  return `${scan.kind} ${scan.state}${part}${errors}`;
}

/// "mirror nda0 nda1, spare nda2": as zpool(8) takes it.
export function groupWords(groups: readonly VdevGroup[]): string {
  return groups
    .map(({ role = "data", layout = "stripe", disks = [] }) => [role === "data" ? "" : role, layout === "stripe" ? "" : layout, ...disks].filter(Boolean).join(" "))
    .join(", ");
}

/// What can be done to a device, as zpool allows it for what it is.
export function deviceActions(device: PoolDevice, inMirror: boolean): ("online" | "offline" | "replace" | "attach" | "detach" | "remove")[] {
  if (device.role === "spare") return device.state === "INUSE" ? [] : ["remove"];
  if (device.role === "cache") return ["remove"];
  if (!device.leaf) return device.depth === 0 && (device.role !== "data" || device.name.startsWith("mirror-")) ? ["remove"] : [];
  const out = device.state === "OFFLINE" || device.state === "REMOVED" || device.state === "UNAVAIL" || device.state === "FAULTED";
  const single = device.depth === 0;
  return [out ? "online" : "offline", "replace", ...(single || inMirror ? (["attach"] as const) : []), ...(inMirror ? (["detach"] as const) : []),
    ...(single && device.role === "log" ? (["remove"] as const) : [])];
}

/// The group that a device is in, when it is in one.
export function groupOf(devices: readonly PoolDevice[], index: number): PoolDevice | undefined {
  const depth = devices[index]?.depth ?? 0;
  for (let i = index - 1; i >= 0; i--) {
    const other = devices[i];
    if (other && other.depth < depth) return other;
  }
  return undefined;
}
