"""What is measured of mail being read."""

import os
import statistics
import time

import messages
import system
from rows import Group

# In the text of one message of the large mailboxes, and in a field of it.
TEXT = "question number 4711,"
READ = ["SELECT INBOX", "FETCH 1:* (FLAGS)",
        "FETCH 1:* (ENVELOPE BODYSTRUCTURE)", "FETCH 1:* (BODY.PEEK[])",
        f'SEARCH SUBJECT "{TEXT}"', f'SEARCH TEXT "{TEXT}"']
READ_KEYS = ["select", "flags", "envelope", "body", "subject", "text"]
HUGE = ["SELECT INBOX", "FETCH 1:* (FLAGS)", f'SEARCH SUBJECT "{TEXT}"',
        f'SEARCH TEXT "{TEXT}"']
HUGE_KEYS = ["select", "flags", "subject", "text"]
# Of how many messages the huge mailbox is, and that which is changed.
HUGE_SIZE, CHANGED_SIZE, SMALL_SIZE = 100_000, 12_000, 1_000
# How many are copied, moved and expunged in a round.
SOME = 1000
# What an idle connection has said after its login.
STATES = {"login": [], "idle": ["SELECT INBOX", "IDLE"]}


def _fill(bench, it, number):
    """A mailbox that is read: the same in all systems, made when wanted."""
    if number not in it.filled:
        it.filled.add(number)
        messages.fill(it.maildir(number), it.uid(number),
                      {system.READER: bench.options.mailbox,
                       system.SMALL: SMALL_SIZE,
                       system.HUGE: bench.scaled(HUGE_SIZE),
                       system.CHANGED: CHANGED_SIZE}[number])


def _read(bench, it):
    """A mailbox without any cache, then the same again."""
    _fill(bench, it, system.READER)
    it.forget(system.READER)
    bench.settle()
    values = {}
    for turn in ("first", "warm"):
        answers = _ask(bench, it, system.READER, READ)
        for key, answer in zip(READ_KEYS, answers):
            values[f"{key}-{turn}"] = answer["ms"]
        # Who sends less is not faster.
        if answers[3]["octets"] < messages.octets(bench.options.mailbox):
            raise RuntimeError("it did not send every message whole")
    return values


def _ask(bench, it, number, commands):
    """What came; the first command waits until the login is really over."""
    return bench.load.imap(it, system.mailbox(number), ["NOOP", *commands])[1:]


def _times(bench, it, number, commands):
    return [answer["ms"] for answer in _ask(bench, it, number, commands)]


def _huge(bench, it):
    """100,000 messages: caches made, then used; then one more comes."""
    if not hasattr(it, "huge_is_warm"):
        _fill(bench, it, system.HUGE)
        bench.settle()
        first = _times(bench, it, system.HUGE, HUGE)
        it.huge_first = {f"{key}-first": ms
                         for key, ms in zip(HUGE_KEYS, first)}
        it.huge_is_warm = True
        # What was indexed by the way is merged.
        _times(bench, it, system.HUGE, HUGE)
    values = dict(it.huge_first)
    bench.settle()
    values |= {f"{key}-warm": ms for key, ms in
               zip(HUGE_KEYS, _times(bench, it, system.HUGE, HUGE))}
    _put(it, system.HUGE)
    values["select-new"] = _times(bench, it, system.HUGE, HUGE[:1])[0]
    return values


def _put(it, number):
    """A delivery, as any program makes it."""
    maildir, uid = it.maildir(number), it.uid(number)
    name = f"{int(time.time())}.M{time.monotonic_ns() // 1000 % 10**6}P9.bench"
    path = os.path.join(maildir, "tmp", name)
    with open(path, "wb") as file:
        file.write(messages.message(1))
        os.fchown(file.fileno(), uid, uid)
    os.rename(path, os.path.join(maildir, "new", name))


def _change(bench, it):
    _fill(bench, it, system.CHANGED)
    left = getattr(it, "changed_left", CHANGED_SIZE)
    if left < 4 * SOME:
        raise RuntimeError("the mailbox that is changed has been used up")
    commands = ["SELECT INBOX", "STORE 1:* +FLAGS (\\Flagged)",
                "STORE 1:* -FLAGS (\\Flagged)", "CREATE Copies",
                "CREATE Moved", f"COPY 1:{SOME} Copies",
                f"MOVE 1:{SOME} Moved", f"STORE 1:{SOME} +FLAGS (\\Deleted)",
                "EXPUNGE", "DELETE Copies", "DELETE Moved"]
    if left == CHANGED_SIZE:
        _times(bench, it, system.CHANGED,
               ["SELECT INBOX", "FETCH 1:* (FLAGS)"])
    bench.settle()
    ms = _times(bench, it, system.CHANGED, commands)
    it.changed_left = left - 2 * SOME
    return {"store": 2 * left / ((ms[1] + ms[2]) / 1e3), "copy": ms[5],
            "move": ms[6], "expunge": ms[8]}


def _append(bench, it):
    values = {}
    for clients, wanted in ((1, 400), (10, 2000)):
        bench.settle()
        values[f"append{clients}"] = bench.load.rate(
            it, "append", clients, bench.scaled(wanted), bench.octets)
        it.empty_maildirs()
    return values


def _login(bench, it):
    values = {f"login{clients}": bench.load.rate(it, "login", clients,
                                                 bench.scaled(wanted))
              for clients, wanted in ((1, 150), (10, 500))}
    count = bench.scaled(300)
    cpu = it.group.cpu_seconds()
    bench.load.rate(it, "connect", 4, count)
    values["connect"] = (it.group.cpu_seconds() - cpu) / (count // 4 * 4) * 1e3
    return values


def _small(bench, it):
    _fill(bench, it, system.SMALL)
    _times(bench, it, system.SMALL, READ[:3])
    return {"select": statistics.median(
        _times(bench, it, system.SMALL, ["SELECT INBOX"])[0]
        for _ in range(5))}


def _notice(bench, it):
    _fill(bench, it, system.SMALL)
    notices = bench.load.idle_notices(it, 5, system.SMALL)
    return {"notice": statistics.median(notices)}


def _pop3(bench, it):
    _fill(bench, it, system.READER)
    bench.load.pop3(it, system.READER)
    done = bench.load.pop3(it, system.READER)
    return {"retr": done["messages"] / done["seconds"]}


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


def _idle_rows(count, states):
    named = {"login": "logged in", "idle": "in IDLE"}
    return [(f"{key}-{what}", f"{label}, {count} {named[key]}", "KiB each")
            for key in states
            for what, label in (("pss", "PSS"), ("tables", "page tables"))]


def _read_rows(count):
    what = [("select", f"SELECT of {count}"), ("flags", "FETCH 1:* (FLAGS)"),
            ("envelope", "FETCH 1:* (ENVELOPE BODYSTRUCTURE)"),
            ("body", "FETCH 1:* (BODY.PEEK[])"),
            ("subject", "SEARCH SUBJECT"), ("text", "SEARCH TEXT")]
    return [(f"{key}-{turn}", f"{label}, {turn}", "ms")
            for turn in ("first", "warm") for key, label in what]


def _huge_rows(count):
    return [(f"{key}-{turn}", f"{label}, {turn}", "ms")
            for turn in ("first", "warm")
            for key, label in (("select", f"SELECT of {count}"),
                               ("flags", f"FETCH FLAGS of {count}"),
                               ("subject", f"SEARCH SUBJECT in {count}"),
                               ("text", f"SEARCH TEXT in {count}"))] + [
        ("select-new", f"SELECT of {count} after a delivery", "ms")]


def groups(mailbox_size, huge_size):
    return [
        Group("imap", "imap", _read_rows(f"{mailbox_size:,}"), _read),
        Group("small", "imap", [
            ("select", f"SELECT of {SMALL_SIZE:,}, warm", "ms")], _small),
        Group("huge", "imap", _huge_rows(f"{huge_size:,}"), _huge),
        Group("change", "change", [
            ("store", "STORE on all, flags told", "msg/s"),
            ("copy", f"COPY of {SOME:,}", "ms"),
            ("move", f"MOVE of {SOME:,}", "ms"),
            ("expunge", f"EXPUNGE of {SOME:,}", "ms")], _change),
        Group("append", "change", [
            ("append1", "APPEND, 1 client", "msg/s"),
            ("append10", "APPEND, 10 clients", "msg/s")], _append),
        Group("login", "login", [
            ("login1", "login, SELECT, LOGOUT, 1 client", "a second"),
            ("login10", "login, SELECT, LOGOUT, 10 clients", "a second"),
            ("connect", "CPU of a TLS connection", "ms")], _login),
        Group("notice", "imap", [
            ("notice", "a session in IDLE hears after", "ms")], _notice),
        Group("pop3", "pop3", [
            ("retr", "POP3 RETR of all", "msg/s")], _pop3),
        Group("idle100", "idle", _idle_rows("100", ["login", "idle"]),
              _idle(100, ["login", "idle"]), once=True),
        Group("idle1000", "idle-many", _idle_rows("1,000", ["login"]),
              _idle(1000, ["login"]), once=True),
    ]
