import { useQuery } from "@tanstack/react-query";
import { formatSize } from "../../text/size";
import { type Answer, call, get, segment } from "../../api/client";
import type { Vm, VmState, VmSummary } from "../../api/models";

/// Beside the guests' own pages: no VM's name has a "+".
export const createPage = "/guests/+new";
export const guestPage = (name: string): string => `/guests/${segment(name)}`;

export function useVms() {
  return useQuery({ queryKey: ["vms", "list"], queryFn: ({ signal }) => get<VmSummary[]>("/vms", signal) });
}

/// One VM together with its ETag, which an edit gives back.
export function useVm(name: string) {
  return useQuery<Answer<Vm>>({
    queryKey: ["vms", "one", name],
    queryFn: ({ signal }) => call<Vm>("GET", `/vms/${segment(name)}`, { signal }),
  });
}

/// The longest that a stop waits for a guest; the API takes no more.
export const mostStopSeconds = 3600;

/// The rule that `text` breaks as the seconds of a stop; nothing when it is right.
export function stopSecondsProblem(text: string): string | undefined {
  const seconds = /^\d+$/.test(text) ? Number(text) : 0;
  return seconds >= 1 && seconds <= mostStopSeconds ? undefined : `A whole number of seconds, 1 to ${mostStopSeconds}`;
}

const logBytes = 64 * 1024;

export function useVmLog(name: string) {
  return useQuery({
    queryKey: ["vms", "one", name, "log"],
    queryFn: async ({ signal }) => (await get<{ text: string }>(`/vms/${segment(name)}/log?bytes=${logBytes}`, signal)).text,
  });
}

/// The first address that any of its NICs is known to have.
export function addressOf(vm: VmSummary): string | undefined {
  return vm.nics.find((nic) => nic.address)?.address;
}

export const isUp = (vm: VmSummary): boolean => vm.state === "running" || vm.state === "stopping";

/// When it was started, in milliseconds; 0 when it does not run.
export const upSince = (vm: VmSummary): number => (isUp(vm) && vm.started ? vm.started * 1000 : 0);

export type Column = "name" | "state" | "owner" | "address" | "cpus" | "memory" | "uptime";
export const columns: readonly Column[] = ["name", "state", "owner", "address", "cpus", "memory", "uptime"];

export interface Order {
  by: Column;
  down: boolean;
}

// What needs a look comes first.
const stateRank: Record<VmState, number> = { failed: 0, stopping: 1, starting: 2, running: 3, stopped: 4 };

const collator = new Intl.Collator("en", { numeric: true });

/// The collator takes the parts of IPv4 addresses as numbers; no address sorts last.
function compareAddresses(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return collator.compare(a, b);
}

function compareBy(column: Column, a: VmSummary, b: VmSummary): number {
  switch (column) {
    case "name":
      return 0;
    case "state":
      return stateRank[a.state] - stateRank[b.state];
    case "owner":
      return collator.compare(a.owner, b.owner);
    case "address":
      return compareAddresses(addressOf(a), addressOf(b));
    case "cpus":
      return a.cpus - b.cpus;
    case "memory":
      return a.memory - b.memory;
    case "uptime":
      // Long uptime is a small start time; what does not run has none.
      return (upSince(b) || Infinity) - (upSince(a) || Infinity) || 0;
  }
}

export function sortVms(vms: readonly VmSummary[], order: Order): VmSummary[] {
  const sign = order.down ? -1 : 1;
  return [...vms].sort((a, b) => sign * compareBy(order.by, a, b) || (order.by === "name" ? sign : 1) * collator.compare(a.name, b.name));
}

export interface Filter {
  text: string;
  state: VmState | "attention" | "";
}

export const needsAttention = (vm: VmSummary): boolean =>
  vm.state === "failed" || vm.pending_restart.length > 0 || vm.definition_error !== undefined;

/// Every word has to be found somewhere in what a row shows.
export function filterVms(vms: readonly VmSummary[], filter: Filter): VmSummary[] {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  return vms.filter((vm) => {
    if (filter.state === "attention" ? !needsAttention(vm) : filter.state && vm.state !== filter.state) return false;
    if (words.length === 0) return true;
    const hay = [vm.name, vm.owner, vm.group, vm.template, vm.note, ...vm.tags, addressOf(vm) ?? ""].join(" ").toLowerCase();
    return words.every((word) => hay.includes(word));
  });
}

/// What guests that are up have in all: of the settings, in bytes of memory.
export function sumUp(vms: readonly VmSummary[]): { count: number; cpus: number; memory: number } {
  const up = vms.filter(isUp);
  return { count: up.length, cpus: up.reduce((sum, vm) => sum + vm.cpus, 0), memory: up.reduce((sum, vm) => sum + vm.memory, 0) };
}

/// "3 vCPUs and 1 GiB".
export const sumWords = ({ cpus, memory }: { cpus: number; memory: number }): string =>
  `${cpus} ${cpus === 1 ? "vCPU" : "vCPUs"} and ${formatSize(memory)}`;

export function countStates(vms: readonly VmSummary[]): Record<VmState, number> {
  const counts: Record<VmState, number> = { running: 0, stopped: 0, starting: 0, stopping: 0, failed: 0 };
  for (const vm of vms) counts[vm.state]++;
  return counts;
}
