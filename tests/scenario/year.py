"""A plan through a year: bHype's clock is moved from one day to another, and each time exactly the right snapshots are left.

The clock is libfaketime's, which rc.conf gives to bhyped alone; sleeping goes on by the real one. On the days between,
the host is taken to have been off: what it missed is made up once."""

import datetime
import glob
import os
import time
import zoneinfo

from labkit import POOL, Failed, eventually
from snapshots import done

ZONE = zoneinfo.ZoneInfo("Europe/Berlin")
CLOCK = "/var/db/clock"
PLAN = "gfs"
KEEP = {"last": 2, "daily": 7, "weekly": 4, "monthly": 12, "yearly": 2}
PERIODS = {"daily": "%Y-%m-%d", "weekly": "%G-%V", "monthly": "%Y-%m", "yearly": "%Y"}


def moments():
    """Every ninth day; the days around both changes of the clock, around new year and at the end all of them."""
    day, end = datetime.date(2027, 9, 1), datetime.date(2028, 9, 1)
    whole = [(datetime.date(2027, 10, 29), 5), (datetime.date(2027, 12, 29), 5), (datetime.date(2028, 3, 24), 5), (datetime.date(2028, 8, 22), 10)]
    number = 0
    while day < end:
        if number % 9 == 0 or any(first <= day < first + datetime.timedelta(days) for first, days in whole):
            hour = 3 if number % 18 else 14  # also long after the time that the plan names
            yield datetime.datetime(day.year, day.month, day.day, hour, 31, 0, tzinfo=ZONE)
        day, number = day + datetime.timedelta(1), number + 1


def right(labels):
    """What the rules keep of these, by the rules' words alone."""
    newest_first = sorted(labels, reverse=True)
    kept = set(newest_first[:KEEP["last"]])
    for rule, form in PERIODS.items():
        periods = {}
        for label in newest_first:
            at = datetime.datetime.strptime(label, PLAN + "-%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
            periods.setdefault(at.astimezone(ZONE).strftime(form), label)
        kept |= set(list(periods.values())[:KEEP[rule]])
    return kept


def set_clock(lab, moment):
    path = lab.root + CLOCK
    with open(path + ".new", "w") as file:
        file.write("%+d\n" % (moment.timestamp() - time.time()))
    os.chmod(path + ".new", 0o644)
    os.rename(path + ".new", path)


def labels(lab):
    out = lab.exec("zfs", "list", "-H", "-o", "name", "-t", "snapshot", "-d", "1", "%s/bhype/vm/year1" % POOL).out
    return {line.split("@")[1] for line in out.splitlines() if "@%s-" % PLAN in line}


def run(lab, report):
    lab.make_vm("year1", start=False)
    library = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")[0]
    all_moments = list(moments())
    set_clock(lab, all_moments[0] - datetime.timedelta(hours=12))
    lab.exec("sysrc", "bhyped_env=LD_PRELOAD=%s FAKETIME_TIMESTAMP_FILE=%s FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1 TZ=%s"
             % (library, CLOCK, ZONE.key))
    lab.restart("bhyped")
    made = lab.bhype("plan", "create", PLAN, "--schedule", "30 3 * * *", "--vm", "year1", "--keep",
                     ",".join("%s=%d" % rule for rule in KEEP.items()), user="dev1")
    report.same("a plan for every night", (made.status, made.err), (0, ""))
    taken, wrong = set(), []
    api, last = lab.local(), None
    for moment in all_moments:
        set_clock(lab, moment)
        task = eventually(lambda: (lambda now: now if now not in (last, None, "") else None)(api.get("/api/v1/plans/" + PLAN).json().get("last_task")), 20, 0.2)
        if not task:
            raise Failed("nothing runs on %s" % moment)
        last = task
        ended = api.get("/api/v1/tasks/%s?wait=30" % task).json()
        now = labels(lab)
        new = now - taken
        taken |= new
        if ended["state"] != "done" or len(new) != 1 or now != right(taken):
            wrong.append((str(moment), ended["state"], sorted(new), sorted(now - right(taken)), sorted(right(taken) - now)))
    report.same("%d nights of a year: one snapshot each, and what is left is right each time" % len(all_moments), wrong[:3], [])
    report.check("the names tell the moved clock", min(taken).startswith(PLAN + "-20270901T") and max(taken).startswith(PLAN + "-20280831T"),
                 (min(taken), max(taken)))
    report.say("left: " + ", ".join(label[len(PLAN) + 1:-1] for label in sorted(labels(lab))))
    disks = lab.exec("zfs", "list", "-H", "-o", "name", "-t", "snapshot", "-d", "1", "%s/bhype/vm/year1/disk0" % POOL).out
    report.same("the disk has the same ones", {line.split("@")[1] for line in disks.splitlines()}, labels(lab))
    preview = lab.bhype("plan", "preview", PLAN, "--json", user="dev1").json()
    report.same("the preview of the next run names no other", {one["name"] for one in preview[0]["snapshots"]}, labels(lab))
    report.same("the plan goes", lab.bhype("plan", "delete", PLAN, user="dev1").status, 0)
    lab.exec("sysrc", "-x", "bhyped_env")
    lab.restart("bhyped")
    done(report, "the VM goes", lab.bhype("vm", "delete", "year1", "--yes", user="dev1"))
