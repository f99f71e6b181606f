"""smtpd by itself: each extension, what users get besides, and who may say
for whom he speaks."""
import os
import re
import socket
import struct
import sys
import time

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "lib"))
from smtpalone import (Client, Tables, netstring, UID_ALICE,  # noqa: E402
                       UID_RELAY, UID_SMTPD)

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="needs root")

MESSAGE = b"From: <a@example.net>\r\nSubject: x\r\n\r\nHello\r\n"


def open_up(path):
    while str(path) not in ("/", "/tmp"):
        os.chmod(path, 0o711)
        path = path.parent


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    path = tmp_path_factory.mktemp("smtpd")
    open_up(path)
    return Tables(str(path))


@pytest.fixture(scope="module")
def special(tmp_path_factory):
    """Makes a folder with other settings; one of each kind."""
    made = {}

    def make(**settings):
        key = repr(settings)
        if key not in made:
            path = tmp_path_factory.mktemp("special")
            open_up(path)
            made[key] = Tables(str(path), settings={
                k.replace("_", "-"): v for k, v in settings.items()})
        return made[key]
    return make


@pytest.fixture
def smtp(tables):
    c = Client(tables).hello()
    yield c
    code, log = c.end()
    assert code == 0, log
    assert tables.names("tmp") == [] and tables.names() == []


@pytest.fixture
def owner(tables):
    c = Client(tables, uid=UID_ALICE, mailbox="alice@kereru.test")
    yield c
    code, log = c.end()
    assert code == 0, log
    assert tables.names("tmp") == [] and tables.names() == []


def begin(c, mail="MAIL FROM:<a@example.net>",
          rcpt=("RCPT TO:<alice@kereru.test>",)):
    assert c.cmd(mail).startswith("250 2.1.0"), mail
    for r in rcpt:
        assert c.cmd(r).startswith("250 2.1.5"), r


def data(c, message=MESSAGE):
    assert c.cmd("DATA").startswith("354")
    c.send(message + b".\r\n")
    answer = c.reply()
    assert answer.startswith("250 2.0.0 ok, queued as "), answer


def ended(c, code=0):
    got, log = c.end()
    assert got == code, log
    return log


# CHUNKING

def bdat(c, octets, last=False):
    c.send(b"BDAT %d%s\r\n" % (len(octets), b" LAST" if last else b"") +
           octets)
    return c.reply()


@pytest.mark.parametrize("pieces", [
    [MESSAGE], [MESSAGE, b""], [b"", MESSAGE], [MESSAGE[:20], MESSAGE[20:]],
    [MESSAGE[i:i + 1] for i in range(len(MESSAGE))]])
def test_chunks(smtp, tables, pieces):
    begin(smtp)
    for piece in pieces[:-1]:
        assert bdat(smtp, piece) == \
            "250 2.0.0 %d octets received" % len(piece)
    assert bdat(smtp, pieces[-1], last=True).startswith(
        "250 2.0.0 ok, queued as ")
    envelope, message, added = tables.message()
    assert message == MESSAGE and b" with ESMTP id " in added


def test_chunks_in_one_go(smtp, tables):
    """Commands and chunks at once, as Postfix and Exim send them."""
    text = b"Subject: dots\r\n\r\n.\r\n..\r\nQUIT\r\n"
    smtp.send(b"MAIL FROM:<a@example.net>\r\nRCPT TO:<bob@kereru.test>\r\n"
              b"BDAT 10\r\n" + text[:10] +
              b"BDAT %d LAST\r\n" % (len(text) - 10) + text[10:] +
              b"NOOP\r\n")
    assert [smtp.reply()[:9] for _ in range(5)] == [
        "250 2.1.0", "250 2.1.5", "250 2.0.0", "250 2.0.0", "250 2.0.0"]
    assert tables.message()[1] == text


def test_a_last_line_without_its_end(smtp, tables):
    begin(smtp)
    assert bdat(smtp, b"a: b\r\n\r\nend", last=True).startswith("250 2.0.0 ok")
    assert tables.message()[1] == b"a: b\r\n\r\nend\r\n"


@pytest.mark.parametrize("text", [
    b"a\nb\r\n", b"a\rb\r\n", b"a\0b\r\n", b"a\r", b"a\r\n.\n.\r\n"])
def test_flawed_chunks(smtp, text):
    begin(smtp)
    assert bdat(smtp, text, last=True).startswith("550 5.6.0")
    # The transaction is over.
    assert bdat(smtp, b"NOOP\r\n", last=True).startswith("503 5.5.1")


def test_a_flaw_between_two_chunks(smtp):
    begin(smtp)
    assert bdat(smtp, b"a\r").startswith("250")
    assert bdat(smtp, b"b\r\n").startswith("550 5.6.0")
    assert bdat(smtp, b"c\r\n", last=True) == \
        "503 5.5.1 no transaction that takes chunks"
    begin(smtp)
    assert smtp.cmd("RSET").startswith("250")


def test_a_binary_message(smtp, tables):
    octets = bytes(range(256)) * 300 + b"\n.\r\n"
    begin(smtp, "MAIL FROM:<a@example.net> BODY=BINARYMIME")
    assert smtp.cmd("DATA") == "503 5.5.1 a binary message needs BDAT"
    assert bdat(smtp, octets[:1000]).startswith("250")
    assert bdat(smtp, octets[1000:], last=True).startswith("250 2.0.0 ok")
    envelope, message, _ = tables.message()
    assert message == octets and "\nflags 8bit binary\n" in envelope


def test_chunks_that_belong_to_nothing(smtp):
    """What is in them is no command."""
    evil = b"MAIL FROM:<evil@example.net>\r\n"
    assert bdat(smtp, evil, last=True).startswith("503 5.5.1")
    assert smtp.cmd("MAIL FROM:<a@example.net>").startswith("250")
    assert bdat(smtp, evil).startswith("503 5.5.1")
    assert smtp.cmd("RCPT TO:<no@kereru.test>").startswith("550")
    assert bdat(smtp, evil, last=True).startswith("554 5.5.1")
    assert smtp.cmd("RSET").startswith("250")


def test_chunks_need_ehlo(tables):
    c = Client(tables)
    c.cmd("HELO a.example")
    begin(c)
    assert bdat(c, MESSAGE, last=True).startswith("503 5.5.1")
    ended(c)


def test_chunks_are_limited(smtp):
    begin(smtp)
    assert bdat(smtp, b"x" * 98 + b"\r\n" * 1).startswith("250")
    assert bdat(smtp, (b"x" * 98 + b"\r\n") * 1000).startswith("552 5.3.4")
    assert bdat(smtp, b"y\r\n", last=True).startswith("503")


@pytest.mark.parametrize("size", [
    "-1", "1x", "0x10", "18446744073709551616", "1 FIRST", "1LAST", ""])
def test_a_chunk_of_no_size(tables, size):
    c = Client(tables).hello()
    begin(c)
    c.send("BDAT %s\r\nMAIL FROM:<evil@example.net>\r\n" % size)
    assert c.reply().startswith("501 5.5.4")
    assert c.reply().startswith("421 4.7.0")
    assert c.is_closed()
    assert "reason=lost-chunk" in ended(c)


def test_an_endless_chunk(tables):
    c = Client(tables).hello()
    begin(c)
    c.send(b"BDAT 18446744073709551615 LAST\r\n" + MESSAGE * 50)
    assert "reason=closed" in ended(c)
    assert tables.names("tmp") == [] and tables.names() == []


@pytest.mark.parametrize("again", ["RSET", "EHLO a.example", "QUIT"])
def test_what_gives_chunks_up(tables, again):
    c = Client(tables).hello()
    begin(c)
    assert bdat(c, MESSAGE).startswith("250")
    assert len(tables.names("tmp")) == 1
    assert c.cmd(again)[0] == "2"
    assert tables.names("tmp") == []
    ended(c)


# DSN

def test_reports_that_are_asked_for(smtp, tables):
    begin(smtp, "MAIL FROM:<a@example.net> RET=HDRS ENVID=QQ+2B314159",
          ("RCPT TO:<alice@kereru.test> NOTIFY=SUCCESS,DELAY "
           "ORCPT=rfc822;Alice+2Bx@kereru.test",
           "RCPT TO:<bob@kereru.test> NOTIFY=NEVER",
           "RCPT TO:<both@kereru.test>"))
    data(smtp)
    envelope = tables.message()[0]
    assert "\nret H\n" in envelope
    assert "\nenvid QQ+2B314159\n" in envelope
    rest = envelope[envelope.index("to - <alice@"):]
    assert re.match(
        r"to - <alice@kereru\.test>\nnotify success delay\n"
        r"orcpt rfc822;Alice\+2Bx@kereru\.test\n"
        r"to - <bob@kereru\.test>\nnotify never\n"
        r"to - <both@kereru\.test>\n", rest), rest


@pytest.mark.parametrize("parameter,want", [
    ("NOTIFY=SUCCESS", "250"), ("NOTIFY=SOON", "501 5.5.4"),
    ("NOTIFY=NEVER,DELAY", "501 5.5.4"), ("NOTIFY=", "501 5.5.4"),
    ("NOTIFY=DELAY NOTIFY=DELAY", "501 5.5.4"),
    ("ORCPT=rfc822;a@b.example", "250"), ("ORCPT=a@b.example", "501 5.5.4"),
    ("ORCPT=rfc822;" + "x" * 493, "250"),
    ("ORCPT=rfc822;" + "x" * 494, "501 5.5.4"),
    ("ORCPT=utf-8;a@\xc3\xa9.example", "501 5.5.2"),
    ("SIZE=1", "555 5.5.4"), ("RET=FULL", "555 5.5.4")])
def test_parameters_of_rcpt(smtp, parameter, want):
    smtp.cmd("MAIL FROM:<a@example.net>")
    assert smtp.cmd("RCPT TO:<bob@kereru.test> " + parameter
                    ).startswith(want)


def test_rcpt_behind_helo(tables):
    c = Client(tables)
    c.cmd("HELO a.example")
    c.cmd("MAIL FROM:<a@example.net>")
    assert c.cmd("RCPT TO:<bob@kereru.test> NOTIFY=NEVER").startswith("555")
    ended(c)


# SMTPUTF8

def test_an_address_in_utf8(tables, special):
    c = Client(tables, uid=UID_RELAY).hello()
    begin(c, "MAIL FROM:<jos\xc3\xa9@example.net> SMTPUTF8 BODY=8BITMIME",
          ("RCPT TO:<\xe7\x94\xb2@other.example> "
           "ORCPT=utf-8;\xe7\x94\xb2@other.example",))
    data(c)
    envelope, _, added = tables.message()
    assert "\nflags 8bit utf8\n" in envelope
    assert "\nfrom <jos\u00e9@example.net>\n" in envelope
    assert "\nto - <\u7532@other.example>\n" in envelope
    assert b" with UTF8SMTP id " in added
    assert "for <\u7532@other.example>".encode() in added
    ended(c)


def test_utf8_must_be_asked_for(smtp):
    assert smtp.cmd("MAIL FROM:<jos\xc3\xa9@example.net>") == \
        "550 5.6.7 that address needs SMTPUTF8"
    assert smtp.cmd("MAIL FROM:<a@example.net>").startswith("250")
    assert smtp.cmd("RCPT TO:<jos\xc3\xa9@kereru.test>") == \
        "553 5.6.7 that address needs SMTPUTF8"
    assert smtp.cmd("RCPT TO:<jos\xc3\xa9@kereru.test> SMTPUTF8"
                    ).startswith("553 5.6.7")
    assert smtp.cmd("RSET").startswith("250")
    assert smtp.cmd("MAIL FROM:<a@example.net> SMTPUTF8").startswith("250")
    assert smtp.cmd("RCPT TO:<jos\xc3\xa9@kereru.test>").startswith("550 5.1.1")
    assert smtp.cmd("RCPT TO:<jos\xe9@kereru.test>").startswith("501 5.1.3")
    assert smtp.cmd("VRFY jos\xc3\xa9 SMTPUTF8").startswith("252")
    assert smtp.cmd("VRFY jos\xc3\xa9").startswith("501 5.5.2")
    assert smtp.cmd("EHLO jos\xc3\xa9").startswith("501 5.5.2")


# ETRN

def test_etrn(tables):
    c = Client(tables, uid=UID_RELAY).hello()
    for argument in ("Example.ORG", "@example.org"):
        assert c.cmd("ETRN " + argument).startswith("250 2.0.0 ok, trying ")
        names = tables.names()
        assert len(names) == 1
        path = os.path.join(tables.queue, "new", names[0])
        assert os.stat(path).st_uid == UID_RELAY
        with open(path) as f:
            text = f.read()
        os.unlink(path)
        assert re.search(r"^flags command$", text, re.M), text
        assert re.search(r"^command wake (?i:example\.org)$", text, re.M)
        assert "\nto " not in text
    for argument in ("", "#all", "a b", "[192.0.2.1]", "-", "x" * 300):
        assert c.cmd("ETRN " + argument).startswith("501 5.5.4"), argument
    assert c.cmd("NOOP").startswith("250")
    assert "event=woken" in ended(c)
    assert tables.names() == [] and tables.names("tmp") == []


def test_etrn_of_a_stranger(smtp):
    assert smtp.cmd("ETRN kereru.test") == "459 4.7.1 not for you"


def test_etrn_of_a_user(owner, tables):
    assert owner.cmd("ETRN kereru.test").startswith("250 ")
    os.unlink(os.path.join(tables.queue, "new", tables.names()[0]))


# EXPN and VRFY

@pytest.mark.parametrize("argument,want", [
    ("both@kereru.test",
     {"2.1.5 <alice@kereru.test>", "2.1.5 <bob@kereru.test>"}),
    ("<Both@Kereru.Test>",
     {"2.1.5 <alice@kereru.test>", "2.1.5 <bob@kereru.test>"}),
    ("bob@kereru.test", {"2.1.5 <bob@kereru.test>"}),
    ("away@kereru.test", {"2.1.5 <bob@kereru.test>",
                          "2.1.5 <x@other.example>", "2.1.5 <y@z.example>"}),
    ("List+x@kereru.test", {"2.1.5 <x@other.example>"}),
    ("others@kereru.test SMTPUTF8", {"2.1.5 <bob@kereru.test>"})])
def test_expn(owner, argument, want):
    lines = owner.cmd("EXPN " + argument).split("\n")
    assert {x[:3] for x in lines} == {"250"}
    assert {x[4:] for x in lines} == want


def test_expn_of_nobody(owner):
    assert owner.cmd("EXPN no@kereru.test").startswith("550 5.1.1")
    for argument in ("", "list", "<a@b", "<a@b> x"):
        assert owner.cmd("EXPN " + argument).startswith("501 5.5.4")


# What users get

def test_ehlo_of_a_user(owner):
    lines = owner.cmd("EHLO laptop.example.net").split("\n")
    assert lines[1:] == [
        "250-SIZE 100000", "250-ETRN", "250-EXPN", "250-PIPELINING",
        "250-8BITMIME", "250-SMTPUTF8", "250-CHUNKING", "250-BINARYMIME",
        "250-DSN", "250-ENHANCEDSTATUSCODES", "250-LIMITS RCPTMAX=5",
        "250-DELIVERBY", "250-MT-PRIORITY", "250-REQUIRETLS", "250 HELP"]


def test_wishes_of_a_user(special):
    t = special(future_release_max="3600")
    c = Client(t, uid=UID_ALICE, mailbox="alice@kereru.test")
    now = int(time.time())
    m = re.search(r"\n250-FUTURERELEASE 3600 (\S+)\n",
                  c.cmd("EHLO laptop.example.net"))
    assert abs(time.mktime(time.strptime(m[1], "%Y-%m-%dT%H:%M:%SZ")) -
               time.timezone - now - 3600) < 600
    begin(c, "MAIL FROM:<alice@kereru.test> BY=120;RT MT-PRIORITY=-3 "
          "HOLDFOR=3000 REQUIRETLS", ("RCPT TO:<x@other.example>",))
    data(c)
    envelope = t.message()[0]
    assert "\npriority -3\n" in envelope
    assert "\nflags requiretls\n" in envelope
    m = re.search(r"^by (\d{20}) RT$", envelope, re.M)
    assert now + 120 <= int(m[1]) < now + 720
    m = re.search(r"^next (\d{20})$", envelope, re.M)
    assert now + 3000 <= int(m[1]) < now + 3600
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + 1000))
    begin(c, "MAIL FROM:<alice@kereru.test> HOLDUNTIL=" + until)
    assert c.cmd("RSET").startswith("250")
    late = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + 9000))
    for bad in ("HOLDFOR=3601", "HOLDUNTIL=" + late, "HOLDFOR=0",
                "HOLDFOR=60 HOLDUNTIL=" + until, "HOLDUNTIL=tomorrow",
                "BY=0;R", "BY=x;N", "MT-PRIORITY=11"):
        assert c.cmd("MAIL FROM:<alice@kereru.test> " + bad
                     ).startswith("501 5.5.4"), bad
    ended(c)


def test_requiretls_needs_tls(tables):
    c = Client(tables, uid=UID_ALICE, mailbox="alice@kereru.test",
               preamble=netstring("laptop", ""))
    assert "REQUIRETLS" not in c.cmd("EHLO laptop")
    assert c.cmd("MAIL FROM:<alice@kereru.test> REQUIRETLS"
                 ).startswith("555 5.5.4")
    ended(c)


SUBMITTED = [
    (b"Subject: x\r\n\r\nBcc: y\r\n", b"Subject: x\r\n\r\nBcc: y\r\n", True),
    (b"Bcc: a@b.example,\r\n\tc@d.example\r\n x\r\nTo: y\r\n\r\nz\r\n",
     b"To: y\r\n\r\nz\r\n", True),
    (b"To: y\r\nBCC : a@b.example\r\nResent-bcc: x\r\nX-Bcc: z\r\n\r\nz\r\n",
     b"To: y\r\nX-Bcc: z\r\n\r\nz\r\n", True),
    (b"bcc:\r\nDate: now\r\nmessage-id: <1@x>\r\n\r\nz\r\n",
     b"Date: now\r\nmessage-id: <1@x>\r\n\r\nz\r\n", False),
    (b"\r\nBcc: in the body\r\n", b"\r\nBcc: in the body\r\n", True),
    (b"Bccc: x\r\nBc: y\r\n" + b"X" * 300 + b": z\r\n\r\n",
     b"Bccc: x\r\nBc: y\r\n" + b"X" * 300 + b": z\r\n\r\n", True),
    (b"", b"", True),
]


@pytest.mark.parametrize("sent,kept,is_incomplete", SUBMITTED)
def test_what_a_user_sends_is_completed(tables, sent, kept, is_incomplete):
    c = Client(tables, uid=UID_ALICE, mailbox="alice@kereru.test")
    begin(c, "MAIL FROM:<alice@kereru.test>")
    data(c, sent)
    envelope, message, added = tables.message()
    assert message == kept
    lines = added.decode().split("\r\n")
    assert lines[0].startswith("Received: from laptop.example.net ")
    own = [x for x in lines if re.match("Date: |Message-ID: ", x)]
    if is_incomplete:
        ident = re.search(r"^id (\S+)$", envelope, re.M)[1]
        assert re.fullmatch(r"Date: \w{3}, \d\d \w{3} \d{4} [\d:]{8} \+0000",
                            own[0])
        assert own[1] == "Message-ID: <%s@mx.kereru.test>" % ident
    else:
        assert own == []
    # Octet by octet, and in chunks.
    for step in (1, 7):
        begin(c, "MAIL FROM:<alice@kereru.test>")
        c.send(b"".join(
            b"BDAT %d\r\n" % len(sent[i:i + step]) + sent[i:i + step]
            for i in range(0, len(sent), step)))
        for i in range(0, len(sent), step):
            assert c.reply().startswith("250")
        assert bdat(c, b"", last=True).startswith("250 2.0.0 ok")
        assert tables.message()[1] == kept
    ended(c)


def test_a_stranger_keeps_his_header(smtp, tables):
    begin(smtp)
    text = b"Bcc: a@b.example\r\n\r\nx\r\n"
    data(smtp, text)
    _, message, added = tables.message()
    assert message == text and b"Date" not in added


def test_the_submitter_is_hidden(special):
    t = special(hide_submitter="1")
    c = Client(t, uid=UID_ALICE, mailbox="alice@kereru.test")
    begin(c, "MAIL FROM:<alice@kereru.test>")
    data(c)
    added = t.message()[2].decode()
    assert re.match(r"Received: by mx\.kereru\.test with ESMTPSA id \w+\r\n",
                    added), added
    assert "laptop" not in added and "192.0.2.7" not in added
    ended(c)


# XCLIENT

def test_xclient(special):
    t = special(xclient_from="192.0.2.0/24")
    c = Client(t, uid=UID_RELAY).hello()
    assert "\n250-XCLIENT NAME ADDR PORT PROTO HELO\n" in \
        c.cmd("EHLO filter.example")
    assert c.cmd("XCLIENT ADDR=IPv6:2001:db8::9 NAME=spike.example.net "
                 "PORT=4711").startswith("220 mx.kereru.test ")
    assert c.cmd("MAIL FROM:<a@example.net>").startswith("503")
    assert "XCLIENT" not in c.cmd("EHLO spike.example.org")
    assert c.cmd("XCLIENT ADDR=192.0.2.8").startswith("550 5.7.1")
    # The peer's network may relay, not so its client.
    begin(c)
    assert c.cmd("RCPT TO:<x@other.example>") == "550 5.7.1 relaying denied"
    data(c)
    envelope, _, added = t.message()
    assert "\norigin smtp 2001:db8::9\n" in envelope
    assert added.startswith(b"Received: from spike.example.org "
                            b"(spike.example.net [IPv6:2001:db8::9])\r\n")
    ended(c)


def test_xclient_says_helo_too(special):
    t = special(xclient_from="192.0.2.0/24")
    c = Client(t)
    assert c.cmd("XCLIENT ADDR=203.0.113.5 NAME=[UNAVAILABLE] PROTO=ESMTP "
                 "HELO=a+2Eexample").startswith("220 ")
    begin(c, "MAIL FROM:<a@example.net> SIZE=1")
    data(c)
    assert t.message()[2].startswith(
        b"Received: from a.example ([203.0.113.5])\r\n")
    ended(c)


@pytest.mark.parametrize("argument", [
    "", "ADDR", "ADDR=", "ADDR=x", "ADDR=1.2.3", "NAME=a b", "NAME=a+0Db",
    "HELO=a+0D+0AX", "PROTO=LMTP", "LOGIN=alice", "PORT=+", "NAME=" + "x" * 300,
    "ADDR=2001:db8::g"])
def test_xclient_nonsense(special, argument):
    t = special(xclient_from="192.0.2.0/24")
    c = Client(t).hello()
    assert c.cmd("XCLIENT " + argument).startswith("501 5.5.4")
    begin(c)
    assert c.cmd("RSET").startswith("250")
    ended(c)


# PROXY

def v2(address, port=4711, command=1, family=None, more=b""):
    v6 = ":" in address
    a = socket.inet_pton(socket.AF_INET6 if v6 else socket.AF_INET, address)
    body = a + a + struct.pack(">HH", port, 25) + more
    if family is None:
        family = 0x21 if v6 else 0x11
    return (b"\r\n\r\n\0\r\nQUIT\n" +
            struct.pack(">BBH", 0x20 | command, family, len(body)) + body)


@pytest.mark.parametrize("header,client", [
    (b"PROXY TCP4 203.0.113.5 192.0.2.1 4711 25\r\n", "203.0.113.5"),
    (b"PROXY TCP6 2001:db8::5 2001:db8::1 4711 25\r\n", "2001:db8::5"),
    (b"PROXY TCP6 ::ffff:203.0.113.5 ::1 4711 25\r\n", "203.0.113.5"),
    (b"PROXY UNKNOWN\r\n", "192.0.2.7"),
    (b"PROXY UNKNOWN ffff:f 1 2 3\r\n", "192.0.2.7"),
    (v2("203.0.113.5"), "203.0.113.5"),
    (v2("2001:db8::5"), "2001:db8::5"),
    (v2("203.0.113.5", more=b"\x03\0\x04abcd"), "203.0.113.5"),
    (v2("203.0.113.5", command=0), "192.0.2.7"),
    (v2("203.0.113.5", family=0), "192.0.2.7")])
def test_proxy(special, header, client):
    t = special(proxy_from="192.0.2.0/24")
    c = Client(t, uid=UID_RELAY, greet=False)
    for i in range(0, len(header), 11):
        c.send(header[i:i + 11])
    assert c.reply().startswith("220 ")
    c.hello()
    begin(c)
    assert c.cmd("RCPT TO:<x@other.example>")[:3] == \
        ("250" if client == "192.0.2.7" else "550")
    data(c)
    assert "\norigin smtp %s\n" % client in t.message()[0]
    # The monitor has heard it first.
    peer = c.monitor.peer
    assert peer is None if client == "192.0.2.7" else \
        str(peer.ipv4_mapped or peer) == client
    assert ("event=proxied" in ended(c)) == (client != "192.0.2.7")


def test_proxy_for_one_too_many(special):
    t = special(proxy_from="192.0.2.0/24")
    c = Client(t, greet=False)
    c.monitor.peer_verdict = b"l"
    c.send(b"PROXY TCP4 203.0.113.5 192.0.2.1 4711 25\r\nEHLO x\r\n")
    assert c.reply() == \
        "421 4.7.0 mx.kereru.test has too many connections of yours"
    assert c.is_closed()
    assert "client=203.0.113.5 helo= accepted=0 reason=too-many" in \
        ended(c).replace('""', '')


@pytest.mark.parametrize("header", [
    b"EHLO a.example\r\n", b"PROXY TCP4 1.2.3.4\r\n", b"PROXY\r\n",
    b"PROXY TCP4 203.0.113.5 192.0.2.1 4711 25\n",
    b"PROXY TCP4 203.0.113.5 192.0.2.1 4711 65536\r\n",
    b"PROXY TCP4 2001:db8::5 2001:db8::1 4711 25\r\n",
    b"PROXY TCP4 203.0.113.5 192.0.2.1 4711 25 x\r\n",
    b"PROXY UDP4 203.0.113.5 192.0.2.1 4711 25\r\n",
    b"PROXY TCP4 " + b"x" * 200, b"\r\n\r\n\0\r\nQUIT\r\n",
    v2("203.0.113.5", family=0x12), v2("203.0.113.5", family=0x31),
    v2("203.0.113.5", command=2),
    v2("203.0.113.5").replace(b"\n\x21", b"\n\x11"),
    v2("203.0.113.5")[:14] + b"\xff\xff" + b"x" * 70000])
def test_bad_proxy(special, header):
    t = special(proxy_from="192.0.2.0/24")
    c = Client(t, greet=False)
    try:
        c.send(header)
    except OSError:
        pass
    assert c.is_closed()
    assert "event=bad-proxy" in ended(c)


def test_proxy_of_a_stranger(special):
    t = special(proxy_from="198.51.100.0/24")
    c = Client(t)
    assert c.cmd("PROXY TCP4 203.0.113.5 192.0.2.1 4711 25"
                 ).startswith("500 5.5.1")
    ended(c)


# Limits that the settings have

def test_who_speaks_first(special):
    t = special(greet_delay="1")
    c = Client(t, greet=False)
    c.send("EHLO a.example\r\n")
    assert c.reply() == "554 5.5.1 mx.kereru.test speaks first"
    assert c.is_closed()
    assert "reason=early" in ended(c)
    c = Client(t)
    ended(c)


def test_guessing_takes_time_and_ends(special):
    t = special(refused_max="12", tarpit_delay="1")
    c = Client(t).hello()
    c.cmd("MAIL FROM:<a@example.net>")
    start = time.monotonic()
    for i in range(12):
        assert c.cmd("RCPT TO:<no%d@kereru.test>" % i).startswith("550 5.1.1")
    assert time.monotonic() - start > 1.9
    assert c.cmd("RCPT TO:<alice@kereru.test>").startswith("250")
    assert c.cmd("RCPT TO:<x@other.example>").startswith("421 4.7.0")
    assert c.is_closed()
    assert "reason=many-refused" in ended(c)


def test_errors_are_counted_as_the_settings_say(special):
    c = Client(special(errors_max="3"))
    assert c.cmd("X").startswith("500")
    assert c.cmd("Y").startswith("500")
    c.send("Z\r\n")
    assert c.reply().startswith("500")
    assert c.reply().startswith("421 4.7.0")
    ended(c)


@pytest.mark.parametrize("n,want", [(998, "250 2.0.0"), (1000, "250 2.0.0"),
                                    (1001, "550 5.6.0")])
def test_lines_are_as_long_as_the_settings_say(special, n, want):
    t = special(line_length_max="1001")
    c = Client(t).hello()
    # The CR counts.
    for how in ("DATA", "BDAT"):
        begin(c)
        text = b"x" * 50 + b"\r\n" + b"y" * n + b"\r\n"
        if how == "BDAT":
            assert bdat(c, text, last=True).startswith(want)
        else:
            assert c.cmd("DATA").startswith("354")
            c.send(text + b".\r\n")
            assert c.reply().startswith(want)
        if want[0] == "2":
            assert t.message()[1] == text
        assert t.names() == []
    ended(c)


REPAIRED = [
    (b"a\nb\r\n", b"a\r\nb\r\n"), (b"a\rb\r\n", b"a\r\nb\r\n"),
    (b"a\0b\r\n", b"ab\r\n"), (b"a\r\r\nb\r\n", b"a\r\n\r\nb\r\n"),
    (b"a\n.\nQUIT\r\n", b"a\r\n.\r\nQUIT\r\n"),
    (b"a\n.\r\nQUIT\r\n", b"a\r\n.\r\nQUIT\r\n"),
    (b"a\r.\r\nQUIT\r\n", b"a\r\n.\r\nQUIT\r\n"),
    (b"a\r\n.\nQUIT\r\n", b"a\r\n\r\nQUIT\r\n"),
    (b"a\r\n\0.\r\nQUIT\r\n", b"a\r\n.\r\nQUIT\r\n"),
    (b"a\n\nb\n\r\n", b"a\r\n\r\nb\r\n\r\n")]


@pytest.mark.parametrize("sent,kept", REPAIRED)
def test_lines_are_repaired_for_those_who_may(special, sent, kept):
    """The end of data stays CRLF.CRLF."""
    t = special(repair_lines="1")
    c = Client(t, uid=UID_RELAY).hello()
    begin(c)
    data(c, sent)
    assert t.message()[1] == kept
    assert c.cmd("NOOP").startswith("250")
    ended(c)
    c = Client(t, uid=UID_SMTPD).hello()
    begin(c)
    assert c.cmd("DATA").startswith("354")
    c.send(sent + b".\r\n")
    assert c.reply().startswith("550 5.6.0")
    ended(c)


# Certificates

@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    path = tmp_path_factory.mktemp("certificates")
    open_up(path)
    t = Tables(str(path))
    t.make_certificates([
        ("E", ["mx.kereru.test"]), ("R", ["mx.kereru.test"]),
        ("R", ["mail.other.test", "*.wild.test"]),
        ("E", ["ec.other.test", "both.test"]), ("R", ["both.test"])])
    return t


RSA = "ECDHE-RSA-AES128-GCM-SHA256"


@pytest.mark.parametrize("name,ciphers,want", [
    (None, None, 0), ("mx.kereru.test", None, 0), ("mx.kereru.test", RSA, 1),
    ("MAIL.Other.Test", None, 2), ("a.wild.test", None, 2),
    ("wild.test", None, 0), ("a.b.wild.test", None, 0),
    ("ec.other.test", None, 3), ("ec.other.test", RSA, 1),
    ("both.test", None, 3), ("both.test", RSA, 4), ("no.test", None, 0)])
def test_the_name_picks_the_certificate(certificates, name, ciphers, want):
    c = Client(certificates).hello()
    c.start_tls(name=name, ciphers=ciphers)
    assert certificates.ders.index(c.sock.getpeercert(True)) == want
    assert "\n250-REQUIRETLS\n" in c.cmd("EHLO laptop.example.net")
    begin(c, "MAIL FROM:<a@example.net> REQUIRETLS")
    ended(c)


# Hostile input

def test_every_prefix_of_every_command(special):
    """One answer to each line, and the session is where it was."""
    lines = [b"EHLO a.example", b"HELO a.example",
             b"MAIL FROM:<a@example.net> SIZE=10 BODY=8BITMIME RET=FULL",
             b"RCPT TO:<bob@kereru.test> NOTIFY=SUCCESS,DELAY", b"VRFY a",
             b"EXPN list", b"NOOP", b"HELP", b"RSET", b"ETRN kereru.test",
             b"XCLIENT ADDR=192.0.2.1", b"AUTH PLAIN AGEAYg==", b"DATA x",
             b"SEND FROM:<a@b>"]
    c = Client(special(errors_max="1000", refused_max="1000")).hello()
    for line in lines:
        for n in range(len(line) + 1):
            c.send(line[:n] + b"\r\nRSET\r\n")
            answer = c.reply()
            assert re.match(r"[245]\d\d[ -]", answer), (line[:n], answer)
            assert c.reply().startswith("250"), line[:n]
    ended(c)


def test_ten_thousand_recipients(special):
    t = special(recipients_max="1000")
    c = Client(t).hello()
    c.cmd("MAIL FROM:<a@example.net>")
    for _ in range(100):
        c.send(b"RCPT TO:<bob@kereru.test>\r\n" * 100)
        for _ in range(100):
            last = c.reply()
    assert last == "452 4.5.3 too many recipients"
    data(c)
    assert t.message()[0].count("\nto - ") == 1000
    ended(c)


def test_commands_without_end(tables):
    c = Client(tables).hello()
    c.send(b"NOOP\r\n" * 1900)
    assert {c.reply() for _ in range(1900)} == {"250 2.0.0 ok"}
    begin(c)
    data(c)
    tables.message()
    c.send(b"RSET\r\n" * 2000)
    assert {c.reply() for _ in range(2000)} == {"250 2.0.0 ok"}
    assert c.cmd("MAIL FROM:<a@example.net>").startswith("421 4.7.0")
    assert c.is_closed()
    assert "reason=idle" in ended(c)


def test_endless_lines(tables):
    c = Client(tables).hello()
    for _ in range(200):
        c.send(b"x" * 10000)
    c.send("\r\n")
    assert c.reply() == "500 5.5.2 line too long"
    assert c.cmd("NOOP").startswith("250")
    ended(c)


def test_a_large_message_grows_nothing(special):
    """100 MB, by DATA and by BDAT, as a user, through all that looks at it."""
    t = special(message_size_max="200000000")
    c = Client(t, uid=UID_ALICE, mailbox="alice@kereru.test")

    def resident():
        with open("/proc/%d/smaps_rollup" % c.pid) as f:
            return int(re.search(r"Pss_Anon:\s+(\d+)", f.read())[1])
    begin(c, "MAIL FROM:<alice@kereru.test>")
    data(c)
    t.message()
    before = resident()
    block = (b"z" * 98 + b"\r\n") * 10000
    begin(c, "MAIL FROM:<alice@kereru.test>")
    assert c.cmd("DATA").startswith("354")
    for _ in range(50):
        c.send(block)
    c.send(b".\r\n")
    assert c.reply().startswith("250")
    os.unlink(os.path.join(t.queue, "new", t.names()[0]))
    begin(c, "MAIL FROM:<alice@kereru.test>")
    c.send(b"BDAT %d LAST\r\n" % (50 * len(block)))
    for _ in range(50):
        c.send(block)
    assert c.reply().startswith("250")
    os.unlink(os.path.join(t.queue, "new", t.names()[0]))
    assert resident() - before < 200
    ended(c)
