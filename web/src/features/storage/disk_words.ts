import type { Disk, DiskFigures } from "../../api/models";

type Verdict = Disk["health"];

/// The word, and the state that has its colour and shape.
export function healthLook(verdict: Verdict): { state: string; word: string } {
  switch (verdict) {
    case "well":
      return { state: "ok", word: "well" };
    case "attention":
      return { state: "attention", word: "needs attention" };
    case "failing":
      return { state: "failed", word: "failing" };
    case "unknown":
      return { state: "unconnected", word: "unknown" };
    default:
      return { state: "queued", word: "not asked yet" };
  }
}

/// What a disk tells, as lines; what it does not tell has none.
export function figureLines(figures: DiskFigures, size: (bytes: number) => string): [string, string][] {
  const count = (value: number | null | undefined, unit = "") => (value == null ? undefined : `${value}${unit}`);
  const bytes = (value: number | null | undefined) => (value == null ? undefined : size(value));
  const test = figures.self_test;
  const lines: [string, string | undefined][] = [
    ["Temperature", count(figures.temperature, " °C")],
    ["Hours on", count(figures.hours)],
    ["Wear", count(figures.wear, " %")],
    ["Spare blocks left", count(figures.spare, " %")],
    ["Sectors replaced", count(figures.reallocated)],
    ["Sectors unreadable", count(figures.pending)],
    ["Uncorrectable", count(figures.uncorrectable)],
    ["Media errors", count(figures.media_errors)],
    ["Read", bytes(figures.read)],
    ["Written", bytes(figures.written)],
    ["Switched on", count(figures.power_cycles, " times")],
    ["Firmware", figures.firmware || undefined],
    ["Last self-test", test ? `${test.kind}: ${test.result}` : undefined],
    ["Self-test to do", count(figures.test_left, " %")],
  ];
  return lines.filter((line): line is [string, string] => line[1] !== undefined);
}

/// What is not well, each once, with the disks that have it.
export function sharedRemarks(disks: readonly Disk[]): { names: string[]; verdict: Verdict; text: string; advice: string }[] {
  const found: { names: string[]; verdict: Verdict; text: string; advice: string }[] = [];
  for (const disk of disks) {
    if (disk.health === "well" || disk.health === "unread") continue;
    const same = found.find((each) => each.text === disk.health_text && each.advice === disk.health_advice);
    if (same) same.names.push(disk.name);
    else found.push({ names: [disk.name], verdict: disk.health, text: disk.health_text, advice: disk.health_advice });
  }
  return found;
}
