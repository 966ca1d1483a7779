import { Breadcrumb, BreadcrumbItem, Card, CardBody, FormSelect, FormSelectOption, PageSection } from "@patternfly/react-core";
import { useCallback, useState } from "react";
import { Link, useParams, useSearchParams } from "react-router-dom";
import { ErrorBox } from "../../ui/problem";
import { PageHead, Waiting } from "../../ui/page";
import { ActivityTabs } from "./activity_tabs";
import { TaskDetail } from "./task_detail";
import { TaskList } from "./task_list";
import { filterTasks, type TaskFilter, taskFilters, useTasks } from "./tasks";

export function Activity() {
  const { data: tasks, error, refetch } = useTasks();
  const [search, setSearch] = useSearchParams();
  const asked = search.get("show") ?? "";
  const filter: TaskFilter = Object.hasOwn(taskFilters, asked) ? (asked as TaskFilter) : "";
  const shown = filterTasks(tasks ?? [], filter);
  return (
    <>
      <PageHead title="Activity" windowTitle="Activity" />
      <ActivityTabs />
      <PageSection>
        <Card>
          <CardBody>
            {error && <ErrorBox error={error} retry={() => void refetch()} />}
            {!tasks && !error && <Waiting label="Fetching the tasks" />}
            {tasks?.length === 0 && <p className="quiet">Nothing has been done yet. What you start shows up here.</p>}
            {tasks && tasks.length > 0 && (
              <>
                <FormSelect
                  aria-label="Which tasks"
                  className="task-filter"
                  value={filter}
                  onChange={(_event, next) => setSearch(next ? { show: next } : {}, { replace: true })}
                >
                  <FormSelectOption value="" label="All tasks" />
                  {Object.entries(taskFilters).map(([value, label]) => (
                    <FormSelectOption key={value} value={value} label={label} />
                  ))}
                </FormSelect>
                <TaskList tasks={shown} />
                {shown.length === 0 && <p className="quiet">None of the newest {tasks.length} tasks.</p>}
              </>
            )}
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
