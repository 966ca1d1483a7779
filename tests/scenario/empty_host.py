"""Point 1: an empty host. Doctor before, setup, setup again; and who may not."""

from labkit import DISKS, POOL


def run(lab, report):
    before = lab.bhype("doctor", user="boss")
    report.same("doctor exits 1 before setup", before.status, 1)
    checks = lab.bhype("doctor", "--json", user="boss").json()
    report.check("doctor has the checks of a host", {"hostd", "bhyve", "firmware", "dnsmasq", "pam", "release", "modules",
                 "memory", "setup", "switches"} <= {check["id"] for check in checks}, [check["id"] for check in checks])
    report.same("doctor lists every check", [c["title"] for c in checks if c["title"] not in before.out], [])
    report.same("doctor says what to do about each that failed",
                [c["id"] for c in checks if c["state"] == "failed" and not c["advice"]], [])
    report.holds("doctor points to setup", before.out, "bhype setup")

    for user, why in (("dev1", "a member"), ("looker", "a viewer"), ("stranger", "somebody without a role")):
        result = lab.bhype("setup", "--pool", POOL, "--disks", DISKS, "--yes", user=user)
        report.check("setup is refused to %s" % why, result.status == 3 and "access.forbidden" in result.err, result,
                     "exit 3, access.forbidden")
    result = lab.bhype("setup", "--pool", POOL, "--disks", "nda0,nda9", "--yes", user="boss")
    report.check("setup names a disk that is not there", result.status == 3 and "nda9" in result.err, result, "exit 3, nda9")
    result = lab.bhype("setup", "--pool", "-rf", "--disks", DISKS, "--yes", user="boss")
    report.check("setup names a pool's impossible name", result.status == 3 and "pool" in result.err, result, "exit 3, pool")
    report.same("no pool was made", lab.exec("zpool", "list", "-H", "-o", "name").out, "")

    plan = lab.bhype("setup", "--pool", POOL, "--disks", DISKS, "--plan", user="boss")
    report.check("setup --plan tells and does nothing", plan.status == 0 and "WIPES" in plan.err and
                 lab.exec("zpool", "list", "-H", "-o", "name").out == "", plan)
    result = lab.bhype("setup", "--pool", POOL, "--disks", DISKS, "--yes", user="boss", timeout=300)
    report.same("setup exits 0", (result.status, result.err if result.status else ""), (0, ""))
    pool = lab.exec("zpool", "status", POOL).out
    report.check("the pool is a mirror of both disks", "mirror-0" in pool and "nda0" in pool and "nda1" in pool, pool)
    report.same("the pool is healthy", lab.exec("zpool", "list", "-H", "-o", "health", POOL).out.strip(), "ONLINE")
    report.check("the nat bridge has an address", "inet 10.77." in lab.exec("ifconfig", "bh-nat").out,
                 lab.exec("ifconfig", "bh-nat"))

    lab.calls(clear=True)
    again = lab.bhype("setup", "--pool", POOL, "--disks", DISKS, "--yes")
    report.check("a second setup says that nothing is to be done", again.status == 0 and
                 "nothing is to be done" in again.out.lower(), again, "exit 0, Nothing is to be done")
    changes = [call[3] for call in lab.calls() if call[3].split()[:2] in (["zpool", "create"], ["zfs", "create"])]
    report.same("and does nothing", changes, [])
    healthy = lambda after: (after.status, [line for line in after.out.splitlines() if line.startswith("failed")])
    report.same("doctor exits 0 after setup", healthy(lab.bhype("doctor", user="boss")), (0, []))
    lab.reboot()
    lab.wait_ready()
    report.same("doctor exits 0 after a loss of power", healthy(lab.bhype("doctor", user="boss")), (0, []))
