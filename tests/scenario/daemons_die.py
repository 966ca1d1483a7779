"""Point 6: bhyped, hostd and vmd are killed; the guest never notices and all is right again within seconds."""

import os
import random
import time

from labkit import Pinger, eventually

ROUNDS = 20
DAEMONS = {"bhyped": "bhyped", "hostd": "bhype-hostd"}


def run(lab, report):
    vm = lab.running_vm("web1")
    seed = int(os.environ.get("BHYPE_SEED", random.randrange(1 << 30)))
    report.say("BHYPE_SEED=%d repeats this choice of moments" % seed)
    with Pinger(lab, lab.address(vm)) as pinger:
        kill_at_random(lab, report, vm, random.Random(seed))
        vmd_dies(lab, report, vm)
        vmd_and_hostd_die(lab, report, vm)
        lost = pinger.stop()
        report.same("no ping was lost of %d" % len(pinger.sent), lost, [])
        report.say("the slowest ping took %.2f s" % pinger.worst)
    line_comes_back(lab, report)
    reboot_later(lab, report)


def right(lab, wanted):
    """Whether `vm show` tells the truth: the guest that runs all along."""
    result = lab.bhype("vm", "show", "web1", "--json", user="dev1", timeout=20)
    if result.status != 0:
        return None
    vm = result.json()
    same = ("state", "started", "reboots", "id", "running_generation", "owner")
    return vm if all(vm[key] == wanted[key] for key in same) and lab.address(vm) == lab.address(wanted) else None


def kill_at_random(lab, report, vm, choose):
    bad, slowest = [], 0
    line = lab.serial("web1")
    report.check("a console is open before", line.log_in(), line.text[-300:])
    line.websocket.close()
    for number in range(1, ROUNDS + 1):
        who = choose.choice((["bhyped"], ["hostd"], ["bhyped", "hostd"]))
        pause = choose.uniform(0, 1.5)
        until = time.monotonic() + pause
        # Something is asked of them meanwhile, so that they die in the middle of it.
        while time.monotonic() < until:
            lab.bhype("vm", "list", user="dev1", timeout=20)
        pids = [pid for name in who for pid in lab.pids(DAEMONS[name])]
        if len(pids) < len(who):
            bad.append("round %d: %s not there to be killed" % (number, who))
            continue
        lab.kill(*pids)
        killed = time.monotonic()
        good = eventually(lambda: right(lab, vm), 5, 0.05)
        took = time.monotonic() - killed
        slowest = max(slowest, took)
        if not good or took > 5:
            bad.append("round %d: %s killed, vm show not right after %.1f s: %r" % (
                number, who, took, good or lab.bhype("vm", "show", "web1", "--json", user="dev1", timeout=20)))
            eventually(lambda: right(lab, vm), 30)
        # hostd is back when it answers, whoever was killed.
        if not eventually(lambda: not [p for p in pids if p in lab.pids(DAEMONS["bhyped"]) + lab.pids(DAEMONS["hostd"])] and
                          len(lab.pids(DAEMONS["bhyped"])) >= 1 and len(lab.pids(DAEMONS["hostd"])) >= 1, 10):
            bad.append("round %d: %s not started again" % (number, who))
        if number % 5 == 0:
            line = eventually(lambda: console(lab), 10)
            if not line or not line.log_in(20) or not line.answer("echo $((6*7))", "42"):
                bad.append("round %d: the console does not answer: %s" % (number, line and line.text[-200:]))
            if line:
                line.websocket.close()
    report.same("%d kills: vm show is right within 5 s, consoles reconnect" % ROUNDS, bad, [])
    report.say("the slowest was right after %.1f s" % slowest)


def console(lab):
    try:
        return lab.serial("web1")
    except Exception:
        return None


def vmd_dies(lab, report, vm):
    before = lab.pids("bhype-vmd")
    bhyve = lab.sh("pgrep -f '^bhyve: web1$'").out.split()
    if not report.check("there is one vmd of web1", len(before) == 1, before):
        return
    lab.kill(*before)
    new = eventually(lambda: [pid for pid in lab.pids("bhype-vmd") if pid not in before], 5)
    report.check("a killed vmd is replaced within 5 s", new, lab.pids("bhype-vmd"))
    report.check("vm show is right within 5 s", eventually(lambda: right(lab, vm), 5), lab.bhype("vm", "show", "web1"))
    report.same("the guest is the same bhyve", lab.sh("pgrep -f '^bhyve: web1$'").out.split(), bhyve)
    line = eventually(lambda: console(lab), 10)
    report.check("its console answers", line and line.log_in(30) and line.answer("echo $((6*7))", "42"),
                 line and line.text[-300:])
    if line:
        line.websocket.close()


def vmd_and_hostd_die(lab, report, vm):
    """The two that hold the serial line at once: it is lost, and says so."""
    pids = lab.pids("bhype-hostd") + lab.pids("bhype-vmd")  # the other way round hostd might still replace its vmd
    lab.kill(*pids)
    report.check("vmd and hostd killed at once: right within 8 s", eventually(
        lambda: right(lab, vm) and lab.pids("bhype-vmd") and not set(lab.pids("bhype-vmd")) & set(pids), 8),
        (lab.bhype("vm", "show", "web1"), lab.pids("bhype-vmd")))
    line = eventually(lambda: console(lab), 10)
    report.check("the line that went with them says so", line and line.wait_for("comes back when it boots again", 10),
                 line and line.text)
    if line:
        line.websocket.close()


def line_comes_back(lab, report):
    result = lab.bhype("vm", "reset", "web1", user="dev1")
    report.same("vm reset exits 0", (result.status, result.err if result.status else ""), (0, ""))
    line = eventually(lambda: console(lab), 10)
    report.check("the line is back with the next boot", line and line.log_in(60) and line.answer("echo $((6*7))", "42"),
                 line and line.text[-300:])
    if line:
        line.websocket.close()


def reboot_later(lab, report):
    before = lab.vm("web1")
    line = eventually(lambda: console(lab), 10)
    if not report.check("a console of the guest whose vmd was replaced", line and line.log_in(30), line and line.text[-300:]):
        return
    line.type("reboot\n")
    line.websocket.close()
    vm = eventually(lambda: (lambda now: now if now["reboots"] > before["reboots"] else None)(lab.vm("web1")), 60)
    report.check("a later reboot of the guest works", vm, lab.vm("web1"))
    report.same("with the same tap", [nic["tap"] for nic in lab.wait_running("web1")["nics"]],
                [nic["tap"] for nic in before["nics"]])
    result = lab.bhype("vm", "stop", "web1", user="dev1")
    report.same("and so does stop", (result.status, lab.vm("web1")["state"]), (0, "stopped"))
