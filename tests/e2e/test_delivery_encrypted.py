"""Delivery encrypted to the key in the mailbox, on a whole host."""
import email
import email.policy
import imaplib
import os
import re
import shutil
import subprocess
import tempfile

import pytest

from dnsserver import DnsServer
from host import Host, kill, new_folder, prefix, process_status, wait_until

ALICE, BOB = "alice@mx.example.org", "bob@mx.example.org"
KEY = "kereru-encrypt-to"
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
BODY = "Our secret, Gr\u00fc\u00dfe.\n.\nFrom here on.\n"
MESSAGE = ("From: Joe <joe@elsewhere.test>\r\nTo: alice@mx.example.org\r\n"
           "Message-ID: <%s@elsewhere.test>\r\nSubject: hush %s\r\n"
           "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
           "Content-Transfer-Encoding: 8bit\r\n\r\n")


class Gpg:
    def __init__(self, home):
        self.env = {**os.environ, "GNUPGHOME": home}
        self("--quick-generate-key", "Alice <alice@mx.example.org>", "ed25519",
             "sign", "never")
        told = self("--with-colons", "--list-keys").decode()
        self("--quick-add-key", re.search("^fpr:+([0-9A-F]+):", told, re.M)[1],
             "cv25519", "encr", "never")

    def __call__(self, *argv, data=None):
        return subprocess.run(
            ["gpg", "--batch", "-q", "--pinentry-mode", "loopback",
             "--passphrase", "", *argv], input=data, check=True, timeout=60,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=self.env).stdout

    def read(self, path):
        """The message inside, of a delivered file."""
        outside = email.message_from_bytes(path.read_bytes())
        assert outside.get_content_type() == "multipart/encrypted"
        inside = self("--decrypt", data=outside.get_payload(1).get_payload(
            decode=True))
        # RFC 3156, 5: with CRLF.
        assert inside.count(b"\n") == inside.count(b"\r\n")
        return email.message_from_bytes(inside.replace(b"\r\n", b"\n"),
                                        policy=email.policy.default)


@pytest.fixture(scope="module")
def gpg():
    with tempfile.TemporaryDirectory(prefix="kr-gpg-") as home:
        yield Gpg(home)
        subprocess.run(["gpgconf", "--kill", "all"],
                       env={**os.environ, "GNUPGHOME": home})


@pytest.fixture(scope="module")
def host():
    """Its programs are its own: one of them is replaced now and then."""
    folder = new_folder("libexec")
    libexec = folder / "kereru"
    shutil.copytree(prefix() / "libexec/kereru", libexec)
    with DnsServer() as dns, Host(
            users={"alice": "secret", "bob": "secret"},
            settings={"delivery-encryption": "yes", "libexec": libexec,
                      "check": "yes", "resolver": dns.address},
            services=("smtp", "imap", "queue", "check")) as h:
        h.write("rules", ["rule GTUBE gtube=yes junk"])
        h.compile()
        yield h
    shutil.rmtree(folder)


@pytest.fixture
def mailbox(host):
    """Alice's, empty."""
    maildir = host.maildir(ALICE)
    (maildir / KEY).unlink(missing_ok=True)
    for path in host.mail(ALICE):
        path.unlink()
    yield maildir
    (maildir / KEY).unlink(missing_ok=True)


def put_key(host, octets):
    path = host.maildir(ALICE) / "tmp" / KEY
    path.write_bytes(octets)
    os.chown(path, host.users[ALICE], host.users[ALICE])
    path.rename(host.maildir(ALICE) / KEY)


def send(host, name, to=ALICE, body=BODY):
    host.send("joe@elsewhere.test", [to],
              (MESSAGE % (name, name) + body.replace("\n", "\r\n")).encode())


def wait_for_reason(host, reason):
    return wait_until(lambda: re.search(reason, host.mailq()), 20,
                      f"{reason} in the queue")


def assert_nothing_there(host):
    assert not host.mail(ALICE)
    # GnuPG may have a folder there, while it tries again.
    assert not [p for p in (host.maildir(ALICE) / "tmp").iterdir()
                if not p.name.startswith("mime-crypt.")]


@pytest.mark.parametrize("armor", [["--armor"], []])
def test_it_can_be_read_with_the_key_alone(host, gpg, mailbox, armor):
    put_key(host, gpg("--export", *armor))
    send(host, "one")
    [path] = host.wait_for_mail(ALICE)
    text = path.read_bytes()
    assert text.startswith(b"Return-Path: <joe@elsewhere.test>\n"
                           b"Delivered-To: alice@mx.example.org\nReceived: ")
    assert b"secret" not in text and b"hush" not in text
    assert b"\r" not in text and f",S={len(text)}," in path.name
    inside = gpg.read(path)
    assert inside.get_content() == BODY
    assert inside["subject"] == "hush one"
    # Who has no key gets it in clear.
    send(host, "two", BOB)
    [path] = host.wait_for_mail(BOB)
    assert BODY.encode() in path.read_bytes()
    path.unlink()


def test_imap_shows_it(host, gpg, mailbox):
    put_key(host, gpg("--export"))
    send(host, "imap")
    [path] = host.wait_for_mail(ALICE)
    text = path.read_bytes()
    with imaplib.IMAP4(host.address, host.ports["imap"]) as m:
        context = host.tls_context()
        context.check_hostname = False
        m.starttls(context)
        m.login(ALICE, "secret")
        m.select("INBOX")
        _, found = m.fetch("1", "(BODYSTRUCTURE BODY.PEEK[])")
    assert b'"ENCRYPTED"' in found[0][0].upper() + found[1].upper()
    assert found[0][1] == text.replace(b"\n", b"\r\n")


def test_what_is_encrypted_stays_as_it_is(host, gpg, mailbox):
    put_key(host, gpg("--export"))
    send(host, "first")
    [path] = host.wait_for_mail(ALICE)
    message = path.read_bytes()
    message = message[message.index(b"From: Joe"):]
    path.unlink()
    host.send("joe@elsewhere.test", [ALICE], message.replace(b"\n", b"\r\n"))
    [path] = host.wait_for_mail(ALICE)
    assert path.read_bytes().endswith(b"\n" + message)


def test_what_is_only_signed_is_encrypted(host, gpg, mailbox):
    put_key(host, gpg("--export"))
    host.send("joe@elsewhere.test", [ALICE],
              "Subject: x\r\nMIME-Version: 1.0\r\n"
              "Content-Type: application/pkcs7-mime; smime-type=Signed-Data\r\n"
              "\r\nc2VjcmV0\r\n")
    [path] = host.wait_for_mail(ALICE)
    assert gpg.read(path).get_content_type() == "application/pkcs7-mime"


def test_junk_too(host, gpg, mailbox):
    put_key(host, gpg("--export"))
    send(host, "junk", body=GTUBE + "\n")
    [path] = host.wait_for_mail(ALICE, folder="Junk")
    assert gpg.read(path).get_content() == GTUBE + "\n"
    assert GTUBE.encode() not in path.read_bytes()
    assert_nothing_there(host)


def test_a_broken_key_puts_mail_off(host, mailbox):
    put_key(host, b"no key at all\n")
    send(host, "broken")
    wait_for_reason(host, "can't be encrypted to the mailbox's key: \\w+")
    assert_nothing_there(host)
    host.wait_for_log("queue", "local event=encrypt-failed .*why=")
    (mailbox / KEY).unlink()
    [path] = host.wait_for_mail(ALICE)
    assert path.read_bytes().endswith(BODY.encode())
    assert not list((mailbox / "tmp").iterdir())


def test_a_link_is_no_key(host, gpg, mailbox):
    (mailbox / "key").write_bytes(gpg("--export"))
    os.chown(mailbox / "key", host.users[ALICE], -1)
    (mailbox / KEY).symlink_to("key")
    send(host, "link")
    wait_for_reason(host, f"{KEY} is not a file of the mailbox's own")
    assert_nothing_there(host)
    # Nor is a file of somebody else.
    (mailbox / KEY).unlink()
    shutil.copyfile(mailbox / "key", mailbox / "tmp" / KEY)
    (mailbox / "tmp" / KEY).rename(mailbox / KEY)
    attempts = host.log("queue").count("not a file of the mailbox's own")
    wait_until(lambda: host.log("queue").count(
        "not a file of the mailbox's own") > attempts, 20, "another try")
    assert_nothing_there(host)
    put_key(host, gpg("--export"))
    [path] = host.wait_for_mail(ALICE)
    assert gpg.read(path).get_content() == BODY


def lockers(host):
    """What hangs in place of mime-crypt, and the process that started it."""
    uid = str(host.users[ALICE])
    found = []
    for pid in host.pids():
        try:
            status = process_status(pid)
        except OSError:
            continue
        if status["Name"] == "sleep" and status["Uid"].split()[0] == uid:
            found.append((pid, int(status["PPid"])))
    return found


def test_whatever_ends_before_it_is_encrypted(host, gpg, mailbox):
    program = host.settings["libexec"] / "mime-crypt"
    kept = program.with_name("kept")
    program.rename(kept)
    put_key(host, gpg("--export"))
    send(host, "ended")
    wait_for_reason(host, "mime-crypt can't be started")
    program.write_text("#!/bin/sh\nexec sleep 300\n")
    program.chmod(0o755)
    [(_, locker)] = wait_until(lambda: lockers(host), 20, "sleep")
    status = process_status(locker)
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    kill(locker)
    wait_for_reason(host, "what encrypts gave no answer")
    assert_nothing_there(host)
    wait_until(lambda: lockers(host), 20, "sleep")
    host.crash()
    assert len(host.queued()) == 1
    assert_nothing_there(host)
    kept.rename(program)
    host.start()
    [path] = host.wait_for_mail(ALICE)
    assert gpg.read(path).get_content() == BODY
    host.wait_for_empty_queue()
