import { Breadcrumb, BreadcrumbItem, Card, CardBody, PageSection } from "@patternfly/react-core";
import { useCallback, useState } from "react";
import { Link, useParams } from "react-router-dom";
import { ErrorBox } from "../../ui/problem";
import { PageHead, Waiting } from "../../ui/page";
import { TaskDetail } from "./task_detail";
import { TaskList } from "./task_list";
import { useTasks } from "./tasks";

export function Activity() {
  const { data: tasks, error, refetch } = useTasks();
  return (
    <>
      <PageHead title="Activity" windowTitle="Activity" />
      <PageSection>
        <Card>
          <CardBody>
            {error && <ErrorBox error={error} retry={() => void refetch()} />}
            {!tasks && !error && <Waiting label="Fetching the tasks" />}
            {tasks?.length === 0 && <p className="quiet">Nothing has been done yet. What you start shows up here.</p>}
            {tasks && tasks.length > 0 && <TaskList tasks={tasks} />}
          </CardBody>
        </Card>
      </PageSection>
    </>
  );
}

export function TaskPage() {
  const { id = "" } = useParams();
  const [title, setTitle] = useState("Task");
  const onTitle = useCallback((next: string) => setTitle(next), []);
  return (
    <>
      <PageSection className="page-crumbs">
        <Breadcrumb>
          <BreadcrumbItem render={({ className }) => <Link className={className} to="/activity">Activity</Link>} />
          <BreadcrumbItem isActive>{title}</BreadcrumbItem>
        </Breadcrumb>
      </PageSection>
      <PageHead title={title} windowTitle={title} />
      <PageSection>
        <Card>
          <CardBody>
            <TaskDetail key={id} id={id} heading="h2" onTitle={onTitle} />
          </CardBody>
        </Card>
      </PageSection>
    </>
  );
}
