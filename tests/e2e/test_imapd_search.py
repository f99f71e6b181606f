"""imapd: SEARCH, SORT and THREAD, on maildirs of the test's own."""
import os
import re
import sys
import tarfile
import time

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "lib"))
from imaptest import Connection  # noqa: E402

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.environ.get("KERERU_BUILD", os.path.join(REPOSITORY, "build"))
IMAPD = os.path.join(BUILD, "bin", "imapd")
TESTDATA = os.environ.get("KERERU_TESTDATA", os.path.join(
    REPOSITORY, "..", "shared", "testdata"))
ARCHIVE = os.path.join(TESTDATA, "spam", "spamassassin-train.tar.xz")
ORACLE = os.path.join(TESTDATA, "imap", "dovecot-oracle",
                      "sa-easy-ham-2-train.threads")


def make_maildir(path):
    for sub in ("cur", "new", "tmp"):
        os.makedirs(os.path.join(path, sub), 0o700)
    return str(path)


def deliver(maildir, n, text, age_s=0):
    path = os.path.join(maildir, "cur", "%08d.M1P1.h:2," % n)
    with open(path, "wb") as f:
        f.write(text)
    when = time.time() - age_s
    os.utime(path, (when, when))
    return path


def start(maildir, name=b"INBOX"):
    c = Connection(IMAPD, maildir)
    ok(c.command(b"SELECT " + name))
    return c


def ok(answer):
    status, untagged = answer
    assert status.startswith(b"OK"), (status, untagged)
    return untagged


def stop(c):
    c.process.kill()
    c.close()


def ham():
    """SpamAssassin's easy-ham-2 by name, mbox line dropped."""
    if not os.path.exists(ARCHIVE):
        pytest.skip("no %s" % ARCHIVE)
    found = {}
    with tarfile.open(ARCHIVE) as tar:
        for member in tar:
            if member.isfile() and "easy-ham-2/" in member.name:
                text = tar.extractfile(member).read()
                if text.startswith(b"From "):
                    text = text.split(b"\n", 1)[1]
                found[member.name] = text
    return [found[name] for name in sorted(found)]


@pytest.fixture(scope="module")
def mail(tmp_path_factory):
    maildir = make_maildir(tmp_path_factory.mktemp("ham") / "Maildir")
    for n, text in enumerate(ham()):
        deliver(maildir, n, text)
    return maildir


@pytest.fixture
def box(tmp_path):
    maildir = make_maildir(tmp_path / "Maildir")
    for n in range(1, 11):
        deliver(maildir, n, b"Subject: %s %d\r\n"
                b"From: =?utf-8?q?%s?= <u%d@x.example>\r\n\r\nbody %d\r\n" % (
                    b"even" if n % 2 == 0 else b"odd", n,
                    [b"B", b"a", b"=C3=84"][n % 3], n, n), age_s=n * 3600)
    c = start(maildir)
    yield c
    stop(c)


def top_level(threads):
    out, depth, begin = [], 0, 0
    for i, c in enumerate(threads):
        depth += (c == "(") - (c == ")")
        if depth == 0:
            out.append(threads[begin:i + 1])
            begin = i + 1
    return out


def test_dovecot_sorts_and_threads_the_same(mail, capsys):
    if not os.path.exists(ORACLE):
        pytest.skip("no %s" % ORACLE)
    with open(ORACLE) as f:
        lines = f.read().splitlines()
    c = start(mail)
    for command, wanted in zip(lines[::2], lines[1::2]):
        line, = ok(c.command(command.encode()))
        got = line.decode().split(" ", 1)[1]
        take = top_level if command.startswith("THREAD") else str.split
        ours, theirs = take(got), take(wanted)
        assert len(ours) == len(theirs)
        different = [(a, b) for a, b in zip(ours, theirs) if a != b]
        with capsys.disabled():
            print("\n%s: %d of %d differ: %s" % (
                command, len(different), len(theirs), different))
        assert len(different) <= len(theirs) * 0.03
    stop(c)


@pytest.mark.parametrize("program,answer", [
    (b"RETURN (MIN) SUBJECT even", b"MIN 2"),
    (b"RETURN (MAX) SUBJECT even", b"MAX 10"),
    (b"RETURN (MIN MAX COUNT) SUBJECT even", b"MIN 2 MAX 10 COUNT 5"),
    (b"RETURN () SUBJECT even", b"ALL 2,4,6,8,10"),
    (b"RETURN (ALL) 2:5", b"ALL 2:5"),
    (b"RETURN (ALL COUNT) SUBJECT none", b"COUNT 0"),
    (b"RETURN (MIN) SUBJECT none", b""),
    (b"RETURN (PARTIAL 2:3) SUBJECT even", b"PARTIAL (2:3 4,6)"),
    (b"RETURN (PARTIAL -1:-2) SUBJECT even", b"PARTIAL (-1:-2 8,10)"),
    (b"RETURN (PARTIAL 9:5 COUNT) SUBJECT even",
     b"COUNT 5 PARTIAL (9:5 10)"),
    (b"RETURN (PARTIAL 6:9) SUBJECT even", b"PARTIAL (6:9 NIL)"),
    (b"RETURN (COUNT) CHARSET UTF-8 OLDER 9000", b"COUNT 8"),
    (b"RETURN (COUNT) YOUNGER 9000", b"COUNT 2"),
])
def test_extended_search(box, program, answer):
    line, = ok(box.command(b"SEARCH " + program, "t"))
    assert line == (b'ESEARCH (TAG "t") ' + answer).rstrip()
    line, = ok(box.command(b"UID SEARCH " + program, "t"))
    assert line == (b'ESEARCH (TAG "t") UID ' + answer).rstrip()


@pytest.mark.parametrize("options,saved", [
    (b"SAVE", b"2 4 6 8 10"), (b"SAVE MIN", b"2"), (b"SAVE MAX", b"10"),
    (b"SAVE MIN MAX", b"2 10"), (b"SAVE COUNT MIN", b"2 4 6 8 10"),
    (b"SAVE ALL", b"2 4 6 8 10"), (b"SAVE PARTIAL 2:3", b"4 6"),
    (b"SAVE PARTIAL 2:3 MIN", b"2 4 6"),
    (b"SAVE PARTIAL 2:2 COUNT", b"2 4 6 8 10")])
def test_what_is_saved(box, options, saved):
    untagged = ok(box.command(b"SEARCH RETURN (%s) SUBJECT even" % options))
    assert len(untagged) == (options != b"SAVE")
    assert ok(box.command(b"SEARCH $")) == [b"SEARCH " + saved]
    assert ok(box.command(b"UID SEARCH NOT UID $ 2:4")) == [
        b"SEARCH" + b"".join(b" %d" % n for n in (2, 3, 4)
                             if str(n).encode() not in saved.split())]


def test_saved_result_lives_and_dies(box):
    assert ok(box.command(b"FETCH $ UID")) == []
    ok(box.command(b"SEARCH RETURN (SAVE) SUBJECT even"))
    assert ok(box.command(b"FETCH $ UID")) == [
        b"%d FETCH (UID %d)" % (n, n) for n in (2, 4, 6, 8, 10)]
    ok(box.command(b"STORE 4 +FLAGS.SILENT (\\Deleted)"))
    ok(box.command(b"EXPUNGE"))
    assert ok(box.command(b"UID FETCH $ UID")) == [
        b"%d FETCH (UID %d)" % (n - (n > 4), n) for n in (2, 6, 8, 10)]
    ok(box.command(b"STORE $ +FLAGS.SILENT (\\Flagged)"))
    assert ok(box.command(b"UID SEARCH FLAGGED")) == [b"SEARCH 2 6 8 10"]
    ok(box.command(b"CREATE x"))
    ok(box.command(b"COPY $ x"))
    assert ok(box.command(b"STATUS x (MESSAGES)")) == [
        b'STATUS "x" (MESSAGES 4)']
    # A BAD command, or one that saves nothing, leaves it alone.
    assert box.command(b"SEARCH RETURN (SAVE) NONSENSE")[0][:3] == b"BAD"
    ok(box.command(b"SEARCH RETURN (COUNT) ALL"))
    assert ok(box.command(b"UID SEARCH $")) == [b"SEARCH 2 6 8 10"]
    # NO forgets it.
    status, _ = box.command(b"SEARCH RETURN (SAVE) CHARSET KOI8-R TEXT x")
    assert status.startswith(b"NO [BADCHARSET")
    assert ok(box.command(b"SEARCH $")) == [b"SEARCH"]
    ok(box.command(b"SEARCH RETURN (SAVE) ALL"))
    ok(box.command(b"SELECT INBOX"))
    assert ok(box.command(b"SEARCH $")) == [b"SEARCH"]


def test_extended_sort(box):
    line, = ok(box.command(b"SORT RETURN () (REVERSE ARRIVAL) UTF-8 1:4",
                           "t"))
    assert line == b'ESEARCH (TAG "t") ALL 1:4'
    line, = ok(box.command(
        b"UID SORT RETURN (MIN MAX COUNT PARTIAL 1:3) (ARRIVAL) UTF-8 1:5",
        "t"))
    assert line == (b'ESEARCH (TAG "t") UID MIN 5 MAX 1 COUNT 5 '
                    b'PARTIAL (1:3 5,4,3)')
    # By what is displayed, without regard to case: a, umlaut A, B.
    assert ok(box.command(b"SORT (DISPLAYFROM) UTF-8 1:6")) == [
        b"SORT 1 4 2 5 3 6"]
    assert ok(box.command(b"SORT (SUBJECT) US-ASCII SUBJECT none")) == [
        b"SORT"]
    for bad in (b"SORT () UTF-8 ALL", b"SORT (SIZE) ALL",
                b"SORT (REVERSE) UTF-8 ALL", b"SORT (X) UTF-8 ALL",
                b"THREAD OTHER UTF-8 ALL", b"THREAD REFERENCES ALL"):
        assert box.command(bad)[0].startswith(b"BAD"), bad


def test_threads_of_a_hostile_folder_take_no_time(tmp_path):
    """One chain, each message of which names all before it, and each of which
    unlinks what the next ones linked."""
    maildir = make_maildir(tmp_path / "Maildir")
    for n in range(1500):
        deliver(maildir, n, b"Message-ID: <%d@x>\nReferences: %s\n\n" % (
            n, b"".join(b"<%d@x>" % (k * 7 % 1500)
                        for k in range(max(0, n - 60), n))))
    c = start(maildir)
    begin = time.monotonic()
    line, = ok(c.command(b"THREAD REFERENCES UTF-8 ALL"))
    assert time.monotonic() - begin < 10
    assert sorted(map(int, re.findall(rb"\d+", line))) == list(
        range(1, 1501))
    stop(c)
