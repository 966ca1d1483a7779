import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { VmSummary } from "../../api/models";
import { addressOf, countStates, createPage, filterVms, mostStopSeconds, type Order, sortVms, stopSecondsProblem, sumUp, upSince } from "./guests";

function vm(name: string, changes: Partial<VmSummary> = {}): VmSummary {
  return {
    name, state: "stopped", reason: "", started: 0, owner: "dev1", group: "", note: "", tags: [], template: "tiny-linux", cpus: 1,
    memory: 1024, nics: [], pending_restart: [], actions: [], ...changes,
  };
}
const nic = (address?: string) => [{ name: "nic0", mac: "", switch: "nat", address }];
const names = (vms: VmSummary[]) => vms.map((each) => each.name).join(" ");
const sorted = (vms: VmSummary[], by: Order["by"], down = false) => names(sortVms(vms, { by, down }));

interface Property {
  pattern?: string;
  minimum?: number;
  maximum?: number;
}
interface Document {
  components: { schemas: Record<string, { properties: Record<string, Property> }> };
}
const document = JSON.parse(readFileSync(new URL("../../../../docs/openapi.json", import.meta.url), "utf8")) as Document;
const property = (schema: string, name: string): Property => document.components.schemas[schema]!.properties[name]!;

describe("what the API says of its fields", () => {
  it("leaves the create page's address to no VM", () => {
    const name = new RegExp(property("CreateVm", "name").pattern!);
    expect(name.test("new")).toBe(true);
    expect(name.test(createPage.split("/").at(-1)!)).toBe(false);
  });

  it("bounds the time of a stop", () => {
    expect(property("StopVm", "seconds")).toMatchObject({ minimum: 1, maximum: mostStopSeconds });
    for (const text of ["1", "60", "3600", "0060"]) expect(stopSecondsProblem(text)).toBeUndefined();
    for (const text of ["", "0", "3601", "99999", "-1", "1.5", "6e1", " 60"]) expect(stopSecondsProblem(text)).toContain("1 to 3600");
  });
});

describe("the list of guests", () => {
  it("sorts names as people count", () => {
    const vms = [vm("web10"), vm("web9"), vm("db")];
    expect(sorted(vms, "name")).toBe("db web9 web10");
    expect(sorted(vms, "name", true)).toBe("web10 web9 db");
  });

  it("puts what needs a look first, names in order within", () => {
    const vms = [vm("c", { state: "stopped" }), vm("b", { state: "running" }), vm("a", { state: "running" }), vm("d", { state: "failed" })];
    expect(sorted(vms, "state")).toBe("d a b c");
    expect(sorted(vms, "state", true)).toBe("c a b d");
  });

  it("sorts addresses by number, without one last", () => {
    const vms = [vm("none"), vm("ten", { nics: nic("10.0.0.10") }), vm("nine", { nics: nic("10.0.0.9") })];
    expect(sorted(vms, "address")).toBe("nine ten none");
  });

  it("sorts by uptime, stopped ones first when rising", () => {
    const vms = [vm("old", { state: "running", started: 100 }), vm("new", { state: "running", started: 200 }), vm("off", { started: 50 })];
    expect(sorted(vms, "uptime", true)).toBe("old new off");
    expect(upSince(vms[2]!)).toBe(0);
    expect(upSince(vms[0]!)).toBe(100_000);
  });

  it("finds every word anywhere in a row", () => {
    const vms = [vm("web1", { note: "Shop front", nics: nic("10.1.1.5") }), vm("web2", { owner: "eve" })];
    expect(names(filterVms(vms, { text: "web", state: "" }))).toBe("web1 web2");
    expect(names(filterVms(vms, { text: " SHOP  10.1 ", state: "" }))).toBe("web1");
    expect(names(filterVms(vms, { text: "web shop eve", state: "" }))).toBe("");
  });

  it("filters by state and by need of attention", () => {
    const vms = [vm("a", { state: "failed" }), vm("b", { state: "running", pending_restart: ["cpus"] }), vm("c", { state: "running" })];
    expect(names(filterVms(vms, { text: "", state: "running" }))).toBe("b c");
    expect(names(filterVms(vms, { text: "", state: "attention" }))).toBe("a b");
    expect(names(filterVms([vm("d", { definition_error: "memory: is missing" })], { text: "", state: "attention" }))).toBe("d");
    expect(countStates(vms)).toMatchObject({ failed: 1, running: 2, stopped: 0 });
  });

  it("adds up what runs", () => {
    const vms = [vm("a", { state: "running", cpus: 2, memory: 100 }), vm("b", { state: "stopping", memory: 50 }), vm("c", { cpus: 9, memory: 900 })];
    expect(sumUp(vms)).toEqual({ count: 2, cpus: 3, memory: 150 });
    expect(sumUp([])).toEqual({ count: 0, cpus: 0, memory: 0 });
  });

  it("shows the first address that is known", () => {
    expect(addressOf(vm("a", { nics: [...nic(), ...nic("10.0.0.2")] }))).toBe("10.0.0.2");
    expect(addressOf(vm("a"))).toBeUndefined();
  });
});
