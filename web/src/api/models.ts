// Short names for what the API sends. Everything else imports from here, since types.ts is made anew from the OpenAPI
// document (`npm run generate`).
import type { components } from "./types";

type Schemas = components["schemas"];

/// Also what the page itself has to say about an answer that never came, under codes of its own ("web.unreachable").
export type Problem = Omit<Schemas["Problem"], "code" | "type" | "advice"> & { code: string; type?: string; advice?: string };
export type WhoAmI = Schemas["WhoAmI"];
export type Host = Schemas["HostView"];
export type Check = Schemas["Check"];
export type SetupRequest = Schemas["SetupRequest"];
export type Disk = Schemas["DiskView"];
export type DiskReport = Schemas["DiskReport"];
export type DiskFigures = Schemas["DiskHealthResult"];
export type Template = Schemas["Template"];
export type Switch = Schemas["Switch"];
export type SwitchSettings = Schemas["EditSwitch"];
export type SwitchPlan = Schemas["SwitchPlan"];
export type Lease = Schemas["LeaseView"];
export type Neighbor = Schemas["NeighborView"];
export type Forward = Schemas["ForwardView"];
export type Firewall = Schemas["FirewallView"];
export type Traffic = Schemas["Traffic"];
export type Uplink = Schemas["Uplink"];
export type UplinkList = Schemas["UplinkList"];
export type UplinkGuard = Schemas["UplinkGuard"];
export type UplinkPlan = Schemas["UplinkPlanResult"];
export type Vm = Schemas["Vm"];
/// A VM of the list.
export type VmSummary = Schemas["VmSummary"];
export type NicSummary = Schemas["NicSummary"];
export type Nic = Schemas["Nic"];
export type Finding = Schemas["Finding"];
export type VmState = Vm["state"];
export type VmAction = Vm["actions"][number];
export type CreateVm = Schemas["CreateVm"];
export type EditVm = Schemas["EditVm"];
export type Plan = Schemas["Plan"];
export type Snapshot = Schemas["VmSnapshot"];
export type SnapshotPage = Schemas["SnapshotPage"];
export type SnapshotPlan = Schemas["SnapshotPlan"];
export type SnapshotDefinition = Schemas["SnapshotDefinition"];
export type SnapshotFiles = Schemas["SnapshotFiles"];
export type LookEntry = SnapshotFiles["entries"][number];
export type Difference = Schemas["Difference"];
export type SnapshotPlanView = Schemas["PlanView"];
export type Retention = Schemas["PlanView"]["retention"];
export type PlanPreview = Schemas["PlanPreview"];
export type Pool = Schemas["PoolView"];
export type PoolDevice = Pool["vdevs"][number];
export type PoolScan = Pool["scan"];
export type ImportablePool = Schemas["ImportablePool"];
export type Proposal = Schemas["Proposal"];
export type VdevGroup = Schemas["VdevGroup"];
export type StoragePlan = Schemas["StoragePlan"];
export type Space = Schemas["SpaceView"];
export type SpaceItem = Space["items"][number];
export type GrowPlan = Schemas["GrowPlan"];
export type Alert = Schemas["Alert"];
export type SetupPlan = Schemas["SetupPlan"];
export type ConsoleTicket = Schemas["ConsoleTicket"];
export type Task = Omit<Schemas["Task"], "error"> & { error?: Problem };
export type TaskState = Task["state"];
export type AuditEntry = Schemas["AuditEntry"];
export type Step = Schemas["Step"];
export type Command = Schemas["Command"];

export type ConsoleKind = Schemas["OpenConsole"]["kind"];
export type ConsoleMode = NonNullable<Schemas["OpenConsole"]["mode"]>;
