"""smtpd by itself: each command in each state, each limit, hostile input, and
what lies in the queue afterwards."""
import os
import select
import re
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "lib"))
from smtpalone import (Client, REPOSITORY, Tables, netstring, UID_ALICE,  # noqa: E402
                       UID_RELAY, UID_SMTPD)

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="needs root")

MESSAGE = b"From: <a@example.net>\r\nSubject: x\r\n\r\nHello\r\n"


@pytest.fixture
def tables(tmp_path):
    # Others must be able to come through pytest's own folders.
    p = tmp_path
    while str(p) not in ("/", "/tmp"):
        os.chmod(p, 0o711)
        p = p.parent
    return Tables(str(tmp_path))


@pytest.fixture
def smtp(tables):
    c = Client(tables)
    yield c
    code, log = c.end()
    assert code == 0, log
    assert tables.names("tmp") == []


def transaction(c, sender="a@example.net", to=("alice@kereru.test",)):
    assert c.cmd("MAIL FROM:<%s>" % sender).startswith("250 2.1.0")
    for r in to:
        assert c.cmd("RCPT TO:<%s>" % r).startswith("250 2.1.5")
    assert c.cmd("DATA").startswith("354")


def test_a_message_is_queued(smtp, tables):
    smtp.hello()
    assert smtp.cmd("MAIL FROM:<A@example.net> SIZE=44 BODY=8BITMIME"
                    ).startswith("250 2.1.0")
    assert smtp.cmd("RCPT TO:<Alice@Kereru.TEST>").startswith("250 2.1.5")
    assert smtp.cmd("DATA").startswith("354")
    smtp.send(MESSAGE + b"..\r\n...a\r\n.\r\n")
    answer = smtp.reply()
    m = re.fullmatch(r"250 2.0.0 ok, queued as ([0-9a-z]{16})", answer)
    assert m, answer
    envelope, message, added = tables.message()
    assert "\nid %s\n" % m[1] in envelope
    assert "\nfrom <A@example.net>\n" in envelope
    assert "\nto - <Alice@Kereru.TEST>\n" in envelope
    assert "\nflags 8bit\n" in envelope
    assert "\norigin smtp 192.0.2.7\n" in envelope
    assert message == MESSAGE + b".\r\n..a\r\n"
    assert re.fullmatch(
        r"Received: from laptop\.example\.net \(\[192\.0\.2\.7\]\)\r\n"
        r"\tby mx\.kereru\.test with ESMTP id %s\r\n"
        r"\tfor <Alice@Kereru\.TEST>;\r\n"
        r"\t\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000\r\n" % m[1],
        added.decode()), added
    smtp.send("QUIT\r\n")
    assert smtp.reply() == "221 2.0.0 mx.kereru.test says goodbye"
    code, log = smtp.end()
    assert code == 0
    accepted = [x for x in log.splitlines() if "event=accepted" in x]
    assert len(accepted) == 1
    for part in ("id=" + m[1], "client=192.0.2.7", "size=%d" % len(message),
                 "helo=laptop.example.net", "from=A@example.net",
                 "to=Alice@Kereru.TEST"):
        assert part in accepted[0]
    assert "event=connected" in log and "reason=quit" in log
    smtp.__init__(tables)


def test_ehlo_announces(smtp):
    assert smtp.cmd("EHLO sorcerer.example.net").split("\n") == [
        "250-mx.kereru.test Hello sorcerer.example.net [192.0.2.7]",
        "250-SIZE 100000", "250-ETRN", "250-EXPN", "250-PIPELINING",
        "250-8BITMIME", "250-SMTPUTF8", "250-CHUNKING", "250-BINARYMIME",
        "250-DSN", "250-ENHANCEDSTATUSCODES", "250-LIMITS RCPTMAX=5",
        "250 HELP"]
    assert smtp.cmd("HELO sorcerer.example.net") == "250 mx.kereru.test"


def test_a_mailbox_without_room(smtp, tables):
    tables.publish("plenty", 0)
    tables.publish_full("alice@kereru.test")
    smtp.hello()
    assert smtp.cmd("MAIL FROM:<a@example.net>").startswith("250")
    full = "452 4.2.2 the mailbox is full"
    assert smtp.cmd("RCPT TO:<Alice@kereru.test>") == full
    assert smtp.cmd("RCPT TO:<alice+x@kereru.test>") == full
    tables.publish_full("alice@kereru.test", -1)
    assert smtp.cmd("RCPT TO:<alice@kereru.test>").startswith("250")


def test_no_room_is_told_at_once(smtp, tables):
    """Whatever the session was about to do; and all goes on when there is."""
    smtp.hello()
    full = "452 4.3.1 no room here, try again later"
    for step in range(4):
        tables.publish("none" if step == 0 else "plenty", 0)
        answer = smtp.cmd("MAIL FROM:<a@example.net>")
        if step == 0:
            assert answer == full
            continue
        assert answer.startswith("250")
        tables.publish("none" if step == 1 else "scarce", 0)
        answer = smtp.cmd("RCPT TO:<alice@kereru.test>")
        if step == 1:
            assert answer == full
            assert smtp.cmd("RCPT TO:<no@kereru.test>").startswith("550")
            assert smtp.cmd("RSET").startswith("250")
            continue
        assert answer.startswith("250")
        tables.publish("none", 0)
        if step == 2:
            assert smtp.cmd("DATA") == full
        else:
            smtp.send(b"BDAT 5 LAST\r\nabc\r\n")
            assert smtp.reply() == full
    tables.publish("scarce", 3000)
    transaction(smtp)
    smtp.send(MESSAGE + b".\r\n")
    assert smtp.reply().startswith("250 ")


def test_two_messages_in_a_session(smtp, tables):
    smtp.hello()
    for i in range(2):
        transaction(smtp, to=("alice@kereru.test", "bob@kereru.test"))
        smtp.send(MESSAGE + b".\r\n")
        assert smtp.reply().startswith("250 2.0.0 ok, queued as ")
        envelope, message, added = tables.message()
        assert message == MESSAGE
        # Who else gets it is nobody's business.
        assert b"for <" not in added
        assert envelope.count("\nto - ") == 2


# What each command answers in each state; * a state that it changes.
STATES = ("start", "ready", "mail", "rcpt", "bdat")
COMMANDS = {
    "HELO a.example": ("250", "250", "250", "250", "250"),
    "EHLO a.example": ("250", "250", "250", "250", "250"),
    "MAIL FROM:<a@example.net>": ("503", "250", "503", "503", "503"),
    "RCPT TO:<alice@kereru.test>": ("503", "503", "250", "250", "503"),
    "DATA": ("503", "503", "503", "354", "503"),
    "RSET": ("250", "250", "250", "250", "250"),
    "NOOP": ("250", "250", "250", "250", "250"),
    "NOOP with words": ("250", "250", "250", "250", "250"),
    "VRFY alice": ("252", "252", "252", "252", "252"),
    "VRFY": ("501", "501", "501", "501", "501"),
    "HELP": ("214", "214", "214", "214", "214"),
    "HELP MAIL": ("214", "214", "214", "214", "214"),
    "QUIT": ("221", "221", "221", "221", "221"),
    "QUIT now": ("501", "501", "501", "501", "501"),
    "RSET now": ("501", "501", "501", "501", "501"),
    "DATA now": ("503", "503", "501", "501", "503"),
    "STARTTLS": ("454", "454", "503", "503", "503"),
    "AUTH PLAIN AGEAYg==": ("502", "502", "502", "502", "502"),
    "EXPN list": ("550", "550", "550", "550", "550"),
    "ETRN kereru.test": ("503", "459", "503", "503", "503"),
    "BDAT 0": ("503", "503", "503", "250", "250"),
    "BDAT 0 LAST": ("503", "503", "503", "250", "250"),
    "BDAT": ("501", "501", "501", "501", "501"),
    "BDAT x LAST": ("501", "501", "501", "501", "501"),
    "XCLIENT ADDR=192.0.2.1": ("550", "550", "503", "503", "503"),
    "SEND FROM:<a@example.net>": ("502", "502", "502", "502", "502"),
    "HELO": ("501", "501", "501", "501", "501"),
    "HELO a b": ("501", "501", "501", "501", "501"),
    "EHLO -": ("501", "501", "501", "501", "501"),
    "NONSENSE": ("500", "500", "500", "500", "500"),
    "": ("500", "500", "500", "500", "500"),
    "GET / HTTP/1.1": ("421", "421", "421", "421", "421"),
}
SETUP = ("EHLO a.example", "MAIL FROM:<a@example.net>",
         "RCPT TO:<alice@kereru.test>", "BDAT 0")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_state(tables, command):
    c = None
    for i, state in enumerate(STATES):
        if c is None:
            c = Client(tables)
        for before in SETUP[:i]:
            assert c.cmd(before).startswith("250")
        want = COMMANDS[command][i]
        assert c.cmd(command)[:3] == want, state
        if want == "354":
            c.send(".\r\n")
            assert c.reply().startswith("250 ")
        if want == "501" and command.startswith("BDAT"):
            assert c.reply().startswith("421 4.7.0 ")
            want = "421"
        if want in ("421", "221"):
            assert c.is_closed()
            assert c.end()[0] == 0
            c = None
        else:
            assert c.cmd("RSET").startswith("250")
        assert tables.names("tmp") == []
    if c:
        assert c.end()[0] == 0


def test_hello_forgets_the_transaction(smtp):
    smtp.hello()
    for again in ("EHLO a.example", "HELO a.example", "RSET"):
        assert smtp.cmd("MAIL FROM:<a@example.net>").startswith("250")
        assert smtp.cmd("RCPT TO:<alice@kereru.test>").startswith("250")
        assert smtp.cmd(again).startswith("250")
        assert smtp.cmd("DATA") == "503 5.5.1 MAIL first"


def test_no_valid_recipient(smtp):
    smtp.hello()
    assert smtp.cmd("MAIL FROM:<>").startswith("250 2.1.0")
    assert smtp.cmd("DATA") == "503 5.5.1 RCPT first"
    assert smtp.cmd("RCPT TO:<nobody@kereru.test>") == \
        "550 5.1.1 no such mailbox here"
    assert smtp.cmd("DATA") == "554 5.5.1 no valid recipients"


RECIPIENTS = [
    ("alice@kereru.test", "250 2.1.5"),
    ("ALICE@KERERU.TEST", "250 2.1.5"),
    ('"alice"@kereru.test', "250 2.1.5"),
    ('"\\a\\l\\i\\c\\e"@kereru.test', "250 2.1.5"),
    ("@a.example,@b.example:alice@kereru.test", "250 2.1.5"),
    ("both@kereru.test", "250 2.1.5"),
    ("anyone@backup.test", "250 2.1.5"),
    ("Postmaster", "250 2.1.5"),
    ("pOSTMASTER", "250 2.1.5"),
    ("alice+lists@kereru.test", "250 2.1.5"),
    ("Both+x+y@kereru.test", "250 2.1.5"),
    ("nobody+x@kereru.test", "550 5.1.1"),
    ("+alice@kereru.test", "550 5.1.1"),
    ('"alice+x y"@kereru.test', "550 5.1.1"),
    ("nobody@kereru.test", "550 5.1.1"),
    ("alice%other.example@kereru.test", "550 5.1.1"),
    ("other.example!alice@kereru.test", "550 5.1.1"),
    ('"alice@other.example"@kereru.test', "550 5.1.1"),
    ('"alice@kereru.test"@kereru.test', "550 5.1.1"),
    ("alice@other.example", "550 5.7.1"),
    ('"alice@kereru.test"@other.example', "550 5.7.1"),
    ("@kereru.test:alice@other.example", "550 5.7.1"),
    ("alice@[127.0.0.1]", "550 5.7.1"),
    ("alice@[IPv6:::1]", "550 5.7.1"),
    ("alice@sub.kereru.test", "550 5.7.1"),
    ("alice@kereru.test.", "501 5.1.3"),
    ("alice@other.example.", "501 5.1.3"),
    ("alice@other.example@kereru.test", "501 5.1.3"),
    ("alice@kereru.test@other.example", "501 5.1.3"),
    ("alice", "501 5.1.3"),
    ("", "501 5.1.3"),
    ("@kereru.test", "501 5.1.3"),
    ("@kereru.test:alice", "501 5.1.3"),
    ("alice@kereru.test\t@other.example", "501 5.1.3"),
    ("a" * 300 + "@kereru.test", "501 5.1.3"),
]


@pytest.mark.parametrize("address,want", RECIPIENTS)
def test_recipients_of_port_25(smtp, address, want):
    smtp.hello()
    assert smtp.cmd("MAIL FROM:<a@example.net>").startswith("250")
    assert smtp.cmd("RCPT TO:<%s>" % address).startswith(want)
    # And what was refused is not there.
    assert smtp.cmd("DATA")[:3] == ("354" if want[0] == "2" else "554")
    if want[0] == "2":
        smtp.send(".\r\n")
        assert smtp.reply().startswith("250 ")


def test_postmaster_is_ours(smtp, tables):
    smtp.hello()
    transaction(smtp, to=("Postmaster",))
    smtp.send(MESSAGE + b".\r\n")
    assert smtp.reply().startswith("250 ")
    assert "<postmaster@mx.kereru.test>" in tables.message()[0]


@pytest.mark.parametrize("uid", (UID_SMTPD, UID_RELAY))
def test_only_a_relaying_network_reaches_the_world(tables, uid):
    c = Client(tables, uid=uid).hello()
    c.cmd("MAIL FROM:<a@example.net>")
    want = "250 2.1.5" if uid == UID_RELAY else "550 5.7.1"
    assert c.cmd("RCPT TO:<x@other.example>").startswith(want)
    # Our own domains stay exact.
    assert c.cmd("RCPT TO:<nobody@kereru.test>").startswith("550 5.1.1")
    assert c.end()[0] == 0


def test_a_damaged_table_is_temporary(tmp_path, tables):
    with open(tables.recipients, "r+b") as f:
        data = f.read()
        f.seek(0)
        f.write(data[:2048].replace(b"\0", b"\xff"))
    c = Client(tables).hello()
    c.cmd("MAIL FROM:<a@example.net>")
    assert c.cmd("RCPT TO:<alice@kereru.test>")[:3] in ("451", "550")
    assert c.end()[0] == 0


MAIL = [
    ("MAIL FROM:<a@example.net>", "250 2.1.0"),
    ("mail from:<a@example.net>", "250 2.1.0"),
    ("MAIL FROM: <a@example.net>", "250 2.1.0"),
    ("MAIL FROM:<>", "250 2.1.0"),
    ("MAIL FROM:<%s@example.net>" % ("a" * 200), "250 2.1.0"),
    ("MAIL FROM:<a@example.net> SIZE=100000", "250 2.1.0"),
    ("MAIL FROM:<a@example.net> SIZE=100001", "552 5.3.4"),
    ("MAIL FROM:<a@example.net> SIZE=99999999999999999999", "501 5.5.4"),
    ("MAIL FROM:<a@example.net> BODY=7BIT SIZE=1", "250 2.1.0"),
    ("MAIL FROM:<a@example.net> BODY=BINARYMIME", "250 2.1.0"),
    ("MAIL FROM:<a@example.net> BODY=9BIT", "501 5.5.4"),
    ("MAIL FROM:<a@example.net> SMTPUTF8", "250 2.1.0"),
    ("MAIL FROM:<a@example.net> smtputf8 BODY=8BITMIME", "250 2.1.0"),
    ("MAIL FROM:<a@example.net> SMTPUTF8=yes", "501 5.5.4"),
    ("MAIL FROM:<a@example.net> SMTPUTF8 SMTPUTF8", "501 5.5.4"),
    ("MAIL FROM:<a@example.net> RET=FULL ENVID=QQ314159", "250 2.1.0"),
    ("MAIL FROM:<a@example.net> RET=ALL", "501 5.5.4"),
    ("MAIL FROM:<a@example.net> RET=FULL RET=HDRS", "501 5.5.4"),
    ("MAIL FROM:<a@example.net> ENVID=a+2Bb", "250 2.1.0"),
    ("MAIL FROM:<a@example.net> ENVID=a+0Ab", "501 5.5.4"),
    ("MAIL FROM:<a@example.net> ENVID=a+b", "501 5.5.4"),
    ("MAIL FROM:<a@example.net> ENVID=" + "x" * 100, "250 2.1.0"),
    ("MAIL FROM:<a@example.net> ENVID=" + "x" * 101, "501 5.5.4"),
    ("MAIL FROM:<a@example.net> NOTIFY=NEVER", "555 5.5.4"),
    ("MAIL FROM:<a@example.net> BY=120;R", "555 5.5.4"),
    ("MAIL FROM:<a@example.net> HOLDFOR=60", "555 5.5.4"),
    ("MAIL FROM:<a@example.net> MT-PRIORITY=3", "555 5.5.4"),
    ("MAIL FROM:<a@example.net> REQUIRETLS", "555 5.5.4"),
    ("MAIL FROM:<\xc3\xa9@example.net>", "550 5.6.7"),
    ("MAIL FROM:<\xc3\xa9@example.net> SMTPUTF8", "250 2.1.0"),
    ("MAIL FROM:<a@\xc3\xa9xample.net> SMTPUTF8 SIZE=5", "250 2.1.0"),
    ("MAIL FROM:<\xe9@example.net> SMTPUTF8", "501 5.1.7"),
    ("MAIL FROM:<\xe9@example.net>", "550 5.6.7"),
    ('MAIL FROM:<"\xc3\xa9 SMTPUTF8 "@example.net>', "550 5.6.7"),
    ("MAIL FROM:<a@example.net> ENVID=\xc3\xa9", "501 5.5.2"),
    ("MAIL FROM:<a@example.net> ENVID=\xc3\xa9 SMTPUTF8", "501 5.5.4"),
    ("MAIL FROM:<a@example.net> AUTH=<>", "555 5.5.4"),
    ("MAIL FROM:<a@example.net>SIZE=1", "501 5.5.4"),
    ("MAIL FROM:a@example.net", "501 5.1.7"),
    ("MAIL FROM:<a@example.net", "501 5.1.7"),
    ("MAIL FROM:<a>", "501 5.1.7"),
    ("MAIL FROM:<a b@example.net>", "501 5.1.7"),
    ("MAIL FROM:<a@example..net>", "501 5.1.7"),
    ("MAIL FROM:<%s@example.net>" % ("a" * 250), "501 5.1.7"),
    ("MAIL <a@example.net>", "501 5.5.4"),
    ("MAIL", "501 5.5.4"),
    ("MAIL TO:<a@example.net>", "501 5.5.4"),
]


@pytest.mark.parametrize("command,want", MAIL)
def test_mail(smtp, command, want):
    smtp.hello()
    assert smtp.cmd(command).startswith(want)
    # Whatever it was, the session goes on in the right state.
    again = "503" if want[0] == "2" else "250"
    assert smtp.cmd("MAIL FROM:<b@example.net>")[:3] == again


def test_helo_knows_no_parameters(smtp):
    smtp.cmd("HELO a.example")
    assert smtp.cmd("MAIL FROM:<a@example.net> SIZE=1").startswith("555")


def test_too_many_recipients(smtp, tables):
    smtp.hello()
    smtp.cmd("MAIL FROM:<a@example.net>")
    for _ in range(5):
        assert smtp.cmd("RCPT TO:<bob@kereru.test>").startswith("250")
    assert smtp.cmd("RCPT TO:<alice@kereru.test>") == \
        "452 4.5.3 too many recipients"
    assert smtp.cmd("DATA").startswith("354")
    smtp.send(MESSAGE + b".\r\n")
    assert smtp.reply().startswith("250")
    assert tables.message()[0].count("\nto - ") == 5


def test_pipelining(smtp, tables):
    smtp.send("EHLO a.example\r\nMAIL FROM:<a@example.net>\r\n"
              "RCPT TO:<nobody@kereru.test>\r\nRCPT TO:<bob@kereru.test>\r\n"
              "DATA\r\n")
    assert [smtp.reply()[:3] for _ in range(5)] == [
        "250", "250", "550", "250", "354"]
    smtp.send(MESSAGE + b".\r\nMAIL FROM:<b@example.net>\r\nRSET\r\nQUIT\r\n")
    assert [smtp.reply()[:3] for _ in range(4)] == [
        "250", "250", "250", "221"]
    assert "<bob@kereru.test>" in tables.message()[0]


def test_octet_by_octet(smtp, tables):
    text = (b"EHLO a.example\r\nMAIL FROM:<a@example.net>\r\n"
            b"RCPT TO:<bob@kereru.test>\r\nDATA\r\n" + MESSAGE +
            b"..\r\n.\r\nQUIT\r\n")
    for i in range(len(text)):
        smtp.send(text[i:i + 1])
    assert [smtp.reply()[:3] for _ in range(6)] == [
        "250", "250", "250", "354", "250", "221"]
    assert tables.message()[1] == MESSAGE + b".\r\n"


LINES = [
    (b"NOOP\n", "500 5.5.2"),
    (b"NOOP\rNOOP\r\n", "500 5.5.2"),
    (b"NO\0OP\r\n", "500 5.5.2"),
    (b"NOOP \x1b[2J\r\n", "500 5.5.2"),
    (b"NOOP \x7f\r\n", "500 5.5.2"),
    (b"NOOP \xe9\r\n", "501 5.5.2"),
    (b"NOOP " + b"x" * 2041 + b"\r\n", "250 2.0.0"),
    (b"NOOP " + b"x" * 2042 + b"\r\n", "500 5.5.2"),
    (b"NOOP " + b"x" * 100000 + b"\r\n", "500 5.5.2"),
]


@pytest.mark.parametrize("line,want", LINES)
def test_command_lines(smtp, line, want):
    smtp.send(line)
    assert smtp.reply().startswith(want)
    assert smtp.cmd("NOOP") == "250 2.0.0 ok"


SMUGGLED = (b"MAIL FROM:<evil@example.net>\r\nRCPT TO:<bob@kereru.test>\r\n"
            b"DATA\r\nSubject: smuggled\r\n\r\nx\r\n")


@pytest.mark.parametrize("end", [
    b"\n.\n", b"\n.\r\n", b"\n.\r", b"\r.\n", b"\r.\r", b"\r.\r\n",
    b"\r\n.\n", b"\r\n.\r", b"\r\n.\r\r\n", b"\r\n\0.\r\n", b"\r\n.\0\r\n",
    b"\r\r\n.\r\r\n", b"\r\n\x1a.\r\r\n"])
def test_smuggling(smtp, tables, end):
    """One message, refused: what stands behind the false end is not run."""
    smtp.hello()
    transaction(smtp)
    smtp.send(MESSAGE + b"one" + end + SMUGGLED + b".\r\n")
    assert smtp.reply() == \
        "550 5.6.0 message has a bare CR, a bare LF or a NUL"
    assert tables.names() == [] and tables.names("tmp") == []
    smtp.send("NOOP\r\n")
    assert smtp.reply() == "250 2.0.0 ok"
    # The session can go on.
    transaction(smtp)
    smtp.send(MESSAGE + b".\r\n")
    assert smtp.reply().startswith("250")


def test_long_lines_and_eight_bits(smtp, tables):
    smtp.hello()
    transaction(smtp)
    text = b"\r\n" + b"x" * 70000 + b"\r\n" + bytes(range(128, 256)) + b"\r\n"
    smtp.send(text + b".\r\n")
    assert smtp.reply().startswith("250")
    assert tables.message()[1] == text


def test_size_is_limited(smtp, tables):
    smtp.hello()
    line = b"x" * 98 + b"\r\n"
    for n, want in ((1000, "250 2.0.0"), (1001, "552 5.3.4"),
                    (20000, "552 5.3.4"), (1, "250 2.0.0")):
        transaction(smtp)
        smtp.send(line * n + b".\r\n")
        assert smtp.reply().startswith(want)
        if want[0] == "2":
            assert tables.message()[1] == line * n
        assert tables.names() == [] and tables.names("tmp") == []


def test_loops_end(smtp, tables):
    smtp.hello()
    for n, want in ((50, "250 2.0.0"), (51, "554 5.4.6"), (500, "554 5.4.6")):
        transaction(smtp)
        smtp.send(b"Received: x\r\n" * n + b"\r\nReceived: y\r\n.\r\n")
        assert smtp.reply().startswith(want)
        if want[0] == "2":
            tables.message()
        assert tables.names() == []


def test_bad_commands_end_the_session(smtp):
    smtp.hello()
    for i in range(9):
        assert smtp.cmd("XYZZY %d" % i) == "500 5.5.1 unknown command"
    smtp.send("XYZZY\r\nNOOP\r\n")
    assert smtp.reply() == "500 5.5.1 unknown command"
    assert smtp.reply().startswith("421 4.7.0 mx.kereru.test ")
    assert smtp.is_closed()


def test_refused_recipients_do_not(smtp):
    smtp.hello()
    smtp.cmd("MAIL FROM:<a@example.net>")
    for i in range(30):
        assert smtp.cmd("RCPT TO:<no%d@kereru.test>" % i).startswith("550")
    assert smtp.cmd("NOOP").startswith("250")


@pytest.mark.parametrize("text", [
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\nMAIL FROM:<a@example.net>\r\n",
    b"POST / HTTP/1.1\r\n", b"CONNECT mx:25 HTTP/1.1\r\n",
    b"Host: x\r\n", b"OPTIONS * HTTP/1.1\r\n"])
def test_http_ends_the_session(smtp, text):
    smtp.send(text)
    assert smtp.reply() == "421 4.7.0 mx.kereru.test is no web server"
    assert smtp.is_closed()


def test_silence_ends_the_session(tmp_path, tables):
    t = Tables(str(tmp_path), settings={"smtp-timeout": "1"})
    c = Client(t)
    start = time.monotonic()
    assert c.reply().startswith("421 4.4.2 ")
    assert 0.8 < time.monotonic() - start < 3
    code, log = c.end()
    assert code == 0 and "reason=timeout" in log


def test_silence_within_data(tmp_path, tables):
    t = Tables(str(tmp_path), settings={"smtp-timeout": "1"})
    c = Client(t).hello()
    transaction(c)
    c.send(MESSAGE)
    assert c.reply().startswith("421 4.4.2 ")
    assert c.end()[0] == 0
    assert t.names() == [] and t.names("tmp") == []


def test_drops_do_not_keep_a_session_for_ever(tmp_path, tables):
    t = Tables(str(tmp_path), settings={"smtp-timeout": "1"})
    start = time.monotonic()
    idle, slow, busy = (Client(t).hello() for _ in range(3))
    transaction(slow)
    idle_end = slow_end = None
    while not (idle_end and slow_end) and time.monotonic() - start < 60:
        if not idle_end and idle.cmd("NOOP").startswith("421 4.4.2 "):
            idle_end = time.monotonic() - start
        if not slow_end and select.select([slow.sock], [], [], 0)[0]:
            assert slow.reply().startswith("421 4.4.2 ")
            slow_end = time.monotonic() - start
        elif not slow_end:
            slow.send(b"x")
        transaction(busy)
        busy.send(MESSAGE + b".\r\n")
        assert busy.reply().startswith("250 ")
        time.sleep(0.4)
    assert idle_end > 9 and slow_end > 9
    # Whoever gets something done may go on.
    assert busy.cmd("NOOP").startswith("250 ")
    for client in (idle, slow, busy):
        assert client.end()[0] == 0


def test_client_leaves_within_data(tables):
    c = Client(tables).hello()
    transaction(c)
    c.send(MESSAGE * 3000)
    code, log = c.end()
    assert code == 0 and "event=disconnected" in log
    assert tables.names() == [] and tables.names("tmp") == []


def test_term_between_commands(tables):
    c = Client(tables).hello()
    os.kill(c.pid, signal.SIGTERM)
    assert c.reply() == "421 4.3.2 mx.kereru.test is shutting down"
    code, log = c.end()
    assert code == 0 and "reason=stopped" in log


def test_term_within_data_finishes_the_message(tables):
    c = Client(tables).hello()
    transaction(c)
    c.send(MESSAGE)
    time.sleep(0.2)
    os.kill(c.pid, signal.SIGTERM)
    time.sleep(0.2)
    c.send(".\r\n")
    assert c.reply().startswith("250 2.0.0 ok, queued as ")
    assert c.reply().startswith("421 4.3.2 ")
    assert c.end()[0] == 0
    assert tables.message()[1] == MESSAGE


@pytest.fixture
def small(tmp_path, tables):
    """A queue on a file system of 64 KiB."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=711", "tmpfs",
                    tables.queue], check=True)
    yield Tables(str(tmp_path))
    subprocess.run(["umount", tables.queue], check=True)


def test_a_full_queue(small):
    c = Client(small).hello()
    transaction(c)
    c.send(b"x" * 78 + b"\r\n")
    c.send((b"y" * 78 + b"\r\n") * 1200 + b".\r\n")
    assert c.reply() == "452 4.3.1 no room here, try again later"
    assert small.names() == [] and small.names("tmp") == []
    # It was only this message.
    transaction(c)
    c.send(MESSAGE + b".\r\n")
    assert c.reply().startswith("250")
    code, log = c.end()
    assert code == 0 and "event=queue-failed" in log
    assert small.message()[1] == MESSAGE


def test_a_full_queue_with_a_small_message(small):
    with open(os.path.join(small.queue, "filler"), "wb", buffering=0) as f:
        try:
            while f.write(b"x" * 4096):
                pass
        except OSError:
            pass
    c = Client(small).hello()
    transaction(c)
    c.send(MESSAGE + b".\r\n")
    assert c.reply().startswith("452 4.3.1")
    assert small.names() == [] and small.names("tmp") == []
    os.unlink(os.path.join(small.queue, "filler"))
    transaction(c)
    c.send(MESSAGE + b".\r\n")
    assert c.reply().startswith("250")
    assert c.end()[0] == 0


def test_no_inode_left(tmp_path, tables):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "nr_inodes=5,mode=711",
                    "tmpfs", tables.queue], check=True)
    try:
        t = Tables(str(tmp_path))
        open(os.path.join(t.queue, "filler"), "wb").close()
        c = Client(t).hello()
        c.cmd("MAIL FROM:<a@example.net>")
        c.cmd("RCPT TO:<bob@kereru.test>")
        assert c.cmd("DATA").startswith("452 4.3.1")
        assert c.cmd("NOOP").startswith("250")
        assert c.end()[0] == 0
    finally:
        subprocess.run(["umount", tables.queue], check=True)


def test_both_are_synced_before_the_answer(tables, tmp_path):
    """The file, then the folder, and only then 250."""
    if not shutil.which("strace"):
        pytest.skip("no strace")
    c = Client(tables).hello()
    log = str(tmp_path / "strace")
    tracer = subprocess.Popen(
        ["strace", "-p", str(c.pid), "-e", "trace=fsync,rename,renameat,"
         "renameat2,write", "-o", log], stderr=subprocess.PIPE)
    assert b"attached" in tracer.stderr.readline()
    transaction(c)
    c.send(MESSAGE + b".\r\n")
    assert c.reply().startswith("250")
    assert c.end()[0] == 0
    tracer.wait()
    with open(log) as f:
        calls = [x for x in f if "write(2" not in x]
    at = [i for i, x in enumerate(calls) if x.startswith("rename")]
    assert len(at) == 1
    before, behind, said = calls[at[0] - 1], calls[at[0] + 1], calls[at[0] + 2]
    assert re.match(r"fsync\(\d+\) += 0", before)
    assert re.match(r"fsync\(7\) += 0", behind)
    assert said.startswith('write(1, "250 2.0.0 ok, queued as ')


def test_a_lost_queue_is_temporary(tables):
    os.chmod(os.path.join(tables.queue, "tmp"), 0)
    c = Client(tables).hello()
    c.cmd("MAIL FROM:<a@example.net>")
    c.cmd("RCPT TO:<bob@kereru.test>")
    assert c.cmd("DATA") == "451 4.3.0 trouble here, try again later"
    assert c.end()[0] == 0


def test_root_is_refused(tables):
    c = Client.__new__(Client)
    with pytest.raises(EOFError):
        c.__init__(tables, uid=0)
    assert c.end()[0] == 100


def test_memory_does_not_grow_with_the_message(tmp_path, tables):
    t = Tables(str(tmp_path), settings={"message-size-max": "50000000"})
    c = Client(t).hello()

    def resident():
        with open("/proc/%d/statm" % c.pid) as f:
            return int(f.read().split()[1]) * 4
    idle = resident()
    transaction(c)
    for _ in range(300):
        c.send((b"z" * 98 + b"\r\n") * 1000)
    assert resident() < idle + 1000
    c.send(".\r\n")
    assert c.reply().startswith("250")
    assert c.end()[0] == 0
    assert len(t.message()[1]) == 30000000


# STARTTLS: the monitor of smtpalone.py signs.

def test_starttls(tables):
    tables.make_certificate()
    c = Client(tables)
    assert "\n250-STARTTLS\n" in c.cmd("EHLO a.example")
    c.start_tls()
    # What was said in the clear does not count.
    assert c.cmd("MAIL FROM:<a@example.net>") == "503 5.5.1 EHLO first"
    assert "STARTTLS" not in c.cmd("EHLO b.example")
    assert c.cmd("STARTTLS") == "503 5.5.1 TLS is on already"
    transaction(c)
    c.send(MESSAGE + b".\r\n")
    assert c.reply().startswith("250")
    added = tables.message()[2].decode()
    assert " with ESMTPS id " in added
    assert re.search(r"\r\n\t\(TLSv1\.2 [A-Z0-9-]+\)\r\n", added)
    code, log = c.end()
    assert code == 0 and re.search(r'tls="TLSv1\.2 ', log)


def test_implicit_tls(tables):
    tables.make_certificate()
    c = Client(tables, tls=True)
    c.wrap()
    assert c.reply().startswith("220 ")
    c.hello()
    transaction(c)
    c.send(MESSAGE + b".\r\n")
    assert c.reply().startswith("250")
    assert b" with ESMTPS id " in tables.message()[2]
    assert c.end()[0] == 0


@pytest.mark.parametrize("behind", ["NOOP\r\n", "x", "RSET\r\nMAIL FROM:<>\r\n"])
def test_octets_behind_starttls(tables, behind):
    tables.make_certificate()
    c = Client(tables)
    c.hello()
    c.send("STARTTLS\r\n" + behind)
    assert c.reply().startswith("421 4.7.0 ")
    assert c.is_closed()
    code, log = c.end()
    assert code == 0 and "reason=injection" in log


def test_no_tls_handshake(tables):
    tables.make_certificate()
    c = Client(tables).hello()
    assert c.cmd("STARTTLS").startswith("220")
    c.send("NOOP\r\n")
    try:
        while c.sock.recv(100):
            pass
    except ConnectionResetError:
        pass
    code, log = c.end()
    assert code == 0 and "reason=tls-failed" in log


# After login.

def owner(tables, **more):
    return Client(tables, uid=UID_ALICE, mailbox="alice@kereru.test", **more)


def test_after_login(tables):
    c = owner(tables)
    assert c.cmd("MAIL FROM:<alice@kereru.test> AUTH=<>").startswith("250")
    assert c.cmd("RCPT TO:<x@other.example>").startswith("250 2.1.5")
    assert c.cmd("DATA").startswith("354")
    c.send(MESSAGE + b".\r\n")
    assert c.reply().startswith("250 2.0.0 ok, queued as ")
    envelope, message, added = tables.message()
    assert "origin smtp 192.0.2.7 as alice@kereru.test" in envelope
    assert added.startswith(b"Received: from laptop.example.net ([192.0.2.7])")
    assert b" with ESMTPSA id " in added
    assert b"\r\n\t(TLSv1.2 TEST)\r\n" in added
    assert c.cmd("QUIT").startswith("221")
    code, log = c.end()
    assert code == 0 and "mailbox=alice@kereru.test" in log


@pytest.mark.parametrize("sender,want", [
    ("alice@kereru.test", "250 2.1.0"), ("ALICE@kereru.test", "250 2.1.0"),
    ("both@kereru.test", "250 2.1.0"), ("", "250 2.1.0"),
    ("alice+x@kereru.test", "250 2.1.0"), ("bob+x@kereru.test", "553 5.7.1"),
    ("bob@kereru.test", "553 5.7.1"), ("others@kereru.test", "553 5.7.1"),
    ("nobody@kereru.test", "553 5.7.1"), ("a@example.net", "553 5.7.1"),
    ("@kereru.test:alice@example.net", "553 5.7.1"),
    ('"alice@kereru.test"@example.net', "553 5.7.1")])
def test_a_mailbox_sends_under_its_own_address(tables, sender, want):
    c = owner(tables)
    assert c.cmd("MAIL FROM:<%s>" % sender).startswith(want)
    assert c.cmd("RCPT TO:<x@other.example>")[:3] == \
        ("250" if want[0] == "2" else "503")
    assert c.end()[0] == 0


def test_states_after_login(tables):
    c = owner(tables)
    assert c.cmd("AUTH PLAIN AGEAYg==") == "503 5.5.1 logged in already"
    assert c.cmd("STARTTLS") == "503 5.5.1 TLS is on already"
    assert c.cmd("RCPT TO:<nobody@kereru.test>") == "503 5.5.1 MAIL first"
    answer = c.cmd("EHLO again.example")
    assert "STARTTLS" not in answer and "AUTH" not in answer
    assert c.cmd("MAIL FROM:<alice@kereru.test>").startswith("250")
    assert c.cmd("RCPT TO:<nobody@kereru.test>").startswith("550 5.1.1")
    assert c.end()[0] == 0


def test_after_login_without_tls(tables):
    c = owner(tables, preamble=netstring("laptop", ""))
    c.cmd("MAIL FROM:<alice@kereru.test>")
    c.cmd("RCPT TO:<bob@kereru.test>")
    c.cmd("DATA")
    c.send(MESSAGE + b".\r\n")
    assert c.reply().startswith("250")
    assert b" with ESMTPA id " in tables.message()[2]
    assert c.end()[0] == 0


@pytest.mark.parametrize("preamble", [
    b"nonsense", b"999999:", b"3:a\0b,", b"5:a\nb\0\0,", netstring("a b", ""),
    netstring("a", "x)\r\nEvil: y"), netstring("a" * 256, ""), b"0:,",
    netstring("a", "x\0"), netstring("a", "x\0a.example"), b"5:a\0x\0\0,"])
def test_a_bad_preamble_ends_it(tables, preamble):
    c = owner(tables, preamble=preamble)
    assert c.is_closed()
    code, log = c.end()
    assert code == 111 and "bad preamble" in log


def test_term_after_login(tables):
    c = owner(tables)
    c.cmd("NOOP")
    os.kill(c.pid, signal.SIGTERM)
    assert c.reply().startswith("421 4.3.2")
    assert c.end()[0] == 0


def test_two_pipes_in_place_of_a_socket(tables):
    """As the monitor starts it."""
    from smtpalone import spawn
    to_r, to_w = os.pipe()
    from_r, from_w = os.pipe()
    fds = [os.open(p, os.O_RDONLY) for p in (
        tables.settings, os.path.join(tables.queue, "tmp"),
        os.path.join(tables.queue, "new"), tables.recipients)]
    pid = spawn("smtpd", ["-m", "alice@kereru.test", "-a", "2001:db8::7"],
                UID_ALICE, [to_r, from_w, 2, None, None] + fds)
    os.close(to_r)
    os.close(from_w)
    os.write(to_w, netstring("laptop", "TLSv1.2 TEST") +
             b"MAIL FROM:<alice@kereru.test>\r\nRCPT TO:<bob@kereru.test>\r\n"
             b"DATA\r\n" + MESSAGE + b".\r\nQUIT\r\n")
    os.close(to_w)
    said = b""
    while more := os.read(from_r, 4096):
        said += more
    assert [x[:3] for x in said.split(b"\r\n")] == [
        b"250", b"250", b"354", b"250", b"221", b""]
    assert os.waitpid(pid, 0)[1] == 0
    assert b"([IPv6:2001:db8::7])" in tables.message()[2]


def test_isemail(tmp_path, tables):
    """The test set of isemail, looked for in $KERERU_TESTDATA, else beside the
    clone: what is valid for SMTP is taken, what is valid nowhere is not."""
    path = os.path.join(os.environ.get(
        "KERERU_TESTDATA", os.path.join(REPOSITORY, "../shared/testdata")),
        "address/isemail/tests.xml")
    if not os.path.exists(path):
        pytest.skip(f"no {path}")
    c = Client(tables, uid=UID_RELAY).hello()
    c.cmd("MAIL FROM:<>")
    seen = 0
    for case in xml.etree.ElementTree.parse(path).getroot().iter("test"):
        address = case.findtext("address") or ""
        category = case.findtext("category")
        if any(0x2400 <= ord(x) < 0x2421 and x in "\u240d\u240a"
               for x in address):
            continue    # a line end can't stand in a command
        raw = "".join(chr(ord(x) - 0x2400) if 0x2400 <= ord(x) < 0x2421
                      else x for x in address).encode()
        c.cmd("RSET")
        c.cmd("MAIL FROM:<>")
        c.send(b"RCPT TO:<" + raw + b">\r\n")
        answer = c.reply()
        if category in ("ISEMAIL_VALID_CATEGORY", "ISEMAIL_RFC5321",
                        "ISEMAIL_DNSWARN"):
            assert answer.startswith("250"), (address, category, answer)
            seen += 1
        elif category == "ISEMAIL_ERR":
            assert answer.startswith("5"), (address, category, answer)
            seen += 1
        if c.cmd("NOOP").startswith("421") or answer.startswith("50"):
            c.end()
            c = Client(tables, uid=UID_RELAY).hello()
    assert seen > 70
    c.end()


def test_the_man_page_has_every_reply():
    with open(os.path.join(REPOSITORY, "smtpd", "reply.c")) as f:
        source = f.read()
    with open(os.path.join(REPOSITORY, "doc", "man", "smtpd.8")) as f:
        page = f.read()
    entries = re.findall(r"\[SMTP_R_\w+\]\s*=\s*\{((?:\s*\"[^\"]*\")+),\s*"
                         r"(true|false)\}", source)
    assert len(entries) > 50
    for literals, is_bad in entries:
        text = "".join(re.findall(r'"([^"]*)"', literals))
        mark = " *" if is_bad == "true" else ""
        assert '\n.It Li "%s"%s\n' % (text, mark) in page, text
    assert page.count("\n.It Li \"") == len(entries)


def test_no_reply_is_written_elsewhere():
    """But for lines of several replies, and what is said without a session."""
    known = {"hello.c": {"250-", "250 "}, "submit_auth.c": {"334 "},
             "front.c": {"421 "}, "smtpd.c": {"421 "}}
    folder = os.path.join(REPOSITORY, "smtpd")
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".c") or name in ("reply.c", "judge.c",
                                               "outbound.c"):
            continue
        with open(os.path.join(folder, name)) as f:
            codes = set(re.findall(r'"([2-5]\d\d[ -])', f.read()))
        assert codes <= known.get(name, set()), name
