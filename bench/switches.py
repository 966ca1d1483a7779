"""The lists of 200 switches and 2,000 NICs, and how many commands a look at them takes."""

import json
import sqlite3
import time

from host import VMS
from labkit import Failed, eventually
from measure import cpu

SWITCHES = 200
NICS = 2  # of each VM
CALLS = 20
WATCHED = 120  # seconds


def make_switches(host):
    """Where bhyped keeps them: it makes all of their bridges when it starts, which takes the lab less time than one after the
    other, since its pf is no kernel's."""
    host.lab.exec("service", "bhyped", "stop")
    with sqlite3.connect(host.lab.root + "/var/db/bhype/bhype.db") as database:
        for number in range(SWITCHES):
            wanted = {"name": "s%d" % number, "kind": "private", "isolated": False, "reach_host": False, "dhcp": True, "dns": [], "options": [],
                      "address": "10.%d.%d.1/24" % (100 + number // 100, number % 100), "hosts_addresses": False}
            database.execute("INSERT INTO documents (kind, name, body) VALUES ('switch', ?, ?)", (wanted["name"], json.dumps(wanted)))


def run(bench):
    host = bench.host
    make_switches(host)
    host.give_nics(NICS, ["s%d" % number for number in range(SWITCHES)])
    if not eventually(lambda: [one["state"] for one in host.api.get("/api/v1/switches").json()].count("up") >= SWITCHES, 600, 2):
        raise Failed("not %d switches are up" % SWITCHES)
    bhyped = host.pid("bhyped")
    took, used = {}, {}
    for path in ("/api/v1/switches", "/api/v1/vms", "/api/v1/leases", "/api/v1/traffic"):
        walls, before = [], cpu(bhyped)
        for _ in range(CALLS):
            begun = time.monotonic()
            answer = host.api.get(path)
            walls.append(time.monotonic() - begun)
            if answer.status != 200:
                raise RuntimeError("%s: %r" % (path, answer))
        took[path], used[path] = sorted(walls)[CALLS // 2], (cpu(bhyped) - before) / CALLS
    nics = sum(len(vm["nics"]) for vm in json.loads(host.api.get("/api/v1/vms").body))
    for path in took:
        bench.report.plain("GET %s with %d switches and %d NICs" % (path, SWITCHES, nics), "%.1f ms wall" % (took[path] * 1e3),
                           "%.1f ms CPU" % (used[path] * 1e3), "")
    host.lab.calls(clear=True)
    time.sleep(WATCHED)
    calls = [call[3] for call in host.lab.calls()]
    bench.report.plain("host commands in %d s, nothing changed" % WATCHED, str(len(calls)), "%d VMs" % VMS, "")
    most = max((calls.count(call) for call in set(calls)), default=0)
    bench.report.plain("the command among them that was run most often", str(most), max(set(calls), key=calls.count, default="")[:60], "")
