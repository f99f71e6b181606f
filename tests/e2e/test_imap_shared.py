"""Shared mailboxes on a whole host: two users, one tree that is shared; each
right that is missing denies what it should."""
import os
import re
import signal
import socket
import ssl
import subprocess

import pytest

import imapgrammar
from host import Host, wait_until
from imapalone import IMAPD, Client as Alone
from imaptest import Mismatch

DOMAIN = "mx.example.org"
ALICE, BOB, TEAM = (f"{n}@{DOMAIN}" for n in ("alice", "bob", "team"))
MESSAGE = b"Subject: x\r\nMessage-ID: <%d@x>\r\n\r\nbody %d\r\n"


class Client(Alone):
    """The same over TLS."""

    def __init__(self, host, user):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.socket = context.wrap_socket(socket.create_connection(
            (host.address, host.ports["imaps"]), 20))
        self.buffer, self.tag, self.utf8 = b"", 0, False
        self.response()
        status, _ = self.command(b"LOGIN %s %s" % (
            user.encode(), host.passwords[user].encode()))
        assert status.startswith(b"OK"), status

    def more(self, timeout=20):
        self.socket.settimeout(timeout)
        data = self.socket.recv(1 << 20)
        if not data:
            raise Mismatch("connection closed; %r" % self.buffer)
        self.buffer += data

    def line(self):
        response = self.response()
        imapgrammar.check(response, self.utf8)
        return response

    def send(self, data):
        self.socket.sendall(data)

    def close(self):
        self.socket.close()

    stop = close


@pytest.fixture(scope="module")
def shared_host():
    with Host(DOMAIN, users={"alice": "a", "bob": "b", "team": "t"},
              services=("auth", "imap")) as h:
        h.write("shared", [f"{TEAM} Team admin:{ALICE} @{DOMAIN}"])
        h.compile()
        yield h


@pytest.fixture
def connect(shared_host):
    made = []

    def make(user):
        made.append(Client(shared_host, user))
        return made[-1]
    yield make
    for c in made:
        c.close()


@pytest.fixture
def alice(connect):
    return connect(ALICE)


@pytest.fixture
def bob(connect):
    return connect(BOB)


@pytest.fixture
def box(alice):
    """A mailbox of the test's own, with three messages; its rights are
    alice's alone."""
    box.count += 1
    name = b"Shared.Team.t%d" % box.count
    alice.ok(b"CREATE " + name)
    for i in range(3):
        alice.append(name, MESSAGE % (i, i),
                     b' (\\Flagged $Todo) " 1-Feb-1994 21:52:25 +0000"')
    yield name


box.count = 0


def names(lines, word=b"LIST"):
    return [re.search(rb'"([^"]+)"$', x)[1] for x in lines
            if x.startswith(word)]


def give(alice, box, rights, user=BOB):
    alice.ok(b"SETACL %s %s %s" % (box, user.encode(), rights or b'""'))


def test_namespace_and_list(alice, bob, box):
    assert alice.ok(b"NAMESPACE") == [
        b'NAMESPACE (("" ".")) NIL (("Shared." "."))']
    assert box in names(alice.ok(b'LIST "" "*"'))
    # bob sees it when he may.
    assert box not in names(bob.ok(b'LIST "" "*"'))
    give(alice, box, b"l")
    listed = bob.ok(b'LIST "" "*"')
    assert box in names(listed)
    assert b'LIST (\\Noselect \\HasChildren) "." "Shared"' in listed
    assert names(bob.ok(b'LIST "" "Shared.Team.%"')) == [box]
    assert b"Shared" in names(bob.ok(b'LIST "" "%"'))
    assert b"INBOX" in names(bob.ok(b'LIST "" "%"'))
    told = bob.ok(b'LIST "" %s RETURN (MYRIGHTS STATUS (MESSAGES))' % box)
    assert b'MYRIGHTS "%s" l' % box in told
    assert not any(x.startswith(b"STATUS") for x in told)
    give(alice, box, b"lr")
    told = bob.ok(b'LIST "" %s RETURN (MYRIGHTS STATUS (MESSAGES))' % box)
    assert b'STATUS "%s" (MESSAGES 3)' % box in told


def test_subscriptions_are_the_users(alice, bob, box):
    give(alice, box, b"lr")
    bob.ok(b"SUBSCRIBE " + box)
    assert box in names(bob.ok(b'LSUB "" "*"'), b"LSUB")
    assert names(alice.ok(b'LSUB "" "*"'), b"LSUB") == []
    told = bob.ok(b'LIST (SUBSCRIBED) "" "*"')
    assert b'LIST (\\HasNoChildren \\Subscribed) "." "%s"' % box in told
    bob.ok(b"UNSUBSCRIBE " + box)
    assert box not in names(bob.ok(b'LSUB "" "*"'), b"LSUB")


def test_what_cannot_be_seen_is_not_there(bob, box):
    for command in (b"SELECT %s", b"EXAMINE %s", b"STATUS %s (MESSAGES)",
                    b"DELETE %s", b"MYRIGHTS %s", b"GETACL %s",
                    b"SETACL %s anyone lr", b"DELETEACL %s anyone",
                    b"LISTRIGHTS %s anyone", b"GETQUOTAROOT %s",
                    b"GETMETADATA %s /shared/comment"):
        bob.no(command % box, b"[NONEXISTENT]")
        bob.no(command % (box + b"-not"), b"[NONEXISTENT]")
    bob.no(b"APPEND %s {5+}\r\nx: y\n" % box, b"[NONEXISTENT]")
    bob.no(b"CREATE %s.sub" % box, b"[NOPERM]")
    bob.no(b"RENAME %s %s-2" % (box, box), b"[NONEXISTENT]")


@pytest.mark.parametrize("right, command", [
    (b"r", b"SELECT %s"),
    (b"r", b"STATUS %s (MESSAGES)"),
    (b"i", b"APPEND %s {7+}\r\nx: y\r\n\r"),
    (b"k", b"CREATE %s.sub"),
    (b"x", b"DELETE %s"),
    (b"a", b"SETACL %s anyone l"),
    (b"a", b"DELETEACL %s anyone"),
    (b"a", b"GETACL %s"),
    (b"a", b"LISTRIGHTS %s anyone"),
    (b"w", b'SETMETADATA %s (/shared/comment "x")'),
])
def test_each_right(alice, bob, box, right, command):
    without = b"lrswipkxtea".replace(right, b"")
    give(alice, box, without)
    bob.no(command % box, b"[NOPERM]")
    # It counts at once.
    give(alice, box, b"+" + right)
    bob.ok(command % box)


def test_rename_needs_both_mailboxes_rights(alice, bob, box):
    give(alice, box, b"lr")
    bob.no(b"RENAME %s %s-2" % (box, box), b"[NOPERM]")
    give(alice, box, b"lrx")
    bob.no(b"RENAME %s %s-2" % (box, box), b"[NOPERM]")
    bob.no(b"RENAME %s mine" % box, b"[CANNOT]")
    bob.no(b"CREATE Shared.Other", b"[NOPERM]")
    alice.ok(b"CREATE %s-to" % box)
    give(alice, box + b"-to", b"lk")
    bob.ok(b"RENAME %s %s-to.x" % (box, box))
    # The rights go with it.
    assert bob.ok(b"MYRIGHTS %s-to.x" % box) == [
        b'MYRIGHTS "%s-to.x" lrxc' % box]


def test_flags(alice, bob, box):
    give(alice, box, b"lr")
    status, told = bob.command(b"SELECT " + box)
    assert status.startswith(b"OK [READ-ONLY]")
    give(alice, box, b"lrs")
    status, told = bob.command(b"SELECT " + box)
    assert status.startswith(b"OK [READ-WRITE]")
    assert any(b"PERMANENTFLAGS (\\Seen)" in x for x in told)
    bob.no(b"STORE 1 +FLAGS (\\Deleted)", b"[NOPERM]")
    bob.no(b"STORE 1 +FLAGS ($x)", b"[NOPERM]")
    # What may be changed is, the rest stays.
    bob.ok(b"STORE 1 FLAGS (\\Seen \\Deleted)")
    assert b"1 FETCH (FLAGS (\\Flagged \\Seen $Todo))" in \
        bob.ok(b"FETCH 1 FLAGS")
    bob.no(b"EXPUNGE", b"[NOPERM]")
    give(alice, box, b"lrt")
    told = bob.ok(b"STORE 2 +FLAGS (\\Deleted \\Seen)")
    assert any(b"PERMANENTFLAGS (\\Deleted)" in x for x in told)
    assert b"2 FETCH (FLAGS (\\Flagged \\Deleted $Todo))" in told
    # A body that is read without "s" stays unseen.
    assert not any(b"\\Seen" in x for x in bob.ok(b"FETCH 3 BODY[TEXT]"))
    # CLOSE without "e" removes nothing.
    bob.ok(b"CLOSE")
    assert bob.ok(b"STATUS %s (MESSAGES)" % box) == [
        b'STATUS "%s" (MESSAGES 3)' % box]
    give(alice, box, b"lrte")
    bob.ok(b"SELECT " + box)
    assert b"2 EXPUNGE" in bob.ok(b"EXPUNGE")
    # Who has lost "r" hears no more.
    give(alice, box, b"l")
    bob.no(b"FETCH 1 FLAGS", b"[NOPERM]")


def test_flags_of_what_is_appended(alice, bob, box):
    give(alice, box, b"li")
    bob.append(box, MESSAGE % (7, 7), b" (\\Seen \\Deleted \\Draft k)")
    give(alice, box, b"lis")
    bob.append(box, MESSAGE % (8, 8), b" (\\Seen \\Deleted \\Draft k)")
    alice.ok(b"SELECT " + box)
    told = alice.ok(b"FETCH 4:5 FLAGS")
    assert [re.sub(rb"\\Recent ?", b"", x) for x in told if b"FETCH" in x] \
        == [b"4 FETCH (FLAGS ())", b"5 FETCH (FLAGS (\\Seen))"]


def test_obsolete_and_negative_rights(alice, bob, box):
    alice.ok(b"SETACL %s anyone lrswicd" % box)
    assert bob.ok(b"MYRIGHTS " + box) == [
        b'MYRIGHTS "%s" lrswikxtecd' % box]
    alice.ok(b"SETACL %s -%s wd" % (box, BOB.encode()))
    assert bob.ok(b"MYRIGHTS " + box) == [b'MYRIGHTS "%s" lrsikxc' % box]
    told = alice.ok(b"GETACL " + box)[0]
    assert b'"anyone" lrswikxtecd' in told and b" wted" in told
    assert alice.ok(b"LISTRIGHTS %s anyone" % box) == [
        b'LISTRIGHTS "%s" "anyone" "" l r s w i p k x t e a c d' % box]
    assert alice.ok(b"LISTRIGHTS %s %s" % (box, TEAM.encode()))[0].endswith(
        b" lrswipkxteacd")
    alice.bad(b"SETACL %s anyone lrQ" % box)
    alice.bad(b"SETACL %s nobody-known lr" % box)
    # A new mailbox has what stands above it.
    alice.ok(b"CREATE %s.sub" % box)
    assert bob.ok(b"MYRIGHTS %s.sub" % box) == [
        b'MYRIGHTS "%s.sub" lrsikxc' % box]


def test_metadata_is_private_or_all_sees_it(alice, bob, box):
    give(alice, box, b"lrw")
    bob.ok(b'SETMETADATA %s (/private/comment "bobs" /shared/comment "all")'
           % box)
    assert alice.ok(b"GETMETADATA %s (/private/comment /shared/comment)"
                    % box) == [
        b'METADATA "%s" ("/shared/comment" "all")' % box]
    assert bob.ok(b"GETMETADATA %s (/private/comment)" % box) == [
        b'METADATA "%s" ("/private/comment" "bobs")' % box]


def test_idle_tells_what_another_does(alice, bob, box):
    give(alice, box, b"lr")
    bob.ok(b"SELECT " + box)
    bob.send(b"i IDLE\r\n")
    assert bob.line().startswith(b"+")
    alice.append(box, MESSAGE % (9, 9))
    while not re.match(rb"\* 4 EXISTS", bob.line()):
        pass
    bob.send(b"DONE\r\n")
    assert bob.answer("i")[0].startswith(b"OK")
    assert any(b"ENVELOPE" in x for x in bob.ok(b"FETCH 4 ENVELOPE"))


def test_others_mailboxes_are_not_watched(alice, bob, box):
    """It is said at once: who is promised news does not look for them."""
    give(alice, box, b"lrx")
    overflow = b"[NOTIFICATIONOVERFLOW]"
    for what in (b"mailboxes " + box, b"mailboxes (INBOX %s)" % box,
                 b"subtree Shared", b"subtree " + box):
        bob.no(b"NOTIFY SET (%s (MessageNew MessageExpunge))" % what, overflow)
    bob.ok(b"NOTIFY SET (mailboxes %s NONE) (mailboxes INBOX "
           b"(MessageNew MessageExpunge))" % box)
    subscribed = b"NOTIFY SET (subscribed (MessageNew MessageExpunge))"
    bob.ok(subscribed)
    bob.ok(b"SUBSCRIBE " + box)
    bob.no(subscribed, overflow)
    bob.ok(b"NOTIFY SET (personal (MessageNew MessageExpunge))")
    bob.ok(b"NOTIFY NONE")
    bob.ok(b"UNSUBSCRIBE " + box)


def test_nothing_is_renamed_from_one_owner_to_another(alice, bob, box):
    mine = b"mine-" + box.split(b".")[-1]
    give(alice, box, b"lrswipkxtea")
    bob.ok(b"CREATE " + mine)
    for names_ in ((box, mine + b"-2"), (mine, box + b".below"),
                   (b"INBOX", box + b".below")):
        bob.no(b"RENAME %s %s" % names_, b"[CANNOT]")
    bob.ok(b"STATUS %s (MESSAGES)" % box)
    bob.ok(b"DELETE " + mine)


def uids(code):
    m = re.search(rb"\[COPYUID (\d+) (\S+) (\S+)\]", code)
    return m[2], m[3]


def test_copy_and_move_across(alice, bob, box):
    mine = b"from-" + box.split(b".")[-1]
    give(alice, box, b"lrsi")
    bob.ok(b"CREATE " + mine)
    bob.ok(b"SELECT " + box)
    # Out of it, with flags, date and octets.
    status, _ = bob.command(b"COPY 1:2 " + mine)
    assert uids(status) == (b"1:2", b"1:2")
    bob.no(b"MOVE 1 " + mine, b"[NOPERM]")
    bob.no(b"COPY 1 not-there", b"[TRYCREATE]")
    give(alice, box, b"lrsite")
    status, told = bob.command(b"UID MOVE 3 " + mine)
    assert status.startswith(b"OK"), status
    assert any(uids(x) == (b"3", b"3") for x in told if b"COPYUID" in x)
    assert told.index(b"3 EXPUNGE") > [
        i for i, x in enumerate(told) if b"COPYUID" in x][0]
    bob.ok(b"SELECT " + mine)
    told = bob.ok(b"FETCH 1:3 (FLAGS INTERNALDATE BODY.PEEK[])")
    for i in range(3):
        assert any(b"$Todo" in x and b'" 1-Feb-1994 21:52:25 +0000"' in x and
                   MESSAGE % (i, i) in x for x in told)
    # Into it: flags that may not be set stay behind.
    bob.ok(b"STORE 1 +FLAGS (\\Seen)")
    status, told = bob.command(b"MOVE 1:2 " + box)
    assert status.startswith(b"OK"), status
    assert [uids(x) for x in told if b"COPYUID" in x] == [(b"1:2", b"4:5")]
    assert bob.ok(b"STATUS %s (MESSAGES)" % mine) == [
        b'STATUS "%s" (MESSAGES 1)' % mine]
    bob.ok(b"EXAMINE " + box)
    told = bob.ok(b"FETCH 3:4 FLAGS")
    assert b"3 FETCH (FLAGS (\\Seen))" in [
        re.sub(rb" ?\\Recent ?", b"", x) for x in told]
    give(alice, box, b"lr")
    bob.ok(b"SELECT " + mine)
    bob.no(b"COPY 1 " + box, b"[NOPERM]")
    # Nothing was lost by that.
    assert bob.ok(b"STATUS %s (MESSAGES)" % mine) == [
        b'STATUS "%s" (MESSAGES 1)' % mine]


def test_qresync_goes_through(alice, box):
    alice.ok(b"ENABLE QRESYNC")
    told = alice.ok(b"SELECT " + box)
    validity, modseq = (re.search(rb"\[%s (\d+)\]" % k, b" ".join(told))[1]
                        for k in (b"UIDVALIDITY", b"HIGHESTMODSEQ"))
    told = alice.ok(b"STORE 1 +FLAGS (\\Deleted)")
    assert any(b"MODSEQ" in x for x in told)
    told = alice.ok(b"EXPUNGE")
    assert any(x.startswith(b"VANISHED 1") for x in told), told
    told = alice.ok(b"SELECT %s (QRESYNC (%s %s))" % (box, validity, modseq))
    assert any(x.startswith(b"VANISHED (EARLIER) 1") for x in told), told


def attached(host):
    """The imapd processes that serve the team's mailbox."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/status") as f:
                status = f.read()
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                command = f.read().split(b"\0")
        except OSError:
            continue
        if command[0] == b"imapd" and \
                re.search(rf"Uid:\t{host.users[TEAM]}\t", status):
            found.append(int(pid))
            assert b"-s" in command
    return found


def test_it_has_the_shared_mailboxs_uid_and_may_die(
        shared_host, alice, bob, box):
    give(alice, box, b"lr")
    alice.close()
    wait_until(lambda: attached(shared_host) == [], what="the end of all")
    bob.ok(b"SELECT " + box)
    pid, = attached(shared_host)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: attached(shared_host) == [], what="its end")
    status, told = bob.command(b"FETCH 1 FLAGS")
    assert status.startswith(b"NO [UNAVAILABLE]"), status
    assert any(b"[CLOSED]" in x for x in told)
    # The session goes on, with its own mailboxes and with that one.
    bob.ok(b"SELECT INBOX")
    bob.ok(b"SELECT " + box)
    assert bob.ok(b"FETCH 1 UID") == [b"1 FETCH (UID 1)"]
    bob.close()
    wait_until(lambda: attached(shared_host) == [], what="its end")


class Hostile(Alone):
    """alice's imapd, whose monitor and whose shared mailbox we are."""

    def __init__(self, host):
        maildir = host.maildir(ALICE)
        uid = host.users[ALICE]
        self.monitor, theirs = socket.socketpair(
            socket.AF_UNIX, socket.SOCK_SEQPACKET)
        settings = os.open(host.tables / "settings.cdb", os.O_RDONLY)

        def give():
            os.dup2(settings, 5)
            os.dup2(theirs.fileno(), 10)
            os.dup2(theirs.fileno(), 9)
        self.process = subprocess.Popen(
            [IMAPD, "-m", ALICE, maildir], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, preexec_fn=give, pass_fds=(5, 9, 10),
            user=uid, group=uid, extra_groups=[])
        os.close(settings)
        theirs.close()
        self.buffer, self.tag, self.utf8 = b"", 0, False
        self.ends = []

    def attach(self):
        """Be asked for the shared mailbox; a file for each direction."""
        assert self.monitor.recv(400) == (
            bytes(5) + bytes([len(TEAM)]) + TEAM.encode())
        to, back = os.pipe(), os.pipe()
        socket.send_fds(self.monitor, [b"o"], [to[1], back[0]])
        os.close(to[1])
        os.close(back[0])
        self.ends = [os.fdopen(to[0], "rb"), os.fdopen(back[1], "wb", 0)]
        return self.ends

    def stop(self):
        for end in self.ends:
            end.close()
        self.monitor.close()
        super().stop()


@pytest.mark.parametrize("said, status, passed", [
    (b"* 1 EXISTS\r\nx OK [READ-ONLY] fine\r\n", b"OK", [b"1 EXISTS"]),
    # Of others' mailboxes, and of the session, nothing gets through.
    (b'* STATUS INBOX (MESSAGES 9)\r\n* CAPABILITY X\r\n* PREAUTH x\r\n'
     b'* LIST () "." Mine\r\n* OK [ALERT] pay\r\na1 OK [CAPABILITY X] x\r\n'
     b"x OK [CAPABILITY X] x\r\n", b"OK", []),
    # What a client would divide otherwise than we ends it.
    (b'* 1 FETCH (X "a {9}\r\na1 OK x\r\nx OK x\r\n', b"NO [UNAVAILABLE]",
     [b"OK [CLOSED]"]),
    (b"* 1 EXISTS\n* 2 EXISTS\r\n", b"NO [UNAVAILABLE]", [b"OK [CLOSED]"]),
    (b"* BYE and goodbye\r\n", b"NO [UNAVAILABLE]", [b"OK [CLOSED]"]),
    (b"", b"NO [UNAVAILABLE]", [b"OK [CLOSED]"]),
])
def test_what_a_hostile_one_says(shared_host, said, status, passed):
    c = Hostile(shared_host)
    try:
        c.send(b"a1 SELECT Shared.Team\r\n")
        reader, writer = c.attach()
        assert reader.readline() == b"x SELECT Shared.Team\r\n"
        writer.write(said)
        writer.close()
        answer, untagged = c.answer("a1")
        assert answer.startswith(status), answer
        assert [u[:len(p)] for u, p in zip(untagged, passed)] == passed
        assert len(untagged) == len(passed)
        # The session goes on.
        c.ok(b"SELECT INBOX")
    finally:
        c.stop()


def test_one_who_takes_no_part(shared_host, connect):
    shared_host.write("shared", [f"{TEAM} Team admin:{ALICE} {ALICE}"])
    shared_host.compile()
    bob = connect(BOB)
    assert bob.ok(b"NAMESPACE") == [b'NAMESPACE (("" ".")) NIL NIL']
    bob.no(b"SELECT Shared.Team", b"[NONEXISTENT]")
    assert names(bob.ok(b'LIST "" "*"')) == \
        [x for x in names(bob.ok(b'LIST "" "*"'))
         if not x.startswith(b"Shared")]
