import { expect, test } from "vitest";
import type { PoolDevice } from "../../api/models";
import { deviceActions, groupOf, groupWords, scanWords } from "./storage";

const device = (name: string, depth: number, more: Partial<PoolDevice> = {}): PoolDevice => ({
  name, depth, role: "data", state: "ONLINE", note: "", leaf: !name.includes("-"), ...more,
});

test("groups read as zpool takes them", () => {
  expect(groupWords([{ role: "data", layout: "mirror", disks: ["nda0", "nda1"] }, { role: "spare", layout: "stripe", disks: ["nda2"] }])).toBe("mirror nda0 nda1, spare nda2");
  expect(groupWords([{ role: "data", layout: "stripe", disks: ["nda0"] }])).toBe("nda0");
});

test("a device's group is the nearest above it with less depth", () => {
  const tree = [device("mirror-0", 0), device("nda0", 1), device("spare-1", 1), device("nda1", 2), device("nda2", 0)];
  expect(groupOf(tree, 1)?.name).toBe("mirror-0");
  expect(groupOf(tree, 3)?.name).toBe("spare-1");
  expect(groupOf(tree, 4)).toBeUndefined();
});

test("only what zpool would do is offered", () => {
  expect(deviceActions(device("nda0", 1), true)).toEqual(["offline", "replace", "attach", "detach"]);
  expect(deviceActions(device("nda0", 1, { state: "REMOVED" }), true)).toContain("online");
  expect(deviceActions(device("nda0", 1), false)).toEqual(["offline", "replace"]);
  expect(deviceActions(device("nda8", 0, { role: "spare", state: "AVAIL" }), false)).toEqual(["remove"]);
  expect(deviceActions(device("raidz1-0", 0), false)).toEqual([]);
  expect(deviceActions(device("mirror-1", 0), false)).toEqual(["remove"]);
});

test("a scan says how far it is", () => {
  const scan = { kind: "scrub", state: "running", percent: 12.34, errors: 0, text: "" } as const;
  expect(scanWords(scan)).toBe("scrub running, 12.3 % done");
  expect(scanWords({ ...scan, state: "finished", percent: undefined, errors: 2 })).toBe("scrub finished, 2 errors left");
  expect(scanWords({ ...scan, kind: "none" })).toBe("never scrubbed");
});
