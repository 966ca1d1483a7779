"""bHype's relay beside nginx's stream proxy and websockify; consoles of the installed bHype beside websockify's."""

import statistics
import subprocess
import time

from host import GUEST
from labkit import Failed, eventually
from measure import Program, cpu, cpu_of_family, family, memory
from memories import mebibytes
from peers import Websockify, until_listening

GIGABYTE = 1 << 30
STREAMED = 1 * GIGABYTE
STREAMED_BY_WEBSOCKIFY = GIGABYTE // 4
ROUNDS = 3
IDLE = 100
OPENED = 100
BATCHES = 10


def seconds(value):
    return "%.2f s" % value


def per_second(value):
    return "%.0f" % value


def run(bench):
    folder = bench.sub("console")
    guest = {"relay": folder + "/guest-relay.sock", "nginx": bench.nginx.www[:-3] + "guest.sock",
             "websockify": folder + "/guest-websockify.sock"}
    tool = bench.program("http/http_bench")
    relay_socket = folder + "/relay.sock"
    with Program(tool, "relay", relay_socket, guest["relay"]) as relay, Websockify(guest["websockify"]) as websockify:
        until_listening(relay_socket)
        # name: where clients connect, how they speak, CPU seconds so far
        servers = {"nginx": (bench.nginx.stream, "raw", lambda: cpu(bench.nginx.worker)),
                   "relay": (relay_socket, "ws", lambda: cpu(relay.pid)),
                   "websockify": (websockify.address, "ws", lambda: cpu_of_family(websockify.pid))}

        def stream(name, client, verb):
            """CPU seconds of the server for a gigabyte."""
            address, kind, used = servers[name]
            size = STREAMED_BY_WEBSOCKIFY if name == "websockify" else STREAMED
            with Program(tool, "guest", guest[name], str(size), verb) as end:
                time.sleep(0.2)
                before = used()
                subprocess.run([tool, client, address, str(size), kind], check=True)
                end.process.wait(60)
                time.sleep(0.1)
                return (used() - before) / size * GIGABYTE

        for what, client, verb, most in (("to the browser", "sink", "send", 1.25),
                                         ("from the browser, masked", "source", "read", 1.5)):
            found = {name: [] for name in servers}
            for _ in range(ROUNDS):
                for name in servers:
                    found[name].append(stream(name, client, verb))
            found = {name: statistics.median(values) for name, values in found.items()}
            bench.row("console, a GB " + what, found["relay"], found["nginx"], "nginx stream", most, seconds)
            bench.report.plain("console, a GB " + what, seconds(found["relay"]), seconds(found["websockify"]) + " (websockify)",
                               "1/%.0f" % (found["websockify"] / found["relay"]))

        rates = {}
        for name in ("relay", "websockify"):
            address, _, used = servers[name]
            with Program(tool, "guest", guest[name], "0", "greet"):
                until_listening(guest[name])
                before = used()
                subprocess.run([tool, "open", address, str(OPENED), "ws"], check=True)
                time.sleep(0.5)
                rates[name] = OPENED / (used() - before)

    # Fresh ones: what streaming has left is no memory that idle consoles would not need.
    idle = {}
    with Program(tool, "relay", relay_socket, guest["relay"]) as relay, Websockify(guest["websockify"]) as websockify:
        until_listening(relay_socket)
        for name, address, processes in (("relay", relay_socket, lambda: [relay.pid]),
                                         ("websockify", websockify.address, lambda: family(websockify.pid))):
            with Program(tool, "guest", guest[name], "0", "greet"):
                until_listening(guest[name])
                before = memory(*processes())
                with Program(tool, "idle", address, str(IDLE), "ws", stdout=subprocess.PIPE, text=True) as held:
                    if held.process.stdout.readline() != "held\n":
                        raise Failed("%s does not hold %d consoles" % (name, IDLE))
                    idle[name] = memory(*processes()) - before
    bench.limit("%d idle consoles, more memory" % IDLE, idle["relay"], 4 << 20, mebibytes,
                mebibytes(idle["websockify"]) + " (websockify)")
    bench.report.at_least("new consoles a second of CPU", rates["relay"], rates["websockify"], "websockify", 10, per_second)
    bench.report.at_least("the same, with log-in, ticket and bhype-vmd", installed(bench), rates["websockify"], "websockify",
                          10, per_second)


def installed(bench):
    """New consoles a second of the CPU time of bhyped, bhype-hostd and the guest's bhype-vmd."""
    host = bench.host
    host.start()
    daemons = [host.pid("bhyped"), host.pid("bhype-hostd"), host.pid("bhype-vmd")]

    def console():
        found = host.lab.console(host.api, GUEST, "serial", "watch")
        if not eventually(lambda: found.data or not found.receive(1), 10, 0) or not found.data:
            raise Failed("the console says nothing")
        found.close()

    console()
    time.sleep(0.5)
    rates = []
    for _ in range(BATCHES):  # the median leaves out what bhyped does every minute
        before = cpu(*daemons)
        for _ in range(OPENED // BATCHES):
            console()
        rates.append(OPENED // BATCHES / (cpu(*daemons) - before))
    return statistics.median(rates)
