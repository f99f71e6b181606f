"""ManageSieve on a host: sieve-front under its monitor, sieved behind it, and
what local makes of the script (RFC 5804)."""
import base64
import shutil
import subprocess

import pytest

from host import Host, wait_until
from scram import Scram, keys
from sieveclient import SieveClient, literal, quote

ALICE = "alice@mx.example.org"


@pytest.fixture(scope="module")
def host():
    with Host(users={"alice": "secret", "bob": "secret", "carol": "secret"},
              services=("smtp", "sieve", "imap", "queue"),
              settings={"scram": "yes"}) as h:
        yield h


@pytest.fixture
def client(host):
    with SieveClient.of_host(host) as c:
        yield c


@pytest.fixture
def secure(client):
    client.starttls()
    return client


def b64(data):
    return base64.b64encode(data).decode()


def test_before_tls(client):
    told = client.capabilities(client.greeting)
    assert told["SASL"] == "" and "STARTTLS" in told
    assert "OWNER" not in told and "fileinto" in told["SIEVE"]
    assert client.capabilities() == told
    plain = b64(b"\0alice@mx.example.org\0secret")
    assert client.say(f'AUTHENTICATE "PLAIN" "{plain}"').code == \
        "ENCRYPT-NEEDED"
    assert client.say('NOOP "x"').code == "TAG"
    for line in ("LISTSCRIPTS", 'GETSCRIPT "x"', 'SETACTIVE ""',
                 'PUTSCRIPT "x" "keep;"', 'CHECKSCRIPT "keep;"',
                 'HAVESPACE "x" 1', 'RENAMESCRIPT "x" "y"',
                 'DELETESCRIPT "x"', "UNAUTHENTICATE"):
        assert client.say(line).status == "NO", line
    # These were ten errors.
    assert client.answer().status == "BYE" and client.file.read() == b""


def test_logout_before_login(client):
    assert client.say("LOGOUT") and client.file.read() == b""


def test_starttls_tells_the_capabilities_anew(client):
    told = client.starttls()
    assert "STARTTLS" not in told and "OWNER" not in told
    assert told["SASL"] == "SCRAM-SHA-256 PLAIN LOGIN"
    assert client.say("STARTTLS").status == "NO"
    assert client.capabilities() == told


def test_nothing_is_taken_over_from_before_tls(host):
    with SieveClient.of_host(host) as c:
        c.write(b'STARTTLS\r\nLOGOUT\r\n')
        # What was sent in the clear behind it ends the session.
        assert c.file.read() in (b"", b'OK "Begin TLS"\r\n')


def by_initial(c, user, password):
    return c.login(user, password)


def by_literal(c, user, password):
    return c.say(b'AUTHENTICATE "PLAIN" ' + literal(b64(
        f"\0{user}\0{password}".encode())))


def by_challenge(c, user, password):
    c.write(b'Authenticate "plain"\r\n')
    assert c._words() == [""]
    return c.say(quote(b64(f"\0{user}\0{password}".encode())))


def by_login(c, user, password):
    c.write(b'AUTHENTICATE "LOGIN"\r\n')
    assert base64.b64decode(c._words()[0]) == b"Username:"
    c.write(quote(b64(user.encode())).encode() + b"\r\n")
    assert base64.b64decode(c._words()[0]) == b"Password:"
    return c.say(literal(b64(password.encode())))


@pytest.mark.parametrize("password", ["secret", "wrong"])
def test_scram(host, secure, password):
    bob = "bob@mx.example.org"
    text = (host.etc / "passwords").read_text()
    if "SCRAM" not in text:
        host.write("passwords", [
            line + (" " + keys("secret") if line.startswith(bob) else "")
            for line in text.splitlines()], 0o600)
        host.compile()
    s = Scram(bob, password)

    def say(text):
        secure.write(text.encode() + b"\r\n")
        words = secure._words()
        return words if words[0] in ("OK", "NO") else \
            base64.b64decode(words[0]).decode()
    challenge = say('AUTHENTICATE "SCRAM-SHA-256" ' +
                    quote(b64(s.first.encode())))
    answer = say(quote(b64(s.final(challenge).encode())))
    if password == "wrong":
        assert answer[0] == "NO"
    else:
        assert answer == s.server_final
        assert say('""')[0] == "OK"
        assert secure.capabilities()["OWNER"] == bob


@pytest.mark.parametrize("way", [by_initial, by_literal, by_challenge,
                                 by_login])
def test_every_way_to_log_in(secure, way):
    wrong = way(secure, ALICE, "wrong")
    assert wrong.status == "NO" and wrong.code == ""
    assert way(secure, ALICE, "secret")
    assert secure.capabilities()["OWNER"] == ALICE
    assert "SASL" not in secure.capabilities()
    assert secure.login(ALICE, "secret").status == "NO"
    assert secure.say("STARTTLS").status == "NO"


@pytest.mark.parametrize("line", [
    'AUTHENTICATE "NONE"', f'AUTHENTICATE "{"X" * 1000}"',
    'AUTHENTICATE "PLAIN" "!"', 'AUTHENTICATE "PLAIN" ""', "AUTHENTICATE",
    "AUTHENTICATE PLAIN", 'AUTHENTICATE "OAUTHBEARER"'], ids=range(7))
def test_refused(secure, line):
    assert secure.say(line).status == "NO"
    assert secure.say("NOOP")


@pytest.mark.parametrize("line", ['"*"', "{1+}\r\n*", '"!"', "x", "*"])
def test_cancelled(secure, line):
    secure.write(b'AUTHENTICATE "PLAIN"\r\n')
    assert secure._words() == [""]
    assert secure.say(line).status == "NO"
    assert secure.say("NOOP")


def test_three_wrong_passwords_end_it_and_are_counted(host):
    with SieveClient.of_host(host) as c:
        c.starttls()
        for _ in range(3):
            assert c.login("bob@mx.example.org", "wrong").status == "NO"
        assert c.answer().status == "BYE" and c.file.read() == b""
    lines = [line for line in host.log("auth").splitlines()
             if "event=login-failed" in line and "bob@" in line]
    assert len(lines) >= 3


def test_too_long(client):
    client.write(b"NOOP {5000+}\r\n" + b"x" * 5000 + b"\r\n")
    assert client.answer().status == "NO" and client.say("NOOP")
    client.write(b"NOOP " + b"x" * 20000)
    assert client.answer().status == "BYE"


def test_a_browser(client):
    client.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert client.file.read() == b""


def test_a_script_takes_effect_at_once(host, secure):
    assert secure.login(ALICE, "secret")
    script = ('require ["fileinto", "mailbox"];\r\n'
              'fileinto :create "Täg";\r\n')
    assert secure.put("sort", script) and secure.say('SETACTIVE "sort"')
    assert secure.list() == {"sort": True}
    host.send("x@elsewhere.example", [ALICE], "Subject: one\r\n\r\nx\r\n")
    folder = host.maildir(ALICE) / ".T&AOQ-g" / "new"
    wait_until(lambda: folder.exists() and list(folder.iterdir()), 30)
    assert secure.say('SETACTIVE ""')
    host.send("x@elsewhere.example", [ALICE], "Subject: two\r\n\r\nx\r\n")
    host.wait_for_mail(ALICE)
    stat = (host.maildir(ALICE) / "sieve/sort.sieve").stat()
    assert stat.st_uid == host.users[ALICE]


def test_a_front_that_is_gone_takes_sieved_along(host, secure):
    assert secure.login(ALICE, "secret")
    assert host.processes().get("sieved")
    secure.close()
    wait_until(lambda: not host.processes().get("sieved"), 30)


def test_a_session_goes_on_over_a_restart(host, secure):
    assert secure.login(ALICE, "secret")
    old = host.pid("sieve")
    host.svc("sieve", "-k")
    wait_until(lambda: host.is_ready("sieve") and host.pid("sieve") != old, 30)
    assert secure.put("late", "keep;")


@pytest.mark.skipif(shutil.which("sieve-connect") is None,
                    reason="sieve-connect is not installed")
def test_sieve_connect(host, tmp_path):
    """A client of Debian's, against a certificate that it checks."""
    (tmp_path / "up.sieve").write_text('keep;\n')
    user = "carol@mx.example.org"

    def run(*args):
        return subprocess.run(
            ["sieve-connect", "--server", host.address, "--port",
             str(host.ports["sieve"]), "--user", user, "--notlsverify",
             "--passwordfd", "0", *args],
            input="secret\n", capture_output=True, text=True, timeout=60,
            cwd=tmp_path)
    done = run("--upload", "--localsieve", "up.sieve", "--remotesieve", "up")
    assert done.returncode == 0, done
    assert run("--activate", "--remotesieve", "up").returncode == 0
    text = run("--list").stdout
    assert "up" in text and "ACTIVE" in text.upper()
    assert run("--download", "--remotesieve", "up", "--localsieve",
               "down.sieve").returncode == 0
    assert (tmp_path / "down.sieve").read_text().replace("\r", "") == \
        "keep;\n"
    assert run("--deactivate").returncode == 0
    assert run("--delete", "--remotesieve", "up").returncode == 0
    assert "up" not in run("--list").stdout
