import { Alert, Button, Card, CardBody } from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { get } from "../../api/client";
import type { Firewall } from "../../api/models";
import { CopyButton } from "../../ui/copy";
import { Fact, Facts } from "../../ui/facts";
import { Waiting } from "../../ui/page";
import { ErrorBox } from "../../ui/problem";
import { StateLabel } from "../../ui/state";
import { OrderDialog } from "../tasks/order_dialog";

const conf: Record<Firewall["conf"], string> = {
  missing: "does not call bHype's rules",
  partial: "calls some of bHype's rules",
  complete: "calls bHype's rules",
};

export function FirewallTab() {
  const { data, error, refetch } = useQuery({ queryKey: ["firewall"], queryFn: ({ signal }) => get<Firewall>("/firewall", signal) });
  const [asked, setAsked] = useState<"install" | "remove">();
  if (error) return <ErrorBox error={error} retry={() => void refetch()} />;
  if (!data) return <Waiting label="Asking pf" />;
  return (
    <div className="cards">
      {data.todo.map((line) => (
        <Alert key={line} isInline variant="warning" component="p" title={line} />
      ))}
      <Card>
        <CardBody>
          <Facts>
            <Fact name="NAT, forwards and isolation">
              <StateLabel state={data.called ? "ok" : "warning"} word={data.called ? "work" : "do not work"} />
            </Fact>
            <Fact name="pf">{data.enabled ? "on" : data.loaded ? "loaded, off" : "not loaded"}</Fact>
            <Fact name="/etc/pf.conf">{conf[data.conf]}</Fact>
            <Fact name="ipfw">{data.ipfw ? "loaded" : "not loaded"}</Fact>
          </Facts>
          {data.conf !== "complete" && (
            <Button onClick={() => setAsked("install")}>Put the lines into pf.conf</Button>
          )}
          {data.conf === "complete" && (
            <Button variant="secondary" onClick={() => setAsked("remove")}>
              Take the lines out of pf.conf
            </Button>
          )}
        </CardBody>
      </Card>
      <Card>
        <CardBody>
          <h2 className="section-title">
            Lines for pf.conf <CopyButton text={data.lines}>Copy</CopyButton>
          </h2>
          <pre>{data.lines}</pre>
          <h2 className="section-title">In anchor bhype/guests</h2>
          <pre>{data.rules || "nothing"}</pre>
        </CardBody>
      </Card>
      {asked && (
        <OrderDialog
          title={asked === "install" ? "Put bHype's lines into /etc/pf.conf?" : "Take bHype's lines out of /etc/pf.conf?"}
          verb={asked === "install" ? "Put them in" : "Take them out"}
          danger={asked === "remove"}
          onClose={() => setAsked(undefined)}
          order={() => ({ method: "POST", path: "/firewall", body: { present: asked === "install" } })}
        >
          <p>
            {asked === "install"
              ? "The anchors are called at two marked places; the rest of the file stays as it is, and the whole passes pfctl -nf before it takes its place. pf is turned on, now and at boot. The file from before is kept as pf.conf.bhype-old."
              : "Guests on nat switches then reach nothing outside, forwards end, and guests reach the host's own addresses."}
          </p>
        </OrderDialog>
      )}
    </div>
  );
}
