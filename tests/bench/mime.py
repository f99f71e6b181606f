#!/usr/bin/python3
"""Rows about mime/ beside GMime and mblaze, on the same messages in turns.

Parsing is measured inside of a process, in CPU seconds of one core; listing a
maildir as the CPU seconds of all that runs. A rival that is not installed is
left out (Debian's libgmime-3.0-dev and mblaze).
"""
import argparse
import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)

import messages                                         # noqa: E402


def build(options, name, *libraries):
    program = os.path.join(options.build, "bench", name)
    os.makedirs(os.path.dirname(program), exist_ok=True)
    subprocess.run(
        [os.environ.get("CC", "gcc"), "-std=c11", "-D_GNU_SOURCE", "-I", ROOT,
         "-O2", "-Wall", "-Werror", "-o", program,
         os.path.join(HERE, name + ".c"), *libraries], check=True)
    return program


def build_gmime(options):
    done = subprocess.run(["pkg-config", "--cflags", "--libs", "gmime-3.0"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True) if shutil.which("pkg-config") else None
    if not done or done.returncode != 0:
        return None
    return build(options, "gmime_time", *done.stdout.split())


def parse(program, files):
    told = json.loads(subprocess.run(
        [program, "5", *files], stdout=subprocess.PIPE, check=True).stdout)
    return [told["octets"] / told[key] / 1e6 for key in ("parsed", "indexed")]


def listing(*commands):
    """CPU seconds of a pipe of commands."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    source, running = subprocess.DEVNULL, []
    for i, argv in enumerate(commands):
        last = i + 1 == len(commands)
        process = subprocess.Popen(
            argv, stdin=source, stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if last else subprocess.PIPE)
        source = process.stdout
        running.append(process)
    for process in running:
        if process.wait() != 0:
            raise RuntimeError(f"{process.args[0]} failed")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return [after.ru_utime + after.ru_stime - before.ru_utime -
            before.ru_stime]


def measure(options, work):
    box = os.path.join(work, "box")
    for sub in ("", "new", "tmp"):
        os.makedirs(os.path.join(box, sub), exist_ok=True)
    messages.fill(box, os.getuid(), options.messages)
    files = [os.path.join(box, "cur", n)
             for n in sorted(os.listdir(os.path.join(box, "cur")))[:2000]]
    ours = build(options, "mime_time",
                 os.path.join(options.build, "libkereru.a"), "-lskarnet")
    gmime = build_gmime(options)
    mime = os.path.join(options.build, "bin", "mime")
    jobs = {("mime", "parse"): lambda: parse(ours, files),
            ("mime", "list"): lambda: listing([mime, "ls", box]),
            ("mime", "threads"): lambda: listing([mime, "ls", "-t", box])}
    if gmime:
        jobs["gmime", "parse"] = lambda: parse(gmime, files)
    if shutil.which("mscan"):
        jobs["mblaze", "list"] = lambda: listing(["mlist", box], ["mscan"])
        jobs["mblaze", "threads"] = lambda: listing(
            ["mlist", box], ["mthread"], ["mscan"])
    found = {}
    for _ in range(options.rounds):
        for key in random.sample(sorted(jobs), len(jobs)):
            for i, value in enumerate(jobs[key]()):
                found.setdefault((*key, i), []).append(value)
    return {key: statistics.median(values) for key, values in found.items()}


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--rounds", type=int, default=5, metavar="N")
    p.add_argument("--messages", type=int, default=20000, metavar="N")
    p.add_argument("--build", default=os.path.join(ROOT, "build"))
    options = p.parse_args()
    options.build = os.path.abspath(options.build)
    with tempfile.TemporaryDirectory(prefix="kereru-bench-",
                                     dir="/var/tmp") as work:
        found = measure(options, work)
    rows = [("parsed", "MB/s", "parse", 0, "gmime"),
            ("parsed and indexed", "MB/s", "parse", 1, "gmime"),
            (f"a list of {options.messages:,} messages", "CPU s", "list", 0,
             "mblaze"),
            ("the same in threads", "CPU s", "threads", 0, "mblaze")]
    print(f"mime/, medians of {options.rounds} rounds, load "
          f"{os.getloadavg()[0]:.1f}; more is better for MB/s alone.")
    print(f"{'':38}{'':>8}{'mime':>10}{'theirs':>10}{'':>8}{'ratio':>8}")
    for label, unit, job, i, rival in rows:
        mine, theirs = found["mime", job, i], found.get((rival, job, i))
        print(f"{label:38}{unit:>8}{mine:10.3g}" +
              (f"{theirs:10.3g}{rival:>8}{mine / theirs:8.2f}" if theirs
               else f"{'-':>10}"))


if __name__ == "__main__":
    sys.exit(main())
