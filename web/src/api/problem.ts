import type { Problem } from "./models";

/// What went wrong with a request, whoever noticed it: the API, nginx in front of it, or the network.
export class ApiError extends Error {
  readonly problem: Problem;
  /// Seconds until it makes sense to try again, when the answer says so.
  readonly retryAfter: number | undefined;

  constructor(problem: Problem, retryAfter?: number) {
    super(problem.detail ? `${problem.title}: ${problem.detail}` : problem.title);
    this.name = "ApiError";
    this.problem = problem;
    this.retryAfter = retryAfter;
  }

  get status(): number {
    return this.problem.status;
  }
  get code(): string {
    return this.problem.code;
  }
}

export const unreachable = {
  status: 0,
  code: "web.unreachable",
  title: "bHype does not answer",
  advice: "The page tries again by itself. On the host, `service bhyped status` and `service bhype_nginx status` say more.",
} satisfies Problem;

export const pageMistake = {
  status: 0,
  code: "web.internal",
  title: "The page made a mistake",
  advice: "Reload the page. If it happens again, report it with the text above.",
} satisfies Problem;

export const codesPage = "/docs/errors";
/// Where a code is explained, as the type of a problem document has it.
export const codePage = (code: string): string => `${codesPage}#${code}`;

/// An answer that is not a problem document comes from nginx or another proxy on the way.
function foreignAnswer(status: number): Problem {
  if (status >= 502 && status <= 504) return { ...unreachable, status };
  if (status === 413) {
    return { status, code: "api.too_large", title: "The request is too large", advice: "Send less in one request." };
  }
  if (status === 429) {
    return {
      status,
      code: "access.too_many_attempts",
      title: "Too many requests",
      advice: "Wait a little and try again.",
    };
  }
  return {
    status,
    code: `http.${status}`,
    title: `The server answered with HTTP status ${status}`,
    advice: "Look at nginx's error log on the host.",
  };
}

function isProblem(value: unknown): value is Problem {
  return typeof value === "object" && value !== null && "title" in value && "code" in value;
}

/// Retry-After is a number of seconds or a date (RFC 9110, 10.2.3).
export function parseRetryAfter(value: string | null, now = Date.now()): number | undefined {
  if (!value) return undefined;
  if (/^\d+$/.test(value)) return Number(value);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now) / 1000));
}

export async function errorFromResponse(response: Response): Promise<ApiError> {
  let body: unknown;
  try {
    body = await response.json();
  } catch {
    body = undefined;
  }
  const problem = isProblem(body) ? { ...body, status: response.status } : foreignAnswer(response.status);
  return new ApiError(problem, parseRetryAfter(response.headers.get("Retry-After")));
}

/// Any thrown thing as a problem that can be shown.
export function toProblem(error: unknown): Problem {
  if (error instanceof ApiError) return error.problem;
  return { ...pageMistake, detail: error instanceof Error ? error.message : String(error) };
}

/// Field name to rule, for forms. Several rules of one field are joined.
export function fieldProblems(error: unknown): Record<string, string> {
  const found: Record<string, string> = {};
  if (!(error instanceof ApiError)) return found;
  for (const { field, rule } of error.problem.problems ?? []) {
    found[field] = found[field] ? `${found[field]}; ${rule}` : rule;
  }
  return found;
}
