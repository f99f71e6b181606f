"""OAUTHBEARER (RFC 7628): tokens judged by a program, on submission, IMAP and
POP3; what a denial looks like; how long a token may be."""
import base64
import imaplib
import json
import poplib
import shutil
import smtplib
import subprocess
import time

import pytest

from host import Host
from lineclient import LineClient

ALICE, BOB = "alice@mx.example.org", "bob@mx.example.org"
TLS = ("submits", "pop3s", "imaps")

# What it is asked is a token and a name, a line each.
PROGRAM = """#!/bin/sh
read -r token
read -r name
printf '%s %s\\n' "${#token}" "$name" >>{log}
case $token in
alice*) echo ALICE ;;
any=) echo "$name" ;;
nobody) echo nobody@mx.example.org ;;
nothing) ;;
nonsense) echo 'a b' ;;
much) exec /usr/bin/yes ;;
later) exit 111 ;;
killed) kill -9 $$ ;;
away) /bin/sleep 5 2>/dev/null & echo alice; exec >&- ;;
*) exit 1 ;;
esac
"""


@pytest.fixture(scope="module")
def host():
    with Host(users={"alice": "secret", "bob": "secret"},
              services=("submit", "pop3", "imap"),
              settings={"auth-delay": 0, "scram": "yes"}) as h:
        program = h.folder / "oauth"
        log = h.folder / "oauth.log"
        log.touch()
        log.chmod(0o666)
        program.write_text(PROGRAM.replace("{log}", str(log)))
        program.chmod(0o755)
        h.set(oauth=program)
        h.restart("auth")
        yield h


def message(token, user="", more="host=mx.example.org\x01port=143\x01",
            flag="n"):
    header = f"{flag},a={user}," if user else f"{flag},,"
    return f"{header}\x01{more}auth=Bearer {token}\x01\x01".encode()


def begin(c, sasl, initial=True):
    """The answer to the first message."""
    if c.kind == "submit":
        c.say("EHLO client.example")
    command = {"submit": "AUTH", "pop3": "AUTH",
               "imap": "l AUTHENTICATE"}[c.kind] + " OAUTHBEARER"
    text = base64.b64encode(sasl).decode()
    if initial:
        return c.say(f"{command} {text}")
    assert c.say(command).rstrip() in ("334", "+")
    return c.say(text)


def challenge(answer):
    prefix = "334 " if answer.startswith("334 ") else "+ "
    assert answer.startswith(prefix), answer
    return json.loads(base64.b64decode(answer[len(prefix):]))


@pytest.mark.parametrize("service", TLS)
def test_a_token_lets_in(host, service):
    for sasl, initial in ((message("alice"), True),
                          (message("alice", "Alice"), False),
                          (message("any=", BOB, "", "y"), True)):
        with LineClient(host, service) as c:
            assert c.verdict(begin(c, sasl, initial)) == "ok"


@pytest.mark.parametrize("service", TLS)
def test_a_denial_takes_two_steps(host, service):
    with LineClient(host, service) as c:
        for end in ("AQ==", ""):
            assert challenge(begin(c, message("wrong"))) == \
                {"status": "invalid_token"}
            assert c.verdict(c.say(end)) == "denied"
        # Nor is what comes behind another login's denial.
        assert c.login(ALICE, "secret") == "ok"


@pytest.mark.parametrize("sasl", [
    message("alice", BOB), message("alice", "älice"), message("nothing"),
    message("nonsense"), message("much"), message("any="),
    message("alice", flag="p=tls-unique"), message("al ice"), message(""),
    message("al\x00ice"), message("=x"), b"", b"\x01", b"n,,", b"n,,\x01\x01",
    b"n,,\x01auth=Basic YTpi\x01\x01", message("alice")[:-1],
    message("alice") + b"\x01", message("alice") + b"x",
    message("alice", more="auth=Bearer alice\x01"),
    message("alice", more="a\x01"), message("alice", more="=b\x01"),
    message("alice", "a" * 330)])
def test_messages_that_are_refused(host, sasl):
    with LineClient(host, "imaps") as c:
        answer = begin(c, sasl) if sasl else begin(c, b"", initial=False)
        assert challenge(answer) == {"status": "invalid_token"}
        assert c.verdict(c.say("AQ==")) == "denied"


@pytest.mark.parametrize("token", ["later", "killed", "nobody"])
def test_a_judge_that_cannot_tell(host, token):
    """A mailbox that is not there is none of the token's fault."""
    with LineClient(host, "imaps") as c:
        assert c.verdict(begin(c, message(token))) == "later"
        assert c.verdict(begin(c, message("alice"))) == "ok"


def test_a_child_of_the_judge_holds_nobody_up(host):
    with LineClient(host, "imaps") as c:
        before = time.monotonic()
        assert c.verdict(begin(c, message("away"))) == "ok"
        assert time.monotonic() - before < 25


@pytest.mark.parametrize("service", TLS)
@pytest.mark.parametrize("initial", [True, False])
def test_long_tokens(host, service, initial):
    """12,288 octets of base64 are taken (RFC 4954 3), and no more."""
    room = 9216 - len(message(""))
    for n in (room + 1, room + 5000, room):
        with LineClient(host, service) as c:
            answer = begin(c, message("alice" + "x" * (n - 5)), initial)
            if n == room:
                assert c.verdict(answer) == "ok"
            else:                   # some end the session
                assert answer[:3] in ("500", "501", "-ER", "l B", "* B", "")
    assert str(room) in (host.folder / "oauth.log").read_text()


@pytest.mark.parametrize("service,command", [
    ("submits", "HELO "), ("pop3s", "USER ")])
def test_other_commands_are_as_short_as_before(host, service, command):
    with LineClient(host, service) as c:
        answer = c.say(command + "x" * 5000)
        assert answer.startswith(("500 5.5.2", "-ERR"))


@pytest.mark.parametrize("service", TLS)
def test_a_token_that_is_cancelled(host, service):
    with LineClient(host, service) as c:
        assert challenge(begin(c, message("wrong")))
        assert c.say("*").startswith(("501", "-ERR Cancelled", "l BAD"))
        assert c.verdict(begin(c, message("alice"))) == "ok"


def test_smtplib(host):
    with smtplib.SMTP(host.address, host.ports["submit"], timeout=20) as s:
        context = host.tls_context()
        context.check_hostname = False
        s.ehlo("client.example")
        assert "auth" not in s.esmtp_features
        s.starttls(context=context)
        s.ehlo("client.example")
        assert "OAUTHBEARER" in s.esmtp_features["auth"].split()
        code, text = s.auth("OAUTHBEARER", lambda challenge=None:
                            message("alice", ALICE).decode())
        assert code == 235, text
        assert s.mail(ALICE)[0] == 250


def test_imaplib(host):
    context = host.tls_context()
    context.check_hostname = False
    c = imaplib.IMAP4_SSL(host.address, host.ports["imaps"], timeout=20,
                          ssl_context=context)
    assert "AUTH=OAUTHBEARER" in c.capabilities
    said = []

    def answer(challenge):
        said.append(challenge)
        return message("wrong") if len(said) == 1 else b"\x01"
    with pytest.raises(imaplib.IMAP4.error):
        c.authenticate("OAUTHBEARER", answer)
    assert json.loads(said[1]) == {"status": "invalid_token"}
    c.authenticate("OAUTHBEARER", lambda challenge: message("alice", ALICE))
    assert c.select()[0] == "OK"
    c.logout()


def test_poplib(host):
    context = host.tls_context()
    context.check_hostname = False
    c = poplib.POP3_SSL(host.address, host.ports["pop3s"], timeout=20,
                        context=context)
    assert "OAUTHBEARER" in c.capa()["SASL"]
    c._shortcmd("AUTH OAUTHBEARER " +
                base64.b64encode(message("alice", ALICE)).decode())
    assert c.stat()[0] == 0
    c.quit()


@pytest.mark.parametrize("url", ["imaps", "pop3s", "smtps"])
def test_curl(host, url):
    if not shutil.which("curl"):
        pytest.skip("no curl")
    port = host.ports["submits" if url == "smtps" else url]
    for token, code in (("alice", 0), ("wrong", 67)):
        done = subprocess.run(
            ["curl", "-sS", "--max-time", "30", "--cacert", host.ca,
             "--connect-to", f"::{host.address}:{port}",
             f"{url}://{host.name}:{port}", "--oauth2-bearer", token,
             "--user", ALICE, "--sasl-ir",
             *(["-X", "NOOP"] if url == "smtps" else [])],
            capture_output=True, timeout=60)
        assert done.returncode == code, done.stderr


def test_without_the_program_or_with_checkpassword(host):
    """Then it is neither told nor known, nor is SCRAM with the latter."""
    program = host.settings["oauth"]
    try:
        for change, scram in (
                ({"oauth": ""}, True),
                ({"oauth": program, "checkpassword": "/bin/false"}, False)):
            host.set(**change)
            for service, ask in (("imaps", "l CAPABILITY"), ("pop3s", "CAPA"),
                                 ("submits", "EHLO client.example")):
                with LineClient(host, service) as c:
                    said = c.say(ask)
                    if service == "pop3s":
                        while not said.endswith(".\r\n"):
                            said += c.line().decode()
                    if service == "imaps":
                        said += c.greeting
                    assert "OAUTHBEARER" not in said
                    assert ("SCRAM-SHA-256" in said) == scram
                    answer = begin(c, message("alice"))
                    assert answer.startswith(
                        ("504", "-ERR No such", "l NO No such"))
    finally:
        host.set(oauth=program, checkpassword="")
