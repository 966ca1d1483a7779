import { Link } from "react-router-dom";
import type { Task } from "../../api/models";
import { formatDuration } from "../../text/time";
import { useUser } from "../session/session";
import { TaskStateLabel } from "../../ui/state";
import { Moment } from "../../ui/time";
import { TaskProgress } from "./task_detail";
import { byWhom, objectPage, taskDuration } from "./tasks";

/// Tasks, newest first. `choose` opens one in the drawer; without it each is a link to its page.
export function TaskList({ tasks, choose }: { tasks: readonly Task[]; choose?: (id: string) => void }) {
  const me = useUser().user;
  return (
    <ul className="task-list">
      {tasks.map((task) => {
        const page = objectPage(task.object);
        return (
          <li key={task.id} className="task-item">
            <div className="task-item-line">
              {choose ? (
                <button type="button" className="link-button task-item-title" onClick={() => choose(task.id)}>
                  {task.title}
                </button>
              ) : (
                <Link className="task-item-title" to={`/activity/${encodeURIComponent(task.id)}`}>
                  {task.title}
                </Link>
              )}
              <TaskStateLabel state={task.state} />
            </div>
            <TaskProgress task={task} />
            {task.error && <p className="task-item-error">{task.error.detail ?? task.error.title}</p>}
            <p className="quiet">
              <Moment at={task.created} />
              {task.user && <> by {byWhom(task, me)}</>}
              {task.ended > 0 && task.started > 0 && (
                <>
                  , took <span className="numbers">{formatDuration(taskDuration(task, task.ended))}</span>
                </>
              )}
              {page && (
                <>
                  , <Link to={page.path}>{page.name}</Link>
                </>
              )}
            </p>
          </li>
        );
      })}
    </ul>
  );
}
