"""The uplink: a NIC is bridged, NICs become a lagg, a VLAN for the host; it goes back by itself unless it is kept."""

import contextlib
import json
import os
import re
import signal
import threading
import time

from labkit import eventually

HOST = "192.0.2.10"
SECONDS = 10


def reachable(lab, address=HOST):
    return lab.verb("outside", "--", "ping", "-c", "1", "-W", "1", address).status == 0


def uplinks(lab):
    return lab.bhype("uplink", "list", "--json").json()


def guard(lab):
    return uplinks(lab)["guard"]


def addresses(lab, name):
    """Without the link-local ones, which come and go by themselves."""
    text = lab.exec("ifconfig", "-f", "inet:cidr,inet6:cidr", name).out
    words = [line.split() for line in text.splitlines()]
    return [line[1] for line in words if line[:1] in (["inet"], ["inet6"]) and not line[1].startswith("fe80:")]


def picture(lab):
    """What must be the same once a change went back."""
    return {"em0": addresses(lab, "em0"), "bridge": addresses(lab, "bh-public"), "rc.conf": lab.exec("cat", "/etc/rc.conf").out,
            "members": [line for line in lab.exec("ifconfig", "bh-public").out.splitlines() if "member:" in line],
            "route": re.sub("link#[0-9]+ *U", "link U", re.sub(" +", " ", lab.exec("netstat", "-rn", "-f", "inet").out))}


def done(report, name, result):
    if not report.same(name, result.status, 0):
        report.say("%r" % result)


def refusals(lab, report):
    before = picture(lab)
    for words, field in ((("bridge", "em7"), "ports"), (("bridge", "em1"), "ports"), (("bridge", "em0", "--switch", "nat"), "switch"),
                         (("bridge", "em0", "--switch", "none"), "switch"), (("bridge", "em0;ls"), "ports"), (("bridge", "lo0"), "ports"),
                         (("bridge", "em0", "--seconds", "5"), "seconds"), (("unbridge", "em0"), "ports"), (("unlagg", "em0"), "name"),
                         (("lagg", "em0"), "ports"), (("lagg", "em0,em1", "--name", "lagg"), "name"), (("lagg", "em0,em1", "--name", "lagg-1"), "name"),
                         (("vlan", "em0", "20", "--address", "192.0.2.99/24"), "address"), (("vlan", "em0", "20", "--address", "10.77.0.9/24"), "address"), (("lagg", "em0,em0"), "ports"), (("lagg", "em0,em1", "--protocol", "magic"), "protocol"),
                         (("vlan", "em0", "5000"), "vlan"), (("vlan", "em0", "x"), "vlan"), (("vlan", "em0", "20", "--address", "10.0.0.1"), "address")):
        result = lab.bhype("uplink", *words)
        report.same("uplink %s is refused" % " ".join(words), result.status, 3)
        report.holds("and names the field", result.err, field)
    report.same("confirm without a change is refused", lab.bhype("uplink", "confirm").status, 3)
    report.same("nobody else may", lab.bhype("uplink", "bridge", "em0", user="dev1").status, 3)
    plan = lab.bhype("uplink", "bridge", "em0", "--plan")
    report.holds("the plan shows the commands", plan.out, "ifconfig bh-public addm em0")
    report.holds("and the way back", plan.out, "ifconfig bh-public deletem em0")
    report.holds("and rc.conf", plan.out, "sysrc")
    report.same("all that changed nothing", picture(lab), before)


def goes_back(lab, report):
    lab.sh("sysrc ifconfig_em0_alias0='inet 192.0.2.77/32'; ifconfig em0 inet 192.0.2.77/32 alias")
    before = picture(lab)
    both = ["192.0.2.10/24", "192.0.2.77/32"]
    report.same("the host has two addresses, the one that NAT takes first", before["em0"], both)
    done(report, "the NIC joins the bridge", lab.bhype("uplink", "bridge", "em0", "--seconds", str(SECONDS)))
    report.same("the host's addresses are on the bridge", (addresses(lab, "em0"), addresses(lab, "bh-public")), ([], both))
    tagged = lab.bhype("uplink", "vlan", "em0", "20", "--plan")
    report.same("a VLAN below the bridge is refused", tagged.status, 3)
    report.holds("and says why", tagged.err, "takes tagged frames")
    report.check("and reachable", eventually(lambda: reachable(lab), 5))
    report.same("it waits", guard(lab)["state"], "armed")
    report.same("a second change is refused meanwhile", lab.bhype("uplink", "vlan", "em1", "20").status, 1)
    report.same("the switch shows its uplink", lab.bhype("switch", "show", "public", "--json").json().get("uplink"), "em0")
    report.check("unconfirmed it goes back", eventually(lambda: guard(lab)["state"] == "reverted", SECONDS + 10))
    report.same("everything is as it was", picture(lab), before)
    report.check("and reachable", eventually(lambda: reachable(lab), 5))
    report.check("also in what the switch is to be", eventually(lambda: "uplink" not in lab.bhype("switch", "show", "public", "--json").json(), 40, 1))
    lab.sh("sysrc -x ifconfig_em0_alias0; ifconfig em0 inet 192.0.2.77 -alias")


def machine_pids(lab, program):
    space = os.readlink("/proc/%d/ns/pid" % lab.init)
    found = []
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and os.readlink("/proc/%s/ns/pid" % name) == space:
                with open("/proc/%s/comm" % name) as file:
                    if file.read().strip() == program[:15]:
                        found.append(int(name))
        except OSError:
            pass
    return found


def begun(lab):
    try:
        with open(lab.path("/var/bhype/uplink.json")) as file:
            record = json.load(file)
        return record["guard"]["state"], record["begun"]
    except (OSError, ValueError):
        return None, 0


def killed_in_the_middle(lab, report):
    """At every command, hostd alone and with bhyped; nothing but the guard brings the host back."""
    before = picture(lab)
    count = len(lab.bhype("uplink", "bridge", "em0", "--plan", "--json").json()["now"])
    for number in range(1, count + 1):
        # The record of the last change must not be taken for that of this one.
        lab.sh("rm -f /var/bhype/uplink.json")
        lab.restart("bhype_hostd")
        lab.wait_ready()
        victims = machine_pids(lab, "bhype-hostd") + (machine_pids(lab, "bhyped") if number % 2 else [])
        change = threading.Thread(target=lab.bhype, args=("uplink", "bridge", "em0", "--seconds", str(SECONDS), "--no-wait"))
        change.start()
        until = time.monotonic() + 20
        while time.monotonic() < until and begun(lab)[1] < number:
            time.sleep(0.0005)
        for victim in victims:
            with contextlib.suppress(ProcessLookupError):  # a child of hostd's on its way into a command
                os.kill(victim, signal.SIGKILL)
        reached = begun(lab)
        change.join()
        back = eventually(lambda: begun(lab)[0] == "reverted", SECONDS + 15)
        report.check("killed at command %d of %d (%s): it went back" % (number, count, reached), back, begun(lab))
        report.check("and the host is reachable", eventually(lambda: reachable(lab), 5))
        lab.wait_ready()
        report.same("and as it was", picture(lab), before)


def kept(lab, report):
    before = picture(lab)
    done(report, "the NIC joins the bridge", lab.bhype("uplink", "bridge", "em0"))
    done(report, "and is kept", lab.bhype("uplink", "confirm"))
    report.same("kept", guard(lab)["state"], "kept")
    report.same("the switch is up", lab.bhype("switch", "show", "public", "--json").json()["state"], "up")
    result = lab.bhype("switch", "delete", "public")
    report.same("it cannot be deleted", result.status, 3)
    report.holds("and says why", result.err, "unbridge")
    lab.sh("sysrc bhyped_enable=NO bhype_hostd_enable=NO")
    lab.reboot()
    report.check("a boot without bHype is reachable", eventually(lambda: reachable(lab), 20))
    report.same("on the bridge", (addresses(lab, "em0"), addresses(lab, "bh-public")), ([], ["192.0.2.10/24"]))
    lab.sh("sysrc bhyped_enable=YES bhype_hostd_enable=YES")
    lab.sh("service bhype_hostd start; service bhyped start")
    lab.wait_ready()
    report.same("with bHype the switch is up as well", lab.bhype("switch", "show", "public", "--json").json()["state"], "up")
    lab.make_vm("bridged", user="root")
    done(report, "a guest moves to it", lab.bhype("vm", "set-nic", "bridged", "net0", "switch=public"))
    with lab.serial("bridged") as line:
        line.log_in()
        line.answer("killall udhcpc; ifconfig eth0 192.0.2.77 netmask 255.255.255.0; echo set", "set")
        report.check("it is on the uplink's network", eventually(lambda: reachable(lab, "192.0.2.77"), 10))
        report.check("and sees the host", line.answer("ping -c 1 192.0.2.10 | grep -o '1 packets received'", "1 packets received", 20))
    done(report, "the NIC gets its addresses back", lab.bhype("uplink", "unbridge", "em0"))
    done(report, "and that is kept", lab.bhype("uplink", "confirm"))
    report.check("reachable", eventually(lambda: reachable(lab), 5))
    lab.delete_vm("bridged")
    now = picture(lab)
    report.same("rc.conf is as it was", sorted(now["rc.conf"].splitlines()), sorted(before["rc.conf"].splitlines()))
    report.same("and so is the host", {**now, "rc.conf": ""}, {**before, "rc.conf": ""})
    lab.reboot()
    lab.wait_ready()
    report.check("and reachable after a boot", eventually(lambda: reachable(lab), 20))


def lagg(lab, report):
    done(report, "two NICs become one", lab.bhype("uplink", "lagg", "em0,em1", "--protocol", "failover"))
    done(report, "and are kept", lab.bhype("uplink", "confirm"))
    report.same("the address is on it", addresses(lab, "lagg0"), ["192.0.2.10/24"])
    report.check("reachable", eventually(lambda: reachable(lab), 10))
    lab.verb("link", "em0", "down")
    report.check("without its first cable as well", eventually(lambda: reachable(lab), 15))
    lab.verb("link", "em0", "up")
    lab.reboot()
    lab.wait_ready()
    report.check("and after a boot", eventually(lambda: reachable(lab), 20))
    done(report, "it is taken apart", lab.bhype("uplink", "unlagg", "lagg0"))
    done(report, "and that is kept", lab.bhype("uplink", "confirm"))
    report.same("the address is on the first NIC", addresses(lab, "em0"), ["192.0.2.10/24"])
    report.check("reachable", eventually(lambda: reachable(lab), 10))


def vlan(lab, report):
    done(report, "the host has a VLAN", lab.bhype("uplink", "vlan", "em0", "20", "--address", "10.20.0.5/24"))
    report.check("that others reach", eventually(lambda: reachable(lab, "10.20.0.5"), 10))
    done(report, "and takes it back", lab.bhype("uplink", "revert"))
    report.same("it is gone", lab.exec("ifconfig", "em0.20").status, 1)
    done(report, "once more", lab.bhype("uplink", "vlan", "em0", "20", "--address", "10.20.0.5/24"))
    done(report, "and kept", lab.bhype("uplink", "confirm"))
    lab.reboot()
    lab.wait_ready()
    report.check("it is there after a boot", eventually(lambda: reachable(lab, "10.20.0.5"), 20))
    done(report, "and removed", lab.bhype("uplink", "unvlan", "em0", "20"))
    done(report, "for good", lab.bhype("uplink", "confirm"))


def leased(lab, report):
    """The same with an address of DHCP's: the lease stays, its client follows."""
    before = lab.exec("cat", "/etc/rc.conf").out
    # What the lab's rc.conf has by itself comes back at the end.
    lab.sh("sysrc ifconfig_em0=SYNCDHCP; sysrc -x defaultrouter")
    lab.reboot()
    lab.wait_ready()
    got = addresses(lab, "em0")
    if not report.check("the host has a lease", len(got) == 1 and re.match(r"192\.0\.2\.1\d\d/24$", got[0]), got):
        return
    address = got[0].split("/")[0]
    client = lambda name: lab.sh("kill -0 $(cat /var/run/dhclient/dhclient.%s.pid)" % name).status == 0
    report.check("reachable", eventually(lambda: reachable(lab, address), 5))
    # After a boot its bridge has to be made first.
    eventually(lambda: lab.bhype("uplink", "bridge", "em0", "--plan").status == 0, 20, 0.5)
    planned = lab.bhype("uplink", "bridge", "em0", "--plan")
    plan = planned.out + planned.err
    report.holds("the plan stops its client", plan, "service dhclient forcestop em0")
    report.holds("and starts it on the bridge", plan, "service dhclient forcestart bh-public")
    done(report, "the NIC joins the bridge", lab.bhype("uplink", "bridge", "em0", "--seconds", "10"))
    report.same("with the lease", addresses(lab, "bh-public"), got)
    report.check("nobody confirms: it goes back", eventually(lambda: guard(lab)["state"] == "reverted", 25), guard(lab))
    report.same("with nothing that failed", guard(lab)["failures"], [])
    report.check("and its lease", eventually(lambda: addresses(lab, "em0") == got, 20), addresses(lab, "em0"))
    report.check("whose client runs", client("em0") and not client("bh-public"))
    report.check("reachable", eventually(lambda: reachable(lab, address), 5))
    done(report, "once more", lab.bhype("uplink", "bridge", "em0"))
    done(report, "and kept", lab.bhype("uplink", "confirm"))
    report.same("with nothing that failed", guard(lab)["failures"], [])
    report.check("the client is on the bridge", client("bh-public") and not client("em0"))
    report.check("with the same address", eventually(lambda: addresses(lab, "bh-public") == got, 20), addresses(lab, "bh-public"))
    report.check("reachable from behind the router too",
                 eventually(lambda: lab.exec("ping", "-c", "1", "-t", "2", "198.51.100.1").status == 0, 5))
    lab.reboot()
    lab.wait_ready()
    report.check("and after a boot", eventually(lambda: reachable(lab, address), 20), addresses(lab, "bh-public"))
    done(report, "the NIC gets it back", lab.bhype("uplink", "unbridge", "em0"))
    done(report, "and keeps it", lab.bhype("uplink", "confirm"))
    report.check("the same address", eventually(lambda: addresses(lab, "em0") == got, 20), addresses(lab, "em0"))
    report.check("its client is back as well", client("em0") and not client("bh-public"))
    lab.sh("sysrc 'ifconfig_em0=inet 192.0.2.10/24' defaultrouter=192.0.2.1")
    report.same("rc.conf is as it was", sorted(lab.exec("cat", "/etc/rc.conf").out.splitlines()), sorted(before.splitlines()))
    lab.reboot()
    lab.wait_ready()
    report.check("reachable as before", eventually(lambda: reachable(lab), 20))


def asked(lab, report):
    """On a terminal the command itself asks."""
    with lab.terminal("bhype", "uplink", "bridge", "em0", "--seconds", "20") as terminal:
        report.check("it asks", terminal.wait_for("Keep it?", 20), terminal.text)
        terminal.type("n\n")
        report.check("and takes it back", eventually(lambda: guard(lab)["state"] == "reverted", 15))
    report.same("why", guard(lab)["reason"], "it was asked for")


def run(lab, report):
    refusals(lab, report)
    goes_back(lab, report)
    asked(lab, report)
    killed_in_the_middle(lab, report)
    kept(lab, report)
    leased(lab, report)
    lagg(lab, report)
    vlan(lab, report)
