"""sendmail by itself, setgid, on a queue as it is set up."""
import os
import re
import resource
import shutil
import subprocess
import sys
import time

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "lib"))
from cdbfile import write_cdb  # noqa: E402
from smtpalone import BUILD, Tables  # noqa: E402

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="needs root")

UID, QUEUE_ID, DROP_ID = 64921, 64922, 64923
USAGE, DATAERR, CANTCREAT, TEMPFAIL, CONFIG = 64, 65, 73, 75, 78


class Mailer(Tables):
    """A state folder with the modes of a real one, and a setgid sendmail."""

    def __init__(self, folder, **settings):
        self.state = os.path.join(folder, "state")
        os.makedirs(self.state)
        os.chmod(self.state, 0o755)
        super().__init__(self.state, dict({"state": self.state,
                                           "hostname": "mail.kereru.test"},
                                          **settings))
        os.chown(self.queue, QUEUE_ID, DROP_ID)
        os.chmod(self.queue, 0o710)
        for name in ("tmp", "new"):
            path = os.path.join(self.queue, name)
            os.chown(path, QUEUE_ID, QUEUE_ID)
            os.chmod(path, 0o3733)
        self.program = os.path.join(folder, "sendmail")
        shutil.copy(os.path.join(BUILD, "bin", "sendmail"), self.program)
        os.chown(self.program, 0, DROP_ID)
        os.chmod(self.program, 0o2755)

    def run(self, arguments, text, tables=None, before=None, uid=UID):
        def drop():
            if before:
                before()
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
        done = subprocess.run(
            [self.program, "-c", tables or self.state] + arguments,
            input=text if isinstance(text, bytes) else text.encode(),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            preexec_fn=drop, timeout=30)
        return done.returncode, done.stdout.decode()

    def send(self, arguments, text, **more):
        assert self.run(arguments, text, **more) == (0, "")
        names = self.names()
        assert len(names) == 1 and self.names("tmp") == []
        self.stat = os.stat(os.path.join(self.queue, "new", names[0]))
        return self.message()

    def refuse(self, arguments, text, code, **more):
        got, said = self.run(arguments, text, **more)
        assert got == code, said
        assert said.startswith("sendmail: fatal: ") and said.count("\n") == 1
        assert self.names() == [] and self.names("tmp") == []
        return said


@pytest.fixture
def mailer(tmp_path):
    p = tmp_path
    while str(p) not in ("/", "/tmp"):
        os.chmod(p, 0o711)
        p = p.parent
    return Mailer(str(tmp_path))


TEXT = "From: me@x.test\nDate: now\nMessage-ID: <1@x>\nSubject: x\n\nhi\n"


def test_a_message(mailer):
    envelope, message, added = mailer.send(["bob@kereru.test", "al"], TEXT)
    assert message.decode() == TEXT.replace("\n", "\r\n")
    assert re.fullmatch(
        r"Received: by mail\.kereru\.test \(sendmail, uid %d\) "
        r"id [0-9a-z]{16};\r\n\t[^\r\n]+\r\n" % UID, added.decode())
    assert "<uid%d@mail.kereru.test>" % UID in envelope
    assert "\nto - <bob@kereru.test>\n" in envelope
    assert "\nto - <al@mail.kereru.test>\n" in envelope
    assert "\norigin sendmail uid %d\n" % UID in envelope
    assert "\nflags\n" in envelope
    # The manager knows from these who it was, and can write to it.
    assert mailer.stat.st_uid == UID and mailer.stat.st_gid == QUEUE_ID
    assert mailer.stat.st_mode & 0o7777 == 0o660


def test_what_is_missing(mailer):
    _, message, added = mailer.send(
        ["-f", "a@b.c", "-F", "Al Bert", "bob@kereru.test"], "hello\nthere")
    assert message == b"\r\nhello\r\nthere\r\n"
    added = added.decode()
    assert "\r\nFrom: \"Al Bert\" <a@b.c>\r\nDate: " in added
    ident = re.search(r" id ([0-9a-z]{16});", added)[1]
    assert added.endswith("\r\nMessage-ID: <%s@mail.kereru.test>\r\n" % ident)


def test_recipients_of_the_header(mailer):
    envelope, message, _ = mailer.send(
        ["-t"], "To: Bob <bob@kereru.test>\nCc: al\nBcc: x@y.z,\n w@y.z\n" +
        TEXT)
    assert envelope.count("\nto - ") == 4
    assert b"cc:" not in message.lower().replace(b"\r\ncc: al\r\n", b"")


@pytest.mark.parametrize("arguments", [
    ["-oi", "-f", "a@b.c"], ["-oem", "-oi", "-fa@b.c", "--"],
    ["-bm", "-r", "a@b.c"], ["-i", "-odb", "-N", "never", "-f", "<a@b.c>"],
    ["-B8BITMIME", "-v", "-f", "a@b.c"], ["-Ac", "-G", "-U", "-f", "a@b.c"],
    ["-O", "AliasFile=/x", "-oA/x", "-C", "/x", "-f", "a@b.c", "-h", "3"]])
def test_options_of_other_programs(mailer, arguments):
    envelope, _, _ = mailer.send(arguments + ["bob@kereru.test"], TEXT)
    assert "<a@b.c>" in envelope


def test_reports_that_are_asked_for(mailer):
    envelope, _, _ = mailer.send(
        ["-N", "Success,delay", "-R", "HDRS", "-V", "a+b=\u00e9", "bob"], TEXT)
    assert "\nenvid a+2Bb+3D+C3+A9\n" in envelope
    assert "\nret H\n" in envelope
    assert "\nnotify success delay\n" in envelope
    envelope, _, _ = mailer.send(["-N", "never", "-R", "full", "bob"], TEXT)
    assert "\nnotify never\n" in envelope and "\nret F\n" in envelope
    assert "\nenvid" not in envelope


def converse(mailer, text, uid=UID):
    """sendmail -bs: the codes that are answered, and all that is said."""
    code, said = mailer.run(["-bs"], text, uid=uid)
    assert code == 0, said
    return re.findall(r"^(\d+) ", said, re.M), said


def test_smtp(mailer):
    """-bs: two messages, the second with LF line ends and as few words as
    programs say."""
    codes, said = converse(
        mailer, "EHLO me\r\nMAIL FROM:<a@b.c> BODY=8BITMIME SIZE=100\r\n"
        "RCPT TO:<bob@kereru.test>\r\nRCPT TO:<al>\r\nDATA\r\n" +
        TEXT.replace("\n", "\r\n") + "..two\r\n.x\r\n\r\n.\r\n"
        "mail from:<>\nrcpt to:<x@y.z>\ndata\nhi\n.\nQUIT\n")
    assert codes == ["220", "250", "250", "250", "250", "354", "250", "250",
                     "250", "354", "250", "221"], said
    assert "250-8BITMIME\n" in said.replace("\r", "")
    found = {}
    for name in mailer.names():
        with open(os.path.join(mailer.queue, "new", name)) as f:
            text = f.read()
        found["<a@b.c>" in text] = text
    assert len(found) == 2
    assert "\nto - <al@mail.kereru.test>\n" in found[True]
    assert "\nhi\n.two\nx\n\n" in found[True]
    assert "\nfrom <>\n" in found[False]
    assert "\nFrom: <uid%d@mail.kereru.test>\n" % UID in found[False]


def test_smtp_refusals(mailer):
    codes, said = converse(
        mailer, "RCPT TO:<a@b.c>\r\nDATA\r\nMAIL FROM:a@b.c\r\n"
        "MAIL FROM:<a@b@c>\r\nMAIL FROM:<a@b.c> SIZE=100001\r\n"
        "MAIL FROM:<a@b.c> X=1\r\nMAIL FROM:<a@b.c>\r\n"
        "MAIL FROM:<a@b.c>\r\nDATA\r\nRCPT TO:<>\r\n"
        "RCPT TO:<a@b.c> NOTIFY=NEVER\r\nRCPT TO:<a@b.c>\r\nwhat\r\n" +
        "x" * 3000 + "\r\nDATA\r\n" + "x" * 200000 + "\r\n.\r\n"
        "NOOP\r\nVRFY x\r\nRSET\r\nDATA\r\nMAIL FROM:<a@b.c>\r\n"
        "RCPT TO:<a@b.c>\r\nDATA\r\nnever ended\r\n")
    assert codes == ["220", "503", "503", "501", "501", "552", "555", "250",
                     "503", "503", "501", "555", "250", "500", "500", "354",
                     "552", "250", "252", "250", "503", "250", "250",
                     "354"], said
    assert mailer.names() == [] and mailer.names("tmp") == []


def test_newaliases(mailer, tmp_path):
    """Installers call it; there is nothing to be done for who is not root."""
    os.symlink(mailer.program, tmp_path / "newaliases")
    mailer.program = str(tmp_path / "newaliases")
    code, said = mailer.run([], "")
    assert code == 0 and "kereru compile" in said
    assert mailer.run(["-q"], "")[0] == 0


def test_null_sender(mailer):
    for sender in ("", "<>"):
        envelope, _, added = mailer.send(["-f", sender, "bob"], "hello\n")
        assert "\nfrom <>\n" in envelope
        assert b"\r\nFrom: <uid%d@mail.kereru.test>\r\n" % UID in added


def test_dots(mailer):
    assert mailer.send(["bob"], "A: b\n\n1\n.\n2\n")[1] == b"A: b\r\n\r\n1\r\n"
    assert mailer.send(["-i", "bob"], "A: b\n\n1\n.\n..\n")[1] == \
        b"A: b\r\n\r\n1\r\n.\r\n..\r\n"


def test_eight_bits_are_told(mailer):
    envelope, _, _ = mailer.send(["bob"], "A: b\n\n\u00e9\n")
    assert "\nflags 8bit\n" in envelope


def test_names_in_the_accounts(mailer):
    envelope, _, _ = mailer.send(["bob"], TEXT, uid=0)
    assert "<root@mail.kereru.test>" in envelope


@pytest.mark.parametrize("arguments,text,code", [
    ([], TEXT, USAGE), (["-t"], TEXT, USAGE), (["-bd", "-q30m"], TEXT, USAGE),
    (["-bt"], TEXT, USAGE), (["-y", "bob"], TEXT, USAGE),
    (["-N", "never,delay", "bob"], TEXT, USAGE),
    (["-N", "", "bob"], TEXT, USAGE), (["-R", "all", "bob"], TEXT, USAGE),
    (["-V", "", "bob"], TEXT, USAGE), (["-V", "+" * 34, "bob"], TEXT, USAGE),
    (["-f", "a@b@c", "bob"], TEXT, DATAERR), (["a@b..c"], TEXT, DATAERR),
    (["-t"], "To: a@b..c\n\n", DATAERR),
    (["-t"], "To: a, b, c, d, e, f\n\n", DATAERR),
    (["bob"], "x" * 100001, DATAERR)])
def test_refusals(mailer, arguments, text, code):
    mailer.refuse(arguments, text, code)


def test_control_characters_do_not_reach_the_terminal(mailer):
    said = mailer.refuse(["\x1b[2Jx@b..c"], TEXT, DATAERR)
    assert "\x1b" not in said


def test_a_lost_queue(mailer):
    os.rename(os.path.join(mailer.queue, "new"),
              os.path.join(mailer.queue, "old"))
    assert mailer.run(["bob"], TEXT)[0] == CANTCREAT
    assert mailer.names("tmp") == []


def test_limits_of_the_caller(mailer):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    mailer.refuse(["bob"], TEXT, TEMPFAIL, before=limit)


def test_umask_and_closed_descriptors(mailer):
    def spoil():
        os.umask(0o777)
        os.close(2)
    mailer.send(["bob"], TEXT, before=spoil)
    assert mailer.stat.st_mode & 0o7777 == 0o660


def test_full_queue(mailer):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=710",
                    "tmpfs", mailer.queue], check=True)
    try:
        os.chown(mailer.queue, QUEUE_ID, DROP_ID)
        for name in ("tmp", "new"):
            path = os.path.join(mailer.queue, name)
            os.mkdir(path)
            os.chown(path, QUEUE_ID, QUEUE_ID)
            os.chmod(path, 0o3733)
        mailer.refuse(["bob"], "x" * 90000, TEMPFAIL)
        mailer.send(["bob"], TEXT)
    finally:
        subprocess.run(["umount", mailer.queue], check=True)


def test_without_the_group_there_is_no_way_in(mailer):
    os.chmod(mailer.program, 0o755)
    mailer.refuse(["bob"], TEXT, CANTCREAT)


@pytest.mark.parametrize("what", ["folder", "file", "writable", "link"])
def test_tables_of_a_user_are_not_believed(mailer, tmp_path, what):
    mine = str(tmp_path / "mine")
    os.mkdir(mine)
    table = os.path.join(mine, "settings.cdb")
    write_cdb(table, {"hostname": "evil.test\0", "state": mailer.state + "\0"})
    if what == "folder":
        os.chown(mine, UID, UID)
    elif what == "file":
        os.chown(table, UID, UID)
    elif what == "writable":
        os.chmod(mine, 0o777)
    else:
        os.rename(table, table + ".real")
        os.symlink(table + ".real", table)
    mailer.refuse(["bob"], TEXT, CONFIG, tables=mine)


def test_the_group_is_given_up(mailer):
    """While it reads what the caller sends it has no right left."""
    p = subprocess.Popen(
        ["setpriv", "--reuid=%d" % UID, "--regid=%d" % UID, "--clear-groups",
         mailer.program, "-c", mailer.state, "bob"], stdin=subprocess.PIPE)
    p.stdin.write(b"A: b\n")
    p.stdin.flush()
    for _ in range(200):
        with open("/proc/%d/status" % p.pid) as f:
            status = f.read()
        if "Name:\tsendmail" in status and \
                re.search(r"^Gid:\t%d\t%d\t%d" % (UID, UID, UID), status,
                          re.M):
            break
        time.sleep(0.01)
    assert re.search(r"^Gid:\t%d\t%d\t%d\t%d$" % (UID, UID, UID, UID), status,
                     re.M)
    p.communicate(b"\nx\n")
    assert p.returncode == 0


def test_both_are_synced(mailer):
    """The file before the rename, and once more behind it."""
    if not shutil.which("strace"):
        pytest.skip("no strace")
    log = mailer.state + ".strace"
    subprocess.run(["strace", "-f", "-e", "trace=fsync,renameat,renameat2",
                    "-o", log, mailer.program, "-c", mailer.state, "bob"],
                   input=TEXT.encode(), check=True,
                   # The leak check of a sanitized build can't be traced.
                   env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
    with open(log) as f:
        calls = re.findall(r"\d+ +(\w+)\(", f.read())
    assert [c.replace("renameat2", "renameat") for c in calls] == [
        "fsync", "renameat", "fsync"]
