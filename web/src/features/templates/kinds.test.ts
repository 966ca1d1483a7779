import { describe, expect, it } from "vitest";
import type { Template } from "../../api/models";
import { boots, outcome, sortTemplates } from "./kinds";

const template = (kind: Template["kind"], title: string, available = true): Template => ({
  name: title, title, family: "other", kind, description: "", notes: "", cpus: 1, memory: 1, disk: 1, smallest_memory: 1, smallest_disk: 1,
  disk_kind: "virtio-blk", nic_kind: "virtio-net", firmware: "uefi", clock: "utc", screen: true, tablet: true, available,
});

describe("templates", () => {
  it("come in the order of what they need", () => {
    const all = [template("empty", "a"), template("iso", "b"), template("image", "d"), template("image", "c"), template("image", "0", false)];
    expect(sortTemplates(all).map(({ title }) => title).join("")).toBe("cdba0");
  });

  it("start what can boot, and nothing else, unless told", () => {
    expect(boots(template("image", "a"))).toBe(true);
    expect(boots(template("iso", "a"))).toBe(true);
    expect(boots(template("empty", "a"))).toBe(false);
  });

  it("say what will become of a VM", () => {
    expect(outcome(template("iso", "a"), true)).toMatch(/install CD as soon as/);
    expect(outcome(template("empty", "a"), true)).toMatch(/nothing to boot/);
    const said = (["image", "iso", "empty"] as const).flatMap((kind) => [true, false].map((start) => outcome(template(kind, "a"), start)));
    expect(new Set(said).size).toBe(6);
  });
});
