import { Alert, AlertActionCloseButton, AlertActionLink, AlertGroup } from "@patternfly/react-core";
import { useCallback, useEffect, useState } from "react";
import type { Task } from "../../api/models";
import { useTaskDrawer } from "./drawer_state";
import { isActive, useTask } from "./tasks";

/// Waits for the end of one task and tells it once.
function Follower({ id, onEnd }: { id: string; onEnd: (id: string, task?: Task) => void }) {
  const { data: task, error } = useTask(id);
  useEffect(() => {
    if (task && !isActive(task)) onEnd(id, task);
    else if (error) onEnd(id);
  }, [id, task, error, onEnd]);
  return null;
}

const looks: Partial<Record<Task["state"], { variant: "success" | "danger" | "warning" | "info"; word: string }>> = {
  done: { variant: "success", word: "done" },
  failed: { variant: "danger", word: "failed" },
  attention: { variant: "warning", word: "needs attention" },
  cancelled: { variant: "info", word: "cancelled" },
};

/// Short notices about the end of tasks that were started here. Good news goes by itself, bad news stays.
export function TaskToasts() {
  const { followed, unfollow, show, open, shown } = useTaskDrawer();
  const [ended, setEnded] = useState<Task[]>([]);

  const onEnd = useCallback(
    (id: string, task?: Task) => {
      unfollow(id);
      if (task) setEnded((old) => [...old.filter((each) => each.id !== id), task].slice(-5));
    },
    [unfollow],
  );
  const remove = useCallback((id: string) => setEnded((old) => old.filter((each) => each.id !== id)), []);

  return (
    <>
      {followed.map((id) => (
        <Follower key={id} id={id} onEnd={onEnd} />
      ))}
      <AlertGroup isToast isLiveRegion aria-label="Ended tasks">
        {ended
          .filter((task) => !(open && shown === task.id))
          .map((task) => {
            const look = looks[task.state] ?? { variant: "info" as const, word: task.state };
            return (
              <Alert
                key={task.id}
                variant={look.variant}
                title={`${task.title}: ${look.word}`}
                component="p"
                timeout={task.state === "done" || task.state === "cancelled" ? 6000 : false}
                onTimeout={() => remove(task.id)}
                actionClose={<AlertActionCloseButton onClose={() => remove(task.id)} />}
                actionLinks={
                  <AlertActionLink
                    onClick={() => {
                      show(task.id);
                      remove(task.id);
                    }}
                  >
                    Show steps
                  </AlertActionLink>
                }
              >
                {task.error && (task.error.detail ?? task.error.title)}
              </Alert>
            );
          })}
      </AlertGroup>
    </>
  );
}
