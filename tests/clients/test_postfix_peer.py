"""Debian's postfix as a peer, in both directions: SMTPUTF8, DSN, 8-bit and
lines that begin with dots arrive as they were sent."""
import email
import os
import pathlib
import shutil
import smtplib
import sys
import tempfile
import uuid

import pytest

from host import Host, wait_until

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "bench"))
import postfix  # noqa: E402
import system  # noqa: E402

pytestmark = pytest.mark.soak

ALICE, BOB = "alice@mx.example.org", "bob@mx.example.org"
CACHE = os.path.join(tempfile.gettempdir(), "kereru-postfix")


class Peer(postfix.Postfix):
    """One that relays to a host of ours."""

    def __init__(self, work, host):
        super().__init__(work, os.path.join(work, "disk"), CACHE, 0)
        self.host = host

    def _configure(self):
        super()._configure()
        with open(os.path.join(self.conf, "main.cf")) as f:
            text = f.read()
        self._write("main.cf", text.replace(
            "relayhost = [127.0.0.1]:0",
            f"relayhost = [{self.host.address}]:{self.host.ports['smtp']}") +
            "smtp_tls_security_level = may\nsmtputf8_enable = yes\n")


@pytest.fixture(scope="module")
def pair():
    port = system.free_port()
    with Host(users={"alice": "secret", "bob": "secret"},
              routes={system.DOMAIN: f"[127.0.0.1]:{port}"}) as host:
        work = tempfile.mkdtemp(prefix="kereru-postfix-", dir="/var/tmp")
        os.chmod(work, 0o755)
        os.mkdir(os.path.join(work, "disk"), 0o711)
        peer = Peer(work, host)
        peer.smtp_port = port
        try:
            peer.prepare()
            peer.start()
        except system.Unavailable as why:
            shutil.rmtree(work)
            pytest.skip(f"postfix: {why}")
        try:
            yield host, peer
        finally:
            peer.stop()
            shutil.rmtree(work)


def message(word, to):
    return (f"From: {ALICE}\r\nTo: {to}\r\nSubject: caf\u00e9 {word}\r\n"
            f"Message-ID: <{word}@mx.example.org>\r\nMIME-Version: 1.0\r\n"
            "Date: Tue, 24 Nov 2026 12:00:00 +0000\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Transfer-Encoding: 8bit\r\n\r\n"
            "na\u00efve\r\n.\r\n..\r\n" + "x" * 900 + "\r\nend\r\n").encode()


def find(paths, word):
    def look():
        for path in paths():
            octets = path.read_bytes()
            if word.encode() in octets:
                return octets
        return None
    return wait_until(look, timeout=60, what=word)


def check(octets, sent):
    m = email.message_from_bytes(octets)
    assert m.get_payload(decode=True).replace(b"\r\n", b"\n") == \
        sent.partition(b"\r\n\r\n")[2].replace(b"\r\n", b"\n")
    assert "caf\u00e9".encode() in octets


OPTIONS = dict(mail_options=["SMTPUTF8", "BODY=8BITMIME", "RET=HDRS",
                             "ENVID=x1"],
               rcpt_options=["NOTIFY=SUCCESS,FAILURE"])


def test_postfix_relays_to_us(pair):
    host, peer = pair
    word = uuid.uuid4().hex
    sent = message(word, BOB)
    with smtplib.SMTP("127.0.0.1", peer.smtp_port, timeout=30) as s:
        s.sendmail(ALICE, [BOB], sent, **OPTIONS)
    octets = find(lambda: host.mail(BOB), word)
    check(octets, sent)
    assert b" with UTF8SMTP" in octets
    # The report of success that was asked for is ours to send.
    report = find(lambda: host.mail(ALICE), "Action: delivered")
    assert b"Original-Envelope-Id: x1" in report


def test_we_relay_to_postfix(pair):
    host, peer = pair
    word = uuid.uuid4().hex
    to = system.mailbox(0)
    sent = message(word, to)
    with smtplib.SMTP(host.address, host.ports["submit"], timeout=30) as s:
        s.ehlo("client.example")
        context = host.tls_context()
        context.check_hostname = False
        s.starttls(context=context)
        s.ehlo("client.example")
        s.login(ALICE, "secret")
        s.sendmail(ALICE, [to], sent, **OPTIONS)
    check(find(lambda: pathlib.Path(peer.maildir(0)).glob("new/*"), word),
          sent)
