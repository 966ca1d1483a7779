#!/usr/bin/env python3
"""Runs the browser's tests against a lab of their own.

    tests/browser/run.py [--release 14.3] [--tests log_in,consoles,...] [--screenshots DIR] [--dir DIR] [--keep] [--in-place]

--screenshots  where the pictures go, docs/screenshots to renew the documentation's; thrown away unless told
--dir --keep   the lab's folder, and that it stays up
--in-place     use the lab that is up in --dir, as an earlier run left it
"""

import argparse
import fcntl
import json
import os
import re
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenario"))
from labkit import Failed, Lab, Report, TOP  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))


def vnc_port(lab):
    """Where web1's bhyve listens for VNC."""
    def listening():
        with open("/proc/thread-self/net/tcp") as table:
            return re.findall(r": 0100007F:([0-9A-F]{4}) 00000000:0000 0A ", table.read())

    ports = [port for port in (int(port, 16) for port in lab.in_network(listening)) if 5900 <= port < 7000]
    if len(ports) != 1:
        raise Failed("the listeners for VNC: %s" % ports)
    return ports[0]


def prepare(lab):
    if not lab.vm("web1"):
        lab.make_vm("web1")
        lab.make_vm("spare", start=False)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--release", default="14.3")
    options.add_argument("--tests", default="")
    options.add_argument("--screenshots")
    options.add_argument("--dir")
    options.add_argument("--keep", action="store_true")
    options.add_argument("--in-place", action="store_true")
    options = options.parse_args()
    if os.geteuid() != 0:
        sys.exit("a lab needs root")
    with open(os.path.join(HERE, "package.json")) as lock:  # runs beside this one need the packages, too
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(os.path.join(HERE, "node_modules")):
            subprocess.run(["npm", "ci", "--prefer-offline", "--no-progress", "--loglevel=error"], cwd=HERE, check=True)

    report = Report()
    lab = Lab(release=options.release, disks="2x20G,4x8G", directory=options.dir and os.path.abspath(options.dir), keep=options.keep or options.in_place)
    status = 1
    try:
        if options.in_place:
            lab.attach()
        else:
            lab.up()
            lab.set_up_host()
        prepare(lab)
        report.say("the lab is up")
        environment = dict(os.environ, BHYPE_URL="https://127.0.0.1:%d" % lab.port, BHYPE_LAB=lab.dir, BHYPE_RELEASE=options.release,
                           BHYPE_ACCOUNTS=json.dumps({name: password for name, (password, _) in lab.accounts.items()}))
        if options.screenshots:
            environment["BHYPE_SCREENSHOTS"] = os.path.abspath(options.screenshots)
        # bhyve's VNC server serves one client and waits for ever for a silent one: here is the silent one.
        with lab.in_network(lambda port=vnc_port(lab): socket.create_connection(("127.0.0.1", port), 10)):
            status = subprocess.run(["node", "main.mjs", *filter(None, options.tests.split(","))], cwd=HERE, env=environment).returncode
        if status:
            print(lab.logs(), flush=True)
    finally:
        lab.down()
    sys.exit(status)


if __name__ == "__main__":
    main()
