import { Alert, Button } from "@patternfly/react-core";
import type { Problem } from "../api/models";
import { codePage, toProblem } from "../api/problem";

/// An error in its three parts: what happened, why (the tool's own words, as they were), what to do next. The code
/// stands last and leads to its page, in a tab of its own: what is being filled in here stays.
export function ProblemBox({
  problem,
  hideFields,
  children,
}: {
  problem: Problem;
  hideFields?: boolean;
  children?: React.ReactNode;
}) {
  const fields = hideFields ? [] : (problem.problems ?? []);
  return (
    <Alert variant="danger" isInline title={problem.title} component="p" className="problem">
      {problem.detail && <pre className="words">{problem.detail}</pre>}
      {fields.length > 0 && (
        <ul className="problem-fields">
          {fields.map(({ field, rule }) => (
            <li key={`${field} ${rule}`}>
              {field && <code>{field}</code>} {rule}
            </li>
          ))}
        </ul>
      )}
      {problem.advice && <p>{problem.advice}</p>}
      {children}
      <p className="quiet">
        Code{" "}
        <a href={codePage(problem.code)} target="_blank" rel="noreferrer" aria-label={`Code ${problem.code}, explained in a new tab`}>
          <code>{problem.code}</code>
        </a>
      </p>
    </Alert>
  );
}

export function ErrorBox({ error, retry }: { error: unknown; retry?: () => void }) {
  return (
    <ProblemBox problem={toProblem(error)}>
      {retry && (
        <Button variant="link" isInline onClick={retry}>
          Try again
        </Button>
      )}
    </ProblemBox>
  );
}
