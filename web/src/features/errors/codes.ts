import texts from "../../api/codes.json";
import { pageMistake, unreachable } from "../../api/problem";

export interface CodeText {
  /// 0: no HTTP status, since there was no answer.
  status: number;
  title: string;
  meaning: string;
  advice: string;
}

/// The API's own codes, and those of what never came from the API.
export const codes: Readonly<Record<string, CodeText>> = {
  ...texts,
  "web.unreachable": {
    ...unreachable,
    meaning: "The page got no answer from bhyped: the network is away, nginx runs and bhyped does not, or the host is down. Running VMs are not touched by it.",
  },
  "web.internal": { ...pageMistake, meaning: "The page met something in its own code that its authors did not think of. The host is not touched by it." },
  "http.STATUS": {
    status: 0,
    title: "The server answered with an HTTP status alone",
    meaning: "The answer is not bHype's: nginx, or another proxy on the way, gave it. The number is its HTTP status.",
    advice: "Look at nginx's error log on the host.",
  },
};

/// The entry that explains `code`; none: this version does not know it.
export function entryOf(code: string): string | undefined {
  if (Object.hasOwn(codes, code)) return code;
  return /^http\.\d+$/.test(code) ? "http.STATUS" : undefined;
}

const rooms: Readonly<Record<string, string>> = {
  api: "Requests",
  access: "Access",
  task: "Tasks",
  vm: "VMs",
  template: "Templates",
  storage: "Storage",
  host: "The host",
  console: "Consoles",
  store: "The database",
  base: "bHype itself",
  web: "The web interface",
  http: "The web interface",
};

/// The codes by what they are about, in an order that stays.
export function byRoom(): { room: string; codes: string[] }[] {
  const found = new Map<string, string[]>([...new Set(Object.values(rooms))].map((room) => [room, []]));
  for (const code of Object.keys(codes)) {
    const room = rooms[code.split(".")[0]!] ?? rooms["base"]!;
    found.get(room)!.push(code);
  }
  return [...found].map(([room, of]) => ({ room, codes: of.sort() }));
}
