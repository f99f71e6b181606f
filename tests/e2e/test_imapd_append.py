"""APPEND in all its forms, and REPLACE: imapd alone."""
import base64
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "lib"))
from imapalone import Client, make_maildir  # noqa: E402

ONE = b"Subject: one\r\n\r\nfirst\r\n"
TWO = b"Subject: two\r\n\r\nsecond\r\n"


@pytest.fixture
def maildir(tmp_path):
    return make_maildir(tmp_path / "Maildir")


@pytest.fixture
def client(maildir):
    c = Client(maildir)
    yield c
    c.stop()


def files(maildir):
    return sum(len(os.listdir(os.path.join(maildir, sub)))
               for sub in ("cur", "new", "tmp"))


def test_multiappend_gives_uids_in_order(client, maildir):
    status, _ = client.command(
        b'APPEND INBOX (\\Seen) {%d+}\r\n%s (\\Draft $x) '
        b'" 1-Feb-1994 21:52:25 -0800" {%d+}\r\n%s {%d+}\r\n%s'
        % (len(ONE), ONE, len(TWO), TWO, len(ONE), ONE))
    assert status.startswith(b"OK [APPENDUID "), status
    assert status.split(b"]")[0].endswith(b" 1:3")
    client.ok(b"SELECT INBOX")
    assert client.ok(b"FETCH 1:3 (FLAGS UID)") == [
        b"1 FETCH (FLAGS (\\Seen) UID 1)",
        b"2 FETCH (FLAGS (\\Draft $x) UID 2)",
        b"3 FETCH (FLAGS (\\Recent) UID 3)"]
    assert client.ok(b"FETCH 2 INTERNALDATE") == [
        b'2 FETCH (INTERNALDATE " 2-Feb-1994 05:52:25 +0000")']
    assert client.body(2) == TWO


def test_multiappend_is_all_or_nothing(client, maildir):
    long = b"x" * 70000
    for bad in (b" (\\Nonsense) {%d+}\r\n%s" % (len(TWO), TWO),
                b" {0+}\r\n", b" rubbish", b" {%d}" % 2 ** 40,
                b" {5+}\r\nhello extra", b" (" + long):
        status, _ = client.command(b"APPEND INBOX {%d+}\r\n%s%s"
                                   % (len(ONE), ONE, bad))
        assert status[:2] in (b"NO", b"BA"), status
        assert files(maildir) == 0
    client.ok(b"NOOP")


def test_synchronizing_literals_are_asked_for_one_by_one(client):
    client.send(b"x APPEND INBOX {%d}\r\n" % len(ONE))
    assert client.line().startswith(b"+ ")
    client.send(ONE + b" {%d}\r\n" % len(TWO))
    assert client.line().startswith(b"+ ")
    client.send(TWO + b"\r\n")
    assert client.answer("x")[0].startswith(b"OK [APPENDUID ")
    client.send(b"y APPEND Nowhere {%d}\r\n" % len(ONE))
    assert client.answer("y")[0].startswith(b"NO [TRYCREATE]")
    client.send(b"y APPEND {7}\r\n")
    assert client.line().startswith(b"+ ")
    client.send(b"Nowhere {%d}\r\n" % len(ONE))
    assert client.answer("y")[0].startswith(b"NO [TRYCREATE]")
    client.ok(b"NOOP")


def test_a_refused_multiappend_is_read_away(client):
    client.send(b"x APPEND Nowhere {%d+}\r\n%s (\\Seen) {%d+}\r\n%s\r\n"
                b"y NOOP\r\n" % (len(ONE), ONE, len(TWO), TWO))
    assert client.answer("x")[0].startswith(b"NO [TRYCREATE]")
    assert client.answer("y")[0].startswith(b"OK")


def test_too_many_messages_are_refused(client, maildir):
    client.send(b"x APPEND INBOX" + b" {2+}\r\nx\n" * 1001 + b"\r\n")
    assert client.answer("x")[0].startswith(b"NO [LIMIT]")
    assert files(maildir) == 0


DRAFT = (b"Subject: draft\r\nMIME-Version: 1.0\r\n"
         b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
         b"--b\r\n\r\ntext one\r\n--b\r\nContent-Type: image/png\r\n"
         b"Content-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--b--\r\n")


def test_catenate(client):
    client.ok(b"CREATE Drafts")
    uid = client.append(b"Drafts", DRAFT)
    untagged = client.ok(b"STATUS Drafts (UIDVALIDITY)")
    validity = untagged[0].split()[-1].rstrip(b")")
    base = b"/Drafts;UIDVALIDITY=%s/;UID=%d" % (validity, uid)
    status, _ = client.command(
        b'APPEND INBOX (\\Seen) CATENATE (URL "%s/;section=HEADER" TEXT '
        b'{14+}\r\n--b\r\n\r\nnew\r\n--b\r\n URL {%d+}\r\n%s/;section=2.MIME '
        b'URL "%s/;section=2" TEXT {9+}\r\n\r\n--b--\r\n)' % (
            base, len(base) + 16, base, base))
    assert status.startswith(b"BAD"), "one octet too few"
    status, _ = client.command(
        b'APPEND INBOX (\\Seen) CATENATE (URL "%s/;section=HEADER" TEXT '
        b'{17+}\r\n--b\r\n\r\nnew\r\n--b\r\n URL {%d+}\r\n%s/;section=2.MIME '
        b'URL "%s/;section=2" TEXT {9+}\r\n\r\n--b--\r\n)' % (
            base, len(base) + 16, base, base))
    assert status.startswith(b"OK [APPENDUID "), status
    client.ok(b"SELECT INBOX")
    assert client.body(1) == DRAFT.replace(b"text one", b"new")
    assert client.ok(b"FETCH 1 FLAGS") == [b"1 FETCH (FLAGS (\\Seen))"]
    # Of the selected mailbox, a whole message and a part of it.
    client.ok(b'APPEND Drafts CATENATE (URL "/;UID=1/;PARTIAL=9.5" '
              b'TEXT {4+}\r\n\r\n\r\n URL "/INBOX/;UID=1/;SECTION=1")')
    client.ok(b"SELECT Drafts")
    assert client.body(2) == b"draft\r\n\r\nnew"
    # More of them, and header fields.
    client.ok(b'APPEND Drafts CATENATE (URL '
              b'"/INBOX/;UID=1/;SECTION=HEADER.FIELDS%20(SUBJECT)") CATENATE '
              b'(URL "/INBOX/;UID=1")')
    client.ok(b"NOOP")
    assert client.body(3) == b"Subject: draft\r\n\r\n"
    assert client.body(4) == DRAFT.replace(b"text one", b"new")


@pytest.mark.parametrize("url", [
    b"/INBOX/;UID=77", b"/Nowhere/;UID=1", b"/INBOX;UIDVALIDITY=1/;UID=1",
    b"imap://host/INBOX/;UID=1", b"/INBOX/;UID=1/;SECTION=9",
    b"/INBOX/;UID=1/;SECTION=NONSENSE", b"/;UID=1", b"http://[x]/", b"",
    b"/..%2f..%2fetc/;UID=1", b"/INBOX/;UID=1/;SECTION=1]%20BODY[2"])
def test_bad_urls(client, maildir, url):
    client.append(b"INBOX", ONE)
    status, _ = client.command(
        b'APPEND INBOX CATENATE (TEXT {3+}\r\nx\r\n URL "%s" TEXT {1+}\r\ny)'
        % url)
    assert status.startswith(b"NO [BADURL " if url else b"NO"), status
    assert files(maildir) == 1 and not os.listdir(
        os.path.join(maildir, "tmp"))
    client.ok(b"NOOP")


def test_binary_parts_are_stored_in_base64(client):
    octets = bytes(range(256)) * 3 + b"\r\n\n\r"
    head = (b"Subject: b\r\nMIME-Version: 1.0\r\n"
            b"Content-Type: multipart/mixed; boundary=b\r\n"
            b"Content-Transfer-Encoding: binary\r\n\r\n--b\r\n\r\nhi\r\n"
            b"--b\r\nContent-Type: application/x\r\n"
            b"Content-Transfer-Encoding: BINARY\r\n\r\n")
    text = head + octets + b"\r\n--b--\r\n"
    client.ok(b"APPEND INBOX ~{%d+}\r\n%s" % (len(text), text))
    client.ok(b"SELECT INBOX")
    assert b"\0" not in client.body(1)
    assert base64.b64decode(client.body(1, b"2")) == octets
    assert client.body(1, b"2.MIME").endswith(
        b"Content-Transfer-Encoding: base64\r\n\r\n")
    assert client.body(1, b"1") == b"hi"
    client.no(b"APPEND INBOX ~{5+}\r\na\0b\r\n", b"[UNKNOWN-CTE]")
    client.ok(b"APPEND INBOX ~{%d+}\r\n%s" % (len(ONE), ONE))
    assert client.body(2) == ONE
    assert client.ok(b"NOOP") == []


@pytest.mark.parametrize("head, end", [
    (b"", b""), (b"CATENATE (TEXT ", b")")])
def test_a_literal_with_nul_is_refused_and_read_away(
        client, maildir, head, end):
    text = b"Subject: n\r\n\r\na\0b\r\nx CREATE Made\r\n" + b"y" * 70000
    client.no(b"APPEND INBOX {%d+}\r\n%s %s{%d+}\r\n%s%s"
              % (len(ONE), ONE, head, len(text), text, end), b"[CANNOT]")
    assert files(maildir) == 0
    assert client.ok(b'LIST "" Made') == []
    client.send(b"x APPEND INBOX {3}\r\n")
    assert client.line().startswith(b"+ ")
    client.send(b"a\0b\r\ny NOOP\r\n")
    assert client.answer("x")[0].startswith(b"NO [CANNOT]")
    assert client.answer("y")[0].startswith(b"OK")


def test_replace(client):
    client.ok(b"CREATE Other")
    client.ok(b"SELECT INBOX")
    client.append(b"INBOX", ONE)
    client.append(b"INBOX", ONE)
    untagged = client.ok(b"REPLACE 1 INBOX (\\Draft) {%d+}\r\n%s"
                         % (len(TWO), TWO))
    assert untagged[0].startswith(b"OK [APPENDUID ")
    assert untagged[0].split(b"]")[0].endswith(b" 3")
    assert b"1 EXPUNGE" in untagged and b"2 EXISTS" in untagged
    assert client.body(2) == TWO
    # Into another mailbox, by UID.
    untagged = client.ok(b"UID REPLACE 2 Other {%d+}\r\n%s" % (len(TWO), TWO))
    assert b"1 EXPUNGE" in untagged
    assert client.ok(b"STATUS Other (MESSAGES)") == [
        b'STATUS "Other" (MESSAGES 1)']
    # CATENATE from what is replaced.
    client.ok(b'UID REPLACE 3 INBOX CATENATE (URL "/;UID=3" TEXT '
              b'{3+}\r\nx\r\n)')
    assert client.body(1) == TWO + b"x\r\n"
    client.no(b"UID REPLACE 99 INBOX {%d+}\r\n%s" % (len(TWO), TWO),
              b"[NONEXISTENT]")
    client.no(b"REPLACE 1 Nowhere {%d+}\r\n%s" % (len(TWO), TWO),
              b"[TRYCREATE]")
    client.bad(b"REPLACE 1 INBOX {%d+}\r\n%s {%d+}\r\n%s"
               % (len(TWO), TWO, len(TWO), TWO))
    assert client.body(1) == TWO + b"x\r\n"
    client.ok(b"EXAMINE INBOX")
    client.no(b"REPLACE 1 INBOX {%d+}\r\n%s" % (len(TWO), TWO), b"[CANNOT]")
    client.ok(b"UNSELECT")
    client.bad(b"REPLACE 1 INBOX {%d+}\r\n%s" % (len(TWO), TWO))


def test_more_than_26_keywords(client):
    client.ok(b"SELECT INBOX")
    untagged = client.ok(b"APPEND INBOX (%s) {%d+}\r\n%s" % (
        b" ".join(b"k%d" % i for i in range(26)), len(ONE), ONE))
    flags = [u for u in untagged if b"PERMANENTFLAGS" in u]
    assert flags and b"\\*" not in flags[-1]
    client.no(b"APPEND INBOX (one-more) {%d+}\r\n%s" % (len(ONE), ONE),
              b"[LIMIT]")
