"""check by itself: an smtpd and a monitor in Python, a DNS server, milters and
hooks around the built program."""
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time

import pytest

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(REPOSITORY, "tests", "lib"))
from checkalone import UID, Check  # noqa: E402
from dnsserver import DnsServer  # noqa: E402
from milter import MilterServer, answers  # noqa: E402

MESSAGE = (b"From: <alice@example.org>\r\nTo: <bob@kereru.test>\r\n"
           b"Subject: hello\r\n\r\nhello world\r\n")
GTUBE = (b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL"
         b"*C.34X\r\n")
ZONE = {
    "example.org": {"TXT": ["v=spf1 ip4:192.0.2.9 -all exp=why.example.org"]},
    "why.example.org": {"TXT": ["%{i} is not one of ours"]},
    "2.0.0.127.bl.test": {"A": ["127.0.0.2"]},
    "1.2.0.192.bl.test": {"A": ["127.0.0.4", "127.0.0.10"]},
    "2.0.0.127.white.test": {"A": ["127.0.0.2"]},
    "3.2.0.192.white.test": {"A": ["127.0.5.2"]},
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.test":
        {"A": ["127.0.0.4"]},
    # Lists everything.
    "1.0.0.127.wild.test": {"A": ["127.0.0.2"]},
    "2.0.0.127.wild.test": {"A": ["127.0.0.2"]},
    "1.2.0.192.wild.test": {"A": ["127.0.0.2"]},
    "test.url.test": {"A": ["127.0.0.2"]},
    "evil.example.url.test": {"A": ["127.0.0.8"]},
    "7.100.51.198.url.test": {"A": ["127.0.0.4"]},
    "xn--bcher-kva.example.url.test": {"A": ["127.0.0.2"]},
    "1.2.0.192.slow.test": "TIMEOUT",
    "1.0.0.127.slow.test": "TIMEOUT",
    "2.0.0.127.slow.test": "TIMEOUT",
}
RULES = """
rule GTUBE gtube=yes reject 5.7.1 the test message
rule SPF_FAIL spf=fail weight 3
rule BL list:bl.test=127.0.0.4 weight 2.5
rule BL_OTHER list:bl.test=127.0.0.5 weight 100
rule WILD list:wild.test weight 100
rule WHITE list:white.test weight -5
rule URL url:url.test=&12 weight 1
rule URL_2 url:url.test=127.0.0.2 weight 0.5
rule NO_REVERSE reverse=none login=no weight 0.25
rule MANY recipients>=3 tag
rule DOOM score>=20 reject 5.7.1 looks like spam
rule JUNK score>=5 junk
"""


@pytest.fixture(scope="module")
def dns():
    with DnsServer(dict(ZONE)) as server:
        yield server


@pytest.fixture(scope="module")
def facts(dns):
    with Check(FACTS, dns.address) as c:
        yield c


def wait_until(what, condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


@pytest.fixture(scope="module")
def check(dns):
    with Check(RULES, dns.address) as c:
        # The test points are asked first.
        c.ask(MESSAGE)
        wait_until("the wild list is known",
                   lambda: "list-unusable" in c.log())
        yield c
        assert "zone=wild.test" in c.log()


def test_results_are_told(check):
    v = check.ask(MESSAGE)
    assert (v.action, v.code, v.is_junk) == ("a", 250, True)
    assert v.replacement is None
    assert v.lines.startswith(b"Authentication-Results: mx.kereru.test;")
    assert b"spf=fail" in v.lines and b"dkim=none" in v.lines
    assert v.spam() == ("X-Spam: yes; score=5.75; SPF_FAIL 3, BL 2.5, "
                        "NO_REVERSE 0.25, JUNK")


def test_lists(check):
    """IPv4 and IPv6, allowlists, codes; a list of all is not believed."""
    v = check.ask(MESSAGE, client="192.0.2.9", name="a.example.org")
    assert v.spam() == "X-Spam: no; score=0"
    v = check.ask(MESSAGE, client="2001:db8::1", name="a.example.org")
    assert "BL 2.5" in v.spam()
    v = check.ask(MESSAGE, client="192.0.2.3", name="a.example.org")
    assert v.spam() == "X-Spam: no; score=-2; SPF_FAIL 3, WHITE -5"
    v = check.ask(MESSAGE, to=["a@b", "c@d", "e@f"], client="192.0.2.9",
                  name="a.example.org")
    assert v.spam() == "X-Spam: yes; score=0; MANY"


@pytest.mark.parametrize("body, rule", [
    (b"see http://www.evil.example/path", "URL 1"),
    (b"see http://good.example@3325256711/", "URL 1"),
    (b"see http://b\xc3\xbccher.example/", "URL_2 0.5"),
    (b"see http://good.example/", None)])
def test_urls_in_text(check, body, rule):
    v = check.ask(MESSAGE + body + b"\r\n", client="192.0.2.9", name="x.org")
    assert (rule in v.spam()) if rule else "URL" not in v.spam()


@pytest.mark.parametrize("encoding, body", [
    ("base64", b"PGEgaHJlZj0iaHR0cDovL2V2aWwuZXhhbXBsZS8iPng8L2E+"),
    ("quoted-printable", b"<a href=3D\"http://ev=69l.exa=\r\nmple/\">x</a>"),
    ("7bit", b"<a href=\"&#104;ttp&colon;&sol;/evil&#46;example/\">x</a>")])
def test_urls_in_html(check, encoding, body):
    head = (b"From: <a@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: "
            b"multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\nnothing\r\n"
            b"--b\r\nContent-Type: text/html\r\n"
            b"Content-Transfer-Encoding: " + encoding.encode() + b"\r\n\r\n")
    v = check.ask(head + body + b"\r\n--b--\r\n", client="192.0.2.9")
    assert "URL 1" in v.spam()


def test_gtube(check):
    v = check.ask(MESSAGE + GTUBE)
    assert (v.action, v.code, v.text) == ("r", 550, "5.7.1 the test message")
    assert v.lines == b""


def test_a_user_is_not_looked_at_by_spf(check):
    v = check.ask(MESSAGE, mailbox="alice@kereru.test")
    assert b"spf=" not in v.lines and b"dmarc=" not in v.lines
    assert v.spam() == "X-Spam: no; score=0"


FACTS = """
rule EARLY early=yes nothing
rule BUSY rate>=30 nothing
rule QUIET rate<2 nothing
rule HELO_ADDRESS helo=address nothing
rule HELO_LITERAL helo=literal nothing
rule HELO_SHORT helo=unqualified nothing
rule HELO_OURS helo=ours nothing
rule HELO_NAME helo=name nothing
rule NO_REVERSE reverse=none nothing
rule REVERSE_HELO reverse=helo nothing
rule REVERSE reverse=name nothing
rule NULL_SENDER sender=empty nothing
rule TLS tls=yes nothing
rule SPF spf=fail helo=unqualified reject 5.7.23 no sender of theirs
rule OTHER spf=fail reject
"""


@pytest.mark.parametrize("session, want", [
    ({"early": 1}, "EARLY"), ({"messages": 30}, "BUSY"),
    ({"messages": 1}, "QUIET"), ({"helo": "192.0.2.1"}, "HELO_ADDRESS"),
    ({"helo": "[192.0.2.1]"}, "HELO_LITERAL"), ({"helo": "pc"}, "HELO_SHORT"),
    ({"helo": "mx.kereru.test"}, "HELO_OURS"), ({"helo": "a.b"}, "HELO_NAME"),
    ({"name": ""}, "NO_REVERSE"), ({"name": "a.b", "helo": "A.B"},
                                   "REVERSE_HELO"),
    ({"name": "c.d"}, "REVERSE"), ({"sender": ""}, "NULL_SENDER"),
    ({"tls": "TLSv1.2"}, "TLS")])
def test_facts_of_the_session(facts, session, want):
    usual = {"messages": 5, "name": "x.y", "helo": "client.example.org"}
    v = facts.ask(MESSAGE, client="192.0.2.9", **{**usual, **session})
    names = set(v.spam().split("; ", 2)[2].split(", "))
    # What a session has besides what this is about.
    rest = names - {"HELO_NAME", "REVERSE"}
    assert want in names and len(rest) == (want not in ("HELO_NAME",
                                                        "REVERSE"))


def test_a_domain_explains_its_failure(facts):
    v = facts.ask(MESSAGE, client="192.0.2.7", helo="pc")
    assert (v.action, v.code, v.text) == (
        "r", 550, "5.7.23 no sender of theirs; example.org explains: "
        "192.0.2.7 is not one of ours")
    v = facts.ask(MESSAGE, client="192.0.2.7")
    assert v.text == ("5.7.1 refused by our rules; example.org explains: "
                      "192.0.2.7 is not one of ours")


def test_claims_of_ours_are_removed(check):
    forged = (b"Authentication-Results: MX.kereru.test (x);\r\n\tspf=pass\r\n"
              b"X-Spam: no\r\n"
              b"Authentication-Results: other.example; spf=pass\r\n")
    v = check.ask(forged + MESSAGE)
    assert v.replacement == (
        b"Authentication-Results: other.example; spf=pass\r\n" + MESSAGE)


def test_several_messages_of_a_session(check):
    with check.open() as pair:
        for i in range(3):
            v = check.ask_on(pair, MESSAGE + (GTUBE if i == 1 else b""))
            assert v.action == ("r" if i == 1 else "a")


def test_malformed_requests_end_the_session_alone(check):
    with check.open() as pair:
        pair.send(b"nonsense")
        assert pair.recv(100) == b""
    assert check.ask(MESSAGE).action == "a"


def test_hostile_messages(check):
    for message in (b"\r\n", b"x", b":\r\n" * 1000, b"\r\n\r\n" + b"\0" * 100,
                    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" +
                    b"--b\r\n" * 20000):
        assert check.ask(message).action == "a"


def test_a_file_that_is_shorter_than_it_says(check):
    """The process of that message may die of it; nobody else does."""
    import socket
    import struct
    import tempfile
    from checkalone import field
    with check.open() as pair:
        with tempfile.TemporaryFile() as f:
            f.write(b"short")
            f.flush()
            frame = b"m" + b"".join(field(x) for x in (
                "192.0.2.1", "", "h", "", "", "a@b", "0k3v5m2n9p7q1r4t"))
            frame += struct.pack(">QQQQIIB", 0, 1 << 20, 0, 0, 0, 0, 0)
            socket.send_fds(pair, [frame], [f.fileno()])
        pair.send(b"e")
        v = check.verdict(pair)
        assert (v.action, v.code) == ("t", 451)
        assert check.ask_on(pair, MESSAGE).action == "a"


def children(pid):
    out = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)],
                         stdout=subprocess.PIPE, text=True).stdout
    return {int(p) for p in out.split()}


def test_a_crash_puts_that_message_off(dns):
    """A worker that is killed while it waits for the DNS."""
    rules = "rule S list:slow.test weight 1"
    with Check(rules, dns.address, {"check-dns-timeout": "30"}) as c:
        helpers = children(c.process.pid)
        with c.open() as pair:
            import threading
            answer = []
            t = threading.Thread(
                target=lambda: answer.append(c.ask_on(pair, MESSAGE)))
            t.start()
            wait_until("a worker", lambda: children(c.process.pid) - helpers)
            worker, = children(c.process.pid) - helpers
            os.kill(worker, signal.SIGSEGV)
            t.join(30)
            assert (answer[0].action, answer[0].code) == ("t", 451)
            assert c.process.poll() is None
            # The session goes on, with another worker.
            c.write_settings({"rules": "rule A reject 5.7.1 no\n"})
            assert c.ask(MESSAGE).code == 550
            assert c.ask_on(pair, MESSAGE).code == 550
        assert "signal=11" in c.log()


def test_a_worker_serves_many_and_keeps_nothing(dns):
    rules = ("rule B list:bl.test weight 1\nrule J list:bl.test junk\n"
             "rule T gtube=yes tag")
    with Check(rules, dns.address, {"check-messages": "3"}) as c:
        helpers = children(c.process.pid)
        workers = set()
        with c.open() as first, c.open() as second:
            for i in range(7):
                pair = (first, second)[i % 2]
                v = c.ask_on(pair, MESSAGE, client="192.0.2.1")
                assert v.is_junk and "B 1, J" in v.spam()
                v = c.ask_on(pair, MESSAGE, client="192.0.2.9")
                assert not v.is_junk and v.spam() == "X-Spam: no; score=0"
                workers |= children(c.process.pid) - helpers
        # 14 messages, 3 each; one may have gone before it was looked for.
        assert 3 <= len(workers) <= 5


def test_a_worker_serves_one_client_alone(dns):
    with Check("rule T gtube=yes tag", dns.address) as c:
        with c.open() as first, c.open() as second:
            for pair in (first, second) * 2:
                assert c.ask_on(pair, MESSAGE).action == "a"
        pids = re.findall(r"event=checked pid=(\d+)", c.log())
        assert len(pids) == 4 and pids[:2] == pids[2:] and len(set(pids)) == 2


def test_sessions_wait_for_a_worker(dns):
    rules = "rule S list:slow.test weight 1"
    with Check(rules, dns.address, {"check-dns-timeout": "1",
                                    "check-concurrency": "1"}) as c:
        import threading
        answers = []
        ts = [threading.Thread(target=lambda: answers.append(c.ask(MESSAGE)))
              for _ in range(2)]
        for t in ts:
            t.start()
        for t in ts:
            t.join(60)
        assert [v.action for v in answers] == ["a"] * 2


def test_a_dead_list_costs_its_time_limit_once(dns):
    rules = ("rule S list:slow.test weight 1\n"
             "rule B list:bl.test weight 1")
    with Check(rules, dns.address, {"check-dns-timeout": "1"}) as c:
        v = c.ask(MESSAGE, client="192.0.2.1")
        assert "B 1" in v.spam()
        assert "lists-silent" in c.log()


def test_new_settings_are_taken(dns):
    with Check("rule A reject 5.7.1 no", dns.address) as c:
        assert c.ask(MESSAGE).action == "r"
        c.write_settings({"rules": "rule A tempfail\n"})
        v = c.ask(MESSAGE)
        assert (v.action, v.code, v.text) == ("t", 451, "4.7.1 try again later")
        c.write_settings({"rules": "nonsense\n"})
        with c.open() as pair:
            assert pair.recv(10) == b""
        assert "bad-rules" in c.log()
        c.write_settings({"rules": "\n"})
        assert c.ask(MESSAGE).action == "a"


# Hooks

HOOKS = {
    "accept": "cat >/dev/null; exit 0",
    "reject": "cat >/dev/null; echo not here; exit 100",
    "qfilter": "exit 31",
    "later": "echo 4.7.0 not now; exit 111",
    "junk": "exit 99",
    "replace": "sed 's/world/kereru/'; exit 10",
    "environment": 'echo "$SENDER $CLIENT $HELO $RECIPIENTS" | tr "\\n" ,; '
                   "exit 100",
    "crash": "kill -SEGV $$",
    "other": "exit 3",
    "slow": "sleep 1000",
    "memory": "dd if=/dev/zero of=/dev/null bs=300M count=1 || exit 5; exit 0",
    "nothing": "exit 10",
}


@pytest.fixture(scope="module")
def hooks(tmp_path_factory, dns):
    folder = tmp_path_factory.mktemp("hooks")
    for p in [folder, *folder.parents][:4]:
        p.chmod(0o755)
    for name, text in HOOKS.items():
        path = folder / name
        path.write_text("#!/bin/sh\n" + text + "\n")
        path.chmod(0o755)
    with Check("", dns.address,
               {"hook-timeout": "10", "hook-memory": "100000000"}) as c:
        def ask(name, how="", message=MESSAGE, **more):
            c.write_settings({"rules": "hook %s %s %s\n" % (
                name, folder / name, how)})
            return c.ask(message, **more)
        c.ask_hook = ask
        yield c


def test_hook_accepts(hooks):
    v = hooks.ask_hook("accept")
    assert (v.action, v.replacement) == ("a", None)


def test_hook_refuses(hooks):
    v = hooks.ask_hook("reject")
    assert (v.action, v.code, v.text) == ("r", 550, "5.7.1 not here")
    v = hooks.ask_hook("qfilter")
    assert (v.action, v.text) == ("r", "5.7.1 refused by our rules")
    v = hooks.ask_hook("later")
    assert (v.action, v.code, v.text) == ("t", 451, "4.7.0 not now")


def test_hook_replaces(hooks):
    v = hooks.ask_hook("replace")
    assert v.replacement == MESSAGE.replace(b"world", b"kereru")
    v = hooks.ask_hook("nothing")
    assert v.action == "t"


def test_hook_files_into_junk(hooks):
    v = hooks.ask_hook("junk")
    assert v.is_junk and v.spam() == "X-Spam: yes; score=0; junk"


def test_hook_sees_the_envelope(hooks):
    v = hooks.ask_hook("environment", to=["a@b", "c@d"])
    assert v.text == ("5.7.1 alice@example.org 192.0.2.1 client.example.org "
                      "a@b,c@d,")


@pytest.mark.parametrize("name", ["crash", "other", "memory", "missing"])
def test_hook_that_fails(hooks, name):
    assert hooks.ask_hook(name).action == "t"
    assert hooks.ask_hook(name, "skip").action == "a"


def test_hook_that_is_too_slow(hooks):
    hooks.write_settings({"hook-timeout": "1"})
    try:
        v = hooks.ask_hook("slow")
        assert (v.action, v.code) == ("t", 451)
    finally:
        hooks.write_settings({"hook-timeout": "10"})


def test_hook_only_where_its_conditions_hold(hooks):
    assert hooks.ask_hook("reject", "login=yes").action == "a"
    assert hooks.ask_hook("reject", "login=no").action == "r"


# Milters

@pytest.fixture(scope="module")
def plain(dns):
    with Check("", dns.address, {"hook-timeout": "20"}) as c:
        yield c


def ask_milter(check, talk, how="", message=MESSAGE, **more):
    with MilterServer(talk) as m:
        check.write_settings(
            {"rules": "milter m %s %s\n" % (m.address, how)})
        return check.ask(message, **more), m


def test_milter_sees_all(plain):
    v, m = ask_milter(plain, answers(), message=b"A: b\r\nC: d\r\n\te\r\n\r\n"
                      + b"x" * 70000 + b"\r\n", to=["a@b", "c@d"],
                      name="client.example.org", tls="TLSv1.2 suite")
    assert v.action == "a" and v.replacement is None
    wait_until("the last packet", lambda: m.letters().endswith("Q"))
    assert m.letters() == "OCHMRRTLLNBBEQ"
    seen = dict(m.seen)
    assert seen["C"].startswith(b"client.example.org\x004")
    assert seen["C"].endswith(b"192.0.2.1\0")
    assert seen["H"] == b"client.example.org\0"
    assert seen["M"] == b"<alice@example.org>\0"
    assert ("R", b"<a@b>\0") in m.seen and ("L", b"A\0b\0") in m.seen
    assert ("L", b"C\0d\n\te\0") in m.seen
    assert b"".join(d for letter, d in m.seen if letter == "B") == (
        b"x" * 70000 + b"\r\n")
    assert m.macros[b"i"] == b"0k3v5m2n9p7q1r4t"
    assert m.macros[b"{tls_version}"] == b"TLSv1.2"


def test_milter_leaves_steps_out(plain):
    v, m = ask_milter(plain, answers(steps=0x1 | 0x2 | 0x4 | 0x8 | 0x200))
    wait_until("the last packet", lambda: m.letters().endswith("Q"))
    assert m.letters() == "OLLLNBEQ"
    # It answers neither headers nor the body.
    def talk(c):
        for letter, _ in c:
            if letter == "O":
                c.negotiate(steps=0x80 | 0x80000 | 0x1000)
            elif letter == "E":
                c.send(b"y550 5.7.1 quiet\0")
            elif letter not in "CLB":
                c.send(b"c")
    v, m = ask_milter(plain, talk)
    assert (v.action, v.text) == ("r", "5.7.1 quiet")


@pytest.mark.parametrize("letter, answer, want", [
    ("C", b"r", ("r", 550)), ("H", b"t", ("t", 451)),
    ("M", b"y554 5.7.1 go away\0", ("r", 554)), ("R", b"r", ("r", 550)),
    ("T", b"y421 4.7.1 busy\0", ("t", 421)), ("L", b"r", ("r", 550)),
    ("N", b"t", ("t", 451)), ("B", b"y550-5.7.1 a\r\n550 5.7.1 b\0",
                              ("r", 550)),
    ("M", b"a", ("a", 250)), ("B", b"s", ("a", 250)), ("M", b"d", ("d", 250))])
def test_milter_decides(plain, letter, answer, want):
    v, _ = ask_milter(plain, answers(**{letter: answer}))
    assert (v.action, v.code) == want


def test_milter_changes(plain):
    """Headers added, inserted, changed and removed, another body."""
    v, _ = ask_milter(plain, answers(end=(
        b"p", b"hX-Added\0one\n\ttwo\0", b"i\0\0\0\0X-First\0yes\0",
        b"m\0\0\0\1Subject\0bye\0", b"m\0\0\0\1To\0\0",
        b"bnew ", b"bbody\n", b"hX-Evil\0a\r\n\r\nb\0", b"c")))
    assert v.action == "a"
    assert v.lines.startswith(b"X-First: yes\r\n")
    assert b"X-Added: one\r\n\ttwo\r\n" in v.lines
    assert b"X-Evil: a\r\n\tb\r\n" in v.lines
    assert v.replacement == (b"From: <alice@example.org>\r\n"
                             b"Subject: bye\r\n\r\nnew body\r\n")


def test_milter_quarantines(plain):
    v, _ = ask_milter(plain, answers(end=(b"qbecause\0", b"c")))
    assert v.action == "a" and v.is_junk
    assert v.spam() == "X-Spam: yes; score=0; m"


def test_milter_wants_other_recipients(plain):
    """They stay as they are, and the log says so."""
    before = plain.log().count("milter-refused")
    v, _ = ask_milter(plain, answers(end=(
        b"+<x@y>\0", b"-<bob@kereru.test>\0", b"e<z@y>\0", b"c")))
    assert v.action == "a"
    assert plain.log().count("milter-refused") == before + 1
    v, _ = ask_milter(plain, answers(end=(b"zwhat",)))
    assert v.action == "t"


def broken(kind):
    def talk(c):
        for letter, _ in c:
            if kind == "version":
                c.negotiate(version=1)
            elif kind == "closed":
                return
            elif kind == "huge":
                c.sock.sendall(b"\xff\xff\xff\xff")
                return
            elif kind == "silent":
                time.sleep(0.01)
    return talk


@pytest.mark.parametrize("kind", ["version", "closed", "huge"])
def test_milter_that_is_broken(plain, kind):
    assert ask_milter(plain, broken(kind))[0].action == "t"
    assert ask_milter(plain, broken(kind), "skip")[0].action == "a"


def test_milter_that_is_silent_or_gone(plain):
    plain.write_settings({"hook-timeout": "1"})
    try:
        assert ask_milter(plain, broken("silent"))[0].action == "t"
    finally:
        plain.write_settings({"hook-timeout": "20"})
    plain.write_settings({"rules": "milter m inet:127.0.0.1:9 tempfail\n"})
    v = plain.ask(MESSAGE)
    assert (v.action, v.text) == ("t", "4.3.0 a filter is out of order")


def test_milter_on_a_unix_socket(plain, tmp_path):
    path = os.path.join(plain.home, "milter.sock")
    with MilterServer(answers(end=(b"hX-Unix\0yes\0", b"c")), path) as m:
        plain.write_settings({"rules": "milter m %s\n" % m.address})
        assert b"X-Unix: yes\r\n" in plain.ask(MESSAGE).lines


def test_two_milters_and_a_hook_in_the_order_of_the_file(plain, tmp_path):
    talk = answers(end=(b"hX-One\0yes\0", b"m\0\0\0\1Subject\0one\0", b"c"))
    with MilterServer(talk) as one, MilterServer(answers()) as two:
        plain.write_settings({"rules": "milter one %s\nmilter two %s\n"
                              "rule R size>=1 weight 1\n" %
                              (one.address, two.address)})
        v = plain.ask(MESSAGE)
    assert ("L", b"Subject\0one\0") in two.seen
    assert v.spam() == "X-Spam: no; score=1; R 1"


# The classifier

def test_classifier(dns):
    if not shutil.which("bogofilter"):
        pytest.skip("bogofilter is not installed")
    rules = "rule S bayes=spam weight 5\nrule H bayes=ham weight -3"
    with Check(rules, dns.address,
               {"classifier": "/usr/bin/bogofilter"}) as c:
        v = c.ask(MESSAGE)
        assert v.spam() == "X-Spam: no; score=0"
        for flag, text in (("-s", b"buy cheap pills now"),
                           ("-n", b"meeting notes for the garden club")):
            for i in range(10):
                subprocess.run(
                    ["bogofilter", flag, "-d", c.home], check=True,
                    input=b"Subject: x\n\n" + text * 3 + b"\n")
        for name in os.listdir(c.home):
            os.chmod(os.path.join(c.home, name), 0o644)
        # New settings make it look at once.
        c.write_settings({})
        spam = b"Subject: x\r\n\r\nbuy cheap pills now cheap pills now\r\n"
        ham = b"Subject: x\r\n\r\nmeeting notes for the garden club\r\n"
        assert "S 5" in c.ask(spam).spam()
        assert "H -3" in c.ask(ham).spam()


def test_opendkim_as_a_milter(dns, tmp_path):
    opendkim = shutil.which("opendkim", path=os.environ["PATH"] + ":/usr/sbin")
    if not opendkim:
        pytest.skip("opendkim is not installed")
    import socket
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    config = tmp_path / "opendkim.conf"
    config.write_text("Mode v\nSocket inet:%d@127.0.0.1\nSyslog no\n"
                      "AlwaysAddARHeader yes\nAuthservID od.test\n"
                      "Nameservers 127.0.0.1\nDNSTimeout 1\n" % port)
    process = subprocess.Popen([opendkim, "-f", "-x", str(config)],
                               stderr=subprocess.DEVNULL)
    try:
        with Check("milter od inet:127.0.0.1:%d" % port, dns.address) as c:
            verdict = []

            def answered():
                assert process.poll() is None
                verdict[:] = [c.ask(MESSAGE)]
                return verdict[0].action == "a"
            wait_until("opendkim", answered)
            assert b"\r\nAuthentication-Results: od.test; dkim=none" in (
                b"\r\n" + verdict[0].lines)
    finally:
        process.terminate()
        process.wait(30)


RSPAMD = """
options {{
    pidfile = "{folder}/pid";
    dns {{ nameserver = ["{dns}"]; timeout = 1s; retransmits = 1; }}
    filters = "";
    tempdir = "{folder}";
    enable_test_patterns = true;
}}
logging {{ type = "file"; filename = "{folder}/log"; level = "info"; }}
actions {{ reject = 15; add_header = 6; greylist = 4; }}
worker "rspamd_proxy" {{
    bind_socket = "127.0.0.1:{port}";
    milter = yes;
    count = 1;
    upstream "local" {{ default = yes; self_scan = yes; }}
}}
"""


@pytest.mark.soak
def test_rspamd_as_a_milter(dns, tmp_path):
    rspamd = shutil.which("rspamd", path=os.environ["PATH"] + ":/usr/sbin")
    if not rspamd:
        pytest.skip("rspamd is not installed")
    import socket
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    config = tmp_path / "rspamd.conf"
    config.write_text(RSPAMD.format(folder=tmp_path, dns=dns.address,
                                    port=port))
    process = subprocess.Popen(
        [rspamd, "-f", "-i", "-u", "root", "-g", "root", "-c", str(config)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with Check("milter rspamd inet:127.0.0.1:%d" % port,
                   dns.address) as c:
            def asks():
                assert process.poll() is None, (tmp_path / "log").read_text()
                return c.ask(MESSAGE).action == "a"
            # It first compiles ten thousand expressions.
            wait_until("rspamd", asks, 300)
            # What it tests itself with: one that it refuses, one that it marks.
            v = c.ask(MESSAGE + GTUBE + b"\r\n")
            assert v.action == "r" and v.code == 554, vars(v)
            v = c.ask(MESSAGE + b"Y" + GTUBE[1:] + b"\r\n")
            assert v.action == "a", vars(v)
            assert b"X-Spam: Yes" in v.lines, (tmp_path / "log").read_text()
    finally:
        process.terminate()
        process.wait(30)


# The walls

def test_what_a_message_process_may(dns):
    with Check("rule S list:slow.test weight 1", dns.address,
               {"check-dns-timeout": "30"}) as c:
        helpers = children(c.process.pid)
        with c.open() as pair:
            import threading
            t = threading.Thread(target=lambda: c.ask_on(pair, MESSAGE))
            t.start()
            wait_until("a worker", lambda: children(c.process.pid) - helpers)
            worker, = children(c.process.pid) - helpers

            def status():
                with open("/proc/%d/status" % worker) as f:
                    return dict(line.split(":", 1) for line in f)
            # Under sanitizers there is no filter.
            wait_until("its sandbox", lambda: status()["NoNewPrivs"].strip()
                       == "1")
            assert status()["Uid"].split() == [str(UID)] * 4
            os.kill(worker, signal.SIGKILL)
            t.join(30)
