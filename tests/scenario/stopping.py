"""Point 5: how guests end: by the power button, by their own reboot, deaf, killed, and resetting again and again."""

import os
import time

from labkit import POOL, eventually


def traces(lab, name, vm=None, before=None):
    """What a guest that has ended should not have left: kernel object, taps, listeners, processes."""
    found = []
    if os.path.exists(lab.path("/dev/vmm/" + name)):
        found.append("/dev/vmm/" + name)
    for line in lab.exec("ifconfig", "-a").out.splitlines():
        if "description: bhype vm/%s/" % name in line:
            found.append(line.strip())
    taps = [nic["tap"] for nic in (vm or {"nics": []})["nics"] if nic.get("tap")]
    found += [tap for tap in taps if tap in lab.exec("ifconfig", "-l").out.split()]
    if before is not None:
        found += ["port %d" % port for port in lab.listeners() - before]
    found += [line for line in lab.exec("ps", "axww", "-o", "args").out.splitlines()
              if line == "bhyve: " + name or line.endswith("/" + name) and "bhype-vmd" in line]
    return found


def run(lab, report):
    stop(lab, report)
    reboot(lab, report)
    deaf(lab, report)
    resets(lab, report)


def stop(lab, report):
    vm = lab.vm("web1")
    if vm and vm["state"] == "running":
        lab.bhype("vm", "kill", "web1")
    elif not vm:
        lab.make_vm("web1", start=False)
    before = lab.listeners()
    result = lab.bhype("vm", "start", "web1", user="dev1")
    report.same("vm start exits 0", (result.status, result.err if result.status else ""), (0, ""))
    vm = lab.wait_running("web1")
    report.check("a running guest listens for VNC on loopback", lab.listeners() - before, lab.listeners())
    began = time.monotonic()
    result = lab.bhype("vm", "stop", "web1", user="dev1")
    report.same("vm stop exits 0", (result.status, result.err if result.status else ""), (0, ""))
    report.say("stopped in %.1f s" % (time.monotonic() - began))
    after = lab.vm("web1")
    report.same("its state is stopped", after["state"], "stopped")
    report.same("the reason is kept", after["reason"], "powered off when asked to")
    report.same("nothing of it is left", eventually(lambda: not traces(lab, "web1", vm, before), 5) and [] or
                traces(lab, "web1", vm, before), [])
    lab.restart("bhyped", "bhype_hostd")
    again = eventually(lambda: lab.vm("web1"), 20)
    report.same("the reason outlives a restart of both daemons", again and (again["state"], again["reason"]),
                ("stopped", "powered off when asked to"))
    result = lab.bhype("vm", "stop", "web1", user="dev1")
    report.check("stopping what is stopped is refused", result.status == 3 and "vm.not_running" in result.err, result)


def reboot(lab, report):
    lab.bhype("vm", "start", "web1", user="dev1")
    before = lab.wait_running("web1")
    facts = lambda vm: [(nic["name"], nic["slot"], nic["mac"], nic["tap"]) for nic in vm["nics"]] + [
        (disk["name"], disk["slot"]) for disk in vm["disks"]]
    with lab.serial("web1") as line:
        if not report.check("the serial line has a shell", line.log_in(), line.text[-300:]):
            return
        line.type("reboot\n")
        report.check("the guest boots again, seen on the same serial line", line.wait_for("Linux version", 60),
                     line.text[-500:])
    vm = eventually(lambda: (lambda vm: vm if vm["reboots"] > before["reboots"] and vm["state"] == "running" else None)(
        lab.vm("web1")), 60)
    if not report.check("a guest's reboot ends running", vm, lab.vm("web1")):
        return
    vm = lab.wait_running("web1")
    report.same("with the same tap, MAC and slots", facts(vm), facts(before))
    report.same("and the same address", lab.address(vm), lab.address(before))
    result = lab.bhype("vm", "reset", "web1", user="dev1")
    report.same("vm reset exits 0", (result.status, result.err if result.status else ""), (0, ""))
    vm = eventually(lambda: (lambda now: now if now["reboots"] > vm["reboots"] else None)(lab.vm("web1")), 30)
    report.check("and it boots again", vm, lab.vm("web1"))
    report.same("with the same tap, MAC and slots after the reset", facts(lab.wait_running("web1")), facts(before))


def deaf(lab, report):
    lab.delete_vm("deaf1")
    vm = lab.make_vm("deaf1", template="tiny-deaf")
    began = time.monotonic()
    result = lab.bhype("vm", "stop", "deaf1", "--seconds", "6", user="dev1")
    took = time.monotonic() - began
    report.check("a deaf guest: stop says so", result.status == 1 and "vm.did_not_react" in result.err, result,
                 "exit 1, vm.did_not_react")
    report.check("after its deadline, not long after", 6 <= took < 20, took)
    report.holds("and says what to do", result.err, "kill")
    now = lab.vm("deaf1")
    report.same("it runs on", now["state"], "running")
    report.check("and shows that it did not react", "did not react" in now["reason"], now["reason"])
    lab.bhype("vm", "stop", "deaf1", "--seconds", "600", "--no-wait", user="dev1")
    report.check("a stop waits for it", eventually(lambda: (lab.vm("deaf1") or {}).get("state") == "stopping", 10), lab.vm("deaf1"))
    task = lab.vm("deaf1").get("task")
    cancelled = lab.bhype("task", "cancel", task or "none", user="dev1")
    report.same("a stop that is cancelled", cancelled.status, 0)
    report.check("presses no more: the guest runs on", eventually(lambda: lab.vm("deaf1")["state"] == "running", 15),
                 lab.vm("deaf1"))
    lab.bhype("vm", "stop", "deaf1", "--seconds", "600", "--no-wait", user="dev1")
    report.check("another stop waits", eventually(lambda: (lab.vm("deaf1") or {}).get("state") == "stopping", 10), lab.vm("deaf1"))
    began = time.monotonic()
    result = lab.bhype("vm", "kill", "deaf1", user="dev1")
    report.check("kill does not wait behind it", time.monotonic() - began < 30, time.monotonic() - began)
    report.same("kill ends it", (result.status, lab.vm("deaf1")["state"], lab.vm("deaf1")["reason"]), (0, "stopped", "killed"))
    report.same("and leaves nothing", traces(lab, "deaf1", vm), [])
    lab.delete_vm("deaf1")


def resets(lab, report):
    lab.delete_vm("again1")
    lab.calls(clear=True)
    began = time.monotonic()
    result = lab.bhype("vm", "create", "again1", "--template", "tiny-reset", "--memory", "256M", "--start", user="dev1")
    report.check("a guest that resets at once starts", result.status in (0, 1), result)
    vm = eventually(lambda: (lambda vm: vm if vm and vm["state"] == "failed" else None)(lab.vm("again1")), 150, 0.5)
    if not report.check("after some resets it is given up: failed", vm, lab.vm("again1")):
        lab.delete_vm("again1")
        return
    report.say("given up after %.1f s" % (time.monotonic() - began))
    starts = [call for call in lab.calls() if call[3].startswith("bhyve ") and "again1" in call[3]]
    report.same("it was started six times", len(starts), 6)
    report.holds("the reason counts them", vm["reason"], "6 times")
    report.check("its last lines are kept", any("restarting at once" in line for line in vm["last_lines"]), vm["last_lines"])
    report.holds("vm show tells them", lab.bhype("vm", "show", "again1", user="dev1").out, "restarting at once")
    report.same("nothing of it is left", eventually(lambda: not traces(lab, "again1"), 10) and [] or traces(lab, "again1"), [])
    lab.delete_vm("again1")
    report.same("nor after its deletion", [name for name in lab.datasets() if name.startswith(POOL + "/bhype/vm/again1")], [])
