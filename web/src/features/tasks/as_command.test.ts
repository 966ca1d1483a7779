import { describe, expect, it } from "vitest";
import type { Task } from "../../api/models";
import { createCommand, curlCommand, poolCommand, sayAgain, setupCommand } from "./as_command";
import { byWhom, filterTasks, objectPage, taskDuration } from "./tasks";

const task = (kind: string, object: string): Task => ({
  id: "t1", kind, object, title: "", user: "dev1", source: "", state: "done",
  created: 0, started: 1000, ended: 3500, message: "", cancellable: false,
});

describe("a task as commands", () => {
  it("says start, kill, reset and delete from the task alone", () => {
    expect(sayAgain(task("vm.start", "vm/web1"))).toEqual({
      command: "bhype vm start web1",
      curl: "curl --unix-socket /var/run/bhype/api/cli.sock -X POST http://localhost/api/v1/vms/web1/start",
    });
    expect(sayAgain(task("vm.delete", "vm/web1")).curl).toContain("-X DELETE http://localhost/api/v1/vms/web1");
  });

  it("says a creation only when it knows what was asked", () => {
    expect(sayAgain(task("vm.create", "vm/web1"))).toEqual({});
    const body = { name: "web1", template: "tiny-linux", memory: "256M", note: "it's", start: true };
    const said = sayAgain(task("vm.create", "vm/web1"), { method: "POST", path: "/vms", body });
    expect(said.command).toBe("bhype vm create web1 --template tiny-linux --memory 256M --note 'it'\\''s' --start");
    expect(said.curl).toContain("-d '{\"name\":\"web1\"");
  });

  it("offers nothing for what it does not know", () => {
    expect(sayAgain(task("zfs.scrub", "pool/tank"))).toEqual({});
    expect(sayAgain(task("vm.start", "vm"))).toEqual({});
  });

  it("gives the deadline of a stop", () => {
    const said = sayAgain(task("vm.stop", "vm/web1"), { method: "POST", path: "/vms/web1/stop", body: { seconds: 30 } });
    expect(said.command).toBe("bhype vm stop web1 --seconds 30");
  });

  it("says what was asked of a pool in zpool's words", () => {
    const groups = [{ role: "data", layout: "mirror", disks: ["nda2", "nda3"] }, { role: "spare", layout: "stripe", disks: ["nda4"] }];
    expect(poolCommand({ method: "POST", path: "/pools", body: { name: "work", groups } })).toBe("bhype pool create work mirror nda2 nda3 spare nda4 --yes");
    expect(poolCommand({ method: "POST", path: "/pools/work/scrub", body: { action: "stop" } })).toBe("bhype pool scrub work stop");
    expect(poolCommand({ method: "POST", path: "/pools/work/devices", body: { action: "offline", device: "nda3" } })).toBe("bhype pool offline work nda3");
    expect(poolCommand({ method: "POST", path: "/pools/work/replace", body: { device: "9876", disk: "nda5" } })).toBe("bhype pool replace work 9876 nda5 --yes");
    expect(poolCommand({ method: "POST", path: "/pools/work/clear", body: {} })).toBe("bhype pool clear work");
    expect(poolCommand({ method: "POST", path: "/vms/web1/start" })).toBeUndefined();
  });

  it("quotes hostile values", () => {
    expect(createCommand({ name: "a", template: "$(reboot)" })).toBe("bhype vm create a --template '$(reboot)'");
    expect(setupCommand({ pool: "tank", disks: ["nda0", "nda1"], layout: "mirror" })).toBe(
      "bhype setup --pool tank --disks nda0,nda1 --layout mirror --yes",
    );
    expect(curlCommand({ method: "POST", path: "/vms", body: { note: "a'b" } })).toContain(`'{"note":"a'\\''b"}'`);
  });
});

describe("tasks", () => {
  it("link to the object's page", () => {
    expect(objectPage("vm/web1")).toEqual({ name: "web1", path: "/guests/web1" });
    expect(objectPage("host")).toBeUndefined();
    expect(objectPage("pool/tank")).toBeUndefined();
  });

  it("can be narrowed to what is of interest", () => {
    const tasks = (["queued", "running", "done", "failed", "cancelled", "attention"] as const).map((state) => ({ ...task("vm.stop", "vm/a"), state }));
    const states = (filter: Parameters<typeof filterTasks>[1]) => filterTasks(tasks, filter).map(({ state }) => state).join(" ");
    expect(states("")).toBe("queued running done failed cancelled attention");
    expect(states("work")).toBe("queued running");
    expect(states("look")).toBe("failed attention");
    expect(states("done")).toBe("done");
  });

  it("say whose they are", () => {
    expect(byWhom(task("vm.stop", "vm/web1"), "dev1")).toBe("you");
    expect(byWhom(task("vm.stop", "vm/web1"), "boss")).toBe("dev1");
  });

  it("last until they end", () => {
    expect(taskDuration(task("vm.start", "vm/a"), 9000)).toBe(2500);
    expect(taskDuration({ ...task("vm.start", "vm/a"), ended: 0 }, 9000)).toBe(8000);
    expect(taskDuration({ ...task("vm.start", "vm/a"), started: 0 }, 9000)).toBe(0);
  });
});
