"""The table of ./dev bench: what was measured, beside whom, against which target."""

import os
import platform
import time

BUSY = 0.15  # of a core, by others

PAGE = """# Performance

Written by `./dev bench`: each figure and its peer's are of the same run on the same machine. CPU time counts, since it
does not depend on what else runs; rows that say "wall" do. %s

%s

%s

## What was compared

%s
"""

NOTES = """- **List.** `GET /api/v1/vms` by an administrator with a session on bhyped's socket for nginx, CPU time of the whole
  process; nginx sends the same bytes from a file through a unix socket (`sendfile`, one worker). "One changed" means
  that a VM's note was edited, by a task, before each
  request: the list is written from the one before and what has changed. The first list that a user asks for after
  bhyped's start has nothing to be written from.
- **1,000 VMs.** Two are real. The others are rows that a script adds to the answers of the lab's `zfs list`, and their
  `vm.toml`: making 1,000 datasets takes the lab's emulated OpenZFS ten minutes, and bhyped and bhype-hostd cannot tell.
- **libvirtd.** Debian's, as root in namespaces of its own, with its QEMU driver and 1,000 domains that are defined and
  stopped, as the VMs are: one disk, one NIC, a serial line, a screen each. One call is virConnectGetAllDomainStats for
  state, balloon, vcpu, interface and block: what bHype's list tells. libvirtd looks at each disk's file during the
  call, bHype at its datasets every minute and after each change. libvirtd's client library is not counted, nor is nginx
  in front of bhyped.
- **Console, per GB.** bHype's HTTP server and relay as a program of their own, without log-in and ticket, beside nginx's
  stream proxy, which need not frame or unmask: bytes between a unix socket and a unix socket. websockify listens on the
  loopback, as it knows no other way.
- **New consoles.** WebSocket, first byte, end, of the same program beside websockify; 100 idle ones as well. With log-in,
  ticket and bhype-vmd: of the installed bHype, from POST for the ticket to the guest's last lines; CPU time of bhyped,
  bhype-hostd and the guest's bhype-vmd. websockify knows neither tickets nor what was printed before. A second is a
  second of CPU.
- **Start.** From sending `POST /api/v1/vms/NAME/start` until bhyve's process begins. The commands beside it are those
  that the task says it ran, one after the other in a shell; the times of both are from the lab's record of calls. More CPU:
  all that bhyped, bhype-hostd and bhype-vmd used meanwhile, without the commands. The wall time holds the lab's answers
  when bhype-hostd opens vm.toml, disk and variables, which lie in an emulated machine; one row has them on both sides.
- **Memory.** Proportional set size (PSS: shared pages by the number of their users), after the rows above.
- **Networks.** 200 switches, made by their tasks, and 2,000 NICs in the VMs' definitions. The commands are those that the
  lab recorded while nobody asked anything.
- **Journal.** Steps written down durably, as a task does before each operation, on the file system of the build folder.
"""


class Report:
    def __init__(self):
        self.rows = []
        self.missed = 0
        self.notes = []
        self.began = time.monotonic()

    def say(self, text):
        print("%4.0f s  %s" % (time.monotonic() - self.began, text), flush=True)

    def row(self, what, ours, peers, peer, most, shown):
        """Ours may be at most `most` times the peer's."""
        target = "at most %g" % most if most >= 1 else "under 1/%g" % round(1 / most)
        ratio = ours / peers
        self._add(what, shown(ours), "%s (%s)" % (shown(peers), peer),
                  "%.2f" % ratio if ratio >= 0.1 else "1/%.0f" % (1 / ratio), target, ratio <= most)

    def at_least(self, what, ours, peers, peer, least, shown):
        ratio = ours / peers
        self._add(what, shown(ours), "%s (%s)" % (shown(peers), peer), "%.1f" % ratio, "at least %g" % least,
                  ratio >= least)

    def limit(self, what, ours, most, shown, peer=""):
        self._add(what, shown(ours), peer, "", "under " + shown(most), ours < most)

    def plain(self, what, ours, peer, ratio=""):
        """Said beside, without a target."""
        self._add(what, ours, peer, ratio, "", None)

    def _add(self, what, ours, peer, ratio, target, met):
        verdict = {True: "met", False: "MISSED", None: ""}[met]
        self.missed += met is False
        self.rows.append((what, ours, peer, ratio, target, verdict))
        print("        %s: %s | %s | %s | %s %s" % self.rows[-1], flush=True)

    def busy(self, name, cores):
        if cores > BUSY:
            self.notes.append("While the rows \"%s\" were measured, others used %.1f of the machine's cores." % (name, cores))

    def lines(self):
        heads = ("what", "bHype", "peer", "ratio", "target", "")
        widths = [max(len(row[i]) for row in [heads, *self.rows]) for i in range(len(heads))]
        for row in (heads, tuple("-" * width for width in widths), *self.rows):
            yield "| " + " | ".join(text.ljust(width) for text, width in zip(row, widths)) + " |"

    def busy_text(self):
        return " ".join(self.notes) or "Others used less than %d %% of a core meanwhile." % (BUSY * 100)

    def show(self):
        print("\n" + "\n".join(self.lines()))
        print("\n%s\n%d targets missed; %.0f s" % (self.busy_text(), self.missed, time.monotonic() - self.began))

    def write(self, path):
        with open("/proc/cpuinfo") as file:
            model = next((line.split(": ")[1].strip() for line in file if line.startswith("model name")), "?")
        where = "Measured on %s with %d cores (%s), Linux %s." % (time.strftime("%Y-%m-%d", time.gmtime()),
                                                                 os.cpu_count(), model, platform.release())
        with open(path, "w") as file:
            file.write(PAGE % (where, "\n".join(self.lines()), self.busy_text(), NOTES.rstrip()))
