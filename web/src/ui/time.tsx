import { formatAge, formatExact, formatRelative } from "../text/time";
import { useNow } from "./now";

/// A moment (epoch milliseconds) relative to now, with the exact one on hover.
export function Moment({ at }: { at: number }) {
  const now = useNow();
  if (!at) return <>-</>;
  return (
    <time dateTime={new Date(at).toISOString()} title={formatExact(at)}>
      {formatRelative(at, Math.max(now, at))}
    </time>
  );
}

/// A moment to come, with the exact one on hover.
export function Until({ at }: { at: number }) {
  const now = useNow();
  return (
    <time dateTime={new Date(at).toISOString()} title={formatExact(at)}>
      {formatRelative(at, now)}
    </time>
  );
}

/// How long something has lasted, with the moment of its beginning on hover.
export function Since({ at }: { at: number }) {
  const now = useNow();
  if (!at) return <>-</>;
  return (
    <time dateTime={new Date(at).toISOString()} title={`since ${formatExact(at)}`}>
      {formatAge(now - at)}
    </time>
  );
}
