"""auth: who is let in, how long a guess takes, what is remembered, programs
that judge in its place."""
import ctypes
import ctypes.util
import os
import shutil
import socket
import statistics
import struct
import subprocess
import time

import pytest

from cdbfile import write_cdb
from host import Host, kill, password_hash, process_status, wait_until
from lineclient import LineClient, login
from scram import Scram, begin, b64, challenge_of, keys
from smtpalone import spawn

ALICE, BOB = "alice@mx.example.org", "bob@mx.example.org"
NETWORK = ("submit", "pop3", "imap")
TLS = ("submits", "pop3s", "imaps")


def real_hash(password):
    """With the work that `kereru user add` demands."""
    sodium = ctypes.CDLL(ctypes.util.find_library("sodium"))
    text = ctypes.create_string_buffer(128)
    assert sodium.crypto_pwhash_str(
        text, password.encode(), ctypes.c_ulonglong(len(password)),
        ctypes.c_ulonglong(2), ctypes.c_size_t(19 << 20)) == 0
    return text.value.decode()


def set_passwords(host, **passwords):
    host.write("passwords", [f"{user}@mx.example.org {real_hash(p)}"
                             for user, p in passwords.items()], 0o600)
    host.compile()


def set_keys(host, **passwords):
    """Those who can log in by SCRAM, too."""
    host.write("passwords", [
        f"{user}@mx.example.org {real_hash(p)} {keys(p)}"
        for user, p in passwords.items()]
        + [f"{BOB} {real_hash('secret')}"], 0o600)
    host.compile()


def new_auth(host):
    """Settings are read when auth starts."""
    host.restart("auth")


def cpu_of_children(pid):
    """Seconds that the ended children of a process have used."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture(scope="module")
def host():
    with Host(users={"alice": "secret", "bob": "secret"}, services=NETWORK,
              settings={"auth-cache": 0, "scram": "yes"}) as h:
        set_passwords(h, alice="secret", bob="secret")
        yield h


# Verdicts

@pytest.mark.parametrize("service", TLS)
@pytest.mark.parametrize("user,password,verdict", [
    (ALICE, "secret", "ok"), ("alice", "secret", "ok"),
    ("ALICE@MX.Example.Org", "secret", "ok"),
    (ALICE, "wrong", "denied"), (ALICE, "secre", "denied"),
    (ALICE, "secret ", "denied"), (ALICE, "Secret", "denied"),
    ("nobody@mx.example.org", "secret", "denied"),
    ("alice@elsewhere.example", "secret", "denied"),
    ("alice@mx.example.org.", "secret", "denied"),
    ("@mx.example.org", "secret", "denied"), ("@", "@", "denied"),
    ("alice@mx.example.org ", "secret", "denied"),
    ("../alice", "secret", "denied"), ("a" * 320, "x", "denied"),
    ("a" * 321, "x", "denied"), ("a" * 318, "x", "denied"),
    ("a" * 511, "b" * 511, "denied"), ("\x01\x7f", "x", "denied"),
    ("älice", "sécret", "denied")])
def test_verdicts(host, service, user, password, verdict):
    assert login(host, service, user, password) == verdict


@pytest.mark.parametrize("service", TLS)
@pytest.mark.parametrize("sasl", [
    b"bob@mx.example.org\0alice@mx.example.org\0secret",
    b"root\0alice@mx.example.org\0secret",
    b"alice\0alice@mx.example.org\0secret",
    b"\0alice@mx.example.org\0secret\0",
    b"\0alice@mx.example.org\0secret\0more",
    b"\0alice@mx.example.org\0\0secret", b"\0alice@mx.example.org\0",
    b"\0\0secret", b"\0\0", b"\0", b"alice", b"\0" * 1024,
    b"\0alice@mx.example.org secret"])
def test_messages_that_are_refused(host, service, sasl):
    with LineClient(host, service) as c:
        assert c.plain(sasl) == "denied"
        # The session goes on.
        assert c.login(ALICE, "secret") == "ok"


@pytest.mark.parametrize("service", TLS)
def test_authorization_identity_that_is_the_same(host, service):
    with LineClient(host, service) as c:
        assert c.plain(b"alice@mx.example.org\0alice@mx.example.org\0secret"
                       ) == "ok"


@pytest.mark.parametrize("service", TLS)
@pytest.mark.parametrize("length", [1025, 2000, 5000, 100_000])
def test_messages_that_are_too_long(host, service, length):
    with LineClient(host, service) as c:
        try:
            answer = c.plain(b"\0alice@mx.example.org\0" + b"x" * length)
        except OSError:
            answer = ""
        assert answer not in ("ok", "later")
    assert login(host, service, ALICE, "secret") == "ok"


# SCRAM-SHA-256

@pytest.fixture(scope="module")
def keyed(host):
    """Alice has keys, Bob a hash alone."""
    set_keys(host, alice="secret")
    yield host
    set_passwords(host, alice="secret", bob="secret")


@pytest.mark.parametrize("service", TLS)
def test_scram(keyed, service):
    for user, initial in (("alice", True), (ALICE.upper(), False)):
        with LineClient(keyed, service) as c:
            assert Scram(user, "secret").login(c, initial=initial) == "ok"
            if service == "imaps":
                assert c.say("a NOOP").startswith("a OK")
    with LineClient(keyed, service) as c:
        assert Scram("alice", "wrong").login(c) == "denied"
        # The session goes on, by PLAIN as by SCRAM.
        header = "y,a=alice,"
        assert Scram("alice", "secret", header).login(c) == "ok"
    assert login(keyed, service, ALICE, "secret") == "ok"
    assert login(keyed, service, BOB, "secret") == "ok"


@pytest.mark.parametrize("service", TLS)
@pytest.mark.parametrize("header", ["p=tls-unique,,", "n,a=bob,", "N,,", ""])
def test_scram_headers_that_are_refused(keyed, service, header):
    with LineClient(keyed, service) as c:
        assert Scram("alice", "secret", header).login(c) == "denied"


@pytest.mark.parametrize("change", [
    lambda m: m.replace("r=", "r=x"), lambda m: m[:-1],
    lambda m: m + "x", lambda m: m + ",m=1", lambda m: "m=1," + m,
    lambda m: m.partition(",")[2]])
def test_scram_last_messages_that_are_refused(keyed, change):
    """Each has the right proof of what it says."""
    with LineClient(keyed, "imaps") as c:
        assert Scram("alice", "secret").login(c, change) == "denied"
        assert Scram("alice", "secret").login(
            c, lambda m: m + ",q=unknown") == "ok"


def test_scram_header_that_changes(keyed):
    for first, second in (("n,,", "y,,"), ("y,,", "n,,"),
                          ("n,,", "n,a=alice,"), ("n,,", "n,,x")):
        with LineClient(keyed, "imaps") as c:
            assert Scram("alice", "secret", first, second).login(c) == "denied"


def test_scram_replay(keyed):
    with LineClient(keyed, "imaps") as c:
        s = Scram("alice", "secret", nonce="same")
        final = s.final(challenge_of(c, begin(c, s.first)))
        assert challenge_of(c, c.say(b64(final.encode()))) == s.server_final
    with LineClient(keyed, "imaps") as c:
        assert challenge_of(c, begin(c, s.first))
        assert c.verdict(c.say(b64(final.encode()))) == "denied"
        # Nor is the last step one to begin with, or anything but empty.
        assert c.verdict(begin(c, "=")) == "denied"
        s = Scram("alice", "secret")
        final = s.final(challenge_of(c, begin(c, s.first)))
        assert challenge_of(c, c.say(b64(final.encode())))
        assert c.verdict(c.say(b64(b"x"))) == "denied"
        assert c.line().startswith(b"* BYE")


@pytest.mark.parametrize("service", TLS)
def test_scram_that_is_cancelled(keyed, service):
    """At each of its steps; the next login begins anew."""
    with LineClient(keyed, service) as c:
        for steps in range(2):
            s = Scram("alice", "secret")
            challenge = challenge_of(c, begin(c, s.first))
            if steps == 1:
                assert challenge_of(
                    c, c.say(b64(s.final(challenge).encode())))
            answer = c.say("*")
            assert answer.startswith(("501", "-ERR Cancelled", "l BAD"))
            assert c.verdict(c.say(
                {"imaps": "l AUTHENTICATE PLAIN AGEAYg=="}.get(
                    service, "AUTH PLAIN AGEAYg=="))) == "denied"
        answer = begin(c, "n,,n=alice,r=" + "x" * 256)
        assert challenge_of(c, answer)
        answer = c.say(b64(b"x" * 1025))
        assert answer[:3] in ("501", "500", "-ER", "l B")
        assert Scram("alice", "secret").login(c) == "ok"


def test_scram_tells_nobody_who_is_known(keyed):
    """A salt for each name, the same at all times and after a restart."""
    def salt(user):
        with LineClient(keyed, "imaps") as c:
            s = Scram(user, "secret")
            assert s.login(c) == "denied"
            return s.salt, s.iterations

    told = {user: salt(user) for user in ("bob", "nobody", "no=b,ody")}
    assert len(set(told.values())) == 3
    assert {n for _, n in told.values()} == {65536}
    keyed.restart("auth")
    assert salt("nobody@mx.example.org") == told["nobody"]
    assert salt("BOB") == told["bob"]
    log = keyed.log("auth")
    assert "mailbox=nobody@mx.example.org client=127" in log
    with LineClient(keyed, "imaps") as c:
        assert Scram("älice", "secret").login(c) == "denied"


def test_scram_with_the_keys_that_kereru_makes(keyed):
    done = keyed.kereru("user", "passwd", BOB, "--password-stdin",
                        input="s,e=c ret~\n")
    assert done.stderr == ""
    with LineClient(keyed, "imaps") as c:
        s = Scram("bob", "s,e=c ret~")
        assert s.login(c) == "ok" and s.iterations == 65536
    # What SASLprep might change has no keys.
    done = keyed.kereru("user", "passwd", BOB, "--password-stdin",
                        input="sécret\n")
    assert "SCRAM" in done.stderr
    assert login(keyed, "imaps", BOB, "sécret") == "ok"
    with LineClient(keyed, "imaps") as c:
        assert Scram("bob", "sécret").login(c) == "denied"
    try:
        for wrong in ("x", keys("x") + "x", keys("x") + " x", keys("x", 4095)):
            keyed.write("passwords", [f"{BOB} {password_hash('x')} {wrong}"],
                        0o600)
            done = keyed.kereru("compile", check=False)
            assert done.returncode != 0 and "SCRAM" in done.stderr
            assert wrong not in done.stderr or wrong == "x"
    finally:
        set_keys(keyed, alice="secret")


@pytest.mark.skipif(not shutil.which("gsasl"), reason="no gsasl")
@pytest.mark.parametrize("kind,service", [("imap", "imap"),
                                          ("smtp", "submit")])
def test_scram_with_gsasl(keyed, kind, service):
    """Another's client, which also judges what we say at the end."""
    for password, code in (("secret", 0), ("wrong", 1)):
        done = subprocess.run(
            ["gsasl", f"--{kind}", "--mechanism=SCRAM-SHA-256", "--starttls",
             "--x509-ca-file=", "--no-cb", f"--service={kind}",
             "--hostname=mx.example.org", f"--authentication-id={ALICE}",
             f"--password={password}",
             f"--connect={keyed.address}:{keyed.ports[service]}"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=60)
        assert done.returncode == code, done.stdout + done.stderr
        assert "SCRAM-SHA-256" in done.stdout


def test_scram_failures_are_slow(keyed, slow):
    with LineClient(keyed, "imaps", "127.0.1.77") as c:
        before = time.monotonic()
        assert Scram("nobody", "secret").login(c) == "denied"
        assert time.monotonic() - before > 0.9


# Time

def duration(host, service, user, password, source=None):
    with LineClient(host, service, source) as c:
        before = time.monotonic()
        verdict = c.login(user, password)
        return time.monotonic() - before, verdict


def test_unknown_user_takes_as_long_as_a_known_one(host):
    known, unknown = [], []
    for i in range(9):
        for times, user in ((known, ALICE), (unknown, f"nobody{i}")):
            seconds, verdict = duration(host, "imaps", user, "wrong")
            assert verdict == "denied"
            times.append(seconds)
    a, b = statistics.median(known), statistics.median(unknown)
    # A hash takes 12 ms at least: without one it would be a millisecond.
    assert a > 0.005 and b > 0.005
    assert 0.5 < a / b < 2, (known, unknown)


@pytest.fixture
def slow(host):
    """Failures cost time, from no failures on."""
    host.set(auth_delay=1)
    with open(host.state / "auth/throttle", "r+b") as f:
        # All but the key and its mark.
        size = os.fstat(f.fileno()).st_size
        f.seek(24)
        f.write(bytes(size - 24))
    new_auth(host)
    yield host
    host.set(auth_delay=0)
    new_auth(host)


def test_failures_are_slow_and_the_right_password_is_not(slow):
    """Counted over all services together, by client and by user."""
    for i, (service, source, user) in enumerate([
            ("imaps", "127.0.1.1", ALICE), ("pop3s", "127.0.1.1", ALICE),
            ("submits", "127.0.1.1", ALICE)]):
        seconds, verdict = duration(slow, service, user, "wrong", source)
        assert verdict == "denied"
        assert 2 ** i - 0.1 < seconds < 2 ** i + 1
    waiting = [LineClient(slow, "imaps", "127.0.1.1") for _ in range(2)]
    try:
        # Another user from there, this user from elsewhere: 8 s each.
        for c, user in zip(waiting, ("nobody", ALICE)):
            c.send(f"l LOGIN {user} wrong\r\n")
        for service in TLS:
            for source in ("127.0.1.1", "127.0.1.9"):
                for user in (ALICE, BOB):
                    seconds, verdict = duration(slow, service, user, "secret",
                                                source)
                    assert verdict == "ok" and seconds < 1
    finally:
        for c in waiting:
            c.close()


def test_who_hangs_up_still_counts(slow):
    """Else a guess would take as long as a right answer takes."""
    slow.set(connections_per_address=3)
    try:
        for _ in range(3):
            duration(slow, "imaps", "nobody", "wrong", "127.0.1.2")
        for _ in range(3):
            with LineClient(slow, "imaps", "127.0.1.2") as c:
                c.send("l LOGIN nobody wrong\r\n")
        wait_until(lambda: slow.log("auth").count('client=127.0.1.2 service=imap known=no')
                   >= 6, what="the guesses")
        with LineClient(slow, "imap", "127.0.1.2") as c:
            assert c.greeting.startswith("* BYE [UNAVAILABLE]")
    finally:
        slow.set(connections_per_address=100)


def test_many_guesses_do_not_keep_others_out(tmp_path):
    """Their answers wait for up to 30 s, but not in the place of others'.
    auth alone, asked by us: frames as PIPES.md has them."""
    def ask(ticket, sasl):
        ours, theirs = socket.socketpair(socket.AF_UNIX,
                                         socket.SOCK_SEQPACKET)
        texts = [b"imap", b"192.0.2.1", b""]
        frame = struct.pack(">I", ticket) + b"".join(
            struct.pack(">H", len(t)) + t for t in texts) + b"\0"
        socket.send_fds(control, [frame], [theirs.fileno(), table])
        theirs.close()
        ours.settimeout(10)
        ours.send(b"".join(struct.pack(">H", len(t)) + t
                           for t in (b"PLAIN", sasl)))
        sessions.append(ours)
        return ours

    sessions = []
    home = tmp_path / "auth"
    home.mkdir()
    for path in (*tmp_path.parents[:3], tmp_path):
        os.chmod(path, 0o755)
    os.chown(home, 64923, 64923)
    write_cdb(tmp_path / "settings.cdb", {"auth-delay": "20\0",
                                          "state": f"{tmp_path}\0"})
    write_cdb(tmp_path / "passwords.cdb", {"alice": password_hash("secret")})
    table = os.open(tmp_path / "passwords.cdb", os.O_RDONLY)
    with open(os.devnull, "r+b") as null:
        pid = spawn("auth", ["-t", str(tmp_path)], 64923, [null.fileno()] * 3)
    wait_until((home / "socket").exists, what="its socket")
    control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    wait_until(lambda: control.connect_ex(str(home / "socket")) == 0,
               what="auth")
    control.settimeout(10)
    for i in range(400):
        ask(i, b"\0alice\0wrong")
        # So slowly that hashes keep up.
        time.sleep(0.003)
    time.sleep(0.5)
    last = ask(1000, b"\0alice\0secret")
    assert control.recv(2048) == struct.pack(">IH", 1000, 5) + b"alice"
    assert last.recv(2048) == b"o\0\0"
    for s in (control, *sessions):
        s.close()
    os.close(table)
    kill(pid)
    os.waitpid(pid, 0)


# The cache

def test_quick_logins_cost_one_hash(host):
    host.set(auth_cache=60)
    new_auth(host)
    try:
        auth = host.pid("auth")
        for _ in range(20):
            assert login(host, "imaps", ALICE, "secret") == "ok"
        # A hash takes 12 ms and more, ticks are of 10 ms.
        once = cpu_of_children(auth)
        assert once < 0.2
        # Nothing else is remembered.
        for _ in range(10):
            assert login(host, "imaps", ALICE, "wrong") == "denied"
        assert cpu_of_children(auth) - once > 0.08
        set_passwords(host, alice="changed", bob="secret")
        assert login(host, "imaps", ALICE, "secret") == "denied"
        assert login(host, "imaps", ALICE, "changed") == "ok"
        # A user who is gone.
        set_passwords(host, bob="secret")
        assert login(host, "imaps", ALICE, "changed") == "denied"
    finally:
        host.set(auth_cache=0)
        set_passwords(host, alice="secret", bob="secret")
        new_auth(host)


def test_scram_is_announced_under_tls_alone(host):
    with LineClient(host, "imap") as c:
        assert "AUTH=" not in c.say("c CAPABILITY")
        c.starttls()
        assert " AUTH=SCRAM-SHA-256 " in c.say("c CAPABILITY")
    with LineClient(host, "submit") as c:
        assert "AUTH" not in c.say("EHLO client.example")
        assert begin(c, "n,,n=alice,r=x").startswith("530")
        c.starttls()
        assert "250-AUTH SCRAM-SHA-256 PLAIN LOGIN\r\n" in \
            c.say("EHLO client.example")
    with LineClient(host, "pop3") as c:
        assert begin(c, "n,,n=alice,r=x").startswith("-ERR")
        c.starttls()
        assert c.say("CAPA").startswith("+OK")
        capa = b""
        while (line := c.line()) != b".\r\n":
            capa += line
        assert b"\r\nSASL SCRAM-SHA-256 PLAIN\r\n" in capa


# A program that judges

CHECKPASSWORD = r"""#!/bin/sh
# user NUL password NUL timestamp NUL
set -- "$1" $(tr '\0' ' ' <&3)
case $2 in
alice@*) test "$3" = secret || exit 1 ;;
temporary@*) exit 111 ;;
misused@*) exit 2 ;;
crash@*) kill -SEGV $$ ;;
killed@*) kill -KILL $$ ;;
slow@*) sleep 6; exit 1 ;;
hung@*) sleep 1000 ;;
*) exit 1 ;;
esac
exec "$1"
"""


@pytest.fixture(scope="module")
def judged():
    h = Host(users={"alice": "not asked for"}, services=["imap"])
    try:
        program = h.folder / "checkpassword"
        program.write_text(CHECKPASSWORD)
        program.chmod(0o755)
        h.set(checkpassword=program)
        h.start()
        yield h
    finally:
        h.close()


@pytest.mark.parametrize("user,password,verdict", [
    ("alice", "secret", "ok"), ("alice", "not asked for", "denied"),
    ("nobody", "secret", "denied"),
    ("temporary", "x", "later"), ("misused", "x", "later"),
    ("crash", "x", "later"), ("killed", "x", "later")])
def test_checkpassword(judged, user, password, verdict):
    assert login(judged, "imaps", user, password) == verdict


def test_no_scram_with_checkpassword(judged):
    with LineClient(judged, "imaps") as c:
        assert "SCRAM" not in c.say("c CAPABILITY")
        assert begin(c, "n,,n=alice,r=x").startswith("l NO ")
        assert c.login("alice", "secret") == "ok"


def test_slow_checkpassword_holds_nobody_up(judged):
    with LineClient(judged, "imaps") as slow:
        slow.send("l LOGIN slow x\r\n")
        time.sleep(0.3)
        seconds, verdict = duration(judged, "imaps", ALICE, "secret")
        assert verdict == "ok" and seconds < 5
        assert slow.answer().startswith("l NO [AUTHENTICATIONFAILED]")


def test_checkpassword_that_is_gone(judged):
    program = judged.folder / "checkpassword"
    program.rename(program.with_suffix(".away"))
    try:
        assert login(judged, "imaps", ALICE, "secret") == "later"
    finally:
        program.with_suffix(".away").rename(program)
    assert login(judged, "imaps", ALICE, "secret") == "ok"


@pytest.mark.soak
def test_hung_checkpassword_is_given_up(judged):
    clients = [LineClient(judged, "imaps", timeout=60) for _ in range(4)]
    try:
        for c in clients:
            c.send("l LOGIN hung x\r\n")
        time.sleep(0.5)
        assert login(judged, "imaps", ALICE, "secret", timeout=60) == "ok"
        for c in clients:
            assert c.answer().startswith("l NO [UNAVAILABLE]")
    finally:
        for c in clients:
            c.close()
