import type { Task } from "../../api/models";
import { base } from "../../api/client";
import { shellLine } from "../../text/shell";

/// What was asked for when a task was made here: enough to say it again on a terminal.
export interface Order {
  method: "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  body?: Record<string, unknown>;
  /// Gives the body that is sent, when something has to be done for it first: with a secret, which is not in `body`.
  prepare?: () => Promise<Record<string, unknown>>;
  /// ETag of what the user was shown: nothing else is changed.
  ifMatch?: string;
}

/// Where bhyped listens for the command line: whoever may open it is known by the kernel and needs no log-in.
export const cliSocket = "/var/run/bhype/api/cli.sock";

const createOptions = ["template", "cpus", "memory", "disk", "switch", "note", "owner", "group"] as const;

export function createCommand(body: Record<string, unknown>): string {
  const words = ["bhype", "vm", "create", String(body["name"] ?? "")];
  for (const option of createOptions) {
    const value = body[option];
    if (value !== undefined && value !== "") words.push(`--${option}`, String(value));
  }
  if (body["start"]) words.push("--start");
  return shellLine(words);
}

export function setupCommand(body: Record<string, unknown>): string {
  const words = ["bhype", "setup", "--pool", String(body["pool"] ?? "")];
  const disks = body["disks"];
  if (Array.isArray(disks) && disks.length > 0) words.push("--disks", disks.join(","));
  if (body["layout"]) words.push("--layout", String(body["layout"]));
  const encryption = body["encryption"] as { key: string } | undefined;
  if (encryption) words.push("--encrypt", encryption.key);
  return shellLine([...words, "--yes"]);
}

interface Group {
  role?: string;
  layout?: string;
  disks?: readonly string[];
}

const groupWords = ({ role = "data", layout = "stripe", disks = [] }: Group): string[] => [
  ...(role === "data" ? [] : [role]),
  ...(layout === "stripe" ? [] : [layout]),
  ...disks,
];

/// What was asked of a pool, as zpool's verbs; undefined: it is not about one.
export function poolCommand({ method, path, body = {} }: Order): string | undefined {
  const text = (key: string): string => String(body[key] ?? "");
  if (method === "POST" && path === "/pools") {
    const encryption = body["encryption"] as { key: string } | undefined;
    return shellLine(["bhype", "pool", "create", text("name"), ...(encryption ? ["--encrypt", encryption.key] : []), ...((body["groups"] ?? []) as Group[]).flatMap(groupWords), "--yes"]);
  }
  const wiped = /^\/disks\/([^/]+)\/wipe$/.exec(path)?.[1];
  if (wiped) return shellLine(["bhype", "disk", "wipe", decodeURIComponent(wiped), "--yes"]);
  const [, name, verb] = /^\/pools\/([^/]+)\/([a-z]+)$/.exec(path) ?? [];
  if (method !== "POST" || !name || !verb) return undefined;
  const words = (verb: string, ...more: string[]): string => shellLine(["bhype", "pool", verb, decodeURIComponent(name), ...more.filter(Boolean)]);
  switch (verb) {
    case "scrub":
    case "trim":
      return words(verb, text("action"));
    case "clear":
      return words(verb, text("device"));
    case "lock":
    case "unlock":
    case "export":
      return words(verb);
    case "devices":
      return words(text("action"), text("device"));
    case "replace":
    case "attach":
      return words(verb, text("device"), text("disk"), "--yes");
    case "vdevs":
      return words("add", ...groupWords((body["group"] ?? {}) as Group), "--yes");
    default:
      return undefined;
  }
}

export function curlCommand(order: Order): string {
  const words = ["curl", "--unix-socket", cliSocket, "-X", order.method];
  if (order.body && Object.keys(order.body).length > 0) {
    words.push("-H", "Content-Type: application/json", "-d", JSON.stringify(order.body));
  }
  return shellLine([...words, `http://localhost${base}${order.path}`]);
}

const plainVerbs = new Set(["start", "stop", "kill", "reset", "delete"]);

/// What a task's kind and object alone say about the request that made it.
function orderFromTask(task: Task): Order | undefined {
  const [noun, verb] = task.kind.split(".");
  const name = task.object.split("/")[1];
  if (noun !== "vm" || !verb || !name || !plainVerbs.has(verb)) return undefined;
  if (verb === "delete") return { method: "DELETE", path: `/vms/${encodeURIComponent(name)}` };
  return { method: "POST", path: `/vms/${encodeURIComponent(name)}/${verb}` };
}

export interface Said {
  command?: string;
  curl?: string;
}

/// The task again as a bhype command and as a curl command. What made a task elsewhere is known only in part: then
/// nothing is offered rather than something wrong.
export function sayAgain(task: Task, remembered?: Order): Said {
  const order = remembered ?? orderFromTask(task);
  if (!order) return {};
  const curl = curlCommand(order);
  if (task.kind === "vm.create") return { curl, command: createCommand(order.body ?? {}) };
  if (order.path === "/setup") return { curl, command: setupCommand(order.body ?? {}) };
  const [noun, verb] = task.kind.split(".");
  const name = task.object.split("/")[1];
  if (noun === "pool" || noun === "disk") return { curl, command: poolCommand(order) };
  if (noun !== "vm" || !verb || !name || !plainVerbs.has(verb)) return { curl };
  const words = ["bhype", "vm", verb, name];
  const seconds = order.body?.["seconds"];
  if (verb === "stop" && seconds !== undefined) words.push("--seconds", String(seconds));
  return { curl, command: shellLine(words) };
}

const storeName = "bhype.orders";
const mostRemembered = 50;

function readOrders(): [string, Order][] {
  try {
    const value: unknown = JSON.parse(sessionStorage.getItem(storeName) ?? "[]");
    return Array.isArray(value) ? (value as [string, Order][]) : [];
  } catch {
    return [];
  }
}

export function rememberOrder(id: string, order: Order): void {
  try {
    const kept = readOrders().filter(([known]) => known !== id).slice(-(mostRemembered - 1));
    sessionStorage.setItem(storeName, JSON.stringify([...kept, [id, order]]));
  } catch {
    // Without storage a task can still be read, only not be said again in full.
  }
}

export function rememberedOrder(id: string): Order | undefined {
  return readOrders().find(([known]) => known === id)?.[1];
}
