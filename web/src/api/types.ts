// The API's shapes, as openapi-typescript writes them from docs/openapi.json (`npm run generate`).

export interface components {
  schemas: {
    FieldProblem: { field: string; rule: string };
    Problem: {
      type?: string;
      title: string;
      status: number;
      detail?: string;
      code: string;
      advice?: string;
      problems?: components["schemas"]["FieldProblem"][];
    };
    WhoAmI: { user: string; role: "none" | "viewer" | "member" | "administrator"; groups: string[]; source: string };
    Pool: { name: string; size: number; allocated: number; free: number; health: string };
    HostView: {
      hostname: string;
      release: string;
      cpu_model: string;
      cpus: number;
      max_vcpus?: number;
      memory: number;
      memory_free: number;
      arc: number;
      pool?: components["schemas"]["Pool"];
      daemons: { hostd: boolean };
      setup_done: boolean;
    };
    Check: { id: string; title: string; state: "ok" | "warning" | "failed"; found: string; advice: string };
    SetupRequest: { pool: string; disks?: string[]; layout?: string; plan?: boolean };
    Disk: { name: string; size: number; description: string; ident: string; solid_state: boolean; used_by: string };
    Template: {
      name: string;
      title: string;
      family: "linux" | "freebsd" | "windows" | "openbsd" | "other";
      description: string;
      notes: string;
      kind: "image" | "iso" | "empty";
      cpus: number;
      memory: number;
      disk: number;
      smallest_memory: number;
      smallest_disk: number;
      disk_kind: string;
      nic_kind: string;
      screen: boolean;
      available: boolean;
      why_not?: string;
      media?: { url?: string; file?: string; sha256?: string };
    };
    Switch: {
      name: string;
      kind: "nat";
      bridge: string;
      address: string;
      state: "up" | "missing";
      guests: string[];
    };
    VmDisk: {
      name: string;
      slot: number;
      kind: string;
      size: number;
      used: number;
      serial: string;
      origin?: string;
    };
    VmNic: {
      name: string;
      slot: number;
      kind: string;
      mac: string;
      switch: string;
      tap?: string;
      address?: string;
    };
    VmCd: { name: string; slot: number; image: string };
    Screen: { width: number; height: number };
    Vm: {
      name: string;
      state: "stopped" | "starting" | "running" | "stopping" | "failed";
      reason: string;
      last_lines: string[];
      since: number;
      started: number;
      reboots: number;
      owner: string;
      group: string;
      note: string;
      template: string;
      cpus: number;
      memory: number;
      disks: components["schemas"]["VmDisk"][];
      nics: components["schemas"]["VmNic"][];
      cds: components["schemas"]["VmCd"][];
      screen?: components["schemas"]["Screen"];
      id: string;
      generation: number;
      running_generation: number;
      pending_restart: string[];
      actions: ("start" | "stop" | "kill" | "reset" | "delete" | "edit" | "console")[];
      task?: string;
      dataset: string;
    };
    CreateVm: {
      name: string;
      template: string;
      cpus?: number;
      memory?: number | string;
      disk?: number | string;
      switch?: string;
      note?: string;
      owner?: string;
      group?: string;
      start?: boolean;
      plan?: boolean;
    };
    EditVm: {
      cpus?: number;
      memory?: number | string;
      note?: string;
      owner?: string;
      group?: string;
      screen?: components["schemas"]["Screen"];
    };
    Plan: {
      steps: string[];
      space_now: number;
      space_most: number;
      memory_left: number;
      destroys: string[];
      keeps: string[];
      problems: string[];
    };
    SetupPlan: { steps: string[]; wipes: string[]; nothing_to_do: boolean };
    ConsoleTicket: { ticket: string; path: string; protocol: string; viewers: number };
    Task: {
      id: string;
      kind: string;
      object: string;
      title: string;
      user: string;
      source: string;
      state: "queued" | "running" | "done" | "failed" | "cancelled" | "attention";
      created: number;
      started: number;
      ended: number;
      progress?: number;
      message: string;
      cancellable: boolean;
      error?: components["schemas"]["Problem"];
      result?: unknown;
    };
    Command: { command: string; exit_status: number; output: string; milliseconds: number };
    Step: {
      number: number;
      title: string;
      operation: string;
      state: "intent" | "done" | "failed" | "unknown";
      started: number;
      ended: number;
      error: string;
      commands: components["schemas"]["Command"][];
    };
    Log: { text: string };
  };
}
