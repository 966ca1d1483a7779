"""Point 4.1 of the networks: switches, addresses and names, NAT, isolation and forwards, with real packets."""

import json

from labkit import eventually

INTERNET = "198.51.100.1"


def task(report, name, result):
    report.same(name, result.status, 0)
    if result.status != 0:
        report.say("%r" % result)


def switch(lab, name):
    return lab.bhype("switch", "show", name, "--json").json()


def get(address, path="/", port=80):
    """A request from a guest's shell: busybox's wget, linked statically, needs name services that the guest has not."""
    return "printf 'GET %s HTTP/1.0\\r\\n\\r\\n' | nc -w 3 %s %d" % (path, address, port)


def fetch(line, address, wanted, path="/"):
    """Whether the page comes and has that text."""
    return line.answer("%s | grep -o '%s' | head -n 1" % (get(address, path), wanted), wanted, 30)


def silent(line, address):
    return line.answer("%s | grep -q HTTP && echo reached || echo no answer" % get(address), "no answer", 30)


def from_outside(lab, port):
    return lab.verb("outside", "--", "sh", "-c", get("192.0.2.10", port=port).replace("| nc", "| busybox nc")).out


def first_switches(lab, report):
    names = {item["name"]: item for item in lab.bhype("switch", "list", "--json").json()}
    report.same("three switches after setup", sorted(names), ["nat", "private", "public"])
    report.same("in these states", {name: item["state"] for name, item in names.items()}, {"nat": "up", "private": "up", "public": "unconnected"})
    shown = lab.bhype("firewall", "show", "--json").json()
    report.check("pf calls bHype's rules", shown["called"] and not shown["todo"], shown)


def two_guests(lab, report):
    for name in ("net1", "net2"):
        lab.make_vm(name)
    leases = {lease["vm"]: lease for lease in lab.bhype("lease", "list", "--json", user="dev1").json()}
    report.check("both have leases", {"net1", "net2"} <= set(leases), leases)
    with lab.serial("net1") as line:
        line.log_in()
        address = leases["net2"]["address"]
        report.check("a guest resolves another's name", line.answer("nslookup net2 | grep -o '%s'" % address, address), line.text[-500:])
        report.check("and reaches it", fetch(line, address, "net2"), line.text[-500:])
        report.check("a guest reaches the internet by NAT", fetch(line, INTERNET, "outside"), line.text[-500:])
        report.check("with the host's address", fetch(line, INTERNET, "192.0.2.10", "/cgi-bin/address"), line.text[-500:])
        report.check("and not the host itself", silent(line, "192.0.2.10"), line.text[-500:])


def forwards(lab, report):
    task(report, "a port is forwarded", lab.bhype("forward", "create", "net1", "--port", "8080", "--to", "80"))
    page = eventually(lambda: from_outside(lab, 8080), 20, 1)
    report.holds("and answers from outside", page, "net1")
    again = lab.bhype("forward", "create", "net2", "--port", "8080")
    report.same("the same port twice is refused", again.status, 3)
    report.holds("and says who has it", again.err, "net1")
    taken = lab.bhype("forward", "create", "net1", "--port", "443", "--to", "80")
    report.same("a port that the host serves itself is refused", taken.status, 3)
    report.holds("and says who has it", taken.err, "nginx")
    task(report, "the forward is removed", lab.bhype("forward", "delete", "tcp-8080"))
    report.same("and answers no more", from_outside(lab, 8080), "")


def listed(lab, name="tcp-8081"):
    return {one["name"]: one for one in lab.bhype("forward", "list", "--json").json()}.get(name)


def alerts(lab, wanted):
    """Whether they are so once bHype has looked, which it does each minute and at its start."""
    lab.restart("bhyped")
    return eventually(lambda: wanted(lab.bhype("alert", "list").out), 20, 0.5)


def forward_follows(lab, report):
    """net2 is on the private switch now."""
    task(report, "a forward leads to a guest", lab.bhype("forward", "create", "net1", "--port", "8081", "--to", "80"))
    report.same("it is active", (listed(lab)["state"], listed(lab)["to"]), ("active", lab.vm("net1")["nics"][0]["address"]))
    lab.bhype("vm", "set-nic", "net1", "net0", "switch=private", user="dev1")
    report.same("on a switch that is not translated it is broken", listed(lab)["state"], "broken")
    report.check("there is an alert", alerts(lab, lambda text: "tcp-8081 leads nowhere" in text), lab.bhype("alert", "list").out)
    report.check("its old address is not shown as current", eventually(lambda: not (lab.vm("net1")["nics"][0].get("address") or "").startswith("10.77.0."), 15, 1),
                 lab.vm("net1")["nics"])
    report.holds("its lease is of the switch that gave it", json.dumps([one for one in lab.bhype("lease", "list", "--json").json() if one.get("vm") == "net1"]), '"switch": "nat"')
    told = lab.bhype("vm", "diagnose", "net1")
    report.holds("diagnose looks at all NICs", told.out, "net0:")
    lab.bhype("vm", "set-nic", "net1", "net0", "switch=nat", user="dev1")
    report.check("back again it is active", eventually(lambda: listed(lab)["state"] == "active", 15, 1), listed(lab))
    report.check("the alert is over", alerts(lab, lambda text: "tcp-8081" not in text), lab.bhype("alert", "list").out)
    report.holds("deleting the VM would take it along", lab.bhype("vm", "delete", "net1", "--plan").out, "forward tcp-8081")
    task(report, "the forward is removed", lab.bhype("forward", "delete", "tcp-8081"))


def reservation(lab, report):
    wrong = lab.bhype("vm", "set-nic", "net2", "net0", "fixed=10.99.0.5", user="dev1")
    report.same("an address of another network is refused", wrong.status, 3)
    report.holds("with the field", wrong.err, "fixed")
    task(report, "an address is kept for a NIC", lab.bhype("vm", "set-nic", "net2", "net0", "fixed=10.77.0.50", user="dev1"))
    with lab.serial("net2") as line:
        line.log_in()
        line.answer("killall udhcpc; ifconfig eth0 0.0.0.0; udhcpc -q -n -i eth0 -s /usr/share/udhcpc/script >/dev/null 2>&1; echo asked", "asked", 40)
        report.check("the guest gets it", line.answer("ifconfig eth0 | grep -o 'addr:[0-9.]*'", "addr:10.77.0.50"), line.text[-500:])


    changed = lab.bhype("switch", "set", "nat", "address=10.88.0.1/24")
    report.same("a network without the kept address is refused", changed.status, 3)
    report.holds("and says whose it is", changed.err, "net2's net0 keeps 10.77.0.50")
    report.same("without DHCP too", lab.bhype("switch", "set", "nat", "dhcp=no").status, 3)
    taken = lab.vm("net1")["nics"][0]["address"]
    stolen = lab.bhype("vm", "set-nic", "net2", "net0", "fixed=" + taken, user="dev1")
    report.same("an address that another has leased is refused", stolen.status, 3)
    report.holds("and says so", stolen.err, "is leased to")


def moved(lab, report):
    task(report, "a running VM's NIC moves to the private switch", lab.bhype("vm", "set-nic", "net2", "net0", "switch=private", "fixed=", user="dev1"))
    vm = lab.vm("net2")
    report.same("without a restart", (vm["nics"][0]["switch"], vm["pending_restart"], vm["reboots"]), ("private", [], 0))
    # bHype looks at the interfaces every few seconds; the VM may have been started a moment ago.
    joined = eventually(lambda: lab.vm("net2")["nics"][0]["tap"] in switch(lab, "private")["members"], 15, 0.5)
    report.check("its tap is in the other bridge", joined, (lab.vm("net2")["nics"], switch(lab, "private")))
    with lab.serial("net2") as line:
        line.log_in()
        line.answer("ifconfig eth0 0.0.0.0; udhcpc -q -n -i eth0 -s /usr/share/udhcpc/script >/dev/null 2>&1; echo asked", "asked", 40)
        report.check("it has a lease of that switch", line.answer("ifconfig eth0 | grep -o 'addr:10.77.1'", "addr:10.77.1"), line.text[-500:])
        line.answer("route add default gw 10.77.1.1; echo routed", "routed")
        report.check("private reaches nothing outside", silent(line, INTERNET), line.text[-500:])
        report.check("nor guests of another switch", silent(line, lab.vm("net1")["nics"][0]["address"]), line.text[-500:])
    refused = lab.bhype("switch", "delete", "private")
    report.same("a switch in use is not deleted", refused.status, 3)
    report.holds("and says by whom", refused.err, "net2")


def isolated(lab, report):
    task(report, "another nat switch, isolated", lab.bhype("switch", "create", "apart", "isolated=yes"))
    planned = lab.bhype("switch", "delete", "apart", "--plan")
    report.check("its removal is told", planned.status == 0 and "destroy bridge bh-apart, with 10.77.2.1/24" in planned.out, planned)
    made = switch(lab, "apart")
    report.same("it has a free network", made["address"], "10.77.2.1/24")
    for name in ("net1", "net2"):
        task(report, "%s moves there" % name, lab.bhype("vm", "set-nic", name, "net0", "switch=apart", user="dev1"))
    addresses = {}
    for name in ("net1", "net2"):
        with lab.serial(name) as line:
            line.log_in()
            line.answer("killall udhcpc; ifconfig eth0 0.0.0.0; udhcpc -q -n -i eth0 -s /usr/share/udhcpc/script >/dev/null 2>&1; echo asked", "asked", 40)
        addresses[name] = eventually(lambda: (lab.vm(name)["nics"][0].get("address") or "").startswith("10.77.2.") and lab.vm(name)["nics"][0]["address"], 15)
    report.check("both have addresses there", all(addresses.values()), addresses)
    with lab.serial("net1") as line:
        line.log_in()
        report.check("they do not reach each other", silent(line, addresses["net2"]), line.text[-500:])
        report.check("they reach the internet", fetch(line, INTERNET, "outside"), line.text[-500:])
    task(report, "isolation ends", lab.bhype("switch", "set", "apart", "isolated=no"))
    with lab.serial("net1") as line:
        line.log_in()
        report.check("then they reach each other", fetch(line, addresses["net2"], "net2"), line.text[-500:])


def survives(lab, report):
    """A lease outlasts everything: both daemons, dnsmasq, the host."""
    address = lab.vm("net1")["nics"][0]["address"]
    lease = lambda: {one.get("vm"): one["address"] for one in lab.bhype("lease", "list", "--json").json()}.get("net1")
    report.same("net1 has a lease", lease(), address)
    lab.restart("bhype_hostd")
    lab.restart("bhyped")
    lab.wait_ready()
    report.same("it is there after a restart of both daemons", lease(), address)
    old = lab.sh("cat /var/run/bhype/dnsmasq.pid").out.strip()
    lab.sh("kill -9 " + old)
    # The dead one may be answered for until its parent has read its status.
    report.check("dnsmasq is started again", eventually(
        lambda: lab.sh("new=$(cat /var/run/bhype/dnsmasq.pid); [ $new != %s ] && kill -0 $new" % old).status == 0, 75, 1))
    report.same("it is there after dnsmasq's death", lease(), address)
    report.check("doctor tells of it", eventually(lambda: "ended by itself" in lab.bhype("doctor").out, 10), lab.bhype("doctor").out)
    lab.reboot()
    lab.wait_ready()
    report.same("and after a boot of the host", lease(), address)
    report.check("its switch is made again", eventually(lambda: switch(lab, "apart")["state"] == "up", 30, 0.5), switch(lab, "apart"))
    if lab.vm("net1")["state"] != "running":
        task(report, "the guest starts", lab.bhype("vm", "start", "net1", user="dev1"))
    got = eventually(lambda: lab.vm("net1")["nics"][0].get("address"), 60, 1)
    report.same("and has its address again", got, address)


def closed(lab, report):
    """A guest that gives itself addresses of a family that its switch has no network of."""
    task(report, "a switch with IPv6 alone", lab.bhype("switch", "create", "six", "--kind", "private", "address6=fd00:78::1/64"))
    task(report, "a guest moves there", lab.bhype("vm", "set-nic", "net1", "net0", "switch=six", "fixed=", user="dev1"))
    bridge = next(line.split()[1] for line in lab.exec("ifconfig", "bh-six").out.splitlines() if "ether" in line)
    with lab.serial("net1") as line:
        line.log_in()
        report.check("it makes itself an address of what is announced",
                     line.answer("for i in 1 2 3 4 5 6 7 8; do ifconfig eth0 | grep -q fd00:78 && break; sleep 2; done; ifconfig eth0 | grep -o fd00:78 | head -n 1", "fd00:78", 30), line.text[-500:])
        line.answer("ifconfig eth0 10.9.9.2 netmask 255.255.255.0; arp -s 10.9.9.1 %s; route add default gw 10.9.9.1; echo set" % bridge, "set")
        counted = lambda: lab.verb("outside", "--", "sh", "-c", "cat /proc/net/snmp").out.split("IcmpMsg:")[-1]
        before = counted()
        line.answer("ping -c 3 -W 1 %s >/dev/null; ping -c 3 -W 1 192.0.2.10 >/dev/null; echo pinged" % INTERNET, "pinged", 30)
        report.same("nothing of it comes outside", counted(), before)
    lab.sh("pfctl -d")
    report.check("pf off is an alert", alerts(lab, lambda text: "pf is off" in text), lab.bhype("alert", "list").out)
    report.holds("and doctor says so", lab.bhype("doctor").out, "pf is off")
    lab.sh("pfctl -e")
    task(report, "the guest moves back", lab.bhype("vm", "set-nic", "net1", "net0", "switch=nat", user="dev1"))
    task(report, "the switch goes", lab.bhype("switch", "delete", "six"))


def port_held(lab, report):
    """Somebody takes port 67 while dnsmasq is dead: an uplink changes all the same, and the alert names who it is."""
    lab.sh("kill -9 $(cat /var/run/bhype/dnsmasq.pid); (python3 -c 'import socket,time; s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
           "s.bind((\"0.0.0.0\", 67)); open(\"/var/run/held\", \"w\").close(); time.sleep(300)' >/dev/null 2>&1 & echo $! >/var/run/holder); "
           "for i in 1 2 3 4 5 6 7 8 9; do [ -e /var/run/held ] && break; sleep 0.3; done")
    refused = lab.bhype("switch", "create", "late")
    report.same("a switch with DHCP is refused", refused.status, 3)
    report.holds("and says who has the port", refused.err, "python")
    report.check("the alert says who", alerts(lab, lambda text: "python" in text), lab.bhype("alert", "list").out)
    ends = [line for line in lab.sh("cat /var/log/bhype/hostd.log").out.splitlines() if "ended by itself" in line]
    report.check("nothing is said to have ended again and again", len(ends) < 4, ends[-5:])
    lab.sh("kill $(cat /var/run/holder)")
    lab.restart("bhyped")
    report.check("freed, dnsmasq serves again", eventually(lambda: lab.sh("kill -0 $(cat /var/run/bhype/dnsmasq.pid)").status == 0, 20))


def bad_input(lab, report):
    before = lab.bhype("switch", "list", "--json").out
    for words, field in ((("x", "address=10.77.0.9/24"), "address"), (("x", "address=300.1.1.1/24"), "address"), (("x", "vlan=20"), "vlan"),
                         (("x", "--kind", "public", "uplink=em0"), "uplink"), (("x", "--kind", "public", "uplink=nope"), "uplink"),
                         (("x", "--kind", "manual", "bridge=bh-nat"), "bridge"), (("x", "domain=a_b"), "domain"), (("x", "mtu=1"), "mtu"),
                         (("x", "options=42:a b"), "options[0].value"), (("nat",), "name"), (("x", "colour=red"), "colour"),
                         (("x", "address=224.0.0.1/24"), "address"), (("x", "address=0.1.2.3/8"), "address"), (("x", "dns=0.0.0.0"), "dns"),
                         (("x", "address6=fd00:77::/64"), "address6"), (("x", "address6=fd00:77::1/60"), "address6"), (("x", "address6=fd00:77::1/64", "mtu=1200"), "mtu"),
                         (("x", "options=42:no-address"), "options"), (("x", "options=53:1"), "options"), (("x", "uplink=bh-nat"), "uplink"), (("X;ls",), "name")):
        result = lab.bhype("switch", "create", *words)
        report.same("switch create %s is refused" % " ".join(words), result.status, 3)
        report.holds("and names the field", result.err, field)
    report.same("nothing changed", lab.bhype("switch", "list", "--json").out, before)


def tidy(lab, report):
    for name in ("net1", "net2"):
        lab.delete_vm(name)
    task(report, "a switch without guests is deleted", lab.bhype("switch", "delete", "apart"))
    report.same("with its bridge", lab.exec("ifconfig", "bh-apart").status, 1)


def run(lab, report):
    first_switches(lab, report)
    two_guests(lab, report)
    forwards(lab, report)
    reservation(lab, report)
    moved(lab, report)
    forward_follows(lab, report)
    isolated(lab, report)
    survives(lab, report)
    closed(lab, report)
    port_held(lab, report)
    bad_input(lab, report)
    tidy(lab, report)
