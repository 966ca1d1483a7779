import { expect, it } from "vitest";
import { retentionWords, scheduleWords } from "./schedule";

it("says a schedule in words", () => {
  expect(scheduleWords("30 3 * * *")).toBe("At 03:30, every day");
  expect(scheduleWords("nonsense")).toBeUndefined();
});

it("says what stays", () => {
  expect(retentionWords({ daily: 7, weekly: 4 })).toBe("7 days, 4 weeks");
  expect(retentionWords({})).toBe("everything");
});
