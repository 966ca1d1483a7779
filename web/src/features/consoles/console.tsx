import { Button } from "@patternfly/react-core";
import { lazy, Suspense } from "react";
import { NavLink, Navigate, useParams } from "react-router-dom";
import type { Vm } from "../../api/models";
import { ErrorBox } from "../../ui/problem";
import { Waiting } from "../../ui/page";
import { useGuestAction } from "../guests/actions";
import { guestPage, useVm } from "../guests/guests";

const Screen = lazy(() => import("./screen").then((module) => ({ default: module.Screen })));
const Serial = lazy(() => import("./serial").then((module) => ({ default: module.Serial })));

const hasConsole = (vm: Vm): boolean => vm.state === "running" || vm.state === "stopping" || vm.state === "starting";

function View({ vm, kind }: { vm: Vm; kind: string }) {
  return (
    <Suspense fallback={<Waiting label="Opening the console" />}>
      {kind === "serial" ? <Serial key={vm.id} name={vm.name} /> : <Screen key={vm.id} name={vm.name} />}
    </Suspense>
  );
}

export default function Console({ vm, kind }: { vm: Vm; kind: string | undefined }) {
  const act = useGuestAction();
  const place = `${guestPage(vm.name)}/console`;
  if (kind !== "screen" && kind !== "serial") return <Navigate to={`${place}/${vm.screen ? "screen" : "serial"}`} replace />;
  return (
    <>
      <div className="console-head">
        <nav aria-label="Consoles" className="tabs tabs-small">
          {vm.screen && <NavLink to={`${place}/screen`}>Screen</NavLink>}
          <NavLink to={`${place}/serial`}>Serial</NavLink>
        </nav>
        <Button variant="link" size="sm" onClick={() => window.open(`${place}/${kind}/window`, "_blank", "popup,width=1100,height=850")}>
          Own window
        </Button>
      </div>
      {!hasConsole(vm) ? (
        <div className="console-off">
          <p>{vm.name} is {vm.state}. A console is there while it runs.</p>
          {vm.actions.includes("start") && <Button onClick={() => act("start", vm)}>Start</Button>}
        </div>
      ) : (
        <View vm={vm} kind={kind} />
      )}
    </>
  );
}

/// The console alone, for a window of its own.
export function ConsoleWindow() {
  const { name = "", kind = "screen" } = useParams();
  const { data, error } = useVm(name);
  if (error) return <ErrorBox error={error} />;
  if (!data) return <Waiting label="Fetching the guest" />;
  return <main className="console-window">{hasConsole(data.data) ? <View vm={data.data} kind={kind} /> : <p>{name} is {data.data.state}.</p>}</main>;
}
