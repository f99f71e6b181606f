"""Programs that people read mail with: each logs in over TLS, sees what is in
the mailbox and fetches a message with an attachment, octet for octet; those
that write do so too. (curl, mutt and mbsync: test_clients.py.)"""
import base64
import contextlib
import imaplib
import os
import poplib
import pty
import re
import select
import signal
import subprocess
import time
import uuid

import pytest

from host import Host, wait_until

BOB, CAROL = "bob@mx.example.org", "carol@mx.example.org"
# What a naive reader changes: lines of dots, of one blank, "From " lines.
PICTURE = bytes(range(256)) * 20
TEXT = "Hello,\n.a line with a dot\n.\nFrom here on\n \nthe end\n"


@pytest.fixture(scope="module")
def host():
    with Host(users={"bob": "secret", "carol": "secret"},
              services=("auth", "pop3", "imap")) as h:
        yield h


@pytest.fixture(scope="module", autouse=True)
def first(host):
    """There is always one in the mailbox."""
    return put(host)


def new_message():
    word = uuid.uuid4().hex
    picture = base64.encodebytes(PICTURE).decode()
    return word, (
        f"From: Alice <alice@mx.example.org>\nTo: {BOB}\n"
        f"Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?= {word}\n"
        f"Message-ID: <{word}@mx.example.org>\n"
        "Date: Tue, 24 Nov 2026 12:00:00 +0000\nMIME-Version: 1.0\n"
        'Content-Type: multipart/mixed; boundary="=_b"\n\n'
        f"--=_b\nContent-Type: text/plain; charset=utf-8\n\n{TEXT}\n"
        "--=_b\nContent-Type: image/png; name=a.png\n"
        "Content-Transfer-Encoding: base64\n"
        "Content-Disposition: attachment; filename=a.png\n\n"
        f"{picture}\n--=_b--\n")


def put(host, user=BOB):
    """A message that is in the mailbox, as local leaves it there."""
    word, text = new_message()
    maildir = host.maildir(user)
    tmp = maildir / "tmp" / f"{int(time.time())}.{word}.mx"
    tmp.write_text(text)
    os.chown(tmp, host.users[user], host.users[user])
    tmp.rename(maildir / "new" / tmp.name)
    return word, text


def find(host, word, folder=""):
    for path in host.mail(BOB, folder):
        with contextlib.suppress(FileNotFoundError):
            if word in path.read_text(errors="replace"):
                return path
    return None


def found(host, word, folder=""):
    return wait_until(lambda: find(host, word, folder),
                      what=f"{word} in {folder or 'INBOX'}")


def flags(host, word, folder=""):
    return set(found(host, word, folder).name.rpartition(":2,")[2])


@pytest.fixture
def run(tmp_path):
    """run(command...): its output; it must succeed."""
    def call(*command, timeout=30, **more):
        env = {"HOME": str(tmp_path), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
               "LC_ALL": "C.UTF-8", "TERM": "xterm", **more.pop("env", {})}
        done = subprocess.run(
            [str(c) for c in command], timeout=timeout, env=env,
            cwd=more.pop("cwd", tmp_path),
            stdin=more.pop("stdin", subprocess.DEVNULL),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)
        assert done.returncode == 0, done.stdout.decode(errors="replace")
        return done.stdout.decode(errors="replace")
    return call


def write(path, text, mode=0o600):
    path.write_text(text)
    path.chmod(mode)
    return path


def new_maildir(path):
    for part in ("cur", "new", "tmp"):
        (path / part).mkdir(parents=True)
    return path


def copies(folder, word):
    """The files below folder that have this word in them."""
    return [p for p in folder.rglob("*") if p.is_file()
            and word in p.read_text(errors="replace")]


def is_whole(text, message):
    """The message as it was, but for header fields that were added."""
    head, _, body = message.partition("\n\n")
    got_head, _, got = text.replace("\r\n", "\n").partition("\n\n")
    return got == body and set(head.split("\n")) <= set(got_head.split("\n"))


def fingerprint(host, kind):
    text = subprocess.run(
        ["openssl", "x509", "-in", host.certificate, "-noout", "-fingerprint",
         f"-{kind}"], check=True, text=True, stdout=subprocess.PIPE).stdout
    return text.strip().partition("=")[2]


def context(host):
    it = host.tls_context()
    it.check_hostname = False
    return it


# Python

def test_imaplib(host):
    word, text = put(host)
    with imaplib.IMAP4(host.address, host.ports["imap"]) as c:
        c.starttls(context(host))
        c.login(BOB, "secret")
        assert c.enable("UTF8=ACCEPT")[0] == "OK"
        assert any(b"INBOX" in line for line in c.list()[1])
        c.create("Work")
        c.subscribe("Work")
        assert any(b"Work" in line for line in c.lsub()[1])
        c.select("INBOX")
        [uids] = c.uid("SEARCH", None, "SUBJECT", word)[1]
        uid = uids.decode()
        [(head, got), _] = c.uid("FETCH", uid, "(RFC822.SIZE RFC822)")[1]
        assert got == text.replace("\n", "\r\n").encode()
        assert re.search(rb"RFC822.SIZE %d\b" % len(got), head)
        assert c.append("Work", r"(\Seen)", None, got)[0] == "OK"
        assert c.uid("COPY", uid, "Work")[0] == "OK"
        assert c.select("Work")[1] == [b"2"]
        assert c.sort("REVERSE DATE", "UTF-8", "ALL")[1] == [b"2 1"] or \
            c.sort("DATE", "UTF-8", "ALL")[1] == [b"1 2"]
        c.store("1:2", "+FLAGS", r"(\Deleted)")
        assert c.expunge()[1] == [b"1", b"1"] or c.select("Work")[1] == [b"0"]
        c.select("INBOX")
        c.delete("Work")


@pytest.mark.parametrize("implicit", [True, False])
def test_poplib(host, implicit):
    word, text = put(host)
    if implicit:
        c = poplib.POP3_SSL(host.address, host.ports["pop3s"],
                            context=context(host), timeout=20)
    else:
        c = poplib.POP3(host.address, host.ports["pop3"], timeout=20)
        c.stls(context(host))
    c.user(BOB)
    c.pass_("secret")
    count, octets = c.stat()
    assert sum(int(line.split()[1]) for line in c.list()[1]) == octets
    ids = [line.split()[1] for line in c.uidl()[1]]
    assert len(set(ids)) == count
    [n] = [n for n in range(1, count + 1)
           if any(word.encode() in line for line in c.top(n, 0)[1])]
    assert b"\r\n".join(c.retr(n)[1]) + b"\r\n" == \
        text.replace("\n", "\r\n").encode()
    c.dele(n)
    c.quit()
    assert find(host, word) is None


# Those that copy a mailbox

def test_offlineimap_syncs_both_ways(host, run, tmp_path):
    word, text = put(host)
    near = tmp_path / "mail"
    rc = write(tmp_path / "rc", f"""\
[general]
accounts = a
ui = quiet
metadata = {tmp_path}/meta
[Account a]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = {near}
[Repository far]
type = IMAP
remotehost = {host.address}
remoteport = {host.ports["imaps"]}
remoteuser = {BOB}
remotepass = secret
ssl = yes
cert_fingerprint = {fingerprint(host, "sha1").replace(":", "").lower()}
""")
    run("offlineimap", "-c", rc, "-o")
    [copy] = copies(near, word)
    assert is_whole(copy.read_text(), text)
    back, more = new_message()
    write(near / "INBOX/new" / f"1700000000.{back}.near", more)
    copy.rename(near / "INBOX/cur" / (copy.name.partition(":")[0] + ":2,FS"))
    run("offlineimap", "-c", rc, "-o")
    assert is_whole(found(host, back).read_text(), more)
    assert {"F", "S"} <= flags(host, word)


@pytest.mark.parametrize("kind,port", [
    ("IMAP", "imaps"), ("POP3", "pop3s")])
def test_getmail(host, run, kind, port):
    word, text = put(host, CAROL)
    # It delivers nothing as root.
    folder = host.folder / f"getmail-{kind}"
    near = new_maildir(folder / "mail")
    more = "mailboxes = ('INBOX',)\n" if kind == "IMAP" else ""
    rc = write(folder / "rc", f"""\
[retriever]
type = Simple{kind}SSLRetriever
server = {host.address}
port = {host.ports[port]}
username = {CAROL}
password = secret
{more}[destination]
type = Maildir
path = {near}/
[options]
read_all = false
delivered_to = false
received = false
""")
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, 65534, 65534)
    as_nobody = {"user": 65534, "group": 65534, "extra_groups": []}
    # What has been fetched is known again, by its UID.
    for _ in range(2):
        # It can miss the end of a child of its own and wait for ever.
        with contextlib.suppress(subprocess.TimeoutExpired):
            run("getmail", "--getmaildir", folder, "--rcfile", rc, timeout=10,
                cwd=folder, **as_nobody)
        [copy] = copies(near, word)
        assert is_whole(copy.read_text(), text)


@pytest.mark.parametrize("kind,port", [
    ("imap", "imap"), ("pop3", "pop3s")])
def test_fetchmail(host, run, tmp_path, kind, port):
    word, text = put(host)
    into = tmp_path / "got"
    script = write(tmp_path / "mda", f"#!/bin/sh\ncat >>{into}\n", 0o700)
    tls = "ssl" if port.endswith("s") else "sslproto 'TLS1.2+'"
    rc = write(tmp_path / "rc", f"""\
poll {host.address} proto {kind} port {host.ports[port]}
user "{BOB}" pass "secret" {tls} no sslcertck
sslfingerprint "{fingerprint(host, 'md5')}"
keep fetchall no rewrite mda "{script}"
""")
    run("fetchmail", "-f", rc, "--nosyslog", "--nodetach", "-N",
        env={"FETCHMAILHOME": str(tmp_path)})
    # Only the end of the body tells one message from the next here.
    assert word in into.read_text()
    assert text.partition("\n\n")[2] in into.read_text()


@pytest.mark.parametrize("kind,port", [("imaps", "imaps"), ("pop3s", "pop3s")])
def test_fdm(host, run, tmp_path, kind, port):
    word, text = put(host)
    near = new_maildir(tmp_path / "mail")
    rc = write(tmp_path / "rc", f"""\
set no-received
set lock-types flock
account "a" {kind} server "{host.address}" port {host.ports[port]}
	user "{BOB}" pass "secret" keep
action "put" maildir "{near}"
match all action "put"
""")
    # It fetches as a user of its own.
    queue = host.folder / "fdm"
    queue.mkdir(exist_ok=True)
    queue.chmod(0o1777)
    run("fdm", "-f", rc, "-u", "root", "fetch", env={"TMPDIR": str(queue)})
    [copy] = copies(near, word)
    assert is_whole(copy.read_text(), text)


@pytest.mark.parametrize("tls", ["on", "off"])
def test_mpop(host, run, tmp_path, tls):
    word, text = put(host)
    near = new_maildir(tmp_path / "mail")
    rc = write(tmp_path / "rc", f"""\
defaults
tls on
tls_starttls {"off" if tls == "on" else "on"}
tls_fingerprint {fingerprint(host, "sha256")}
keep on
uidls_file {tmp_path}/uidls
received_header off
account default
host {host.address}
port {host.ports["pop3s" if tls == "on" else "pop3"]}
user {BOB}
password secret
delivery maildir {near}
""")
    run("mpop", "-C", rc, "-q", "-a")
    [copy] = copies(near, word)
    assert is_whole(copy.read_text(), text)
    before = len(list((near / "new").iterdir()))
    run("mpop", "-C", rc, "-q", "-a")
    assert len(list((near / "new").iterdir())) == before


def test_imapfilter(host, run, tmp_path):
    word, _ = put(host)
    rc = write(tmp_path / "rc.lua", f"""\
options.hostnames = false
options.timeout = 20
options.starttls = true
a = IMAP {{ server = '{host.address}', port = {host.ports["imap"]},
	username = '{BOB}', password = 'secret' }}
a:create_mailbox('Sorted')
found = a.INBOX:contain_subject('{word}') * a.INBOX:is_unseen()
found:add_flags({{ '$Work' }})
found:mark_flagged()
found:copy_messages(a.Sorted)
mailboxes, folders = a:list_all()
for _, name in ipairs(mailboxes) do print('box ' .. name) end
print('now ' .. #a.Sorted:is_flagged())
""")
    out = run("imapfilter", "-t", host.ca, "-c", rc)
    assert "box Sorted" in out and "now 1" in out
    assert "F" in flags(host, word) and "F" in flags(host, word, "Sorted")


def test_s_nail(host, run, tmp_path):
    word, text = put(host)
    user = BOB.replace("@", "%40")
    for url in (f"imaps://{user}:secret@{host.address}:{host.ports['imaps']}"
                "/INBOX",
                f"pop3s://{user}:secret@{host.address}:"
                f"{host.ports['pop3s']}"):
        box = tmp_path / f"box-{url[0]}"
        out = run("s-nail", "-:", "/", "-Sv15-compat", "-Sttycharset=utf-8",
                  f"-Stls-ca-file={host.ca}", "-Stls-verify=ignore",
                  "-Sheader", "-Sinbox=%", "-R", "-f", url,
                  stdin=None, input=f"headers\ncopy '(subject {word})' {box}\n"
                  "exit\n".encode())
        assert "alice@" in out, out
        assert text.partition("\n\n")[2] in \
            box.read_text().replace("\n>From ", "\nFrom ")


# On a terminal

def on_terminal(command, steps, env, cwd, timeout=30):
    """steps: (what the screen must show, what is typed then)... Then it must
    end. With a third element, seconds, it is typed after these anyway: what a
    screen shows already may not be drawn again."""
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        os.execvpe(command[0], command, env)
    end = until = time.monotonic() + timeout
    shown, past = "", []

    def more():
        nonlocal shown
        left = max(0, until - time.monotonic())
        if not select.select([fd], [], [], left)[0]:
            raise TimeoutError(f"still {shown[-3000:]!r}; before {past[-1:]!r}")
        try:
            octets = os.read(fd, 65536)
        except OSError:
            octets = b""
        shown += octets.decode(errors="replace")
        return octets != b""

    try:
        for wanted, keys, *patience in steps:
            until = min([end] + [time.monotonic() + s for s in patience])
            try:
                while not re.search(wanted, shown):
                    assert more(), f"no {wanted!r} in {shown!r}"
            except TimeoutError:
                if not patience:
                    raise
            past.append(shown)
            shown = ""
            os.write(fd, keys.encode())
        until = end
        while more():
            pass
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(fd)


def terminal_env(tmp_path):
    return {"HOME": str(tmp_path), "TERM": "xterm", "LC_ALL": "C.UTF-8",
            "PATH": "/usr/bin:/bin", "COLUMNS": "80", "LINES": "24"}


def test_alpine(host, tmp_path):
    server = (f"{{{host.address}:{host.ports['imap']}/tls/novalidate-cert"
              f"/user={BOB}}}")
    rc = write(tmp_path / "pinerc", f"""\
personal-name=Bob
user-domain=mx.example.org
inbox-path={server}INBOX
folder-collections=Mail {server}[]
feature-list=quit-without-confirm
sort-key=arrival/reverse
last-version-used=6.26
last-time-prune-questioned=126.11
""")
    on_terminal(
        ["alpine", "-p", str(rc), "-nowrite_password_cache", "-i"],
        [("(?i)password", "secret\r"), ("(?s)Preserve.*Yes", "n"),
         ("FldrList", "\r", 3),
         ("the end", "sSaved\r"), (r"\[Yes\]", "y"),
         (r"(?i)copied|saved to|saving\s+done", "q"),
         ("(?s)Expunge.*Yes", "n")],
        terminal_env(tmp_path), tmp_path)
    [saved] = host.mail(BOB, "Saved")
    assert saved.read_text() in [p.read_text() for p in host.mail(BOB)]


def test_neomutt(host, run, tmp_path):
    word, text = put(host)
    box = tmp_path / "box"
    rc = write(tmp_path / "rc", f"""\
set certificate_file={host.ca}
set ssl_ca_certificates_file={host.ca}
set ssl_verify_host=no ssl_starttls=yes ssl_force_tls=yes
set imap_user={BOB} imap_pass=secret
set imap_qresync=yes imap_condstore=yes imap_rfc5161=yes
set header_cache={tmp_path}/cache
set folder=imap://{host.address}:{host.ports["imap"]}/
set spoolfile=+INBOX record="" mbox_type=mbox
set confirmappend=no confirmcreate=no delete=yes quit=yes
""")
    for keys in (f"<limit>{word}<enter><flag-message><copy-message>{box}"
                 "<enter><quit>",
                 f"<limit>{word}<enter><delete-message><quit>"):
        on_terminal(["neomutt", "-n", "-F", str(rc), "-e", f"push '{keys}'"],
                    [], terminal_env(tmp_path), tmp_path)
    assert text.partition("\n\n")[2] in \
        box.read_text().replace("\n>From ", "\nFrom ")
    wait_until(lambda: find(host, word) is None, what="the end of it")
