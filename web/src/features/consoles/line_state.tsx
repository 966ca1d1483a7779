import { Button } from "@patternfly/react-core";
import type { ConsoleMode } from "../../api/models";
import { ProblemBox } from "../../ui/problem";
import type { Line } from "./connection";

/// What stands over a console that is not open.
export function LineState({ line, ask }: { line: Line; ask: (mode: ConsoleMode) => void }) {
  if (line.state === "open") return null;
  return (
    <div className="console-cover pf-v6-theme-dark">
      {line.state === "connecting" && <p role="status">Connecting</p>}
      {line.state === "waiting" && <p role="status">The connection ended. Trying again.</p>}
      {line.state === "in-use" && (
        <div role="alert">
          <p>Somebody else uses this console.</p>
          <Button onClick={() => ask("watch")}>Watch</Button>{" "}
          <Button variant="secondary" onClick={() => ask("take-over")}>
            Take over
          </Button>
        </div>
      )}
      {line.state === "refused" && (
        <ProblemBox problem={line.problem}>
          <Button variant="link" isInline onClick={() => ask("control")}>
            Try again
          </Button>
        </ProblemBox>
      )}
    </div>
  );
}

export function LineNote({ line, ask }: { line: Line; ask: (mode: ConsoleMode) => void }) {
  if (line.state !== "open") return null;
  return (
    <span className="quiet">
      {line.viewers > 0 && `${line.viewers} more ${line.viewers === 1 ? "looks" : "look"} on `}
      {line.mode === "watch" && (
        <>
          watching{" "}
          <Button variant="link" isInline onClick={() => ask("take-over")}>
            Take over
          </Button>
        </>
      )}
    </span>
  );
}
