"""Snapshots of 1,000 VMs, linked clones and long lists of snapshots, beside zfs alone. Wall time: nearly all of it is zfs's."""

import json
import re
import shlex
import statistics
import time

from host import STANDING, VMS
from labkit import Failed

ROUNDS = 1
CLONES = 100
SNAPSHOTS = 100_000
PLAN = "bench"


def seconds(value):
    return "%.3f s" % value if value < 10 else "%.1f s" % value


def commands_of(host, task):
    steps = host.api.get("/api/v1/tasks/%s/steps" % task["id"]).json()
    return [ran["command"] for step in steps for ran in step["commands"]]


def bare(host, script):
    """How long the lab's commands of a script take, from the first one's beginning to the last one's end."""
    with open(host.lab.root + "/var/bench/script", "w") as file:
        file.write(script)
    host.lab.calls(clear=True)
    result = host.lab.sh("sh -e /var/bench/script >/dev/null", timeout=900)
    if result.status != 0:
        raise Failed("the bare commands: %r" % result)
    began, lasted = {}, 0
    with open(host.lab.root + "/.lab/calls") as file:
        for line in file:
            words = line.split(" ")
            if words[0] == ">":
                began[words[1]] = int(words[1].split(".")[1]) / 1e9
            elif words[1] in began:
                lasted = max(lasted, began[words[1]] + float(words[3]) / 1e3)
    return lasted - min(began.values())


def timed(call):
    begun = time.monotonic()
    call()
    return time.monotonic() - begun


def plan(bench, host):
    made = host.api.post("/api/v1/plans", {"name": PLAN, "schedule": "@yearly", "all": True, "vms": [], "tags": []})
    if made.status != 201:
        raise Failed("the plan: %r" % made)
    ours, alone = [], []
    for number in range(ROUNDS):
        tasks = []
        ours.append(timed(lambda: tasks.append(host.task("POST", "/api/v1/plans/%s/run" % PLAN))))
        words = shlex.split(next(one for one in commands_of(host, tasks[0]) if "zfs snapshot " in one))
        if sum("@" in word for word in words) != VMS:
            raise Failed("the plan's command has %d words" % len(words))
        again = [word.split("@")[0] + "@bare%d" % number if "@" in word else word for word in words]
        alone.append(bare(host, shlex.join(again) + "\n"))
    bench.row("a plan over %d VMs, wall" % VMS, statistics.median(ours), statistics.median(alone), "its zfs snapshot", 1.2, seconds)


def clones(bench, host):
    dataset = "tank/bhype/vm/" + STANDING
    host.task("POST", "/api/v1/vms/%s/snapshots" % STANDING, {"name": "bench"})
    if host.lab.sh("zfs create -o mountpoint=/var/bench/bare tank/bare").status != 0:
        raise Failed("no place for bare clones")
    names = ["clone%03d" % number for number in range(CLONES)]
    tasks = []

    def ours():
        asked = [host.api.post("/api/v1/vms/%s/clone" % STANDING, {"name": name, "snapshot": "bench"}) for name in names]
        tasks.extend(host.ended(one.json()) for one in asked)

    took = timed(ours)
    own = bare(host, "".join("zfs clone %s@bench tank/bare/%s\nzfs clone %s/disk0@bench tank/bare/%s/disk0\n" % (dataset, name, dataset, name)
                             for name in names))
    words = [command.replace("tank/bhype/vm/clone", "tank/bare/again").replace("bhype/.new", "bare")
             for task in tasks for command in commands_of(host, task) if re.search(r"zfs (create|clone|rename|destroy)", command)]
    same = bare(host, "".join(command + "\n" for command in words))
    bench.row("%d linked clones, wall" % CLONES, took, own, "zfs clone of file system and disk", 1.3, seconds)
    bench.row("%d linked clones, wall" % CLONES, took, same, "what the tasks ran that changes ZFS, bare", 1.3, seconds)


def pretend_snapshots(host):
    """A VM with so many in zfs's answer: the lab's makes thirteen a second."""
    script = host.lab.root + "/sbin/zfs"
    with open(script) as file:
        text = file.read()
    with open(script, "w") as file:
        file.write(text.replace('case "$*" in\n', 'case "$*" in\n"list -H -p -o name,creation"*"%s") exec /bin/cat /var/bench/snapshots ;;\n' % STANDING)
                   .replace("/.lab/bench/zfs \"$@\" || exit\n", "case $* in *name,creation*/%s) ;; *) /.lab/bench/zfs \"$@\" || exit ;; esac\n" % STANDING))
    with open(host.lab.root + "/var/bench/snapshots", "w") as file:
        for number in range(SNAPSHOTS // 2):
            for place in ("", "/disk0"):
                file.write("tank/bhype/vm/%s%s@night-%06d\t%d\t%d\t13107200\t52428800\t0\toff\t\tplan night\t\t-\n"
                           % (STANDING, place, number, 1700000000 + number * 3600, 1000 + number))


def page(host):
    """Seconds for a page of them."""
    took = []
    for _ in range(ROUNDS):
        answers = []
        took.append(timed(lambda: answers.append(host.get("/api/v1/vms/%s/snapshots?limit=100" % STANDING))))
        if json.loads(answers[0].body)["total"] != SNAPSHOTS // 2:
            raise Failed("they are not listed")
    return statistics.median(took)


def run(bench):
    host = bench.host
    pretend_snapshots(host)
    own = page(host)
    bench.report.plain("a page of %d snapshots that zfs has in no time, wall" % SNAPSHOTS, seconds(own), "")
    host.make_real()
    plan(bench, host)
    listed = "zfs list -H -p -o name,creation,createtxg,used,refer,userrefs,defer_destroy,clones,bhype:made-by,bhype:live,bhype:note " \
             "-t snapshot -s createtxg -r tank/bhype/vm"
    rows = len(host.lab.sh(listed + " | cut -f 1", timeout=600).out.splitlines())
    zfs = bare(host, listed + "\n") / rows * SNAPSHOTS
    bench.row("a page of %d snapshots, wall" % SNAPSHOTS, own + zfs, zfs, "zfs list, at its speed with %d" % rows, 1.2, seconds)
    clones(bench, host)
