import { call, segment } from "../../api/client";
import type { ConsoleKind, ConsoleMode, ConsoleTicket } from "../../api/models";

/// A ticket is good for one connection within 30 s: one is asked for at every (re)connection.
export async function takeTicket(name: string, kind: ConsoleKind, mode: ConsoleMode): Promise<ConsoleTicket> {
  return (await call<ConsoleTicket>("POST", `/vms/${segment(name)}/console`, { body: { kind, mode } })).data;
}

/// Gives back a ticket that nobody will use: until it is used or old, its console counts as taken.
export function returnTicket(ticket: ConsoleTicket): void {
  const { url, protocols } = consoleAddress(ticket);
  const socket = new WebSocket(url, protocols);
  socket.onopen = () => socket.close();
}

export function consoleAddress(ticket: ConsoleTicket): { url: string; protocols: string[] } {
  const url = new URL(ticket.path, window.location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return { url: url.href, protocols: ["binary", ticket.protocol] };
}
