"""imap-front under its monitor: what it says before login, and what it lets
through behind it."""
import base64
import imaplib
import socket
import ssl

import pytest

import tables

ALICE = "alice@mx.example.org"


class Client:
    def __init__(self, host, implicit=False):
        self.socket = socket.create_connection(
            (host.address, host.ports["imaps" if implicit else "imap"]), 20)
        if implicit:
            self.wrap()
        self.file = self.socket.makefile("rb")
        self.greeting = self.file.readline()

    def wrap(self):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket)

    def send(self, data):
        self.socket.sendall(data)

    def line(self):
        return self.file.readline()

    def answer(self, tag):
        lines = []
        while True:
            line = self.line()
            if not line:
                return lines
            lines.append(line)
            if line.startswith(tag + b" "):
                return lines

    def command(self, text, tag=b"a"):
        self.send(tag + b" " + text + b"\r\n")
        return self.answer(tag)

    def starttls(self):
        assert self.command(b"STARTTLS")[-1].startswith(b"a OK")
        self.wrap()
        self.file = self.socket.makefile("rb")


@pytest.fixture
def connect(host):
    made = []

    def make(**more):
        made.append(Client(host, **more))
        return made[-1]

    yield make
    for c in made:
        c.socket.close()


def plain(user, password):
    return base64.b64encode(b"\0%s\0%s" % (user, password))


def test_nothing_secret_in_the_clear(connect):
    c = connect()
    assert b"LOGINDISABLED" in c.greeting and b"AUTH=" not in c.greeting
    assert b"STARTTLS" in c.command(b"CAPABILITY")[0]
    for text in (b"LOGIN alice secret",
                 b"AUTHENTICATE PLAIN " + plain(b"alice", b"secret")):
        assert c.command(text)[-1].startswith(b"a NO [PRIVACYREQUIRED]")
    assert c.command(b"SELECT INBOX")[-1].startswith(b"a BAD")
    assert c.command(b"NOOP")[-1].startswith(b"a OK")
    assert c.command(b"ID NIL")[0].startswith(b"* ID (")
    assert [x[:5] for x in c.command(b"LOGOUT")] == [b"* BYE", b"a OK "]
    assert c.line() == b""


def test_starttls_then_every_way_to_log_in(connect):
    user, password = ALICE.encode(), b"secret"
    for way in range(5):
        c = connect()
        c.starttls()
        told = c.command(b"CAPABILITY")[0]
        assert b"AUTH=PLAIN" in told and b"LOGINDISABLED" not in told
        assert b"STARTTLS" not in told
        if way == 0:
            c.send(b"a LOGIN %s \"%s\"\r\n" % (user, password))
        elif way == 1:
            c.send(b"a LOGIN {%d}\r\n" % len(user))
            assert c.line().startswith(b"+")
            c.send(user + b" {%d+}\r\n" % len(password) + password + b"\r\n")
        elif way == 2:
            c.send(b"a AUTHENTICATE PLAIN %s\r\n" % plain(user, password))
        elif way == 3:
            c.send(b"a AUTHENTICATE PLAIN\r\n")
            assert c.line() == b"+ \r\n"
            c.send(plain(user, password) + b"\r\n")
        else:
            c.send(b"a AUTHENTICATE LOGIN\r\n")
            assert base64.b64decode(c.line()[2:]) == b"Username:"
            c.send(base64.b64encode(user) + b"\r\n")
            assert base64.b64decode(c.line()[2:]) == b"Password:"
            c.send(base64.b64encode(password) + b"\r\n")
        assert c.answer(b"a")[-1].startswith(b"a OK [CAPABILITY IMAP4rev1 ")
        assert c.command(b"SELECT INBOX")[-1].startswith(b"a OK")


def test_what_is_announced_before_login_has_its_test(connect):
    known = {*tables.capabilities(False), "ENABLE", "ID", "IMAP4rev1",
             "IMAP4rev2", "LITERAL+"}
    c = connect()
    clear = set(c.command(b"CAPABILITY")[0].decode().split()[2:])
    c.starttls()
    tls = set(c.command(b"CAPABILITY")[0].decode().split()[2:])
    assert clear | tls <= known
    assert {"STARTTLS", "LOGINDISABLED"} <= clear - tls
    assert {"AUTH=PLAIN", "AUTH=LOGIN"} <= tls - clear


def test_clear_text_behind_starttls_is_no_command(connect):
    c = connect()
    c.send(b"a STARTTLS\r\nb NOOP\r\n")
    try:
        assert c.line() == b""
    except ConnectionResetError:
        pass


def test_pipelined_behind_login(connect):
    c = connect(implicit=True)
    c.send(b"a LOGIN %s secret\r\nb SELECT INBOX\r\nc LOGOUT\r\n"
           % ALICE.encode())
    assert c.answer(b"a")[-1].startswith(b"a OK")
    assert c.answer(b"b")[-1].startswith(b"b OK [READ-WRITE]")
    assert [x[:5] for x in c.answer(b"c")] == [b"* BYE", b"c OK "]
    assert c.line() == b""


def test_wrong_passwords_end_the_session(connect):
    c = connect(implicit=True)
    for _ in range(3):
        assert c.command(b"LOGIN %s wrong" % ALICE.encode())[-1].startswith(
            b"a NO [AUTHENTICATIONFAILED]")
    assert c.line().startswith(b"* BYE")
    assert c.line() == b""


def test_wrong_then_right(connect):
    c = connect(implicit=True)
    assert c.command(b"LOGIN bob@mx.example.org wrong")[-1].startswith(b"a NO")
    assert c.command(b"AUTHENTICATE PLAIN !!!")[-1].startswith(b"a BAD")
    c.send(b"a AUTHENTICATE PLAIN\r\n")
    c.line()
    c.send(b"*\r\n")
    assert c.answer(b"a")[-1].startswith(b"a BAD")
    assert c.command(b"LOGIN bob@mx.example.org secret")[-1].startswith(
        b"a OK")


@pytest.mark.parametrize("data", [
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"POST /x HTTP/1.0\r\n\r\n",
    b"x\r\n" * 20, b"a FOO bar\r\n" * 20, b"a LOGIN {100000+}\r\n",
    b"a LOGIN {99999999999999999999}\r\n", b"a" * 9000 + b"\r\n" + b"\r\n" * 20,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\n" * 30])
def test_nonsense_ends_the_session(connect, data):
    c = connect()
    c.send(data)
    try:
        while c.line():
            pass
    except ConnectionResetError:
        pass


def test_python_imaplib(host):
    with imaplib.IMAP4(host.address, host.ports["imap"]) as m:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        m.starttls(context)
        m.login(ALICE, "secret")
        assert b"UIDPLUS" in m.capability()[1][0]
        m.create("Work")
        message = b"Subject: x\r\n\r\nhello\r\n"
        m.append("Work", "(\\Seen)", None, message)
        m.select("Work")
        _, data = m.fetch("1", "(BODY[])")
        assert data[0][1] == message
        m.store("1", "+FLAGS", "\\Deleted")
        m.expunge()
        m.close()
        m.delete("Work")


@pytest.mark.parametrize("line", range(4080, 4096))
def test_no_literal_behind_a_line_that_fills_the_buffer(connect, line):
    c = connect()
    end = b" {60000}"
    c.send(b"a LOGIN ".ljust(line - len(end), b"x") + end + b"\r\n")
    assert c.line().startswith(b"* BYE " if line <= 4092 else b"* BAD ")
