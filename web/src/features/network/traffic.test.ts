import { describe, expect, it } from "vitest";
import type { Traffic } from "../../api/models";
import { formatRate, ratesBetween } from "./traffic";

const counter = (name: string, received_bytes: number, sent_bytes: number): Traffic => ({
  name,
  received_bytes,
  received_packets: 0,
  received_errors: 0,
  received_dropped: 0,
  sent_bytes,
  sent_packets: 0,
  sent_errors: 0,
});
const look = (at: number, ...all: Traffic[]) => ({ at, counters: new Map(all.map((each) => [each.name, each])) });

describe("rates", () => {
  it("are bytes a second between two looks", () => {
    const rates = ratesBetween(look(1000, counter("em0", 100, 0)), look(3000, counter("em0", 2100, 50)));
    expect(rates.get("em0")).toEqual({ received: 1000, sent: 25 });
  });
  it("are unknown for what is new or counts anew", () => {
    const rates = ratesBetween(look(0, counter("tap0", 500, 500)), look(1000, counter("tap0", 1, 1), counter("tap1", 5, 5)));
    expect(rates.size).toBe(0);
  });
  it("are unknown without time between", () => {
    expect(ratesBetween(look(5, counter("a", 0, 0)), look(5, counter("a", 9, 9))).size).toBe(0);
  });
});

describe("formatRate", () => {
  it.each([
    [0, "0 B/s"],
    [7, "7 B/s"],
    [999, "999 B/s"],
    [1000, "1 kB/s"],
    [12_340, "12.3 kB/s"],
    [1_250_000_000, "1.25 GB/s"],
  ])("%d is %s", (bytes, words) => {
    expect(formatRate(bytes)).toBe(words);
  });
});
