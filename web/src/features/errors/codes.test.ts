import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { codePage, toProblem, unreachable } from "../../api/problem";
import { byRoom, codes, entryOf } from "./codes";

interface Document {
  components: { schemas: { Problem: { properties: { code: { enum: string[]; "x-texts": Record<string, unknown> } } } } };
}
const { code } = (JSON.parse(readFileSync(new URL("../../../../docs/openapi.json", import.meta.url), "utf8")) as Document)
  .components.schemas.Problem.properties;

describe("the page of codes", () => {
  it("explains every code of the API, in the words of its table", () => {
    expect(code.enum.length).toBeGreaterThan(40);
    expect(code.enum.filter((id) => entryOf(id) !== id)).toEqual([]);
    expect(Object.keys(codes).filter((id) => !/^(web|http)\./.test(id)).sort()).toEqual([...code.enum].sort());
    for (const id of code.enum) expect(codes[id]).toEqual(code["x-texts"][id]);
  });

  it("explains what the page itself says", () => {
    expect(entryOf(unreachable.code)).toBe("web.unreachable");
    expect(entryOf(toProblem(new Error("x")).code)).toBe("web.internal");
    expect(entryOf("http.418")).toBe("http.STATUS");
    for (const { title, meaning, advice } of Object.values(codes)) for (const text of [title, meaning, advice]) expect(text).not.toBe("");
  });

  it("knows no other code", () => {
    for (const id of ["", "vm", "vm.nothing", "constructor", "http.x"]) expect(entryOf(id)).toBeUndefined();
  });

  it("lists each code once", () => {
    expect(byRoom().flatMap(({ codes: of }) => of).sort()).toEqual(Object.keys(codes).sort());
    expect(byRoom().filter(({ codes: of }) => of.length === 0)).toEqual([]);
  });

  it("is where a problem document's type leads", () => {
    const source = readFileSync(new URL("../../../../src/base/json.cpp", import.meta.url), "utf8");
    expect(source).toContain(`{"type", "${codePage("")}" + std::string(code.id)}`);
  });
});
