"""imapd: SEARCH, SORT and THREAD, on maildirs of the test's own."""
import fcntl
import os
import random
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


# The text index. Searches are compared with those of a twin of the folder, the
# same files by hard links, whose index cannot be built.

def index_files(maildir):
    return sorted(n for n in os.listdir(maildir)
                  if n.startswith("kereru-text"))


class Twins:
    def __init__(self, indexed, plain):
        self.maildir, self.plain_maildir = indexed, plain
        self.lock = open(os.path.join(plain, "kereru-text.lock"), "w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.indexed, self.plain = start(indexed), start(plain)

    def again(self):
        stop(self.indexed)
        self.indexed = start(self.maildir)

    def same(self, key, text):
        command = b"SEARCH RETURN (ALL COUNT) CHARSET UTF-8 %s {%d+}\r\n%s" % (
            key, len(text), text)
        got = self.indexed.command(command, "t")
        assert got == self.plain.command(command, "t"), command
        return int(re.search(rb"COUNT (\d+)", got[1][-1])[1])

    def stop(self):
        stop(self.indexed)
        stop(self.plain)
        self.lock.close()


@pytest.fixture
def twins(mail, tmp_path):
    """The first 400 messages, and twenty that nobody would write."""
    folders = [make_maildir(tmp_path / name) for name in ("a", "b")]
    names = sorted(os.listdir(os.path.join(mail, "cur")))[:400]
    odd = random.Random(3)
    for n in range(20):
        text = (b"Subject: odd\nContent-Type: text/plain; charset=utf-8\n\n"
                + b"".join(odd.choice([b"ab", b"\xc3\x84", b" ", b"x" * 70,
                                       b"\n", b"0"]) for _ in range(300)))
        names.append(os.path.basename(deliver(folders[0], 90000 + n, text)))
    for name in names:
        source = os.path.join(folders[0], "cur", name)
        if not os.path.exists(source):
            os.link(os.path.join(mail, "cur", name), source)
        os.link(source, os.path.join(folders[1], "cur", name))
    t = Twins(*folders)
    yield t
    t.stop()


def substring(maildir, rng):
    folder = os.path.join(maildir, "cur")
    with open(os.path.join(folder, rng.choice(sorted(os.listdir(folder)))),
              "rb") as f:
        text = f.read()
    n = rng.choice([1, 1, 2, 3, 4, 5, 6, 8, 12, 20, 33, 34, 50, 80])
    at = rng.randrange(max(1, len(text) - n))
    return re.sub(rb"[\0\r\n]+", b" ", text[at:at + n]) or b"x"


def test_index_is_exact(twins):
    rng = random.Random(5)
    hits = 0
    twins.same(b"TEXT", b"absent-for-sure")
    assert "kereru-text.1" in index_files(twins.maildir)
    for _ in range(60):
        hits += twins.same(rng.choice([b"TEXT", b"BODY"]),
                           substring(twins.maildir, rng)) > 0
    assert hits > 30
    for text in (b"x" * 70, b"x" * 64, b"x" * 33, b"xab", b"ODD", b" ",
                 "\u00e4\u00c4".encode(), b"AB 0"):
        twins.same(b"TEXT", text)
        twins.same(b"BODY", text)
    assert twins.same(b"BODY", b"odd") < twins.same(b"TEXT", b"odd")


def test_index_that_is_damaged_gives_no_wrong_answer(twins):
    rng = random.Random(7)
    texts = [b"linux", b"e", b"1"]

    def all_same():
        twins.again()
        return [twins.same(b"TEXT", t) for t in texts]

    right = all_same()
    for how in ("gone", "empty", "short", "zero", "bits", "other") * 2:
        names = [n for n in index_files(twins.maildir)
                 if not n.endswith("lock")]
        assert len(names) == 2
        path = os.path.join(twins.maildir, rng.choice(names))
        with open(path, "rb") as f:
            bad = bytearray(f.read())
        if how == "empty":
            bad = b""
        elif how == "short":
            bad = bad[:len(bad) * 2 // 3]
        elif how == "zero":
            bad[len(bad) // 5:len(bad) // 2] = bytes(
                len(bad) // 2 - len(bad) // 5)
        elif how == "bits":
            for _ in range(20):
                bad[rng.randrange(len(bad))] ^= 1 << rng.randrange(8)
        elif how == "other":
            bad = b"\xff" * len(bad)
        os.unlink(path)
        if how != "gone":
            with open(path, "wb") as f:
                f.write(bad)
        assert all_same() == right
    # It was built again, and what was bad or left over is gone.
    assert len(index_files(twins.maildir)) == 3


def test_index_grows_and_shrinks(twins):
    assert twins.same(b"TEXT", b"newcomer") == 0
    def identity():
        """Another file may get the number of one that is gone."""
        st = os.stat(os.path.join(twins.maildir, "kereru-text"))
        return st.st_ino, st.st_mtime_ns
    before = identity()
    for n in range(250):
        path = deliver(twins.maildir, 95000 + n,
                       b"Subject: newcomer %d\n\ntext%d\n" % (n, n))
        os.link(path, path.replace(twins.maildir, twins.plain_maildir))
        if n == 20:
            # So few are simply read.
            for c in (twins.indexed, twins.plain):
                ok(c.command(b"NOOP"))
            assert twins.same(b"TEXT", b"newcomer") == 21
            assert identity() == before
    for c in (twins.indexed, twins.plain):
        ok(c.command(b"NOOP"))
    assert twins.same(b"TEXT", b"newcomer") == 250
    assert identity() != before
    assert twins.same(b"BODY", b"text7") == 11
    for c in (twins.indexed, twins.plain):
        ok(c.command(b"STORE 430:600 +FLAGS.SILENT (\\Deleted)"))
        ok(c.command(b"EXPUNGE"))
    assert twins.same(b"TEXT", b"newcomer") == 79
    twins.again()
    assert twins.same(b"TEXT", b"newcomer") == 79


def test_index_whose_builders_are_killed(twins):
    """A builder may end at any moment; the next one goes on."""
    for n in range(6):
        c = start(twins.maildir)
        c.send(b"x SEARCH TEXT absent\r\n")
        time.sleep(0.02 * n)
        stop(c)
        twins.again()
        assert twins.same(b"TEXT", b"linux") > 0
    leftovers = [n for n in index_files(twins.maildir)
                 if n not in ("kereru-text", "kereru-text.lock")]
    assert len(leftovers) <= 2, leftovers


def test_index_of_a_folder_made_anew_is_another(mail, tmp_path):
    maildir = make_maildir(tmp_path / "Maildir")
    for n in range(300):
        deliver(maildir, n, b"Subject: first\n\nx\n")
    c = start(maildir)
    assert ok(c.command(b"SEARCH RETURN (COUNT) TEXT first", "t")) == [
        b'ESEARCH (TAG "t") COUNT 300']
    stop(c)
    # Other messages under the same UIDs.
    for name in os.listdir(maildir):
        if name.startswith("dovecot-uid") or name.startswith("kereru-") and \
                not name.startswith("kereru-text"):
            os.unlink(os.path.join(maildir, name))
    for name in os.listdir(os.path.join(maildir, "cur")):
        os.unlink(os.path.join(maildir, "cur", name))
    time.sleep(1.1)
    for n in range(300):
        deliver(maildir, 1000 + n, b"Subject: second\n\nx\n")
    c = start(maildir)
    assert ok(c.command(b"SEARCH RETURN (COUNT) TEXT first", "t")) == [
        b'ESEARCH (TAG "t") COUNT 0']
    stop(c)


def test_modseq_saved_dates_and_ids(box):
    ok(box.command(b"STORE 3 +FLAGS (\\Flagged)"))
    line = ok(box.command(b"FETCH 3 MODSEQ"))[-1]
    modseq = int(re.search(rb"MODSEQ \((\d+)\)", line)[1])
    for name in (b"", b'"/flags/\\\\Flagged" all '):
        assert ok(box.command(b"SEARCH MODSEQ %s%d" % (name, modseq))) == [
            b"SEARCH 3 (MODSEQ %d)" % modseq]
    assert ok(box.command(b"SEARCH MODSEQ %d" % (modseq + 1))) == [b"SEARCH"]
    assert ok(box.command(b"SEARCH RETURN (MIN) MODSEQ %d" % modseq,
                          "t")) == [
        b'ESEARCH (TAG "t") MIN 3 MODSEQ %d' % modseq]
    line, = ok(box.command(b"SORT RETURN (MAX) (SUBJECT) UTF-8 MODSEQ 1",
                           "t"))
    assert re.fullmatch(rb'ESEARCH \(TAG "t"\) MAX 9 MODSEQ \d+', line)
    # The names of the files begin with their dates: in 1970.
    assert ok(box.command(b"SEARCH SAVEDBEFORE 1-Jan-1971")) == [
        b"SEARCH 1 2 3 4 5 6 7 8 9 10"]
    assert ok(box.command(b"SEARCH SAVEDSINCE 1-Jan-1971")) == [b"SEARCH"]
    assert ok(box.command(b"SEARCH SAVEDATESUPPORTED 1")) == [b"SEARCH 1"]
    line, = ok(box.command(b"FETCH 7 EMAILID"))
    email = re.search(rb"EMAILID \((.*?)\)", line)[1]
    assert ok(box.command(b"SEARCH EMAILID " + email)) == [b"SEARCH 7"]
    assert ok(box.command(b"SEARCH THREADID " + email)) == [b"SEARCH"]


def test_results_are_kept_up_to_date(box):
    line, = ok(box.command(
        b"UID SEARCH RETURN (UPDATE COUNT) FLAGGED SUBJECT even", "u"))
    assert line == b'ESEARCH (TAG "u") UID COUNT 0'
    assert ok(box.command(b"SEARCH RETURN (UPDATE) NOT DELETED", "n")) == []
    assert box.command(b"SEARCH RETURN (UPDATE) ALL", "n")[0][:3] == b"BAD"
    assert box.command(b"SORT RETURN (UPDATE) (DATE) UTF-8 ALL",
                       "n")[0][:3] == b"BAD"
    for refused in (b"SEARCH RETURN (UPDATE) 1:5",
                    b"SORT RETURN (UPDATE) (DATE) UTF-8 1:5"):
        assert ok(box.command(refused, "r")) == [
            b'NO [NOUPDATE "r"] Not kept up to date']
    for how in (b"FLAGS", b"FLAGS.SILENT"):
        untagged = ok(box.command(b"STORE 2:5 +%s (\\Flagged)" % how))
        assert untagged[-1] == b'ESEARCH (TAG "u") UID ADDTO (0 2,4)'
        untagged = ok(box.command(b"STORE 3:4 -%s (\\Flagged)" % how))
        assert untagged[-1] == b'ESEARCH (TAG "u") UID REMOVEFROM (0 4)'
        untagged = ok(box.command(b"STORE 2 -%s (\\Flagged)" % how))
        assert untagged[-1] == b'ESEARCH (TAG "u") UID REMOVEFROM (0 2)'
    message = b"Subject: even 12\r\n\r\n"
    untagged = ok(box.command(b"APPEND INBOX (\\Flagged) {%d+}\r\n%s" % (
        len(message), message)))
    assert untagged.index(b"11 EXISTS") < untagged.index(
        b'ESEARCH (TAG "u") UID ADDTO (0 11)') < untagged.index(
        b'ESEARCH (TAG "n") ADDTO (0 11)')
    untagged = ok(box.command(b"STORE 1,11 +FLAGS.SILENT (\\Deleted)"))
    assert untagged == [b'ESEARCH (TAG "n") REMOVEFROM (0 1,11)']
    untagged = ok(box.command(b"EXPUNGE"))
    assert untagged == [b'ESEARCH (TAG "u") UID REMOVEFROM (0 11)',
                        b"1 EXPUNGE", b"10 EXPUNGE"]
    ok(box.command(b'CANCELUPDATE "n" "u"'))
    assert ok(box.command(b"STORE 2 +FLAGS.SILENT (\\Deleted)")) == []
    assert box.command(b'CANCELUPDATE "n"')[0].startswith(b"NO")
    assert box.command(b'CANCELUPDATE')[0].startswith(b"BAD")


def numbers(text):
    """What a sequence-set names, in its order."""
    for part in text.split(","):
        first, _, last = part.partition(":")
        yield from range(int(first), int(last or first) + 1)


def follow(results, untagged, tag):
    """Work off ADDTO and REMOVEFROM as RFC 5267, 4.3.3 and 4.3.4 say."""
    for line in untagged:
        m = re.match(rb'ESEARCH \(TAG "%s"\)(?: UID)? (ADDTO|REMOVEFROM) '
                     rb"\((.*)\)$" % tag, line)
        if m is None:
            continue
        words = m[2].decode().split(" ")
        for place, text in zip(words[::2], words[1::2]):
            at, wanted = int(place) - 1, list(numbers(text))
            assert 0 <= at <= len(results)
            if m[1] == b"ADDTO":
                results[at:at] = wanted
            else:
                assert results[at:at + len(wanted)] == wanted
                del results[at:at + len(wanted)]


def sorted_uids(box, program):
    line, = ok(box.command(b"UID SORT " + program))
    return [int(n) for n in line.split()[1:]]


def test_sorted_results_have_their_places(box):
    assert ok(box.command(b"UID SORT RETURN (UPDATE ALL) (REVERSE SUBJECT) "
                          b"UTF-8 FLAGGED", "s")) == [b'ESEARCH (TAG "s") UID']
    assert ok(box.command(b"SORT RETURN (UPDATE COUNT) (SUBJECT) UTF-8 "
                          b"UNFLAGGED", "t")) == [
        b'ESEARCH (TAG "t") COUNT 10']
    order = sorted_uids(box, b"(REVERSE SUBJECT) UTF-8 ALL")
    first, second, third = order[3], order[6], order[1]

    def change(how, uid):
        return [line for line in ok(box.command(
            b"UID STORE %d %sFLAGS.SILENT (\\Flagged)" % (uid, how)))
            if b'"s"' in line]

    said = b'ESEARCH (TAG "s") UID %s (%d %d)'
    assert change(b"+", first) == [said % (b"ADDTO", 1, first)]
    assert change(b"+", second) == [said % (b"ADDTO", 2, second)]
    assert change(b"+", third) == [said % (b"ADDTO", 1, third)]
    assert change(b"-", first) == [said % (b"REMOVEFROM", 2, first)]
    assert ok(box.command(b'CANCELUPDATE "s" "t"')) == []


def test_whoever_follows_sorted_results_has_them(box):
    chance = random.Random(5267)
    programs = {b"a": b"(SUBJECT DATE) UTF-8 UNDELETED",
                b"b": b"(REVERSE SIZE SUBJECT) UTF-8 FLAGGED",
                b"c": b"(FROM REVERSE ARRIVAL) UTF-8 KEYWORD $k UNFLAGGED"}
    results = {}
    for tag, program in programs.items():
        line, = ok(box.command(b"UID SORT RETURN (UPDATE ALL) " + program,
                               tag.decode()))
        found = line.partition(b" ALL ")[2].decode()
        results[tag] = list(numbers(found)) if found else []
    for step in range(60):
        uids = sorted_uids(box, b"(ARRIVAL) UTF-8 ALL")
        some = b",".join(b"%d" % u for u in chance.sample(
            uids, min(len(uids), chance.choice((1, 2, 5, 20)))))
        what = chance.randrange(6)
        if what == 0:
            text = b"From: %c@x\r\nSubject: %d\r\n\r\n%s" % (
                chance.choice(b"abc"), chance.randrange(9),
                b"x" * chance.randrange(99))
            command = b"APPEND INBOX (%s) {%d+}\r\n%s" % (
                chance.choice((b"", b"\\Flagged", b"$k")), len(text), text)
        elif what == 1 and step % 4 == 0:
            command = b"EXPUNGE"
        else:
            command = b"UID STORE %s %cFLAGS%s (%s)" % (
                some, chance.choice(b"+-"),
                chance.choice((b"", b".SILENT")),
                chance.choice((b"\\Flagged", b"$k", b"\\Deleted")
                              if what < 5 else (b"$k",)))
        untagged = ok(box.command(command))
        for tag, program in programs.items():
            follow(results[tag], untagged, tag)
            assert results[tag] == sorted_uids(box, program), (
                step, command, untagged)


def test_fetch_of_a_window(box):
    def uids(modifier):
        return [int(re.search(rb"UID (\d+)", u)[1]) for u in ok(
            box.command(b"UID FETCH 2:9 FLAGS (%s)" % modifier))
            if b"FETCH" in u]

    assert uids(b"PARTIAL 1:3") == [2, 3, 4]
    assert uids(b"PARTIAL -1:-3") == [7, 8, 9]
    assert uids(b"PARTIAL 8:20") == [9]
    assert uids(b"PARTIAL 9:20") == []
    ok(box.command(b"STORE 8 +FLAGS.SILENT (\\Flagged)"))
    line = ok(box.command(b"FETCH 8 MODSEQ"))[-1]
    modseq = int(re.search(rb"MODSEQ \((\d+)\)", line)[1])
    assert uids(b"PARTIAL -1:-3 CHANGEDSINCE %d" % (modseq - 1)) == [8]
    assert uids(b"CHANGEDSINCE %d PARTIAL 1:3" % (modseq - 1)) == []
    for bad in (b"FETCH 1:9 FLAGS (PARTIAL 1:3)",
                b"UID FETCH 1:9 FLAGS (PARTIAL 1:-3)",
                b"UID FETCH 1:9 FLAGS (PARTIAL 1:3 PARTIAL 1:2)"):
        assert box.command(bad)[0].startswith(b"BAD"), bad
