"""IMAP4rev2, UTF8=ACCEPT and UIDONLY: imapd alone."""
import os
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


def test_id(client):
    for good in (b"NIL", b'("name" "x" "version" NIL)', b"()",
                 b"({4+}\r\nname {1+}\r\nx)",
                 b"(" + b" ".join([b'"a" "b"'] * 4000) + b")"):
        assert client.ok(b"ID " + good) == [b'ID ("name" "Kereru")']
    for bad in (b"", b"x", b'("name")', b'("name" x)', b'(NIL "x")',
                b'("a" "b"', b'NIL x'):
        client.bad(b"ID " + bad)


def test_enable(client):
    assert client.ok(b"ENABLE NONSENSE x-foo") == [b"ENABLED"]
    assert client.ok(b"enable utf8=accept foo imap4REV2") == [
        b"ENABLED IMAP4rev2 UTF8=ACCEPT"]
    client.bad(b"ENABLE")
    client.bad(b"ENABLE (X)")
    client.bad(b"ENABLE X  Y")


def test_rev2_has_no_recent_and_answers_by_esearch(client, maildir):
    deliver(maildir)
    untagged = client.ok(b"SELECT INBOX")
    assert b"1 RECENT" in untagged
    client.ok(b"ENABLE IMAP4rev2")
    deliver(maildir)
    untagged = client.ok(b"NOOP")
    assert b"2 EXISTS" in untagged
    assert not any(b"RECENT" in u for u in untagged)
    untagged = client.ok(b"SELECT INBOX")
    assert untagged[0].startswith(b"OK [CLOSED]")
    assert not any(b"RECENT" in u or b"UNSEEN" in u for u in untagged)
    assert b'LIST () "." "INBOX"' in untagged
    assert client.ok(b"FETCH 1 FLAGS") == [b"1 FETCH (FLAGS ())"]
    assert client.ok(b"SEARCH ALL") == [
        b'ESEARCH (TAG "a%d") ALL 1:2' % client.tag]
    assert client.ok(b"UID SEARCH SEEN") == [
        b'ESEARCH (TAG "a%d") UID' % client.tag]
    client.ok(b"SEARCH CHARSET UTF-8 ALL")
    client.ok(b"CREATE a.b")
    assert client.ok(b'LIST "" a') == [
        b'LIST (\\NonExistent \\HasChildren) "." "a"']
    assert client.ok(b"STATUS INBOX (DELETED SIZE)")


@pytest.mark.parametrize("what", [b"UTF8=ACCEPT", b"IMAP4rev2"])
def test_names_in_utf8(client, maildir, what):
    client.ok(b"CREATE &AMQ-rger")
    client.ok(b"CREATE a&-b")
    client.utf8 = True
    client.ok(b"ENABLE " + what)
    assert b'LIST (\\HasNoChildren) "." "\xc3\x84rger"' in client.ok(
        b'LIST "" *')
    assert client.ok(b'LIST "" "\xc3\x84*"') and client.ok(b'LIST "" a&b')
    client.ok('CREATE "日本.語 😀"'.encode())
    client.ok('SUBSCRIBE "日本.語 😀"'.encode())
    assert os.path.isdir(os.path.join(maildir, ".&ZeVnLA-.&ip4- &2D3eAA-"))
    assert client.ok('STATUS "日本.語 😀" (MESSAGES)'.encode()) == [
        'STATUS "日本.語 😀" (MESSAGES 0)'.encode()]
    assert client.ok(b'LSUB "" "*"') == [
        'LSUB () "." "日本.語 😀"'.encode()]
    client.append('"日本.語 😀"'.encode(), b"Subject: x\r\n\r\nx\r\n")
    untagged = client.ok('SELECT "日本.語 😀"'.encode())
    assert (('LIST () "." "日本.語 😀"'.encode()) in untagged) == (
        what == b"IMAP4rev2")
    # Modified UTF-7 is nothing special any more.
    client.ok(b"CREATE &AMQ-x")
    assert os.path.isdir(os.path.join(maildir, ".&-AMQ-x"))
    for bad in (b"\xc3", b"\xff\xfe", b"a\xc0\xafb", b"\xed\xa0\x80",
                b"x/\xc3\x84", b"\xc2\x85"):
        client.no(b'CREATE "%s"' % bad, b"[CANNOT]")
    if what == b"UTF8=ACCEPT":
        client.bad(b"SEARCH CHARSET UTF-8 ALL")
    client.ok(b"SEARCH SUBJECT \"\xc3\xa4\"")
    client.ok('RENAME "日本.語 😀" "ö&ä"'.encode())
    assert client.ok('GETQUOTAROOT "ö&ä"'.encode()) == [
        'QUOTAROOT "ö&ä"'.encode()]
    client.ok('SETMETADATA "ö&ä" (/private/comment "x")'.encode())
    assert client.ok('GETMETADATA "ö&ä" /private/comment'.encode()) == [
        'METADATA "ö&ä" ("/private/comment" "x")'.encode()]


def test_names_stay_in_utf7_for_others(client):
    client.no(b'CREATE "\xc3\x84rger"', b"[CANNOT]")


def test_messages_in_utf8(client):
    """RFC 6855, 4: what Thunderbird sends once it has enabled UTF8=ACCEPT."""
    text = "Subject: grüße\r\n\r\nbody\r\n".encode()
    literal = b"UTF8 (~{%d+}\r\n%s)" % (len(text), text)
    client.bad(b"APPEND INBOX " + literal)
    client.ok(b"ENABLE UTF8=ACCEPT")
    client.ok(b'APPEND "INBOX" (\\Seen) ' + literal)
    client.ok(b"APPEND INBOX (\\Seen) %s () %s" % (literal, literal))
    client.ok(b"APPEND INBOX CATENATE (%s TEXT {1+}\r\nx)" % literal)
    client.ok(b"SELECT INBOX")
    assert [client.body(n) for n in (1, 2, 3, 4)] == \
        [text, text, text, text + b"x"]
    for bad in (b"UTF8 ({1+}\r\nx)", b"UTF8 ~{1+}\r\nx",
                b"UTF8 (~{1+}\r\nx", b"UTF9 (~{1+}\r\nx)"):
        client.bad(b"APPEND INBOX " + bad)
    client.no(b"APPEND INBOX UTF8 (~{3+}\r\na\0b)", b"[UNKNOWN-CTE]")
    assert client.ok(b"STATUS INBOX (MESSAGES)") == [
        b'STATUS "INBOX" (MESSAGES 4)']


def test_uid_only(client, maildir):
    for n in range(8):
        deliver(maildir)
    client.ok(b"SELECT INBOX")
    assert client.ok(b"ENABLE UIDONLY") == [b"ENABLED UIDONLY"]
    for command in (b"FETCH 1 FLAGS", b"STORE 1 FLAGS ()", b"COPY 1 INBOX",
                    b"MOVE 1 INBOX", b"SEARCH ALL", b"UID SEARCH 1:2",
                    b"SORT (DATE) UTF-8 ALL", b"UID SEARCH NOT 1",
                    b"THREAD REFERENCES UTF-8 ALL",
                    b"REPLACE 1 INBOX {3+}\r\nx\r\n"):
        client.bad(command, b"[UIDREQUIRED]")
    assert client.ok(b"UID FETCH 2:3 (UID RFC822.SIZE)") == [
        b"2 UIDFETCH (RFC822.SIZE 20)", b"3 UIDFETCH (RFC822.SIZE 20)"]
    assert client.ok(b"UID FETCH 2 UID")[0].startswith(b"2 UIDFETCH (FLAGS")
    assert client.ok(b"UID STORE 1,3:5,7 +FLAGS (\\Deleted)")[0] == (
        b"1 UIDFETCH (FLAGS (\\Deleted \\Recent))")
    other = Client(maildir)
    other.ok(b"SELECT INBOX")
    other.ok(b"EXPUNGE")
    other.stop()
    assert client.ok(b"NOOP") == [b"VANISHED 1,3:5,7", b"3 RECENT"]
    assert client.ok(b"UID FETCH 1:* RFC822.SIZE") == [
        b"%d UIDFETCH (RFC822.SIZE 20)" % n for n in (2, 6, 8)]
    untagged = client.ok(b"SELECT INBOX")
    assert b"3 EXISTS" in untagged
    assert not any(b"UNSEEN" in u for u in untagged)
    assert client.ok(b"UID SEARCH ALL") == [b"SEARCH 2 6 8"]
    assert b"VANISHED 6" in client.ok(b"UID MOVE 6 INBOX")
