import type { Command, Step, Task } from "../../api/models";
import { formatDuration } from "../../text/time";
import { CopyButton } from "../../ui/copy";
import { ErrorBox } from "../../ui/problem";
import { StateLabel } from "../../ui/state";
import { Waiting } from "../../ui/page";
import { useSteps } from "./tasks";

function CommandRun({ command }: { command: Command }) {
  const failed = command.exit_status !== 0;
  return (
    <div className={failed ? "command command-failed" : "command"}>
      <div className="command-line">
        <pre tabIndex={0} aria-label="Command as run">
          <span aria-hidden="true"># </span>
          {command.command}
        </pre>
        <CopyButton text={command.command} label={`Copy command ${command.command}`} variant="plain" />
      </div>
      {command.output !== "" && (
        <pre className="command-output" tabIndex={0} aria-label="Output">
          {command.output}
        </pre>
      )}
      <p className="quiet numbers">
        {failed ? `exit status ${command.exit_status}, ` : ""}
        {formatDuration(command.milliseconds)}
      </p>
    </div>
  );
}

function StepItem({ step }: { step: Step }) {
  const head = (
    <>
      <StateLabel state={step.state} />
      <span className="step-title">{step.title}</span>
      {step.commands.length > 0 && (
        <span className="quiet numbers">{step.commands.length === 1 ? "1 command" : `${step.commands.length} commands`}</span>
      )}
      {step.ended > 0 && <span className="quiet numbers step-time">{formatDuration(step.ended - step.started)}</span>}
    </>
  );
  return (
    <li className="step">
      {step.commands.length > 0 ? (
        <details open={step.state !== "done"}>
          <summary className="step-line">{head}</summary>
          {step.commands.map((command, index) => (
            <CommandRun key={index} command={command} />
          ))}
        </details>
      ) : (
        <div className="step-line">{head}</div>
      )}
      {step.error && <pre className="words">{step.error}</pre>}
    </li>
  );
}

/// What a task did to the host: its steps with the commands as they were run and what they printed.
export function Steps({ task }: { task: Task }) {
  const { data: steps, error, refetch } = useSteps(task);
  if (error) return <ErrorBox error={error} retry={() => void refetch()} />;
  if (!steps) return <Waiting label="Fetching the steps" />;
  if (steps.length === 0) {
    return <p className="quiet">{task.state === "queued" ? "It waits for its turn." : "Nothing has been run on the host."}</p>;
  }
  return (
    <ol className="steps">
      {steps.map((step) => (
        <StepItem key={step.number} step={step} />
      ))}
    </ol>
  );
}
