import { Label } from "@patternfly/react-core";
import AngleDoubleDownIcon from "@patternfly/react-icons/dist/esm/icons/angle-double-down-icon";
import AngleDoubleUpIcon from "@patternfly/react-icons/dist/esm/icons/angle-double-up-icon";
import ExclamationCircleIcon from "@patternfly/react-icons/dist/esm/icons/exclamation-circle-icon";
import ExclamationTriangleIcon from "@patternfly/react-icons/dist/esm/icons/exclamation-triangle-icon";
import HourglassHalfIcon from "@patternfly/react-icons/dist/esm/icons/hourglass-half-icon";
import CheckCircleIcon from "@patternfly/react-icons/dist/esm/icons/check-circle-icon";
import PlayIcon from "@patternfly/react-icons/dist/esm/icons/play-icon";
import RedoIcon from "@patternfly/react-icons/dist/esm/icons/redo-icon";
import StopIcon from "@patternfly/react-icons/dist/esm/icons/stop-icon";
import SyncAltIcon from "@patternfly/react-icons/dist/esm/icons/sync-alt-icon";
import BanIcon from "@patternfly/react-icons/dist/esm/icons/ban-icon";
import type { ReactElement } from "react";

type Colour = "green" | "grey" | "blue" | "red" | "orange" | "yellow";

/// Every state has a word, a shape and a colour; the same three wherever it is shown.
const looks: Record<string, { word: string; colour: Colour; icon: ReactElement }> = {
  running: { word: "running", colour: "green", icon: <PlayIcon /> },
  stopped: { word: "stopped", colour: "grey", icon: <StopIcon /> },
  starting: { word: "starting", colour: "blue", icon: <AngleDoubleUpIcon /> },
  stopping: { word: "stopping", colour: "blue", icon: <AngleDoubleDownIcon /> },
  failed: { word: "failed", colour: "red", icon: <ExclamationCircleIcon /> },
  attention: { word: "needs attention", colour: "orange", icon: <ExclamationTriangleIcon /> },
  restart: { word: "waiting for restart", colour: "yellow", icon: <RedoIcon /> },
  queued: { word: "queued", colour: "grey", icon: <HourglassHalfIcon /> },
  done: { word: "done", colour: "green", icon: <CheckCircleIcon /> },
  cancelled: { word: "cancelled", colour: "grey", icon: <BanIcon /> },
  intent: { word: "running", colour: "blue", icon: <SyncAltIcon className="turning" /> },
  unknown: { word: "outcome unknown", colour: "orange", icon: <ExclamationTriangleIcon /> },
  ok: { word: "ok", colour: "green", icon: <CheckCircleIcon /> },
  warning: { word: "warning", colour: "orange", icon: <ExclamationTriangleIcon /> },
  up: { word: "up", colour: "green", icon: <CheckCircleIcon /> },
  drifted: { word: "drifted", colour: "orange", icon: <ExclamationTriangleIcon /> },
  unconnected: { word: "no uplink", colour: "grey", icon: <BanIcon /> },
  missing: { word: "missing", colour: "red", icon: <ExclamationCircleIcon /> },
};

export function StateLabel({ state, word }: { state: string; word?: string }) {
  const look = looks[state] ?? looks["unknown"]!;
  return (
    <Label isCompact color={look.colour} icon={look.icon} className="state" data-state={state}>
      {word ?? (looks[state] ? look.word : state)}
    </Label>
  );
}

/// Tasks say "running" with movement: work is going on, unlike a guest that simply runs.
export function TaskStateLabel({ state }: { state: string }) {
  return <StateLabel state={state === "running" ? "intent" : state} />;
}
