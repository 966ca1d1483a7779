"""The kinds of task and what each leaves, whatever became of it. A kind that is not here fails the build
(tests/sweep/CMakeLists.txt)."""


import time

from stage import COPIES, POOL, Failed, eventually

OWNER = "dev1"
LIVE = ("starting", "running", "stopping")
# What a person may be told when an operation was refused, got lost with a daemon, or never came back.
CODES = {"host.command_failed", "host.result_unknown", "host.no_hostd", "host.no_vmd", "task.interrupted", "host.command_timeout"}


UPLINK_ADDRESS = "192.0.2.10"  # of a lab's em0


class Case:
    """One object, one operation, one fault."""

    def __init__(self, scenario, name, number, operation, nth=1):
        self.scenario, self.name, self.number, self.operation, self.nth = scenario, name, number, operation, nth
        self.task = None
        self.memory = {}  # what the scenario remembers of the time before

    @property
    def label(self):
        return "%s %d %s" % (self.scenario.label, self.number, self.operation)


class Scenario:
    kind = ""
    label = ""
    ends = "done"     # without a fault
    alone = False     # one object on a host
    codes = frozenset()  # what its failures may say besides CODES

    def wanted(self, operations):
        """Of {number: operation} those that are to fail; the others another scenario has."""
        return operations

    def prepare(self, stage, case):
        raise NotImplementedError

    def trigger(self, stage, case):
        """Gives the task's id."""
        raise NotImplementedError

    def problems(self, stage, case, picture, task):
        raise NotImplementedError


def submitted(answer):
    if answer.status != 202:
        raise Failed("refused before there was a task: %r" % answer)
    return answer.json()["id"]


def make(stage, name):
    body = {"name": name, "template": "tiny-linux", "memory": "256M", "owner": OWNER}
    done(stage, submitted(stage.api("POST", "/api/v1/vms", body)))


def done(stage, identity, seconds=120):
    task = stage.wait_ended(identity, seconds)
    if task["state"] != "done":
        raise Failed("%s: %s %s" % (task.get("title"), task["state"], task.get("error")))


def vm_state(stage, name):
    answer = stage.api("GET", "/api/v1/vms/" + name)
    return answer.json()["state"] if answer.status == 200 else None


def ensure(stage, name, wanted):
    """The VM as the next case wants it: None for absent, "stopped", "running"."""
    state = vm_state(stage, name)
    if state is None and wanted is not None:
        make(stage, name)
        state = "stopped"
    if state in LIVE and wanted != "running":
        done(stage, submitted(stage.api("POST", "/api/v1/vms/%s/kill" % name)))
    if state is not None and wanted is None:
        clear_snapshots(stage, name)
        done(stage, submitted(stage.api("DELETE", "/api/v1/vms/" + name)))
    if wanted == "running" and state not in LIVE:
        done(stage, submitted(stage.api("POST", "/api/v1/vms/%s/start" % name)))


def vm_problems(stage, picture, name):
    """A VM is whole, running or not, or there is no trace of it."""
    found = []
    dataset, vm = picture.dataset(name), picture.vms.get(name)
    owned = [row for row in picture.owners if row[0] == "vm/" + name]
    if dataset is None or dataset[3] == "-":
        found += ["left: " + trace for trace in picture.traces(name)]
        found += ["vm list shows what is not there"] if vm else []
        found += ["left: its ownership %s" % owned] if owned else []
        below = [other for other in picture.datasets if other.startswith("%s/bhype/vm/%s/" % (POOL, name))]
        found += ["left: %s" % below] if below else []
        return found
    definition = stage.definition(name)
    if not vm:
        return ["it is in the pool, vm list does not show it"]
    if not definition:
        return ["its definition cannot be read"]
    if definition.get("id") != dataset[3] or vm["id"] != dataset[3]:
        found.append("ids do not agree: definition %s, dataset %s, vm list %s" % (definition.get("id"), dataset[3], vm["id"]))
    if "%s/bhype/vm/%s/disk0" % (POOL, name) not in picture.datasets or not vm["disks"]:
        found.append("its disk is missing")
    if vm["owner"] != OWNER or len(owned) != 1:
        found.append("owner is %r, %s" % (vm["owner"], owned))
    if vm["state"] not in LIVE:
        found += ["left of a VM that does not run: " + trace for trace in picture.traces(name)]
        return found
    if picture.bhyves.count(name) != 1 or name not in picture.kernel_objects:
        found.append("it is %s, bhyves %d, kernel object %s" % (vm["state"], picture.bhyves.count(name), name in picture.kernel_objects))
    taps = picture.taps(name)
    bridge = picture.interfaces.get("bh-nat", {"members": []})
    if len(taps) != 1 or taps[0] not in bridge["members"]:
        found.append("its taps: %s, the bridge's members: %s" % (taps, bridge["members"]))
    return found


class VmScenario(Scenario):
    before = "stopped"

    def prepare(self, stage, case):
        ensure(stage, case.name, self.before)

    def after(self, stage, case, picture, task, vm):
        return []

    def problems(self, stage, case, picture, task):
        found = vm_problems(stage, picture, case.name)
        found += self.after(stage, case, picture, task, picture.vms.get(case.name))
        return found


class Create(VmScenario):
    kind = label = "vm.create"
    before = None

    def template(self, case):
        return "tiny-linux"

    def trigger(self, stage, case):
        body = {"name": case.name, "template": self.template(case), "memory": "256M", "owner": OWNER, "start": True}
        return submitted(stage.api("POST", "/api/v1/vms", body))

    def after(self, stage, case, picture, task, vm):
        if task["state"] == "done" and (not vm or vm["state"] not in LIVE):
            return ["the task is done, the VM is %s" % (vm and vm["state"])]
        if vm and task["state"] != "done" and not self.published(case):
            return ["the task failed before the VM was put in its place, yet it is there"]
        return []

    def published(self, case):
        return case.number >= case.scenario.publish


class CreateFirst(Create):
    """The first of its template: the image is written once, by one task for all who come. So that none waits for
    another, each case has a template of its own."""
    label = "vm.create (first of its template)"

    def template(self, case):
        return "%s%d" % (COPIES, case.number)

    def wanted(self, operations):
        last = [number for number, name in operations.items() if name == "dataset.publish"][0]
        return {number: name for number, name in operations.items() if 1 < number <= last}

    def written(self, case, datasets):
        return [name for name in datasets if name.startswith("%s/bhype/template/%s-" % (POOL, self.template(case)))]

    def prepare(self, stage, case):
        super().prepare(stage, case)
        for name in self.written(case, stage.lab.datasets("filesystem")):
            result = stage.lab.exec("zfs", "destroy", "-r", name)
            if result.status != 0:
                raise Failed("the template stays: %r" % result)

    def after(self, stage, case, picture, task, vm):
        found = super().after(stage, case, picture, task, vm)
        written = self.written(case, picture.datasets)
        if written and len(written) != 3:
            found.append("the template is not whole: %s" % written)
        return found


class CreateForeign(Create):
    """Somebody else's dataset has the name: nothing is made, and it stays as it is."""
    label = "vm.create (a foreign dataset has the name)"
    ends = "failed"

    def wanted(self, operations):
        first = [number for number, name in operations.items() if name == "dataset.publish"][0]
        return {number: name for number, name in operations.items() if number >= first}

    def prepare(self, stage, case):
        """Under a new name each time: the one from before is taken now, and stays."""
        base, _, number = case.name.partition("-")
        case.name = "%s-%d" % (base, int(number or 0) + 1)
        aside = "%s/bhype/vm/aside-%s" % (POOL, case.name)
        result = stage.lab.sh("zfs create %s && echo precious >/%s/mine && zfs snapshot %s@mine" % (aside, aside, aside))
        if result.status != 0:
            raise Failed("the foreign dataset: %r" % result)

    def trigger(self, stage, case):
        """It comes to the name after the request was taken: before, bHype would refuse that at once."""
        task = super().trigger(stage, case)
        result = stage.lab.exec("zfs", "rename", "%s/bhype/vm/aside-%s" % (POOL, case.name), "%s/bhype/vm/%s" % (POOL, case.name))
        if result.status != 0:
            raise Failed("the foreign dataset came too late: %r" % result)
        case.memory["foreign"] = self.look(stage, case)
        return task

    def look(self, stage, case):
        script = "zfs list -H -p -r -t all -o name,guid,createtxg %s/bhype/vm/%s; cat /%s/bhype/vm/%s/*" % (POOL, case.name, POOL, case.name)
        return stage.lab.sh(script).out

    def problems(self, stage, case, picture, task):
        found = ["the task is done"] if task["state"] == "done" else []
        now = self.look(stage, case)
        if now != case.memory["foreign"]:
            found.append("the foreign dataset was %r, is %r" % (case.memory["foreign"], now))
        found += ["left: " + trace for trace in picture.traces(case.name)]
        found += ["left: %s" % (row,) for row in picture.owners if row[0] == "vm/" + case.name]
        found += ["vm list shows it"] if case.name in picture.vms else []
        return found


class Start(VmScenario):
    kind = label = "vm.start"

    def trigger(self, stage, case):
        return submitted(stage.api("POST", "/api/v1/vms/%s/start" % case.name))

    def after(self, stage, case, picture, task, vm):
        if not vm:
            return ["the VM is gone"]
        return ["the task is done, the VM is " + vm["state"]] if task["state"] == "done" and vm["state"] not in LIVE else []


class End(VmScenario):
    before = "running"

    def after(self, stage, case, picture, task, vm):
        if not vm:
            return ["the VM is gone"]
        return ["the task is done, the VM is " + vm["state"]] if task["state"] == "done" and vm["state"] in LIVE else []


class Stop(End):
    kind = label = "vm.stop"

    def prepare(self, stage, case):
        super().prepare(stage, case)
        stage.lab.wait_running(case.name, 240)  # it must be far enough to hear the power button

    def trigger(self, stage, case):
        return submitted(stage.api("POST", "/api/v1/vms/%s/stop" % case.name, {"seconds": 120}))


class Kill(End):
    kind = label = "vm.kill"

    def trigger(self, stage, case):
        return submitted(stage.api("POST", "/api/v1/vms/%s/kill" % case.name))


class Reset(VmScenario):
    kind = label = "vm.reset"
    before = "running"

    def prepare(self, stage, case):
        super().prepare(stage, case)
        case.memory["started"] = stage.api("GET", "/api/v1/vms/" + case.name).json()["started"]

    def trigger(self, stage, case):
        return submitted(stage.api("POST", "/api/v1/vms/%s/reset" % case.name))

    def after(self, stage, case, picture, task, vm):
        if case.memory.get("power cut"):
            return []
        if not vm or vm["state"] not in LIVE or vm["started"] != case.memory["started"]:
            return ["the guest was switched off: %s" % vm]
        return []


class Edit(VmScenario):
    kind = label = "vm.edit"

    def prepare(self, stage, case):
        super().prepare(stage, case)
        vm = stage.api("GET", "/api/v1/vms/" + case.name).json()
        case.memory.update(note=vm["note"], generation=vm["generation"], new="changed %d times" % vm["generation"])

    def trigger(self, stage, case):
        return submitted(stage.api("PATCH", "/api/v1/vms/" + case.name, {"note": case.memory["new"]}))

    def after(self, stage, case, picture, task, vm):
        old = (case.memory["note"], case.memory["generation"])
        new = (case.memory["new"], case.memory["generation"] + 1)
        definition = stage.definition(case.name) or {}
        seen = (definition.get("note", ""), definition.get("generation"))
        found = []
        if seen not in ([new] if task["state"] == "done" else [old, new]):
            found.append("the definition has %s, was %s" % (seen, old))
        if not vm or (vm["note"], vm["generation"]) != seen:
            found.append("the file says %s, vm show %s" % (seen, vm and (vm["note"], vm["generation"])))
        return found


class Delete(VmScenario):
    kind = label = "vm.delete"

    def trigger(self, stage, case):
        return submitted(stage.api("DELETE", "/api/v1/vms/" + case.name))

    def after(self, stage, case, picture, task, vm):
        if (task["state"] == "done") == bool(vm):
            return ["the task is %s, the VM is %s" % (task["state"], "there" if vm else "gone")]
        return []


class Clone(Create):
    """From a stopped VM; the snapshot is the task's own."""
    label = "vm.create (a clone)"

    def origin(self, case):
        return case.name + "o"

    def prepare(self, stage, case):
        super().prepare(stage, case)
        ensure(stage, self.origin(case), "stopped")
        clear_snapshots(stage, self.origin(case))

    def trigger(self, stage, case):
        return submitted(stage.api("POST", "/api/v1/vms/%s/clone" % self.origin(case), {"name": case.name, "owner": OWNER, "start": True}))

    def after(self, stage, case, picture, task, vm):
        found = super().after(stage, case, picture, task, vm)
        taken = snapshots(stage, self.origin(case))
        if bool(taken) != bool(vm) and not (vm is None and task["state"] == "done"):
            found.append("the VM is %s, its origin has %s" % ("there" if vm else "not there", taken))
        if len(taken) > 1:
            found.append("its origin has %s" % taken)
        return found


class FullClone(Clone):
    label = "vm.create (a full clone)"

    def trigger(self, stage, case):
        return submitted(stage.api("POST", "/api/v1/vms/%s/clone" % self.origin(case), {"name": case.name, "owner": OWNER, "full": True, "start": True}))

    def after(self, stage, case, picture, task, vm):
        found = Create.after(self, stage, case, picture, task, vm)
        if taken := snapshots(stage, self.origin(case)):
            found.append("its origin has %s" % taken)
        if vm and vm["disks"][0].get("origin"):
            found.append("it shares %s" % vm["disks"][0]["origin"])
        return found


class Promote(VmScenario):
    """A clone of a VM that was made for it."""
    kind = label = "vm.promote"

    def origin(self, case):
        return case.name + "o"

    def prepare(self, stage, case):
        for name in (case.name, self.origin(case)):
            ensure(stage, name, None)
        ensure(stage, self.origin(case), "stopped")
        done(stage, submitted(stage.api("POST", "/api/v1/vms/%s/clone" % self.origin(case), {"name": case.name, "owner": OWNER})))

    def trigger(self, stage, case):
        return submitted(stage.api("POST", "/api/v1/vms/%s/promote" % case.name, {}))

    def after(self, stage, case, picture, task, vm):
        origins = [(stage.api("GET", "/api/v1/vms/" + name).json()["disks"][0].get("origin") or "-").split("@")[0]
                   for name in (case.name, self.origin(case))]
        # What the first one was made from, a template's disk, goes on to the other one.
        at = [number for number, origin in enumerate(origins) if "/bhype/vm/" in origin]
        wanted = [[1]] if task["state"] == "done" else [[0], [1]]
        others = ("%s/bhype/vm/%s/disk0" % (POOL, self.origin(case)), "%s/bhype/vm/%s/disk0" % (POOL, case.name))
        if at in wanted and origins[at[0]] == others[at[0]]:
            return []
        return ["the task is %s, the origins are %s" % (task["state"], origins)]


def snapshots(stage, name):
    return [one["name"] for one in stage.api("GET", "/api/v1/vms/%s/snapshots" % name).json()["snapshots"]]


def clear_snapshots(stage, vm):
    path = "/api/v1/vms/%s/snapshots" % vm
    for one in stage.api("GET", path).json()["snapshots"]:
        for clone in one["clones"]:
            ensure(stage, clone, None)
        if one["held"]:
            done(stage, submitted(stage.api("PATCH", path + "/" + one["name"], {"held": False})))
        done(stage, submitted(stage.api("DELETE", path + "?names=" + one["name"])))


class Limit(VmScenario):
    kind = label = "vm.limit"

    def prepare(self, stage, case):
        super().prepare(stage, case)
        stage.lab.exec("zfs", "set", "quota=none", "reservation=none", "%s/bhype/vm/%s" % (POOL, case.name))

    def trigger(self, stage, case):
        return submitted(stage.api("PATCH", "/api/v1/vms/%s/limits" % case.name, {"quota": "3G"}))

    def after(self, stage, case, picture, task, vm):
        quota = stage.lab.exec("zfs", "get", "-H", "-p", "-o", "value", "quota", "%s/bhype/vm/%s" % (POOL, case.name)).out.strip()
        wanted = (str(3 << 30),) if task["state"] == "done" else ("0", str(3 << 30))
        return [] if quota in wanted else ["the task is %s, the quota %s" % (task["state"], quota)]


class Grow(VmScenario):
    kind = label = "vm.grow"

    def prepare(self, stage, case):
        super().prepare(stage, case)
        case.memory["size"] = self.size(stage, case)

    def size(self, stage, case):
        return int(stage.lab.exec("zfs", "get", "-H", "-p", "-o", "value", "volsize", "%s/bhype/vm/%s/disk0" % (POOL, case.name)).out)

    def trigger(self, stage, case):
        return submitted(stage.api("POST", "/api/v1/vms/%s/disks/disk0/grow" % case.name, {"size": case.memory["size"] + (1 << 20)}))

    def after(self, stage, case, picture, task, vm):
        now, first = self.size(stage, case), case.memory["size"]
        if now == first + (1 << 20):
            return [] if vm["disks"][0]["size"] == now else ["bHype says %d, zfs %d" % (vm["disks"][0]["size"], now)]
        return [] if now == first and task["state"] != "done" else ["the task is %s, the size %d, was %d" % (task["state"], now, first)]


class SnapshotScenario(VmScenario):
    """A stopped VM with the snapshots "a" and "b", b the newer one."""

    def prepare(self, stage, case):
        super().prepare(stage, case)
        clear_snapshots(stage, case.name)
        for name in ("a", "b"):
            done(stage, submitted(stage.api("POST", "/api/v1/vms/%s/snapshots" % case.name, {"name": name})))

    def after(self, stage, case, picture, task, vm):
        if not vm:
            return ["the VM is gone"]
        now = snapshots(stage, case.name)
        wanted = [self.then] if task["state"] == "done" else [["b", "a"], self.then]
        found = [] if now in wanted else ["the task is %s, the snapshots are %s" % (task["state"], now)]
        rows = stage.lab.exec("zfs", "list", "-H", "-t", "snapshot", "-o", "name", "-r", "%s/bhype/vm/%s" % (POOL, case.name)).out.split()
        whole = sorted("%s/bhype/vm/%s%s@%s" % (POOL, case.name, disk, name) for name in now for disk in ("", "/disk0"))
        return found + ([] if sorted(rows) == whole else ["not whole: %s" % rows])


class TakeSnapshot(SnapshotScenario):
    kind = label = "snapshot.create"
    then = ["c", "b", "a"]

    def trigger(self, stage, case):
        return submitted(stage.api("POST", "/api/v1/vms/%s/snapshots" % case.name, {"name": "c"}))


class EditSnapshot(SnapshotScenario):
    kind = label = "snapshot.edit"
    then = ["b", "a"]

    def trigger(self, stage, case):
        return submitted(stage.api("PATCH", "/api/v1/vms/%s/snapshots/a" % case.name, {"note": "changed", "held": True}))

    def after(self, stage, case, picture, task, vm):
        found = super().after(stage, case, picture, task, vm)
        one = [one for one in stage.api("GET", "/api/v1/vms/%s/snapshots" % case.name).json()["snapshots"] if one["name"] == "a"][0]
        seen = (one["note"], one["held"])
        wanted = [("changed", True)] if task["state"] == "done" else [("", False), ("changed", True)]
        return found + ([] if seen in wanted else ["the snapshot has %s" % (seen,)])


class DeleteSnapshots(SnapshotScenario):
    kind = label = "snapshot.delete"
    then = []

    def trigger(self, stage, case):
        return submitted(stage.api("DELETE", "/api/v1/vms/%s/snapshots?names=a,b" % case.name))


class RollBack(SnapshotScenario):
    """Goes only forward: whatever happens after its first commit, it ends rolled back."""
    kind = label = "vm.rollback"
    then = ["a"]

    def prepare(self, stage, case):
        super().prepare(stage, case)
        vm = stage.api("GET", "/api/v1/vms/" + case.name).json()
        done(stage, submitted(stage.api("PATCH", "/api/v1/vms/" + case.name, {"note": "later, %d" % vm["generation"]})))

    def trigger(self, stage, case):
        return submitted(stage.api("POST", "/api/v1/vms/%s/snapshots/a/rollback" % case.name, {"definition": "restore"}))

    def after(self, stage, case, picture, task, vm):
        found = super().after(stage, case, picture, task, vm)
        if task["state"] == "done" and vm and vm["note"].startswith("later"):
            found.append("the definition of then is not back: %s" % vm["note"])
        return found


class RunPlan(SnapshotScenario):
    """Keeps one: the run makes a second and destroys the first. All plans' tasks wait for each other."""
    kind = label = "plan.run"
    alone = True

    def prepare(self, stage, case):
        if not stage.lab.datasets():
            stage.lab.set_up_host()
        VmScenario.prepare(self, stage, case)
        clear_snapshots(stage, case.name)
        self.plan(stage, case)
        done(stage, submitted(stage.api("POST", "/api/v1/plans/%s/run" % case.name)))
        case.memory["first"] = snapshots(stage, case.name)
        eventually(lambda: time.time() > case.memory.setdefault("then", time.time()) + 1.1, 3)  # labels tell seconds

    def plan(self, stage, case):
        stage.api("DELETE", "/api/v1/plans/" + case.name)
        body = {"name": case.name, "schedule": "0 0 29 2 *", "vms": [case.name], "retention": {"last": 1}}
        answer = stage.api("POST", "/api/v1/plans", body)
        if answer.status != 201:
            raise Failed("no plan: %r" % answer)

    def trigger(self, stage, case):
        return submitted(stage.api("POST", "/api/v1/plans/%s/run" % case.name))

    def after(self, stage, case, picture, task, vm):
        now, first = snapshots(stage, case.name), case.memory["first"]
        if task["state"] == "done":
            return [] if len(now) == 1 and now != first else ["done, but the snapshots are %s, were %s" % (now, first)]
        return [] if now == first or (len(now) == 2 and now[1:] == first) else ["the snapshots are %s, were %s" % (now, first)]


def uplink_guard(stage):
    return stage.api("GET", "/api/v1/uplinks").json()["guard"]


def change_uplink(stage, present=True):
    return submitted(stage.api("POST", "/api/v1/uplinks", {"kind": "bridge", "present": present, "ports": ["em0"], "switch": "public", "seconds": 600}))


def decide_uplink(stage, decision):
    return submitted(stage.api("POST", "/api/v1/uplinks/" + decision, {"id": uplink_guard(stage)["id"]}))


def uplink_at_rest(stage):
    """The host's address is on its NIC."""
    if uplink_guard(stage)["state"] == "armed":
        done(stage, decide_uplink(stage, "revert"))
    if UPLINK_ADDRESS in stage.picture().interfaces.get("bh-public", {"inet": []})["inet"]:
        done(stage, change_uplink(stage, False))
        done(stage, decide_uplink(stage, "confirm"))


class Setup(Scenario):
    """An empty host each time: no pool, no memory of one."""
    kind = label = "host.setup"
    alone = True
    request = {"pool": POOL, "disks": ["nda0", "nda1"]}

    def prepare(self, stage, case):
        uplink_at_rest(stage)
        # Until bhyped has ended; then nobody asks for the bridge any more.
        script = (("service bhyped stop >/dev/null; rm -f /var/db/bhype/bhype.db* /var/db/bhype/inventory.json; "
                  "zpool list -H -o name | grep -qx %s && { zpool destroy -f %s || exit 1; }; " + PoolScenario.wiped +
                  "pkill -x dnsmasq; for bridge in bh-nat bh-private bh-public; do ifconfig $bridge destroy 2>/dev/null; done; "
                  "rm -f /etc/pf.conf; sysrc -x pf_enable >/dev/null 2>&1; kldunload pf 2>/dev/null; "
                  "service bhyped start >/dev/null") % (POOL, POOL))
        result = stage.lab.sh(script)
        if result.status != 0:
            raise Failed("the host cannot be emptied: %r" % result)
        stage.wait_ready("on an empty host")

    def trigger(self, stage, case):
        return submitted(stage.api("POST", "/api/v1/setup", self.request))

    def problems(self, stage, case, picture, task):
        tree = {"%s/bhype%s" % (POOL, child) for child in ("", "/.new", "/vm", "/template", "/image")}
        if task["state"] == "done":
            found = ["missing: %s" % name for name in sorted(tree - set(picture.datasets))]
            found += ["pool is remembered as %s" % picture.pool] if len(picture.pool) != 1 else []
            found += ["%s is missing" % bridge for bridge in ("bh-nat", "bh-private", "bh-public") if bridge not in picture.interfaces]
            found += ["not set up: %s" % self.again(stage)] if not self.again(stage).get("nothing_to_do") else []
            return found
        found = ["left: " + name for name in sorted(picture.datasets)]
        found += ["left: pool %s is remembered" % picture.pool] if picture.pool else []
        found += ["left: the bridge"] if "bh-nat" in picture.interfaces else []
        plan = self.again(stage)
        found += ["it cannot be repeated: %s" % plan] if not plan.get("steps") else []
        return found

    def again(self, stage):
        return stage.api("POST", "/api/v1/setup", {**self.request, "plan": True}).json()


class SetupForeign(Setup):
    """The pool is there, with a dataset of somebody else's where bHype's would be."""
    label = "host.setup (a foreign dataset has the name)"
    ends = "failed"
    request = {"pool": POOL}

    def wanted(self, operations):
        return {number: name for number, name in operations.items() if name == "tree.create"}

    def prepare(self, stage, case):
        super().prepare(stage, case)
        result = stage.lab.sh("zpool create -m none %s mirror nda0 nda1 && zfs create -o mountpoint=/%s/bhype %s/bhype && "
                              "echo precious >/%s/bhype/mine && zpool sync %s" % ((POOL,) * 5))
        if result.status != 0:
            raise Failed("the foreign dataset: %r" % result)
        case.memory["foreign"] = self.look(stage)

    def look(self, stage):
        return stage.lab.sh("zfs list -H -p -r -t all -o name,guid,createtxg %s; cat /%s/bhype/*" % (POOL, POOL)).out

    def problems(self, stage, case, picture, task):
        found = ["the task is done"] if task["state"] == "done" else []
        now = self.look(stage)
        found += ["the foreign dataset was %r, is %r" % (case.memory["foreign"], now)] if now != case.memory["foreign"] else []
        found += ["left: pool %s is remembered" % picture.pool] if picture.pool else []
        found += ["left: the bridge"] if "bh-nat" in picture.interfaces else []
        return found


class SwitchScenario(Scenario):
    """A private switch, with a bridge and DHCP."""
    settings = {"address": "10.99.0.1/24"}

    def network(self, case):
        number = int("".join(filter(str.isdigit, case.name)))
        return {"address": "10.99.%d.1/24" % (number + (200 if case.name.startswith("dry") else 0))}

    def prepare(self, stage, case):
        present = stage.api("GET", "/api/v1/switches/" + case.name).status == 200
        if present and not self.before:
            done(stage, submitted(stage.api("DELETE", "/api/v1/switches/" + case.name)))
        if self.before and not present:
            done(stage, submitted(stage.api("POST", "/api/v1/switches", {"name": case.name, "kind": "private", **self.network(case)})))
        if self.before and present:
            answer = stage.api("PUT", "/api/v1/switches/" + case.name, self.network(case))
            if answer.status == 202:
                done(stage, answer.json()["id"])

    def problems(self, stage, case, picture, task):
        answer = stage.api("GET", "/api/v1/switches/" + case.name)
        bridge = picture.interfaces.get("bh-" + case.name)
        ended_well = task["state"] == "done"
        wanted = self.after if ended_well else self.before
        if answer.status != 200:
            found = ["the task is %s, the switch is gone" % task["state"]] if wanted else []
            return found + (["left: its bridge"] if bridge else [])
        shown = answer.json()
        if not wanted:
            return ["the task is %s, the switch is there" % task["state"]]
        found = ["it is %s: %s" % (shown["state"], shown["drift"])] if shown["state"] != "up" else []
        if not bridge or shown["address"].split("/")[0] not in bridge["inet"]:
            found.append("its bridge has not %s: %s" % (shown["address"], bridge))
        return found + self.said(case, shown, ended_well)

    def said(self, case, shown, ended_well):
        return []


class SwitchCreate(SwitchScenario):
    kind = label = "switch.create"
    before, after = False, True

    def trigger(self, stage, case):
        return submitted(stage.api("POST", "/api/v1/switches", {"name": case.name, "kind": "private", **self.network(case)}))


class SwitchEdit(SwitchScenario):
    kind = label = "switch.edit"
    before, after = True, True

    def trigger(self, stage, case):
        return submitted(stage.api("PUT", "/api/v1/switches/" + case.name, {**self.network(case), "mtu": 1400, "isolated": True}))

    def said(self, case, shown, ended_well):
        return ["done, but the MTU is %s" % shown.get("mtu")] if ended_well != (shown.get("mtu") == 1400) else []


class SwitchDelete(SwitchScenario):
    kind = label = "switch.delete"
    before, after = True, False

    def trigger(self, stage, case):
        return submitted(stage.api("DELETE", "/api/v1/switches/" + case.name))


class ForwardScenario(Scenario):
    """A port of the host to the guest that runs all along."""

    def port(self, case):
        return 20000 + (int(case.name[1:]) if case.name[1:].isdigit() else 99)

    def name(self, case):
        return "tcp-%d" % self.port(case)

    def there(self, stage, case):
        return any(one["name"] == self.name(case) for one in stage.api("GET", "/api/v1/forwards").json())

    def create(self, stage, case):
        return submitted(stage.api("POST", "/api/v1/forwards", {"protocol": "tcp", "port": self.port(case), "to_port": 80, "vm": "steady"}))

    def delete(self, stage, case):
        return submitted(stage.api("DELETE", "/api/v1/forwards/" + self.name(case)))

    def prepare(self, stage, case):
        if self.there(stage, case) != self.before:
            done(stage, self.create(stage, case) if self.before else self.delete(stage, case))

    def problems(self, stage, case, picture, task):
        wanted = self.before != (task["state"] == "done")
        if self.there(stage, case) != wanted:
            return ["the task is %s, the forward is %s" % (task["state"], "gone" if wanted else "there")]
        rules = stage.api("GET", "/api/v1/firewall").json()["rules"]
        if ("port = %d " % self.port(case) in rules) != wanted:
            return ["the forward is %s, pf has %r" % ("wanted" if wanted else "not wanted", rules)]
        return []


class ForwardCreate(ForwardScenario):
    kind = label = "forward.create"
    before = False

    def trigger(self, stage, case):
        return self.create(stage, case)


class ForwardDelete(ForwardScenario):
    kind = label = "forward.delete"
    before = True

    def trigger(self, stage, case):
        return self.delete(stage, case)


class Firewall(Scenario):
    """pf.conf with bHype's lines, or without them: never half."""
    kind = label = "firewall.install"

    def prepare(self, stage, case):
        done(stage, submitted(stage.api("POST", "/api/v1/firewall", {"present": False})))

    def trigger(self, stage, case):
        return submitted(stage.api("POST", "/api/v1/firewall", {"present": True}))

    def problems(self, stage, case, picture, task):
        shown = stage.api("GET", "/api/v1/firewall").json()
        found = ["pf.conf is %s" % shown["conf"]] if shown["conf"] == "partial" else []
        if task["state"] == "done" and not (shown["conf"] == "complete" and shown["called"]):
            found.append("the task is done, pf.conf is %s, called %s" % (shown["conf"], shown["called"]))
        return found


class Uplink(Scenario):
    """The one NIC of a host joins the bridge or not: its address is on one of them, never on none or both."""
    alone = True
    waits = False  # a change waits when the task begins

    def prepare(self, stage, case):
        if stage.api("GET", "/api/v1/switches/public").status != 200:
            Setup().prepare(stage, case)
            done(stage, submitted(stage.api("POST", "/api/v1/setup", Setup.request)))
        uplink_at_rest(stage)
        if self.waits:
            done(stage, change_uplink(stage))

    def problems(self, stage, case, picture, task):
        state = uplink_guard(stage)["state"]
        where = [name for name in ("em0", "bh-public") if UPLINK_ADDRESS in picture.interfaces.get(name, {"inet": []})["inet"]]
        wanted = "bh-public" if state in ("armed", "kept") else "em0"
        found = [] if where == [wanted] else ["the task is %s, the guard %s, the address on %s" % (task["state"], state, where)]
        if state not in ("none", "armed", "kept", "reverted"):
            found.append("the change is %s" % state)
        reached = stage.lab.verb("outside", "--", "ping", "-c", "1", "-W", "2", UPLINK_ADDRESS).status == 0
        return found + ([] if reached else ["the host is not reachable"])


class UplinkChange(Uplink):
    kind = label = "uplink.change"

    def trigger(self, stage, case):
        return change_uplink(stage)

    def problems(self, stage, case, picture, task):
        state = uplink_guard(stage)["state"]
        found = super().problems(stage, case, picture, task)
        if task["state"] != "done" and state == "armed":
            found.append("the task failed, its change is there")
        return found


class UplinkConfirm(Uplink):
    kind = label = "uplink.confirm"
    waits = True

    def trigger(self, stage, case):
        return decide_uplink(stage, "confirm")


class UplinkRevert(Uplink):
    kind = label = "uplink.revert"
    waits = True

    def trigger(self, stage, case):
        return decide_uplink(stage, "revert")


class PoolScenario(Scenario):
    """A pool of its own on spare disks."""
    alone = True
    pool = "depot"
    made = "zpool create -m none depot nda2"  # what it begins with
    path, body = "", {}
    wiped = "zpool import -a -N >/dev/null 2>&1; zpool list -H -o name | grep -qx depot && zpool destroy -f depot; "\
            "for disk in nda2 nda3; do zpool labelclear -f $disk >/dev/null 2>&1; done; "  # one that was offline keeps its label

    def prepare(self, stage, case):
        result = stage.lab.sh(self.wiped + self.made)
        if result.status != 0:
            raise Failed("the pool: %r" % result)
        if not eventually(lambda: self.seen(stage), 20):
            raise Failed("bHype does not see it")

    def seen(self, stage):
        return stage.api("GET", "/api/v1/pools/depot").status == 200

    def trigger(self, stage, case):
        return submitted(stage.api("POST", self.path, self.body))

    def status(self, stage):
        return stage.lab.exec("zpool", "status", "depot").out

    def problems(self, stage, case, picture, task):
        status = self.status(stage)
        reached, untouched = self.reached(status), self.untouched(status)
        if task["state"] == "done" and not reached:
            return ["the task is done, and the pool: %s" % status]
        return [] if reached or untouched else ["neither done nor as it was: %s" % status]

    def untouched(self, status):
        return not self.reached(status) and "nda2" in status


class PoolCreate(PoolScenario):
    kind = label = "pool.create"
    made = "true"
    path, body = "/api/v1/pools", {"name": "depot", "groups": [{"layout": "mirror", "disks": ["nda2", "nda3"]}]}

    def seen(self, stage):
        return stage.api("GET", "/api/v1/pools/depot").status == 404

    def reached(self, status):
        return "mirror-0" in status

    def untouched(self, status):
        return status == ""


class PoolKeyScenario(PoolScenario):
    """An encrypted pool with a file system and a volume."""
    closed = "printf 'correct horse\\n' | zpool create -m none -O encryption=on -O keyformat=passphrase -O keylocation=prompt depot nda2 && "\
             "zfs create -o mountpoint=/depot depot/files && zfs create -V 16M depot/volume"
    lock = " && zfs unmount depot/files && zfs unload-key depot"

    def status(self, stage):
        return stage.lab.sh("zfs list -H -o name,keystatus,mounted depot depot/files").out

    def untouched(self, status):
        return not self.reached(status) and "depot" in status


class PoolUnlock(PoolKeyScenario):
    kind = label = "pool.unlock"
    codes = frozenset({"storage.secret_gone"})  # with the hostd that had it in its memory
    made = PoolKeyScenario.closed + PoolKeyScenario.lock

    def trigger(self, stage, case):
        token = stage.api("POST", "/api/v1/secrets", {"secret": "correct horse"}).json()["token"]
        return submitted(stage.api("POST", "/api/v1/pools/depot/unlock", {"secret": token}))

    def reached(self, status):
        return "depot/files\tavailable\tyes" in status


class PoolLock(PoolKeyScenario):
    kind = label = "pool.lock"
    made = PoolKeyScenario.closed
    path = "/api/v1/pools/depot/lock"

    def reached(self, status):
        return "depot/files\tunavailable\tno" in status


class PoolExport(PoolScenario):
    kind = label = "pool.export"
    path = "/api/v1/pools/depot/export"

    def reached(self, status):
        return status == ""


class PoolImport(PoolScenario):
    kind = label = "pool.import"
    made = "zpool create -m none depot nda2 && zpool export depot"

    def seen(self, stage):
        return stage.api("GET", "/api/v1/importable-pools").json()

    def trigger(self, stage, case):
        guid = stage.api("GET", "/api/v1/importable-pools").json()[0]["guid"]
        return submitted(stage.api("POST", "/api/v1/importable-pools/%s/import" % guid, {}))

    def reached(self, status):
        return "nda2" in status

    def untouched(self, status):
        return status == ""


class PoolScrub(PoolScenario):
    kind = label = "pool.scrub"
    path, body = "/api/v1/pools/depot/scrub", {"action": "start"}

    def reached(self, status):
        return "scan: scrub" in status


class PoolTrim(PoolScenario):
    kind = label = "pool.trim"
    path, body = "/api/v1/pools/depot/trim", {"action": "start"}

    def status(self, stage):
        return stage.lab.exec("zpool", "status", "-t", "depot").out

    def reached(self, status):
        return "trimmed, " in status or "trimmed)" in status and "untrimmed)" not in status


class PoolClear(PoolScenario):
    kind = label = "pool.clear"
    path = "/api/v1/pools/depot/clear"

    def reached(self, status):
        return "nda2" in status


class PoolAdd(PoolScenario):
    kind = label = "pool.add"
    path, body = "/api/v1/pools/depot/vdevs", {"group": {"role": "cache", "disks": ["nda3"]}}

    def reached(self, status):
        return "cache" in status and "nda3" in status


class PoolPut(PoolScenario):
    kind = label = "pool.put"
    path, body = "/api/v1/pools/depot/attach", {"device": "nda2", "disk": "nda3"}

    def reached(self, status):
        return "mirror-0" in status and "nda3" in status


class PoolDevice(PoolScenario):
    kind = label = "pool.device"
    made = "zpool create -m none depot mirror nda2 nda3"
    path, body = "/api/v1/pools/depot/devices", {"device": "nda3", "action": "offline"}

    def reached(self, status):
        return "OFFLINE" in status


class DiskWipe(PoolScenario):
    kind = label = "disk.wipe"
    made = "zpool create -m none depot nda2 && zpool export depot"
    path = "/api/v1/disks/nda2/wipe"

    def seen(self, stage):
        return stage.api("GET", "/api/v1/importable-pools").json()

    def status(self, stage):
        return stage.lab.exec("zpool", "import").out

    def reached(self, status):
        return "depot" not in status

    def untouched(self, status):
        return "depot" in status


SCENARIOS = [SwitchCreate(), SwitchEdit(), SwitchDelete(), ForwardCreate(), ForwardDelete(), Firewall(), Create(), CreateFirst(), CreateForeign(), Clone(), FullClone(), Promote(), Start(), Stop(), Kill(), Reset(), Edit(), Delete(),
             TakeSnapshot(), EditSnapshot(), DeleteSnapshots(), RollBack(), RunPlan(), Setup(), SetupForeign(),
             UplinkChange(), UplinkConfirm(), UplinkRevert(), PoolCreate(), PoolUnlock(), PoolLock(), PoolExport(), PoolImport(), PoolScrub(), PoolTrim(),
             PoolClear(), PoolAdd(), PoolPut(), PoolDevice(), DiskWipe(), Limit(), Grow()]


def missing(kinds):
    """Kinds without a scenario, and scenarios of no kind."""
    known = {scenario.kind for scenario in SCENARIOS}
    return sorted(set(kinds) - known), sorted(known - set(kinds))
