import { expect, test } from "vitest";
import type { Disk, DiskFigures } from "../../api/models";
import { figureLines, healthLook, sharedRemarks } from "./disk_words";

const disk = (name: string, more: Partial<Disk> = {}): Disk => ({
  name, size: 1, description: "", ident: "", solid_state: true, used_by: "", health: "well", health_text: "", health_advice: "", ...more,
});

test("each verdict has a word and a look", () => {
  const words = (["well", "attention", "failing", "unknown", "unread"] as const).map((verdict) => healthLook(verdict).word);
  expect(new Set(words).size).toBe(5);
});

test("what a disk does not tell has no line, and zero has one", () => {
  const figures: DiskFigures = {
    state: "passed", remark: "", protocol: "NVMe", model: "", serial: "", firmware: "1.0", temperature: 40, media_errors: 0,
    warnings: [], failed_attributes: [], self_test: { kind: "Short", result: "Completed without error" },
  };
  expect(figureLines(figures, String)).toEqual([
    ["Temperature", "40 °C"], ["Media errors", "0"], ["Firmware", "1.0"], ["Last self-test", "Short: Completed without error"],
  ]);
});

test("what several disks have alike is said once", () => {
  const missing = { health: "unknown", health_text: "cannot be asked", health_advice: "pkg install smartmontools" } as const;
  const found = sharedRemarks([disk("nda0", missing), disk("nda1"), disk("nda2", missing), disk("nda3", { health: "failing", health_text: "takes no more writes" })]);
  expect(found.map(({ names, text }) => [names, text])).toEqual([[["nda0", "nda2"], "cannot be asked"], [["nda3"], "takes no more writes"]]);
});
