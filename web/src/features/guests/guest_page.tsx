import { Breadcrumb, BreadcrumbItem, Button, Card, CardBody, PageSection } from "@patternfly/react-core";
import { lazy, Suspense } from "react";
import { Link, NavLink, Navigate, useParams } from "react-router-dom";
import { ApiError } from "../../api/problem";
import { ErrorBox } from "../../ui/problem";
import { PageHead, Waiting } from "../../ui/page";
import { TaskList } from "../tasks/task_list";
import { useTasks } from "../tasks/tasks";
import { useGuestAction, verbs } from "./actions";
import { GuestState } from "./guest_state";
import { GuestMenu } from "./guest_menu";
import { guestPage, useVm } from "./guests";
import { Settings } from "./settings";
import { Snapshots } from "./snapshots";
import { Summary } from "./summary";

const Console = lazy(() => import("../consoles/console"));

const tabs = [
  { path: "", label: "Overview" },
  { path: "console", label: "Console" },
  { path: "snapshots", label: "Snapshots" },
  { path: "settings", label: "Settings" },
  { path: "activity", label: "Activity" },
];

function GuestTasks({ name }: { name: string }) {
  const { data, error } = useTasks(`vm/${name}`);
  return (
    <Card>
      <CardBody>
        {error && <ErrorBox error={error} />}
        {!data && !error && <Waiting label="Fetching the tasks" />}
        {data?.length === 0 && <p className="quiet">Nothing has been done with it yet.</p>}
        {data && data.length > 0 && <TaskList tasks={data} />}
      </CardBody>
    </Card>
  );
}

export default function GuestPage() {
  const { name = "", tab = "", kind } = useParams();
  const vm = useVm(name);
  const act = useGuestAction();
  if (!tabs.some(({ path }) => path === tab)) return <Navigate to={guestPage(name)} replace />;
  const gone = vm.error instanceof ApiError && vm.error.status === 404;
  const data = gone ? undefined : vm.data?.data;
  const first = data && verbs.find(({ verb }) => (verb === "start" || verb === "stop") && data.actions.includes(verb));
  return (
    <>
      <PageSection className="page-crumbs">
        <Breadcrumb>
          <BreadcrumbItem render={({ className }) => <Link className={className} to="/guests">Guests</Link>} />
          <BreadcrumbItem isActive>{name}</BreadcrumbItem>
        </Breadcrumb>
      </PageSection>
      <PageHead
        title={name}
        windowTitle={name}
        actions={
          data && (
            <>
              {first && (
                <Button variant="secondary" onClick={() => act(first.verb, data)}>
                  {first.label}
                </Button>
              )}
              <GuestMenu vm={data} />
            </>
          )
        }
      >
        {data && <GuestState vm={data} />}
      </PageHead>
      {(data || !vm.error) && <PageSection className="page-tabs">
        <nav aria-label="Parts of this guest" className="tabs">
          {tabs.map(({ path, label }) => (
            <NavLink key={path} end={path === ""} to={path ? `${guestPage(name)}/${path}` : guestPage(name)}>
              {label}
            </NavLink>
          ))}
        </nav>
      </PageSection>}
      <PageSection isFilled>
        {vm.error && !data && <ErrorBox error={vm.error} retry={() => void vm.refetch()} />}
        {!data && !vm.error && <Waiting label="Fetching the guest" />}
        {data && tab === "" && <Summary vm={data} />}
        {data && tab === "console" && (
          <Suspense fallback={<Waiting label="Opening the console" />}>
            <Console vm={data} kind={kind} />
          </Suspense>
        )}
        {data && tab === "snapshots" && <Snapshots vm={data} />}
        {data && tab === "settings" && <Settings key={data.id} answer={vm.data!} />}
        {data && tab === "activity" && <GuestTasks name={name} />}
      </PageSection>
    </>
  );
}
