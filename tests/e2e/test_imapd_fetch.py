"""BINARY and PREVIEW: imapd alone."""
import base64
import os
import re
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "lib"))
from imapalone import Client, deliver, make_maildir  # noqa: E402


@pytest.fixture
def maildir(tmp_path):
    return make_maildir(tmp_path / "Maildir")


@pytest.fixture
def client(maildir):
    c = Client(maildir)
    yield c
    c.stop()


OCTETS = bytes(range(256)) + b"\n\r\r\n"
MIXED = (b"Subject: b\nMIME-Version: 1.0\n"
         b"Content-Type: multipart/mixed; boundary=b\n\n"
         b"--b\nContent-Transfer-Encoding: base64\n\n"
         + base64.encodebytes(b"line one\r\nline two\r\n") +
         b"--b\nContent-Type: application/x\n"
         b"Content-Transfer-Encoding: BASE64\n\n"
         + base64.encodebytes(OCTETS) +
         b"--b\nContent-Transfer-Encoding: quoted-printable\n\n"
         b"a=3D=\nb\nc=00d\n"
         b"--b\nContent-Transfer-Encoding: x-unknown\n\nwhat\n"
         b"--b\n\nplain\n--b--\n")


def part(client, section, more=b""):
    line = client.ok(b"FETCH 1 BINARY.PEEK[%s]%s" % (section, more))[0]
    m = re.match(rb"1 FETCH \(BINARY\[[\d.]*\](?:<\d+>)? (~?)\{(\d+)\}\r\n",
                 line)
    assert m, line
    return m[1], line[m.end():m.end() + int(m[2])]


def test_binary(client, maildir):
    deliver(maildir, MIXED)
    client.ok(b"SELECT INBOX")
    assert part(client, b"1") == (b"", b"line one\r\nline two\r\n")
    assert part(client, b"2") == (b"~", OCTETS)
    assert part(client, b"2", b"<1.20>") == (b"", OCTETS[1:21])
    assert part(client, b"2", b"<300.20>") == (b"", b"")
    assert part(client, b"3") == (b"~", b"a=b\r\nc\0d")
    assert part(client, b"5") == (b"", b"plain")
    assert part(client, b"")[1] == MIXED.replace(b"\n", b"\r\n")
    assert client.ok(b"FETCH 1 (BINARY.SIZE[1] BINARY.SIZE[2] UID "
                     b"BINARY.SIZE[3] BINARY.SIZE[])") == [
        b"1 FETCH (BINARY.SIZE[1] 20 BINARY.SIZE[2] 260 UID 1 "
        b"BINARY.SIZE[3] 8 BINARY.SIZE[] %d)"
        % len(MIXED.replace(b"\n", b"\r\n"))]
    assert client.ok(b"FETCH 1 (BINARY.PEEK[9])") == [
        b"1 FETCH (BINARY[9] NIL)"]
    # What cannot be decoded is not sent, all else is.
    status, untagged = client.command(b"FETCH 1 (UID BINARY.PEEK[4])")
    assert status.startswith(b"NO [UNKNOWN-CTE]")
    assert untagged == [b"1 FETCH (UID 1)"]
    status, untagged = client.command(b"FETCH 1 (BINARY.SIZE[4])")
    assert status.startswith(b"NO [UNKNOWN-CTE]") and untagged == []
    assert client.ok(b"FETCH 1 FLAGS") == [b"1 FETCH (FLAGS (\\Recent))"]
    assert b"FLAGS (\\Seen \\Recent)" in client.ok(b"FETCH 1 BINARY[1]")[0]
    for bad in (b"BINARY[TEXT]", b"BINARY[1.MIME]", b"BINARY.SIZE[1]<0.5>",
                b"BINARY.SIZE.PEEK[1]", b"BINARY", b"BINARY[HEADER]"):
        client.bad(b"FETCH 1 " + bad)


@pytest.mark.parametrize("message, wanted", [
    (b"Subject: x\n\nHello,\n\n> old\n  this  is\tnew\n", "Hello, this is new"),
    (b"Subject: x\nContent-Type: text/plain; charset=iso-8859-1\n"
     b"Content-Transfer-Encoding: quoted-printable\n\nGr=FC=DFe\n", "Grüße"),
    (b"Content-Type: text/html\n\n<html><head><title>no</title><style>p {}"
     b"</style></head><!-- > no --><body><p>A &amp; B</p>C&#x263a;&copy"
     b"<script>no</script ></html>", "A & B C☺&copy"),
    (b"Content-Type: multipart/mixed; boundary=b\n\n--b\n"
     b"Content-Disposition: attachment\n\nno\n--b\n"
     b"Content-Type: image/png\n\nno\n--b\n\nyes\n--b--\n", "yes"),
    (b"Content-Type: application/pgp-encrypted\n\nno\n", ""),
    (b"Subject: x\n\n" + b"word " * 100, ("word " * 40)[:199]),
    (b"Content-Type: text/plain; charset=utf-8\n\n" + "ä".encode() * 500,
     "ä" * 200),
    (b"Subject: x\n\n", ""),
    (b"Content-Type: text/html\n\n<<a &#99999999999999; &#; & &",
     None),
])
def test_preview(client, maildir, message, wanted):
    deliver(maildir, message)
    client.ok(b"EXAMINE INBOX")
    line = client.ok(b"FETCH 1 PREVIEW")[0]
    m = re.match(rb'1 FETCH \(PREVIEW (?:"(.*)"|\{\d+\}\r\n(.*))\)$', line,
                 re.S)
    assert m, line
    got = (m[1] if m[2] is None else m[2]).decode()
    if wanted is not None:
        assert got.rstrip() == wanted.rstrip()
    assert client.ok(b"FETCH 1 (PREVIEW (LAZY) UID)") == [
        line[:-1] + b" UID 1)"]
    client.bad(b"FETCH 1 (PREVIEW (EAGER))")
