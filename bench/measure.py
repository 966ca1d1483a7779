"""CPU time and memory of processes, from /proc. Linux; root."""

import contextlib
import os
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")


def stat(pid):
    """Fields of /proc/PID/stat from the third on; nothing when it has gone."""
    try:
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return None


def cpu(*pids):
    """CPU seconds of the threads that these processes have now: to the nanosecond."""
    total = 0
    for pid in pids:
        for thread in os.listdir("/proc/%d/task" % pid):
            try:
                with open("/proc/%d/task/%s/schedstat" % (pid, thread)) as file:
                    total += int(file.read().split()[0])
            except OSError:
                pass
    return total / 1e9


def cpu_of_family(pid):
    """CPU seconds of a process, its children and those that it has waited for: to a tick of 10 ms."""
    fields = stat(pid)
    total = sum(map(int, fields[11:15])) / TICKS if fields else 0
    return total + sum(cpu_of_family(child) for child in children(pid))


def children(pid):
    found = []
    try:
        for thread in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/children" % (pid, thread)) as file:
                found += map(int, file.read().split())
    except OSError:
        pass
    return found


def family(pid):
    return [pid] + [one for child in children(pid) for one in family(child)]


def memory(*pids):
    """Proportional set size in bytes: what is shared counts by the number of its users. What has gone has none."""
    total = 0
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, FileNotFoundError), open("/proc/%d/smaps_rollup" % pid) as file:
            for line in file:
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total


def fields_of(pid):
    try:
        with open("/proc/%d/status" % pid) as file:
            return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    except OSError:
        return {}


class Others:
    """How much of a core others than the bench used: `with Others(...) as others: ...; others.cores`.

    The bench is this process, its children, and what lives in the pid namespaces of `roots`. What ended
    meanwhile counts by the CPU time of those who waited for it."""

    def __init__(self, roots=()):
        self.roots = list(roots)
        self.cores = 0.0

    @staticmethod
    def _busy():
        with open("/proc/stat") as file:
            user, nice, system, _, _, irq, soft, steal = map(int, file.readline().split()[1:9])
        return user + nice + system + irq + soft + steal

    def _ours(self):
        spaces = set()
        for root in self.roots:
            try:
                spaces.add(os.readlink("/proc/%d/ns/pid" % root))
            except OSError:
                pass
        mine = set(family(os.getpid()))
        total = 0
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            pid = int(name)
            try:
                ours = pid in mine or os.readlink("/proc/%d/ns/pid" % pid) in spaces
            except OSError:
                continue
            fields = stat(pid) if ours else None
            if fields:
                total += sum(map(int, fields[11:15]))
        return total

    def __enter__(self):
        self._began = time.monotonic(), self._busy(), self._ours()
        return self

    def __exit__(self, *_):
        began, busy, ours = self._began
        took = time.monotonic() - began
        self.cores = max(0.0, (self._busy() - busy - (self._ours() - ours)) / TICKS / took)


class Program:
    """A program that lives as long as the `with`; ended by its own number."""

    def __init__(self, *command, **options):
        self.process = subprocess.Popen(command, **{"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL,
                                                    "stderr": subprocess.DEVNULL, **options})
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        if self.process.stdin:
            self.process.stdin.close()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
