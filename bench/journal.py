"""Group commit: durable commits of 16 writers beside those of one."""

import os
import shutil
import statistics
import subprocess
import tempfile

SECONDS = 2
ROUNDS = 3


def run(bench):
    # Beside the build and not in /tmp, which may be memory, where nothing is durable.
    folder = tempfile.mkdtemp(dir=os.path.dirname(bench.program("")))
    try:
        rates = {1: [], 16: []}
        for number in range(ROUNDS):
            for writers, found in rates.items():
                printed = subprocess.run(
                    [bench.program("journal/journal_bench"), "%s/%d-%d" % (folder, number, writers), str(writers),
                     str(SECONDS)], check=True, stdout=subprocess.PIPE, text=True).stdout
                commits, took, _ = map(float, printed.split())
                found.append(commits / took)
    finally:
        shutil.rmtree(folder)
    bench.report.at_least("journal: durable commits a second by 16 writers, wall", statistics.median(rates[16]),
                          statistics.median(rates[1]), "one writer", 5, lambda rate: "%.0f" % rate)
