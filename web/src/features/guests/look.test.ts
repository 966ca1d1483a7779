import { expect, it } from "vitest";
import { child, crumbs, permissions, query } from "./look";

it("walks through a guest's directories", () => {
  expect(child("/", "etc")).toBe("/etc");
  expect(child("/etc", "a\\x0a")).toBe("/etc/a\\x0a");
  expect(crumbs("/")).toEqual([]);
  expect(crumbs("/etc/deep")).toEqual([
    { name: "etc", path: "/etc" },
    { name: "deep", path: "/etc/deep" },
  ]);
});

it("asks for exactly one place", () => {
  expect(query({ path: "/a b&c" })).toBe("path=%2Fa+b%26c");
  expect(query({ disk: "disk0", partition: "1", path: "/" }, 1000)).toBe("path=%2F&disk=disk0&partition=1&from=1000");
});

it("writes permissions as ls does", () => {
  expect(permissions(0o750)).toBe("rwxr-x---");
  expect(permissions(0o4755)).toBe("rwsr-xr-x");
  expect(permissions(0o1666)).toBe("rw-rw-rwT");
});
