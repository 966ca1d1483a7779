"""The lab that the bench looks at: bhyped and bhype-hostd as installed, a guest, and 1,000 VMs defined.

Making 1,000 datasets and volumes takes the lab's emulated OpenZFS ten minutes. So all but a few exist in the answers of
zfs alone: a script in the place of /sbin/zfs adds their rows to the real `zfs list`, and their vm.toml lie in a folder
of their own. bhype-hostd and bhyped read, check, keep and show them like any other."""

import json
import os
import re
import uuid

from labkit import Failed, eventually
from measure import fields_of

VMS = 1000
GUEST = "guest"  # runs, when it has been started
STANDING = "other"  # a real one that stands

ZFS = """#!/bin/sh
/.lab/bench/zfs "$@" || exit
case "$*" in
"list -H -p "*" -r tank/bhype/vm") exec /bin/cat /var/bench/datasets ;;
esac
"""


class Host:
    def __init__(self, lab):
        self.lab = lab
        self.api = lab.local()

    def set_up(self):
        self.lab.set_up_host()
        self.lab.make_vm(GUEST, user="root", start=False)
        self.lab.make_vm(STANDING, user="root", template="generic-uefi", start=False)
        self.pretend(VMS - 2)

    def pretend(self, count):
        lab, root = self.lab, self.lab.root
        place = root + "/var/bench"
        os.makedirs(place, exist_ok=True)
        os.chmod(place, 0o755)
        group = int(lab.sh("id -g bhype").out)
        with open(lab.path("/tank/bhype/vm/%s/vm.toml" % STANDING)) as file:
            model = file.read()
        vm = lab.vm(STANDING)
        rows = []
        for number in range(count):
            name, id = "vm%04d" % number, str(uuid.UUID(int=number + (7 << 120)))
            text = model.replace(vm["id"], id).replace(vm["disks"][0]["serial"], "bh%08dd0" % number)
            text = text.replace(vm["nics"][0]["mac"], "58:9c:fc:00:%02x:%02x" % (number >> 8, number & 255))
            folder = "%s/vm/%s" % (place, name)
            os.makedirs(folder, mode=0o750, exist_ok=True)
            with open(folder + "/vm.toml", "w") as file:
                file.write(text)
            for path in (folder, folder + "/vm.toml"):
                os.chown(path, 0, group)
            rows.append("tank/bhype/vm/%s\tfilesystem\t188416\t20000000000\t131072\t/var/bench/vm/%s\t-\t-\t%s\t%s\n"
                        % (name, name, id, id))
            rows.append("tank/bhype/vm/%s/disk0\tvolume\t57344\t20000000000\t57344\t-\t-\t%d\t%s\t%s\n"
                        % (name, 20 << 30, id, id))
        with open(place + "/datasets", "w") as file:
            file.writelines(rows)
        os.makedirs(root + "/.lab/bench", exist_ok=True)
        with open(root + "/.lab/bench/script", "w") as file:
            file.write(ZFS)
        os.chmod(root + "/.lab/bench/script", 0o755)
        os.rename(root + "/sbin/zfs", root + "/.lab/bench/zfs")
        os.rename(root + "/.lab/bench/script", root + "/sbin/zfs")
        lab.restart("bhyped")  # which looks at the host anew
        if not eventually(lambda: len(self.list()) == count + 2, 60, 0.3):
            raise Failed("%d VMs are listed" % len(self.list()))

    def make_real(self):
        """The datasets and volumes of the pretended VMs, so that zfs can snapshot and list them. Takes minutes."""
        place = self.lab.root + "/var/bench"
        lines = []
        with open(place + "/datasets") as file:
            for row in file:
                name, kind, *_, id, _ = row.rstrip("\n").split("\t")
                lines.append("zfs create -s -V 1G -o volmode=none %s\n" % name if kind == "volume" else
                             "zfs create -u -o mountpoint=/var/bench/vm/%s -o bhype:id=%s %s\n" % (name.rsplit("/")[-1], id, name))
        with open(place + "/make", "w") as file:
            file.writelines(lines)
        self.lab.exec("service", "bhyped", "stop")
        made = self.lab.sh("sh -e /var/bench/make", timeout=1800)
        if made.status != 0:
            raise Failed("the datasets: %r" % made)
        os.rename(self.lab.root + "/.lab/bench/zfs", self.lab.root + "/sbin/zfs")
        self.lab.exec("service", "bhyped", "start")
        self.lab.wait_ready(120)
        if not eventually(lambda: len(self.list()) == VMS, 60, 0.3):
            raise Failed("%d VMs are listed" % len(self.list()))

    def get(self, path):
        answer = self.api.get(path)
        if answer.status != 200:
            raise Failed("GET %s: %r" % (path, answer))
        return answer

    def give_nics(self, count, switches):
        """Each of the pretended VMs gets `count` NICs, on one switch after the other."""
        place = self.lab.root + "/var/bench/vm"
        for number, name in enumerate(sorted(os.listdir(place))):
            path = "%s/%s/vm.toml" % (place, name)
            with open(path) as file:
                text = file.read()
            found = re.search(r"(?ms)^\[\[nics\]\]\n.*?(?=^\[|\Z)", text)
            nics = ""
            for nic in range(count):
                one = re.sub(r'(?m)^name = .*', 'name = "net%d"' % nic, found[0])
                one = re.sub(r'(?m)^slot = (\d+)', lambda slot: "slot = %d" % (int(slot[1]) + nic), one)
                one = re.sub(r'(?m)^switch = .*', 'switch = "%s"' % switches[(number * count + nic) % len(switches)], one)
                nics += re.sub(r'58:9c:fc:00', "58:9c:fc:%02x" % nic, one).rstrip() + "\n\n"
            with open(path, "w") as file:
                file.write(text.replace(found[0], nics))
        self.lab.restart("bhyped")
        self.lab.wait_ready()
        wanted = count * (VMS - 2)
        if not eventually(lambda: sum(len(vm["nics"]) for vm in self.list()) >= wanted, 60, 0.5):
            raise Failed("not %d NICs" % wanted)

    def list(self):
        return json.loads(self.api.get("/api/v1/vms").body)

    def pids(self, program):
        """The machine's numbers of the lab's processes of that name."""
        space = os.readlink("/proc/%d/ns/pid" % self.lab.init)
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                inside = os.readlink("/proc/%s/ns/pid" % pid) == space
            except OSError:
                continue
            status = fields_of(int(pid)) if inside else {}
            if status.get("Name") == program[:15] and not status["State"].startswith("Z"):
                found.append(int(pid))
        return found

    def pid(self, program):
        """The one process; a child that has not become its own program yet does not count."""
        found = self.pids(program)
        alone = [pid for pid in found if int(fields_of(pid).get("PPid", 0)) not in found]
        if len(alone) != 1:
            raise Failed("%d processes %s" % (len(alone), program))
        return alone[0]

    def change(self, note):
        self.task("PATCH", "/api/v1/vms/" + STANDING, {"note": note})

    def task(self, method, path, body=None):
        """Asks, and waits for the task that it makes: the task, which is done."""
        answer = self.api.request(method, path, body)
        if answer.status != 202:
            raise Failed("%s %s: %r" % (method, path, answer))
        return self.ended(answer.json())

    def ended(self, task):
        while task["state"] in ("queued", "running"):
            task = self.api.get("/api/v1/tasks/%s?wait=30" % task["id"]).json()
        if task["state"] != "done":
            raise Failed("task: %r" % task)
        return task

    def start(self):
        if self.lab.vm(GUEST)["state"] != "running":
            self.task("POST", "/api/v1/vms/%s/start" % GUEST)
        return self.lab.wait_running(GUEST)

    def kill(self):
        if self.lab.vm(GUEST)["state"] != "stopped":
            self.task("POST", "/api/v1/vms/%s/kill" % GUEST)
