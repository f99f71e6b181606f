"""What imapd remembers of a folder: caches that are missing, damaged or stale,
QRESYNC over them, and many sessions, deliveries and a shell at once."""
import os
import random
import re
import shutil
import subprocess
import sys
import threading
import time
import traceback

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "lib"))
from imaptest import Connection  # noqa: E402

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.environ.get("KERERU_BUILD", os.path.join(REPOSITORY, "build"))
IMAPD = os.path.join(BUILD, "bin", "imapd")
CACHES = ("kereru-view", "kereru-log", "kereru-meta")


def make_maildir(path):
    for sub in ("cur", "new", "tmp"):
        os.makedirs(os.path.join(path, sub), 0o700)
    return str(path)


@pytest.fixture
def maildir(tmp_path):
    return make_maildir(tmp_path / "Maildir")


@pytest.fixture
def connect(maildir):
    made = []

    def make(folder=maildir):
        made.append(Connection(IMAPD, folder))
        return made[-1]

    yield make
    for c in made:
        c.process.kill()
        c.close()


counter = 0
counter_lock = threading.Lock()


def deliver(folder, sub="new", flags="", text=None):
    global counter
    with counter_lock:
        counter += 1
        n = counter
    name = "%d.M%06dP1Q.host" % (int(time.time()), n)
    tmp = os.path.join(folder, "tmp", name)
    with open(tmp, "w", encoding="latin-1", newline="") as f:
        f.write(text or "Subject: message %d\nMessage-ID: <%d@example.org>\n"
                "From: Ann <ann@example.org>\n\nbody %d\n" % (n, n, n))
    os.rename(tmp, os.path.join(folder, sub, name + flags))
    return name


def ok(answer):
    status, untagged = answer
    assert status.startswith(b"OK"), (status, untagged)
    return untagged


def number(code, lines):
    found = re.search(rb"\[%s (\d+)\]" % code, b"\n".join(lines))
    return int(found[1])


def leave(c):
    c.command(b"LOGOUT")
    c.process.wait()


def forget(maildir, names=CACHES):
    for name in names:
        if os.path.exists(os.path.join(maildir, name)):
            os.unlink(os.path.join(maildir, name))


FETCHED = rb"(\d+) FETCH \(.*?UID (\d+)"


class Client:
    """A client that knows a mailbox only from what it is told."""

    def __init__(self, maildir, old=None):
        self.c = Connection(IMAPD, maildir)
        ok(self.c.command(b"ENABLE QRESYNC"))
        self.uids, self.flags, self.highest = [], {}, 0
        command = b"SELECT INBOX"
        if old is not None and old.highest:
            self.flags = dict(old.flags)
            command += b" (QRESYNC (%d %d))" % (old.validity, old.highest)
        untagged = ok(self.c.command(command))
        self.validity = number(b"UIDVALIDITY", untagged)
        self.highest = number(b"HIGHESTMODSEQ", untagged)
        assert old is None or self.highest >= old.highest, "it fell"
        assert old is None or self.validity == old.validity
        self.exists = 0
        early = []
        for line in untagged:
            if line.endswith(b" EXISTS"):
                self.exists = int(line.split()[0])
            elif line.startswith(b"VANISHED (EARLIER)"):
                for uid in expand(line.split()[2]):
                    self.flags.pop(uid, None)
            elif b" FETCH (" in line:
                early.append(line)
        for line in early:
            uid = int(re.search(rb"UID (\d+)", line)[1])
            self.flags[uid] = flags_of(line)
        # The numbers, and what is new, by asking.
        known = self.flags
        self.flags, self.uids = {}, [0] * self.exists
        self.run(b"FETCH 1:* (UID)" if self.exists else b"NOOP")
        assert 0 not in self.uids[:self.exists - len(self.gone)]
        new = [uid for uid in self.uids if uid not in known and uid]
        told = self.flags
        self.flags = {uid: told.get(uid, known[uid])
                      for uid in self.uids if uid in known}
        assert old is None or set(known) <= set(self.uids) | self.gone, (
            "not told of", set(known) - set(self.uids))
        if new:
            self.run(b"UID FETCH %s (FLAGS)" % b",".join(
                b"%d" % u for u in new))
        self.catch_up()

    gone = frozenset()

    def hear(self, line):
        if line.endswith(b" EXISTS"):
            n = int(line.split()[0])
            assert n >= len(self.uids), (n, len(self.uids))
            self.uids += [0] * (n - len(self.uids))
        elif line.startswith(b"VANISHED "):
            gone = set(expand(line.split()[1]))
            for uid in sorted(gone):
                self.remove(uid)
            self.gone = self.gone | gone
            for uid in gone:
                self.flags.pop(uid, None)
        elif b" FETCH (" in line:
            found = re.match(rb"(\d+) FETCH", line)
            i = int(found[1]) - 1
            uid = re.search(rb"UID (\d+)", line)
            if uid:
                uid = int(uid[1])
                assert i < len(self.uids), (line, len(self.uids))
                assert self.uids[i] in (0, uid), (line, self.uids[i])
                self.uids[i] = uid
            if b"FLAGS (" in line and uid:
                self.flags[uid] = flags_of(line)
        elif line.startswith(b"OK [HIGHESTMODSEQ"):
            self.pending = int(re.search(rb"(\d+)\]", line)[1])

    def remove(self, uid):
        """Of some it knows only that they are there, and between which."""
        at = len([u for u in self.uids if 0 < u <= uid])
        known = [i for i, u in enumerate(self.uids) if u]
        if uid not in self.uids:
            at = known[at - 1] + 1 if at else 0
            assert at < len(self.uids) and self.uids[at] == 0, uid
        else:
            at = self.uids.index(uid)
        del self.uids[at]

    def run(self, command):
        self.pending = None
        status, untagged = self.c.command(command)
        seen = self.highest
        # .SILENT: what was asked for has been done, without being told.
        silent = re.search(rb"([-+])FLAGS.SILENT \((\S+)\)", command)
        for line in untagged:
            self.hear(line)
            if silent and b" FETCH (" in line and b"FLAGS" not in line:
                uid = int(re.search(rb"UID (\d+)", line)[1])
                flags = self.flags.get(uid, frozenset())
                self.flags[uid] = flags | {silent[2]} \
                    if silent[1] == b"+" else flags - {silent[2]}
            found = re.search(rb"MODSEQ \((\d+)\)", line)
            if found and b" FETCH (" in line:
                seen = max(seen, int(found[1]))
        code = re.search(rb"\[HIGHESTMODSEQ (\d+)\]", status)
        if code:
            self.pending = int(code[1])
        # RFC 7162, 6: a code counts more than what was seen.
        if self.pending is not None:
            seen = self.pending
        self.highest = max(self.highest, seen)
        return status, untagged

    def catch_up(self):
        ok(self.run(b"NOOP"))
        while 0 in self.uids:
            ok(self.run(b"FETCH %d:* (UID FLAGS)" % (
                self.uids.index(0) + 1)))

    def close(self):
        self.c.process.kill()
        self.c.close()


def expand(text):
    out = []
    for part in text.split(b","):
        first, _, last = part.partition(b":")
        out += range(int(first), int(last or first) + 1)
    return out


def flags_of(line):
    return frozenset(re.search(rb"FLAGS \(([^)]*)\)", line)[1].split()) - {
        b"\\Recent"}


def state(client):
    """UID to flags and Message-ID, asked for anew."""
    out = {}
    if not client.uids:
        return out
    for line in ok(client.c.command(
            b"FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")):
        found = re.match(rb"\d+ FETCH \(UID (\d+)", line)
        if found:
            out[int(found[1])] = (flags_of(line), re.search(
                rb"<(\d+)@", line)[1])
    return out


def test_nothing_is_missed_when_caches_are_deleted(maildir):
    """Between two sessions everything that can be deleted is."""
    for _ in range(12):
        deliver(maildir)
    a = Client(maildir)
    ok(a.run(b"STORE 3 +FLAGS (\\Flagged)"))
    a.catch_up()
    a.close()
    b = Client(maildir)
    ok(b.run(b"UID STORE 1 +FLAGS.SILENT (\\Answered)"))
    ok(b.run(b"UID STORE 3 -FLAGS (\\Flagged)"))
    ok(b.run(b"UID STORE 5:6 +FLAGS (\\Deleted)"))
    ok(b.run(b"EXPUNGE"))
    leave(b.c)
    forget(maildir)
    deliver(maildir)
    c = Client(maildir, a)
    assert c.highest > b.highest
    assert c.uids == [1, 2, 3, 4, 7, 8, 9, 10, 11, 12, 13]
    assert c.flags[1] == {b"\\Answered"}
    assert c.flags[3] == frozenset()
    assert {uid: flags for uid, (flags, _) in state(c).items()} == c.flags
    c.close()


@pytest.mark.parametrize("lost", [(), ("kereru-log",), ("kereru-view",),
                                  ("kereru-meta",)])
def test_changes_by_hand_between_sessions(maildir, lost):
    names = [deliver(maildir) for _ in range(8)]
    a = Client(maildir)
    leave(a.c)
    cur = os.path.join(maildir, "cur")
    os.unlink(os.path.join(cur, names[1] + ":2,"))
    os.rename(os.path.join(cur, names[2] + ":2,"),
              os.path.join(cur, names[2] + ":2,FS"))
    forget(maildir, lost)
    b = Client(maildir, a)
    assert b.uids == [1, 3, 4, 5, 6, 7, 8]
    assert b.flags[3] == {b"\\Flagged", b"\\Seen"}
    b.close()


def damage(path, how):
    size = os.path.getsize(path)
    with open(path, "r+b") as f:
        if how == "cut":
            f.truncate(random.randrange(size))
        elif how == "empty":
            f.truncate(0)
        elif how == "more":
            f.seek(size)
            f.write(random.randbytes(random.randrange(1, 100)))
        else:
            for _ in range(how):
                f.seek(random.randrange(size))
                byte = f.read(1)
                f.seek(-1, 1)
                f.write(bytes([byte[0] ^ (1 << random.randrange(8))]))


ALL = (b"FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE "
       b"BODYSTRUCTURE BODY EMAILID BODY.PEEK[HEADER.FIELDS (SUBJECT FROM)])")


@pytest.mark.parametrize("file", CACHES)
@pytest.mark.parametrize("how", [1, 20, "cut", "empty", "more"])
def test_damage_never_gives_a_wrong_answer(maildir, connect, file, how):
    random.seed("%s %s" % (file, how))
    for _ in range(12):
        deliver(maildir, "cur", ":2,S")
    c = connect()
    ok(c.command(b"SELECT INBOX"))
    right = sorted(ok(c.command(ALL)))
    leave(c)
    for turn in range(2):
        path = os.path.join(maildir, file)
        c = connect()
        ok(c.command(b"SELECT INBOX"))
        # Half of the times while it is open.
        if turn % 2:
            leave(c)
        saved = open(path, "rb").read()
        other = path + ".copy"
        with open(other, "wb") as f:
            f.write(saved)
        damage(other, how)
        os.rename(other, path)
        if turn % 2:
            c = connect()
            ok(c.command(b"SELECT INBOX"))
        assert sorted(ok(c.command(ALL))) == right
        ok(c.command(b"STORE 1:* +FLAGS (\\Answered)"))
        ok(c.command(b"STORE 1:* -FLAGS (\\Answered)"))
        leave(c)


@pytest.mark.parametrize("read_before", [False, True])
def test_a_snapshot_cut_off_under_a_session(maildir, connect, read_before):
    """It is never changed by us; by others, a careless restore of a back-up,
    it may be."""
    for _ in range(300):
        deliver(maildir, "cur", ":2,S")
    c = connect()
    ok(c.command(b"SELECT INBOX"))
    truth = ok(c.command(b"FETCH 1:* (UID FLAGS)"))
    ok(c.command(b"LOGOUT"))
    for size in (0, 5000, 20000):
        c = connect()
        ok(c.command(b"SELECT INBOX"))
        if read_before:
            assert ok(c.command(b"FETCH 7 (UID FLAGS)")) == truth[6:7]
        view = os.path.join(maildir, "kereru-view")
        assert os.path.getsize(view) > 20000
        os.truncate(view, size)
        assert ok(c.command(b"FETCH 1:* (UID FLAGS)")) == truth
        ok(c.command(b"STORE 3 +FLAGS (\\Flagged)"))
        ok(c.command(b"STORE 3 -FLAGS (\\Flagged)"))
        ok(c.command(b"LOGOUT"))
        c = connect()
        ok(c.command(b"SELECT INBOX"))
        assert ok(c.command(b"FETCH 1:* (UID FLAGS)")) == truth
        ok(c.command(b"STORE 3 +FLAGS (\\Draft)"))
        ok(c.command(b"STORE 3 -FLAGS (\\Draft)"))
        ok(c.command(b"LOGOUT"))
        forget(maildir)
        c = connect()
        ok(c.command(b"SELECT INBOX"))
        ok(c.command(b"LOGOUT"))


def octets_read(c):
    with open("/proc/%d/io" % c.process.pid) as f:
        return int(re.search(r"^rchar: (\d+)", f.read(), re.M)[1])


def test_no_more_is_read_than_is_asked_for(maildir, connect):
    """Of what is remembered: for a few messages not all of it."""
    for _ in range(4000):
        deliver(maildir, "cur", ":2,S")
    c = connect()
    ok(c.command(b"SELECT INBOX"))
    leave(c)
    size = os.path.getsize(os.path.join(maildir, "kereru-view"))
    for n in range(4001, 4004):
        deliver(maildir, text="Subject: %d\n\nbody\n" % n)
        c = connect()
        before = octets_read(c)
        assert b"%d EXISTS" % n in ok(c.command(b"SELECT INBOX"))
        assert octets_read(c) - before < size / 4
        assert ok(c.command(b"FETCH 2000 (UID FLAGS)")) == [
            b"2000 FETCH (UID 2000 FLAGS (\\Seen))"]
        assert [line.split()[0] for line in ok(c.command(
            b"UID FETCH 3999,%d:* FLAGS" % n))] == [b"3999", b"%d" % n]
        line, = ok(c.command(b"FETCH * (BODY.PEEK[HEADER.FIELDS (SUBJECT)])"))
        assert b"Subject: %d\r\n" % n in line
        assert octets_read(c) - before < size / 2
        assert len(ok(c.command(b"FETCH 1:* (UID FLAGS)"))) == n
        ok(c.command(b"STORE %d +FLAGS.SILENT (\\Seen)" % n))
        leave(c)


def test_an_unchanged_folder_is_not_read(maildir, connect, tmp_path):
    if not shutil.which("strace"):
        pytest.skip("no strace")
    for _ in range(50):
        deliver(maildir, "cur", ":2,S")
    for _ in range(2):
        c = connect()
        ok(c.command(b"SELECT INBOX"))
        leave(c)
        time.sleep(0.05)
    trace = str(tmp_path / "trace")
    p = subprocess.run(
        ["strace", "-o", trace, IMAPD, maildir], capture_output=True,
        input=b"a SELECT INBOX\r\nb FETCH 1:* FLAGS\r\nc LOGOUT\r\n",
        timeout=60)
    assert b"50 FETCH" in p.stdout and b"b OK" in p.stdout
    text = open(trace).read()
    assert "getdents" not in text
    assert '"dovecot-uidlist", O_' not in text


def test_own_work_is_no_foreign_change(maildir, connect, tmp_path):
    """After flags have been stored the folder need not be read again."""
    if not shutil.which("strace"):
        pytest.skip("no strace")
    for _ in range(400):
        deliver(maildir, "cur", ":2,S")
    c = connect()
    ok(c.command(b"SELECT INBOX"))
    leave(c)
    trace = str(tmp_path / "trace")
    p = subprocess.run(
        ["strace", "-e", "trace=getdents64", "-o", trace, IMAPD, maildir],
        input=b"a SELECT INBOX\r\nb STORE 1:* +FLAGS.SILENT (\\Flagged)\r\n"
        b"c STORE 1:* -FLAGS.SILENT (\\Seen)\r\nd LOGOUT\r\n",
        capture_output=True, timeout=60)
    assert b"c OK" in p.stdout
    time.sleep(0.05)
    p = subprocess.run(
        ["strace", "-e", "trace=getdents64", "-a", "1", "-o", trace + "2",
         IMAPD, maildir], capture_output=True, timeout=60,
        input=b"a SELECT INBOX\r\nb FETCH 1:* FLAGS\r\nc LOGOUT\r\n")
    assert p.stdout.count(b"(FLAGS (\\Flagged))") == 400
    for name in (trace, trace + "2"):
        assert "getdents" not in open(name).read()


def test_another_file_under_the_same_name(maildir, connect):
    name = deliver(maildir, "cur", ":2,S")
    c = connect()
    ok(c.command(b"SELECT INBOX"))
    first = ok(c.command(b"FETCH 1 (ENVELOPE EMAILID)"))
    leave(c)
    other = os.path.join(maildir, "tmp", "x")
    with open(other, "w") as f:
        f.write("Subject: another\n\nbody\n")
    os.rename(other, os.path.join(maildir, "cur", name + ":2,S"))
    c = connect()
    ok(c.command(b"SELECT INBOX"))
    second = ok(c.command(b"FETCH 1 (ENVELOPE EMAILID)"))
    assert b"another" in second[0] and first != second


def test_ids_and_dates_that_stay(maildir, connect):
    deliver(maildir, "cur", ":2,S")
    c = connect()
    status, _ = c.command(b"CREATE Other")
    other = re.match(rb"OK \[MAILBOXID \((\w+)\)\]", status)[1]
    untagged = ok(c.command(b"SELECT INBOX"))
    box = re.search(rb"\[MAILBOXID \((\w+)\)\]", b"".join(untagged))[1]
    item = b"FETCH 1 (EMAILID)"
    first = ok(c.command(item))
    ok(c.command(b"COPY 1 Other"))
    assert b"SAVEDATE" in ok(c.command(b"FETCH 1 (SAVEDATE)"))[0]
    untagged = ok(c.command(b"SELECT Other"))
    assert re.search(rb"\[MAILBOXID \((\w+)\)\]",
                     b"".join(untagged))[1] == other != box
    assert ok(c.command(item)) == first
    ok(c.command(b"SELECT INBOX"))
    assert ok(c.command(b"STATUS INBOX (MAILBOXID)")) == [
        b'STATUS "INBOX" (MAILBOXID (%s))' % box]
    assert ok(c.command(b"FETCH 1 (THREADID)"))[0].endswith(
        b"(THREADID NIL)")


def test_unchangedsince(maildir):
    for _ in range(5):
        deliver(maildir, "cur", ":2,S")
    a, b = Client(maildir), Client(maildir)
    since = a.highest
    ok(b.run(b"STORE 2 +FLAGS (\\Flagged)"))
    status, _ = a.run(b"STORE 1:3 (UNCHANGEDSINCE %d) +FLAGS (\\Draft)" % since)
    assert status.startswith(b"OK [MODIFIED 2]")
    a.catch_up()
    assert a.flags[1] == {b"\\Seen", b"\\Draft"} == a.flags[3]
    assert a.flags[2] == {b"\\Seen", b"\\Flagged"}
    status, _ = a.run(b"UID STORE 1:5 (UNCHANGEDSINCE 0) +FLAGS (\\Draft)")
    assert status.startswith(b"OK [MODIFIED 1:5]")
    assert a.c.command(b"FETCH 1 (FLAGS) (CHANGEDSINCE 1 VANISHED)"
                       )[0].startswith(b"BAD")
    a.close()
    b.close()


def test_removal_that_cannot_be_told_yet(maildir):
    """RFC 7162, 3.2: what a client is told of later must not hide it."""
    for _ in range(4):
        deliver(maildir, "cur", ":2,S")
    a, b = Client(maildir), Client(maildir)
    ok(b.run(b"STORE 2 +FLAGS (\\Deleted)"))
    ok(b.run(b"EXPUNGE"))
    ok(a.run(b"STORE 3 +FLAGS (\\Flagged)"))
    assert 2 in a.uids
    a.close()
    c = Client(maildir, a)
    assert c.uids == [1, 3, 4] and set(c.flags) == {1, 3, 4}
    b.close()
    c.close()


def stress(maildir, seconds, sessions, delete_caches):
    stop = threading.Event()
    errors, removed = [], set()
    sent = {}

    def guarded(work):
        def run():
            try:
                while not stop.is_set():
                    work()
            except Exception as e:  # noqa: BLE001
                where = traceback.extract_tb(e.__traceback__)[-1]
                errors.append("%r line %d" % (e, where.lineno))
                stop.set()
        return threading.Thread(target=run)

    def deliverer():
        name = deliver(maildir)
        sent[name] = True
        time.sleep(0.01)

    def shell():
        cur = os.path.join(maildir, "cur")
        names = os.listdir(cur)
        for name in random.sample(names, min(3, len(names))):
            try:
                os.rename(os.path.join(cur, name), os.path.join(
                    cur, name.split(":")[0] + random.choice(
                        [":2,", ":2,F", ":2,S", ":2,RS"])))
            except FileNotFoundError:
                pass
        if names and random.random() < 0.2:
            name = random.choice(names)
            try:
                os.unlink(os.path.join(cur, name))
                removed.add(name.split(":")[0])
            except FileNotFoundError:
                pass
        time.sleep(0.02)

    def vandal():
        time.sleep(0.5)
        forget(maildir, [random.choice(CACHES)])

    def session():
        client = Client(maildir, session.old.get(threading.get_ident()))
        try:
            for _ in range(random.randrange(1, 25)):
                if stop.is_set():
                    break
                client.catch_up()
                if not client.uids:
                    continue
                n = random.randrange(len(client.uids)) + 1
                what = random.random()
                flag = random.choice([b"\\Seen", b"\\Flagged", b"$Label"])
                if what < 0.3:
                    client.run(b"STORE %d:%d +FLAGS (%s)" % (
                        n, min(n + 20, len(client.uids)), flag))
                elif what < 0.5:
                    client.run(b"STORE %d -FLAGS.SILENT (%s)" % (n, flag))
                elif what < 0.6:
                    client.run(b"UID STORE %d (UNCHANGEDSINCE %d) +FLAGS (%s)"
                               % (client.uids[n - 1], client.highest, flag))
                elif what < 0.7:
                    client.run(b"STORE %d +FLAGS (\\Deleted)" % n)
                elif what < 0.75:
                    client.run(b"EXPUNGE")
                elif what < 0.85:
                    client.run(b"UID FETCH %d (ENVELOPE BODYSTRUCTURE)"
                               % client.uids[n - 1])
                else:
                    client.run(b"FETCH %d (UID BODY[TEXT])" % n)
        finally:
            session.old[threading.get_ident()] = client
            client.close()

    session.old = {}
    threads = [guarded(w) for w in [deliverer, shell] + [session] * sessions
               + [vandal] * delete_caches]
    for t in threads:
        t.start()
    stop.wait(seconds)
    stop.set()
    for t in threads:
        t.join()
    assert errors == []
    # All clients come back, each from where it was, and see the same.
    clients = [Client(maildir, old) for old in session.old.values()]
    for client in clients:
        client.catch_up()
    truth = state(clients[0])
    for client in clients:
        assert client.uids == sorted(truth)
        assert client.flags == {u: f for u, (f, _) in truth.items()}
        client.close()
    ids = [i for _, i in truth.values()]
    assert len(set(ids)) == len(ids), "a message has two UIDs"
    files = [n for s in ("new", "cur")
             for n in os.listdir(os.path.join(maildir, s))]
    assert len(files) == len(truth)
    # And so does one that knows nothing.
    forget(maildir)
    fresh = Client(maildir)
    assert state(fresh) == truth
    fresh.close()
    return len(sent)


def test_many_at_once(maildir):
    assert stress(maildir, 4, 3, 0) > 0


@pytest.mark.soak
@pytest.mark.parametrize("delete_caches", [0, 1])
def test_many_at_once_for_long(maildir, delete_caches):
    stress(maildir, 120, 20, delete_caches)
