"""kereru fsck: what is wrong in mailboxes and in the queue is told, and mended
without losing mail."""
import imaplib
import os
import re
import shutil
import subprocess
import time

import pytest

from host import REPOSITORY, Host, wait_until

ALICE = "alice@localhost"
OLD = time.time() - 40 * 3600
MESSAGE = b"From: x@example.org\nSubject: %d\n\nbody\n"


@pytest.fixture(scope="module")
def house():
    with Host("localhost", users={"alice": "a", "bob": "b"},
              services=("auth", "smtp", "imap", "queue")) as h:
        yield h


def fsck(host, *args, code):
    done = host.kereru("fsck", *args, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stderr == ""
    return [line for line in done.stdout.splitlines()
            if " fault" not in line]


class Box:
    """A folder of a mailbox, to be damaged."""

    def __init__(self, host, address=ALICE, dir="."):
        self.uid = host.users[address]
        self.path = host.maildir(address) / dir
        if dir != ".":
            self.make(self.path)

    def own(self, path, uid=None):
        os.chown(path, uid or self.uid, uid or self.uid,
                 follow_symlinks=False)
        return path

    def make(self, path):
        for p in (path, path / "cur", path / "new", path / "tmp"):
            p.mkdir(mode=0o700)
            self.own(p)

    def put(self, name, text=MESSAGE % 1, old=False):
        path = self.path / name
        path.write_bytes(text)
        path.chmod(0o600)
        if old:
            os.utime(path, (OLD, OLD))
        return self.own(path)

    def lost(self):
        """What is in lost+found: messages, and the rest."""
        lost = self.path / ".lost+found"
        if not lost.exists():
            return [], []
        return (sorted(p.read_bytes() for p in (lost / "new").iterdir()),
                sorted(p.name for p in lost.iterdir() if p.is_file()))

    def clear(self):
        for p in list(self.path.iterdir()):
            if p.is_dir() and not p.is_symlink():
                shutil.rmtree(p)
            else:
                p.unlink()
        for part in ("cur", "new", "tmp"):
            (self.path / part).mkdir(mode=0o700)
            self.own(self.path / part)


@pytest.fixture
def box(house):
    b = Box(house)
    b.clear()
    yield b
    b.clear()


def mended(host, *wanted, mailbox=ALICE):
    """The faults are told; told as mended; and gone."""
    found = fsck(host, mailbox, code=1)
    for word in wanted:
        assert any(word in line for line in found), (word, found)
    assert len(found) == len(wanted), found
    again = fsck(host, "--repair", mailbox, code=0)
    assert len(again) == len(wanted), again
    assert fsck(host, mailbox, code=0) == []
    return again


def test_nothing_is_wrong(house, box):
    box.put("cur/1.M1P1.h,S=37:2,S")
    box.put("new/2.M1P1.h")
    box.put("dovecot-uidlist", b"3 V1 N3 Gabc\n1 :1.M1P1.h,S=37\n"
            b"4 :2.M1P1.h\n")
    box.put("dovecot-keywords", b"0 $Forwarded\n2 x\n")
    box.put("subscriptions", b"INBOX\nSent\n")
    size = 2 * len(MESSAGE % 1)
    box.put("maildirsize", b"100000S\n%d 2\n" % size)
    # It is being written.
    box.put("tmp/3.M1P1.h")
    assert fsck(house, code=0) == []
    assert not (box.path / ".lost+found").exists()
    done = house.kereru("fsck", "nobody@localhost", check=False)
    assert done.returncode == 100 and "no mailbox here" in done.stderr


def test_files_of_a_folder(house, box):
    size = len(MESSAGE % 1)
    box.put("tmp/1.M1P1.h", MESSAGE % 11, old=True)
    os.symlink("/etc/passwd", box.path / "cur/2.M1P1.h")
    box.put("cur/.3.M1P1.h", MESSAGE % 13)
    box.put("cur/4.M1P1.h\x01:2,", MESSAGE % 14)
    box.put(f"cur/5.M1P1.h,S={size + 100}:2,FS", MESSAGE % 1)
    box.put("cur/6.M1P1.h:2,S", MESSAGE % 16)
    box.put("new/6.M1P1.h", MESSAGE % 26)
    box.put("cur/7.M1P1.h:2,", b"")
    box.put("cur/8.M1P1.h:2,").chmod(0o666)
    path = box.put("cur/9.M1P1.h:2,R", MESSAGE % 19)
    box.own(path, 1)
    path.chmod(0o644)
    os.utime(path, (1000000000, 1000000000))
    mended(house, "tmp, and older", "is a link", "no name", "no name",
           "not of the size", "two messages of this name", "is empty",
           "wrong mode", "somebody else")
    mail, others = box.lost()
    assert mail == [MESSAGE % n for n in (11, 13, 14, 26)]
    assert len(others) == 1
    cur = {p.name: p for p in (box.path / "cur").iterdir()}
    assert {n[0] for n in cur} == set("5689") and len(cur) == 4
    [five] = [n for n in cur if n[0] == "5"]
    assert f",S={size}:2,FS" in five
    nine = cur["9.M1P1.h:2,R"]
    assert nine.stat().st_uid == box.uid and nine.stat().st_mtime == 1e9
    assert nine.read_bytes() == MESSAGE % 19
    assert list((box.path / "tmp").iterdir()) == []


def test_folders(house, box):
    shutil.rmtree(box.path / "tmp")
    os.symlink("/etc", box.path / ".linked")
    bad = Box(house, dir=".bad..name")
    bad.put("new/1.M1P1.h", MESSAGE % 5)
    sent = Box(house, dir=".Sent")
    shutil.rmtree(sent.path / "cur")
    sent.put("cur", b"a file")
    (box.path / ".no-mail").mkdir()
    mended(house, "tmp: is missing", "the place of a folder",
           "no name of a folder", "Sent: cur: is no folder")
    [renamed] = box.path.glob(".lost+found.folder-*")
    assert [p.read_bytes() for p in (renamed / "new").iterdir()] == \
        [MESSAGE % 5]
    assert (sent.path / "cur").is_dir() and (box.path / "tmp").is_dir()
    assert not (box.path / ".linked").is_symlink()
    assert len(box.lost()[1]) == 1


def test_lists(house, box):
    box.put("dovecot-uidlist", b"3 V7 N9 Gabc\n1 :a\n5 :b\n5 :c\nwhat\n"
            b"3 :d\n12 W30 :e\n13 :to")
    box.put("dovecot-keywords", b"0 $Forwarded\n99 x\n0 twice\n\x01\n1 y\n")
    box.put("subscriptions", b"V\t2\n\nINBOX\nLists\tfoo\na/b\n")
    box.put("dovecot-uidlist.0123456789abcdef", b"", old=True)
    box.put("kereru-view", b"x")
    box.put("kereru-log", b"x")
    mended(house, "UIDs twice", "3 lines without sense",
           "1 line without sense", "left by a crash")
    assert (box.path / "dovecot-uidlist").read_bytes() == \
        b"3 V7 N13 Gabc\n1 :a\n5 :b\n12 W30 :e\n"
    assert (box.path / "dovecot-keywords").read_bytes() == \
        b"0 $Forwarded\n1 y\n"
    assert (box.path / "subscriptions").read_bytes() == \
        b"V\t2\n\nINBOX\nLists\tfoo\n"
    # The old ones are kept, the caches are not.
    assert len(box.lost()[1]) == 3
    names = {p.name for p in box.path.iterdir()}
    assert not names & {"kereru-view", "kereru-log", "dovecot-uidlist.lock"}


def test_list_without_header_and_copied_folder(house, box):
    box.put("dovecot-uidlist", b"rubbish\n")
    one, two = Box(house, dir=".A"), Box(house, dir=".B")
    for b in (one, two):
        b.put("dovecot-uidlist", b"3 V7 N2 Gabcdef X1\n1 :a\n")
    mended(house, "no header", "B: dovecot-uidlist: has the id of another")
    assert not (box.path / "dovecot-uidlist").exists()
    assert (one.path / "dovecot-uidlist").read_bytes() == \
        b"3 V7 N2 Gabcdef X1\n1 :a\n"
    header = (two.path / "dovecot-uidlist").read_bytes().split(b"\n")[0]
    assert header.startswith(b"3 V7 N2 G") and header.endswith(b" X1") and \
        b"Gabcdef" not in header


def test_quota(house, box):
    box.put("new/1.M1P1.h,S=37")
    box.put("maildirsize", b"100000S\n4000 7\n")
    mended(house, "says 4000 octets in 7 messages, found 37 in 1")
    assert (box.path / "maildirsize").read_bytes() == b"100000S\n37 1\n"


def test_whose_it_is(house):
    path = house.maildir("bob@localhost")
    uid = house.users["bob@localhost"]
    os.chown(path, 0, 0)
    try:
        [told] = fsck(house, "--repair", "bob@localhost", code=1)
        assert told.endswith(f"chown -Rh {uid}:{uid} {path}")
    finally:
        os.chown(path, uid, uid)
    shutil.move(path, f"{path}.away")
    assert "is missing" in fsck(house, "bob@localhost", code=1)[0]
    assert "made" in fsck(house, "--repair", "bob@localhost", code=0)[0]
    assert fsck(house, "bob@localhost", code=0) == []


def queue_file(host, name):
    for folder in ("tmp", "new", "cur", "bad"):
        if (host.queue / folder / name).exists():
            return folder
    return None


def test_queue(house):
    house.svc("queue", "-wD", "-d")
    try:
        house.send("x@elsewhere.test", [ALICE], b"Subject: 1\r\n\r\nx\r\n")
        [good] = (house.queue / "new").iterdir()
        text = good.read_bytes()
        uid = house.uids["queue"]
        torn = house.queue / "cur" / ("0" * 16)
        torn.write_bytes(text[:-1])
        odd = house.queue / "new" / "odd"
        odd.write_bytes(text)
        for p in (torn, odd):
            os.chown(p, uid, uid)
        closed = house.queue / "new" / ("1" * 16 + good.name[16:])
        closed.write_bytes(text)
        closed.chmod(0o600)
        stale = house.queue / "tmp" / good.name
        stale.write_bytes(b"x")
        os.utime(stale, (OLD, OLD))
        (house.queue / "tmp").chmod(0o700)
        found = fsck(house, "queue", code=1)
        assert len(found) == 1 and "mode 3733" in found[0]
        fsck(house, "--repair", "queue", code=0)
        for name in (torn.name, odd.name, closed.name, stale.name):
            assert queue_file(house, name) == "bad" or name == good.name
        assert len(list((house.queue / "bad").iterdir())) == 4
        assert good.exists() and (house.queue / "tmp").stat().st_mode & \
            0o7777 == 0o3733
        assert fsck(house, "queue", code=0) == \
            ["queue: bad: 4 files for a person to look at"]
    finally:
        house.svc("queue", "-wU", "-u")
    house.wait_for_mail(ALICE)


def test_beside_sessions_and_deliveries(house, box):
    """Nothing is a fault that others are doing at that moment."""
    context = house.tls_context()
    context.check_hostname = False
    with imaplib.IMAP4_SSL(house.address, house.ports["imaps"],
                           ssl_context=context) as imap:
        imap.login(ALICE, "a")
        imap.select()
        for n in range(3):
            for i in range(10):
                house.send("x@elsewhere.test", [ALICE],
                           b"Subject: %d\r\n\r\nx\r\n" % i)
            assert fsck(house, "--repair", ALICE, code=0) == []
            house.wait_for_mail(ALICE, 10 * (n + 1))
            imap.noop()
            imap.store("1:*", "+FLAGS", ["\\Seen", "\\Deleted"][n % 2])
        assert fsck(house, "--repair", "--caches", ALICE, code=0) == []
        assert imap.search(None, "ALL")[1][0].split()[-1] == b"30"
    assert wait_until(lambda: fsck(house, ALICE, code=0) == [])


def look(host, folders=("INBOX", "Sent")):
    """What a client keeps of a mailbox."""
    context = host.tls_context()
    context.check_hostname = False
    with imaplib.IMAP4_SSL(host.address, host.ports["imaps"],
                           ssl_context=context) as imap:
        imap.login(ALICE, "a")
        told = [sorted(imap.lsub()[1])]
        for name in folders:
            count = imap.select(name, readonly=True)[1]
            told.append((count, imap.response("UIDVALIDITY")[1],
                         imap.response("UIDNEXT")[1],
                         imap.fetch("1:*", "(UID FLAGS INTERNALDATE "
                                    "RFC822.SIZE EMAILID)")[1]))
        return told


def test_backup_and_restore(house, box):
    """Of one mailbox, by a plain copy; see doc/handbook/backup.md."""
    context = house.tls_context()
    context.check_hostname = False
    with imaplib.IMAP4_SSL(house.address, house.ports["imaps"],
                           ssl_context=context) as imap:
        imap.login(ALICE, "a")
        imap.create("Sent")
        imap.subscribe("Sent")
        for i in range(4):
            for name in "INBOX", "Sent":
                imap.append(name, "(\\Seen work)" if i % 2 else "",
                            imaplib.Time2Internaldate(1e9 + i),
                            b"Subject: %d\r\n\r\nx\r\n" % i)
        imap.select()
        imap.store("2", "+FLAGS", "(\\Deleted)")
        imap.expunge()
    before = look(house)
    assert b"work" in b"".join(before[1][3])
    copy = house.folder / "backup"
    path = house.maildir(ALICE)
    subprocess.run(["cp", "-a", path, copy], check=True)
    for cache in copy.rglob("kereru-*"):
        cache.unlink()
    # The mailbox goes on, and is lost.
    house.send("x@elsewhere.test", [ALICE], b"Subject: 9\r\n\r\nx\r\n")
    wait_until(lambda: look(house)[1][0] != before[1][0])
    shutil.rmtree(path)
    subprocess.run(["cp", "-a", copy, path], check=True)
    assert look(house) == before
    assert fsck(house, ALICE, code=0) == []
    # As the page has it for mail that came after the copy.
    [command] = re.findall(r"perl -pi -e '.*?' \{\} \+",
                           (REPOSITORY / "doc/handbook/backup.md").read_text())
    subprocess.run(f"find . -name dovecot-uidlist -exec {command}",
                   shell=True, check=True, cwd=path)
    subprocess.run(["chown", "-Rh", f"{box.uid}:{box.uid}", path], check=True)
    after = look(house)
    assert [x[:2] + x[3:] for x in after[1:]] == \
        [x[:2] + x[3:] for x in before[1:]]
    assert int(after[1][2][0]) > 100000
    assert fsck(house, ALICE, code=0) == []
