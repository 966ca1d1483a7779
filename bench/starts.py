"""From the request to start a VM until bhyve's process begins, beside the same commands bare in sequence: those that
look whether the host can take the VM, then those of the task."""

import re
import shlex
import statistics
import time

from host import GUEST
from labkit import Failed, eventually
from measure import cpu

ROUNDS = 7
REST = 0.3  # until what the last round left to do is done, as the bare commands rest

# What bhype-hostd opens before it starts bhyve. They lie in the lab's emulated machine, which takes its time.
FILES = "cat /tank/bhype/vm/{0}/vm.toml >/dev/null\n: <>/dev/zvol/tank/bhype/vm/{0}/disk0\n" \
        ": <>/tank/bhype/vm/{0}/uefi-vars.fd\n".format(GUEST)


def milliseconds(seconds):
    return "%.1f ms" % (seconds * 1e3)


def begun(host):
    """When each command that the lab has recorded began: (nanoseconds of the monotonic clock, its words)."""
    found = []
    with open(host.lab.root + "/.lab/calls") as file:
        for line in file:
            words = line.split(" ", 3)
            if words[0] == ">":
                found.append((int(words[1].split(".")[1]), words[3]))
    return found


def looks(calls):
    """What was run before the task's first command, as a shell takes it."""
    found = []
    for _, words in calls:
        if words.startswith("ifconfig "):
            return found
        plain = [re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), word) for word in words.split()]
        found.append(shlex.join(plain))
    raise Failed("no command of the task: %r" % calls)


def bhyve(host):
    return next((at for at, words in begun(host) if words.startswith("bhyve ")), None)


def run(bench):
    host = bench.host
    host.kill()
    time.sleep(REST)
    daemons = [host.pid("bhyped"), host.pid("bhype-hostd")]
    wall, used, looked = [], [], []
    for _ in range(ROUNDS):
        host.lab.calls(clear=True)
        before, sent = cpu(*daemons), time.monotonic_ns()
        task = host.api.post("/api/v1/vms/%s/start" % GUEST).json()
        at = eventually(lambda: bhyve(host), 30, 0.002)
        if not at:
            raise Failed("bhyve was not started")
        used.append(cpu(*daemons, *host.pids("bhype-vmd")) - before)
        wall.append((at - sent) / 1e9)
        looked.append(looks(begun(host)))
        task = host.ended(task)
        host.kill()
        time.sleep(REST)
    looked = sorted(looked, key=len)[len(looked) // 2]
    bare, with_files = (statistics.median(bare_starts(host, looked, task, files)) for files in ("", FILES))
    wall, used = statistics.median(wall), statistics.median(used)
    bench.limit("start: CPU time more than the commands'", used, 0.03, milliseconds)
    bench.limit("start: until bhyve's start more than the commands, wall", wall - bare, 0.03, milliseconds,
                "%s against %s (the commands bare)" % (milliseconds(wall), milliseconds(bare)))
    bench.limit("the same, the VM's files opened beside the commands too", wall - with_files, 0.03, milliseconds,
                "%s against %s" % (milliseconds(wall), milliseconds(with_files)))


def bare_starts(host, looked, task, files):
    """How long the commands of a start take from the first one's beginning to bhyve's, some times. `looked`: those
    before the task; `files`: what else is done just before bhyve."""
    steps = host.api.get("/api/v1/tasks/%s/steps" % task["id"]).json()
    commands = [ran["command"] for step in steps for ran in step["commands"]]
    if not commands[-1].startswith("/usr/sbin/bhyve "):
        raise Failed("the last command of a start: " + commands[-1])
    script = "".join(command + " >/dev/null 2>&1\n" for command in [*looked, *commands[:-1]])
    script += files + commands[-1] + " >/dev/null 2>&1 &\nsleep 0.3; kill -9 $!; wait\n"
    script += "bhyvectl --destroy --vm=%s; ifconfig tap0 destroy\n" % GUEST
    host.lab.exec("service", "bhyped", "stop")  # it would look at the tap and remove it
    host.api.close()
    took = []
    for _ in range(ROUNDS):
        host.lab.calls(clear=True)
        host.lab.sh(script)
        calls = begun(host)
        if len([1 for _, words in calls if words.startswith("ifconfig tap")]) < 2 or not bhyve(host):
            raise Failed("the bare commands: %r" % calls)
        took.append((bhyve(host) - calls[0][0]) / 1e9)
    host.lab.exec("service", "bhyped", "start")
    host.lab.wait_ready()
    return took
