"""The power fails, at every moment, and the disk shows what it likes.

A small host is watched by strace while it takes mail by SMTP, by submission and
from a program, delivers it, puts it off, returns it, and obeys commands. From
the recording replay.c makes states that a file system may be in after a cut
(disk.h says by which rules), starts the queue manager over each, and finds
every message that was acknowledged before the cut, whole, and no other. Over
some of the states the whole services are started.

That a fault would be found is shown by faults: calls that are left out of the
recording, or come too late.
"""
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import types

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import smtpalone  # noqa: E402
from queuehost import (BUILD, MAILBOX_MIN, QueueHost, REPO, UID,  # noqa: E402
                       wait_for)
from recording import Recording, Trace, calls, line_after  # noqa: E402
from smtpsink import SmtpSink  # noqa: E402

pytestmark = pytest.mark.skipif(shutil.which("strace") is None,
                                reason="no strace")
ARCHIVE = os.path.join(os.environ.get("KERERU_MAKE_BUILD", BUILD),
                       "libkereru.a")
SEED = 2026
USER = 64921                    # somebody with an account here
ALICE, BOB, CAROL = "alice@a.test", "bob@a.test", "carol@a.test"
MANY = [f"u{n}@far.test" for n in range(18)]
IN_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class Sink(SmtpSink):
    def _taken(self, transaction):
        transaction.at = time.time()
        super()._taken(transaction)


class Load:
    """What is sent: messages {word: octets}, and who was promised what."""

    def __init__(self):
        self.messages, self.promises = {}, []
        self.lock = threading.Lock()

    def make(self, to, size=300, refused=(), sender=ALICE):
        """A message for all of `to` (where they stand for others: for whom
        they stand)."""
        with self.lock:
            word = f"word{len(self.messages):03}"
            chance = random.Random(word)
            lines = [f"From: <{sender}>", "To: some:;", f"Subject: {word}",
                     "Date: Tue, 24 Nov 2026 10:00:00 +0000",
                     f"Message-ID: <{word}@a.test>", ""]
            while size > 0:
                lines.append(f"{word} {chance.getrandbits(128):032x} {size}")
                size -= len(lines[-1]) + 2
            self.messages[word] = ("\r\n".join(lines) + "\r\n").encode()
            self.promises += [(word, a, "-") for a in to]
            self.promises += [(word, sender, a) for a in refused]
            return word, self.messages[word]


def say(client, sender, to, message, by_chunks=False):
    client.send(f"MAIL FROM:<{sender}>\r\n")
    for address in to:
        client.send(f"RCPT TO:<{address}>\r\n")
    for _ in range(len(to) + 1):
        assert client.reply().startswith("250"), to
    if by_chunks:
        half = len(message) // 2
        client.send(b"BDAT %d\r\n%s" % (half, message[:half]))
        assert client.reply().startswith("250")
        client.send(b"BDAT %d LAST\r\n%s" % (len(message) - half,
                                             message[half:]))
    else:
        assert client.cmd("DATA").startswith("354")
        client.send(message + b".\r\n")
    assert "queued as" in client.reply()


# What is sent in each part of the recording: (to, who gets it, octets) from
# outside, (to, who gets it, whose failure is told) by submission and by a
# program. A part begins with an empty queue; that keeps states small. Fewest
# queues differ in the first.
SHARES = [55, 15, 15, 15]       # of the states, in percent
PARTS = [
    ([([ALICE], [ALICE], 300), ([BOB], [BOB], 70000),
      ([ALICE, BOB, CAROL], [ALICE, BOB, CAROL], 300)],
     [([BOB, "x@far.test"], [BOB, "x@far.test"], [])],
     [([BOB], [BOB], [])]),
    ([(["both@a.test", CAROL], [ALICE, BOB, CAROL], 300),
      (["nested@a.test"], [ALICE, BOB, CAROL], 300)],
     [([CAROL, "refused@far.test"], [CAROL], ["refused@far.test"])],
     [(["nobody@a.test"], [], ["nobody@a.test"])]),
    ([([CAROL], [CAROL], 300)],
     [([*MANY, BOB], [*MANY, BOB], [])],
     [(["x@far.test"], ["x@far.test"], [])]),
    ([([BOB], [BOB], 300)],
     [(["x@dead.test", BOB], ["x@dead.test", BOB], []),
      (["x@slow.test", "y@slow.test", CAROL],
       ["x@slow.test", "y@slow.test", CAROL], []),
      ([], [], []),
      (["refused@slow.test"], [], ["refused@slow.test"])],
     [(["x@slow.test"], ["x@slow.test"], [])]),
]


class Part:
    def __init__(self, top, recording, messages, share):
        self.top, self.recording, self.messages = top, recording, messages
        self.share, self.debts = share, []

    def save(self, lines=None):
        path = os.path.join(self.top, "recording")
        self.recording.save(path, self.messages, self.debts, lines)
        return path


class Recorded:
    """A host that was watched; the recording, and what it promised."""

    def __init__(self, host, top):
        self.host, self.top, self.parts = host, top, []
        self.load = Load()
        self.tables = types.SimpleNamespace(
            certificates=os.path.join(top, "certificates"), queue=host.queue,
            load=os.path.join(host.queue, "load"),
            settings=os.path.join(host.tables, "settings.cdb"),
            recipients=os.path.join(host.tables, "recipients.cdb"))
        open(self.tables.certificates, "wb").close()
        assert wait_for(lambda: os.path.exists(self.tables.load))
        self.program = os.path.join(top, "sendmail")
        shutil.copy(os.path.join(BUILD, "bin", "sendmail"), self.program)
        os.chown(self.program, 0, UID["drop"])
        os.chmod(self.program, 0o2755)

    def start_shell(self):
        """A shell of somebody's, which runs sendmail when it is told to."""
        def drop():
            os.setgroups([])
            os.setgid(USER)
            os.setuid(USER)
        return subprocess.Popen(
            ["sh", "-c", 'while read -r from to file; do '
             f'{self.program} -c {self.host.tables} -f "$from" "$to" <"$file"'
             '; echo $?; done'], stdin=subprocess.PIPE, preexec_fn=drop,
            stdout=subprocess.PIPE, text=True, cwd="/")

    def from_outside(self, letters):
        """By SMTP, from another host."""
        for n, (to, promised, size) in enumerate(letters):
            say(self.clients[0], "x@far.test", to,
                self.load.make(promised, size)[1], n % 2 == 1)

    def from_alice(self, letters):
        """By submission."""
        for to, promised, refused in letters:
            if to:
                say(self.clients[1], ALICE, to,
                    self.load.make(promised, 600, refused)[1])
            else:
                assert self.clients[1].cmd("ETRN dead.test")[:3] == "250"

    def from_a_program(self, letters):
        """By sendmail."""
        for to, promised, refused in letters:
            word, message = self.load.make(promised, 300, refused)
            path = os.path.join(self.top, word)
            with open(path, "wb") as f:
                f.write(message.replace(b"\r\n", b"\n"))
            os.chmod(path, 0o644)
            self.shell.stdin.write(f"{ALICE} {to[0]} {path}\n")
            self.shell.stdin.flush()
            assert self.shell.stdout.readline() == "0\n"

    def is_settled(self, last):
        """Nothing waits but, at last, what a dead host is owed, and that was
        tried more often than once."""
        names = self.host.files("cur")
        if self.host.files("new") or len(names) != last:
            return False
        for name in names:
            with open(os.path.join(self.host.queue, "cur", name)) as f:
                return int(re.search(r"^attempts (\d+)", f.read(), re.M)[1]) > 2
        return True

    def send(self, part, is_last):
        """All senders at once; then wait until what can be done is done."""
        failures = []

        def guarded(send, letters):
            try:
                send(letters)
            except BaseException as error:
                failures.append((letters, error))
        threads = [threading.Thread(target=guarded, args=a) for a in zip(
            (self.from_outside, self.from_alice, self.from_a_program), part)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(60)
        assert not failures, failures
        assert wait_for(lambda: self.is_settled(is_last), 60, 0.1), \
            self.host.log_text()
        self.ends.append((time.time(), len(self.load.messages)))

    def run(self, sinks):
        pids = self.host.children()
        self.clients = [
            smtpalone.Client(self.tables, uid=UID["smtpd"], greet=False),
            smtpalone.Client(self.tables, uid=MAILBOX_MIN, mailbox=ALICE)]
        assert self.clients[0].reply().startswith("220 mx.a.test ")
        self.shell = self.start_shell()
        self.uids = {self.clients[0].pid: (UID["smtpd"], "smtpd"),
                     self.clients[1].pid: (MAILBOX_MIN, "smtpd")}
        trace = Trace(os.path.join(self.top, "trace"),
                      [pids["manager"], pids["local-spawner"], self.shell.pid,
                       *self.uids])
        for client in self.clients:
            client.hello()
        self.ends = []
        for n, part in enumerate(PARTS, 1):
            self.send(part, n == len(PARTS))
        lines = trace.lines()
        self.shell.stdin.close()
        self.shell.wait(10)
        for client in self.clients:
            client.end()
        self.understand(lines, sinks)

    def understand(self, lines, sinks):
        found, times = calls(lines)
        for call in found:
            if call.name == "execve" and not call.failed:
                assert call.arguments[0] == self.program.encode()
                self.uids[call.pid] = (USER, "sendmail")
        folders = {}
        for name in ("tmp", "new", "cur", "bad"):
            folders[os.path.join(self.host.queue, name)] = (
                "t" if name == "tmp" else "q", "queue/" + name)
        for address in self.host.users:
            for name in ("tmp", "new"):
                folders[os.path.join(self.host.home(address), name)] = (
                    "m" if name == "new" else "r", f"mail/{address}/{name}")

        def owner(pid, path):
            if path and path.startswith(self.host.state + "/mail/"):
                address = path.split("/mail/")[1].split("/")[0]
                self.uids[pid] = self.host.uid(address), "local"
            return self.uids.get(pid, (UID["queue"], "manager"))
        taken = {}
        for sink in sinks:
            for t in sink.transactions:
                word = re.search(rb"^Subject: (\w+)", t.message, re.M)[1]
                for to in t.recipients:
                    taken[word.decode(), to] = line_after(times, t.at)
        first, begun, words = 1, 0, sorted(self.load.messages)
        for (end, count), share in zip(self.ends, SHARES):
            last = line_after(times, end)
            recording = Recording(folders, owner, [
                c for c in found if first <= c.begin < last], first, last)
            part = Part(self.top, recording, {
                w: self.load.messages[w] for w in words[begun:count]}, share)
            part.debts = [(self.acknowledged(recording, w),
                           taken.get((w, address), last), w, address, failed)
                          for w, address, failed in self.load.promises
                          if w in part.messages]
            self.parts.append(part)
            first, begun = last, count

    def acknowledged(self, r, word):
        """The line at which its sender was told that it is taken."""
        for pid, path in r.created:
            if pid in self.uids and word.encode() in r.content(
                    r.paths[path]):
                ident = os.path.basename(path).split(".")[0]
                return r.said.get(ident) or r.exits[pid]
        raise AssertionError(word)


def routes(slow, far):
    return {"dead.test": "[127.0.0.1]:1",
            "slow.test": f"[127.0.0.1]:{slow.port}",
            "far.test": f"[127.0.0.1]:{far.port}"}


def refusals():
    return {f"rcpt:refused@{name}.test": "550 5.1.1 no such user"
            for name in ("far", "slow")}


@pytest.fixture(scope="module")
def recorded():
    top = tempfile.mkdtemp(prefix="kereru-recording-")
    os.chmod(top, 0o755)
    try:
        with Sink() as slow, Sink(replies=refusals()) as far, \
                QueueHost(folder=IN_MEMORY, start=False) as host:
            slow.replies.update(refusals(), connect=["421 4.3.2 later"] * 2
                                + [None])
            host.routes = routes(slow, far)
            host.make_tables()
            os.chmod(host.tables, 0o755)    # sendmail reads there
            host.start()
            r = Recorded(host, top)
            r.run([slow, far])
            yield r
    finally:
        shutil.rmtree(top, ignore_errors=True)


@pytest.fixture(scope="module")
def replay(recorded):
    """replay(count) -> what it did; see replay.c."""
    program = os.path.join(recorded.top, "replay")
    subprocess.run(
        ["cc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-static", "-Wall",
         "-Wextra", "-I.", "-o", program, "tests/crash/replay.c",
         "tests/crash/disk.c", "tests/crash/recover.c", ARCHIVE,
         "-Wl,--gc-sections", "-lsodium", "-lskarnet"], cwd=REPO, check=True)
    folder = tempfile.mkdtemp(prefix="kereru-replay-", dir=IN_MEMORY)
    os.chmod(folder, 0o755)

    def run(part, count, lines=None, number=None, where=None):
        more = [] if number is None else [str(number)]
        return subprocess.run(
            [program, part.save(lines), recorded.host.tables, where or folder,
             str(count), str(SEED), *more],
            capture_output=True, text=True, errors="replace", timeout=3000)
    try:
        yield run
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("count", [
    10_000, pytest.param(100_000, marks=pytest.mark.soak)])
def test_what_was_acknowledged_is_there_after_any_cut(
        recorded, replay, capsys, count):
    start, told = time.monotonic(), []
    for part in recorded.parts:
        done = replay(part, count * part.share // 100)
        assert done.returncode == 0, done.stderr
        told.append(f"{done.stdout.strip()}, {len(part.debts)} promises")
    with capsys.disabled():
        print(f"\n{'; '.join(told)}: {time.monotonic() - start:.0f} s")


# What a fault in the programs would make of the recording.

def without(who, what, pattern="", which=(0, 1)):
    """Such calls left out; of each pair of them the first or the second."""
    def change(lines):
        count, kept = 0, []
        for one in lines:
            if one[4] == who and one[2].startswith(what) and \
                    re.search(pattern, one[2]):
                count += 1
                if (count - 1) % 2 in which:
                    continue
            kept.append(one)
        return kept
    return change


def early(is_returned):
    """The removal from cur of what was delivered, or of what was returned,
    before that."""
    def change(lines):
        moved = [list(one) for one in lines]
        returned = set()
        for one in lines:
            if one[3] and one[4] == "manager":
                returned.update(re.findall(rb"^origin bounce (\w+)$", one[3],
                                           re.M))
        places = {}
        for one in moved:
            words = one[2].split(" ")
            # {} {} FROM NAME TO NAME: from new to cur
            if words[0] == "rename" and words[3] == "1" and words[5] == "2":
                places[words[6]] = one[1]
            elif words[0] == "unlink" and words[3] == "2" and \
                    (words[4].encode() in returned) == is_returned:
                one[0] = one[1] = places[words[4]]
        return moved
    return change


@pytest.mark.parametrize("change", [
    pytest.param(without("smtpd", "sync-file"), id="smtpd's sync of a file"),
    pytest.param(without("smtpd", "sync-folder"), id="smtpd's sync of new"),
    pytest.param(without("sendmail", "sync-file", which=(0,)),
                 id="sendmail's first sync"),
    pytest.param(without("sendmail", "sync-file", which=(1,)),
                 id="sendmail's second sync"),
    pytest.param(without("local", "sync-file"), id="local's sync of a file"),
    pytest.param(without("local", "sync-folder"),
                 id="local's sync of a mailbox"),
    pytest.param(without("manager", "sync-file"),
                 id="sync of bounces and copies"),
    pytest.param(without("manager", "sync-folder", " 1$"),
                 id="sync of new behind a bounce"),
    pytest.param(early(False), id="removal before delivery"),
    pytest.param(early(True), id="removal before the bounce"),
])
def test_a_fault_is_found(recorded, replay, change):
    faults = []
    for part in recorded.parts:
        lines = change(part.recording.lines)
        if lines == part.recording.lines or faults:
            continue
        done = replay(part, 2500, lines)
        assert done.returncode in (0, 1), done
        faults += re.findall(r"^fault: .*", done.stderr, re.M)
    assert faults


# The whole services, over some of the states.

def is_there(host, sink, message, word, address, failed):
    if address not in host.users:
        return any(t.message.endswith(message) and address in t.recipients
                   for t in sink.transactions)
    where = os.path.join(host.home(address), "new")
    for name in os.listdir(where):
        with open(os.path.join(where, name), "rb") as f:
            text = f.read()
        if failed == "-":
            if text.endswith(message.replace(b"\r\n", b"\n")):
                return True
        elif b"multipart/report" in text and text.endswith(b"--\n") and \
                all(w.encode() in text for w in (word, failed)):
            return True
    return False


@pytest.mark.parametrize("count", [
    5, pytest.param(100, marks=pytest.mark.soak)])
def test_the_whole_services_start_over_it(recorded, replay, count):
    """That many of the states of each part, by chance."""
    for part in recorded.parts:
        for number in random.Random(SEED).sample(range(1000), count):
            with Sink(replies=refusals()) as sink, \
                    QueueHost(folder=IN_MEMORY, start=False) as host:
                host.routes = routes(sink, sink)
                host.routes["dead.test"] = host.routes["far.test"]
                host.make_tables()
                laid = replay(part, 1000, number=number, where=host.state)
                assert laid.returncode == 0, laid.stderr
                host.start()
                assert wait_for(host.is_empty, 30, 0.02), host.log_text()
                assert host.files("bad") == []
                lost = [owed for owed in laid.stdout.splitlines()
                        if not is_there(host, sink, part.messages[
                            owed.split(" ")[0]], *owed.split(" "))]
                assert lost == [], number
