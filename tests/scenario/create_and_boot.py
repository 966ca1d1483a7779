"""Point 2: a VM from a template, created, booted and reached; what was done to the host, and no secret in it."""

import os
import re
import time

from labkit import POOL, eventually

# What bHype runs only to look; everything else in the list of calls has changed the host.
LOOKING = re.compile(r"zfs (list|get)|zpool (list|status|get)|ifconfig(?! \S+ (create|addm|up|name|destroy|description|group)| "
                     r"(bridge|tap) create)|sysctl|kldstat|geom|freebsd-version|swapctl|mount -p|arp -an|ndp -an|pfctl .*-s |route -n get|netstat|sockstat|bhyvectl --vm=\S+ --get-stats")


def words(command):
    """A command however it was quoted."""
    return re.sub(r"[\\'\"]", "", command.replace("\\040", " ")).split()


def run(lab, report):
    lab.delete_vm("web1")
    lab.calls(clear=True)
    began = time.monotonic()
    result = lab.bhype("vm", "create", "web1", "--template", "tiny-linux", "--memory", "256M", "--start", user="dev1")
    report.same("vm create --start exits 0", (result.status, result.err if result.status else ""), (0, ""))
    report.say("created and started in %.1f s" % (time.monotonic() - began))

    shown = eventually(lambda: (lambda vm: vm if vm.get("state") == "running" and lab.address(vm) else None)(
        lab.bhype("vm", "show", "web1", "--json", user="dev1").json()), 60, 0.5)
    if not report.check("within 60 s vm show says running, with an address", shown,
                        lab.bhype("vm", "show", "web1", "--json", user="dev1").out):
        report.say(lab.logs())
        return
    report.say("an address after %.1f s" % (time.monotonic() - began))
    disk = "%s/bhype/vm/web1/disk0" % POOL
    origin = lab.exec("zfs", "get", "-H", "-o", "value", "origin", disk).out.strip()
    report.check("its disk is a clone of the template's snapshot",
                 re.fullmatch(r"%s/bhype/template/tiny-linux-[0-9a-f]{12}/disk0@template" % POOL, origin), origin)
    report.same("vm show names the origin", shown["disks"][0]["origin"], origin)
    report.same("the VM is its maker's", shown["owner"], "dev1")
    page = eventually(lambda: lab.guest_page(shown), 30, 0.5)
    report.holds("an HTTP request from the lab host is answered", page, "<h1>web1</h1>")
    report.same(".new is empty", [name for name in lab.datasets() if name.startswith(POOL + "/bhype/.new/")], [])

    tasks = lab.bhype("task", "list", "--object", "vm/web1", "--json", user="dev1").json()
    tasks = [task for task in tasks if task["kind"] == "vm.create" and task["state"] == "done"]
    if not report.check("the task is listed", tasks, tasks):
        return
    log = lab.bhype("task", "log", tasks[0]["id"], user="dev1")
    logged = [words(line.strip()[2:]) for line in log.out.splitlines() if line.strip().startswith("# ")]
    missing = []
    for status, _, uid, call in lab.calls():
        argv = words(call)
        if uid != "0" or LOOKING.match(call) or argv[0] in ("daemon", "service", "sysrc", "sleep"):
            continue
        if not any(line[0].rsplit("/", 1)[-1] == argv[0] and line[1:] == argv[1:] for line in logged if line):
            missing.append(call)
    report.same("task log shows each command that changed the host", missing, [])
    report.holds("task log shows bhyve's command", log.out, "/usr/sbin/bhyve ")
    secrets(lab, report, log.out)
    changes(lab, report)
    plan_of_delete(lab, report)


def secrets(lab, report, log):
    run_directory = lab.path("/var/run/bhype/vmd/web1")
    passwords = {}
    for name in os.listdir(run_directory):
        path = os.path.join(run_directory, name)
        if os.path.isfile(path):
            with open(path, errors="replace") as file:
                for key, value in re.findall(r"(?m)^(\S*password)[ =]+(\S+)", file.read()):
                    passwords[value] = name + ": " + key
                    mode = os.stat(path).st_mode & 0o777
                    report.same("%s, which holds the screen's password, is root's alone" % name,
                                (oct(mode), os.stat(path).st_uid), ("0o600", 0))
    report.check("the screen has a password", passwords, os.listdir(run_directory))
    for user, (password, _) in lab.accounts.items():
        passwords[password] = "of " + user
    lab.web("dev1")  # so that a password went through
    shown = {
        "the task's log": log,
        "ps": lab.exec("ps", "axww", "-o", "args").out + lab.sh("cat /proc/[0-9]*/environ 2>/dev/null").out,
        "the logs": lab.sh("cat /var/log/bhype/* /var/log/messages /var/log/*.log 2>/dev/null").out,
        "the database": lab.sh("cat /var/db/bhype/* 2>/dev/null").out,
        "the lab's list of calls": "\n".join(call[3] for call in lab.calls()),
        "vm show": lab.bhype("vm", "show", "web1", "--json").out,
        "the definition": lab.exec("cat", "/%s/bhype/vm/web1/vm.toml" % POOL).out,
        "bhyve's log": lab.bhype("vm", "log", "web1").out,
    }
    for place, text in shown.items():
        report.check("something is in " + place, text, text) if place in ("the task's log", "ps") else None
        report.same("no secret is in " + place, [what for secret, what in passwords.items() if secret in text], [])


def changes(lab, report):
    """While it runs: made at once, in effect at the next start, never beyond what the host has."""
    result = lab.bhype("vm", "set", "web1", "memory=320M", "note=changed", user="dev1")
    report.same("vm set says what waits for the next start", (result.status, result.out, result.err),
                (0, "memory takes effect at the next start of web1\n", ""))
    vm = lab.vm("web1")
    report.same("it is changed", (vm["memory"], vm["note"], vm["pending_restart"]), (320 << 20, "changed", ["memory"]))
    result = lab.bhype("vm", "set", "web1", "note=changed", user="dev1")
    report.same("the same again changes nothing", (result.status, "nothing changed" in result.err, lab.vm("web1")["generation"]),
                (0, True, vm["generation"]))
    api = lab.local("dev1")
    answer = api.patch("/api/v1/vms/web1", {"memory": "900G", "cpus": 500})
    report.same("more than the host has is refused, naming both", (answer.status, sorted(answer.fields)), (409, ["cpus", "memory"]))
    for setting in ("cpus=1zz", "cpus=1.9", "screen=1024x768abc", "nosuch=1"):
        result = lab.bhype("vm", "set", "web1", setting, user="dev1")
        report.check("vm set %s is refused, naming the field" % setting, result.status == 3 and setting.split("=")[0] in result.err, result)
    report.same("and changes nothing", lab.vm("web1")["generation"], vm["generation"])
    lab.bhype("vm", "set", "web1", "memory=256M", user="dev1")
    result = lab.bhype("vm", "set", "web1", "cd=/nowhere.iso", user="dev1")
    report.check("a CD that is not there is refused", result.status == 3 and "cd" in result.err, result)
    result = lab.bhype("vm", "set", "web1", "cd=/etc/hosts", user="dev1")
    report.check("nor can it be any file of the host", result.status == 1 and "image directory" in result.err, result)
    lab.sh("dd if=/dev/zero of=/var/bhype/images/tools.iso bs=2048 count=16")
    result = lab.bhype("vm", "set", "web1", "cd=/var/bhype/images/tools.iso", user="dev1")
    report.same("a CD is put in", (result.status, result.out), (0, "cd takes effect at the next start of web1\n"))
    lab.sh("rm /var/bhype/images/tools.iso")
    report.same("its file may go", lab.bhype("vm", "set", "web1", "note=again", user="dev1").status, 0)
    report.same("and it is taken out", (lab.bhype("vm", "set", "web1", "cd=", user="dev1").status, lab.vm("web1")["cds"]), (0, []))


def plan_of_delete(lab, report):
    """Exactly what goes, whoever made it."""
    lab.make_vm("gone1", start=False)
    dataset = "%s/bhype/vm/gone1" % POOL
    made = lab.sh("zfs snapshot %s/disk0@before && zfs create %s/backup && zfs create -s -V 8M %s/extra" % (dataset, dataset, dataset))
    report.same("(somebody adds to its datasets)", (made.status, made.err), (0, ""))
    plan = lab.bhype("vm", "delete", "gone1", "--plan", "--json", user="dev1").json()
    there = lab.exec("zfs", "list", "-H", "-r", "-t", "all", "-o", "name", dataset).out.split()
    report.same("vm delete --plan lists each that goes", sorted(line.split(" ")[0] for line in plan["destroys"]), sorted(there))
    answer = lab.local("dev1").request("DELETE", "/api/v1/vms/gone1", None, {"If-Match": '"0000000000000000"'})
    report.same("a delete of another state than is there is refused", (answer.status, bool(lab.vm("gone1"))), (412, True))
    lab.delete_vm("gone1")
    report.same("afterwards nothing is there", [name for name in lab.datasets() if name.startswith(dataset)], [])
