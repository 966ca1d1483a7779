import { Button } from "@patternfly/react-core";

/// Which part of a long list is shown, and the way to the next one; nothing when all of it is.
export function Pager({ from, perPage, total, before, after, go }: {
  from: number;
  perPage: number;
  total: number;
  before: string;
  after: string;
  go: (from: number) => void;
}) {
  if (total <= perPage) return null;
  return (
    <div className="row-actions">
      <Button variant="link" isDisabled={from === 0} onClick={() => go(Math.max(0, from - perPage))}>
        {before}
      </Button>
      <span className="quiet">
        {from + 1} to {Math.min(from + perPage, total)} of {total}
      </span>
      <Button variant="link" isDisabled={from + perPage >= total} onClick={() => go(from + perPage)}>
        {after}
      </Button>
    </div>
  );
}
