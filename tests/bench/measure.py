"""What is measured: groups of rows, each got by one run of one system."""

import re
import signal
import subprocess
import time

import messages
import system

# The longest that a system is given to finish what it does after the last
# message has arrived, before its CPU time is read.
AFTERWARDS = 0.3

READ = ["SELECT INBOX", "FETCH 1:* (FLAGS)",
        "FETCH 1:* (ENVELOPE BODYSTRUCTURE)", "FETCH 1:* (BODY.PEEK[])"]
READ_KEYS = ["select", "flags", "envelope", "body"]
# What an idle connection has said after its login.
STATES = {"login": [], "idle": ["SELECT INBOX", "IDLE"]}


class Row:
    def __init__(self, key, label, unit):
        self.key = key
        self.label = label
        self.unit = unit


class Group:
    """Rows that one run gives.

    kind     which systems it is for: see system.System
    run      function(bench, system) -> {row key: value}
    once     its values do not vary: one round is enough
    usual    part of the run when no groups are named
    """

    def __init__(self, name, kind, rows, run, once=False, usual=True):
        self.name = name
        self.kind = kind
        self.rows = [Row(*row) for row in rows]
        self.run = run
        self.once = once
        self.usual = usual


def _rate(count, start_ns, end_ns):
    return count / ((end_ns - start_ns) / 1e9)


def _deliver(bench, it, sessions, wanted, one_each=False):
    """Messages for local mailboxes: accepted, delivered, and what it cost."""
    bench.settle()
    count = bench.scaled(wanted)
    arrivals = bench.load.arrivals(count, it.new_folders())
    cpu = it.group.cpu_seconds()
    try:
        sent = bench.load.smtp(it, sessions, count, bench.octets,
                               one_each=one_each)
        last_ns = arrivals.last_ns()
    finally:
        arrivals.stop()
    time.sleep(AFTERWARDS)
    cpu = it.group.cpu_seconds() - cpu
    it.empty_maildirs()
    return {"accepted": sent["accepted"] / sent["seconds"],
            "delivered": _rate(count, sent["start_ns"], last_ns),
            "p99": sent["p99_ms"], "cpu": cpu / count * 1000}


def _intake(sessions, count):
    def run(bench, it):
        return _deliver(bench, it, sessions, count)
    return run


def _connect(bench, it):
    return _deliver(bench, it, 10, 1500, one_each=True)


def _relay(bench, it):
    bench.settle()
    count = bench.scaled(2000)
    before = bench.sink.count()[0]
    cpu = it.group.cpu_seconds()
    sent = bench.load.smtp(it, 10, count, bench.octets,
                           domain="elsewhere.test")
    last_ns = bench.sink.last_ns(before + count)
    time.sleep(AFTERWARDS)
    cpu = it.group.cpu_seconds() - cpu
    return {"relayed": _rate(count, sent["start_ns"], last_ns),
            "cpu": cpu / count * 1000}


def _read(bench, it):
    """A mailbox without any cache, then the same again."""
    it.forget(system.READER)
    bench.settle()
    user = system.mailbox(system.READER)
    values = {}
    for turn in ("first", "warm"):
        answers = bench.load.imap(it, user, READ)
        for key, answer in zip(READ_KEYS, answers):
            values[f"{key}-{turn}"] = answer["ms"]
        # Who sends less is not faster.
        if answers[-1]["octets"] < messages.octets(bench.options.mailbox):
            raise RuntimeError("it did not send every message whole")
    return values


def _idle(count, states):
    def run(bench, it):
        values = {}
        for key in states:
            before = it.group.memory_kib()
            held = bench.load.hold(it, count, STATES[key])
            time.sleep(it.rest_seconds)
            after = it.group.memory_kib()
            held.stop()
            values[f"{key}-pss"] = (after[0] - before[0]) / count
            values[f"{key}-tables"] = (after[1] - before[1]) / count
            _wait_for_fewer(it, before[2], count)
        return values
    return run


def _wait_for_fewer(it, before, count):
    """Until the processes of the connections have gone."""
    for _ in range(200):
        if len(it.group.processes()) <= before + count // 20 + 2:
            return
        time.sleep(0.1)
    raise RuntimeError("processes stay after their connections have closed")


def _fsync(bench, it):
    """Calls of the fsync family a message, by strace: slow, so never timed."""
    count = bench.scaled(200)
    arrivals = bench.load.arrivals(count, it.new_folders())
    pids = [arg for pid in it.group.processes() for arg in ("-p", str(pid))]
    tracer = subprocess.Popen(
        ["strace", "-f", "-c", "-U", "calls,name", "-e",
         "trace=fsync,fdatasync,syncfs,sync", *pids],
        stderr=subprocess.PIPE, text=True)
    try:
        time.sleep(1)
        bench.load.smtp(it, 1, count, bench.octets)
        arrivals.last_ns()
        time.sleep(1)
    finally:
        arrivals.stop()
        tracer.send_signal(signal.SIGINT)
        said = tracer.communicate()[1]
    it.empty_maildirs()
    calls = sum(int(n) for n in re.findall(r"^\s*(\d+)\s+[a-z]*sync", said,
                                           re.M))
    return {"calls": calls / count}


def _idle_rows(count, states):
    named = {"login": "logged in", "idle": "in IDLE"}
    return [(f"{key}-{what}", f"{label}, {count} {named[key]}", "KiB each")
            for key in states
            for what, label in (("pss", "PSS"), ("tables", "page tables"))]


def _read_rows(count):
    what = [("select", f"SELECT of {count}"), ("flags", "FETCH 1:* (FLAGS)"),
            ("envelope", "FETCH 1:* (ENVELOPE BODYSTRUCTURE)"),
            ("body", "FETCH 1:* (BODY.PEEK[])")]
    return [(f"{key}-{turn}", f"{label}, {turn}", "ms")
            for turn in ("first", "warm") for key, label in what]


def groups(mailbox_size):
    return [
        Group("intake1", "mail", [
            ("accepted", "accepted, 1 session", "msg/s"),
            ("p99", "99 of 100 answered within, 1 session", "ms")],
            _intake(1, 800)),
        Group("intake10", "mail", [
            ("accepted", "accepted, 10 sessions", "msg/s"),
            ("delivered", "delivered, 10 sessions, 100 mailboxes", "msg/s"),
            ("cpu", "CPU for 1,000 messages, delivered", "s"),
            ("p99", "99 of 100 answered within, 10 sessions", "ms")],
            _intake(10, 3000)),
        Group("intake100", "mail", [
            ("accepted", "accepted, 100 sessions", "msg/s"),
            ("delivered", "delivered, 100 sessions", "msg/s"),
            ("p99", "99 of 100 answered within, 100 sessions", "ms")],
            _intake(100, 4000)),
        Group("connect", "mail", [
            ("accepted", "one message a connection, 10 clients", "msg/s"),
            ("cpu", "CPU for 1,000 of them", "s")],
            _connect),
        Group("relay", "mail", [
            ("relayed", "relayed to a sink, 10 sessions", "msg/s"),
            ("cpu", "CPU for 1,000 relayed", "s")],
            _relay),
        Group("fsync", "mail", [
            ("calls", "fsync and its like, delivered", "a message")],
            _fsync, once=True, usual=False),
        Group("imap", "imap", _read_rows(f"{mailbox_size:,}"), _read),
        Group("idle100", "idle", _idle_rows("100", ["login", "idle"]),
              _idle(100, ["login", "idle"]), once=True),
        Group("idle1000", "idle-many", _idle_rows("1,000", ["login"]),
              _idle(1000, ["login"]), once=True),
    ]
