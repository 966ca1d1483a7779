"""Point pools: the wizard's proposals and what zpool then says, disks' health, a disk pulled and replaced, a pool that moves, scrubs, alerts."""

from labkit import POOL, eventually

GIB = 1 << 30
# Other disks of the lab have the host's pool.
SPARE = ["nda%d" % number for number in range(2, 8)]


def pool(lab, name):
    return lab.bhype("pool", "show", name, "--json").json()


def states(lab, name):
    return {device["name"]: device["state"] for device in pool(lab, name)["vdevs"] if device["leaf"]}


def settled(lab, name, seconds=120):
    """Once nothing is scanned; what was replaced is taken out a moment after that."""
    def at_rest(now):
        return now["scan"]["state"] != "running" and not any(device["name"].startswith("replacing") for device in now["vdevs"])
    return eventually(lambda: (lambda now: now if at_rest(now) else None)(pool(lab, name)), seconds, 0.5)


def alerts(lab, about, kind="pools/"):
    return [one for one in lab.bhype("alert", "list", "--json").json() if one["about"] == kind + about]


def done(report, name, result):
    report.same(name, (result.status, result.err if result.status else ""), (0, ""))
    return result


def words(groups):
    out = []
    for group in groups:
        out += [group["role"]] if group["role"] != "data" else []
        out += [group["layout"]] if group["layout"] != "stripe" else []
        out += group["disks"]
    return out


def run(lab, report):
    disks(lab, report)
    health(lab, report)
    layouts(lab, report)
    wrong(lab, report)
    space(lab, report)
    pulled(lab, report)
    moves(lab, report)
    others(lab, report)


def disks(lab, report):
    shown = {disk["name"]: disk for disk in lab.bhype("disk", "list", "--json").json()}
    report.same("disks of the pool say so", shown["nda0"]["used_by"], "pool " + POOL)
    report.same("the spare ones are free", {shown[name]["used_by"] for name in SPARE}, {""})
    report.same("model and serial are known", (shown["nda2"]["description"], shown["nda2"]["ident"]), ("Lab Disk", "LAB00002"))
    own = pool(lab, POOL)
    report.same("bHype's pool is known as such", (own["bhype"], own["health"]), (True, "ONLINE"))
    report.check("it has room", own["available"] > GIB, own)
    report.same("nobody else may list disks", lab.bhype("disk", "list", user="dev1").status, 3)
    report.same("who looks sees the pools", lab.bhype("pool", "list", user="dev1").status, 0)


def verdicts(lab):
    return {disk["name"]: disk["health"] for disk in lab.bhype("disk", "list", "--json").json()}


def health(lab, report):
    """What disks say of themselves: read by itself, judged, an alert that ends; without smartctl all else works."""
    found = eventually(lambda: (lambda all: all if set(all.values()) == {"well"} else None)(verdicts(lab)), 60)
    report.check("each disk was asked by itself", found, verdicts(lab))
    shown = lab.bhype("disk", "health", "nda2")
    report.check("one tells all of it", shown.status == 0 and "well: says that it is well" in shown.out and "LAB00002" in shown.out, shown)
    told = lab.bhype("disk", "health", "nda2", "--json").json()["figures"]
    report.same("by its own controller", (told["protocol"], told["serial"]), ("NVMe", "LAB00002"))
    own = lab.bhype("disk", "health", "nda0", "--json").json()["figures"]
    report.check("a disk that is written to says so", own["written"] > 1 << 20, own)
    report.same("a disk that is not there", lab.bhype("disk", "health", "nda9").status, 3)
    report.same("who may not ask", lab.bhype("disk", "health", "nda2", user="dev1").status, 3)
    lab.verb("disk", "nda1", "smart", "percentage_used=93", "media_errors=2")
    worn = lab.bhype("disk", "health", "nda1")
    report.check("a worn disk needs attention", "attention: could not correct what it read 2 times" in worn.out and "is worn to 93 %" in worn.out, worn)
    report.holds("and what to do", worn.out, "bhype pool replace %s nda1 NEWDISK" % POOL)
    report.same("alerts say so", {one["id"]: one["severity"] for one in alerts(lab, "nda1", "disks/")},
                {"disks/nda1/media": "warning", "disks/nda1/wear": "warning"})
    report.same("the list too", verdicts(lab)["nda1"], "attention")
    lab.verb("disk", "nda1", "smart", "critical_warning=8")
    report.check("a failing disk is failing", "failing: takes no more writes" in lab.bhype("disk", "health", "nda1").out, lab.bhype("disk", "health", "nda1"))
    report.same("and critical", [one["severity"] for one in alerts(lab, "nda1", "disks/")], ["critical"])
    lab.restart("bhyped")
    report.check("also after a restart", eventually(lambda: verdicts(lab)["nda1"] == "failing", 60), verdicts(lab))
    report.same("with the same alert", [one["id"] for one in alerts(lab, "nda1", "disks/")], ["disks/nda1/read-only"])
    lab.verb("disk", "nda1", "smart")
    report.holds("a disk that recovers", lab.bhype("disk", "health", "nda1").out, "well: says that it is well")
    report.same("has no alert any more", alerts(lab, "nda1", "disks/"), [])
    lab.fail("smartctl", 1, hang=60)
    silent = lab.bhype("disk", "health", "nda3")
    report.check("a disk that hangs is given up", silent.status == 0 and "does not answer" in silent.out, silent)
    report.same("the others go on", lab.bhype("disk", "list").status, 0)
    report.same("an alert says so", [one["id"] for one in alerts(lab, "nda3", "disks/")], ["disks/nda3/silent"])
    report.holds("until it answers", lab.bhype("disk", "health", "nda3").out, "well: ")
    lab.fail("smartctl", 1, status=1, text="Usage: smartctl [options] device")
    unclear = lab.bhype("disk", "health", "nda3")
    report.check("what is not understood is told", unclear.status == 0 and "unknown: cannot be asked" in unclear.out and "JSON" in unclear.out, unclear)
    lab.bhype("disk", "health", "nda3")
    lab.sh("mv /usr/local/sbin/smartctl /root/smartctl")
    missing = lab.bhype("disk", "health", "nda3")
    report.check("without smartctl it says how to get it", missing.status == 0 and "smartctl is not installed" in missing.out and "pkg install smartmontools" in missing.out, missing)
    report.check("the list works", lab.bhype("disk", "list").out.count("Lab Disk") == 8 and "pkg install smartmontools" in lab.bhype("disk", "list").out, lab.bhype("disk", "list"))
    advice = lab.bhype("doctor")
    report.check("doctor advises it", advice.status == 0 and "pkg install smartmontools" in advice.out, advice)
    lab.restart("bhyped")
    report.check("all are unknown after a restart", eventually(lambda: set(verdicts(lab).values()) == {"unknown"}, 60), verdicts(lab))
    lab.sh("mv /root/smartctl /usr/local/sbin/smartctl")
    report.holds("once it is there a disk answers", lab.bhype("disk", "health", "nda3").out, "well: ")
    report.check("and so do the others", eventually(lambda: set(verdicts(lab).values()) == {"well"}, 60), verdicts(lab))


def layouts(lab, report):
    """Whatever is proposed can be made, and holds what was said."""
    for count in (2, 5):
        chosen = SPARE[:count]
        found = lab.bhype("pool", "layouts", *chosen, "--json").json()
        report.check("%d disks: there are proposals" % count, found, found)
        for one in found:
            name = "layout%d" % count
            made = lab.bhype("pool", "create", name, *words(one["groups"]), "--yes")
            if made.status != 0:
                report.check("%s of %d is made" % (one["name"], count), False, made)
                continue
            now = pool(lab, name)
            real = now["used"] + now["available"]
            report.check("%s of %d disks holds what was said" % (one["name"], count), abs(real - one["usable"]) < one["usable"] / 100,
                         "%d, said %d: %.2f %%" % (real, one["usable"], 100.0 * real / one["usable"] - 100))
            lab.exec("zpool", "destroy", name)


def wrong(lab, report):
    """Bad wishes name the field, and change nothing."""
    before = lab.exec("zpool", "list", "-H", "-o", "name").out
    for title, command, part in (
            ("a disk of another pool", ("create", "bad", "mirror", "nda0", "nda2"), "in use: pool " + POOL),
            ("a disk that is not there", ("create", "bad", "nda9"), "there is no disk nda9"),
            ("one disk for a mirror", ("create", "bad", "mirror", "nda2"), "at least 2"),
            ("a disk twice", ("create", "bad", "mirror", "nda2", "nda2"), "twice"),
            ("a cache that is a mirror", ("create", "bad", "nda2", "cache", "mirror", "nda3", "nda4"), "cache cannot be a mirror"),
            ("a name that is taken", ("create", POOL, "nda2"), "there is a pool " + POOL),
            ("a reserved name", ("create", "mirror1", "nda2"), "not mirror, raidz"),
            ("words that are no disk", ("create", "bad", "../etc/passwd"), "disk"),
            ("a log alone", ("create", "bad", "log", "nda2"), "at least one of data"),
            ("a pool that is not there", ("add", "none", "nda2"), "there is no pool none"),
            ("a device that is not there", ("replace", POOL, "nda7", "nda2"), "is no device of pool"),
            ("a disk in use for a replacement", ("replace", POOL, "nda0", "nda1"), "in use"),
            ("bHype's own pool exported", ("export", POOL), "holds bHype's VMs"),
            ("a schedule that never comes", ("schedule", POOL, "--scrub", "0 0 31 2 *"), "never comes"),
            ("a schedule that is none", ("schedule", POOL, "--scrub", "often"), "scrub")):
        result = lab.bhype("pool", *command, "--yes")
        report.check(title + " is refused", result.status == 3 and part in result.err, result, part)
    report.same("nothing was made", lab.exec("zpool", "list", "-H", "-o", "name").out, before)
    unasked = lab.bhype("pool", "create", "bad", "nda2")
    report.check("without --yes or a terminal nothing is wiped", unasked.status == 2 and "WIPES /dev/nda2 (2G, Lab Disk, serial LAB00002)" in unasked.err, unasked)
    plan = lab.bhype("pool", "create", "bad", "mirror", "nda2", "nda3", "spare", "nda4", "--plan", "--json").json()
    report.holds("the plan is zpool's own words", plan["commands"][0], "zpool create -m none")
    report.same("it names what is lost", len(plan["wipes"]), 3)
    report.same("nobody but administrators", lab.bhype("pool", "create", "bad", "nda2", "--yes", user="dev1").status, 3)


def pulled(lab, report):
    """A disk is pulled: degraded, an alert, a replacement, resilvering to the end."""
    done(report, "a mirror on spare disks", lab.bhype("pool", "create", "work", "mirror", "nda2", "nda3", "--yes"))
    report.same("a guest's worth of data", lab.sh("zfs set mountpoint=/depot work && dd if=/dev/urandom of=/root/data bs=1048576 count=50 2>/dev/null && "
                                                  "cp /root/data /depot/data && zpool sync work").status, 0)
    report.same("no alert yet", alerts(lab, "work"), [])
    lab.verb("disk", "nda3", "pull")
    lab.sh("dd if=/dev/urandom of=/depot/more bs=1048576 count=5 2>/dev/null; zpool sync work")
    report.check("the pool is degraded", eventually(lambda: pool(lab, "work")["health"] == "DEGRADED", 60), pool(lab, "work"))
    found = eventually(lambda: alerts(lab, "work"), 40)
    report.check("an alert says so", found and any("degraded" in one["text"] for one in found), found)
    report.check("and what to do", any("bhype pool replace work" in one["advice"] for one in found or []), found)
    report.same("the disk is gone from the list", [disk["name"] for disk in lab.bhype("disk", "list", "--json").json() if disk["name"] == "nda3"], [])
    broken = [device["name"] for device in pool(lab, "work")["vdevs"] if device["leaf"] and device["state"] != "ONLINE"]
    report.same("one device is broken", len(broken), 1)
    done(report, "it is replaced", lab.bhype("pool", "replace", "work", broken[0], "nda4", "--yes"))
    now = settled(lab, "work")
    report.check("resilvered to the end", now and now["health"] == "ONLINE" and now["scan"]["kind"] == "resilver" and now["scan"]["errors"] == 0, now)
    report.same("the new disk is in", states(lab, "work"), {"nda2": "ONLINE", "nda4": "ONLINE"})
    report.check("the alert is over", eventually(lambda: not alerts(lab, "work"), 40), alerts(lab, "work"))
    report.same("the data is whole", lab.sh("cmp /depot/data /root/data").status, 0)
    lab.verb("disk", "nda4", "pull")
    lab.sh("dd if=/dev/urandom of=/depot/more bs=1048576 count=5 2>/dev/null; zpool sync work")
    eventually(lambda: pool(lab, "work")["health"] == "DEGRADED", 60)
    lab.verb("disk", "nda4", "new")
    broken = [device["name"] for device in pool(lab, "work")["vdevs"] if device["leaf"] and device["state"] != "ONLINE"]
    done(report, "a blank disk in the same place", lab.bhype("pool", "replace", "work", broken[0] if broken else "nda4", "nda4", "--yes"))
    now = settled(lab, "work")
    report.check("is filled", now and now["health"] == "ONLINE", now)
    lab.verb("disk", "nda3", "insert")
    back = eventually(lambda: [disk["used_by"] for disk in lab.bhype("disk", "list", "--json").json() if disk["name"] == "nda3"], 20)
    report.same("the disk that was pulled first is back, and free", back, [""])
    report.same("one in use is not", lab.bhype("disk", "wipe", "nda2", "--yes").status, 3)
    done(report, "a device goes offline", lab.bhype("pool", "offline", "work", "nda4"))
    report.same("degraded again", pool(lab, "work")["health"], "DEGRADED")
    refused = lab.bhype("pool", "offline", "work", "nda2")
    report.check("the last one stays", refused.status == 1 and "no valid replicas" in refused.err, refused)
    done(report, "back online", lab.bhype("pool", "online", "work", "nda4"))
    report.check("and healthy", settled(lab, "work")["health"] == "ONLINE", pool(lab, "work"))
    done(report, "a log is added", lab.bhype("pool", "add", "work", "log", "nda5", "--yes"))
    done(report, "a spare is added", lab.bhype("pool", "add", "work", "spare", "nda6", "--yes"))
    report.same("both are in", sorted((device["role"], device["name"]) for device in pool(lab, "work")["vdevs"] if device["role"] != "data"), [("log", "nda5"), ("spare", "nda6")])
    refused = lab.bhype("pool", "add", "work", "nda7", "--yes")
    report.check("a single disk beside a mirror is refused", refused.status == 1 and "mismatched replication level" in refused.err, refused)
    for device in ("nda5", "nda6"):
        done(report, "%s is removed" % device, lab.bhype("pool", "remove", "work", device))
    report.check("they are out", eventually(lambda: set(states(lab, "work")) == {"nda2", "nda4"}, 20), states(lab, "work"))
    done(report, "a third side", lab.bhype("pool", "attach", "work", "nda2", "nda5", "--yes"))
    report.check("is filled", len([state for state in settled(lab, "work")["vdevs"] if state["leaf"]]) == 3, pool(lab, "work"))
    done(report, "and detached", lab.bhype("pool", "detach", "work", "nda5"))
    done(report, "a scrub", lab.bhype("pool", "scrub", "work"))
    now = settled(lab, "work")
    report.check("finds nothing", now["scan"]["kind"] == "scrub" and now["scan"]["errors"] == 0 and now["scan"]["at"], now["scan"])
    report.same("stopping none is no error", lab.bhype("pool", "scrub", "work", "stop").status, 0)
    shown = lab.bhype("pool", "schedule", "work", "--scrub", "0 3 1 * *", "--json").json()
    report.same("scrubs have times", (shown["scrub"], len(shown["next_scrubs"])), ("0 3 1 * *", 5))
    lab.restart("bhyped")
    report.same("which stay", pool(lab, "work")["scrub"], "0 3 1 * *")
    lab.bhype("pool", "schedule", "work", "--scrub", "* * * * *")
    before = pool(lab, "work")["scan"]["at"]
    report.check("and come", eventually(lambda: (pool(lab, "work")["scan"]["at"] or 0) > before, 100, 1), pool(lab, "work")["scan"])
    report.same("or not", lab.bhype("pool", "schedule", "work", "--never").status, 0)


def moves(lab, report):
    """Export, import under another name, by another system, and after a boot."""
    lab.sh("zfs unmount work")
    done(report, "exported", lab.bhype("pool", "export", "work"))
    report.same("it is gone", lab.bhype("pool", "show", "work").status, 3)
    report.same("its disks are not offered", {disk["used_by"] for disk in lab.bhype("disk", "list", "--json").json() if disk["name"] in ("nda2", "nda4")}, {"exported pool work"})
    refused = lab.bhype("pool", "create", "other", "nda2", "--yes")
    report.check("nor taken", refused.status == 3 and "exported pool work" in refused.err, refused)
    listed = lab.bhype("pool", "importable", "--json").json()
    report.same("it can be imported", [one["name"] for one in listed], ["work"])
    lab.sh("zpool create -m none old nda6 && zpool export old")
    done(report, "a disk of an exported pool is wiped", lab.bhype("disk", "wipe", "nda6", "--yes"))
    report.same("and free", [disk["used_by"] for disk in lab.bhype("disk", "list", "--json").json() if disk["name"] == "nda6"], [""])
    report.same("a name that is taken", lab.bhype("pool", "import", "work", "--name", POOL).status, 3)
    done(report, "imported under another name", lab.bhype("pool", "import", listed[0]["guid"], "--name", "moved"))
    report.same("nothing of it is mounted", lab.sh("mount | grep -c ' /depot '").out.strip(), "0")
    lab.reboot()
    lab.wait_ready()
    report.check("it is there after a boot", eventually(lambda: lab.bhype("pool", "show", "moved").status == 0, 30), lab.bhype("pool", "list"))
    lab.sh("zpool export moved")
    lab.verb("disk", "nda2", "pull")
    done(report, "imported with a side missing", lab.bhype("pool", "import", "moved"))
    report.same("degraded", pool(lab, "moved")["health"], "DEGRADED")
    lab.verb("disk", "nda2", "insert")
    broken = [device["name"] for device in pool(lab, "moved")["vdevs"] if device["leaf"] and device["state"] != "ONLINE"]
    done(report, "the side comes back", lab.bhype("pool", "online", "moved", broken[0]))
    now = settled(lab, "moved")
    report.check("whole again", now and now["health"] == "ONLINE", now)
    report.same("and the data", lab.sh("zfs mount moved && cmp /depot/data /root/data").status, 0)


def item(lab, name, user="root"):
    found = [one for one in lab.bhype("space", "list", "--json", user=user).json()["items"] if one["name"] == name]
    return found[0] if found else None


def space(lab, report):
    """Who uses what; quotas; a disk that grows while the guest runs; the floor."""
    lab.make_vm("room1")
    lab.make_vm("room2", user="dev2", start=False)
    report.check("a VM's space is told", item(lab, "room1")["live"] > 0, item(lab, "room1"))
    report.same("its owner sees it", item(lab, "room1", "dev1")["name"], "room1")
    report.same("others' VMs have no name", (item(lab, "room2", "dev1"), bool(item(lab, "other VMs", "dev1"))), (None, True))
    report.same("only administrators limit", lab.bhype("vm", "limit", "room1", "--quota", "10G", user="dev1").status, 3)
    for words, part in ((("--quota", "1K"), "quota"), (("--quota", "-1"), "quota"), (("--reservation", "900G"), "reservation"),
                        (("--quota", "1G", "--reservation", "2G"), "reservation"), ((), "nothing is to be changed")):
        bad = lab.bhype("vm", "limit", "room1", *words)
        report.check("limit %s is refused by its field" % (words,), bad.status == 3 and part in bad.err, bad)
    done(report, "a quota and a reservation", lab.bhype("vm", "limit", "room1", "--quota", "3G", "--reservation", "100M"))
    report.same("zfs has them", lab.exec("zfs", "get", "-H", "-p", "-o", "value", "quota,reservation", POOL + "/bhype/vm/room1").out.split(), [str(3 * GIB), str(100 << 20)])
    done(report, "they end", lab.bhype("vm", "limit", "room1", "--quota", "none", "--reservation", "none"))
    now = lab.vm("room1")["disks"][0]["size"]
    for size, part in (("1M", "must be more"), (str(now), "must be more"), (str(now + 1000), "MiB"), ("lots", "size"), ("-1", "size")):
        bad = lab.bhype("vm", "grow", "room1", "disk0", size, user="dev1")
        report.check("growing to %s is refused" % size, bad.status == 3 and part in bad.err, bad)
    report.same("a disk that is not there", lab.bhype("vm", "grow", "room1", "disk7", "10G", user="dev1").status, 3)
    plan = lab.bhype("vm", "grow", "room1", "disk0", "3G", "--plan", "--json", user="dev1").json()
    report.check("the plan tells what to do in the guest", any("growpart" in step for step in plan["inside"]), plan)
    grown = lab.bhype("vm", "grow", "room1", "disk0", "3G", user="dev1")
    done(report, "a running VM's disk grows", grown)
    report.check("and bHype knows", eventually(lambda: lab.vm("room1")["disks"][0]["size"] == 3 * GIB, 10), lab.vm("room1")["disks"])
    report.check("it still runs", lab.vm("room1")["state"] == "running", lab.vm("room1")["state"])
    report.same("a floor beyond reason is refused", lab.bhype("space", "floor", "99").status, 3)
    report.same("who may not", lab.bhype("space", "floor", "10", user="dev1").status, 3)
    report.same("a floor is set", lab.bhype("space", "floor", "95", "--json").json()["floor"], 95)
    lab.sh("zfs set mountpoint=/full %s && dd if=/dev/urandom of=/full/big bs=1048576 count=1500 2>/dev/null; zpool sync %s" % (POOL, POOL))
    for words, user in ((("vm", "start", "room2"), "dev2"), (("snapshot", "create", "room1"), "dev1"), (("vm", "grow", "room1", "disk0", "4G"), "dev1"),
                        (("vm", "create", "room3", "--template", "tiny-linux"), "dev1"), (("snapshot", "clone", "room1", "room4"), "dev1")):
        bad = lab.bhype(*words, user=user)
        report.check("below the floor %s is refused" % " ".join(words[:2]), bad.status == 3 and "below 95 %" in bad.err, bad)
    done(report, "what runs is stopped all the same", lab.bhype("vm", "kill", "room1", user="dev1"))
    done(report, "and deleted", lab.bhype("vm", "delete", "room1", "--yes", user="dev1"))
    lab.sh("rm /full/big; zfs set mountpoint=none %s; zpool sync %s" % (POOL, POOL))
    report.same("the floor is as before", lab.bhype("space", "floor", "5", "--json").json()["floor"], 5)
    started = eventually(lambda: lab.bhype("vm", "start", "room2", user="dev2").status == 0, 20, 1)
    report.check("then it starts", started)
    lab.delete_vm("room2")


def others(lab, report):
    """Filling up, and errors on the medium."""
    lab.sh("zfs set quota=none moved; dd if=/dev/urandom of=/depot/big bs=1048576 count=%d 2>/dev/null; zpool sync moved" % (int(pool(lab, "moved")["available"] * 0.83) >> 20), timeout=400)
    found = eventually(lambda: [one for one in alerts(lab, "moved") if one["id"].endswith("/filling")], 60)
    report.check("80 % full is an alert", found, (pool(lab, "moved")["percent"], alerts(lab, "moved")))
    lab.sh("rm /depot/big; zpool sync moved")
    report.check("which ends", eventually(lambda: not alerts(lab, "moved"), 60), alerts(lab, "moved"))
    report.same("the pool goes", lab.sh("zpool destroy -f moved").status, 0)
