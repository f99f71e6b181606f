"""submit-front by itself: what it says before login, and how one logs in."""
import base64
import os
import signal
import sys
import time

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "lib"))
from smtpalone import Client, Tables, UID_SUBMIT  # noqa: E402

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="needs root")

GOOD = b"\0alice@kereru.test\0kereru"


def judge(sasl):
    if b"later" in sasl:
        return "l"
    return "o" if sasl.endswith(GOOD) else "d"


def b64(x):
    return base64.b64encode(x).decode()


@pytest.fixture
def tables(tmp_path):
    p = tmp_path
    while str(p) not in ("/", "/tmp"):
        os.chmod(p, 0o711)
        p = p.parent
    t = Tables(str(tmp_path))
    t.make_certificate()
    return t


def front(tables, **more):
    return Client(tables, uid=UID_SUBMIT, program="submit-front", judge=judge,
                  **more)


@pytest.fixture
def tls(tables):
    c = front(tables)
    assert c.cmd("EHLO laptop.example.net").startswith("250")
    c.start_tls()
    assert "\n250-AUTH SCRAM-SHA-256 PLAIN LOGIN\n" in c.cmd("EHLO laptop.example.net")
    yield c
    code, log = c.end()
    assert code == 0, log


BEFORE = [
    ("HELO a.example", "250", "250"), ("NOOP", "250", "250"),
    ("RSET", "250", "250"), ("HELP", "214", "214"),
    ("VRFY alice", "252", "252"), ("QUIT", "221", "221"),
    ("MAIL FROM:<alice@kereru.test>", "530 5.7.0 STARTTLS first",
     "530 5.7.0 log in first"),
    ("RCPT TO:<bob@kereru.test>", "530", "530"), ("DATA", "530", "530"),
    ("EXPN x", "530", "530"), ("XYZZY", "500", "500"),
    ("AUTH PLAIN " + b64(GOOD), "530 5.7.0 STARTTLS first", "235"),
    ("AUTH LOGIN", "530", "334"), ("AUTH CRAM-MD5", "530", "504 5.5.4"),
    ("AUTH", "530", "504"), ("HELO a b", "501", "501"),
    ("STARTTLS now", "501", "503"), ("GET / HTTP/1.0", "421", "421"),
    ("NOOP " + "x" * 3000, "500", "500"), ("NOOP \xe9", "501", "501"),
]


@pytest.mark.parametrize("command,clear,secure", BEFORE)
def test_commands_before_login(tables, command, clear, secure):
    for want, is_tls in ((clear, False), (secure, True)):
        c = front(tables)
        c.cmd("EHLO laptop.example.net")
        if is_tls:
            c.start_tls().cmd("EHLO laptop.example.net")
        assert c.cmd(command).startswith(want), is_tls
        assert c.end()[0] == 0


def test_ehlo_in_the_clear(tables):
    c = front(tables)
    answer = c.cmd("EHLO laptop.example.net").split("\n")
    assert answer[1:] == [
        "250-SIZE 100000", "250-ETRN", "250-EXPN", "250-PIPELINING",
        "250-8BITMIME", "250-SMTPUTF8", "250-CHUNKING", "250-BINARYMIME",
        "250-DSN", "250-ENHANCEDSTATUSCODES", "250-LIMITS RCPTMAX=5",
        "250-STARTTLS", "250 HELP"]
    assert c.end()[0] == 0


def test_auth_needs_ehlo(tables):
    c = front(tables)
    c.start_tls()
    assert c.cmd("AUTH PLAIN " + b64(GOOD)) == "503 5.5.1 EHLO first"
    assert c.end()[0] == 0


def logged_in(c):
    """The smtpd of the mailbox gets the preamble, then the client's octets."""
    m = c.monitor
    said = os.read(m.mailbox_in, 1000)
    n, rest = said.split(b":", 1)
    assert len(rest) == int(n) + 1 and rest.endswith(b",")
    helo, tls, end = rest[:-1].split(b"\0")
    assert helo == b"laptop.example.net" and tls.startswith(b"TLSv1.2 ")
    assert end == b""
    c.send("MAIL FROM:<alice@kereru.test>\r\n")
    assert os.read(m.mailbox_in, 1000) == b"MAIL FROM:<alice@kereru.test>\r\n"
    os.write(m.mailbox_out, b"250 2.1.0 sender ok\r\n")
    assert c.reply() == "250 2.1.0 sender ok"
    os.close(m.mailbox_out)
    os.close(m.mailbox_in)
    assert c.is_closed()


def test_plain_with_initial_response(tls):
    assert tls.cmd("AUTH PLAIN " + b64(GOOD)) == "235 2.7.0 logged in"
    assert tls.monitor.asked == [GOOD]
    logged_in(tls)


def test_plain_with_a_question(tls):
    assert tls.cmd("auth plain") == "334 "
    assert tls.cmd(b64(b"alice@kereru.test" + GOOD)) == "235 2.7.0 logged in"
    logged_in(tls)


def test_login(tls):
    assert tls.cmd("AUTH LOGIN") == "334 VXNlcm5hbWU6"
    assert tls.cmd(b64(b"alice@kereru.test")) == "334 UGFzc3dvcmQ6"
    assert tls.cmd(b64(b"kereru")) == "235 2.7.0 logged in"
    assert tls.monitor.asked == [GOOD]
    logged_in(tls)


def test_login_with_initial_response(tls):
    assert tls.cmd("AUTH LOGIN " + b64(b"alice@kereru.test")) == \
        "334 UGFzc3dvcmQ6"
    assert tls.cmd(b64(b"kereru")) == "235 2.7.0 logged in"
    logged_in(tls)


def test_behind_a_balancer(tmp_path, tables):
    t = Tables(str(tmp_path), settings={"proxy-from": "192.0.2.0/24"})
    t.make_certificate()
    c = front(t, greet=False)
    c.send("PROXY TCP6 2001:db8::5 2001:db8::1 4711 587\r\n")
    assert c.reply().startswith("220 ")
    c.hello().start_tls().hello()
    assert c.cmd("AUTH PLAIN " + b64(GOOD)).startswith("235")
    logged_in(c)
    assert str(c.monitor.peer) == "2001:db8::5"
    assert c.end()[0] == 0
    c = front(t, greet=False)
    c.send("EHLO a.example\r\n")
    assert c.is_closed()
    assert c.end()[0] == 0


@pytest.mark.parametrize("together", [False, True])
def test_behind_a_balancer_under_tls(tmp_path, tables, together):
    """The header stands in the clear, before the handshake, of which nothing
    may be lost."""
    t = Tables(str(tmp_path), settings={"proxy-from": "192.0.2.0/24"})
    t.make_certificate()
    c = front(t, tls=True)
    header = b"PROXY TCP4 203.0.113.5 192.0.2.1 4711 465\r\n"
    if together:
        c.wrap(before=header)
    else:
        for octet in header:
            c.send(bytes([octet]))
        c.wrap()
    assert c.reply().startswith("220 ")
    c.hello()
    assert c.cmd("AUTH PLAIN " + b64(GOOD)).startswith("235")
    logged_in(c)
    assert str(c.monitor.peer.ipv4_mapped) == "203.0.113.5"
    assert c.end()[0] == 0
    for verdict, sent in ((b"l", header), (b"o", b"\x16\x03\x01")):
        c = front(t, tls=True)
        c.monitor.peer_verdict = verdict
        c.send(sent + b"\r\n" * 20)
        assert c.is_closed()
        assert c.end()[0] == 0


def test_implicit_tls(tables):
    c = front(tables, tls=True)
    c.wrap()
    assert c.reply().startswith("220 ")
    assert "STARTTLS" not in c.cmd("EHLO laptop.example.net")
    assert c.cmd("AUTH PLAIN " + b64(GOOD)).startswith("235")
    logged_in(c)
    assert c.end()[0] == 0


def test_what_comes_with_the_login_goes_on(tls):
    tls.send("AUTH PLAIN %s\r\nNOOP\r\n" % b64(GOOD))
    assert tls.reply().startswith("235")
    said = b""
    while not said.endswith(b",NOOP\r\n"):
        said += os.read(tls.monitor.mailbox_in, 1000)
    os.close(tls.monitor.mailbox_out)
    assert tls.is_closed()


BAD = [
    ("AUTH PLAIN =", "535 5.7.8"),
    ("AUTH PLAIN " + b64(b"\0alice\0wrong"), "535 5.7.8"),
    ("AUTH PLAIN " + b64(b"no nul"), "535 5.7.8"),
    ("AUTH PLAIN " + b64(b"\0\0password"), "535 5.7.8"),
    ("AUTH PLAIN " + b64(b"\0alice\0"), "535 5.7.8"),
    ("AUTH PLAIN " + b64(b"\0a\0b\0c"), "535 5.7.8"),
    ("AUTH PLAIN " + b64(b"\0later\0x"), "454 4.7.0"),
    ("AUTH PLAIN *", "501 5.7.0"),
    ("AUTH PLAIN !!!!", "501 5.5.2"),
    ("AUTH PLAIN AGE", "501 5.5.2"),
    ("AUTH PLAIN AGE=B", "501 5.5.2"),
    ("AUTH PLAIN " + b64(b"\0a\0" + b"x" * 1021), "535 5.7.8"),
    ("AUTH PLAIN " + b64(b"\0a\0" + b"x" * 1022), "501 5.5.2"),
    ("AUTH PLAIN " + b64(b"x" * 1200), "500 5.5.6"),
]


@pytest.mark.parametrize("command,want", BAD)
def test_failed_logins(tls, command, want):
    assert tls.cmd(command).startswith(want)
    # And the same in answer to a question.
    argument = command.split()[2]
    if argument != "=":
        assert tls.cmd("AUTH PLAIN") == "334 "
        assert tls.cmd(argument).startswith(want)
    assert tls.cmd("AUTH PLAIN " + b64(GOOD)).startswith("235")
    os.close(tls.monitor.mailbox_out)


@pytest.mark.parametrize("line,want", [
    ("*", "501 5.7.0"), ("x" * 6000, "500 5.5.6"), ("x" * 50000, "500 5.5.6"),
    ("", "535 5.7.8"), ("\xe9", "501 5.5.2")])
def test_answers_to_the_question(tls, line, want):
    assert tls.cmd("AUTH PLAIN") == "334 "
    assert tls.cmd(line).startswith(want)
    assert tls.cmd("NOOP").startswith("250")


def test_login_with_a_nul(tls):
    """A NUL in a name must not turn it into another message."""
    assert tls.cmd("AUTH LOGIN " + b64(b"alice@kereru.test\0kereru")) == \
        "334 UGFzc3dvcmQ6"
    assert tls.cmd(b64(b"x")).startswith("535")
    assert tls.monitor.asked == []
    assert tls.cmd("AUTH LOGIN *").startswith("501")
    assert tls.cmd("AUTH LOGIN " + b64(b"x" * 1000)).startswith("334")
    assert tls.cmd(b64(b"y" * 100)).startswith("500 5.5.6")


def test_three_failures_end_it(tls):
    wrong = "AUTH PLAIN " + b64(b"\0alice\0wrong")
    assert tls.cmd(wrong).startswith("535")
    assert tls.cmd(wrong).startswith("535")
    assert tls.cmd(wrong).startswith("535")
    assert tls.reply().startswith("421 4.7.0 ")
    assert tls.is_closed()


def test_policy_hears_of_failures(tmp_path, tables):
    """And says how long the answer takes; a right password is not told."""
    asked = []

    def policy(pair):
        while frame := pair.recv(65536):
            asked.append(frame)
            pair.send(b"a" + (700).to_bytes(4, "big") + bytes(8))
    t = Tables(str(tmp_path), settings={"policy": "1"})
    t.make_certificate()
    c = front(t, guards={"p": policy})
    c.hello().start_tls().hello()
    start = time.monotonic()
    assert c.cmd("AUTH PLAIN " + b64(b"\0alice\0wrong")).startswith("535")
    assert time.monotonic() - start > 0.6
    assert c.cmd("AUTH PLAIN " + b64(GOOD)).startswith("235")
    [frame] = asked
    assert frame.startswith(b"f\0\x09192.0.2.7\0\0\0\x12laptop.example.net")
    os.close(c.monitor.mailbox_out)
    c.end()


def test_octets_behind_starttls(tables):
    c = front(tables)
    c.send("STARTTLS\r\nAUTH PLAIN %s\r\n" % b64(GOOD))
    assert c.reply().startswith("421 4.7.0 ")
    assert c.is_closed()
    assert c.end()[0] == 0
    assert c.monitor.asked == []


def test_bad_commands_end_it(tables):
    c = front(tables)
    for _ in range(10):
        assert c.cmd("XYZZY").startswith("500")
    assert c.reply().startswith("421")
    assert c.is_closed()
    assert c.end()[0] == 0


def test_monitor_is_gone(tls):
    # Its thread stands in recv, which close alone would not end.
    tls.monitor.pair.shutdown(2)
    assert tls.cmd("AUTH PLAIN " + b64(GOOD)).startswith("454 4.7.0")


def test_term(tables):
    c = front(tables)
    os.kill(c.pid, signal.SIGTERM)
    assert c.reply().startswith("421 4.3.2")
    assert c.end()[0] == 0


def test_silence(tmp_path, tables):
    t = Tables(str(tmp_path), settings={"login-timeout": "1"})
    c = front(t)
    assert c.reply().startswith("421 4.4.2")
    assert c.end()[0] == 0


def test_drops_do_not_keep_a_session_for_ever(tmp_path, tables):
    t = Tables(str(tmp_path), settings={"login-timeout": "1"})
    c = front(t)
    replies = ["250 "]
    while replies[-1].startswith("250 ") and len(replies) < 20:
        c.send(b"NOOP\r\n")
        replies.append(c.reply())
        time.sleep(0.4)
    assert replies[-1].startswith("421 4.4.2 ") and len(replies) > 5
    assert c.end()[0] == 0
