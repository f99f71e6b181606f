"""pop3d as somebody starts it by hand: `pop3d MAILDIR`, no front, no monitor."""

import os
import poplib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

BUILD = Path(os.environ.get("KERERU_BUILD", Path(__file__).parents[2] / "build"))
POP3D = BUILD / "bin" / "pop3d"
UID = 65000  # pop3d refuses to run as root


class Pop3(poplib.POP3):
    """poplib on a socket that is there already."""

    def __init__(self, sock):
        self.given = sock
        super().__init__("pop3d", timeout=20)

    def _create_socket(self, timeout):
        self.given.settimeout(timeout)
        return self.given


class Maildir:
    def __init__(self, path):
        self.path = Path(path)
        self.children = []
        for sub in ("cur", "new", "tmp"):
            (self.path / sub).mkdir(mode=0o700)
        self.own()

    def own(self):
        if os.geteuid() == 0:
            for path in (self.path, *self.path.rglob("*")):
                os.lchown(path, UID, UID)

    def add(self, name, octets, sub="new"):
        (self.path / sub / name).write_bytes(octets)
        self.own()

    def start(self, *more, **streams):
        who = {"user": UID, "group": UID, "extra_groups": []}
        child = subprocess.Popen(
            [POP3D, *more, self.path],
            **streams,
            **(who if os.geteuid() == 0 else {}),
        )
        self.children.append(child)
        return child

    def open(self):
        ours, theirs = socket.socketpair()
        self.start(stdin=theirs, stdout=theirs)
        theirs.close()
        return Pop3(ours)

    def talk(self, octets, **more):
        """All octets at once over pipes; everything that comes back."""
        child = self.start(
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more
        )
        out, err = child.communicate(octets, timeout=20)
        return out, err, child.returncode

    def names(self):
        return sorted(p.name for sub in ("cur", "new") for p in (self.path / sub).iterdir())


@pytest.fixture
def maildir():
    folder = Path(tempfile.mkdtemp(prefix="pop3d."))
    folder.chmod(0o755)
    (folder / "Maildir").mkdir(mode=0o700)
    made = Maildir(folder / "Maildir")
    yield made
    for child in made.children:
        child.kill()
        child.wait()
    shutil.rmtree(folder)


MESSAGES = [
    b"Subject: one\n\nHello\n",
    b"Subject: dots\n\n.\n..\n.x\nx.\n",
    b"Subject: no end\n\nlast line without its end",
    b"Subject: crlf already\r\n\r\nx\r\n",
    b"Subject: lone cr\n\na\rb\n\r\n",
    b"Subject: eight bit \xe2\x82\xac\n\n" + bytes(range(128, 256)) + b"\n",
    b"Subject: long\n\n" + b"x" * 200000 + b"\n",
    b"",
]


def wire(octets):
    octets = octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if octets and not octets.endswith(b"\r\n"):
        octets += b"\r\n"
    return octets


def fill(maildir, messages=MESSAGES):
    for i, message in enumerate(messages):
        maildir.add(f"{1700000000 + i}.M{i}P1.host", message, "new" if i % 2 else "cur")


def retr(pop, n):
    """The exact octets between +OK and the final dot, dots undone."""
    pop._putcmd(f"RETR {n}")
    first = pop.file.readline()
    assert first.startswith(b"+OK"), first
    octets = b""
    while True:
        line = pop.file.readline()
        if line == b".\r\n":
            return octets
        octets += line[1:] if line.startswith(b".") else line


def test_greeting_counts_the_messages(maildir):
    fill(maildir)
    pop = maildir.open()
    assert pop.getwelcome() == b"+OK 8 messages"
    assert pop.quit().startswith(b"+OK")


def test_every_octet_and_size(maildir):
    fill(maildir)
    pop = maildir.open()
    sizes = [int(line.split()[1]) for line in pop.list()[1]]
    assert sizes == [len(wire(m)) for m in MESSAGES]
    assert pop.stat() == (len(MESSAGES), sum(sizes))
    for i, message in enumerate(MESSAGES):
        assert retr(pop, i + 1) == wire(message)
    assert pop.list(3) == b"+OK 3 " + str(sizes[2]).encode()
    pop.quit()
    assert len(maildir.names()) == len(MESSAGES)


def test_size_in_the_name_is_believed(maildir):
    maildir.add("1.M1.host,S=3,W=1234:2,S", b"a\n\n", "cur")
    pop = maildir.open()
    assert pop.stat() == (1, 1234)
    pop.quit()


def test_top(maildir):
    maildir.add("1.M1.host", b"A: 1\nB: 2\n\n.one\ntwo\n\nfour\n")
    pop = maildir.open()
    assert pop.top(1, 0)[1] == [b"A: 1", b"B: 2", b""]
    assert pop.top(1, 1)[1] == [b"A: 1", b"B: 2", b"", b".one"]
    assert pop.top(1, 3)[1] == [b"A: 1", b"B: 2", b"", b".one", b"two", b""]
    assert pop.top(1, 99)[1][-1] == b"four"
    with pytest.raises(poplib.error_proto):
        pop.top(2, 1)
    pop.quit()


def test_uidl_survives_flags_and_sessions(maildir):
    fill(maildir, MESSAGES[:3])
    long_name = "1700000009." + "x" * 100
    maildir.add(long_name, b"x\n")
    pop = maildir.open()
    before = [line.split()[1] for line in pop.uidl()[1]]
    assert before[:3] == [b"1700000000.M0P1.host", b"1700000001.M1P1.host", b"1700000002.M2P1.host"]
    assert all(0 < len(uid) <= 70 for uid in before)
    assert len(set(before)) == 4
    assert pop.uidl(2) == b"+OK 2 1700000001.M1P1.host"
    pop.quit()
    new, cur = maildir.path / "new", maildir.path / "cur"
    for path in list(new.iterdir()):
        path.rename(cur / (path.name + ":2,RS"))
    pop = maildir.open()
    assert [line.split()[1] for line in pop.uidl()[1]] == before
    pop.quit()


def test_deletes_only_at_quit(maildir):
    fill(maildir, MESSAGES[:3])
    pop = maildir.open()
    pop.dele(2)
    for call in (pop.retr, pop.dele, pop.list, pop.uidl):
        with pytest.raises(poplib.error_proto):
            call(2)
    assert len(pop.list()[1]) == 2
    assert pop.stat()[0] == 2
    assert len(maildir.names()) == 3
    pop.close()
    maildir.children[-1].wait(5)
    assert len(maildir.names()) == 3

    pop = maildir.open()
    assert pop.stat()[0] == 3
    pop.dele(1)
    pop.rset()
    pop.dele(3)
    assert pop.quit().startswith(b"+OK")
    assert maildir.names() == ["1700000000.M0P1.host", "1700000001.M1P1.host"]


def test_renamed_while_open(maildir):
    fill(maildir, MESSAGES[:4])
    pop = maildir.open()
    for path in list((maildir.path / "new").iterdir()):
        path.rename(maildir.path / "cur" / (path.name + ":2,S"))
    (maildir.path / "cur" / "1700000002.M2P1.host").unlink()
    assert retr(pop, 2) == wire(MESSAGES[1])
    with pytest.raises(poplib.error_proto, match="gone"):
        pop.retr(3)
    pop.dele(3)
    path = maildir.path / "cur" / "1700000003.M3P1.host:2,S"
    path.rename(str(path) + "T")
    pop.dele(4)
    assert pop.quit().startswith(b"+OK")
    assert maildir.names() == ["1700000000.M0P1.host", "1700000001.M1P1.host:2,S"]


def test_one_session_at_a_time(maildir):
    fill(maildir, MESSAGES[:1])
    pop = maildir.open()
    with pytest.raises(poplib.error_proto, match=r"\[IN-USE\]"):
        maildir.open()
    pop.quit()
    pop = maildir.open()
    os.kill(maildir.children[-1].pid, signal.SIGKILL)
    maildir.children[-1].wait()
    maildir.open().quit()


def test_pipelining(maildir):
    fill(maildir, MESSAGES[:2])
    out, _, code = maildir.talk(b"STAT\r\nLIST\r\nDELE 1\r\nQUIT\r\nNOOP\r\n")
    size = [len(wire(m)) for m in MESSAGES[:2]]
    assert out == (
        b"+OK 2 messages\r\n+OK 2 %d\r\n+OK\r\n1 %d\r\n2 %d\r\n.\r\n"
        b"+OK Deleted at QUIT\r\n+OK Bye\r\n" % (sum(size), size[0], size[1])
    )
    assert code == 0
    assert len(maildir.names()) == 1


def test_end_of_input_deletes_nothing(maildir):
    fill(maildir, MESSAGES[:2])
    maildir.talk(b"DELE 1\r\nDELE 2\r\nQUIT")
    assert len(maildir.names()) == 2


def test_hostile_lines(maildir):
    fill(maildir, MESSAGES[:1])
    for octets in (
        b"RETR\r\n" * 100,
        b"\0" * 5000 + b"\r\nSTAT\r\n",
        b"x" * 100000 + b"\r\nSTAT\r\n",
        b"RETR 99999999999999999999\r\nTOP 1 4294967295\r\nRETR 0\r\nDELE -1\r\n",
        b"LIST 1\n" * 10,
        b"\r\n" * 50,
        b"USER x\r\nPASS y\r\nSTLS\r\nAUTH PLAIN\r\nGET / HTTP/1.0\r\n",
    ):
        out, err, code = maildir.talk(octets)
        assert code == 0, err
        for line in out.split(b"\r\n"):
            assert line == b"" or line.startswith((b"+OK", b"-ERR", b"Subject", b"Hello", b"."))
    assert out.count(b"-ERR Not now") == 5


def test_capa(maildir):
    pop = maildir.open()
    assert pop.getwelcome() == b"+OK 0 messages"
    capa = pop.capa()
    for name in ("TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING",
                 "UTF8", "LANG"):
        assert capa[name] == []
    assert capa["EXPIRE"] == ["NEVER"] and capa["LOGIN-DELAY"] == ["0"]
    assert "USER" not in capa and "SASL" not in capa
    assert pop.list()[1] == [] and pop.uidl()[1] == [] and pop.stat() == (0, 0)
    pop.noop()
    pop.quit()


def test_lang(maildir):
    out, _, code = maildir.talk(
        b"LANG\r\nLANG en\r\nLANG *\r\nlang I-Default \r\nLANG de\r\n"
        b"LANG en-US\r\nUTF8\r\nUTF8 x\r\nQUIT\r\n")
    assert code == 0
    assert out.split(b"\r\n")[1:] == [
        b"+OK Languages:", b"en English", b"."] + [
        b"+OK en English it is"] * 3 + [b"-ERR en No such language"] * 2 + [
        # Before login alone (RFC 6856, 2).
        b"-ERR Not now", b"-ERR Bad arguments", b"+OK Bye", b""]


def test_what_is_no_message(maildir):
    fill(maildir, MESSAGES[:1])
    (maildir.path / "new" / ".hidden").write_bytes(b"x")
    (maildir.path / "new" / "folder").mkdir()
    (maildir.path / "new" / "link").symlink_to("/etc/passwd")
    os.mkfifo(maildir.path / "new" / "fifo")
    maildir.own()
    pop = maildir.open()
    assert pop.stat()[0] == 1
    pop.quit()


def test_missing_folders_are_made(maildir):
    for sub in ("cur", "new", "tmp"):
        (maildir.path / sub).rmdir()
    pop = maildir.open()
    assert pop.stat() == (0, 0)
    pop.quit()
    assert (maildir.path / "cur").is_dir()


def test_refuses_a_link_and_a_foreign_folder(maildir):
    link = maildir.path.parent / "link"
    link.symlink_to(maildir.path)
    real, maildir.path = maildir.path, link
    out, _, code = maildir.talk(b"QUIT\r\n")
    assert out.startswith(b"-ERR") and code == 111
    maildir.path = real
    if os.geteuid() == 0:
        os.chown(real, 0, 0)
        real.chmod(0o777)
        out, _, code = maildir.talk(b"QUIT\r\n")
        assert out.startswith(b"-ERR") and code == 111


def test_term_ends_the_session(maildir):
    fill(maildir, MESSAGES[:1])
    pop = maildir.open()
    pop.dele(1)
    maildir.children[-1].send_signal(signal.SIGTERM)
    assert pop.file.readline().startswith(b"-ERR [SYS/TEMP]")
    assert maildir.children[-1].wait(5) == 0
    assert len(maildir.names()) == 1


def test_on_a_terminal(maildir):
    fill(maildir, MESSAGES[:1])
    ours, theirs = os.openpty()
    child = maildir.start(stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    os.write(ours, b"STAT\nQUIT\n")
    got = b""
    while b"Bye" not in got:
        got += os.read(ours, 1000)
    assert b"+OK 1 messages" in got and b"+OK 1 23" in got
    assert child.wait(5) == 0
    assert os.get_blocking(ours)
    os.close(ours)


def strace(maildir, octets, *options):
    """Its calls, and what the client got."""
    log = maildir.path.parent / "calls"
    child = subprocess.run(
        ["strace", "-f", "-y", "-s", "1000", "-o", log, *options]
        + (["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups"] if os.geteuid() == 0 else [])
        + [POP3D, maildir.path],
        input=octets,
        stdout=subprocess.PIPE,
        timeout=20,
    )
    return log.read_text(), child.stdout


needs_strace = pytest.mark.skipif(
    shutil.which("strace") is None or "KERERU_SANITIZE" in os.environ,
    reason="needs strace, and a program that it can follow",
)


@needs_strace
def test_folders_are_synced_before_the_answer(maildir):
    fill(maildir, MESSAGES[:2])
    calls, out = strace(maildir, b"DELE 1\r\nDELE 2\r\nQUIT\r\n")
    assert out.endswith(b"+OK Bye\r\n")
    removed = calls.rindex("unlinkat(")
    synced = [calls.rindex(f"/Maildir/{sub}>)", 0, calls.rindex("+OK Bye")) for sub in ("cur", "new")]
    assert all(calls.rfind("fsync(", 0, at) > removed for at in synced)
    assert min(synced) > removed


@needs_strace
def test_a_failed_sync_or_removal_is_told(maildir):
    fill(maildir, MESSAGES[:2])
    for inject in ("fsync:error=EIO", "unlinkat:error=EACCES"):
        _, out = strace(maildir, b"DELE 1\r\nQUIT\r\n", "-e", f"inject={inject}")
        assert out.endswith(b"-ERR [SYS/TEMP] Some deleted messages not removed\r\n"), inject


@needs_strace
def test_shortages_are_told(maildir):
    fill(maildir, MESSAGES[:2])
    for options in (
        ["-e", "inject=getdents64:error=EIO"],
        ["-P", "cur", "-e", "inject=openat:error=EMFILE"],
        ["-P", "pop3d.lock", "-e", "inject=openat:error=ENOSPC"],
        ["-P", str(maildir.path / "pop3d.lock"), "-e", "inject=fcntl:error=ENOLCK"],
    ):
        calls, out = strace(maildir, b"STAT\r\nQUIT\r\n", *options)
        assert "INJECTED" in calls, options
        assert out.startswith(b"-ERR [SYS/TEMP]"), options
    maildir.add("1.M1.host,W=300000", b"x\n" * 100000, "cur")
    name = str(maildir.path / "cur" / "1.M1.host,W=300000")
    for when, end in ((1, b"-ERR [SYS/TEMP] Cannot read it\r\n+OK Bye\r\n"), (2, b"x\r\n")):
        calls, out = strace(
            maildir, b"RETR 1\r\nQUIT\r\n", "-P", name, "-e", f"inject=read:error=EIO:when={when}"
        )
        assert "INJECTED" in calls
        # The half is not closed by a dot, which would make it look whole.
        assert out.startswith(b"+OK 3 messages\r\n") and out.endswith(end)


def test_many_messages(maildir):
    count = 100000
    for i in range(count):
        name = f"{1700000000 + i}.M{i:06d}P4711Q0k3v9x8w7z6y5t4s.host.example,S=20,W=22:2,S"
        (maildir.path / "cur" / name).touch()
    maildir.own()
    began = time.monotonic()
    pop = maildir.open()
    assert pop.stat() == (count, 22 * count)
    took = time.monotonic() - began
    lines = pop.uidl()[1]
    assert len(lines) == count
    assert lines[-1].startswith(b"100000 1700099999.M099999P4711Q0k3v9x8w7z6y5t4s")
    status = Path(f"/proc/{maildir.children[-1].pid}/status").read_text()
    peak = int(status.split("VmHWM:")[1].split()[0])
    for i in range(1, count, 1000):
        pop.dele(i)
    pop.quit()
    assert len(maildir.names()) == count - 100
    assert took < 5
    if "asan" not in status and not os.environ.get("KERERU_SANITIZE"):
        assert peak < 40 * 1024, f"{peak} KiB"
