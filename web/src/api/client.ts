import type { Task } from "./models";
import { ApiError, errorFromResponse, unreachable } from "./problem";

export const base = "/api/v1";

export interface Answer<T> {
  data: T;
  status: number;
  etag: string | null;
}

export interface Options {
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

type Listener = () => void;
const loggedOut = new Set<Listener>();

/// Calls `listener` whenever a request was refused because nobody is logged in. Returns what ends that.
export function onLoggedOut(listener: Listener): () => void {
  loggedOut.add(listener);
  return () => void loggedOut.delete(listener);
}

export function reportLoggedOut(): void {
  for (const listener of loggedOut) listener();
}

export async function call<T>(method: string, path: string, options: Options = {}): Promise<Answer<T>> {
  const headers: Record<string, string> = { Accept: "application/json", ...options.headers };
  let body: string | undefined;
  if (options.body !== undefined) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(options.body);
  }
  let response: Response;
  try {
    response = await fetch(base + path, { method, headers, body, signal: options.signal, credentials: "same-origin" });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError(unreachable);
  }
  if (!response.ok) {
    const error = await errorFromResponse(response);
    if (error.status === 401 && error.code !== "access.bad_credentials") reportLoggedOut();
    throw error;
  }
  const etag = response.headers.get("ETag");
  if (response.status === 204) return { data: undefined as T, status: 204, etag };
  return { data: (await response.json()) as T, status: response.status, etag };
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await call<T>("GET", path, { signal })).data;
}

/// A request that makes a task: the task, or nothing when nothing was to be done. The key makes a repeated click or a
/// repeated packet harmless; with `ifMatch` nothing happens when the object is another than the one that was shown.
export async function order(method: string, path: string, body?: unknown, ifMatch?: string): Promise<Task | undefined> {
  const headers: Record<string, string> = { "Idempotency-Key": newKey() };
  if (ifMatch) headers["If-Match"] = ifMatch;
  const { status, data } = await call<Task>(method, path, { body, headers });
  return status === 202 ? data : undefined;
}

/// Waits until a task is over; throws unless it is done.
export async function finished(task: Task): Promise<void> {
  let now = task;
  while (now.state === "queued" || now.state === "running") now = await get<Task>(`/tasks/${segment(task.id)}?wait=30`);
  if (now.state !== "done") throw now.error ? new ApiError(now.error) : new Error(`${now.title}: ${now.state}`);
}

/// 128 random bits. crypto.randomUUID exists in secure contexts only.
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/// A value as one segment of a path.
export function segment(value: string): string {
  return encodeURIComponent(value);
}
