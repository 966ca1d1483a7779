/// The API gives epoch seconds for things and epoch milliseconds for tasks; everything here takes milliseconds.

export function formatAge(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${hours}h ${minutes % 60}m` : `${hours}h`;
  const days = Math.floor(hours / 24);
  return hours % 24 ? `${days}d ${hours % 24}h` : `${days}d`;
}

/// "just now", "12m ago", "3d 4h ago", "in 5m".
export function formatRelative(time: number, now: number): string {
  const age = now - time;
  if (Math.abs(age) < 10_000) return "just now";
  return age > 0 ? `${formatAge(age)} ago` : `in ${formatAge(-age)}`;
}

/// The exact moment in the viewer's own zone, which is named.
export function formatExact(time: number): string {
  return new Intl.DateTimeFormat(undefined, {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    timeZoneName: "short",
  }).format(time);
}

/// How long a piece of work took: "12 ms", "3.4 s", "2m 5s".
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.max(0, Math.round(milliseconds))} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  return `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
}
