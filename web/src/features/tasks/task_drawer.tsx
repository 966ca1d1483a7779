import { Button } from "@patternfly/react-core";
import ArrowLeftIcon from "@patternfly/react-icons/dist/esm/icons/arrow-left-icon";
import TimesIcon from "@patternfly/react-icons/dist/esm/icons/times-icon";
import { useCallback, useEffect, useRef, useState } from "react";
import { ErrorBox } from "../../ui/problem";
import { Waiting } from "../../ui/page";
import { useTaskDrawer } from "./drawer_state";
import { TaskDetail } from "./task_detail";
import { TaskList } from "./task_list";
import { isActive, useTasks } from "./tasks";

function DrawerList() {
  const { data: tasks, error, refetch } = useTasks();
  const { show } = useTaskDrawer();
  if (error) return <ErrorBox error={error} retry={() => void refetch()} />;
  if (!tasks) return <Waiting label="Fetching the tasks" />;
  if (tasks.length === 0) return <p className="quiet">Nothing has been done yet. What you start shows up here.</p>;
  const active = tasks.filter(isActive);
  const ended = tasks.filter((task) => !isActive(task));
  return (
    <>
      {active.length > 0 && (
        <>
          <h3 className="section-title">At work</h3>
          <TaskList tasks={active} choose={show} />
        </>
      )}
      {ended.length > 0 && (
        <>
          <h3 className="section-title">Ended</h3>
          <TaskList tasks={ended} choose={show} />
        </>
      )}
    </>
  );
}

/// The drawer of tasks, on every page. It does not take the keyboard away: Escape closes it, focus goes to it when
/// it opens and back to where it was.
export function TaskDrawer() {
  const { open, shown, show, close } = useTaskDrawer();
  const [title, setTitle] = useState("");
  const heading = useRef<HTMLHeadingElement>(null);
  const before = useRef<Element | null>(null);
  const wasOpen = useRef(open);

  useEffect(() => {
    if (open && !wasOpen.current) before.current = document.activeElement;
    if (open && (!wasOpen.current || shown !== undefined)) heading.current?.focus({ preventScroll: true });
    if (!open && wasOpen.current && before.current instanceof HTMLElement) before.current.focus();
    wasOpen.current = open;
  }, [open, shown]);

  const onTitle = useCallback((next: string) => setTitle(next), []);

  if (!open) return null;
  return (
    <aside
      className="task-drawer"
      id="task-drawer"
      aria-label="Tasks"
      onKeyDown={(event) => {
        if (event.key === "Escape") close();
      }}
    >
      <div className="task-drawer-head">
        {shown !== undefined && (
          <Button variant="plain" aria-label="Back to all tasks" icon={<ArrowLeftIcon />} onClick={() => show()} />
        )}
        <h2 ref={heading} tabIndex={-1}>
          {shown !== undefined ? title || "Task" : "Tasks"}
        </h2>
        <Button variant="plain" aria-label="Close tasks" icon={<TimesIcon />} onClick={close} />
      </div>
      <div className="task-drawer-body">
        {shown !== undefined ? <TaskDetail key={shown} id={shown} heading="h3" onTitle={onTitle} /> : <DrawerList />}
      </div>
    </aside>
  );
}
