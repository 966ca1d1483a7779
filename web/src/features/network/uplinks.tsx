import { Alert, AlertActionLink, Button, Card, CardBody } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { get } from "../../api/client";
import type { Uplink, UplinkGuard, UplinkList } from "../../api/models";
import { Waiting } from "../../ui/page";
import { ErrorBox } from "../../ui/problem";
import { StateLabel } from "../../ui/state";
import { useOrder } from "../tasks/drawer_state";
import { type UplinkOrder, UplinkDialog } from "./uplink_dialog";

/// A link comes and goes without a word, and a change may go back by itself.
const refetchEvery = 5_000;

const bridgeOf = (uplink: Uplink): string | undefined => uplink.used_by.find((user) => user.startsWith("bh-"));

function State({ uplink }: { uplink: Uplink }) {
  if (!uplink.up) return <StateLabel state="stopped" word="down" />;
  return <StateLabel state={uplink.link ? "ok" : "warning"} word={uplink.link ? "link" : "no link"} />;
}

/// The change that waits, with the time that is left; what went back, and why.
function Guard({ guard }: { guard: UplinkGuard }) {
  const decide = useOrder();
  const give = (decision: "confirm" | "revert") => decide.mutate({ method: "POST", path: `/uplinks/${decision}`, body: { id: guard.id } });
  const left = Math.max(0, Math.round(guard.until - Date.now() / 1000));
  if (guard.state === "armed")
    return (
      <Alert
        isInline
        variant="warning"
        component="p"
        title={`The host's network was changed. It goes back in ${left} s unless you keep it.`}
        actionLinks={
          <>
            <AlertActionLink onClick={() => give("confirm")}>Keep it, and save it in rc.conf</AlertActionLink>
            <AlertActionLink onClick={() => give("revert")}>Take it back now</AlertActionLink>
          </>
        }
      >
        That you read this from the host shows that it can be reached from where you are.
        {decide.error && <ErrorBox error={decide.error} />}
      </Alert>
    );
  if (guard.state === "reverted" && guard.reason !== "it was asked for")
    return (
      <Alert isInline variant={guard.failures.length ? "danger" : "info"} component="p" title={`The last change went back: ${guard.reason}.`}>
        {guard.failures.map((failure) => (
          <code key={failure}>{failure}</code>
        ))}
      </Alert>
    );
  return null;
}

export function UplinksTab() {
  const { data, error, refetch } = useQuery({
    queryKey: ["uplinks"],
    queryFn: ({ signal }) => get<UplinkList>("/uplinks", signal),
    refetchInterval: ({ state }) => (state.data?.guard.state === "armed" ? 1_000 : refetchEvery),
  });
  const [asked, setAsked] = useState<UplinkOrder>();
  if (error && !data) return <ErrorBox error={error} retry={() => void refetch()} />;
  if (!data) return <Waiting label="Looking at the interfaces" />;
  const waits = data.guard.state === "armed";
  const free = data.uplinks.filter((each) => each.driver !== "lagg" && each.driver !== "vlan" && !bridgeOf(each) && !each.used_by.some((user) => user.startsWith("lagg")));
  const action = (order: UplinkOrder, words: string) => (
    <Button key={words} variant="link" isInline isDisabled={waits} onClick={() => setAsked(order)}>
      {words}
    </Button>
  );
  const actions = (uplink: Uplink) => {
    const bridge = bridgeOf(uplink);
    if (bridge) return uplink.addresses.length === 0 ? [action({ kind: "unbridge", port: uplink.name, switch: bridge.slice(3) }, "Take out of the bridge")] : [];
    const parent = uplink.name.lastIndexOf(".");
    if (uplink.driver === "vlan" && parent > 0)
      return [action({ kind: "unvlan", port: uplink.name.slice(0, parent), vlan: uplink.name.slice(parent + 1) }, "Remove")];
    return [
      ...(uplink.used_by.includes("the host") ? [action({ kind: "bridge", port: uplink.name }, "Bridge")] : []),
      ...(uplink.driver === "lagg" ? [action({ kind: "unlagg", port: uplink.name }, "Take apart")] : []),
      ...(uplink.used_by.some((user) => user.startsWith("lagg")) ? [] : [action({ kind: "vlan", port: uplink.name }, "Add a VLAN")]),
    ];
  };
  return (
    <div className="cards">
      <Guard guard={data.guard} />
      {data.uplinks.flatMap((uplink) =>
        uplink.advice.map((line) => <Alert key={uplink.name + line} isInline variant="info" component="p" title={`${uplink.name}: ${line}`} />),
      )}
      <Card>
        <CardBody>
          {free.length > 1 && (
            <p>
              <Button variant="secondary" isDisabled={waits} onClick={() => setAsked({ kind: "lagg", ports: free.map((each) => each.name) })}>
                Join NICs as one
              </Button>
            </p>
          )}
          <Table variant="compact" aria-label="Uplinks" gridBreakPoint="grid-md" className="flush">
            <Thead>
              <Tr>
                {["Name", "State", "Media", "Addresses", "Used by", "MAC"].map((head) => (
                  <Th key={head}>{head}</Th>
                ))}
                <Th screenReaderText="Actions" />
              </Tr>
            </Thead>
            <Tbody>
              {data.uplinks.map((uplink) => (
                <Tr key={uplink.name}>
                  <Td dataLabel="Name">
                    {uplink.name} {uplink.ports.length > 0 && <span className="quiet">{uplink.ports.join(", ")}</span>}
                  </Td>
                  <Td dataLabel="State">
                    <State uplink={uplink} />
                  </Td>
                  <Td dataLabel="Media">{uplink.media || "-"}</Td>
                  <Td dataLabel="Addresses">
                    {uplink.addresses.length === 0 && "-"}
                    {uplink.addresses.map((address) => (
                      <div key={address}>
                        <code>{address}</code>
                      </div>
                    ))}
                  </Td>
                  <Td dataLabel="Used by">{uplink.used_by.join(", ") || "nobody"}</Td>
                  <Td dataLabel="MAC">
                    <code>{uplink.ether}</code>
                  </Td>
                  <Td dataLabel="Actions">
                    <div className="row-actions">{actions(uplink)}</div>
                  </Td>
                </Tr>
              ))}
            </Tbody>
          </Table>
        </CardBody>
      </Card>
      {asked && <UplinkDialog asked={asked} onClose={() => setAsked(undefined)} />}
    </div>
  );
}
