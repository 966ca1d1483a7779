"""A lab with sweep_proxy between bhyped and hostd, and the host as one picture that can be compared."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenario"))
from labkit import POOL, TOP, Failed, Lab, Pinger, eventually  # noqa: E402

SOCKET = "/var/run/bhype/sweep.sock"
# Of the lab alone: one user's tasks all at once, and the proxy in hostd's place.
CONFIGURATION = 'hostd_socket = "%s"\ntasks_at_once = 64\nworkers = 32\n' % SOCKET
# Templates of the same image, so that tasks do not wait for one who writes it: "sweep-0", "sweep-1", ...
COPIES, MOST_COPIES = "sweep-", 12
BUILD = os.environ.get("BHYPE_BUILD", TOP + "/build/release")  # as ./dev lab has it
ENDED = ("done", "failed", "cancelled", "attention")


class Proxy:
    """sweep_proxy at work; what it tells, by task."""

    def __init__(self, lab, gate=True):
        self.requests = {}  # task: {number: operation}
        self.did = {}       # task: operation's name, once the plan took effect
        self.killed = []
        self.changed = threading.Condition()
        self.process = subprocess.Popen(
            [BUILD + "/lab/bhype-lab", "exec", "--dir", lab.dir, "--", "/usr/local/sbin/sweep_proxy", SOCKET,
             "/var/run/bhype/hostd.sock"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, start_new_session=True)
        if "ready" not in self.process.stdout.readline():
            raise Failed("sweep_proxy does not start")
        threading.Thread(target=self._listen, daemon=True).start()
        self.say(gate=gate)

    def say(self, **order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def plan(self, task, operation, nth, at):
        self.say(plan={"task": task, "operation": operation, "nth": nth, "at": at})

    def kill(self, who, release=False, after_ms=0):
        with self.changed:
            before = len(self.killed)
        self.say(kill=who, release=release, after_ms=after_ms)
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.killed) > before, 20) or not self.killed[-1]:
                raise Failed("sweep_proxy found no %s to kill" % who)

    def wait_for(self, condition, seconds):
        with self.changed:
            return self.changed.wait_for(condition, seconds)

    def end(self):
        try:
            self.process.stdin.close()
        except OSError:
            pass
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _listen(self):
        for line in self.process.stdout:
            try:
                told = json.loads(line)
            except ValueError:
                continue
            with self.changed:
                if "request" in told:
                    request = told["request"]
                    self.requests.setdefault(request["task"], {})[request["op"]] = request["operation"]
                elif "did" in told:
                    self.did[told["did"]["task"]] = told["did"]["operation"]
                elif "killed" in told:
                    self.killed.append(told["killed"])
                self.changed.notify_all()


class Picture:
    """All that bHype has made on the host and remembers of it."""

    def __init__(self, stage):
        lab = stage.lab
        script = ("zfs list -H -p -t all -o name,guid,createtxg,volsize,bhype:id 2>/dev/null; echo ==; ifconfig -a; echo ==; ls /dev/vmm; "
                  "echo ==; ls /var/run/bhype/vmd; echo ==; pgrep -a -f '^bhyve: '; echo ==; cat /boot/loader.conf.d/bhype.conf 2>/dev/null")
        parts = lab.sh(script).out.split("==\n")
        while len(parts) < 6:
            parts.append("")
        # name: (guid, createtxg, volsize, bhype:id)
        self.datasets = {f[0]: tuple(f[1:]) for f in (line.split("\t") for line in parts[0].splitlines()) if len(f) == 5}
        self.interfaces = interfaces(parts[1])
        self.kernel_objects = parts[2].split()
        self.run_directories = parts[3].split()
        self.bhyves = sorted(line.split(" ", 1)[1].replace("bhyve: ", "").strip() for line in parts[4].splitlines() if " " in line)
        self.owners = stage.rows("SELECT object, owner, usergroup FROM ownership")
        self.pool = stage.rows("SELECT body FROM documents WHERE kind = 'setting' AND name = 'pool'")
        answer = lab.local().get("/api/v1/vms")
        names = [vm["name"] for vm in answer.json()] if answer.status == 200 else []
        self.vms = {name: lab.local().get("/api/v1/vms/" + name).json() for name in names}
        self.tasks = {task["id"]: task for task in lab.local().get("/api/v1/tasks?most=1000").json()}

    def taps(self, name):
        return [i for i, about in self.interfaces.items() if about["description"].startswith("bhype vm/%s/" % name)]

    def traces(self, name):
        """What only a guest that runs may have."""
        found = ["tap " + tap for tap in self.taps(name)]
        found += ["/dev/vmm/" + name] if name in self.kernel_objects else []
        found += ["run directory"] if name in self.run_directories else []
        found += ["bhyve"] if name in self.bhyves else []
        return found

    def dataset(self, name):
        return self.datasets.get("%s/bhype/vm/%s" % (POOL, name))

    def aside(self):
        return [name for name in self.datasets if name.startswith(POOL + "/bhype/.new/")]

    def comparable(self):
        """What may not change when bhyped starts again."""
        vms = {name: {key: vm[key] for key in ("state", "generation", "started", "reboots", "owner", "group", "id", "note")}
               for name, vm in self.vms.items()}
        tasks = {key: (task["state"], task.get("error"), task.get("result"), task["ended"]) for key, task in self.tasks.items()}
        return {"datasets": self.datasets, "interfaces": self.interfaces, "kernel objects": self.kernel_objects,
                "run directories": self.run_directories, "bhyves": self.bhyves, "owners": sorted(self.owners), "pool": self.pool,
                "vms": vms, "tasks": tasks}


def interfaces(text):
    found, name = {}, None
    for line in text.splitlines():
        if line and not line[0].isspace():
            name = line.split(":")[0]
            found[name] = {"description": "", "members": [], "inet": []}
        elif name:
            words = line.split()
            if words[:1] == ["description:"]:
                found[name]["description"] = line.split(":", 1)[1].strip()
            elif words[:1] == ["member:"]:
                found[name]["members"].append(words[1])
            elif words[:1] == ["inet"]:
                found[name]["inet"].append(words[1])
    return found


class Stage:
    def __init__(self, report, release="14.3", directory=None, keep=False, in_place=False):
        self.report, self.in_place = report, in_place
        self.lab = Lab(release=release, memory="64G", disks="2x20G,3x1G", directory=directory, keep=keep)
        self.proxy = None
        self.threads = ThreadPoolExecutor(8)

    def up(self):
        lab = self.lab
        if self.in_place:
            lab.attach()
        else:
            lab.up()
        shutil.copy(BUILD + "/tests/sweep/sweep_proxy", lab.root + "/usr/local/sbin/sweep_proxy")
        with open(lab.root + "/usr/local/etc/bhype/bhype.toml", "w") as file:
            file.write(CONFIGURATION)
        folder = lab.root + "/usr/local/etc/bhype/templates/"
        for number in range(MOST_COPIES):
            shutil.copy(folder + "tiny-deaf.toml", "%s%s%d.toml" % (folder, COPIES, number))
        self.proxy = Proxy(lab, gate=False)
        result = lab.exec("service", "bhyped", "restart")
        self.wait_ready("service bhyped restart: %r" % result)

    def down(self):
        if self.proxy:
            self.proxy.end()
        self.threads.shutdown(wait=False)
        self.lab.down()

    def map(self, what, items):
        return list(self.threads.map(what, items))

    def api(self, method, path, body=None):
        return self.lab.local().request(method, path, body)

    def rows(self, statement):
        """From bhyped's database, which is a file of the machine like any other."""
        with sqlite3.connect("file:%s/var/db/bhype/bhype.db?mode=ro" % self.lab.root, uri=True, timeout=10) as database:
            return database.execute(statement).fetchall()

    def ready(self):
        try:
            host = self.api("GET", "/api/v1/host")
        except OSError:
            return False
        return host.status == 200 and host.json()["daemons"]["hostd"]

    def wait_ready(self, why="", seconds=60):
        if not eventually(self.ready, seconds):
            raise Failed("bHype does not answer: %s\n%s" % (why, self.lab.logs()))

    def kill(self, who, release=False, after_ms=0):
        self.proxy.kill(who, release, after_ms)
        time.sleep(0.3)  # until the dead are noticed: a socket of theirs may still take a connection
        self.wait_ready("after %s" % who)

    def reboot(self):
        self.proxy.end()
        self.lab.reboot()
        self.proxy = Proxy(self.lab, gate=False)
        self.wait_ready("after a reboot")

    def task(self, identity):
        answer = self.api("GET", "/api/v1/tasks/" + identity)
        if answer.status != 200:
            return {"id": identity, "state": "forgotten", "error": answer.json()}
        return answer.json()

    def steps(self, identity):
        return self.api("GET", "/api/v1/tasks/%s/steps" % identity).json()

    def wait_ended(self, identity, seconds):
        def ended():
            task = self.task(identity)
            return task if task["state"] in ENDED + ("forgotten",) else None
        return eventually(ended, seconds, 0.2) or self.task(identity)

    def picture(self):
        return Picture(self)

    def definition(self, name):
        """vm.toml as it lies in the dataset, or nothing."""
        try:
            with open(self.lab.path("/%s/bhype/vm/%s/vm.toml" % (POOL, name)), "rb") as file:
                return tomllib.load(file)
        except (OSError, ValueError):
            return None


class Bystander:
    """A guest that runs all along and must never notice anything."""

    def __init__(self, stage, name="steady"):
        self.stage, self.name = stage, name
        if not stage.lab.vm(name):
            stage.lab.make_vm(name, user="root", memory="256M", start=False)
        self.begin()

    def begin(self):
        lab = self.stage.lab
        if lab.vm(self.name)["state"] != "running":
            result = lab.bhype("vm", "start", self.name)
            if result.status != 0:
                raise Failed("the bystander does not start: %r" % result)
        vm = lab.wait_running(self.name, 600)
        self.process = self.pid()
        self.pinger = Pinger(lab, lab.address(vm), every=0.5, patience=30)
        self.pinger.__enter__()

    def pid(self):
        return self.stage.lab.sh("pgrep -f '^bhyve: %s$'" % self.name).out.split()

    def problems(self):
        found = []
        if self.pid() != self.process:
            found.append("the running guest's bhyve is another: %s, was %s" % (self.pid(), self.process))
        if self.pinger.lost_now:
            found.append("the running guest lost pings: %s" % self.pinger.lost_now)
        return found

    def end(self):
        return self.pinger.stop()
