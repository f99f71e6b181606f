"""Accounts of a running host: a catch-all, and a user who is disabled."""
import socket
import ssl

import pytest

from host import Host

NAME = "mx.example.org"
ALICE, BOB = f"alice@{NAME}", f"bob@{NAME}"


@pytest.fixture(scope="module")
def host():
    with Host(NAME, domains={NAME: "local", "all.example": "local"},
              users={"alice": "secret", "bob": "secret"},
              services=("auth", "smtp", "imap", "queue")) as h:
        yield h


def rcpt(host, address):
    with host.smtp() as s:
        s.ehlo("client.example")
        s.mail("a@else.example")
        return s.rcpt(address)


def login(host, user, password):
    """The answer to a login by IMAP."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(
            (host.address, host.ports["imaps"]), 30) as plain, \
            context.wrap_socket(plain) as s, s.makefile("rb") as lines:
        lines.readline()
        s.sendall(b"a LOGIN %s %s\r\n" % (user.encode(), password))
        while True:
            line = lines.readline()
            if not line or line.startswith(b"a "):
                return line


def test_catch_all(host):
    assert rcpt(host, "any.body@all.example")[0] == 550
    host.kereru("alias", "add", "@all.example", ALICE)
    host.kereru("alias", "add", "bob@all.example", BOB)
    assert rcpt(host, f"nobody@{NAME}")[0] == 550
    host.send("a@else.example",
              ["Any.Body@all.example", "bob+x@all.example"],
              b"Subject: all\r\n\r\nhello\r\n")
    letter = host.wait_for_mail(ALICE)[0]
    assert b"Delivered-To: Any.Body@all.example" in letter.read_bytes()
    assert len(host.wait_for_mail(BOB)) == 1
    # Bounces go where they went; nobody else gets what only looks so.
    assert rcpt(host, "SRS0=abcd=XY=e.org=bob@all.example")[0] == 550
    host.kereru("alias", "remove", "@all.example")
    assert rcpt(host, "any.body@all.example")[0] == 550


def test_a_disabled_user(host):
    wrong = login(host, BOB, b"wrong")
    assert wrong.startswith(b"a NO [AUTHENTICATIONFAILED]")
    assert login(host, BOB, b"secret").startswith(b"a OK")
    host.kereru("user", "disable", BOB)
    assert login(host, BOB, b"secret") == wrong
    assert rcpt(host, BOB)[0] == 250
    host.kereru("user", "disable", BOB, "--refuse-mail")
    assert login(host, BOB, b"secret") == wrong
    for address in (BOB, f"bob+x@{NAME}", "bob@all.example"):
        code, text = rcpt(host, address)
        assert code == 550 and text.startswith(b"5.2.1 "), address
    assert rcpt(host, ALICE)[0] == 250
    # What does not come by SMTP fails in the queue.
    host.sendmail("-f", ALICE, BOB, message=b"Subject: x\n\nhello\n")
    letters = host.wait_for_mail(ALICE, 2)
    assert any(b"5.2.1" in x.read_bytes() for x in letters)
    host.kereru("user", "enable", BOB)
    assert login(host, BOB, b"secret").startswith(b"a OK")
    assert rcpt(host, BOB)[0] == 250
