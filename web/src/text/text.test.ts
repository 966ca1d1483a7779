import { describe, expect, it } from "vitest";
import { firstLine } from "./lines";
import { shellLine } from "./shell";
import { formatSize, parseSize, sizeInput } from "./size";
import { formatAge, formatDuration, formatRelative } from "./time";

const K = 1024;
const G = K ** 3;

describe("sizes", () => {
  it.each([
    [0, "0B"],
    [1, "1B"],
    [1023, "1023B"],
    [K, "1K"],
    [1.5 * G, "1.50G"],
    [20 * G, "20G"],
    [15.24 * G, "15.2G"],
    [150.6 * G, "151G"],
    [1000.4 * G, "1000G"],
    [1023.99 * G, "1024G"],
    [2 * K * G, "2T"],
    [-3 * G, "-3G"],
  ])("%d is %s", (bytes, text) => expect(formatSize(bytes)).toBe(text));

  it.each([
    ["512M", 512 * K * K],
    ["1.5g", 1.5 * G],
    [" 20 GiB ", 20 * G],
    ["20GB", 20 * G],
    ["4096", 4096],
    ["0", 0],
  ])("reads %s", (text, bytes) => expect(parseSize(text)).toBe(bytes));

  it.each(["", "G", "-1G", "1Q", "1.5", "1e3", "12 34", "0.3K", "99999999999999999999999E9"])("refuses %j", (text) =>
    expect(parseSize(text)).toBeUndefined(),
  );

  it("writes what it reads", () => {
    for (const bytes of [1, 1000, 4096, 512 * K * K, 1536 * K * K, 20 * G]) expect(parseSize(sizeInput(bytes))).toBe(bytes);
    expect(sizeInput(1536 * K * K)).toBe("1536M");
  });
});

it("takes a text's first line", () => {
  expect(firstLine("one: two\nthree\n")).toBe("one: two");
  expect(firstLine("")).toBe("");
});

describe("times", () => {
  it.each([
    [0, "0s"],
    [59_999, "59s"],
    [60_000, "1m"],
    [3_600_000, "1h"],
    [3_660_000, "1h 1m"],
    [90_000_000, "1d 1h"],
    [172_800_000, "2d"],
    [-5, "0s"],
  ])("age of %d ms", (age, text) => expect(formatAge(age)).toBe(text));

  it("is relative to now", () => {
    expect(formatRelative(1000, 5000)).toBe("just now");
    expect(formatRelative(0, 120_000)).toBe("2m ago");
    expect(formatRelative(120_000, 0)).toBe("in 2m");
  });

  it("measures work", () => {
    expect(formatDuration(12)).toBe("12 ms");
    expect(formatDuration(3400)).toBe("3.4 s");
    expect(formatDuration(125_000)).toBe("2m 5s");
  });
});

describe("shell words", () => {
  it("quotes only what needs it", () => {
    expect(shellLine(["bhype", "vm", "set", "web1", "note=it's a test", ""])).toBe(
      `bhype vm set web1 'note=it'\\''s a test' ''`,
    );
    expect(shellLine(["a;b", "$(x)", "--memory", "256M"])).toBe(`'a;b' '$(x)' --memory 256M`);
  });
});
