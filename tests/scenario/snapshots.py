"""Point snapshots: taking, comparing, holding, deleting, rolling back, cloning; a guest writes all the while."""

import time

from labkit import POOL, eventually


def snapshots(lab, name):
    return lab.bhype("snapshot", "list", name, "--json", user="dev1").json()["snapshots"]


def names(lab, name):
    return [one["name"] for one in snapshots(lab, name)]


def done(report, name, result):
    report.same(name, (result.status, result.err if result.status else ""), (0, ""))
    return result


def run(lab, report):
    lab.make_vm("snap1")
    take(lab, report)
    keep(lab, report)
    roll_back(lab, report)
    clones(lab, report)
    others(lab, report)
    plans(lab, report)


def take(lab, report):
    with lab.serial("snap1") as line:
        line.log_in()
        report.check("a guest writes something", line.answer("mkdir -p /mnt && echo one >/dev/vda1 2>/dev/null; sync; echo written", "written", 20), line.text[-300:])
    done(report, "a running VM is snapshot", lab.bhype("snapshot", "create", "snap1", "first", "--note", "before; $(reboot)", user="dev1"))
    one = snapshots(lab, "snap1")[0]
    report.same("it says so in so many words", (one["consistency"], one["note"], one["made_by"]), ("crash-consistent", "before; $(reboot)", "user dev1"))
    rows = lab.exec("zfs", "list", "-H", "-p", "-t", "snapshot", "-o", "name,createtxg", "-r", "%s/bhype/vm/snap1" % POOL).out.split("\n")
    rows = [row.split("\t") for row in rows if row]
    report.same("definition and disk", sorted(row[0].split("/")[-1] for row in rows), ["disk0@first", "snap1@first"])
    report.same("in one transaction group", len({row[1] for row in rows}), 1)
    again = lab.bhype("snapshot", "create", "snap1", "first", user="dev1")
    report.same("the same name twice is refused", again.status, 3)
    report.holds("and says so", again.err, "snapshot.exists")
    for wrong in ("-r", "a b", "x@y", "a,b", "%", "../x"):
        bad = lab.bhype("snapshot", "create", "snap1", "--", wrong, user="dev1")
        report.check("the name %r is refused" % wrong, bad.status == 3 and "name" in bad.err, bad)
    done(report, "one without a name", lab.bhype("snapshot", "create", "snap1", user="dev1"))
    report.check("has the time in UTC", names(lab, "snap1")[0].endswith("Z"), names(lab, "snap1"))


def keep(lab, report):
    newest = names(lab, "snap1")[0]
    done(report, "a snapshot is held", lab.bhype("snapshot", "hold", "snap1", newest, user="dev1"))
    plan = lab.bhype("snapshot", "delete", "snap1", newest, "--plan", "--json", user="dev1").json()
    report.holds("the plan says that it is held", str(plan["problems"]), "is held")
    refused = lab.bhype("snapshot", "delete", "snap1", newest, "--yes", user="dev1")
    report.check("and a delete is refused", refused.status == 3 and "snapshot.in_use" in refused.err, refused)
    done(report, "it is released", lab.bhype("snapshot", "release", "snap1", newest, user="dev1"))
    done(report, "a note", lab.bhype("snapshot", "note", "snap1", newest, "second", user="dev1"))
    report.same("is kept", snapshots(lab, "snap1")[0]["note"], "second")
    plan = lab.bhype("snapshot", "delete", "snap1", newest, "--plan", "--json", user="dev1").json()
    report.check("the plan says what it frees", isinstance(plan.get("frees"), int), plan)
    done(report, "it is deleted", lab.bhype("snapshot", "delete", "snap1", newest, "--yes", user="dev1"))
    report.same("the other stays", names(lab, "snap1"), ["first"])
    missing = lab.bhype("snapshot", "delete", "snap1", "none", "--yes", user="dev1")
    report.check("one that is not there is refused by name", missing.status == 3 and "none" in missing.err, missing)


def roll_back(lab, report):
    running = lab.bhype("snapshot", "rollback", "snap1", "first", "--yes", user="dev1")
    report.check("a running VM is not rolled back", running.status == 3 and "vm.running" in running.err, running)
    before = lab.vm("snap1")
    lab.bhype("vm", "kill", "snap1", user="dev1")
    done(report, "its NIC is moved", lab.bhype("vm", "set-nic", "snap1", "net0", "switch=private", user="dev1"))
    done(report, "another snapshot", lab.bhype("snapshot", "create", "snap1", "second", user="dev1"))
    lab.sh("printf changed | dd of=/dev/zvol/%s/bhype/vm/snap1/disk0 bs=512 seek=2 conv=notrunc,sync 2>/dev/null; sync" % POOL)
    compared = lab.bhype("snapshot", "compare", "snap1", "first", user="dev1")
    report.holds("the difference is told", compared.out, "nics.net0.switch: was nat, is private")
    plan = lab.bhype("snapshot", "rollback", "snap1", "first", "--plan", user="dev1").out
    report.check("the plan names what is lost", "snapshot second" in plan and "disk0" in plan and "today's definition" in plan, plan)
    done(report, "it is rolled back", lab.bhype("snapshot", "rollback", "snap1", "first", "--yes", user="dev1"))
    report.same("newer ones are gone", names(lab, "snap1"), ["first"])
    report.same("what was written since is gone", lab.sh("dd if=/dev/zvol/%s/bhype/vm/snap1/disk0 bs=512 skip=2 count=1 2>/dev/null | grep -c changed" % POOL).out.strip(), "0")
    report.same("today's definition stayed", lab.vm("snap1")["nics"][0]["switch"], "private")
    done(report, "and back with the definition", lab.bhype("snapshot", "rollback", "snap1", "first", "--restore-definition", "--yes", user="dev1"))
    after = lab.vm("snap1")
    report.same("the NIC is where it was", after["nics"][0]["switch"], "nat")
    report.check("as a new generation", after["generation"] > before["generation"], after["generation"])
    done(report, "it boots", lab.bhype("vm", "start", "snap1", user="dev1"))
    report.check("to an address", lab.wait_running("snap1"))


def clones(lab, report):
    made = done(report, "a running VM is cloned", lab.bhype("snapshot", "clone", "snap1", "copy1", "--start", user="dev1"))
    if made.status != 0:
        return
    copy = lab.wait_running("copy1")
    origin = lab.vm("snap1")
    report.check("with an id and MACs of its own", copy["id"] != origin["id"] and copy["nics"][0]["mac"] != origin["nics"][0]["mac"], copy)
    report.check("its origin is shown", "/snap1/disk0@clone-copy1-" in (copy["disks"][0].get("origin") or ""), copy["disks"])
    page = eventually(lambda: lab.guest_page(copy), 30, 1)
    report.check("and it answers", page, page)
    shared = [one for one in snapshots(lab, "snap1") if one["clones"]]
    report.same("the snapshot says who shares it", [one["clones"] for one in shared], [["copy1"]])
    refused = lab.bhype("snapshot", "delete", "snap1", shared[0]["name"], "--yes", user="dev1")
    report.check("and cannot be deleted", refused.status == 3 and "copy1" in refused.err, refused)
    lab.bhype("vm", "kill", "snap1", user="dev1")
    refused = lab.bhype("vm", "delete", "snap1", "--yes", user="dev1")
    report.check("nor can its VM, which says who depends on it", refused.status != 0 and "copy1" in refused.err, refused)
    lab.bhype("vm", "kill", "copy1", user="dev1")
    done(report, "the clone is deleted", lab.bhype("vm", "delete", "copy1", "--yes", user="dev1"))
    done(report, "then the snapshot can be", lab.bhype("snapshot", "delete", "snap1", shared[0]["name"], "--yes", user="dev1"))
    done(report, "one of a snapshot", lab.bhype("snapshot", "clone", "snap1", "copy2", "--snapshot", "first", user="dev1"))
    report.same("stays stopped", lab.vm("copy2")["state"], "stopped")
    missing = lab.bhype("snapshot", "clone", "snap1", "copy3", "--snapshot", "none", user="dev1")
    report.check("one of a snapshot that is not there is refused", missing.status == 3 and "snapshot" in missing.err, missing)
    lab.bhype("vm", "delete", "copy2", "--yes", user="dev1")
    independent(lab, report)


def independent(lab, report):
    """A full clone; a linked one that is promoted."""
    before = names(lab, "snap1")
    made = done(report, "a full clone is made", lab.bhype("snapshot", "clone", "snap1", "copy4", "--full", user="dev1"))
    report.check("it shares nothing", made.status == 0 and not lab.vm("copy4")["disks"][0].get("origin"), made)
    report.same("and leaves no snapshot", names(lab, "snap1"), before)
    report.same("nor has any", names(lab, "copy4"), [])
    same = lab.sh("cmp -n 33554432 /dev/zvol/%s/bhype/vm/snap1/disk0 /dev/zvol/%s/bhype/vm/copy4/disk0" % (POOL, POOL))
    report.same("its blocks are the same", (same.status, same.out, same.err), (0, "", ""))
    report.same("it cannot be promoted", lab.bhype("vm", "promote", "copy4", user="dev1").status, 3)
    lab.bhype("vm", "delete", "copy4", "--yes", user="dev1")
    done(report, "a linked one is made", lab.bhype("snapshot", "clone", "snap1", "copy5", "--snapshot", "first", user="dev1"))
    plan = lab.bhype("vm", "promote", "copy5", "--plan", user="dev1").out
    report.holds("the plan names what moves", plan, "/snap1/disk0@first becomes %s/bhype/vm/copy5/disk0@first" % POOL)
    report.same("another user promotes nothing", lab.bhype("vm", "promote", "copy5", user="dev2").status, 3)
    done(report, "it is promoted", lab.bhype("vm", "promote", "copy5", user="dev1"))
    report.check("the other one is the clone now", "/copy5/disk0@first" in (lab.vm("snap1")["disks"][0].get("origin") or ""), lab.vm("snap1")["disks"])
    report.holds("and it has what the other one was made from", lab.vm("copy5")["disks"][0].get("origin") or "", "/template/")
    done(report, "back again", lab.bhype("vm", "promote", "snap1", user="dev1"))
    report.same("all is as it was", names(lab, "snap1"), before)
    done(report, "the clone goes", lab.bhype("vm", "delete", "copy5", "--yes", user="dev1"))


def others(lab, report):
    seen = lab.bhype("snapshot", "list", "snap1", user="dev2")
    report.same("another user sees nothing", seen.status, 3)
    report.same("and takes nothing", lab.bhype("snapshot", "create", "snap1", user="dev2").status, 3)
    lab.sh("zfs snapshot '%s/bhype/vm/snap1/disk0@by hand'" % POOL)
    report.check("others' snapshots are shown", "by hand" in names(lab, "snap1"), names(lab, "snap1"))
    foreign = lab.bhype("snapshot", "delete", "snap1", "by hand", "--yes", user="dev1")
    report.check("and left alone", foreign.status == 3 and "by hand" in foreign.err, foreign)
    lab.sh("zfs destroy '%s/bhype/vm/snap1/disk0@by hand'" % POOL)


def plans(lab, report):
    lab.make_vm("snap2", start=False)
    for field, words in (("schedule", ["--schedule", "61 * * * *", "--vm", "snap1"]), ("schedule", ["--schedule", "$(reboot)", "--vm", "snap1"]),
                         ("schedule", ["--schedule", "0 0 30 feb *", "--vm", "snap1"]), ("vms[0]", ["--schedule", "@daily", "--vm", "none"]),
                         ("vms", ["--schedule", "@daily"]), ("tags[0]", ["--schedule", "@daily", "--tag", "No"]), ("all", ["--schedule", "@daily", "--all"]),
                         ("retention.daily", ["--schedule", "@daily", "--vm", "snap1", "--keep", "daily=0"]),
                         ("retention.often", ["--schedule", "@daily", "--vm", "snap1", "--keep", "often=1"])):
        bad = lab.bhype("plan", "create", "nightly", *words, user="dev1")
        report.check("%s is refused by its name: %s" % (field, words), bad.status == 3 and field in bad.err, bad)
    shown = lab.bhype("plan", "create", "nightly", "--schedule", "30 3 * * mon-fri", "--vm", "snap1,snap2", "--plan", "--json", user="dev1").json()
    report.same("five times are told before anything is made", len(shown["next"]), 5)
    report.same("nothing is made", lab.bhype("plan", "list", "--json", user="dev1").json(), [])
    made = lab.bhype("plan", "create", "nightly", "--schedule", "* * * * *", "--vm", "snap1,snap2", "--keep", "last=1", user="dev1")
    report.same("a plan is made", made.status, 0)
    report.same("the same name twice is refused", lab.bhype("plan", "create", "nightly", "--schedule", "@daily", "--vm", "snap1", user="dev1").status, 3)
    report.same("another user sees no plan", lab.bhype("plan", "list", "--json", user="dev2").json(), [])
    report.same("and changes none", lab.bhype("plan", "set", "nightly", "--off", user="dev2").status, 3)

    def made_by_plan(name):
        return [one["name"] for one in snapshots(lab, name) if one["made_by"] == "plan nightly"]

    first = eventually(lambda: made_by_plan("snap1"), 90, 1)
    report.check("it runs by itself", first and first[0].startswith("nightly-20") and first[0].endswith("Z"), first)
    report.same("both VMs in one moment", made_by_plan("snap2"), first)
    tasks = lab.local().get("/api/v1/tasks?object=plans").json()
    steps = lab.local().get("/api/v1/tasks/%s/steps" % tasks[0]["id"]).json()
    commands = [command["command"] for step in steps for command in step["commands"] if "zfs snapshot " in command["command"]]
    report.check("by one zfs command", len(commands) == 1 and "snap1@" in commands[0] and "snap2@" in commands[0], commands)
    second = eventually(lambda: made_by_plan("snap1") != first and len(made_by_plan("snap1")) == 1 and made_by_plan("snap1"), 130, 1)
    report.check("one stays, the newer one", second and second != first, (first, second))
    report.check("others' stay", "first" in names(lab, "snap1"), names(lab, "snap1"))
    lab.bhype("snapshot", "hold", "snap1", second[0], user="dev1")
    done(report, "it is run out of turn", lab.bhype("plan", "run", "nightly", user="dev1"))
    report.check("what is held stays", second[0] in names(lab, "snap1") and second[0] not in names(lab, "snap2"), (names(lab, "snap1"), names(lab, "snap2")))
    preview = lab.bhype("plan", "preview", "nightly", "--json", user="dev1").json()
    report.holds("the preview says why", str(preview), "held")
    report.same("it rests", lab.bhype("plan", "set", "nightly", "--off", user="dev1").status, 0)
    lab.restart("bhyped")
    again = eventually(lambda: lab.bhype("plan", "list", "--json", user="dev1").json(), 20)
    report.same("also after a restart", again and again[0]["enabled"], False)
    lab.bhype("snapshot", "release", "snap1", second[0], user="dev1")
    report.same("it is deleted", lab.bhype("plan", "delete", "nightly", user="dev1").status, 0)
    report.check("its snapshots stay", made_by_plan("snap1"), names(lab, "snap1"))
    by_tag(lab, report)


def by_tag(lab, report):
    bad = lab.bhype("vm", "set", "snap2", "tags=dev,dev", user="dev1")
    report.check("a tag twice is refused by its name", bad.status == 3 and "tags[1]" in bad.err, bad)
    done(report, "a VM gets tags", lab.bhype("vm", "set", "snap2", "tags=dev,team-a", user="dev1"))
    report.same("they are listed", [vm["tags"] for vm in lab.bhype("vm", "list", "--json", user="dev1").json() if vm["name"] == "snap2"],
                [["dev", "team-a"]])
    report.holds("and stand in vm.toml", lab.exec("cat", "/%s/bhype/vm/snap2/vm.toml" % POOL).out, 'tags = ["dev", "team-a"]')
    report.same("a plan names a tag", lab.bhype("plan", "create", "tagged", "--schedule", "@yearly", "--tag", "dev", user="dev1").status, 0)
    done(report, "it is run", lab.bhype("plan", "run", "tagged", user="dev1"))
    taken = {name: [one["name"] for one in snapshots(lab, name) if one["made_by"] == "plan tagged"] for name in ("snap1", "snap2")}
    report.check("it snapshots what has the tag", len(taken["snap2"]) == 1 and not taken["snap1"], taken)
    done(report, "another VM gets the tag", lab.bhype("vm", "set", "snap1", "tags=dev", user="dev1"))
    time.sleep(1)  # names tell the second
    done(report, "it is run again", lab.bhype("plan", "run", "tagged", user="dev1"))
    taken = {name: len([one for one in snapshots(lab, name) if one["made_by"] == "plan tagged"]) for name in ("snap1", "snap2")}
    report.same("with that one too", taken, {"snap1": 1, "snap2": 2})
    report.same("the plan goes", lab.bhype("plan", "delete", "tagged", user="dev1").status, 0)
