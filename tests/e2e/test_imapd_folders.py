"""LIST and STATUS in all their forms, special uses, METADATA, QUOTA: imapd
alone."""
import os
import re
import sys
import time

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


def listed(client, arguments, word=b"LIST"):
    """{name: (set of attributes, extended data)}"""
    out = {}
    for line in client.ok(word + b" " + arguments):
        m = re.match(rb'%s \((.*?)\) "\." "(.*?)"(?: (.*))?$' % word, line,
                     re.S)
        if m:
            assert m[2] not in out
            out[m[2].decode()] = (set(m[1].decode().split()),
                                  (m[3] or b"").decode())
    return out


def names(client, arguments, word=b"LIST"):
    return sorted(listed(client, arguments, word))


def test_list_extended(client):
    # The tree of RFC 5258, 5, example 9.
    for name in ("foo2.bar1", "foo2.bar2", "baz2.bar2", "baz2.bar22",
                 "baz2.bar222", "eps2.mamba", "qux2.bar2", "foo2", "baz2",
                 "eps2"):
        client.ok(b"CREATE " + name.encode())
    for name in ("foo2.bar1", "foo2.bar2", "baz2.bar2", "baz2.bar22",
                 "baz2.bar222", "eps2", "eps2.mamba", "qux2.bar2"):
        client.ok(b"SUBSCRIBE " + name.encode())
    client.ok(b"SUBSCRIBE gone.child")
    info = '("CHILDINFO" ("SUBSCRIBED"))'
    got = listed(client, b'(RECURSIVEMATCH SUBSCRIBED) "" "*2"')
    assert {n: (a & {"\\Subscribed"}, x) for n, (a, x) in got.items()} == {
        "foo2": (set(), info), "foo2.bar2": ({"\\Subscribed"}, ""),
        "baz2.bar2": ({"\\Subscribed"}, ""),
        "baz2.bar22": ({"\\Subscribed"}, ""),
        "baz2.bar222": ({"\\Subscribed"}, ""),
        "eps2": ({"\\Subscribed"}, info),
        "qux2.bar2": ({"\\Subscribed"}, "")}
    got = listed(client, b'(SUBSCRIBED RECURSIVEMATCH) "" "%"')
    assert got == {
        "foo2": ({"\\HasChildren"}, info), "baz2": ({"\\HasChildren"}, info),
        "eps2": ({"\\HasChildren", "\\Subscribed"}, info),
        "qux2": ({"\\NonExistent", "\\HasChildren"}, info),
        "gone": ({"\\NonExistent", "\\HasChildren"}, info)}
    assert names(client, b'(SUBSCRIBED) "" "%"') == ["eps2"]
    got = listed(client, b'(SUBSCRIBED REMOTE) "" "gone*"')
    assert got["gone.child"][0] == {
        "\\NonExistent", "\\Subscribed", "\\HasNoChildren"}
    assert names(client, b'"" ("INBOX" "foo%" "baz2.%2")') == [
        "INBOX", "baz2.bar2", "baz2.bar22", "baz2.bar222", "foo2"]
    assert names(client, b'() "foo2." ("%1" "%2") RETURN ()') == [
        "foo2.bar1", "foo2.bar2"]
    # As before RFC 5258.
    assert "\\Noselect" in listed(client, b'"" "%"')["qux2"][0]
    assert names(client, b'"" "%"', b"LSUB") == [
        "baz2", "eps2", "foo2", "gone", "qux2"]
    for bad in (b'(RECURSIVEMATCH) "" "*"', b'(NONSENSE) "" "*"',
                b'(REMOTE RECURSIVEMATCH) "" "*"', b'"" "*" RETURN (FOO)',
                b'"" ()', b'"" "*" RETURN', b'(SUBSCRIBED)"" "*"',
                b'"" "*" RETURN (STATUS)', b'"" "*" RETURN (STATUS ())'):
        client.bad(b"LIST " + bad)


def test_list_patterns_are_bounded(client):
    client.bad(b'LIST "" (' + b" ".join([b'"*%*%*%*"'] * 2000) + b")")
    for i in range(20):
        client.ok(b"CREATE " + b"a" * 200 + b"%d" % i)
    start = time.monotonic()
    client.ok(b'LIST "" ("' + b'" "'.join([b"*a" * 480 + b"b"] * 8) + b'")')
    assert time.monotonic() - start < 10


def test_list_status(client, maildir):
    client.ok(b"CREATE Sent")
    client.ok(b"CREATE a.b")
    client.append(b"Sent", b"Subject: x\r\n\r\nbody\r\n")
    untagged = client.ok(b'LIST "" "*" RETURN (STATUS (MESSAGES UNSEEN SIZE) '
                         b'SPECIAL-USE)')
    assert untagged == [
        b'LIST (\\HasNoChildren) "." "INBOX"',
        b'STATUS "INBOX" (MESSAGES 0 UNSEEN 0 SIZE 0)',
        b'LIST (\\HasNoChildren \\Sent) "." "Sent"',
        b'STATUS "Sent" (MESSAGES 1 UNSEEN 1 SIZE 20)',
        b'LIST (\\NonExistent \\HasChildren) "." "a"',
        b'LIST (\\HasNoChildren) "." "a.b"',
        b'STATUS "a.b" (MESSAGES 0 UNSEEN 0 SIZE 0)']


def test_status_items(client, maildir):
    deliver(maildir, "Subject: a\n\nb\n")
    deliver(maildir, "Subject: b\n\nb\n", ":2,ST", "cur")
    assert client.ok(b"STATUS INBOX (SIZE DELETED DELETED-STORAGE MESSAGES "
                     b"UNSEEN APPENDLIMIT)") == [
        b'STATUS "INBOX" (MESSAGES 2 UNSEEN 1 DELETED 1 SIZE 34 '
        b"DELETED-STORAGE 0 APPENDLIMIT 4294967295)"]
    client.append(b"INBOX", b"x" * 1500 + b"\r\n", b" (\\Deleted)")
    assert b"DELETED-STORAGE 2)" in client.ok(
        b"STATUS INBOX (DELETED-STORAGE)")[0]
    client.bad(b"STATUS INBOX ()")
    client.bad(b"STATUS INBOX (FOO)")
    client.no(b"STATUS nowhere (SIZE)", b"[NONEXISTENT]")


def test_special_uses(client, maildir):
    client.ok(b"CREATE Poste (USE (\\Sent \\Drafts))")
    client.ok(b"CREATE Trash (USE ())")
    client.ok(b"CREATE Junk")
    got = listed(client, b'(SPECIAL-USE) "" "*"')
    assert {n: a - {"\\HasNoChildren"} for n, (a, _) in got.items()} == {
        "Poste": {"\\Sent", "\\Drafts"}, "Trash": {"\\Trash"},
        "Junk": {"\\Junk"}}
    client.no(b"CREATE All (USE (\\All))", b"[USEATTR]")
    client.no(b"CREATE x (USE (\\Sent \\Sent))", b"[USEATTR]")
    assert not os.path.exists(os.path.join(maildir, ".All"))
    client.bad(b"CREATE x (USE \\Sent)")
    client.bad(b"CREATE x (FOO (\\Sent))")
    # By METADATA too, and it goes along when the mailbox is renamed.
    assert client.ok(b"GETMETADATA Poste /private/specialuse") == [
        b'METADATA "Poste" ("/private/specialuse" "\\\\Sent \\\\Drafts")']
    client.ok(b'SETMETADATA Junk (/private/specialuse "\\\\archive")')
    client.ok(b"RENAME Junk Old")
    client.no(b'SETMETADATA INBOX (/private/specialuse "\\\\Sent")',
              b"[USEATTR]")
    client.no(b'SETMETADATA Old (/private/specialuse "\\\\Foo")',
              b"[USEATTR]")
    got = listed(client, b'(SPECIAL-USE RECURSIVEMATCH) "" "%" '
                 b'RETURN (SPECIAL-USE)')
    assert got["Old"][0] >= {"\\Archive"}


def test_metadata(client, maildir):
    client.ok(b"CREATE box")
    client.ok(b'SETMETADATA "" (/shared/comment "The server" '
              b'/private/Vendor/Kereru/x {3+}\r\na\r\n)')
    client.ok(b'SETMETADATA box (/private/comment "mine" /shared/comment '
              b'~{4+}\r\n\0\xff%%\n /private/comment/deep/er "d")'.replace(
                  b"%%", b"%"))
    assert client.ok(b'GETMETADATA "" (/shared/comment '
                     b'/private/vendor/kereru/x /private/none)') == [
        b'METADATA "" ("/shared/comment" "The server" '
        b'"/private/vendor/kereru/x" {3}\r\na\r\n)']
    assert client.ok(b"GETMETADATA box /shared/comment") == [
        b'METADATA "box" ("/shared/comment" ~{4}\r\n\0\xff%\n)']
    client.stop()
    # Another session has it too; options on either side.
    c = Client(maildir)
    try:
        assert c.ok(b"GETMETADATA (DEPTH 1) box /private") == [
            b'METADATA "box" ("/private/comment" "mine")']
        assert c.ok(b"GETMETADATA box (DEPTH infinity) (/private)") == [
            b'METADATA "box" ("/private/comment" "mine" '
            b'"/private/comment/deep/er" "d")']
        status, untagged = c.command(
            b"GETMETADATA (MAXSIZE 3 DEPTH infinity) box (/private /shared)")
        assert status.startswith(b"OK [METADATA LONGENTRIES 4] ")
        assert untagged == [
            b'METADATA "box" ("/private/comment/deep/er" "d")']
        c.ok(b"SETMETADATA box (/private/comment NIL)")
        assert c.ok(b"GETMETADATA box /private/comment") == []
        c.ok(b"RENAME box other")
        assert c.ok(b"GETMETADATA other /private/comment/deep/er") == [
            b'METADATA "other" ("/private/comment/deep/er" "d")']
        for bad in (b'other (/private/a* "x")', b'other (/foo/a "x")',
                    b'other (/private/a/ "x")', b'other (/private//a "x")',
                    b'other (private "x")', b'other (/private/a x)',
                    b'other /private/a "x"', b'other ()'):
            c.bad(b"SETMETADATA " + bad)
        c.no(b'SETMETADATA nowhere (/private/comment "x")', b"[NONEXISTENT]")
        c.no(b"SETMETADATA other (/private/comment {32769+}\r\n%s "
             b'/private/b "y")' % (b"x" * 32769), b"[METADATA MAXSIZE 32768]")
        assert c.ok(b"GETMETADATA other /private/b") == []
        for start in (0, 50):
            c.ok(b"SETMETADATA other (%s)" % b" ".join(
                b'/private/n%d "v"' % i for i in range(start, start + 49)))
        status, _ = c.command(b"SETMETADATA other (%s)" % b" ".join(
            b'/private/m%d "v"' % i for i in range(20)))
        assert status.startswith(b"NO [METADATA TOOMANY]")
        assert c.ok(b"GETMETADATA other /private/m1") == []
        c.no(b'SETMETADATA "" (/shared/admin "mailto:x")', b"[NOPERM]")
    finally:
        c.stop()


def test_a_rename_that_was_stopped_is_finished(client, maildir):
    for name in (b"a", b"a.b", b"a.c", b"a.c.d", b"z"):
        client.ok(b"CREATE " + name)
    client.append(b"a.c", b"Subject: x\r\n\r\nx\r\n")
    client.ok(b"RENAME a n")
    assert not os.path.exists(os.path.join(maildir, "kereru-rename"))
    client.stop()
    # As it is when we die behind the second step; and lines that are none.
    with open(os.path.join(maildir, "kereru-rename"), "w") as f:
        f.write(".n\t.m\n.n.b\t.m.b\n.n.c\t.m.c\n.n.c.d\t.m.c.d\n"
                "cur\t.evil\n.z\t../../evil\n.\t.x\nrubbish\n")
    for name in (".n", ".n.b"):
        os.rename(os.path.join(maildir, name),
                  os.path.join(maildir, name.replace("n", "m")))
    c = Client(maildir)
    try:
        assert names(c, b'"" "*"') == [
            "INBOX", "m", "m.b", "m.c", "m.c.d", "z"]
        assert not os.path.exists(os.path.join(maildir, "kereru-rename"))
        assert b"MESSAGES 1" in c.ok(b"STATUS m.c (MESSAGES)")[0]
        # One of the names is taken: nothing is renamed.
        c.ok(b"CREATE q.c")
        c.no(b"RENAME m q", b"[ALREADYEXISTS]")
        assert names(c, b'"" "m*"') == ["m", "m.b", "m.c", "m.c.d"]
        # It was taken in between.
        os.mkdir(os.path.join(maildir, ".q.c.d"))
        os.mkdir(os.path.join(maildir, ".q.c.d", "cur"))
        os.rename(os.path.join(maildir, ".q.c"),
                  os.path.join(maildir, ".r"))
        c.no(b"RENAME m q", b"[ALREADYEXISTS]")
        assert names(c, b'"" "m*"') == ["m", "m.b", "m.c", "m.c.d"]
    finally:
        c.stop()


def write_quota(maildir, text):
    with open(os.path.join(maildir, "maildirsize"), "w") as f:
        f.write(text)


def read_quota(maildir):
    with open(os.path.join(maildir, "maildirsize")) as f:
        return f.read()


def test_no_quota(client):
    assert client.ok(b"GETQUOTAROOT INBOX") == [b'QUOTAROOT "INBOX"']
    client.no(b'GETQUOTA ""', b"[NONEXISTENT]")
    client.no(b'SETQUOTA "" (STORAGE 5)', b"[NONEXISTENT]")


def test_quota(client, maildir):
    write_quota(maildir, "10240S,5C\n0 0\n")
    assert client.ok(b"GETQUOTAROOT INBOX") == [
        b'QUOTAROOT "INBOX" ""', b'QUOTA "" (STORAGE 0 10 MESSAGE 0 5)']
    client.append(b"INBOX", b"x" * 2999 + b"\r\n")
    client.append(b"INBOX", b"x" * 99 + b"\r\n")
    assert client.ok(b'GETQUOTA ""') == [
        b'QUOTA "" (STORAGE 4 10 MESSAGE 2 5)']
    client.no(b"APPEND INBOX {8000+}\r\n" + b"x" * 8000, b"[OVERQUOTA]")
    client.no(b"APPEND INBOX {4+}\r\nab\r\n {4+}\r\nab\r\n {4+}\r\nab\r\n "
              b"{4+}\r\nab\r\n", b"[OVERQUOTA]")
    assert read_quota(maildir) == "10240S,5C\n0 0\n3000 1\n100 1\n"
    client.no(b'SETQUOTA "" (STORAGE 500)', b"[NOPERM]")
    client.no(b'GETQUOTA "other"', b"[NONEXISTENT]")


def test_copies_count_and_what_goes_counts_back(client, maildir):
    client.ok(b"CREATE box")
    client.append(b"INBOX", b"x" * 2000)
    client.append(b"INBOX", b"x" * 3000)
    write_quota(maildir, "9999S,4C\n5000 2\n")
    client.ok(b"SELECT INBOX")
    client.ok(b"COPY 1 box")
    assert client.ok(b'GETQUOTA ""') == [
        b'QUOTA "" (STORAGE 7 9 MESSAGE 3 4)']
    client.no(b"COPY 2 box", b"[OVERQUOTA]")
    client.ok(b"MOVE 2 box")
    assert client.ok(b'GETQUOTA ""') == [
        b'QUOTA "" (STORAGE 7 9 MESSAGE 3 4)']
    client.ok(b"STORE 1 +FLAGS (\\Deleted)")
    client.ok(b"EXPUNGE")
    assert client.ok(b'GETQUOTA ""') == [
        b'QUOTA "" (STORAGE 5 9 MESSAGE 2 4)']
    client.ok(b"DELETE box")
    assert client.ok(b'GETQUOTA ""') == [
        b'QUOTA "" (STORAGE 0 9 MESSAGE 0 4)']


def test_a_quota_file_that_is_damaged_or_long_is_counted_anew(
        client, maildir):
    deliver(maildir, "x" * 3000)
    client.ok(b"CREATE box")
    client.append(b"box", b"x" * 2000)
    for text in ("9999S\nrubbish\n", "9999S\n" + "-1 0\n" * 2000,
                 "9999S\n-5 -5\n", "9999S\n50 1"):
        write_quota(maildir, text)
        assert client.ok(b'GETQUOTA ""') == [b'QUOTA "" (STORAGE 5 9)']
        assert read_quota(maildir) == "9999S\n5000 2\n"
    # Over the limit since long: it may have been emptied meanwhile.
    write_quota(maildir, "9999S\n20000 1\n")
    assert client.ok(b'GETQUOTA ""') == [b'QUOTA "" (STORAGE 20 9)']
    os.utime(os.path.join(maildir, "maildirsize"), (1, 1))
    assert client.ok(b'GETQUOTA ""') == [b'QUOTA "" (STORAGE 5 9)']
    write_quota(maildir, "nonsense\n")
    client.ok(b"GETQUOTAROOT INBOX")
