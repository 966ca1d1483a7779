"""The list of 1,000 VMs beside nginx with the same bytes in a file, and beside libvirtd."""

import os
import statistics
import subprocess
import time

from host import VMS
from labkit import eventually
from measure import cpu

REQUESTS = 2000
ROUNDS = 3
CHANGES = 30
REST = 0.05  # until the threads that made the change are at rest
STARTS = 5


def spent(pid, command, times):
    """CPU seconds of `pid` for each of `times` requests that `command` makes, and what it printed."""
    before = cpu(pid)
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return (cpu(pid) - before) / times, printed.split()


def milliseconds(seconds):
    return "%.3f ms" % (seconds * 1e3)


def run(bench):
    host, nginx = bench.host, bench.nginx
    web = host.lab.web("boss")
    bhyped = host.pid("bhyped")
    before = cpu(bhyped)
    answer = web.get("/api/v1/vms")
    first = cpu(bhyped) - before
    tag = answer.headers["ETag"]
    with open(nginx.www + "/list", "wb") as file:
        file.write(answer.body)
    address = host.lab.path("/var/run/bhype/api/http.sock")

    def ask(where, path, *headers):
        return [bench.program("http/http_bench"), "get", where, str(REQUESTS), path, *headers]

    _, (_, size) = spent(nginx.worker, [*ask(nginx.files, "/list")[:3], "1", "/list"], 1)
    etag = subprocess.run(["curl", "-sI", "--unix-socket", nginx.files, "http://h/list"], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    etag = next(line.split(": ")[1].strip() for line in etag.splitlines() if line.lower().startswith("etag"))
    plain, same, file, file_same = [], [], [], []
    for _ in range(ROUNDS):
        for kept, pid, command, status in (
                (file, nginx.worker, ask(nginx.files, "/list"), "200"),
                (plain, bhyped, ask(address, "/api/v1/vms", "Cookie: " + web.cookie), "200"),
                (file_same, nginx.worker, ask(nginx.files, "/list", "If-None-Match: " + etag), "304"),
                (same, bhyped, ask(address, "/api/v1/vms", "Cookie: " + web.cookie, "If-None-Match: " + tag), "304")):
            took, (got, length) = spent(pid, command, REQUESTS)
            if got != status or (status == "200" and length != size):
                raise RuntimeError("%s: %s with %s bytes" % (" ".join(command), got, length))
            kept.append(took)
    plain, same, file, file_same = map(statistics.median, (plain, same, file, file_same))

    # In turns, and each after a rest: caches are as cold for the one as for the other.
    libvirtd = bench.libvirtd
    libvirtd.list()
    anew, theirs = [], []
    for number in range(CHANGES):
        host.change("change %d" % number)
        for kept, pid, ask_once in ((anew, bhyped, lambda: host.api.get("/api/v1/vms")), (theirs, libvirtd.pid, libvirtd.list)):
            time.sleep(REST)
            before = cpu(pid)
            ask_once()
            time.sleep(0.002)
            kept.append(cpu(pid) - before)
    anew, call = statistics.median(anew), statistics.median(theirs)

    size = "%d kB" % (int(size) // 1000)
    row = bench.row
    row("list of %d VMs (%s), one changed before each" % (VMS, size), anew, file, "nginx, file", 10, milliseconds)
    bench.report.plain("list, the first of a user: each VM encoded", milliseconds(first), milliseconds(file) + " (nginx, file)",
                       "%.2f" % (first / file))
    row("list, nothing changed", plain, file, "nginx, file", 2, milliseconds)
    bench.report.plain("list, nothing changed, If-None-Match: 304", milliseconds(same), milliseconds(file_same) + " (nginx, 304)",
                       "%.2f" % (same / file_same))
    row("list, one changed before each", anew, call, "libvirtd, statistics of %d domains" % VMS, 1 / 50, milliseconds)
    first_answer(bench)


def first_answer(bench):
    """From the start of bhyped's process until the list of all VMs has come."""
    host, lab = bench.host, bench.host.lab
    took, used = [], []
    for _ in range(STARTS):
        lab.exec("service", "bhyped", "stop")
        if host.pids("bhyped"):
            raise RuntimeError("bhyped does not stop")
        begun = lab.root + "/var/bench/begun"
        with open(begun, "w"):
            os.chmod(begun, 0o666)
        started = subprocess.Popen(
            ["./dev", "lab", "exec", "--dir", lab.dir, "--user", "bhype", "--", "/bin/sh", "-c",
             "date +%s%N >/var/bench/begun; exec /usr/local/sbin/bhyped"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def probe():
            try:
                api = lab.local()
                answer = api.get("/api/v1/vms")
                api.close()
                return answer if answer.status == 200 else None
            except OSError:
                return None

        answer = eventually(probe, 20, 0.001)
        end = time.time_ns()
        used.append(cpu(host.pid("bhyped")))
        if not answer or len(answer.json()) != VMS:
            raise RuntimeError("first answer: %r" % answer)
        with open(begun) as file:
            took.append((end - int(file.read())) / 1e9)
        os.kill(host.pid("bhyped"), 15)
        started.wait(20)
    lab.exec("service", "bhyped", "start")
    lab.wait_ready()
    host.api.close()
    bench.limit("first answer after bhyped's start, CPU time", statistics.median(used), 0.1, milliseconds)
    bench.limit("first answer after bhyped's start, wall", statistics.median(took), 0.1, milliseconds)
