// Short names for what the API sends. Everything else imports from here, so that types.ts can be made anew.
import type { components } from "./types";

type Schemas = components["schemas"];

export type FieldProblem = Schemas["FieldProblem"];
export type Problem = Schemas["Problem"];
export type WhoAmI = Schemas["WhoAmI"];
export type Host = Schemas["HostView"];
export type Check = Schemas["Check"];
export type SetupRequest = Schemas["SetupRequest"];
export type Disk = Schemas["Disk"];
export type Template = Schemas["Template"];
export type Switch = Schemas["Switch"];
export type Vm = Schemas["Vm"];
export type VmState = Vm["state"];
export type VmAction = Vm["actions"][number];
export type CreateVm = Schemas["CreateVm"];
export type EditVm = Schemas["EditVm"];
export type Plan = Schemas["Plan"];
export type SetupPlan = Schemas["SetupPlan"];
export type ConsoleTicket = Schemas["ConsoleTicket"];
export type Task = Schemas["Task"];
export type TaskState = Task["state"];
export type Step = Schemas["Step"];
export type Command = Schemas["Command"];

export type ConsoleKind = "screen" | "serial";
export type ConsoleMode = "control" | "watch" | "take-over";
