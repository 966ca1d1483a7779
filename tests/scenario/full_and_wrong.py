"""Point 10: the pool full, no memory, no bridge, bhyve failing: a clear code, the tool's own words, nothing left behind."""

import time

from labkit import POOL, eventually
from stopping import traces


def run(lab, report):
    for name in ("spare1", "nospace1", "nospace2", "four1"):
        lab.delete_vm(name)
    lab.running_vm("web1")
    lab.make_vm("spare1", start=False)
    pool_full(lab, report)
    memory(lab, report)
    bhyve_fails(lab, report)
    zfs_fails(lab, report)
    bridge(lab, report)
    dhcp(lab, report)
    clones(lab, report)
    definition(lab, report)
    lab.delete_vm("spare1")


def left(lab, name):
    """Of a VM that was not made."""
    return [dataset for dataset in lab.datasets() if name in dataset or dataset.startswith(POOL + "/bhype/.new/")] + \
        traces(lab, name) + ([name + " in the list"] if lab.vm(name) else [])


def refused(report, name, result, code, words, status):
    """`status` 3: refused before anything was begun; 1: the task failed."""
    report.check(name, result.status == status and code in result.err and all(word in result.err for word in words), result,
                 "exit %d, %s, %s" % (status, code, ", ".join(words)))


def doctor(lab):
    """Each check's state, by its id."""
    return {check["id"]: check["state"] for check in lab.bhype("doctor", "--json").json()}


def pool_full(lab, report):
    report.same("doctor is content with the pool's space", doctor(lab)["space"], "ok")
    made = lab.exec("zfs", "create", "-o", "mountpoint=none", POOL + "/filler")
    report.same("(the pool can be filled)", (made.status, made.err), (0, ""))
    available = lambda: int(lab.exec("zfs", "get", "-H", "-p", "-o", "value", "available", POOL + "/bhype").out)
    promised = 0
    try:
        # All that is free is promised to somebody else, to the last block. What bHype writes meanwhile moves it.
        for keep in (1 << 20, 64 << 10, 8 << 10) + (0,) * 10:
            wanted = promised + max(0, available() - keep)
            if lab.exec("zfs", "set", "reservation=%d" % wanted, POOL + "/filler").status == 0:
                promised = wanted
            if keep == 0 and available() < 16 << 10:
                break
        report.check("(the pool is full)", available() < 16 << 10, available())
        result = lab.bhype("vm", "create", "nospace1", "--template", "tiny-linux", "--memory", "256M", user="dev1")
        refused(report, "pool full: vm create says so", result, "storage.no_space", [], 3)
        report.same("and leaves nothing", left(lab, "nospace1"), [])
        result = lab.bhype("vm", "create", "nospace2", "--template", "generic-uefi", "--memory", "256M", user="dev1")
        refused(report, "pool full: vm create of an empty disk says so", result, "storage.no_space", [], 3)
        report.same("and leaves nothing of the empty disk", left(lab, "nospace2"), [])
        console(lab, report, "with the pool full")
        shown = lab.bhype("vm", "show", "web1", user="dev1")
        report.check("pool full: vm show works", shown.status == 0 and "running" in shown.out, shown)
        checked = lab.bhype("doctor", "--json")
        space = next(check for check in checked.json() if check["id"] == "space")
        report.check("pool full: doctor says so, and what to do", space["state"] in ("warning", "failed") and space["advice"], space)
        result = lab.bhype("vm", "stop", "web1", user="dev1")
        report.same("pool full: stop works", (result.status, result.err if result.status else "", lab.vm("web1")["state"]),
                    (0, "", "stopped"))
        report.same("and leaves nothing of the guest", traces(lab, "web1"), [])
    finally:
        gone = lab.exec("zfs", "destroy", POOL + "/filler")
    report.same("(the pool is free again)", (gone.status, gone.err), (0, ""))
    report.same("and doctor is content again", eventually(lambda: doctor(lab)["space"] == "ok", 20, 1), True)
    result = lab.bhype("vm", "start", "web1", user="dev1")
    report.same("with space again the VM starts", (result.status, result.err if result.status else ""), (0, ""))
    lab.wait_running("web1")


def console(lab, report, when):
    with lab.serial("web1", lab.web("dev1")) as line:
        report.check("the serial line over a WebSocket answers " + when, line.log_in() and line.answer("echo $((6*7))", "42"),
                     line.text[-300:])
    with lab.terminal("bhype", "vm", "console", "web1", "--take-over", user="dev1") as terminal:
        report.check("bhype vm console connects " + when, terminal.wait_for("Connected to web1", 20), terminal.text)
        terminal.type("\n")
        terminal.type("echo $((6*7))\n")
        report.check("and answers", terminal.wait_for("42\n", 20), terminal.text[-300:])
        terminal.type("\r~.")
        report.check("and ends at ~.", eventually(lambda: not terminal.receive(0.1) or terminal.process.poll() is not None, 10),
                     terminal.text[-100:])


def memory(lab, report):
    result = lab.bhype("vm", "create", "big1", "--template", "tiny-linux", "--memory", "64G", "--start", user="dev1")
    refused(report, "memory above the host's: refused, naming it", result, "vm.refused", ["memory"], 3)
    report.same("and nothing is left", left(lab, "big1"), [])
    web = lab.web("dev1")
    answer = web.post("/api/v1/vms", {"name": "big1", "template": "tiny-linux", "memory": "64G", "cpus": 1000, "disk": "1M",
                                      "switch": "nowhere", "start": True})
    report.check("all problems at once", answer.status in (409, 422) and {"memory", "cpus", "disk", "switch"} <= set(answer.fields),
                 answer, "memory, cpus, disk, switch")
    before = lab.vm("spare1")
    changed = lab.bhype("vm", "set", "spare1", "memory=7680M", user="dev1")
    lab.bhype("vm", "kill", "web1", user="dev1")
    lab.bhype("vm", "start", "web1", user="dev1")
    result = lab.bhype("vm", "start", "spare1", user="dev1")
    refused(report, "memory above what is free: start is refused", result, "vm.refused", ["memory"], 3)
    report.same("and leaves nothing", traces(lab, "spare1"), [])
    report.same("memory can be set back", (changed.status, lab.bhype("vm", "set", "spare1", "memory=256M", user="dev1").status,
                                           lab.vm("spare1")["memory"]), (0, 0, before["memory"]))


def bhyve_fails(lab, report):
    words = "vm_open: could not open: Cannot allocate memory, lab's own words"
    lab.fail("bhyve", 1, status=4, text=words)
    result = lab.bhype("vm", "start", "spare1", user="dev1")
    refused(report, "bhyve exits 4: vm start says so in bhyve's words", result, "vm.start_failed", [words], 1)
    vm = lab.vm("spare1")
    report.same("the VM has failed", vm["state"], "failed")
    report.check("with bhyve's last lines", any(words in line for line in vm["last_lines"]), vm["last_lines"])
    report.holds("vm show tells them", lab.bhype("vm", "show", "spare1", user="dev1").out, words)
    report.holds("vm log tells them", lab.bhype("vm", "log", "spare1", user="dev1").out, words)
    report.same("nothing is left", eventually(lambda: not traces(lab, "spare1"), 10) and [] or traces(lab, "spare1"), [])
    lab.fail("bhyve", 1, status=4, text=words)
    result = lab.bhype("vm", "create", "four1", "--template", "tiny-linux", "--memory", "256M", "--start", user="dev1")
    refused(report, "bhyve exits 4 in vm create --start", result, "vm.start_failed", [words], 1)
    report.same("no tap, no kernel object, nothing in .new", traces(lab, "four1") +
                [name for name in lab.datasets() if name.startswith(POOL + "/bhype/.new/")], [])
    lab.verb("fail", "--clear")
    if lab.vm("four1"):
        report.same("what stays is a whole VM that starts", lab.bhype("vm", "start", "four1", user="dev1").status, 0)
        lab.delete_vm("four1")
    result = lab.bhype("vm", "start", "spare1", user="dev1")
    report.same("the next start works", (result.status, result.err if result.status else ""), (0, ""))
    lab.bhype("vm", "kill", "spare1", user="dev1")


def zfs_fails(lab, report):
    words = "cannot create 'x': I/O error, lab's own words"
    lab.fail("zfs clone", 1, status=1, text=words)
    result = lab.bhype("vm", "create", "clone1", "--template", "tiny-linux", "--memory", "256M", user="dev1")
    refused(report, "zfs clone fails: its words are shown", result, "host.command_failed", [words], 1)
    report.same("zfs clone fails: nothing is left", left(lab, "clone1"), [])
    lab.verb("fail", "--clear")
    # The pool fills while the task is at work: the words are those of libzfs.
    for command, words, options in (
            ("zfs clone", "cannot create '%s/bhype/.new/x': out of space" % POOL, ("--template", "tiny-linux")),
            ("zfs create -p -s -V", "cannot create '%s/bhype/.new/x': out of space" % POOL, ("--template", "generic-uefi")),
            ("zfs set", "cannot set property for '%s/bhype/.new/x': size is greater than available space" % POOL,
             ("--template", "tiny-linux", "--disk", "2G"))):
        lab.fail(command, 1, status=1, text=words)
        result = lab.bhype("vm", "create", "clone1", *options, "--memory", "256M", user="dev1")
        refused(report, "out of space at `%s`: the task says so in its words" % command, result, "storage.no_space", [words], 1)
        report.same("out of space at `%s`: nothing is left" % command, left(lab, "clone1"), [])
        lab.verb("fail", "--clear")


def bridge(lab, report):
    """Gone while a guest runs, and it cannot be made again: a start says so. Once it can, all is as before."""
    vm = lab.wait_running("web1")
    for number in range(1, 60):
        lab.fail("ifconfig bridge create", number, status=1, text="ifconfig: SIOCIFCREATE2: No buffer space available")
    try:
        lab.exec("ifconfig", "bh-nat", "destroy")
        report.same("bridge missing: doctor sees it", doctor(lab)["switch_nat"], "failed")
        result = lab.bhype("vm", "start", "spare1", user="dev1")
        refused(report, "bridge missing: vm start says so", result, "vm.refused", ["bh-nat"], 3)
        report.same("and leaves nothing", traces(lab, "spare1"), [])
    finally:
        lab.verb("fail", "--clear")
    result = lab.bhype("vm", "create", "nobridge1", "--template", "tiny-linux", "--switch", "nowhere", user="dev1")
    refused(report, "a switch that does not exist", result, "vm.refused", ["nowhere"], 3)
    report.same("leaves nothing", left(lab, "nobridge1"), [])
    began = time.monotonic()
    back = eventually(lambda: lab.guest_page(vm, 2), 90, 0.5)
    report.check("the bridge comes back by itself, the running guest with it", back, lab.exec("ifconfig", "-a").out)
    report.say("the guest was reachable again after %.0f s" % (time.monotonic() - began))


def dhcp(lab, report):
    """dnsmasq dies and cannot be started: doctor tells. Once it can, it is started again."""
    number = lambda: lab.exec("cat", "/var/run/bhype/dnsmasq.pid").out.strip()
    runs = lambda: "dnsmasq" in lab.exec("ps", "-p", number(), "-o", "args").out
    before = number()
    report.check("dnsmasq runs", runs(), before)
    program = "/usr/local/sbin/dnsmasq"
    lab.exec("mv", program, program + ".away")
    try:
        lab.exec("kill", "-9", before)
        report.same("dnsmasq is dead and gone: doctor sees both", [doctor(lab)[check] for check in ("dhcp", "dnsmasq")],
                    ["failed", "failed"])
    finally:
        lab.exec("mv", program + ".away", program)
    report.check("dnsmasq is started again", eventually(lambda: number() != before and runs(), 90, 0.5), number())
    report.same("and doctor is content", [doctor(lab)[check] for check in ("dhcp", "dnsmasq")], ["ok", "ok"])


def clones(lab, report):
    """What others were cloned from is not destroyed, and the task says at once by whom it is needed."""
    disk = POOL + "/bhype/vm/spare1/disk0"
    lab.exec("zfs", "snapshot", disk + "@mine")
    made = lab.exec("zfs", "clone", disk + "@mine", POOL + "/elsewhere")
    report.same("(somebody clones a VM's disk)", (made.status, made.err), (0, ""))
    plan = lab.bhype("vm", "delete", "spare1", "--plan", user="dev1").out
    report.holds("the plan lists the snapshot", plan, disk + "@mine")
    result = lab.bhype("vm", "delete", "spare1", "--yes", user="dev1")
    refused(report, "what has clones is not deleted", result, "snapshot.in_use", [POOL + "/elsewhere"], 1)
    report.check("the VM is whole", lab.vm("spare1") and disk in lab.datasets(), lab.vm("spare1"))
    lab.exec("zfs", "destroy", POOL + "/elsewhere")
    lab.exec("zfs", "destroy", disk + "@mine")


def definition(lab, report):
    """A vm.toml that somebody broke by hand hides nothing."""
    file = lab.exec("zfs", "get", "-H", "-o", "value", "mountpoint", POOL + "/bhype/vm/spare1").out.strip() + "/vm.toml"
    good = lab.exec("cat", file).out
    write = lambda text: lab.exec("sh", "-c", "cat > " + file, stdin=text)
    written = write(good.replace("cpus = ", "cpus = -"))
    report.same("(a definition is broken)", (written.status, written.err), (0, ""))
    vm = eventually(lambda: (lambda vm: vm if vm and vm.get("definition_error") else None)(lab.vm("spare1")), 90, 1)
    if report.check("a broken definition: the VM is still there and says so", vm, lab.vm("spare1")):
        report.same("it has failed", vm["state"], "failed")
        report.holds("with the file's name", vm["definition_error"], "vm.toml")
        report.holds("and the field", vm["definition_error"], "cpus")
        report.holds("vm show tells", lab.bhype("vm", "show", "spare1", user="dev1").out, "vm.toml")
        report.same("doctor names it", doctor(lab).get("vm_spare1"), "failed")
        refused(report, "its start is refused", lab.bhype("vm", "start", "spare1", user="dev1"), "vm.definition_broken",
                ["cpus"], 3)
    write(good)
    report.check("mended, it is as before",
                 eventually(lambda: (lab.vm("spare1") or {}).get("state") == "stopped" and
                            not lab.vm("spare1").get("definition_error"), 90, 1), lab.vm("spare1"))
