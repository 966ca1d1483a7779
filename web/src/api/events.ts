import { base, reportLoggedOut } from "./client";

export interface ServerEvent {
  event: string;
  data: string;
}

/// Parses text/event-stream as it arrives, in pieces of any size. Comments only show that the line is alive.
export class EventParser {
  private rest = "";
  private event = "";
  private data: string[] = [];

  constructor(private readonly emit: (event: ServerEvent) => void) {}

  push(text: string): void {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop() ?? "";
    for (const raw of lines) this.line(raw.endsWith("\r") ? raw.slice(0, -1) : raw);
  }

  private line(line: string): void {
    if (line === "") {
      if (this.data.length > 0) this.emit({ event: this.event || "message", data: this.data.join("\n") });
      this.event = "";
      this.data = [];
      return;
    }
    if (line.startsWith(":")) return;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.event = value;
    else if (field === "data") this.data.push(value);
  }
}

/// Milliseconds before the next attempt: doubling, at most 15 s, with a random part so that many open pages do
/// not come back in the same moment. `random` is in [0, 1).
export function backOff(attempt: number, random = Math.random()): number {
  const most = Math.min(15_000, 500 * 2 ** Math.min(attempt, 10));
  return Math.round(most * (0.75 + random * 0.25));
}

/// The resource of a `change` event, or nothing when it is not one.
export function changedResource(event: ServerEvent): string | undefined {
  if (event.event !== "change") return undefined;
  try {
    const value: unknown = JSON.parse(event.data);
    if (typeof value === "object" && value !== null && "resource" in value && typeof value.resource === "string") {
      return value.resource;
    }
  } catch {
    // Not for us.
  }
  return undefined;
}

export type LineState = { up: true } | { up: false; retryAt: number };

export interface EventLine {
  /// Tries at once instead of at the next planned moment.
  retry(): void;
  close(): void;
}

// The server sends a comment every 15 s. Silence for three of them is a dead line that nobody has closed.
const longestSilence = 45_000;

/// Keeps one stream of events open for as long as it is wanted. `onState` is called with up after every
/// (re)connection: what was missed meanwhile has to be fetched then.
export function openEvents(onChange: (resource: string) => void, onState: (state: LineState) => void): EventLine {
  let attempt = 0;
  let closed = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let abort: AbortController | undefined;

  async function connect(): Promise<void> {
    const mine = new AbortController();
    abort = mine;
    let watchdog: ReturnType<typeof setTimeout> | undefined;
    const alive = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => mine.abort(), longestSilence);
    };
    try {
      alive();
      const response = await fetch(`${base}/events`, {
        headers: { Accept: "text/event-stream" },
        credentials: "same-origin",
        cache: "no-store",
        signal: mine.signal,
      });
      if (response.status === 401) {
        closed = true;
        reportLoggedOut();
        return;
      }
      if (!response.ok || !response.body) throw new Error(`status ${response.status}`);
      attempt = 0;
      onState({ up: true });
      const parser = new EventParser((event) => {
        const resource = changedResource(event);
        if (resource) onChange(resource);
      });
      const reader = response.body.getReader();
      const decoder = new TextDecoder();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        alive();
        parser.push(decoder.decode(value, { stream: true }));
      }
    } catch {
      // Whatever ended the line, the next attempt finds out whether it is back.
    } finally {
      clearTimeout(watchdog);
    }
    if (closed || abort !== mine) return;
    const delay = backOff(attempt++);
    onState({ up: false, retryAt: Date.now() + delay });
    timer = setTimeout(() => void connect(), delay);
  }

  function retry(): void {
    if (closed) return;
    clearTimeout(timer);
    const old = abort;
    abort = undefined;
    old?.abort();
    void connect();
  }

  // The stream opens after the page's own first requests.
  timer = setTimeout(() => void connect(), 0);
  return {
    retry,
    close() {
      closed = true;
      clearTimeout(timer);
      abort?.abort();
    },
  };
}
