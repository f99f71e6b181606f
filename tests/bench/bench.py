#!/usr/bin/python3
"""Measure a host of ours beside Postfix and Dovecot, on a journalled ext4.

Everything is this program's own: a disk image, configurations, ports, accounts
by number. All of it is removed at the end. Systems are measured in turns, in
random order; the table shows medians over the rounds.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import disk                                             # noqa: E402
import dovecot                                          # noqa: E402
import kereru                                           # noqa: E402
import load                                             # noqa: E402
import measure_imap                                     # noqa: E402
import measure_mail                                     # noqa: E402
import opensmtpd                                        # noqa: E402
import postfix                                          # noqa: E402
import results                                          # noqa: E402
import system                                           # noqa: E402

RIVALS = [(it.name, it.kinds)
          for it in (postfix.Postfix, opensmtpd.OpenSmtpd, dovecot.DovecotLmtp,
                     dovecot.Dovecot, dovecot.LeanDovecot)]
NEEDED = {"mkfs.ext4": "e2fsprogs", "losetup": "mount", "openssl": "openssl"}


def arguments():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("groups", nargs="*", metavar="GROUP",
                   help="measure these groups of rows only (see --list)")
    p.add_argument("--list", action="store_true", help="list the groups")
    p.add_argument("--rounds", type=int, default=3, metavar="N")
    p.add_argument("--json", metavar="FILE", help="write every number there")
    p.add_argument("--systems", default="kereru,postfix,opensmtpd,dovecot,"
                   "dovecot-lean,dovecot-lmtp", help="measure these only (default: %(default)s)")
    p.add_argument("--scale", type=float, default=1.0, metavar="X",
                   help="so many times as many messages (for a short try: 0.1)")
    p.add_argument("--octets", type=int, default=4096,
                   help="size of a message (default: %(default)s)")
    p.add_argument("--mailbox", type=int, default=10000, metavar="N",
                   help="messages in the mailbox that is read")
    p.add_argument("--disk-mb", type=int, default=6144, metavar="N",
                   help="size of the disk image (default: %(default)s)")
    p.add_argument("--build", metavar="DIR", default=os.environ.get(
        "B", os.path.join(load.ROOT, "build")),
        help="where the programs are (default: $B, or build)")
    p.add_argument("--make", default="make", help=argparse.SUPPRESS)
    return p.parse_args()


class Bench:
    """What a measurement needs, and the systems to measure."""

    def __init__(self, options):
        self.options = options
        self.octets = options.octets
        self.build = os.path.abspath(os.path.join(load.ROOT, options.build))
        self.work = tempfile.mkdtemp(prefix="kereru-bench-", dir="/var/tmp")
        os.chmod(self.work, 0o755)
        self.facts = {**results.machine(), "rounds": options.rounds,
                      "octets": options.octets, "scale": options.scale,
                      "mailbox": options.mailbox}
        self.results = results.Results()
        self.load = load.Load(self.build)
        self.disk = disk.Disk(self.work, options.disk_mb)
        self.sink = None
        self.systems = {}

    def settle(self):
        self.disk.settle()
        time.sleep(0.1)

    def scaled(self, count):
        return max(20, int(count * self.options.scale))

    def prepare(self, wanted_kinds):
        self.load.build()
        self.disk.make()
        self.sink = load.Sink(self.load, self.work)
        on = self.disk.mount_point
        cache = os.path.join(self.build, "bench", "packages")
        for it in (kereru.Kereru(self.work, on, self.options.make, self.build,
                                self.sink.port),
                   postfix.Postfix(self.work, on, cache, self.sink.port),
                   opensmtpd.OpenSmtpd(self.work, on, cache,
                                       self.sink.port),
                   dovecot.Dovecot(self.work, on),
                   dovecot.LeanDovecot(self.work, on),
                   dovecot.DovecotLmtp(self.work, on, cache)):
            if it.name in self.options.systems.split(",") and \
                    wanted_kinds & set(it.kinds):
                self._start(it, wanted_kinds)

    def _start(self, it, wanted_kinds):
        print(f"starting {it.name}", file=sys.stderr, flush=True)
        self.systems[it.name] = it
        try:
            it.prepare()
            it.start()
            self.results.versions[it.name] = it.version()
            if "mail" in wanted_kinds & set(it.kinds):
                self._warm_up(it)
        except system.Unavailable as why:
            self.results.versions[it.name] = f"not measured: {why}"
            self._stop(it)
        except Exception as why:
            self._show(it)
            self.results.fail(it.name, "start", why)
            self._stop(it)

    def _warm_up(self, it):
        arrivals = self.load.arrivals(200, it.new_folders())
        try:
            self.load.smtp(it, 10, 200, self.octets)
            arrivals.last_ns()
        finally:
            arrivals.stop()
        it.empty_maildirs()

    def _stop(self, it):
        del self.systems[it.name]
        try:
            it.stop()
        except Exception as why:
            self.results.fail(it.name, "stop", why)

    def measure(self, group, number):
        names = [n for n, it in self.systems.items() if group.kind in it.kinds]
        random.shuffle(names)
        for name in names:
            if (name, group.name) in {f[:2] for f in self.results.failures}:
                continue
            print(f"round {number}: {group.name}, {name}", file=sys.stderr,
                  flush=True)
            it = self.systems[name]
            try:
                values = group.run(self, it)
            except Exception as why:
                self._show(it)
                self.results.fail(name, group.name, why)
                continue
            self.results.add(name, group.name, values)

    @staticmethod
    def _show(it):
        traceback.print_exc()
        for line in it.last_words():
            print(f"{it.name}: {line}", file=sys.stderr)

    def finish(self):
        for it in list(self.systems.values()):
            self._stop(it)
        if self.sink:
            self.sink.stop()
        self.disk.remove()
        shutil.rmtree(self.work)


def run(options, groups):
    bench = Bench(options)
    try:
        bench.prepare({g.kind for g in groups})
        for number in range(1, options.rounds + 1):
            for group in groups:
                if number == 1 or not group.once:
                    bench.measure(group, number)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        bench.finish()
    return bench


def show(options, groups, bench):
    facts = {**bench.facts, "direct_io": bench.disk.direct}
    print(f"Kernel {facts['kernel']}, {facts['cpus']} cores, load before "
          f"{facts['load']:.1f}; ext4 with a journal on a loop device"
          f"{', direct i/o' if bench.disk.direct else ''}; messages of "
          f"{options.octets} octets; medians of {options.rounds} rounds.")
    print("\n".join(bench.results.table(groups, "kereru", RIVALS)
                    + bench.results.notes()))
    if options.json:
        bench.results.write_json(options.json, facts)


def main():
    options = arguments()
    every = measure_mail.groups() + measure_imap.groups(
        options.mailbox, int(measure_imap.HUGE_SIZE * options.scale))
    if options.list:
        for g in every:
            print(f"{g.name:10} {'' if g.usual else '(only when named) '}"
                  + "; ".join(r.label for r in g.rows))
        return 0
    unknown = set(options.groups) - {g.name for g in every}
    if unknown:
        print(f"there is no group {', '.join(unknown)}; see --list",
              file=sys.stderr)
        return 100
    if os.geteuid() != 0:
        print("bench: needs root: it mounts a disk image and gives each "
              "mailbox its own uid", file=sys.stderr)
        return 100
    for program, package in NEEDED.items():
        if not shutil.which(program):
            print(f"bench: needs {program} (package {package})",
                  file=sys.stderr)
            return 100
    groups = [g for g in every if g.name in options.groups
              or (g.usual and not options.groups)]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(111))
    bench = run(options, groups)
    show(options, groups, bench)
    return 1 if any(f[0] == "kereru" for f in bench.results.failures) else 0


if __name__ == "__main__":
    sys.exit(main())
