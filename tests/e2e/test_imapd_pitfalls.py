"""imapd alone: what servers for reading mail usually get wrong, as far as no
other file is about it. (Each of these with its test: tests/e2e/test_tables.py.)
"""
import base64
import os
import re

import pytest

from imapalone import Client, deliver, make_maildir


@pytest.fixture
def maildir(tmp_path):
    return make_maildir(tmp_path / "Maildir")


@pytest.fixture
def connect(maildir):
    made = []

    def make(select=True):
        made.append(Client(maildir))
        if select:
            made[-1].ok(b"SELECT INBOX")
        return made[-1]
    yield make
    for c in made:
        c.stop()


@pytest.fixture
def filled(maildir):
    for n in range(1, 7):
        deliver(maildir, "Subject: %d\n\nbody %d\n" % (n, n), ":2,", "cur")


def flags(lines):
    return {int(m[1]): set(m[2].decode().split()) for m in (
        re.match(rb"(\d+) FETCH .*FLAGS \(([^)]*)\)", x, re.S)
        for x in lines) if m}


def test_keywords_compare_without_case(filled, connect):
    c = connect()
    c.ok(b"STORE 1 +FLAGS ($FooBar)")
    c.ok(b"STORE 2 +FLAGS ($FOOBAR)")
    got = flags(c.ok(b"FETCH 1:2 FLAGS"))
    assert "$FooBar" in got[1] and "$FooBar" in got[2]
    assert c.ok(b"SEARCH KEYWORD $foobar") == [b"SEARCH 1 2"]
    c.ok(b"STORE 1 -FLAGS ($foobar)")
    assert c.ok(b"SEARCH KEYWORD $FooBar") == [b"SEARCH 2"]
    again = connect(select=False)
    assert b"$FooBar" in b"".join(again.ok(b"SELECT INBOX"))


def test_line_end_before_a_boundary_is_the_boundarys(maildir, connect):
    inner = (b"Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\n"
             b"one\r\n\r\n--i--")
    text = (b"Content-Type: multipart/mixed; boundary=o\r\n\r\n"
            b"pre\r\n--o\r\n\r\nfirst\r\n--o\r\n"
            b"Content-Type: message/rfc822\r\n\r\n" + inner +
            b"\r\n--o\r\n\r\n\r\n--o--\r\nafter\r\n")
    c = connect()
    c.append(b"INBOX", text)
    c.ok(b"NOOP")
    assert c.body(1, b"1") == b"first"
    assert c.body(1, b"2") == inner
    assert c.body(1, b"2.1") == b"one\r\n"
    assert c.body(1, b"3") == b""
    assert c.body(1) == text


def test_ranges_with_a_star(maildir, connect):
    c = connect()
    for command in (b"FETCH 1:* FLAGS", b"UID FETCH 1:* FLAGS",
                    b"SEARCH UID 5:*", b"UID STORE 1:* +FLAGS (\\Seen)",
                    b"UID COPY 1:* INBOX"):
        assert [x for x in c.ok(command) if x != b"SEARCH"] == []
    for n in range(3):
        deliver(maildir)
    c.ok(b"NOOP")
    assert [x.split()[0] for x in c.ok(b"UID FETCH 77:* UID")] == [b"3"]
    assert c.ok(b"UID SEARCH UID 77:*") == [b"SEARCH 3"]
    assert [x.split()[0] for x in c.ok(b"FETCH *:2 UID")] == [b"2", b"3"]


def test_each_expunge_is_right_when_it_is_sent(filled, connect):
    for ends in (b"EXPUNGE", b"MOVE", b"UID MOVE"):
        c, other = connect(), connect()
        names = [int(x.split()[-1][:-1])
                 for x in c.ok(b"FETCH 1:* (UID)")]
        here = list(names)
        gone = {here[0], here[-1]}
        if ends == b"EXPUNGE":
            c.ok(b"UID STORE %d,%d +FLAGS.SILENT (\\Deleted)" % tuple(gone))
            lines = c.ok(b"EXPUNGE")
        elif ends == b"MOVE":
            c.ok(b"CREATE to")
            lines = c.ok(b"MOVE 1,%d to" % len(here))
        else:
            lines = c.ok(b"UID MOVE %d,%d to" % tuple(gone))
        told = other.ok(b"NOOP")
        for session in (lines, told):
            left = list(names)
            for line in session:
                m = re.match(rb"(\d+) EXPUNGE", line)
                if m:
                    del left[int(m[1]) - 1]
            assert left == [n for n in names if n not in gone]


def test_body_sees_and_peek_does_not(filled, connect):
    c = connect()
    for peek in (b"BODY.PEEK[]", b"BODY.PEEK[HEADER]", b"RFC822.HEADER",
                 b"BODY.PEEK[]<0.3>", b"ENVELOPE", b"BODYSTRUCTURE"):
        c.ok(b"FETCH 1 " + peek)
        assert "\\Seen" not in flags(c.ok(b"FETCH 1 FLAGS"))[1]
    for n, item in enumerate((b"BODY[]", b"BODY[TEXT]", b"RFC822", b"BODY[1]",
                              b"BODY[]<0.3>"), 1):
        told = flags(c.ok(b"FETCH %d %s" % (n, item)))
        assert "\\Seen" in told[n]
    assert b"BODY[]<2> {3}\r\nbje" in c.ok(b"FETCH 6 BODY.PEEK[]<2.3>")[0]
    assert b"BODY[]<9999> {0}\r\n)" in c.ok(b"FETCH 6 BODY.PEEK[]<9999.3>")[0]


def test_what_is_copied_stays_what_it_is(filled, maildir, connect):
    c = connect()
    c.no(b"COPY 1 nowhere", b"[TRYCREATE]")
    c.no(b"MOVE 1 nowhere", b"[TRYCREATE]")
    c.send(b"t APPEND nowhere {3}\r\n")
    line = c.line()
    if line.startswith(b"+"):
        c.send(b"x\r\n\r\n")
        line = c.line()
    assert line.startswith(b"t NO [TRYCREATE]")
    c.ok(b"CREATE to")
    c.append(b"INBOX", b"A: b\r\n\r\n\tx  \r\n.\r\n", b' (\\Flagged $k) '
             b'"01-Feb-2003 04:05:06 +0000"')
    c.ok(b"NOOP")
    c.ok(b"COPY 7 to")
    items = b"(FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"
    before, = c.ok(b"FETCH 7 " + items)
    c.ok(b"SELECT to")
    after, = c.ok(b"FETCH 1 " + items)
    assert b"01-Feb-2003" in after or b" 1-Feb-2003" in after
    assert after.replace(b" \\Recent", b"").split(b" ", 1)[1] == \
        before.replace(b" \\Recent", b"").split(b" ", 1)[1]


def test_move_tells_new_uids_before_old_ones_go(filled, connect):
    c = connect()
    c.ok(b"CREATE to")
    lines = c.ok(b"MOVE 2:3 to")
    copied = [n for n, x in enumerate(lines)
              if re.match(rb"OK \[COPYUID \d+ 2:3 1:2\]", x)]
    assert len(copied) == 1
    gone = [n for n, x in enumerate(lines) if b"EXPUNGE" in x]
    assert len(gone) == 2 and copied[0] < gone[0]


def test_unselect_removes_nothing(filled, connect):
    c = connect()
    c.ok(b"STORE 1:3 +FLAGS.SILENT (\\Deleted)")
    c.ok(b"UNSELECT")
    c.bad(b"FETCH 1 FLAGS")
    assert b"6 EXISTS" in c.ok(b"SELECT INBOX")
    c.ok(b"CLOSE")
    assert b"3 EXISTS" in c.ok(b"SELECT INBOX")


def test_no_expunge_in_the_middle(filled, connect):
    """Numbers hold during FETCH, STORE and SEARCH; UID commands may tell."""
    a, b = connect(), connect()
    b.ok(b"STORE 2 +FLAGS.SILENT (\\Deleted)")
    b.ok(b"EXPUNGE")
    for command in (b"FETCH 3 UID", b"STORE 3 +FLAGS (\\Seen)", b"SEARCH ALL",
                    b"SORT (ARRIVAL) UTF-8 ALL"):
        assert not any(b"EXPUNGE" in x for x in a.ok(command))
    assert b"2 EXPUNGE" in a.ok(b"NOOP")


def test_list_tells_the_separator_and_lsub_the_parents(connect):
    c = connect()
    assert c.ok(b'LIST "" ""') == [b'LIST (\\Noselect) "." ""']
    c.ok(b"CREATE a.b.c")
    c.ok(b"SUBSCRIBE a.b.c")
    assert c.ok(b'LSUB "" "%"') == [b'LSUB (\\Noselect) "." "a"']
    assert c.ok(b'LSUB "" "a.%"') == [b'LSUB (\\Noselect) "." "a.b"']
    for name in (b"inbox", b"iNbOx"):
        c.ok(b"STATUS %s (MESSAGES)" % name)
    c.ok(b"CREATE INBOX.child")
    c.ok(b"SELECT inbox.child")
    assert any(b'"INBOX.child"' in x for x in c.ok(b'LIST "" "*"'))
    c.ok(b"CREATE &ZeVnLIqe-")
    assert any(b'"&ZeVnLIqe-"' in x for x in c.ok(b'LIST "" "*"'))


def test_nil_is_not_the_empty_string(maildir, connect):
    deliver(maildir, "From: =?utf-8?q?=C3=A9?= <a@b>\n"
            "Subject:\nTo: friends: a@x, B <b@y>;\nCc: none:;\n"
            "Content-Type: text/plain; name*0=\"a\"; name*1=\"b\";\n"
            " title*=utf-8''%C3%A9\n\none\ntwo")
    c = connect()
    line, = c.ok(b"FETCH 1 ENVELOPE")
    address = b'(("=?utf-8?q?=C3=A9?=" NIL "a" "b"))'
    assert line == (
        b'1 FETCH (ENVELOPE (NIL "" %s %s %s '
        b'((NIL NIL "friends" NIL)(NIL NIL "a" "x")("B" NIL "b" "y")'
        b'(NIL NIL NIL NIL)) ((NIL NIL "none" NIL)(NIL NIL NIL NIL)) '
        b'NIL NIL NIL))' % (address, address, address))
    line, = c.ok(b"FETCH 1 BODYSTRUCTURE")
    # Parameters as they are: their pieces and charsets are the client's.
    assert line == (
        b'1 FETCH (BODYSTRUCTURE ("text" "plain" ("name*0" "a" "name*1" "b" '
        b'"title*" "utf-8\'\'%C3%A9" "charset" "us-ascii") NIL NIL "7bit" 8 '
        b'1 NIL NIL NIL NIL))')


def test_what_roundcube_asks_for(maildir, connect):
    """It logs in for every request, and uses what is announced."""
    picture = base64.encodebytes(bytes(range(200))).decode()
    deliver(maildir, "Content-Type: multipart/mixed; boundary=b\n\n"
            "--b\nContent-Type: text/plain\nX-A: 1\n\nhello\n"
            "--b\nContent-Type: image/png\n"
            "Content-Transfer-Encoding: base64\n\n%s\n--b--\n" % picture)
    for _ in range(5):
        c = connect(select=False)
        c.ok(b'ID ("name" "Roundcube" "version" "1.6")')
        c.ok(b"NAMESPACE")
        for name in (b"Sent", b"Trash"):
            c.command(b"CREATE " + name)
            c.ok(b"SUBSCRIBE " + name)
        listed = c.ok(b'LIST (SPECIAL-USE) "" "*" RETURN (SUBSCRIBED)')
        assert b'LIST (\\HasNoChildren \\Subscribed \\Sent) "." "Sent"' in \
            [re.sub(rb"\\Sent \\Subscribed", rb"\\Subscribed \\Sent", x)
             for x in listed]
        c.ok(b"SELECT INBOX")
        line, = c.ok(b"UID FETCH 1 (UID BODY.PEEK[1.MIME] BODY.PEEK[2.MIME])")
        assert b"X-A: 1\r\n" in line and b"image/png" in line
        line, = c.ok(b"UID FETCH 1 (UID BINARY.PEEK[2])")
        assert bytes(range(200)) in line
        c.stop()


def test_hostile_commands_take_no_time(maildir, connect):
    """Patterns that backtrack, and an ID with thousands of fields."""
    c = connect()
    c.ok(b"CREATE " + b"a" * 200)
    assert c.ok(b'LIST "" "%sb"' % (b"*a" * 400)) == []
    assert c.ok(b'LIST "" "%sb"' % (b"%a" * 400)) == []
    c.ok(b"ID (" + b" ".join([b'"a" "b"'] * 3000) + b")")
    deliver(maildir, ":\n: :\nSubject\nSubject : x\n=?x?=\n\nbody\n")
    c.ok(b"NOOP")
    for item in (b"ENVELOPE", b"BODYSTRUCTURE", b"BODY.PEEK[HEADER]",
                 b"BODY.PEEK[1.MIME]", b"PREVIEW"):
        assert len(c.ok(b"FETCH 1 " + item)) == 1
    assert os.path.isdir(maildir)
