#!/usr/bin/python3
"""./dev bench: bHype beside its peers, all in one run; CPU time unless a row says wall.

    tools/dev/bench [--only list,console,start,memory,journal,network,storage] [--dir DIR]

--only  these rows; docs/performance.md is then left as it is
--dir   use the lab that is up there and stays (the bench's own, from an earlier run with this option), or make it there

Prints the table, writes docs/performance.md, and exits 1 when a target is missed."""

import argparse
import functools
import os
import platform
import shutil
import sys
import tempfile
import time

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
sys.path[:0] = [os.path.join(TOP, "tests", "scenario")]

import consoles
import journal
import lists
import memories
import starts
import storage
import switches
from host import Host
from labkit import Lab
from measure import Others
from peers import Libvirtd, Nginx
from report import Report

GROUPS = {"list": lists, "console": consoles, "start": starts, "memory": memories, "journal": journal, "network": switches, "storage": storage}


class Bench:
    """What the groups of rows share; each part is made when it is first asked for."""

    def __init__(self, folder, lab_folder):
        self.folder, self.lab_folder = folder, lab_folder
        self.report = Report()
        self.row, self.limit = self.report.row, self.report.limit
        self._ends = []

    def program(self, name):
        return os.path.join(TOP, "build/release/bench", name)

    def at_end(self, call):
        self._ends.append(call)

    def close(self):
        for call in reversed(self._ends):
            call()

    def sub(self, name):
        path = os.path.join(self.folder, name)
        os.mkdir(path)
        return path

    @functools.cached_property
    def host(self):
        self.report.say("a lab with 1,000 VMs")
        folder = self.lab_folder
        lab = Lab(accounts={"boss": ("Boss-pa55word", "wheel")}, directory=folder, keep=bool(folder))
        host = Host(lab)
        if folder and os.path.exists(folder + "/root/var/bench/datasets"):
            lab.attach()
        else:
            self.at_end(lab.down)
            lab.up()
            host.set_up()
        return host

    @functools.cached_property
    def nginx(self):
        folder = self.sub("nginx")
        nginx = Nginx(folder, folder + "/guest.sock")
        self.at_end(nginx.end)
        return nginx

    @functools.cached_property
    def libvirtd(self):
        self.report.say("libvirtd with 1,000 domains")
        libvirtd = Libvirtd(self.sub("libvirtd"), 1000)
        self.at_end(libvirtd.end)
        return libvirtd

    def run(self, name):
        self.report.say("rows: " + name)
        others = Others([self.host.lab.init] if "host" in self.__dict__ else [])
        with others:
            GROUPS[name].run(self)
        self.report.busy(name, others.cores)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--only", default=",".join(GROUPS))
    options.add_argument("--dir")
    options = options.parse_args()
    groups = options.only.split(",")
    unknown = [group for group in groups if group not in GROUPS]
    if unknown:
        sys.exit("no such rows: " + ", ".join(unknown))
    os.chdir(TOP)
    folder = tempfile.mkdtemp(prefix="bhype-bench-")
    os.chmod(folder, 0o755)  # peers look with accounts of their own
    bench = Bench(folder, options.dir and os.path.abspath(options.dir))
    try:
        if set(groups) & {"list", "console", "start", "memory"}:
            bench.host
        for group in groups:
            bench.run(group)
    finally:
        bench.close()
        shutil.rmtree(folder, ignore_errors=True)
    bench.report.show()
    if groups == list(GROUPS):
        bench.report.write(os.path.join(TOP, "docs/performance.md"))
    sys.exit(1 if bench.report.missed else 0)


if __name__ == "__main__":
    main()
