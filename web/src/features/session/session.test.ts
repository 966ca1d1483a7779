import { describe, expect, it } from "vitest";
import { safeReturn } from "./session";

describe("the page to return to after the log-in", () => {
  it.each(["/", "/guests/web1/console", "/guests?state=running"])("takes %s", (to) => expect(safeReturn(to)).toBe(to));

  it.each([null, "", "guests", "//evil.example/x", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/\n/evil", "/login?to=/"])(
    "does not take %j",
    (to) => expect(safeReturn(to)).toBe("/"),
  );
});
