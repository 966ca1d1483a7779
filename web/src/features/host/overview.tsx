import { Alert, Card, CardBody, PageSection } from "@patternfly/react-core";
import { Link } from "react-router-dom";
import type { Host, VmSummary } from "../../api/models";
import { firstLine } from "../../text/lines";
import { formatSize } from "../../text/size";
import { Fact, Facts } from "../../ui/facts";
import { Meter } from "../../ui/meter";
import { PageHead, Waiting } from "../../ui/page";
import { ErrorBox } from "../../ui/problem";
import { StateLabel } from "../../ui/state";
import { countStates, guestPage, needsAttention, sumUp, sumWords, useVms } from "../guests/guests";
import { GuestState } from "../guests/guest_state";
import { TaskList } from "../tasks/task_list";
import { useTasks } from "../tasks/tasks";
import { useHost } from "./host";
import { SetupNeeded } from "./setup_needed";

function Attention({ host, vms }: { host: Host; vms: readonly VmSummary[] }) {
  const guests = vms.filter(needsAttention);
  return (
    <>
      <SetupNeeded />
      {!host.daemons.hostd && (
        <Alert isInline variant="danger" component="p" title="bhype-hostd does not answer">
          Run <code>service bhype_hostd start</code> on the host. Running guests are not touched.
        </Alert>
      )}
      {host.pool && host.pool.health !== "ONLINE" && (
        <Alert isInline variant="danger" component="p" title={`Pool ${host.pool.name} is ${host.pool.health}`}>
          <code>zpool status {host.pool.name}</code> says which disk.
        </Alert>
      )}
      {guests.length > 0 && (
        <Card>
          <CardBody>
            <h2 className="section-title">Needs attention</h2>
            <ul className="plain-list">
              {guests.slice(0, 10).map((vm) => (
                <li key={vm.name}>
                  <Link to={guestPage(vm.name)}>{vm.name}</Link> <GuestState vm={vm} /> <span className="quiet">{firstLine(vm.reason)}</span>
                </li>
              ))}
            </ul>
          </CardBody>
        </Card>
      )}
    </>
  );
}

function HostCard({ host }: { host: Host }) {
  const used = host.memory - host.memory_free;
  return (
    <Card>
      <CardBody>
        <h2 className="section-title">{host.hostname}</h2>
        <Facts>
          <Fact name="FreeBSD">{host.release}</Fact>
          <Fact name="CPUs">
            {host.cpus}, {host.cpu_model}
          </Fact>
          <Fact name="Memory">
            {formatSize(host.memory_free)} free of {formatSize(host.memory)}, ARC {formatSize(host.arc)}
            <Meter part={used} whole={host.memory} label={`${formatSize(used)} of memory used`} />
          </Fact>
          {host.pool && (
            <Fact name={`Pool ${host.pool.name}`}>
              {formatSize(host.pool.free)} free of {formatSize(host.pool.size)}, {host.pool.health}
              <Meter part={host.pool.allocated} whole={host.pool.size} label={`${formatSize(host.pool.allocated)} of the pool used`} />
            </Fact>
          )}
        </Facts>
      </CardBody>
    </Card>
  );
}

export default function Overview() {
  const host = useHost();
  const vms = useVms();
  const tasks = useTasks();
  const counts = vms.data && countStates(vms.data);
  const running = vms.data && sumUp(vms.data);
  return (
    <>
      <PageHead title="Overview" windowTitle="Overview" />
      <PageSection>
        <div className="cards overview">
          <div className="cards">
          {host.error && <ErrorBox error={host.error} retry={() => void host.refetch()} />}
          {!host.data && !host.error && <Waiting label="Fetching the host" />}
          {host.data && <Attention host={host.data} vms={vms.data ?? []} />}
          {host.data && <HostCard host={host.data} />}
          {counts && (
            <Card>
              <CardBody>
                <h2 className="section-title">Guests</h2>
                <ul className="state-counts">
                  {(Object.keys(counts) as (keyof typeof counts)[])
                    .filter((state) => counts[state] > 0 || state === "running" || state === "stopped")
                    .map((state) => (
                    <li key={state}>
                      <Link to={`/guests?state=${state}`}>
                        <StateLabel state={state} /> <span className="numbers">{counts[state]}</span>
                      </Link>
                    </li>
                  ))}
                </ul>
                {running && running.count > 0 && (
                  <p className="quiet numbers">
                    Those that run have {sumWords(running)} of memory.
                  </p>
                )}
              </CardBody>
            </Card>
          )}
          </div>
          {tasks.data && (
            <Card>
              <CardBody>
                <h2 className="section-title">Last activity</h2>
                {tasks.data.length ? <TaskList tasks={tasks.data.slice(0, 6)} /> : <p className="quiet">Nothing has been done yet.</p>}
              </CardBody>
            </Card>
          )}
        </div>
      </PageSection>
    </>
  );
}
