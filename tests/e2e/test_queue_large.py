"""A queue full of mail for dead destinations: start, memory, and a fresh
message that does not wait."""
import os
import sys
import time

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from queuehost import MESSAGE, QueueHost, UID, queue_file, wait_for  # noqa: E402
from smtpsink import SmtpSink  # noqa: E402

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="needs root")
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def make_id(n):
    text = ""
    for _ in range(16):
        text = ALPHABET[n & 31] + text
        n >>= 5
    return text


def fill(host, count, domains, due):
    """Messages that were tried before; some of them are due."""
    now = int(time.time())
    why = "4.4.1 dead.test: no answer in time"
    for n in range(count):
        ident = make_id(n)
        to = f"someone-{n}@d{n % domains}.dead.test"
        data = queue_file(
            ident, "s@else.test", [to], MESSAGE, flags="own",
            options="marks --\n", attempts=5,
            next_=now - 10 if n % due == 0 else now + 7200,
            wishes={to: f"why {why:240}\n"})
        path = os.path.join(host.queue, "cur", ident)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(fd, data)
        os.fchown(fd, UID["queue"], UID["queue"])
        os.close(fd)


def memory(host):
    """Octets that the manager has of its own, though a helper that was forked
    may share them for a moment."""
    with open(f"/proc/{host.children()['manager']}/smaps_rollup") as f:
        return sum(int(line.split()[1]) * 1024 for line in f
                   if line.startswith(("Anonymous:", "Swap:")))


def cpu_seconds(host):
    """What the manager has used, which is not the machine's other work."""
    with open(f"/proc/{host.children()['manager']}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def latency(host, sink, rounds):
    """Seconds from the drop to the sink: the least, and the median."""
    times = []
    for n in range(rounds):
        have = len(sink.transactions)
        start = time.time()
        host.drop("s@else.test", [f"x{n}@live.test"])
        assert wait_for(lambda: len(sink.transactions) > have, 30, 0.0005)
        times.append(time.time() - start)
    return min(times), sorted(times)[rounds // 2]


# What must hold of 100,000, for a machine that has nothing else to do; and what
# any holds of few.
@pytest.mark.parametrize("count,domains,start_s,more_ms,rounds", [
    (2000, 20, 60, 1000, 5),
    pytest.param(100000, 1000, 10, 5, 50, marks=pytest.mark.soak)])
def test_a_large_queue_of_dead_destinations(
        capsys, count, domains, start_s, more_ms, rounds):
    with SmtpSink("127.0.0.2", 0) as sink, QueueHost(start=False) as host:
        host.routes = {f"d{n}.dead.test": "[127.0.0.1]:1"
                       for n in range(domains)}
        host.routes["live.test"] = f"[127.0.0.2]:{sink.address[1]}"
        host.make_tables()
        host.start()
        before = memory(host)
        empty = latency(host, sink, rounds)
        host.stop()
        sink.transactions.clear()
        os.truncate(host.log, 0)
        fill(host, count, domains, due=100)
        start = time.time()
        host.start()
        host.drop("s@else.test", ["first@live.test"])
        assert wait_for(lambda: sink.transactions, 60)
        first = time.time() - start
        (scanned,) = host.wait_event("scanned", seconds=60)
        assert int(scanned["messages"]) == count
        took, used = memory(host) - before, cpu_seconds(host)
        full = latency(host, sink, rounds)
        with capsys.disabled():
            print(f"\n{count} messages, {domains} destinations: known after "
                  f"{int(scanned['ms']) / 1000:.2f} s, {used:.2f} s of a "
                  f"processor's; the first fresh message "
                  f"at its sink after {first:.2f} s, later ones after "
                  f"{full[0] * 1000:.1f} ms at best, {full[1] * 1000:.1f} ms "
                  f"in the middle ({empty[0] * 1000:.1f} and "
                  f"{empty[1] * 1000:.1f} ms with an empty queue); "
                  f"{took / count:.0f} octets of memory a message")
        assert used < start_s
        # Where an empty queue takes long something else is busy.
        assert full[0] - empty[0] < more_ms / 1000 + empty[0] / 5
        # A small queue is mostly what the process needs anyway.
        assert took < 300 * count + 4 * 1024 * 1024
