import { Alert, Button, Card, CardBody } from "@patternfly/react-core";
import { ActionsColumn } from "@patternfly/react-table";
import { useState } from "react";
import type { Pool } from "../../api/models";
import { formatSize } from "../../text/size";
import { Fact, Facts } from "../../ui/facts";
import { Meter } from "../../ui/meter";
import { Waiting } from "../../ui/page";
import { ErrorBox } from "../../ui/problem";
import { StateLabel } from "../../ui/state";
import { Moment, Until } from "../../ui/time";
import { SetupNeeded } from "../host/setup_needed";
import { scheduleWords } from "../protection/schedule";
import { type Asked, Dialogs } from "./dialogs";
import { DeviceTree } from "./device_tree";
import { scanWords, usePools } from "./storage";

const look: Record<string, string> = { ONLINE: "ok", DEGRADED: "warning" };

function PoolCard({ pool, administers, ask }: { pool: Pool; administers: boolean; ask: (asked: Asked) => void }) {
  const scanning = pool.scan.kind !== "none" && pool.scan.state === "running";
  const items = [
    ...(pool.locked ? [{ title: "Unlock", onClick: () => ask({ what: "unlock", pool }) }] : []),
    ...(scanning && pool.scan.kind === "scrub"
      ? [
          { title: "Pause the scrub", onClick: () => ask({ what: "upkeep", pool, word: "scrub", action: "pause" }) },
          { title: "Stop the scrub", onClick: () => ask({ what: "upkeep", pool, word: "scrub", action: "stop" }) },
        ]
      : [{ title: pool.scan.state === "paused" ? "Go on with the scrub" : "Scrub", onClick: () => ask({ what: "upkeep", pool, word: "scrub", action: "start" }) }]),
    { title: "Scrub at set times", onClick: () => ask({ what: "schedule", pool }) },
    { title: "Trim", onClick: () => ask({ what: "upkeep", pool, word: "trim", action: "start" }) },
    { title: "Clear errors", onClick: () => ask({ what: "clear", pool }) },
    { title: "Add disks", onClick: () => ask({ what: "add", pool }) },
    ...(pool.encryption && !pool.locked ? [{ title: "Lock", onClick: () => ask({ what: "lock", pool }) }] : []),
    ...(pool.bhype ? [] : [{ title: "Export", onClick: () => ask({ what: "export", pool }) }]),
  ];
  return (
    <Card>
      <CardBody>
        <div className="page-head-line">
          <h2 className="section-title">{pool.name}</h2>
          <StateLabel state={look[pool.health] ?? "failed"} word={pool.health} />
          {pool.encryption && <StateLabel state={pool.locked ? "attention" : "ok"} word={pool.locked ? "locked" : "encrypted"} />}
          {pool.bhype && <span className="quiet">holds the VMs</span>}
          {administers && (
            <div className="page-head-actions">
              {pool.locked && <Button onClick={() => ask({ what: "unlock", pool })}>Unlock</Button>}
              <ActionsColumn items={items} />
            </div>
          )}
        </div>
        <div className="cards">
          {pool.findings.map((finding) => (
            <Alert key={finding.id} isInline variant={finding.severity === "critical" ? "danger" : "warning"} component="p" title={finding.text}>
              {finding.advice}
            </Alert>
          ))}
        </div>
        <Facts>
          <Fact name="Room">
            {formatSize(pool.available)} free, {formatSize(pool.used)} used ({pool.percent} %)
            <Meter part={pool.used} whole={pool.used + pool.available} label={`${pool.percent} % of pool ${pool.name} used`} />
          </Fact>
          <Fact name="Last scan">
            {scanWords(pool.scan)} {pool.scan.at != null && <Moment at={pool.scan.at * 1000} />}
            {scanning && <Meter part={pool.scan.percent ?? 0} whole={100} label={scanWords(pool.scan)} />}
          </Fact>
          <Fact name="Scrubs">
            {pool.scrub ? (
              <>
                {scheduleWords(pool.scrub)} {pool.zone}
                {pool.next_scrubs[0] && (
                  <>
                    , next <Until at={pool.next_scrubs[0] * 1000} />
                  </>
                )}
              </>
            ) : (
              "by hand"
            )}
          </Fact>
          <Fact name="Data">{pool.errors}</Fact>
        </Facts>
        <DeviceTree pool={pool} administers={administers} ask={ask} />
      </CardBody>
    </Card>
  );
}

export function PoolsTab({ administers }: { administers: boolean }) {
  const { data, error, refetch } = usePools();
  const [asked, setAsked] = useState<Asked>();
  return (
    <div className="cards">
      <SetupNeeded />
      {administers && (
        <div className="page-head-actions">
          <Button onClick={() => setAsked({ what: "make" })}>Make a pool</Button>{" "}
          <Button variant="secondary" onClick={() => setAsked({ what: "import" })}>
            Import a pool
          </Button>
        </div>
      )}
      {error && <ErrorBox error={error} retry={() => void refetch()} />}
      {!data && !error && <Waiting label="Looking at the pools" />}
      {data?.length === 0 && <p className="quiet">The host has no ZFS pool.</p>}
      {data?.map((pool) => <PoolCard key={pool.name} pool={pool} administers={administers} ask={setAsked} />)}
      {asked && <Dialogs asked={asked} onClose={() => setAsked(undefined)} />}
    </div>
  );
}
