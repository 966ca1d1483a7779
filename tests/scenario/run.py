#!/usr/bin/env python3
"""Runs the scenarios in one lab.

    tests/scenario/run.py [--release 14.3] [--points 1,2,5] [--dir DIR] [--keep] [--in-place]

--points      in the order that is given; all unless told. What a point needs of earlier ones it makes by itself.
--dir --keep  the lab's folder, and that it stays up
--in-place    use the lab that is up in --dir
"""

import argparse
import os
import sys
import time
import traceback

import bad_input
import browsing
import create_and_boot
import daemons_die
import encrypted
import empty_host
import full_and_wrong
import http_equals_cli
import networks
import other_user
import pattern
import pools
import snapshots
import stopping
import uplinks
import year
from labkit import Lab, Report

POINTS = {"1": empty_host, "2": create_and_boot, "3": http_equals_cli, "5": stopping, "6": daemons_die, "8": other_user,
          "9": bad_input, "10": full_and_wrong, "browse": browsing, "encrypted": encrypted, "networks": networks, "pattern": pattern, "pools": pools, "snapshots": snapshots, "uplinks": uplinks, "year": year}
# 3 uses up dev2's log-ins, so it comes after 8.
ORDER = ["1", "2", "5", "6", "8", "9", "10", "3", "networks", "snapshots", "browse", "pattern", "uplinks", "pools", "encrypted", "year"]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--release", default="14.3")
    options.add_argument("--points", default=",".join(ORDER))
    options.add_argument("--dir")
    options.add_argument("--keep", action="store_true")
    options.add_argument("--in-place", action="store_true")
    options = options.parse_args()
    points = options.points.split(",")
    unknown = [point for point in points if point not in POINTS]
    if unknown:
        sys.exit("no such point: " + ", ".join(unknown))
    if os.geteuid() != 0:
        sys.exit("a lab needs root")

    report = Report()
    report.say("FreeBSD %s, points %s" % (options.release, options.points))
    lab = Lab(release=options.release, directory=options.dir and os.path.abspath(options.dir), keep=options.keep or options.in_place,
              nics=2, disks="2x20G,6x2G")
    try:
        if options.in_place:
            lab.attach()
        else:
            lab.up()
        report.say("the lab is up")
        if points[0] != "1" and not options.in_place:
            lab.set_up_host()
        for point in points:
            report.prefix = "%s.%s " % (options.release, point)
            failed, began = report.failed, time.monotonic()
            try:
                POINTS[point].run(lab, report)
            except Exception:
                report.check("runs to its end", False, traceback.format_exc())
            report.say("point %s took %.0f s" % (point, time.monotonic() - began))
            if report.failed > failed:
                print(lab.logs(), flush=True)
    except Exception:
        report.check("the lab", False, traceback.format_exc())
    finally:
        lab.down()
    print("%d checks passed, %d failed" % (report.passed, report.failed))
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
