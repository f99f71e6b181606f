"""smtpd by itself, with a policy and a check in Python: what it asks, and what
it does with the answers."""
import os
import re
import socket
import struct
import sys
import tempfile
import time

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "lib"))
from smtpalone import Client, Tables  # noqa: E402

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="needs root")

MESSAGE = b"From: <a@example.net>\r\nSubject: x\r\n\r\nHello\r\n"


def make_tables(tmp_path_factory, **more):
    path = folder = tmp_path_factory.mktemp("guard")
    while str(path) not in ("/", "/tmp"):
        os.chmod(path, 0o711)
        path = path.parent
    return Tables(str(folder), settings={"policy": "1", "check": "1", **more})


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return make_tables(tmp_path_factory)


@pytest.fixture(scope="module")
def early(tmp_path_factory):
    """A host that looks for those who do not wait for its greeting."""
    return make_tables(tmp_path_factory,
                       **{"greet-delay": "1", "greet-refuse": "0"})


def take_bytes(frame, n):
    """n byte strings from the front of frame, and the rest."""
    out = []
    for _ in range(n):
        size = struct.unpack(">H", frame[:2])[0]
        out.append(frame[2:2 + size].decode())
        frame = frame[2 + size:]
    return out, frame


class Policy:
    """Answers each stage as the table says: (action, delay ms, text)."""

    def __init__(self, answers=None):
        self.answers, self.asked = answers or {}, []

    def __call__(self, pair):
        while frame := pair.recv(65536):
            stage = frame[:1].decode()
            words, rest = take_bytes(frame[1:], 6)
            self.asked.append((stage, *words, struct.unpack(">Q", rest)[0]))
            answer = self.answers.get(stage, ("a", 0, ""))
            if answer is None:
                pair.close()
                return
            action, delay, text = answer
            pair.send(struct.pack(">cIH", action.encode(), delay, len(text)) +
                      text.encode() + struct.pack(">IBB", 41, 0, 0))


class Check:
    def __init__(self, action="a", code=250, text="", flags=0, lines=b"",
                 replacement=None, dies=False):
        self.verdict = (action, code, text, flags, lines, replacement)
        self.dies, self.asked = dies, []

    def __call__(self, pair):
        while True:
            frame, fds, _, _ = socket.recv_fds(pair, 65536, 2)
            if not frame:
                return
            words, rest = take_bytes(frame[1:], 7)
            at, n, added_at, added_n, flags, self.messages, self.early = (
                struct.unpack(">QQQQIIB", rest))
            to = []
            while (more := pair.recv(65536)) != b"e":
                to += take_bytes(more[3:], struct.unpack(
                    ">H", more[1:3])[0])[0]
            with pytest.raises(OSError):
                os.pwrite(fds[0], b"x", 0)
            self.asked.append((words, os.pread(fds[0], n, at),
                               os.pread(fds[0], added_n, added_at), to))
            os.close(fds[0])
            if self.dies:
                pair.close()
                return
            self.answer(pair)

    def answer(self, pair):
        action, code, text, flags, lines, replacement = self.verdict
        size, fds = 0, []
        if replacement is not None:
            flags |= 2
            size = len(replacement)
            fd = os.open(tempfile.gettempdir(), os.O_TMPFILE | os.O_RDWR)
            os.write(fd, replacement)
            fds = [fd]
        frame = (b"v" + struct.pack(">cHH", action.encode(), code, len(text)) +
                 text.encode() + struct.pack(">BQ", flags, size))
        socket.send_fds(pair, [frame], fds)
        for fd in fds:
            os.close(fd)
        if lines:
            pair.send(b"h" + struct.pack(">H", len(lines)) + lines)
        pair.send(b"e")


def client(tables, policy=None, check=None, **more):
    guards = {"c": check or Check()}
    if policy:
        guards["p"] = policy
    return Client(tables, guards=guards, **more)


def send(c, message=MESSAGE):
    assert c.cmd("MAIL FROM:<a@example.net> SIZE=50").startswith("250")
    assert c.cmd("RCPT TO:<alice@kereru.test>").startswith("250")
    assert c.cmd("DATA").startswith("354")
    c.send(message + b".\r\n")
    return c.reply()


def ended(c):
    code, log = c.end()
    assert code == 0, log
    return log


def test_what_policy_hears(tables):
    p = Policy()
    c = client(tables, p).hello()
    assert send(c).startswith("250 ")
    c.cmd("MAIL FROM:<a@example.net>")
    assert c.cmd("RCPT TO:<no@kereru.test>").startswith("550 5.1.1")
    ended(c)
    tables.message()
    first = ("192.0.2.7", "")
    hello = first + ("laptop.example.net", "")
    assert p.asked == [
        ("c", *first, "", "", "", "", 0), ("h", *hello, "", "", 0),
        ("m", *hello, "a@example.net", "", 50),
        ("r", *hello, "a@example.net", "alice@kereru.test", 50),
        ("e", *hello, "a@example.net", "", len(MESSAGE)),
        ("m", *hello, "a@example.net", "", 0),
        ("x", *hello, "a@example.net", "no@kereru.test", 0)]


@pytest.mark.parametrize("stage,action,text,want", [
    ("h", "t", "450 4.7.1 slowly", "450 4.7.1 slowly"),
    ("m", "r", "", "550 5.7.1 refused"),
    ("m", "t", "", "450 4.7.1 not now, try again later"),
    ("r", "t", "451 4.7.1 greylisted, try again", "451 4.7.1 greylisted"),
    ("e", "r", "554 5.7.1 no", "554 5.7.1 no"),
    ("x", "r", "550 5.1.1 guess on", "550 5.1.1 guess on")])
def test_policy_refuses(tables, stage, action, text, want):
    c = client(tables, Policy({stage: (action, 0, text)}))
    answers = [c.cmd("EHLO a.example"), c.cmd("MAIL FROM:<a@example.net>"),
               c.cmd("RCPT TO:<no@kereru.test>"),
               c.cmd("RCPT TO:<alice@kereru.test>"), c.cmd("DATA")]
    if answers[-1].startswith("354"):
        c.send(MESSAGE + b".\r\n")
        answers.append(c.reply())
    refused = {"h": 0, "m": 1, "x": 2, "r": 3, "e": 5}[stage]
    assert answers[refused].startswith(want)
    if stage == "x":
        tables.message()
    assert tables.names() == [] and tables.names("tmp") == []
    assert "reply=" in ended(c)


def test_policy_refuses_to_talk(tables):
    c = client(tables, Policy({"c": ("r", 0, "554 5.7.1 go away")}),
               greet=False)
    assert c.reply() == "554 5.7.1 go away"
    assert c.is_closed()
    assert "reason=refused" in ended(c)


def test_policy_delays(tables):
    c = client(tables, Policy({"m": ("a", 700, "")})).hello()
    start = time.monotonic()
    assert c.cmd("MAIL FROM:<a@example.net>").startswith("250")
    assert time.monotonic() - start > 0.6
    ended(c)


@pytest.mark.parametrize("answers", [
    {"c": None}, {"r": None}, {"r": ("z", 0, "")}, {"r": ("t", 0, "250 ok")}])
def test_mail_goes_on_without_policy(tables, answers):
    c = client(tables, Policy(answers)).hello()
    assert send(c).startswith("250 ")
    tables.message()
    assert "event=no-policy" in ended(c)


def test_what_check_sees(tables):
    k = Check(lines=b"Authentication-Results: x; spf=pass\r\n"
              b"X-Spam: no,\r\n\tnot at all\r\n")
    c = client(tables, None, k).hello()
    assert send(c).startswith("250 2.0.0 ok, queued as ")
    envelope, message, added = tables.message()
    ident = re.search(r"^id (\S+)$", envelope, re.M)[1]
    (words, seen, seen_added, to), = k.asked
    assert words == ["192.0.2.7", "", "laptop.example.net", "", "",
                     "a@example.net", ident]
    assert seen == message == MESSAGE and to == ["alice@kereru.test"]
    assert seen_added.startswith(b"Received: from laptop.example.net ")
    assert added == seen_added + k.verdict[4]
    # The same pair serves the next message.
    big = MESSAGE + (b"x" * 78 + b"\r\n") * 1000
    assert send(c, big).startswith("250 ")
    assert k.asked[1][1] == big and tables.message()[1] == big
    ended(c)


@pytest.mark.parametrize("verdict,want", [
    (("r", 554, "5.7.1 spam"), "554 5.7.1 spam"),
    (("t", 451, "4.7.1 ask again"), "451 4.7.1 ask again"),
    (("r", 550, ""), "550 5.7.1 refused"),
    (("t", 450, ""), "450 4.7.1 not now"),
    (("d", 250, ""), "250 2.0.0 ok, queued as")])
def test_check_refuses(tables, verdict, want):
    c = client(tables, None, Check(*verdict)).hello()
    assert send(c).startswith(want)
    assert tables.names() == [] and tables.names("tmp") == []
    assert c.cmd("NOOP").startswith("250")
    ended(c)


@pytest.mark.parametrize("speaks_first", [False, True])
def test_check_is_told_what_smtpd_and_policy_know(early, speaks_first):
    check = Check()
    c = client(early, Policy(), check, greet=False)
    if speaks_first:
        c.send("EHLO a.example\r\n")
    assert c.reply().startswith("220 ")
    if speaks_first:
        assert c.reply().startswith("250")
    else:
        c.hello()
    assert send(c).startswith("250 ")
    ended(c)
    assert (check.messages, check.early) == (41, int(speaks_first))


def test_junk(tables):
    c = client(tables, None, Check(flags=1, lines=b"X-Spam: yes\r\n")).hello()
    assert send(c).startswith("250 2.0.0 ok, queued as ")
    envelope, message, added = tables.message()
    assert "\nflags junk\n" in envelope and message == MESSAGE
    assert added.endswith(b"\r\nX-Spam: yes\r\n")
    assert added.count(b"Received: ") == 1 and tables.names("tmp") == []
    ended(c)


def test_a_replaced_message(tables):
    new = b"Subject: clean\r\n\r\n" + b"y\r\n" * 50000
    c = client(tables, None, Check(replacement=new, flags=1)).hello()
    answer = send(c)
    envelope, message, added = tables.message()
    assert message == new and "\nflags junk\n" in envelope
    ident = re.search(r"^id (\S+)$", envelope, re.M)[1]
    assert answer == "250 2.0.0 ok, queued as " + ident
    assert ident.encode() in added and tables.names("tmp") == []
    ended(c)


def test_without_check_the_message_waits(tables):
    k = Check(dies=True)
    c = client(tables, None, k).hello()
    assert send(c).startswith("451 4.3.0")
    assert tables.names() == [] and tables.names("tmp") == []
    # Nor does another one go unchecked.
    assert send(c).startswith("451 4.3.0")
    assert tables.names() == []
    assert "event=no-check" in ended(c)


def test_no_check_to_be_had(tables):
    c = Client(tables).hello()
    assert send(c).startswith("451 4.3.0")
    assert tables.names() == [] and tables.names("tmp") == []
    ended(c)
