"""kereru import: mbox files, maildirs, and an account on a server, which is
our own."""
import os
import re
import shutil
import socket
import subprocess

import pytest

from host import Host, new_folder, wait_until
from imapalone import Client as Alone, deliver, make_maildir

TESTDATA = os.environ.get("KERERU_TESTDATA", os.path.join(
    os.path.dirname(__file__), "..", "..", "..", "shared", "testdata"))
IMAPTEST = os.path.join(TESTDATA, "imap", "imaptest")
MBOX = b"""\
From MAILER-DAEMON Thu Jan  1 00:00:00 1998
From: Mail System Internal Data <MAILER-DAEMON@x>
Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA
X-IMAP: 0883612800 0000000010

This text is part of the internal format.

From bob@example.org Thu Feb  1 21:52:25 1996
Subject: one
Status: RO
X-Status: AF
X-Keywords: work Later
X-UID: 4

first
>From here on it is quoted
>>From twice

From "a b"@example.org  Fri Feb  2 21:52:25 1996 +0100
Subject: two
Content-Length: 33
Status: O

first

From the middle of a text

From x Sat Feb  3 21:52:25 1996
Subject: three
X-Mozilla-Status: 0001

no\0 end"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture(scope="module")
def port():
    return free_port()


@pytest.fixture(scope="module")
def house(port):
    with Host("localhost", users={"alice": "a", "bob": "b%20\"", "carol": "c"},
              services=("auth", "imap"),
              settings={"listen-imaps": f"127.0.0.1:{port}"}) as h:
        yield h


def bring(host, user, *more, code=0):
    done = host.kereru("import", *more[:-1], f"{user}@localhost", more[-1],
                       check=False)
    assert done.returncode == code, done.stderr
    return done.stderr


class Client(Alone):
    """imapd on a user's maildir, as that user."""

    def __init__(self, host, user):
        address = f"{user}@localhost"
        uid = host.users[address]
        super().__init__(str(host.maildir(address)), user=uid, group=uid,
                         extra_groups=[])


@pytest.fixture
def connect(house):
    made = []

    def make(user):
        made.append(Client(house, user))
        return made[-1]
    yield make
    for c in made:
        c.stop()


def fetch(client, box, items):
    client.ok(b"EXAMINE " + box)
    return [re.sub(rb" ?\\Recent", b"", x)
            for x in client.ok(b"FETCH 1:* (%s)" % items) if b"FETCH" in x]


def test_mbox(house, connect, tmp_path):
    path = tmp_path / "in.mbox"
    path.write_bytes(MBOX)
    assert "3 messages brought" in bring(house, "carol", "-F", "old.mail",
                                         path)
    carol = connect("carol")
    told = fetch(carol, b"old.mail", b"FLAGS INTERNALDATE BODY.PEEK[]")
    assert len(told) == 3
    assert b'FLAGS (\\Answered \\Flagged \\Seen work Later)' in told[0] and \
        b'" 1-Feb-1996 21:52:25 +0000"' in told[0]
    assert told[0].endswith(b"Subject: one\r\n\r\nfirst\r\nFrom here on it "
                            b"is quoted\r\n>From twice\r\n)")
    assert b'" 2-Feb-1996 20:52:25 +0000"' in told[1]
    assert told[1].endswith(b"Subject: two\r\n\r\nfirst\r\n\r\nFrom the "
                            b"middle of a text\r\n)")
    assert b"FLAGS (\\Seen)" in told[2] and \
        told[2].endswith(b"Subject: three\r\n\r\nno end\r\n)")
    # Once more brings nothing; what has been added is brought.
    assert "0 messages brought" in bring(house, "carol", "-F", "old.mail",
                                         path)
    with open(path, "ab") as f:
        f.write(b"\n\nFrom x Sat Feb  3 21:52:25 1996\nSubject: four\n\nx\n")
    assert "1 message brought" in bring(house, "carol", "-F", "old.mail",
                                        path)
    uid = house.users["carol@localhost"]
    for folder, _, files in os.walk(house.maildir("carol@localhost")):
        assert {os.lstat(os.path.join(folder, f)).st_uid
                for f in files} <= {uid}


def test_mbox_of_others(house, tmp_path):
    if not os.path.isdir(IMAPTEST):
        pytest.skip("no mbox files of others here")
    for name in sorted(os.listdir(IMAPTEST)):
        if not name.endswith(".mbox"):
            continue
        with open(os.path.join(IMAPTEST, name), "rb") as f:
            text = f.read()
        count = len(re.findall(rb"(?:\A|\n\r?\n)From ", text))
        assert f"{count} message" in bring(
            house, "bob", "-F", "of-" + name[:-5], os.path.join(
                IMAPTEST, name)), name


def test_what_is_no_mbox(house, tmp_path):
    path = tmp_path / "in"
    path.write_bytes(b"Subject: x\n\nFrom here\n")
    assert "is no mbox file" in bring(house, "carol", path, code=111)
    assert "is no mailbox" in bring(house, "nobody", path, code=100)
    bring(house, "carol", "-F", "a..b", path, code=100)
    bring(house, "carol", tmp_path / "not-there", code=100)


def test_maildir(house, connect, tmp_path):
    os.chmod(tmp_path, 0o755)
    for folder in tmp_path.parents:
        if folder.stat().st_mode & 0o001 == 0:
            os.chmod(folder, 0o711)
    top = make_maildir(tmp_path / "in")
    sub = make_maildir(tmp_path / "in" / ".Lists.c")
    deep = make_maildir(tmp_path / "in" / "plain" / "x.y")
    (tmp_path / "in" / "dovecot-keywords").write_text("0 work\n1 $MDNSent\n")
    name = deliver(top, "Subject: a\n\nx\n", ":2,FSab", "cur")
    os.utime(os.path.join(top, "cur", name), (825717145, 825717145))
    deliver(top, "Subject: b\n\nx\n")
    deliver(sub, "Subject: c\n\nx\n", ":2,T", "cur")
    deliver(deep, "Subject: d\n\nx\n")
    uid = house.users["alice@localhost"]
    for folder, folders, files in os.walk(top):
        for entry in ["."] + files:
            os.chown(os.path.join(folder, entry), uid, uid)
    assert "4 messages brought" in bring(house, "alice", top)
    deliver(sub, "Subject: e\n\nx\n")
    os.chown(os.path.join(sub, "new", os.listdir(sub + "/new")[0]), uid, uid)
    assert "1 message brought" in bring(house, "alice", top)
    alice = connect("alice")
    told = fetch(alice, b"INBOX", b"FLAGS INTERNALDATE")
    assert told == [
        b'1 FETCH (FLAGS (\\Flagged \\Seen work $MDNSent) INTERNALDATE '
        b'" 1-Mar-1996 21:52:25 +0000")', told[1]]
    assert b"FLAGS ()" in told[1]
    assert fetch(alice, b"Lists.c", b"FLAGS") == [
        b"1 FETCH (FLAGS (\\Deleted))", b"2 FETCH (FLAGS ())"]
    assert len(fetch(alice, b"plain.x_y", b"UID")) == 1


def test_server(house, connect, port, tmp_path):
    """From alice, by the network, to bob."""
    alice = connect("alice")
    alice.ok(b"CREATE Gesendet (USE (\\Sent))")
    alice.ok(b"CREATE a&AOQ-.b")
    for i in range(120):
        alice.append(b"a&AOQ-.b", b"Subject: %d\r\n\r\n{3}\r\n\xe4\xff\r\n" % i,
                     b' (\\Seen k%d) " 1-Feb-1994 21:52:25 +0000"' % (i % 3))
    alice.append(b"Gesendet", b"Subject: sent\r\n\r\nx\r\n")
    alice.append(b"INBOX", b"Subject: come\r\n\r\nx\r\n")
    bob = connect("bob")
    bob.ok(b"CREATE Sent (USE (\\Sent))")
    before = bob.ok(b"STATUS INBOX (MESSAGES)")
    password = tmp_path / "password"
    password.write_text("a\n")
    source = ["-p", password, "-C", house.etc / "tls/ca.pem",
              f"imaps://alice%40localhost@localhost:{port}"]
    told = bring(house, "bob", *source)
    assert "a&AOQ-.b: 120\n" in told and "Sent: 1\n" in told
    told = fetch(bob, b"a&AOQ-.b", b"FLAGS INTERNALDATE BODY.PEEK[]")
    assert len(told) == 120
    for i in (0, 119):
        assert b"\\Seen k%d" % (i % 3) in told[i] and \
            b'" 1-Feb-1994 21:52:25 +0000"' in told[i] and \
            b"Subject: %d\r\n\r\n{3}\r\n\xe4\xff\r\n)" % i in told[i]
    assert len(fetch(bob, b"Sent", b"UID")) == 1
    assert before != bob.ok(b"STATUS INBOX (MESSAGES)")
    # A second run brings only what is new.
    alice.append(b"a&AOQ-.b", b"Subject: new\r\n\r\nx\r\n")
    assert "1 message brought" in bring(house, "bob", *source)
    assert "0 messages brought" in bring(house, "bob", *source)


def test_server_that_is_not_believed(house, port, tmp_path):
    password = tmp_path / "password"
    password.write_text("wrong\n")
    url = f"imaps://alice@localhost@localhost:{port}"
    assert "TLS" in bring(house, "bob", "-p", password, url, code=111)
    ca = house.etc / "tls/ca.pem"
    assert "login" in bring(house, "bob", "-p", password, "-C", ca, url,
                            code=111)
    password.write_text("a\n")
    assert "TLS" in bring(
        house, "bob", "-p", password, "-C", ca,
        f"imaps://alice@localhost@127.0.0.1:{port}", code=111)


DOVECOT = """\
base_dir={d}/run
protocols=imap
listen=127.0.0.1
ssl=required
ssl_cert=<{tls}/ec.pem
ssl_key=<{tls}/ec.key
mail_location=maildir:{d}/mail
log_path={d}/log
first_valid_uid=100
default_internal_user=nobody
default_login_user=nobody
default_internal_group=nogroup
passdb {{
 driver=passwd-file
 args={d}/passwd
}}
userdb {{
 driver=passwd-file
 args={d}/passwd
}}
service imap-login {{
 inet_listener imap {{
  port=0
 }}
 inet_listener imaps {{
  port={port}
  ssl=yes
 }}
}}
namespace inbox {{
 inbox=yes
}}
"""


@pytest.mark.soak
def test_dovecot(house, connect):
    """An account of Debian's dovecot."""
    program = shutil.which("dovecot", path="/usr/sbin:/usr/bin")
    if program is None:
        pytest.skip("no dovecot here")
    folder = new_folder("dovecot")
    mail = make_maildir(folder / "mail")
    deep = make_maildir(folder / "mail" / ".A&AOQ-.b")
    for i in range(3):
        deliver(mail, f"Subject: {i}\n\nx\n", ":2,S", "cur")
        deliver(deep, f"Subject: {i}\n\nx\n", ":2,F", "cur")
    (folder / "passwd").write_text(f"al:{{PLAIN}}pw:65534:65534::{folder}::\n")
    (folder / "pw").write_text("pw\n")
    port, tls = free_port(), house.etc / "tls"
    (folder / "conf").write_text(
        DOVECOT.format(d=folder, tls=tls, port=port))
    subprocess.run(["chown", "-R", "65534:65534", folder], check=True)
    folder.chmod(0o755)
    with subprocess.Popen([program, "-F", "-c", folder / "conf"]) as server:
        try:
            def is_up():
                with socket.socket() as s:
                    return s.connect_ex(("127.0.0.1", port)) == 0
            wait_until(is_up, what="dovecot")
            source = ["-p", folder / "pw", "-C", tls / "ca.pem",
                      f"imaps://al@localhost:{port}"]
            assert "6 messages brought" in bring(house, "carol", *source)
            assert "0 messages brought" in bring(house, "carol", *source)
        finally:
            server.terminate()
    carol = connect("carol")
    told = fetch(carol, b"A&AOQ-.b", b"FLAGS BODY.PEEK[]")
    assert len(told) == 3
    assert b"FLAGS (\\Flagged)" in told[0] and \
        told[0].endswith(b"Subject: 0\r\n\r\nx\r\n)")
    shutil.rmtree(folder)
