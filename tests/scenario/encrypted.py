"""Point encrypted: a host whose VMs lie in an encrypted pool, over a boot. It has a lab of its own."""

from labkit import POOL, Lab, eventually
from pools import alerts, done, pool

PASSPHRASE = "correct horse battery"


def give(lab, *words, passphrase=PASSPHRASE):
    return lab.bhype("pool", *words, stdin=passphrase + "\n", timeout=300)


def run(lab, report):
    with Lab(release=lab.release, disks="3x20G") as other:
        scenario(other, report)


def scenario(lab, report):
    wrong(lab, report)
    planned = lab.bhype("setup", "--pool", POOL, "--disks", "nda0,nda1", "--encrypt", "passphrase", "--plan")
    report.check("the plan of a setup warns", planned.status == 0 and "encrypted, of nda0 nda1" in planned.err and "after each boot" in planned.err.lower(), planned)
    done(report, "the host is set up on an encrypted mirror",
         lab.bhype("setup", "--pool", POOL, "--disks", "nda0,nda1", "--encrypt", "passphrase", "--yes", stdin=PASSPHRASE + "\n", timeout=300))
    late = lab.bhype("setup", "--pool", POOL, "--encrypt", "file", "--yes")
    report.check("it cannot be had afterwards", late.status == 3 and "encryption: there is a pool" in late.err, late)
    report.same("it is open", (pool(lab, POOL)["encryption"], pool(lab, POOL)["locked"]), ("passphrase", False))
    done(report, "one with a key file", lab.bhype("pool", "create", "vault", "nda2", "--encrypt", "file", "--yes"))
    report.same("which is root's alone", lab.sh("stat -c '%U %a %s' /usr/local/etc/bhype/keys/vault.key; stat -c '%a' /usr/local/etc/bhype/keys").out.split(),
                ["root", "400", "32", "700"])
    lab.sh("zfs create -o mountpoint=/vault vault/files && echo precious >/vault/note && zpool sync vault")
    lab.make_vm("sealed")
    told = lab.sh("bhype task list --json; bhype task log $(bhype task list --plain | head -n 1 | cut -f 1)").out
    report.check("no passphrase in a task", PASSPHRASE not in told, told[-2000:])
    report.same("nor in a file of the host", lab.sh("grep -rl '%s' /var /usr/local/etc /tmp 2>/dev/null" % PASSPHRASE).out, "")
    busy = lab.bhype("pool", "lock", POOL)
    report.check("in use it is not locked", busy.status == 1 and "storage" in busy.err, busy)
    report.same("and the guest goes on", (lab.vm("sealed")["state"], pool(lab, POOL)["locked"]), ("running", False))
    done(report, "the guest stops", lab.bhype("vm", "kill", "sealed", user="dev1"))

    lab.reboot()
    lab.wait_ready()
    report.check("after a boot it is locked", eventually(lambda: pool(lab, POOL)["locked"], 30), pool(lab, POOL))
    found = eventually(lambda: alerts(lab, POOL), 45)
    report.check("an alert says so, and what to do", found and "bhype pool unlock " + POOL in found[0]["advice"], found)
    report.same("the other one has opened itself", (pool(lab, "vault")["locked"], lab.sh("cat /vault/note").out), (False, "precious\n"))
    refused = lab.bhype("vm", "start", "sealed", user="dev1")
    report.check("its VMs do not start", refused.status in (1, 3), refused)
    bad = give(lab, "unlock", POOL, passphrase="wrong horse battery")
    report.check("a wrong passphrase is refused", bad.status == 1 and "storage.key_wrong" in bad.err, bad)
    report.same("and nothing is open", pool(lab, POOL)["locked"], True)
    done(report, "the right one opens it", give(lab, "unlock", POOL))
    report.same("it is open", pool(lab, POOL)["locked"], False)
    report.check("the alert is over", eventually(lambda: not alerts(lab, POOL), 45), alerts(lab, POOL))
    report.check("the VM is there again", eventually(lambda: lab.vm("sealed").get("state") == "stopped", 75, 1), lab.bhype("vm", "show", "sealed"))
    done(report, "and starts", lab.bhype("vm", "start", "sealed", user="dev1"))
    report.check("with its address", eventually(lambda: lab.vm("sealed")["nics"][0].get("address"), 90, 1), lab.vm("sealed"))
    done(report, "it stops", lab.bhype("vm", "kill", "sealed", user="dev1"))
    done(report, "then the pool is locked", lab.bhype("pool", "lock", POOL))
    report.same("the data is gone from sight", lab.sh("ls /%s/bhype/vm 2>/dev/null" % POOL).out, "")
    done(report, "locking it twice changes nothing", lab.bhype("pool", "lock", POOL))
    done(report, "the vault is locked and unlocked", lab.bhype("pool", "lock", "vault"))
    done(report, "by its file", lab.bhype("pool", "unlock", "vault"))
    report.same("its data is there", lab.sh("cat /vault/note").out, "precious\n")


def wrong(lab, report):
    for title, words, passphrase, status, part in (
            ("a short passphrase", ("create", POOL, "nda0", "--encrypt", "passphrase", "--yes"), "short", 3, "8 to 512"),
            ("no passphrase", ("create", POOL, "nda0", "--encrypt", "passphrase", "--yes"), "", 3, "8 to 512"),
            ("another kind of key", ("create", POOL, "nda0", "--encrypt", "magic", "--yes"), PASSPHRASE, 3, "encryption.key")):
        result = give(lab, *words, passphrase=passphrase)
        report.check(title + " is refused", result.status == status and part in result.err, result)
    report.same("nothing was made", lab.exec("zpool", "list", "-H", "-o", "name").out, "")
    plan = lab.bhype("pool", "create", POOL, "nda0", "--encrypt", "file", "--plan", "--json").json()
    report.holds("the plan shows the key's place", plan["commands"][0], "keylocation=file:///usr/local/etc/bhype/keys/%s.key" % POOL)
    report.check("and warns of it", any("keep a copy" in warning for warning in plan["warnings"]), plan)
