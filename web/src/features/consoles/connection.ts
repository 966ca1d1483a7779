import { useCallback, useEffect, useRef, useState } from "react";
import { backOff } from "../../api/events";
import type { ConsoleKind, ConsoleMode, ConsoleTicket, Problem } from "../../api/models";
import { ApiError, toProblem } from "../../api/problem";
import { returnTicket, takeTicket } from "./ticket";

export type Line =
  | { state: "connecting" }
  | { state: "open"; viewers: number; mode: ConsoleMode }
  | { state: "waiting" }
  | { state: "in-use" }
  | { state: "refused"; problem: Problem };

/// Opens something over a ticket; gives what closes it. `up` tells that it works, `down` that it ended.
export type Opener = (ticket: ConsoleTicket, mode: ConsoleMode, up: () => void, down: () => void) => () => void;

/// Holds one console open: a ticket, the connection, and again with back-off when it ends. Somebody else in
/// control is not an error but a question to the user.
export function useConsoleLine(name: string, kind: ConsoleKind, open: Opener) {
  const [line, setLine] = useState<Line>({ state: "connecting" });
  const [wish, setWish] = useState<{ mode: ConsoleMode; number: number }>({ mode: "control", number: 0 });
  const opener = useRef(open);
  opener.current = open;

  useEffect(() => {
    let over = false;
    let attempt = 0;
    let mode = wish.mode;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let close: (() => void) | undefined;

    const again = () => {
      if (over) return;
      close = undefined;
      // Taking over is asked for once: whoever takes it back is asked, not fought with.
      if (mode === "take-over") mode = "control";
      setLine({ state: "waiting" });
      timer = setTimeout(() => void connect(), backOff(attempt++));
    };
    const connect = async () => {
      try {
        const ticket = await takeTicket(name, kind, mode);
        if (over) return returnTicket(ticket);
        close = opener.current(
          ticket,
          mode,
          () => {
            attempt = 0;
            setLine({ state: "open", viewers: ticket.viewers, mode });
          },
          again,
        );
      } catch (error) {
        if (over) return;
        if (error instanceof ApiError && error.code === "console.in_use") return setLine({ state: "in-use" });
        if (error instanceof ApiError && error.status >= 400 && error.status < 500) {
          return setLine({ state: "refused", problem: toProblem(error) });
        }
        again();
      }
    };
    setLine({ state: "connecting" });
    void connect();
    return () => {
      over = true;
      clearTimeout(timer);
      close?.();
    };
  }, [name, kind, wish]);

  const ask = useCallback((mode: ConsoleMode) => setWish((old) => ({ mode, number: old.number + 1 })), []);
  return { line, ask };
}
