"""The queue by itself: starter, manager, spawners, local delivery."""
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from dnsserver import DnsServer  # noqa: E402
from queuehost import (  # noqa: E402
    BUILD, MESSAGE, QueueHost, UID, as_user, make_id,
    queue_file, wait_for)
from smtpsink import SmtpSink  # noqa: E402

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="needs root")


@pytest.fixture(scope="module")
def shared():
    with QueueHost() as host:
        yield host


@pytest.fixture
def host(shared):
    """A running host with empty mailboxes and an empty queue; its log begins
    with the test."""
    if not shared.is_empty():
        shared.stop()
        for folder in ("new", "cur"):
            for name in shared.files(folder):
                os.unlink(os.path.join(shared.queue, folder, name))
    if shared.process is None:
        shared.start()
    for address in shared.users:
        folder = shared.home(address) + "/new/"
        for name in os.listdir(folder):
            os.unlink(folder + name)
    os.truncate(shared.log, 0)
    yield shared
    assert "AddressSanitizer" not in shared.log_text()


def gone(host, seconds=10):
    assert wait_for(host.is_empty, seconds), (
        host.files("new"), host.files("cur"), host.log_text())


def test_a_message_is_delivered_whole(host):
    added = b"Received: from x by y; now\r\n"
    ident = host.drop("s@else.test", ["Bob@A.test"], added=added)
    (text,) = host.mail("bob@a.test", 1)
    assert text == (b"Return-Path: <s@else.test>\nDelivered-To: Bob@A.test\n"
                    + (added + MESSAGE).replace(b"\r\n", b"\n"))
    (name,) = os.listdir(host.home("bob@a.test") + "/new")
    size = len(text)
    assert f"Q{ident}R" in name
    assert name.endswith(f",S={size},W={size + text.count(10)}")
    st = os.stat(host.home("bob@a.test") + "/new/" + name)
    assert st.st_uid == host.uid("bob@a.test")
    assert stat.S_IMODE(st.st_mode) == 0o600
    gone(host)
    (done,) = host.wait_event("delivered", id=ident)
    assert done["to"] == "Bob@A.test" and done["from"] == "s@else.test"
    host.wait_event("queued", id=ident)
    host.wait_event("removed", id=ident)


def test_several_recipients(host):
    host.drop("s@else.test", ["alice@a.test", "bob@a.test", "carol@a.test"])
    for address in host.users:
        host.mail(address, 1)
    gone(host)


def test_more_recipients_than_are_left_uncopied(host):
    many = ["alice@a.test", "bob@a.test", "carol@a.test"] * 10
    host.drop("s@else.test", many)
    for address in host.users:
        host.mail(address, 10)
    gone(host)


def test_alias_with_one_mailbox_is_direct(host):
    ident = host.drop("s@else.test", ["one@a.test"])
    (text,) = host.mail("bob@a.test", 1)
    assert b"Delivered-To: one@a.test\n" in text
    gone(host)
    assert len(host.events("queued")) == 1
    host.wait_event("delivered", id=ident, to="one@a.test")


def test_alias_is_expanded_once_each(host):
    ident = host.drop("s@else.test", ["nested@a.test"])
    for address in host.users:
        (text,) = host.mail(address, 1)
        assert b"Delivered-To: nested@a.test\n" in text
        assert text.startswith(b"Return-Path: <s@else.test>\n")
    gone(host)
    assert host.events("queued", origin=f"alias {ident}")


def test_alias_loops_end(host):
    host.drop("alice@a.test", ["loop@a.test"])
    (bounce,) = host.mail("alice@a.test", 1)
    assert b"5.4.6" in bounce
    gone(host)


def test_a_message_that_came_back_to_an_alias_bounces(host):
    again = b"Delivered-To: both@a.test\r\n" + MESSAGE
    host.drop("carol@a.test", ["both@a.test"], again)
    (bounce,) = host.mail("carol@a.test", 1)
    assert b"5.4.6" in bounce
    assert host.mail("alice@a.test", 0) == []
    gone(host)


def test_delivery_loop_bounces(host):
    again = b"Delivered-To: BOB@a.test\r\n" + MESSAGE
    host.drop("alice@a.test", ["bob@a.test"], again)
    (bounce,) = host.mail("alice@a.test", 1)
    assert b"5.4.6" in bounce
    assert host.mail("bob@a.test", 0) == []
    gone(host)


def test_unknown_recipient_bounces_with_header(host):
    ident = host.drop("alice@a.test", ["nobody@a.test", "bob@a.test"])
    host.mail("bob@a.test", 1)
    (bounce,) = host.mail("alice@a.test", 1)
    assert bounce.startswith(b"Return-Path: <>\n")
    for part in (b"From: Mail Delivery System <MAILER-DAEMON@mx.a.test>\n",
                 b"To: <alice@a.test>\n", b"Auto-Submitted: auto-replied\n",
                 b"<nobody@a.test>\n", b"Status: 5.1.1\n",
                 b"Subject: hello\n"):
        assert part in bounce
    assert b"Hello." not in bounce
    gone(host)
    host.wait_event("failed", id=ident, to="nobody@a.test")
    host.wait_event("bounced", id=ident)


def test_junk_goes_into_its_folder(host):
    ident = host.drop("s@else.test", ["bob@a.test"], flags="junk")
    host.wait_event("delivered", id=ident)
    assert not host.mail("bob@a.test")
    folder = host.home("bob@a.test") + "/.Junk"
    (name,) = os.listdir(folder + "/new")
    with open(f"{folder}/new/{name}", "rb") as f:
        assert f.read().endswith(b"Hello.\n")
    shutil.rmtree(folder)
    gone(host)


def test_null_sender_is_never_answered(host):
    """What can't be told its sender the postmaster learns; no more."""
    ident = host.drop("", ["nobody@a.test"])
    (text,) = host.mail("carol@a.test", 1)
    assert b"<nobody@a.test>" in text and b"Return-Path: <>" in text
    gone(host)
    host.wait_event("double-bounced", id=ident)
    assert not host.events("bounced")


def test_a_report_to_the_postmaster_is_the_last(host):
    ident = host.drop("", ["nobody@a.test"], uid=UID["queue"],
                      flags="own double", options="marks --\n",
                      wishes={"nobody@a.test": "why " + 240 * " " + "\n"})
    host.wait_event("dropped", id=ident)
    gone(host)
    assert not host.events("bounced") and not host.events("double-bounced")


def test_remote_trouble_defers_then_expires(host):
    ident = host.drop("alice@a.test", ["x@dead.test"],
                      expires=int(time.time()) + 3)
    host.wait_event("deferred", id=ident)
    assert wait_for(lambda: host.files("cur") == [ident])
    path = os.path.join(host.queue, "cur", ident)
    assert wait_for(lambda: os.stat(path).st_uid == UID["queue"])
    with open(path, "rb") as f:
        text = f.read()
    assert b"flags own\n" in text and b"why " in text
    assert re.search(rb"attempts 0*[1-9]", text)
    (bounce,) = host.mail("alice@a.test", 1, 15)
    assert b"given up" in bounce and b"x@dead.test" in bounce
    gone(host)


def test_a_dead_destination_holds_nobody_back(host):
    host.drop_many(30, "alice@a.test", ["x@dead.test"],
                   expires=int(time.time()) + 1)
    begin = time.time()
    host.drop("s@else.test", ["bob@a.test"])
    host.mail("bob@a.test", 1)
    assert time.time() - begin < 1
    host.mail("alice@a.test", 30, 20)
    gone(host)


def test_partial_delivery_keeps_what_is_done(host):
    ident = host.drop("alice@a.test", ["bob@a.test", "x@dead.test"],
                      expires=int(time.time()) + 4)
    host.mail("bob@a.test", 1)
    host.wait_event("deferred", 2, id=ident)
    (bounce,) = host.mail("alice@a.test", 1, 15)
    assert b"bob@a.test" not in bounce
    host.mail("bob@a.test", 1)
    gone(host)


# What a dropper may leave in new

def refused(host, name, count=1):
    host.wait_event("refused", count, file=name)
    assert wait_for(lambda: name not in host.files("new"))


def still_works(host):
    host.drop("s@else.test", ["carol@a.test"])
    host.mail("carol@a.test", 1)


def new_name():
    return make_id() + "." + "0" * 26


@pytest.mark.parametrize("kind", ["symlink", "dangling", "fifo", "folder",
                                  "hard link", "socket"])
def test_what_is_no_plain_file_is_put_away(host, kind):
    name = new_name()
    path = os.path.join(host.queue, "new", name)
    target = "/etc/passwd" if kind == "symlink" else "/nonexistent"

    def make():
        if kind in ("symlink", "dangling"):
            os.symlink(target, path)
        elif kind == "fifo":
            os.mkfifo(path, 0o666)
        elif kind == "folder":
            os.mkdir(path)
        elif kind == "socket":
            import socket
            socket.socket(socket.AF_UNIX).bind(path)
        else:
            other = os.path.join(host.queue, "tmp", name)
            with open(other, "wb") as f:
                os.fchmod(f.fileno(), 0o660)
                f.write(queue_file(name[:16], "s@else.test", ["bob@a.test"]))
            os.link(other, path)
    assert as_user(UID["relay"], make) == 0
    refused(host, name)
    still_works(host)
    assert host.mail("bob@a.test", 0) == []
    if kind == "hard link":
        os.unlink(os.path.join(host.queue, "tmp", name))


def flawed(name, **more):
    return queue_file(name[:16], "s@else.test", ["bob@a.test"], **more)


@pytest.mark.parametrize("make", [
    lambda n: flawed(n) + b"x",
    lambda n: flawed(n, size=10),
    lambda n: flawed(make_id() + n[16:]),
    lambda n: flawed(n).replace(b"message 0", b"message 9"),
    lambda n: flawed(n).replace(b"kereru-queue 1", b"kereru-queue 2"),
    lambda n: flawed(n).replace(b"to - <", b"to ? <"),
    lambda n: flawed(n).replace(b"to - <", b"to + <"),
    lambda n: flawed(n, flags="own").replace(
        b"bob@a.test>\n", b"bob@a.test>\nwhy " + b" " * 240 + b"\n"),
    lambda n: flawed(n, flags="expanded"),
    lambda n: queue_file(n[:16], "s@else.test", []),
    lambda n: queue_file(n[:16], "s@else.test", ["bob@a.test"] * 1001),
    lambda n: b"\0" * 2000000,
    lambda n: b"x" * 3000000,
], ids=["long", "size", "id", "offset", "magic", "state", "done", "own",
        "expanded", "nobody", "1001", "zeros", "no lines"])
def test_flawed_files_are_put_away(host, make):
    name = new_name()
    host.put_file(name, make(name), UID["relay"])
    refused(host, name)
    still_works(host)
    assert host.mail("bob@a.test", 0) == []


def test_an_odd_name_is_put_away(host):
    ident = make_id()
    for name in (ident, ident + ".x", "..." + ident, "core"):
        host.put_file(name, queue_file(ident, "s@else.test", ["bob@a.test"]),
                      UID["relay"])
        refused(host, name)
    still_works(host)


def test_a_file_that_cannot_be_opened_is_put_away(host):
    name = new_name()
    host.put_file(name, flawed(name), UID["relay"], mode=0o600)
    refused(host, name)
    still_works(host)


def test_a_short_file_is_left_alone_for_an_hour(host):
    name = new_name()
    data = flawed(name)
    host.put_file(name, data[:-5], UID["relay"])
    empty = new_name()
    host.put_file(empty, b"", UID["relay"])
    still_works(host)
    assert host.files("new") == sorted([name, empty])
    # It may still become whole.
    path = os.path.join(host.queue, "new", name)
    with open(path, "ab") as f:
        f.write(data[-5:])
    os.utime(os.path.join(host.queue, "new", empty), (0, time.time() - 4000))
    host.stop()
    host.start()
    host.mail("bob@a.test", 1)
    refused(host, empty)


def test_an_id_that_is_in_use_is_replaced(host):
    """The mail is kept, under a name of its own, also when it has to wait."""
    ident = host.drop("s@else.test", ["bob@a.test"],
                      next_=int(time.time()) + 600)
    host.wait_event("queued", id=ident)
    for secret in "ab":
        host.put_file(f"{ident}.{secret * 26}", queue_file(
            ident, "s@else.test", ["alice@a.test", "x@dead.test"]),
            UID["relay"])
    host.mail("alice@a.test", 2)
    fresh = [e["id"] for e in host.wait_event("renamed", 2, was=ident)]
    assert len({ident, *fresh}) == 3
    for one in fresh:
        path = os.path.join(host.queue, "cur", one)
        assert wait_for(lambda p=path: os.stat(p).st_uid == UID["queue"])
        with open(path, encoding="ascii") as f:
            assert f"\nid {one}\n" in f.read()
    host.stop()
    host.start()
    assert wait_for(lambda: sorted([ident] + fresh) == host.files("cur"))
    assert not host.events("refused")


# Who may send what

def test_the_smtp_servers_files_reach_hosted_domains_only(host):
    host.drop("s@else.test", ["bob@a.test"], uid=UID["smtpd"])
    host.mail("bob@a.test", 1)
    for to in ("x@dead.test", "a.test@dead.test", "x%dead.test@else.test",
               "nonsense"):
        host.drop("s@else.test", ["bob@a.test", to], uid=UID["smtpd"])
    host.wait_event("refused", 4, uid=str(UID["smtpd"]))
    host.mail("bob@a.test", 1)
    ident = host.drop("s@else.test", ["x@backup.test"], uid=UID["smtpd"],
                      expires=int(time.time()))
    host.wait_event("queued", id=ident)


@pytest.mark.parametrize("sender, may", [
    ("alice@a.test", True), ("Alice@A.TEST", True), ("", True),
    ("both@a.test", True), ("bob@a.test", False), ("one@a.test", False),
    ("x@else.test", False), ("alice", False)])
def test_a_mailbox_sends_as_itself(host, sender, may):
    host.drop(sender, ["carol@a.test"], uid=host.uid("alice@a.test"))
    if may:
        host.mail("carol@a.test", 1)
    else:
        host.wait_event("refused", uid=str(host.uid("alice@a.test")))
        assert host.mail("carol@a.test", 0) == []


@pytest.mark.parametrize("account", ["pop3d", "imapd", "submit", "auth",
                                     "remote"])
def test_other_daemons_send_nothing(host, account):
    host.drop("", ["carol@a.test"], uid=UID[account])
    host.wait_event("refused", uid=str(UID[account]))
    assert host.mail("carol@a.test", 0) == []


def test_people_and_root_send_anything(host):
    for uid in (0, 12345):
        host.drop("x@else.test", ["carol@a.test"], uid=uid)
    host.mail("carol@a.test", 2)


# Mailboxes

def with_home(host, address, change, undo):
    home = host.home(address)
    change(home)
    # A process that is delivering already has the folder open.
    time.sleep(3)
    try:
        ident = host.drop("s@else.test", [address])
        host.wait_event("deferred", id=ident)
    finally:
        undo(home)
    host.mail(address, 1)
    gone(host)


def test_a_symlinked_mailbox_is_refused(host):
    with_home(host, "bob@a.test",
              lambda h: (os.rename(h, h + ".real"),
                         os.symlink(h + ".real", h)),
              lambda h: (os.unlink(h), os.rename(h + ".real", h)))


def test_a_foreign_mailbox_is_refused(host):
    uid = host.uid("bob@a.test")
    with_home(host, "bob@a.test", lambda h: os.chown(h, uid + 1, uid + 1),
              lambda h: os.chown(h, uid, uid))


def test_a_mailbox_without_folders_gets_them(host):
    time.sleep(3)
    for sub in ("tmp", "new", "cur"):
        os.rmdir(os.path.join(host.home("bob@a.test"), sub))
    host.drop("s@else.test", ["bob@a.test"])
    assert wait_for(lambda: os.path.isdir(host.home("bob@a.test") + "/new"))
    host.mail("bob@a.test", 1)


# Deaths and restarts

def test_every_role_may_die(host):
    total = 0
    for _ in range(3):
        for role in ("manager", "local-spawner", "remote-spawner"):
            pid = wait_for(lambda: host.children().get(role))
            host.drop_many(20, "s@else.test", ["bob@a.test"])
            os.kill(pid, signal.SIGKILL)
            host.drop_many(20, "s@else.test", ["bob@a.test"])
            total += 40
    folder = host.home("bob@a.test") + "/new"
    gone(host, 20)
    ids = {re.search("Q(.{16})R", n).group(1) for n in os.listdir(folder)}
    assert len(ids) == total


def test_a_dead_starter_leaves_no_orphan(host):
    host.drop("s@else.test", ["bob@a.test"])
    host.mail("bob@a.test", 1)
    # One that an earlier test has killed may only be coming.
    assert wait_for(lambda: len(host.children()) == 4, 5)
    children = host.children()
    host.stop(signal.SIGKILL)
    host.start()
    host.drop("s@else.test", ["bob@a.test"])
    host.mail("bob@a.test", 2)
    assert wait_for(lambda: not any(
        os.path.exists(f"/proc/{pid}") for pid in children.values()), 5)


def test_a_restart_goes_on_where_things_were(host):
    host.stop()
    waiting = host.drop("s@else.test", ["bob@a.test"])
    host.start()
    host.mail("bob@a.test", 1)
    gone(host)
    ident = host.drop("alice@a.test", ["bob@a.test", "x@dead.test"],
                      expires=int(time.time()) + 5)
    host.wait_event("deferred", id=ident)
    wait_for(lambda: os.stat(os.path.join(
        host.queue, "cur", ident)).st_uid == UID["queue"])
    host.stop()
    host.start()
    (bounce,) = host.mail("alice@a.test", 1, 20)
    assert b"bob@a.test" not in bounce and b"x@dead.test" in bounce
    host.mail("bob@a.test", 2)
    gone(host)
    assert waiting


def test_a_stop_is_clean(host):
    host.drop_many(50, "s@else.test", ["alice@a.test", "bob@a.test"])
    assert host.stop() == 0
    assert host.events("stopped")
    host.start()
    host.mail("bob@a.test", 50)
    host.mail("alice@a.test", 50)
    gone(host)


def test_stale_files_in_tmp_are_removed(host):
    old, young = new_name(), new_name()
    for name in (old, young):
        path = os.path.join(host.queue, "tmp", name)
        with open(path, "w"):
            pass
        os.chown(path, UID["smtpd"], UID["queue"])
    path = os.path.join(host.queue, "tmp", old)
    os.utime(path, (0, time.time() - 37 * 3600))
    host.stop()
    host.start()
    assert wait_for(lambda: old not in host.files("tmp"))
    assert young in host.files("tmp")
    os.unlink(os.path.join(host.queue, "tmp", young))


def test_a_new_table_is_seen(host):
    host.drop("alice@a.test", ["fresh@a.test"])
    host.mail("alice@a.test", 1)
    host.aliases = dict(host.aliases, **{"fresh@a.test": ["bob@a.test"]})
    host.make_tables()
    time.sleep(1.1)
    host.drop("alice@a.test", ["fresh@a.test"])
    host.mail("bob@a.test", 1)


def test_who_runs_as_whom(host):
    def uids(pid):
        with open(f"/proc/{pid}/status") as f:
            return re.search(r"Uid:\t(\d+)\t(\d+)\t(\d+)", f.read()).groups()
    children = host.children()
    assert uids(children["manager"]) == (str(UID["queue"]),) * 3
    assert uids(children["remote-spawner"]) == (str(UID["remote"]),) * 3
    assert uids(children["local-spawner"]) == ("0",) * 3
    assert uids(children["signer"]) == (str(UID["sign"]),) * 3


def test_thousands_are_delivered_once(host):
    host.drop_many(2000, "s@else.test", ["bob@a.test"])
    host.mail("bob@a.test", 2000, 60)
    gone(host)


def test_a_full_disk_loses_nothing():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o711)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=711",
                        "tmpfs", folder], check=True)
        try:
            with QueueHost(folder=folder, start=False) as host:
                host.log = os.path.join("/tmp", os.path.basename(host.top))
                ids = host.drop_many(5, "alice@a.test",
                                     ["bob@a.test", "nobody@a.test"])
                filler = os.path.join(folder, "filler")
                with open(filler, "wb", 0) as f, pytest.raises(OSError):
                    while True:
                        f.write(b"x" * 1024)
                host.start()
                host.wait_event("deferred", 5, to="bob@a.test")
                assert "has no room" in host.log_text()
                time.sleep(2)
                assert host.files("cur") == sorted(ids)
                assert host.mail("bob@a.test", 0) == []
                os.unlink(filler)
                host.mail("bob@a.test", 5, 20)
                host.mail("alice@a.test", 5, 20)
                gone(host, 20)
                os.unlink(host.log)
        finally:
            subprocess.run(["umount", folder], check=True)


# What is durable before what is removed

def traced(host, work):
    """Run work() with all roles traced: [(call, text, result), ...], syncs and
    renames as they end, removals as they begin."""
    pids = [host.process.pid, *host.children().values()]
    path = os.path.join(host.top, "trace")
    tracer = subprocess.Popen(
        ["strace", "-f", "-y", "-o", path, "-e",
         "trace=fsync,fdatasync,renameat,renameat2,unlinkat"]
        + [x for p in pids for x in ("-p", str(p))],
        stderr=subprocess.PIPE)
    for _ in pids:
        assert b"attached" in tracer.stderr.readline()
    try:
        work()
    finally:
        tracer.terminate()
        tracer.communicate(timeout=20)
    calls, begun = [], {}
    with open(path) as f:
        for line in f:
            pid, text = line.split(None, 1)
            if text.rstrip().endswith("<unfinished ...>"):
                begun[pid] = text.replace("<unfinished ...>", "").rstrip()
                if text.startswith("unlinkat"):
                    calls.append(begun[pid])
                continue
            if "resumed>" in text:
                first = begun.pop(pid, "")
                if first.startswith("unlinkat"):
                    continue
                text = first + text.split("resumed>", 1)[1]
            calls.append(" ".join(text.split()))
    return calls


def first(calls, after, *parts):
    for i in range(after, len(calls)):
        if all(p in calls[i] for p in parts):
            return i
    raise AssertionError((parts, calls[after:]))


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")
def test_what_replaces_a_queue_file_is_synced_before_its_removal(host):
    ids = []

    def work():
        ids.append(host.drop("s@else.test", ["bob@a.test"]))
        ids.append(host.drop("alice@a.test", ["nobody@a.test"]))
        ids.append(host.drop("carol@a.test", ["both@a.test"]))
        ids.append(host.drop("alice@a.test", ["x@dead.test"],
                             expires=int(time.time()) + 2))
        gone(host, 20)
    calls = traced(host, work)
    plain, bounced, alias, late = ids
    home = host.home("bob@a.test")

    def removal(ident):
        return first(calls, 0, f'unlinkat(', "/queue/cur>", f'"{ident}"')

    # Delivered: file, rename, folder, removal.
    i = first(calls, 0, "fsync(", f"/tmp/", f"Q{plain}R", "= 0")
    i = first(calls, i, "renameat2(", f"Q{plain}R", '"new/', "= 0")
    i = first(calls, i, "fsync(", home + "/new>", "= 0")
    assert i < removal(plain)
    # Bounced and expanded: the new queue file, then new, then the removal.
    for ident, origin in ((bounced, f"bounce {bounced}"),
                          (alias, f"alias {alias}")):
        (new,) = host.events("queued", origin=origin)
        i = first(calls, 0, "fsync(", "/queue/tmp/" + new["id"], "= 0")
        i = first(calls, i, "renameat(", f'"{new["id"]}', "/queue/new>", "= 0")
        i = first(calls, i, "fsync(", "/queue/new>", "= 0")
        assert i < removal(ident)
    # Deferred: the copy, its rename over the other, cur.
    i = first(calls, 0, "fsync(", "/queue/tmp/" + late, "= 0")
    i = first(calls, i, "renameat(", f'"{late}', "/queue/cur>", "= 0")
    i = first(calls, i, "fsync(", "/queue/cur>", "= 0")
    assert i < removal(late)


def mailq(host):
    return subprocess.run([os.path.join(BUILD, "bin", "mailq"), "-t",
                           host.tables], capture_output=True, text=True,
                          check=True, timeout=10).stdout


def test_mailq_tells_what_waits(host):
    assert mailq(host) == "the queue is empty\n"
    ident = host.drop("alice@a.test", ["bob@a.test", "x@dead.test"],
                      expires=int(time.time()) + 6)
    host.wait_event("deferred", id=ident)
    assert wait_for(lambda: "attempts" in mailq(host))
    name = new_name()
    host.put_file(name, b"\x1b[2J", UID["relay"])
    text = mailq(host)
    assert ident in text and "<alice@a.test>" in text
    assert "- <x@dead.test>" in text and "bob@a.test" not in text
    assert "4." in text and "\x1b" not in text
    assert f"{name}: shorter than its envelope says" in text
    assert text.endswith("2 messages, 42 octets\n")
    os.unlink(os.path.join(host.queue, "new", name))
    host.mail("alice@a.test", 1, 20)


# Other hosts

@pytest.fixture
def sinks(host):
    """Two hosts that take mail, and their routes."""
    with SmtpSink("127.0.0.1", 0) as one, SmtpSink("127.0.0.1", 0) as two:
        host.routes = dict(host.routes)
        for name, sink in (("one.test", one), ("two.test", two)):
            host.routes[name] = f"[127.0.0.1]:{sink.address[1]}"
        host.make_tables()
        time.sleep(1.1)
        yield one, two


def test_connections_are_reused_and_bounded(host, sinks):
    one, _ = sinks
    ids = host.drop_many(200, "s@a.test", ["x@one.test"])
    gone(host, 30)
    assert len(one.transactions) == 200
    assert len({t.message for t in one.transactions}) == 1
    assert len(one.sessions) <= 15
    assert len(host.events("delivered")) == len(ids)


def test_a_backlog_of_one_host_holds_back_no_other(host, sinks):
    one, two = sinks
    one.replies["end"] = lambda session: time.sleep(0.05)
    host.drop_many(300, "s@a.test", ["x@one.test"])
    begin = time.time()
    host.drop("s@a.test", ["y@two.test"])
    assert wait_for(lambda: len(two.transactions) == 1, 5)
    assert time.time() - begin < 2
    assert len(one.transactions) < 300
    gone(host, 60)
    assert len(one.transactions) == 300


def test_a_backlog_of_one_sender_holds_back_no_other(host, sinks):
    """More than has room in a line, for the same host."""
    one, _ = sinks
    one.replies["end"] = lambda session: time.sleep(0.02)
    host.drop_many(400, "bulk@else.test", ["x@one.test"])
    assert wait_for(lambda: not host.files("new"), 30)
    sent = len(one.transactions)
    host.drop("single@else.test", ["x@one.test"])
    assert wait_for(lambda: [t for t in one.transactions
                             if t.sender == "single@else.test"], 30, 0.005)
    [at] = [n for n, t in enumerate(list(one.transactions))
            if t.sender == "single@else.test"]
    assert at < sent + 100 and len(one.transactions) < 390
    one.replies.clear()
    gone(host, 60)
    assert len(one.transactions) == 401


def test_a_destination_is_looked_up_once_and_not_for_each_message():
    zone = {"many.test": {"MX": ["10 mx.many.test"]},
            "mx.many.test": {"A": ["127.0.0.1"]}}
    with DnsServer(zone) as dns, SmtpSink("127.0.0.1", 0) as sink, QueueHost(
            resolver=dns.address, remote_port=sink.port) as host:
        host.drop_many(100, "s@else.test", ["x@many.test"])
        gone(host, 60)
        assert len(sink.transactions) == 100
        # Each process asks for itself, and lasts for a session at least.
        asked = dns.asked.count(("many.test", "MX"))
        assert 1 <= asked <= len(sink.sessions) <= 15


def test_recipients_of_one_host_share_a_transaction(host, sinks):
    one, two = sinks
    host.drop("s@a.test", ["a@one.test", "b@two.test", "c@one.test",
                           "bob@a.test"])
    gone(host)
    assert len(one.transactions) == 1 and len(two.transactions) == 1
    assert len(host.events("delivered")) == 4


def test_refused_recipients_bounce_and_others_go(host, sinks):
    one, _ = sinks
    one.replies["rcpt:bad@one.test"] = "550 5.1.1 no such user"
    host.drop("alice@a.test", ["bad@one.test", "good@one.test"])
    (bounce,) = host.mail("alice@a.test", 1)
    assert b"<bad@one.test>" in bounce and b"Status: 5.1.1" in bounce
    assert b"good@one.test" not in bounce
    gone(host)
    assert len(one.transactions) == 1


def test_a_host_that_comes_back_gets_its_mail(host, sinks):
    one, _ = sinks
    one.replies["connect"] = ["421 4.3.2 later"] * 3 + [None]
    ids = host.drop_many(10, "s@a.test", ["x@one.test"])
    gone(host, 30)
    assert len(one.transactions) == 10
    assert {e["id"] for e in host.events("delivered")} == set(ids)
    assert host.events("deferred")
