#!/usr/bin/env python3
"""Every operation of every kind of task fails, hangs past its deadline, or is the moment at which bhyped, hostd, both or
the whole lab is killed.

    tests/sweep/sweep.py [--quick] [--kinds KIND,...] [--only TEXT] [--faults TEXT] [--release 14.3]
                         [--dir DIR] [--keep] [--in-place]
    tests/sweep/sweep.py --check-kinds BHYPED

--quick        a part of it, which the run states: the faults marked so in FAULTS; each operation of each kind meets one
               of them, in turn
--only         operations with that text in their names, as a run prints them
--faults       faults with that text in their names
--dir --keep   the labs' folders are in DIR, and they stay up
--in-place     use the new labs that are up in DIR/guests and DIR/setup
--check-kinds  only whether each kind of task that BHYPED knows has a scenario

How: a run without faults learns a scenario's operations. A round is one fault for all of them at once: each operation
has an object of its own, whose task sweep_proxy stops at that operation; when all have come there, the fault happens
once. So the rounds are as many as there are faults, and tasks meet the fault together, as they would. host.setup has
one object, so its rounds have one operation, on a second lab beside the first.

All of it takes about an hour on two cores: fifteen rounds of two to eight minutes on the first lab.

After each round: the task has ended and says what happened, each object is whole or there is no trace of it, .new/ is
empty, foreign datasets are as they were, a guest that ran all along has noticed nothing, and starting bhyped twice more
changes nothing.
"""

import argparse
import os
import subprocess
import sys
import threading
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from scenarios import CODES, SCENARIOS, Case, ensure, missing  # noqa: E402
from stage import ENDED, POOL, Bystander, Failed, Stage, eventually  # noqa: E402
from labkit import Report  # noqa: E402


class Fault:
    def __init__(self, name, at, kill=(), release=False, after_ms=0, quick=False, hangs=False, reboot=False):
        self.name, self.at, self.kill, self.release, self.after_ms = name, at, list(kill), release, after_ms
        self.quick, self.hangs, self.reboot = quick, hangs, reboot


def killings():
    for names, quick in ((["bhyped", "hostd"], ()), (["bhyped"], ("before", "after")), (["hostd"], ("during",))):
        who = " and ".join(names)
        yield Fault(who + " killed before", "request", names, quick="before" in quick)
        yield Fault(who + " killed during", "request", names, release=True, after_ms=40, quick="during" in quick)
        yield Fault(who + " killed after", "answer", names, quick="after" in quick)


FAULTS = [
    Fault("never came", "request", hangs=True),
    Fault("done, never answered", "answer", hangs=True),
    Fault("refused", "refuse", quick=True),
    Fault("failed when it was done", "fail", quick=True),
    *killings(),
    Fault("lab killed before", "request", reboot=True),
    Fault("lab killed after", "answer", reboot=True),
]
# An operation of an hour is not waited for.
LONGEST_HANG = 150
HOURS = {"image.write"}


class Sweep:
    """The rounds on one stage."""

    def __init__(self, stage, scenarios, faults, only, in_turn):
        self.stage, self.report = stage, stage.report
        self.scenarios, self.faults, self.only, self.in_turn = scenarios, faults, only, in_turn
        self.cases = []
        self.bystander = None

    def run(self):
        self.stage.up()
        if not all(scenario.alone for scenario in self.scenarios):
            if not self.stage.lab.datasets():
                self.stage.lab.set_up_host()
            self.bystander = Bystander(self.stage)
            self.foreign()
        for scenario in self.scenarios:
            self.learn(scenario)
        for turn, fault in enumerate(self.faults):
            cases = [case for number, case in enumerate(self.cases)
                     if not (fault.hangs and case.operation in HOURS) and (not self.in_turn or number % len(self.faults) == turn)]
            alone = [[case] for case in cases if case.scenario.alone]
            together = [case for case in cases if not case.scenario.alone]
            for group in alone + ([together] if together else []):
                while group:
                    began = time.monotonic()
                    late = self.round(fault, group)
                    self.report.say("%s: %d cases, %.0f s" % (fault.name, len(group), time.monotonic() - began))
                    if len(late) == len(group):
                        self.report.check("%s: in time" % fault.name, False, [case.label for case in late])
                        break
                    group = late
        if self.bystander:
            lost = self.bystander.end()
            self.report.same("the guest that ran all along lost no ping of %d" % len(self.bystander.pinger.sent), lost, [])

    # ---- before

    def learn(self, scenario):
        """One run without a fault; the scenario's cases are its operations."""
        stage = self.stage
        case = Case(scenario, "dry%d" % SCENARIOS.index(scenario), 0, "")
        stage.proxy.say(gate=False)
        try:
            scenario.prepare(stage, case)
            case.task = scenario.trigger(stage, case)
            task = stage.wait_ended(case.task, 180)
            problems = self.settled([case], {case: task})[case]
        except Exception:
            self.report.check(scenario.label + " without a fault", False, traceback.format_exc())
            return
        if task["state"] != scenario.ends:
            problems.append("the task is %s: %s" % (task["state"], task.get("error")))
        operations = dict(sorted(stage.proxy.requests.get(case.task, {}).items()))
        self.report.check("%s without a fault: %s" % (scenario.label, ", ".join(operations.values())), operations and not problems, problems)
        scenario.publish = max((number for number, name in operations.items() if name == "dataset.publish"), default=0)
        if not scenario.alone and scenario.ends == "done":
            ensure(stage, case.name, None)
        for number, operation in scenario.wanted(operations).items():
            nth = sum(name == operation for before, name in operations.items() if before <= number)
            made = Case(scenario, "c%02d" % (len(self.cases) + 1), number, operation, nth)
            if self.only in made.label:
                self.cases.append(made)

    def foreign(self):
        """Somebody else's, in the pool and beside bHype's interfaces."""
        lab = self.stage.lab
        result = lab.sh("zfs create -o mountpoint=/%s/mine %s/mine && echo precious >/%s/mine/file && zfs snapshot %s/mine@kept && "
                        "zfs create -V 8M -s %s/mine/steady && ifconfig tap create name mytap0" % ((POOL,) * 5))
        if result.status != 0:
            raise Failed("somebody else's: %r" % result)
        self.mine = self.look_at_mine()

    def look_at_mine(self):
        return self.stage.lab.sh("zfs list -H -p -r -t all -o name,guid,createtxg %s/mine; cat /%s/mine/file" % (POOL, POOL)).out

    # ---- a round

    def round(self, fault, cases):
        """The cases for which the fault came too late, hanging meanwhile."""
        try:
            return self.fault(fault, cases)
        except Exception:
            self.report.say(traceback.format_exc())
            for case in cases:
                self.report.check("%s: %s" % (case.label, fault.name), False, "the round broke")
            print(self.stage.lab.logs(), flush=True)
            self.mend()
            return []

    def mend(self):
        """So that the next round may begin."""
        try:
            self.stage.proxy.say(drop=True)
            self.stage.proxy.say(gate=False)
            self.stage.wait_ready()
        except (OSError, Failed):
            self.stage.reboot()
            if self.bystander:
                self.bystander.begin()

    def fault(self, fault, cases):
        stage = self.stage
        stage.proxy.say(gate=False)
        for case, error in zip(cases, stage.map(self.prepared, cases)):
            case.broken, case.late = error, False
        stage.proxy.say(gate=True)
        began = time.monotonic()
        # Those with the longest way first, so that nobody waits at its operation for longer than its deadline.
        for far in (True, False):
            self.bring(fault, [case for case in cases if (case.number > 3) == far])
        able = [case for case in cases if not case.broken]
        for case in able:
            case.late = bool(fault.kill or fault.reboot) and not self.waits(case)
        late = [case for case in able if case.late]
        self.report.say("%s: %.0f s until all had come, too late for %d" % (fault.name, time.monotonic() - began, len(late)))
        if fault.kill:
            stage.kill(fault.kill, fault.release, fault.after_ms)
        elif fault.reboot:
            stage.reboot()
        stage.proxy.say(gate=False)
        until = time.monotonic() + (LONGEST_HANG + 60 if fault.hangs else 150)
        tasks = {case: stage.wait_ended(case.task, max(1, until - time.monotonic())) for case in able}
        stage.proxy.say(drop=True)
        for case in able:
            case.memory["power cut"] = fault.reboot
        problems = self.settled(able, tasks)
        picture = stage.picture()
        again = self.again(picture)
        for case in cases:
            found = [case.broken] if case.broken else problems[case] + self.told(fault, case, tasks[case])
            outcome = "" if case.broken else self.outcome(tasks[case]) + (", too late" if case.late else "")
            if not self.report.check("%s: %s%s" % (case.label, fault.name, outcome), not found, found) and not case.broken:
                self.report.say("task %s: %s" % (case.task, ["%(number)d %(operation)s %(state)s %(error)s" % step for step in stage.steps(case.task)]))
        self.report.check("%s: starting bhyped twice more changes nothing" % fault.name, not again, again)
        if self.bystander:
            if fault.reboot:
                self.bystander.begin()
            around = self.bystander.problems()
            around += ["somebody else's dataset: %s" % self.look_at_mine()] if self.look_at_mine() != self.mine else []
            around += ["somebody else's interface is gone"] if not fault.reboot and "mytap0" not in picture.interfaces else []
            self.report.check("%s: nobody else noticed" % fault.name, not around, around)
        return late

    def bring(self, fault, cases):
        """Each task to its operation."""
        stage = self.stage
        for case in cases:
            try:
                case.task = None if case.broken else case.scenario.trigger(stage, case)
            except Exception as error:
                case.broken = "no task: %s" % error
        able = [case for case in cases if not case.broken]
        # All at once, so that none is far ahead.
        stage.proxy.wait_for(lambda: all(case.task in stage.proxy.requests for case in able), 30)
        for case in able:
            stage.proxy.plan(case.task, case.operation, case.nth, fault.at)
        eventually(lambda: all(map(self.arrived, able)), 180, 0.5)

    def waits(self, case):
        """bHype has not given up the operation yet."""
        step = self.step(case, self.stage.steps(case.task))
        return step is not None and step["state"] == "intent"

    @staticmethod
    def step(case, steps):
        """The case's own: others of its kind may have made its task do some again before it."""
        same = [step for step in steps if step["operation"] == case.operation]
        return same[case.nth - 1] if case.nth <= len(same) else None

    def arrived(self, case):
        """The fault has met it or waits for it, or it ended before that and nobody need wait."""
        return case.task in self.stage.proxy.did or self.stage.task(case.task)["state"] in ENDED

    def prepared(self, case):
        for attempt in (1, 2):
            try:
                case.task = None
                case.memory = {}
                case.scenario.prepare(self.stage, case)
                return None
            except Exception as error:
                if attempt == 2:
                    return "it cannot be prepared: %s" % error
        return None

    def settled(self, cases, tasks):
        """What is still wrong after the time that taking away what is left may take."""
        problems = {case: [] for case in cases}

        def look():
            picture = self.stage.picture()
            for case in cases:
                try:
                    problems[case] = case.scenario.problems(self.stage, case, picture, tasks[case])
                except Exception:
                    problems[case] = ["cannot be judged: " + traceback.format_exc(limit=2)]
                problems[case] += ["left: " + name for name in picture.aside() if case.task in name or len(cases) == 1]
            return not any(problems.values())

        eventually(look, 20, 0.5)
        return problems

    def told(self, fault, case, task):
        """Whether the task says what happened."""
        found = []
        if self.stage.proxy.did.get(case.task, case.operation) != case.operation:
            found.append("the fault met %s" % self.stage.proxy.did[case.task])
        if not fault.reboot and case.task not in self.stage.proxy.did:
            found.append("%s number %d never came: %s" % (case.operation, case.nth, self.stage.proxy.requests.get(case.task)))
        if task["state"] not in ENDED or task["state"] == "attention":
            return found + ["the task is %s: %s" % (task["state"], task.get("error"))]
        error = task.get("error")
        if task["state"] == "done" and error or task["state"] != "done" and not error:
            found.append("state %s with error %s" % (task["state"], error))
        if error and case.scenario.ends == "done" and error["code"] not in CODES | case.scenario.codes:
            found.append("it says %s" % error)
        if error and not error.get("title"):
            found.append("its error says nothing: %s" % error)
        steps = self.stage.steps(case.task)
        left = [step for step in steps if step["state"] == "intent"]
        if left:
            found.append("steps without an outcome: %s" % [step["operation"] for step in left])
        if self.step(case, steps) is None:
            found.append("its steps do not have the operation: %s" % [step["operation"] for step in steps])
        return found

    @staticmethod
    def outcome(task):
        error = task.get("error")
        return ", " + task["state"] + (" " + error["code"] if error else "")

    def again(self, picture):
        """What starting bhyped twice more changed."""
        for _ in range(2):
            self.stage.kill(["bhyped"])
        before = picture.comparable()
        differences = []

        def same():
            now = self.stage.picture().comparable()
            differences[:] = ["%s: %s" % (what, difference(before[what], now[what])) for what in before if before[what] != now[what]]
            return not differences

        eventually(same, 10, 0.5)
        return differences


def difference(before, now):
    if isinstance(before, dict):
        return {key: (before.get(key), now.get(key)) for key in set(before) | set(now) if before.get(key) != now.get(key)}
    return "%s, was %s" % (now, before)


def check_kinds(program):
    kinds = subprocess.run([program, "--kinds"], check=True, capture_output=True, text=True).stdout.split()
    without, unknown = missing(kinds)
    for kind in without:
        print("tests/sweep/scenarios.py has no scenario for tasks of kind %s" % kind)
    for kind in unknown:
        print("tests/sweep/scenarios.py has a scenario for %s, which is no kind of task" % kind)
    return not without and not unknown and bool(kinds)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--quick", action="store_true")
    options.add_argument("--kinds")
    options.add_argument("--only", default="")
    options.add_argument("--faults", default="")
    options.add_argument("--release", default="14.3")
    options.add_argument("--dir")
    options.add_argument("--keep", action="store_true")
    options.add_argument("--in-place", action="store_true")
    options.add_argument("--check-kinds")
    options = options.parse_args()
    if options.check_kinds:
        sys.exit(0 if check_kinds(options.check_kinds) else 1)
    if os.geteuid() != 0:
        sys.exit("a lab needs root")
    faults = [fault for fault in FAULTS if options.faults in fault.name and (fault.quick or not options.quick)]
    report = Report()
    report.say("%d faults%s: %s" % (len(faults), ", the quick part" if options.quick else "", "; ".join(fault.name for fault in faults)))
    if options.quick:
        report.say("left out by --quick: each operation meets one of these faults instead of all, and none meets: %s" %
                   "; ".join(fault.name for fault in FAULTS if not fault.quick))
    report.say("left out always: %s is not made to hang, since its deadline is an hour" % ", ".join(sorted(HOURS)))

    def sweep(name, scenarios):
        scenarios = [scenario for scenario in scenarios if not options.kinds or scenario.kind in options.kinds.split(",")]
        if not scenarios or not faults:
            return
        directory = options.dir and os.path.join(os.path.abspath(options.dir), name)
        stage = Stage(report, options.release, directory, options.keep or options.in_place, options.in_place)
        try:
            Sweep(stage, scenarios, faults, options.only, options.quick).run()
        except Exception:
            report.check("the sweep's lab %s" % name, False, traceback.format_exc())
        finally:
            stage.down()

    threads = [threading.Thread(target=sweep, args=("guests", [s for s in SCENARIOS if not s.alone])),
               threading.Thread(target=sweep, args=("setup", [s for s in SCENARIOS if s.alone]))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("%d checks passed, %d failed" % (report.passed, report.failed))
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
