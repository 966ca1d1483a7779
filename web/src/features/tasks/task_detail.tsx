import { Button, Progress } from "@patternfly/react-core";
import { useEffect } from "react";
import { Link } from "react-router-dom";
import type { Task } from "../../api/models";
import { formatDuration } from "../../text/time";
import { CopyButton } from "../../ui/copy";
import { Fact, Facts } from "../../ui/facts";
import { useNow } from "../../ui/now";
import { ErrorBox, ProblemBox } from "../../ui/problem";
import { TaskStateLabel } from "../../ui/state";
import { Moment } from "../../ui/time";
import { Waiting } from "../../ui/page";
import { useUser } from "../session/session";
import { rememberedOrder, sayAgain } from "./as_command";
import { Steps } from "./steps";
import { byWhom, isActive, objectPage, taskDuration, useCancelTask, useTask } from "./tasks";

/// Where a task is: a bar when it knows, a bar without an end when it does not.
export function TaskProgress({ task }: { task: Task }) {
  if (!isActive(task)) return null;
  const known = task.progress !== undefined && task.progress !== null;
  return (
    <Progress
      value={known ? Math.round(task.progress! * 100) : undefined}
      measureLocation={known ? "outside" : "none"}
      size="sm"
      title={task.message || (task.state === "queued" ? "Waits for its turn" : "Working")}
      aria-label={`Progress of ${task.title}`}
      className={known ? undefined : "progress-unknown"}
    />
  );
}

function Duration({ task }: { task: Task }) {
  const now = useNow();
  return <>{task.started ? formatDuration(taskDuration(task, Math.max(now, task.started))) : "-"}</>;
}

function SayAgain({ task }: { task: Task }) {
  const said = sayAgain(task, rememberedOrder(task.id));
  if (!said.command && !said.curl) return null;
  return (
    <div className="task-copies">
      {said.command && (
        <CopyButton text={said.command} title={said.command}>
          Copy as command
        </CopyButton>
      )}
      {said.curl && (
        <CopyButton text={said.curl} title={said.curl}>
          Copy as curl
        </CopyButton>
      )}
    </div>
  );
}

/// `heading` is the level of its headings: one below the title that stands above it.
export function TaskDetail({
  id,
  heading: Heading,
  onTitle,
}: {
  id: string;
  heading: "h2" | "h3";
  onTitle?: (title: string) => void;
}) {
  const { data: task, error, refetch } = useTask(id);
  const cancel = useCancelTask();
  const me = useUser().user;
  const title = task?.title;
  useEffect(() => {
    if (title) onTitle?.(title);
  }, [title, onTitle]);
  if (error) return <ErrorBox error={error} retry={() => void refetch()} />;
  if (!task) return <Waiting label="Fetching the task" />;
  const page = objectPage(task.object);
  return (
    <div className="task-detail">
      <div className="task-detail-line">
        <TaskStateLabel state={task.state} />
        {task.cancellable && isActive(task) && (
          <Button
            variant="secondary"
            size="sm"
            isLoading={cancel.isPending}
            isDisabled={cancel.isPending}
            onClick={() => cancel.mutate(task.id)}
          >
            Cancel task
          </Button>
        )}
      </div>
      <TaskProgress task={task} />
      {cancel.error && <ErrorBox error={cancel.error} />}
      {task.error && <ProblemBox problem={task.error} />}
      <Facts>
        <Fact name="Object">{page ? <Link to={page.path}>{page.name}</Link> : task.object || "-"}</Fact>
        <Fact name="By">
          {byWhom(task, me)}
          {task.source && <span className="quiet"> from {task.source === "cli" ? "the command line" : task.source}</span>}
        </Fact>
        <Fact name="Created">
          <Moment at={task.created} />
        </Fact>
        <Fact name="Took">
          <span className="numbers">
            <Duration task={task} />
          </span>
        </Fact>
        <Fact name="Task">
          <Link to={`/activity/${encodeURIComponent(task.id)}`}>
            <code>{task.id}</code>
          </Link>
        </Fact>
      </Facts>
      <SayAgain task={task} />
      <Heading className="section-title">Steps</Heading>
      <Steps task={task} />
    </div>
  );
}
