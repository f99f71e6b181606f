"""What is measured of mail coming in and going out."""

import re
import signal
import statistics
import subprocess
import time

from rows import Group

# The longest that a system is given to finish what it does after the last
# message has arrived, before its CPU time is read.
AFTERWARDS = 0.3


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


def _large(bench, it):
    bench.settle()
    count, octets = bench.scaled(200), 1 << 20
    arrivals = bench.load.arrivals(count, it.new_folders())
    try:
        sent = bench.load.smtp(it, 10, count, octets)
        arrivals.last_ns()
    finally:
        arrivals.stop()
    it.empty_maildirs()
    return {"accepted": count * octets / 1e6 / sent["seconds"]}


def _drain(bench, it):
    """A queue that has been filled while nobody looked after it."""
    bench.settle()
    count = bench.scaled(20000)
    before = bench.sink.count()[0]
    it.hold_queue(True)
    try:
        bench.load.smtp(it, 50, count, bench.octets, domain="elsewhere.test")
        bench.settle()
        start_ns = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    finally:
        it.hold_queue(False)
    last_ns = bench.sink.last_ns(before + count)
    return {"relayed": _rate(count, start_ns, last_ns)}


def _pass_through(bench, it):
    """From connect to the sink, one message after another."""
    bench.settle()
    took = []
    for _ in range(bench.scaled(40)):
        before = bench.sink.count()[0]
        sent = bench.load.smtp(it, 1, 1, bench.octets, one_each=True,
                               domain="elsewhere.test")
        last_ns = bench.sink.last_ns(before + 1)
        took.append((last_ns - sent["start_ns"]) / 1e6)
        time.sleep(0.05)
    return {"latency": statistics.median(took)}


def _delivery(bench, it):
    values = _deliver(bench, it, 10, 20000)
    return {key: values[key] for key in ("delivered", "cpu")}


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


def groups():
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
        Group("large", "mail", [
            ("accepted", "accepted of 1 MiB, 10 sessions", "MB/s")],
            _large),
        Group("delivery", "deliver", [
            ("delivered", "20,000 delivered, 10 sessions", "msg/s"),
            ("cpu", "CPU for 1,000 of them", "s")],
            _delivery, once=True),
        Group("through", "mail", [
            ("latency", "from connect to a sink, queue idle", "ms")],
            _pass_through),
        Group("drain", "drain", [
            ("relayed", "a queue of 20,000, drained to a sink", "msg/s")],
            _drain, once=True),
        Group("relay", "mail", [
            ("relayed", "relayed to a sink, 10 sessions", "msg/s"),
            ("cpu", "CPU for 1,000 relayed", "s")],
            _relay),
        Group("fsync", "mail", [
            ("calls", "fsync and its like, delivered", "a message")],
            _fsync, once=True, usual=False),
    ]
