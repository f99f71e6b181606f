"""Clients that are none: other protocols, endless lines, what lies in front of
or behind a handshake, old and broken TLS, silence."""
import os
import re
import socket
import ssl
import struct
import subprocess
import time

import pytest

from host import Host, process_status, wait_for_none
from lineclient import CLEAR, LineClient, insecure_context

ALICE = "alice@mx.example.org"
NETWORK = ("smtp", "submit", "pop3", "imap")
TLS = ("submits", "pop3s", "imaps")
ALL = NETWORK + TLS
FRONTS = {"smtp": "smtpd", "submit": "submit-front", "pop3": "pop3-front",
          "imap": "imap-front"}
MIB32 = 32 * 1024


@pytest.fixture(scope="module")
def host():
    with Host(users={"alice": "secret"}, services=NETWORK) as h:
        yield h


def fronts(host, kind):
    """Processes that have met a client of this kind and are not gone."""
    return host.processes().get(FRONTS[kind], [])


@pytest.fixture(scope="module")
def monitors(host):
    return [host.pid(s) for s in NETWORK]


@pytest.fixture(autouse=True)
def clean(host, monitors):
    """No monitor dies, and no front is left behind."""
    yield
    names = set(FRONTS.values())
    assert not wait_for_none(lambda: names & set(host.processes()), 8)
    assert all(os.path.exists(f"/proc/{pid}") for pid in monitors)


def swallow(connection, data):
    """Send as much as is taken."""
    try:
        for i in range(0, len(data), 65536):
            connection.send(data[i:i + 65536])
    except OSError:
        return False
    return True


@pytest.mark.parametrize("service", ALL)
@pytest.mark.parametrize("verb", ["GET / HTTP/1.1", "POST / HTTP/1.0",
                                  "CONNECT mx:25 HTTP/1.1"])
def test_http_ends_the_session(host, service, verb):
    with LineClient(host, service) as c:
        c.send(f"{verb}\r\nHost: x\r\n\r\nEHLO x\r\nMAIL FROM:<>\r\n"
               f"a CAPABILITY\r\nCAPA\r\n")
        said = c.all()
        assert "250" not in said and "+OK" not in said and "a OK" not in said


@pytest.mark.parametrize("service", ALL)
def test_ten_thousand_bad_commands(host, service):
    with LineClient(host, service) as c:
        swallow(c, b"x y\r\n" * 10_000)
        # The session ends after a few; what comes behind may reset it.
        answers = c.all().splitlines()
        assert len(answers) <= 12


@pytest.mark.parametrize("service", ALL)
def test_endless_line(host, service):
    """Memory stays as it was, and the session goes on, or ends."""
    kind = service.removesuffix("s") if service in TLS else service
    with LineClient(host, service) as c:
        [pid] = fronts(host, kind)
        swallow(c, b"x" * (8 << 20))
        assert peak(pid) < MIB32
        swallow(c, b"\r\n")
        assert re.match(r"5\d\d |-ERR|\S+ BAD", c.line().decode())


def peak(pid):
    return int(process_status(pid)["VmHWM"].split()[0])


@pytest.mark.parametrize("service", ALL)
def test_binary(host, service):
    with LineClient(host, service) as c:
        swallow(c, bytes(range(256)) * 400 + b"\r\n")
        c.all()


# TLS

STARTTLS = {"smtp": "STARTTLS", "submit": "STARTTLS", "pop3": "STLS",
            "imap": "s STARTTLS"}
BEHIND = {"smtp": "RSET", "submit": "RSET", "pop3": "CAPA",
          "imap": "i CAPABILITY"}


@pytest.mark.parametrize("service", NETWORK)
@pytest.mark.parametrize("pause", [0, 0.2])
def test_octets_behind_starttls(host, service, pause):
    """Sent in the clear, they must never count as sent under TLS."""
    with LineClient(host, service) as c:
        if service in ("smtp", "submit"):
            c.say("EHLO x.example")
        command = STARTTLS[service] + "\r\n"
        behind = BEHIND[service] + "\r\n"
        if pause:
            c.send(command)
            c.line()
            c.send(behind)
        else:
            c.send(command + behind)
            c.line()
        c.socket.settimeout(5)
        with pytest.raises(OSError):
            c.wrap()
            c.send(f"{BEHIND[service]}\r\n")
            assert not c.line()
            raise ConnectionError


@pytest.mark.parametrize("service", NETWORK)
@pytest.mark.parametrize("command", [
    "AUTH PLAIN AGFsaWNlAHNlY3JldA==", "AUTH LOGIN", "USER alice",
    "PASS secret", "l LOGIN alice secret", "l AUTHENTICATE PLAIN",
    "l AUTHENTICATE PLAIN AGFsaWNlAHNlY3JldA=="])
def test_no_login_in_the_clear(host, service, command):
    with LineClient(host, service) as c:
        if service in ("smtp", "submit"):
            c.say("EHLO x.example")
        answer = c.say(command)
        assert re.match(r"5\d\d |-ERR|\S+ (NO|BAD) ", answer)
        if service == "imap" and command.startswith("l "):
            assert answer.startswith("l NO [PRIVACYREQUIRED]")
    assert "event=login" not in host.log(service)


@pytest.mark.parametrize("service", ALL)
@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_tls_is_refused(host, service, version):
    context = insecure_context(host)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = getattr(ssl.TLSVersion, version)
    context.maximum_version = getattr(ssl.TLSVersion, version)
    with pytest.raises(OSError):
        with LineClient(host, service, context=context) as c:
            c.starttls()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED
    with LineClient(host, service, context=context) as c:
        if service in CLEAR:
            c.starttls()
        assert c.socket.version() == "TLSv1.2"


@pytest.mark.parametrize("service", TLS)
def test_wrong_alpn_is_refused(host, service):
    context = insecure_context(host)
    context.set_alpn_protocols(["http/1.1", "h2"])
    with pytest.raises(OSError):
        LineClient(host, service, context=context).close()
    if service != "submits":        # has no name there
        context.set_alpn_protocols(["http/1.1", service[:-1]])
        with LineClient(host, service, context=context) as c:
            assert c.socket.selected_alpn_protocol() == service[:-1]


GARBAGE = {
    "text": b"EHLO x.example\r\nAUTH PLAIN\r\n",
    "nothing": b"",
    "zeros": bytes(100_000),
    "an alert": b"\x15\x03\x03\x00\x02\x02\x28",
    "application data": b"\x17\x03\x03\x00\x10" + b"x" * 16,
    "a long record": b"\x16\x03\x01\xff\xff" + b"x" * 65535,
    "a hello that is cut": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a hello of 16 MiB": b"\x16\x03\x01\x40\x00\x01\xff\xff\xff" + b"x" * 16380
    + (b"\x16\x03\x01\x40\x00" + b"x" * 16384) * 20,
    "SSL 2": b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + b"x" * 37,
    "empty records": b"\x16\x03\x01\x00\x00" * 10_000}


@pytest.mark.parametrize("service", ALL)
@pytest.mark.parametrize("what", sorted(GARBAGE))
def test_garbage_in_place_of_a_handshake(host, service, what):
    address = host.address, host.ports[service]
    with socket.create_connection(address, 20) as s:
        if service in CLEAR:
            s.recv(1000)
            s.sendall(b"EHLO x.example\r\n" if service in
                      ("smtp", "submit") else b"")
            if service in ("smtp", "submit"):
                s.recv(1000)
            s.sendall(STARTTLS[service].encode() + b"\r\n")
            s.recv(1000)
        swallow(s, GARBAGE[what])
        kind = service.removesuffix("s") if service in TLS else service
        for pid in fronts(host, kind):
            try:
                assert peak(pid) < MIB32
            except OSError:
                pass
        try:
            s.shutdown(socket.SHUT_WR)
            while data := s.recv(65536):
                assert b"220" not in data and b"OK" not in data
        except OSError:
            pass


@pytest.mark.parametrize("service", TLS)
def test_renegotiation_is_refused(host, service):
    """s_client asks for it at an R; its session must end or go on as it was,
    without another handshake."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect",
         f"{host.address}:{host.ports[service]}", "-tls1_2"],
        input=b"R\n", capture_output=True, timeout=20)
    text = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert "RENEGOTIATING" in text
    assert text.count("verify return:") <= 2 or done.returncode != 0


# Literals

@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("literal", [
    "{4294967295}", "{4294967296+}", "{18446744073709551616+}",
    "{99999999999999999999999}", "{104857600+}", "{5000+}", "{-1+}", "{+}"])
def test_literal_bombs_before_login(host, tls, literal):
    with LineClient(host, "imaps" if tls else "imap") as c:
        [pid] = fronts(host, "imap")
        c.send(f"a LOGIN {literal}\r\n")
        swallow(c, b"x" * (4 << 20))
        try:
            assert peak(pid) < MIB32
        except OSError:
            pass                    # it has ended already


def test_many_literals_in_a_command(host):
    with LineClient(host, "imaps") as c:
        [pid] = fronts(host, "imap")
        swallow(c, b"a LOGIN " + b"{10+}\r\n0123456789 " * 100_000)
        try:
            assert peak(pid) < MIB32
        except OSError:
            pass


def test_nul_and_eight_bits_in_names(host):
    for name in (b'"a\x00b"', b'{3+}\r\na\x00b', b'"\xff\xfe"', b'"a\\"b"'):
        with LineClient(host, "imaps") as c:
            assert c.say(b"l LOGIN " + name + b" x").startswith(
                ("l NO", "l BAD", "* BAD"))


# Silence

@pytest.fixture(scope="module")
def short(host):
    host.set(login_timeout=2)
    yield host
    host.set(login_timeout=60)


@pytest.mark.parametrize("service", ("submit", "pop3", "imap") + TLS)
def test_silence_ends(short, service):
    with LineClient(short, service) as c:
        before = time.monotonic()
        c.all()
        assert 1.5 < time.monotonic() - before < 5


@pytest.mark.parametrize("service", TLS)
def test_silence_before_the_handshake_ends(short, service):
    address = short.address, short.ports[service]
    with socket.create_connection(address, 10) as s:
        before = time.monotonic()
        assert s.recv(1000) == b""
        assert time.monotonic() - before < 6


@pytest.mark.parametrize("service", ("submit", "pop3", "imap"))
def test_an_octet_now_and_then_ends(short, service):
    """Whoever trickles may not stay for ever."""
    with LineClient(short, service) as c:
        c.socket.settimeout(0.3)
        end = time.monotonic() + 12
        try:
            while time.monotonic() < end:
                c.send("x")
                try:
                    if not c.socket.recv(1000):
                        return
                except TimeoutError:
                    pass
        except OSError:
            return
        pytest.fail("still there")


@pytest.mark.parametrize("service", ("submit", "pop3", "imap"))
def test_idle_commands_do_not_keep_a_connection(short, service):
    with LineClient(short, service) as c:
        c.socket.settimeout(1)
        end = time.monotonic() + 12
        while time.monotonic() < end:
            try:
                c.send("a NOOP\r\n" if service == "imap" else "NOOP\r\n")
                if not c.socket.recv(1000):
                    return
            except OSError:
                return
            time.sleep(0.3)
        pytest.fail("still there")


@pytest.mark.parametrize("service", ALL)
def test_reset(host, service):
    """SO_LINGER 0: a RST at once."""
    for _ in range(5):
        s = socket.create_connection((host.address, host.ports[service]))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     struct.pack("ii", 1, 0))
        s.send(b"\x16\x03")
        s.close()
