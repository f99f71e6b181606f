"""imapd by hand: PREAUTH over pipes, on maildirs of the test's own."""
import os
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "lib"))
from imaptest import Connection, Script  # noqa: E402

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.environ.get("KERERU_BUILD", os.path.join(REPOSITORY, "build"))
IMAPD = os.path.join(BUILD, "bin", "imapd")
SCRIPTS = os.path.join(REPOSITORY, "..", "shared", "testdata", "imap",
                       "imaptest")
# Extensions that are not there yet.
NOT_YET = set()


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


def deliver(folder, text="Subject: x\n\nbody\n", sub="new", flags="",
            name=None):
    global counter
    counter += 1
    name = name or "%d.M%06dP1Q.host" % (int(time.time()), counter)
    tmp = os.path.join(folder, "tmp", name)
    with open(tmp, "w", encoding="latin-1", newline="") as f:
        f.write(text)
    os.rename(tmp, os.path.join(folder, sub, name + flags))
    return name


def ok(answer):
    status, untagged = answer
    assert status.startswith(b"OK"), (status, untagged)
    return untagged


def uids(c):
    return {int(m[1]): int(m[2]) for m in (
        re.match(rb"(\d+) FETCH \(UID (\d+)\)", line)
        for line in ok(c.command(b"FETCH 1:* UID"))) if m}


def scripts():
    try:
        return sorted(n for n in os.listdir(SCRIPTS) if "." not in n
                      and n != "COPYING")
    except FileNotFoundError:
        return []


@pytest.mark.skipif(not scripts(), reason="no ../shared/testdata")
@pytest.mark.parametrize("name", scripts())
def test_imaptest_script(name, maildir):
    script = Script(os.path.join(SCRIPTS, name), IMAPD, maildir)
    missing = NOT_YET & set(script.header.get("capabilities", "").split())
    if missing:
        pytest.skip("needs %s" % " ".join(missing))
    script.run()


def test_uids_survive_sessions_and_foreign_renames(maildir, connect):
    for _ in range(5):
        deliver(maildir)
    c = connect()
    ok(c.command(b"SELECT INBOX"))
    before = uids(c)
    assert before == {n: n for n in range(1, 6)}
    cur = os.path.join(maildir, "cur")
    names = sorted(os.listdir(cur))
    os.rename(os.path.join(cur, names[0]),
              os.path.join(cur, names[0] + "FS"))
    os.unlink(os.path.join(cur, names[1]))
    untagged = ok(c.command(b"NOOP"))
    assert b"1 FETCH (FLAGS (\\Flagged \\Seen \\Recent))" in untagged
    assert b"2 EXPUNGE" in untagged
    d = connect()
    ok(d.command(b"SELECT INBOX"))
    assert uids(d) == {1: 1, 2: 3, 3: 4, 4: 5}
    deliver(maildir)
    ok(d.command(b"NOOP"))
    assert uids(d)[5] == 6


def test_mailbox_from_dovecot_keeps_its_uids(maildir, connect):
    for n in ("a", "b", "c"):
        deliver(maildir, name="12%s.M1P1.h,S=17,W=20" % n, sub="cur",
                flags=":2,Sa")
    with open(os.path.join(maildir, "dovecot-uidlist"), "w") as f:
        f.write("3 V1275660208 N25022 G3085f01b7f11094c501100008c4a11c1\n"
                "25006 :12b.M1P1.h,S=17,W=20:2,S\n"
                "25017 W20 :12a.M1P1.h,S=17,W=20\n")
    with open(os.path.join(maildir, "dovecot-keywords"), "w") as f:
        f.write("0 $Forwarded\n")
    c = connect()
    untagged = ok(c.command(b"SELECT INBOX"))
    assert any(b"UIDVALIDITY 1275660208]" in u for u in untagged)
    assert uids(c) == {1: 25006, 2: 25017, 3: 25022}
    assert ok(c.command(b"FETCH 3 FLAGS")) == [
        b"3 FETCH (FLAGS (\\Seen $Forwarded))"]
    with open(os.path.join(maildir, "dovecot-uidlist")) as f:
        lines = f.read().splitlines()
    assert lines[0].endswith("G3085f01b7f11094c501100008c4a11c1")
    assert lines[2] == "25017 W20 :12a.M1P1.h,S=17,W=20"
    assert lines[3] == "25022 :12c.M1P1.h,S=17,W=20"


@pytest.mark.parametrize("list_text", [
    "3 V77 N3 Gabc\n1 :a\n2 :b\n5 :hal",
    "1 77 3\n1 a\n2 b:2,S\n",
    "3 V77 N3 Gabc\n1 :a\nrubbish\n2 :b\n"])
def test_torn_old_and_broken_lists(maildir, connect, list_text):
    for n in "abc":
        deliver(maildir, name=n, sub="cur", flags=":2,")
    with open(os.path.join(maildir, "dovecot-uidlist"), "w") as f:
        f.write(list_text)
    c = connect()
    ok(c.command(b"SELECT INBOX"))
    got = uids(c)
    assert (got[1], got[2]) == (1, 2) and got[3] >= 3
    d = connect()
    ok(d.command(b"SELECT INBOX"))
    assert uids(d) == got


def test_body_is_exact_and_partial(maildir, connect):
    text = "".join("line %d%s" % (i, random.Random(i).choice(
        ["\n", "\r\n", "\r", "\n\n"])) for i in range(20000))
    text = "Subject: big\n\n" + text
    deliver(maildir, text)
    wanted = re.sub(rb"(?<!\r)\n", b"\r\n", text.encode())
    c = connect()
    ok(c.command(b"SELECT INBOX"))
    line, = ok(c.command(b"FETCH 1 (RFC822.SIZE BODY.PEEK[])"))
    assert b"RFC822.SIZE %d " % len(wanted) in line
    assert line.endswith(wanted + b")")
    for origin, count in ((0, 1), (65530, 20), (len(wanted) - 3, 100),
                          (100000, 70000), (len(wanted) + 5, 9)):
        line, = ok(c.command(b"FETCH 1 BODY.PEEK[]<%d.%d>" % (origin, count)))
        part = wanted[origin:origin + count]
        assert line == b"1 FETCH (BODY[]<%d> {%d}\r\n%s)" % (
            origin, len(part), part)


def test_append_gives_back_every_octet_and_date(maildir, connect):
    c = connect()
    ok(c.command(b"SELECT INBOX"))
    message = b"Subject: a\r\n\r\nx\r\n.\r\nlast without end"
    status, untagged = c.command(
        b"APPEND INBOX (\\Seen $Key) \" 3-Feb-1999 04:05:06 +0200\" {%d+}\r\n"
        % len(message) + message)
    assert re.match(rb"OK \[APPENDUID \d+ 1\]", status)
    assert b"1 EXISTS" in untagged
    line, = ok(c.command(
        b"FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"))
    assert line == (
        b"1 FETCH (FLAGS (\\Seen $Key) INTERNALDATE \" 3-Feb-1999 02:05:06 "
        b"+0000\" RFC822.SIZE %d BODY[] {%d}\r\n%s)"
        % (len(message), len(message), message))


def test_append_refused_is_read_away(maildir, connect):
    c = connect()
    status, _ = c.command(b"APPEND missing {5+}\r\nhello")
    assert status.startswith(b"NO [TRYCREATE]")
    status, _ = c.command(b"APPEND ../x {5+}\r\nhello")
    assert status.startswith(b"NO")
    status, _ = c.command(b"SEARCH CHARSET {70000+}\r\n" + b"x" * 70000)
    assert status.startswith(b"NO [TOOBIG]")
    status, _ = c.command(b"NOOP " + b"x" * 70000)
    assert status.startswith(b"BAD")
    ok(c.command(b"NOOP"))
    assert os.listdir(os.path.join(maildir, "tmp")) == []


def test_idle_pushes_within_a_second(maildir, connect):
    deliver(maildir)
    c = connect()
    ok(c.command(b"SELECT INBOX"))
    c.send(b"i IDLE\r\n")
    assert c.line().startswith(b"+")
    start = time.monotonic()
    deliver(maildir)
    assert c.line() == b"* 2 EXISTS"
    assert c.line() == b"* 2 RECENT"
    cur = os.path.join(maildir, "cur")
    first = sorted(os.listdir(cur))[0]
    os.rename(os.path.join(cur, first), os.path.join(cur, first + "F"))
    assert c.line() == b"* 1 FETCH (FLAGS (\\Flagged \\Recent))"
    os.unlink(os.path.join(cur, first + "F"))
    assert c.line() == b"* 1 EXPUNGE"
    assert time.monotonic() - start < 1
    c.line()
    c.send(b"DONE\r\n")
    ok(c.answer("i"))


def test_recent_goes_to_one_session(maildir, connect):
    first, second = connect(), connect()
    ok(first.command(b"SELECT INBOX"))
    ok(second.command(b"SELECT INBOX"))
    total = 0
    for _ in range(20):
        deliver(maildir)
        for c in random.sample((first, second), 2):
            ok(c.command(b"NOOP"))
    for c in (first, second):
        untagged = ok(c.command(b"SEARCH RECENT"))
        total += len(untagged[0].split()) - 1
    assert total == 20


@pytest.mark.parametrize("name", [
    "..", "../x", "a/b", "/etc", ".a", "a.", "a..b", "&", "&AGE-", "&2AA-",
    "a\tb", "x" * 300, "&AOQ", "a&-&AOQ-b&AC8-"])
def test_bad_names_are_refused(maildir, connect, name):
    c = connect()
    before = sorted(os.listdir(maildir))
    for verb in ("CREATE", "SELECT", "DELETE", "STATUS"):
        # A separator at the end of CREATE is no error.
        if verb == "CREATE" and name == "a.":
            continue
        more = " (MESSAGES)" if verb == "STATUS" else ""
        status, _ = c.command(
            ("%s \"%s\"%s" % (verb, name, more)).encode())
        assert status.startswith((b"NO", b"BAD")), (verb, status)
    assert sorted(os.listdir(maildir)) == before


def test_symlinked_folder_is_not_followed(maildir, connect, tmp_path):
    other = make_maildir(tmp_path / "other")
    deliver(other)
    os.symlink(other, os.path.join(maildir, ".link"))
    c = connect()
    status, _ = c.command(b"SELECT link")
    assert status.startswith(b"NO")
    assert all(b"link" not in u for u in ok(c.command(b'LIST "" *')))


def test_rename_takes_children_and_validity_changes(maildir, connect):
    c = connect()
    for name in (b"a", b"a.b", b"a.b.c", b"ab"):
        ok(c.command(b"CREATE " + name))
    ok(c.command(b"RENAME a z"))
    names = [u.split()[-1] for u in ok(c.command(b'LIST "" *'))]
    assert names == [b'"INBOX"', b'"ab"', b'"z"', b'"z.b"', b'"z.b.c"']
    seen = set()
    for _ in range(3):
        ok(c.command(b"CREATE again"))
        line, = ok(c.command(b"STATUS again (UIDVALIDITY)"))
        seen.add(line)
        ok(c.command(b"DELETE again"))
    assert len(seen) == 3


def test_rename_of_inbox_moves_its_messages(maildir, connect):
    deliver(maildir)
    c = connect()
    ok(c.command(b"SELECT INBOX"))
    untagged = ok(c.command(b"RENAME INBOX old"))
    assert b"1 EXPUNGE" in untagged
    assert ok(c.command(b"STATUS old (MESSAGES)")) == [
        b'STATUS "old" (MESSAGES 1)']


def test_search_decodes(maildir, connect):
    deliver(maildir, "Subject: =?utf-8?q?Caf=C3=A9_Z=C3=BCrich?=\n"
            "Content-Type: text/plain; charset=iso-8859-1\n"
            "Content-Transfer-Encoding: quoted-printable\n\n"
            "Gr=FC=DFe aus K=F6ln\n")
    deliver(maildir, "Subject: plain\nContent-Transfer-Encoding: base64\n"
            "Content-Type: text/html; charset=utf-8\n\n"
            "PGI+SGVsbG8gV29ybGQ8L2I+Cg==\n")
    c = connect()
    ok(c.command(b"SELECT INBOX"))

    def search(text):
        return ok(c.command(b"SEARCH " + text))[0]

    def utf8(key, text):
        data = text.encode()
        return b"CHARSET UTF-8 %s {%d+}\r\n%s" % (key, len(data), data)

    assert search(utf8(b"SUBJECT", "CAFÉ zÜr")) == b"SEARCH 1"
    assert search(utf8(b"BODY", "GRÜßE")) == b"SEARCH 1"
    assert search(b'BODY "hello world"') == b"SEARCH 2"
    assert search(b'TEXT "zurich"') == b"SEARCH"
    assert search(b'HEADER "Content-Transfer-Encoding" ""') == b"SEARCH 1 2"
    assert search(b'HEADER X ""') == b"SEARCH"
    assert search(b"OR SUBJECT plain BODY K") == b"SEARCH 1 2"
    status, _ = c.command(b"SEARCH CHARSET KOI8-R TEXT x")
    assert status.startswith(b"NO [BADCHARSET")


def test_no_uid_twice_and_nothing_lost_under_load(maildir, connect):
    """Deliveries, sessions that copy and expunge, and a shell, all at once;
    some sessions are killed while they hold the lock or not."""
    stop = threading.Event()
    given, errors = {}, []

    def deliverer():
        while not stop.is_set():
            deliver(maildir)
            time.sleep(0.002)

    def shell():
        cur = os.path.join(maildir, "cur")
        while not stop.is_set():
            for name in os.listdir(cur)[:3]:
                try:
                    os.rename(os.path.join(cur, name), os.path.join(
                        cur, name.split(":")[0] + random.choice(
                            [":2,", ":2,F", ":2,S"])))
                except FileNotFoundError:
                    pass
            time.sleep(0.005)

    def session():
        while not stop.is_set():
            c = Connection(IMAPD, maildir)
            try:
                ok(c.command(b"SELECT INBOX"))
                for _ in range(10):
                    message = b"X-Id: %d\r\n\r\n" % random.getrandbits(60)
                    status, _ = c.command(
                        b"APPEND INBOX {%d+}\r\n" % len(message) + message)
                    uid = int(re.match(rb"OK \[APPENDUID \d+ (\d+)\]",
                                       status)[1])
                    if given.setdefault(uid, message) is not message:
                        errors.append("UID %d twice" % uid)
                    c.command(b"STORE 1:* +FLAGS (\\Answered)")
                if random.random() < 0.5:
                    c.send(b"x APPEND INBOX {5+}\r\nhello\r\n")
                    c.process.kill()
            except Exception as e:  # noqa: BLE001
                errors.append(repr(e))
            finally:
                c.process.kill()
                c.close()

    threads = [threading.Thread(target=t) for t in
               (deliverer, deliverer, shell, session, session, session)]
    for t in threads:
        t.start()
    time.sleep(6)
    stop.set()
    for t in threads:
        t.join()
    assert errors == []
    c = connect()
    ok(c.command(b"SELECT INBOX"))
    now = uids(c)
    assert len(set(now.values())) == len(now)
    assert sorted(now.values()) == list(now.values())
    assert set(given) <= set(now.values())
    for uid, message in random.sample(sorted(given.items()),
                                      min(50, len(given))):
        line, = ok(c.command(b"UID FETCH %d BODY.PEEK[]" % uid))
        assert message in line
    files = sum(len(os.listdir(os.path.join(maildir, s)))
                for s in ("new", "cur"))
    assert files == len(now)


def test_lock_of_a_killed_process_is_taken_over(maildir, connect):
    deliver(maildir)
    holder = subprocess.Popen(
        [sys.executable, "-c",
         "import fcntl,os,sys,time\n"
         "f=open(sys.argv[1],'w');f.write('kereru\\n');f.flush()\n"
         "fcntl.lockf(f,fcntl.LOCK_EX);print('ready',flush=True)\n"
         "time.sleep(60)",
         os.path.join(maildir, "dovecot-uidlist.lock")],
        stdout=subprocess.PIPE)
    holder.stdout.readline()
    c = connect()
    c.send(b"s SELECT INBOX\r\n")
    assert not select.select([c.process.stdout], [], [], 0.3)[0]
    holder.kill()
    holder.wait()
    start = time.monotonic()
    ok(c.answer("s"))
    assert time.monotonic() - start < 2
    assert not os.path.exists(os.path.join(maildir, "dovecot-uidlist.lock"))


def test_full_disk_refuses_and_leaves_nothing(tmp_path, connect):
    if os.getuid() != 0:
        pytest.skip("needs root to mount")
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k",
                           "tmpfs", str(disk)])
    if done.returncode != 0:
        pytest.skip("cannot mount a tmpfs")
    try:
        maildir = make_maildir(disk / "Maildir")
        c = connect(maildir)
        ok(c.command(b"SELECT INBOX"))
        big = b"X: y\r\n\r\n" + b"z" * 600000
        status, _ = c.command(b"APPEND INBOX {%d+}\r\n" % len(big) + big)
        assert status.startswith(b"NO [OVERQUOTA]")
        for sub in ("tmp", "new", "cur"):
            assert os.listdir(os.path.join(maildir, sub)) == []
        status, _ = c.command(b"APPEND INBOX {6+}\r\nX: y\r\n")
        assert status.startswith(b"OK")
        c.process.kill()
        c.process.wait()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_memory_of_an_idle_session(maildir, connect):
    with open(IMAPD, "rb") as f:
        if b"__asan_init" in f.read():
            pytest.skip("a sanitized program needs more memory")
    for _ in range(10):
        deliver(maildir)
    c = connect()
    ok(c.command(b"SELECT INBOX"))
    ok(c.command(b"FETCH 1:* (FLAGS UID)"))
    c.send(b"i IDLE\r\n")
    assert c.line().startswith(b"+")
    private = 0
    with open("/proc/%d/smaps_rollup" % c.process.pid) as f:
        for line in f:
            # The other pages are the program's file, shared by all.
            if line.startswith("Anonymous"):
                private += int(line.split()[1])
    assert private < 140, private


@pytest.mark.parametrize("idle", [False, True])
def test_term_says_goodbye(maildir, connect, idle):
    c = connect()
    ok(c.command(b"NOOP"))
    if idle:
        c.send(b"i IDLE\r\n")
        c.line()
    c.process.send_signal(signal.SIGTERM)
    assert c.line().startswith(b"* BYE")
    assert c.process.wait(5) == 0


def test_foreign_maildir_is_refused(maildir):
    if os.getuid() != 0:
        pytest.skip("needs root")
    os.chown(maildir, 12345, 12345)
    done = subprocess.run([IMAPD, maildir], input=b"", timeout=10,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 111 and done.stdout == b""
    shutil.rmtree(maildir)


def test_symlinked_maildir_is_refused(maildir, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(maildir)
    done = subprocess.run([IMAPD, link], input=b"", timeout=10,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 111 and done.stdout == b""


@pytest.mark.skipif(shutil.which("doveadm") is None or os.getuid() != 0,
                    reason="needs dovecot and root")
def test_there_and_back_with_dovecot(tmp_path):
    """Both see the same UIDs, flags, keywords and subscriptions, in turns."""
    nobody = 65534
    base = "/var/tmp/kereru-dovecot-%d" % os.getpid()
    maildir = make_maildir(os.path.join(base, "Maildir"))
    try:
        config = os.path.join(base, "dovecot.conf")
        with open(config, "w") as f:
            f.write("base_dir = %s/run\nstate_dir = %s/state\n"
                    "ssl = no\nmail_location = maildir:%s\n"
                    "first_valid_uid = 1\nlog_path = /dev/stderr\n"
                    "mail_uid = %d\nmail_gid = %d\n"
                    % (base, base, maildir, nobody, nobody))
        for path, _, files in os.walk(base):
            os.chown(path, nobody, nobody)
        drop = {"user": nobody, "group": nobody, "extra_groups": []}

        def ours():
            return Connection(IMAPD, maildir, **drop)

        log = open(os.path.join(base, "log"), "ab")

        def theirs():
            return Connection("doveadm", "-c", config, "exec", "imap",
                              env={"USER": "nobody", "HOME": base,
                                   "PATH": os.environ["PATH"]},
                              stderr=log, **drop)

        def look(make):
            c = make()
            found = []
            for name in (b"INBOX", b"Sent"):
                untagged = ok(c.command(b"EXAMINE " + name))
                found.append([u for u in untagged if b"UIDVALIDITY" in u][0]
                             .split()[2])
                found += sorted(
                    (m[1], tuple(sorted(set(m[2].split()) - {b"\\Recent"})))
                    for m in (re.match(
                        rb"\d+ FETCH \(UID (\d+) FLAGS \((.*)\)\)", u)
                        for u in ok(c.command(b"FETCH 1:* (UID FLAGS)")))
                    if m)
            found += sorted(u.split()[-1].strip(b'"') for u in
                            ok(c.command(b'LSUB "" *')))
            ok(c.command(b"LOGOUT"))
            c.close()
            return found

        def work(make, n):
            c = make()
            ok(c.command(b"SELECT INBOX"))
            message = b"Subject: %d\r\n\r\nx\r\n" % n
            for flags in (b"()", b"(\\Seen)", b"(Key%d)" % n):
                ok(c.command(b"APPEND INBOX %s {%d+}\r\n%s" % (
                    flags, len(message), message)))
            c.command(b"CREATE Sent")
            ok(c.command(b"COPY %d:* Sent" % max(1, 3 * n - 4)))
            ok(c.command(b"STORE 1 +FLAGS (\\Flagged Other%d)" % n))
            ok(c.command(b"STORE 2 +FLAGS (\\Deleted)"))
            ok(c.command(b"EXPUNGE"))
            ok(c.command(b"CREATE Box.%d" % n))
            ok(c.command(b"SUBSCRIBE Box.%d" % n))
            ok(c.command(b"LOGOUT"))
            c.close()

        for n, make in enumerate((ours, theirs, ours, theirs, ours), 1):
            work(make, n)
            assert look(ours) == look(theirs)
        log.close()
        with open(log.name) as f:
            errors = [x for x in f if "Error" in x or "Warning" in x]
        assert errors == []
    finally:
        shutil.rmtree(base)
