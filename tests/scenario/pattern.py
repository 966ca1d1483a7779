"""Point pattern: a guest writes numbered blocks without a pause while it is snapshot, cloned, killed and rolled back;
what each snapshot holds is the beginning of what was written. And twenty linked clones of a running VM that all boot."""

import time

from labkit import POOL, eventually

from snapshots import done, names

# Of the disk, in blocks of 512 bytes: behind what the image takes.
FIRST = 1000000
MOST = 4000
CLONES = 20
AT_ONCE = 4

WRITER = (": >/dev/null; i=%d; while :; do i=$((i+1)); printf '%%0511d\\n' $i | "
          "dd of=/dev/vda bs=512 seek=$((" + str(FIRST) + "+i)) conv=fsync,notrunc 2>/dev/null; done & echo wri''ting")


def prefix(lab, volume):
    """The last number of the pattern on a volume; a text that says what is wrong when it is no beginning of it."""
    path = "/dev/zvol/%s/bhype/vm/%s" % (POOL, volume)
    read = lab.sh("dd if=%s bs=512 skip=%d count=%d 2>/dev/null" % (path, FIRST + 1, MOST))
    blocks = [read.out[at:at + 512] for at in range(0, len(read.out), 512)]
    last = 0
    for number, block in enumerate(blocks, 1):
        if block == "%0511d\n" % number:
            if last != number - 1:
                return "%d stands behind %d" % (number, last)
            last = number
        elif block.strip("\0"):
            return "block %d is torn: %r" % (number, block[:20] + "..." + block[-20:])
    return last


def write_on(lab, name, last):
    with lab.serial(name) as line:
        line.log_in()
        return line.answer(WRITER % last, "writing", 20)


def run(lab, report):
    lab.make_vm("pat1")
    report.check("the guest writes", write_on(lab, "pat1", 0))
    for number in range(4):
        time.sleep(1.5)
        done(report, "snapshot %d" % number, lab.bhype("snapshot", "create", "pat1", "s%d" % number, user="dev1"))
        if number == 1:
            lab.bhype("vm", "kill", "pat1", user="dev1")
            report.same("killed", eventually(lambda: lab.vm("pat1")["state"] == "stopped", 20), True)
            last = prefix(lab, "pat1/disk0")
            report.check("what it wrote until then is there", isinstance(last, int) and last > 0, last)
            done(report, "started again", lab.bhype("vm", "start", "pat1", user="dev1"))
            lab.wait_running("pat1")
            report.check("it goes on", write_on(lab, "pat1", last))
        elif number == 2:
            for pid in lab.sh("pgrep -f '^bhyve: pat1$'").out.split():
                lab.exec("kill", "-9", pid)
            failed = eventually(lambda: lab.vm("pat1")["state"] in ("failed", "stopped"), 20)
            report.check("its bhyve was killed", failed, lab.vm("pat1"))
            last = prefix(lab, "pat1/disk0")
            report.check("nothing before is missing", isinstance(last, int), last)
            done(report, "and started again", lab.bhype("vm", "start", "pat1", user="dev1"))
            lab.wait_running("pat1")
            report.check("and it goes on", write_on(lab, "pat1", last))
    found = []
    for number in range(4):
        done(report, "a clone of snapshot %d" % number,
             lab.bhype("snapshot", "clone", "pat1", "pat1c%d" % number, "--snapshot", "s%d" % number, user="dev1"))
        found.append(prefix(lab, "pat1c%d/disk0" % number))
    report.check("each snapshot is a beginning of what was written, and longer than the one before",
                 all(isinstance(one, int) for one in found) and found[0] > 0 and found == sorted(set(found)), found)
    lab.bhype("vm", "kill", "pat1", user="dev1")
    for number in (3, 0):
        for later in range(number + 1, 4):
            lab.bhype("vm", "delete", "pat1c%d" % later, "--yes", user="dev1")
        done(report, "rolled back to snapshot %d" % number, lab.bhype("snapshot", "rollback", "pat1", "s%d" % number, "--yes", user="dev1"))
        report.same("it is what the snapshot held", prefix(lab, "pat1/disk0"), found[number])
    lab.bhype("vm", "delete", "pat1c0", "--yes", user="dev1")
    lab.bhype("vm", "delete", "pat1", "--yes", user="dev1")
    twenty(lab, report)


def twenty(lab, report):
    lab.make_vm("many")
    api = lab.local()
    made = []
    for number in range(CLONES):
        answer = api.post("/api/v1/vms/many/clone", {"name": "many%d" % number, "owner": "dev1"})
        made.append(answer.status)
    report.same("%d clones are asked for at once" % CLONES, made, [202] * CLONES)
    there = eventually(lambda: len([vm for vm in api.get("/api/v1/vms").json() if vm["name"].startswith("many") and not vm.get("task")]) == CLONES + 1, 180, 1)
    report.check("and made", there, [vm["name"] for vm in api.get("/api/v1/vms").json()])
    booted = []
    for begin in range(0, CLONES, AT_ONCE):
        group = ["many%d" % number for number in range(begin, begin + AT_ONCE)]
        for name in group:
            lab.bhype("vm", "start", name, "--no-wait", user="dev1")
        for name in group:
            try:
                lab.wait_running(name, 180)
                booted.append(name)
            finally:
                lab.bhype("vm", "kill", name, user="dev1")
    report.same("all of them boot", len(booted), CLONES)
    for number in range(CLONES):
        lab.bhype("vm", "delete", "many%d" % number, "--yes", "--no-wait", user="dev1")
    gone = eventually(lambda: not [vm for vm in api.get("/api/v1/vms").json() if vm["name"].startswith("many") and vm["name"] != "many"], 120, 1)
    report.check("and are deleted", gone)
    lab.bhype("vm", "kill", "many", user="dev1")
    report.check("each left its snapshot", len(names(lab, "many")) == CLONES, names(lab, "many"))
