import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { auditVm, auditWords } from "./audit_words";

interface Document {
  paths: Record<string, Record<string, unknown>>;
}
const { paths } = JSON.parse(readFileSync(new URL("../../../../docs/openapi.json", import.meta.url), "utf8")) as Document;

it("has words for everything that the audit keeps", () => {
  const kept = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).filter((method) => method !== "get").map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(kept.length).toBeGreaterThan(8);
  expect(kept.filter((action) => !auditWords(action))).toEqual([]);
  expect(auditWords("GET /api/v1/vms/{name}/snapshots/{snapshot}/file")).toBeTruthy();
  expect(auditWords("constructor")).toBeUndefined();
});

it("knows which entries are about a VM", () => {
  expect(auditVm("POST /api/v1/vms/{name}/start", "web1")).toBe("web1");
  expect(auditVm("GET /api/v1/vms/{name}/snapshots/{snapshot}/file", "web1/first disk0:1:/etc/fstab")).toBe("web1");
  expect(auditVm("POST /api/v1/session", "boss")).toBeUndefined();
  expect(auditVm("POST /api/v1/vms", "")).toBeUndefined();
});
