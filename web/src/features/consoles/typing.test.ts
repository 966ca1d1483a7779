import { describe, expect, it } from "vitest";
import { type Layout, layouts, typeText } from "./typing";

const printable = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join("");

describe("text as key presses", () => {
  it.each([["us", ""], ["gb", ""], ["de", "^`"], ["fr", "^`~"]] as [Layout, string][])(
    "%s types ASCII but its dead keys",
    (layout, dead) => expect(typeText(printable, layout).missing.sort().join("")).toBe([...dead].sort().join("")),
  );

  it("presses Shift and AltGr where the layout has them", () => {
    expect(typeText("A", "us").presses).toEqual([{ keysym: 0x41, code: "KeyA", shift: true, altGr: false }]);
    expect(typeText("@", "de").presses).toEqual([{ keysym: 0x71, code: "KeyQ", shift: false, altGr: true }]);
    expect(typeText("z", "de").presses[0]).toMatchObject({ code: "KeyY", keysym: 0x79 });
    expect(typeText("a", "fr").presses[0]).toMatchObject({ code: "KeyQ" });
    expect(typeText("|", "gb").presses[0]).toMatchObject({ code: "IntlBackslash", shift: true });
  });

  it("takes line ends once and names what it cannot type", () => {
    expect(typeText("a\r\nb\n", "us").presses.map((press) => press.code)).toEqual(["KeyA", "Enter", "KeyB", "Enter"]);
    expect(typeText("日a日", "us")).toMatchObject({ missing: ["日"], presses: [{ code: "KeyA" }] });
    expect(Object.keys(layouts)).toHaveLength(4);
  });
});
