import { afterEach, describe, expect, it, vi } from "vitest";
import { call, onLoggedOut, order } from "./client";
import { backOff, changedResource, EventParser, type ServerEvent } from "./events";
import { staleKeys } from "./live";
import { ApiError, fieldProblems, parseRetryAfter, toProblem } from "./problem";

afterEach(() => vi.unstubAllGlobals());

function answer(status: number, body: string, headers: Record<string, string> = {}) {
  const fetching = vi.fn(() => Promise.resolve(new Response(status === 204 ? null : body, { status, headers })));
  vi.stubGlobal("fetch", fetching);
  return fetching;
}

async function refusal(promise: Promise<unknown>): Promise<ApiError> {
  try {
    await promise;
  } catch (error) {
    expect(error).toBeInstanceOf(ApiError);
    return error as ApiError;
  }
  throw new Error("was not refused");
}

describe("requests", () => {
  it("sends JSON and gives data with its ETag", async () => {
    const fetching = answer(200, `{"name":"web1"}`, { ETag: `"7"` });
    const got = await call<{ name: string }>("PATCH", "/vms/web1", { body: { cpus: 2 }, headers: { "If-Match": `"6"` } });
    expect(got).toEqual({ data: { name: "web1" }, status: 200, etag: `"7"` });
    const [path, init] = fetching.mock.calls[0] as unknown as [string, RequestInit];
    expect(path).toBe("/api/v1/vms/web1");
    expect(init.method).toBe("PATCH");
    expect(init.body).toBe(`{"cpus":2}`);
    expect(init.headers).toMatchObject({ "Content-Type": "application/json", "If-Match": `"6"` });
  });

  it("takes 204 for an answer without a body", async () => {
    answer(204, "");
    expect((await call("DELETE", "/session")).status).toBe(204);
  });

  it("gives the task of an order, and nothing when nothing was to be done", async () => {
    answer(202, `{"id":"t1"}`);
    expect(await order("POST", "/setup", {})).toEqual({ id: "t1" });
    answer(200, `{"steps":[],"wipes":[],"nothing_to_do":true}`);
    expect(await order("POST", "/setup", {})).toBeUndefined();
  });

  it("keeps the API's own problem document", async () => {
    const body = { title: "Some fields are not valid", status: 422, code: "api.invalid_field", advice: "Correct them.",
      problems: [{ field: "name", rule: "starts with a letter" }, { field: "memory", rule: "at least 64M" }, { field: "name", rule: "is short" }] };
    answer(422, JSON.stringify(body));
    const error = await refusal(call("POST", "/vms", { body: {} }));
    expect(error.code).toBe("api.invalid_field");
    expect(fieldProblems(error)).toEqual({ name: "starts with a letter; is short", memory: "at least 64M" });
  });

  it("explains an answer of the proxy's", async () => {
    answer(502, "<html>Bad Gateway</html>");
    const error = await refusal(call("GET", "/vms"));
    expect(error.code).toBe("web.unreachable");
    expect(error.problem.advice).toContain("service bhyped status");
  });

  it("explains a dead network", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("failed to fetch")));
    expect((await refusal(call("GET", "/vms"))).code).toBe("web.unreachable");
  });

  it("tells listeners about a lost session, not about a wrong password", async () => {
    const listener = vi.fn();
    const stop = onLoggedOut(listener);
    answer(401, JSON.stringify({ title: "x", code: "access.bad_credentials" }));
    await refusal(call("POST", "/session", { body: {} }));
    expect(listener).not.toHaveBeenCalled();
    answer(401, JSON.stringify({ title: "x", code: "access.no_session" }));
    await refusal(call("GET", "/vms"));
    expect(listener).toHaveBeenCalledTimes(1);
    stop();
    await refusal(call("GET", "/vms"));
    expect(listener).toHaveBeenCalledTimes(1);
  });

  it("knows when to try again", async () => {
    answer(429, JSON.stringify({ title: "Too many failed log-ins", code: "access.too_many_attempts" }), { "Retry-After": "37" });
    expect((await refusal(call("POST", "/session", { body: {} }))).retryAfter).toBe(37);
    expect(parseRetryAfter("Tue, 24 Nov 2026 00:00:10 GMT", Date.parse("2026-11-24T00:00:00Z"))).toBe(10);
    expect(parseRetryAfter("soon")).toBeUndefined();
    expect(parseRetryAfter(null)).toBeUndefined();
  });

  it("turns anything thrown into a problem", () => {
    expect(toProblem(new Error("boom"))).toMatchObject({ code: "web.internal", detail: "boom" });
    expect(toProblem("x").detail).toBe("x");
  });
});

describe("events", () => {
  const parse = (...pieces: string[]) => {
    const got: ServerEvent[] = [];
    const parser = new EventParser((event) => got.push(event));
    for (const piece of pieces) parser.push(piece);
    return got;
  };

  it("reads events in any pieces", () => {
    const text = `: ping\n\nevent: change\ndata: {"resource":"vms/web1"}\n\nevent: change\r\ndata: {"resource":"host"}\r\n\r\n`;
    const whole = parse(text);
    expect(whole).toHaveLength(2);
    expect(parse(...text.split(""))).toEqual(whole);
    expect(whole.map(changedResource)).toEqual(["vms/web1", "host"]);
  });

  it("joins lines of data and ignores unfinished events", () => {
    expect(parse("data: a\ndata: b\n\ndata: c\n")).toEqual([{ event: "message", data: "a\nb" }]);
  });

  it("ignores what is not a change", () => {
    expect(changedResource({ event: "message", data: `{"resource":"vms"}` })).toBeUndefined();
    expect(changedResource({ event: "change", data: "not json" })).toBeUndefined();
    expect(changedResource({ event: "change", data: `{"resource":7}` })).toBeUndefined();
  });

  it("backs off to a limit", () => {
    expect([0, 1, 2, 3, 9, 99].map((attempt) => backOff(attempt, 1))).toEqual([500, 1000, 2000, 4000, 15_000, 15_000]);
    expect(backOff(9, 0)).toBe(11_250);
  });

  it("knows what a change makes stale", () => {
    expect(staleKeys("host")).toEqual([["host"]]);
    expect(staleKeys("tasks/t1")).toEqual([
      ["tasks", "list"],
      ["tasks", "one", "t1"],
    ]);
    expect(staleKeys("vms/web1")).toContainEqual(["vms", "one", "web1"]);
    expect(staleKeys("vms/web1")).toContainEqual(["host"]);
  });
});
