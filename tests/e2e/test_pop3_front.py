"""pop3-front by itself, under a monitor in Python: what it says before login,
TLS by Python's ssl and OpenSSL's s_client, and moving octets afterwards."""
import base64
import hashlib
import os
import poplib
import random
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "lib"))
from cdbfile import write_cdb  # noqa: E402
from smtpalone import open_auth, BUILD, spawn  # noqa: E402

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="needs root")

UID_FRONT, UID_ALICE = 64921, 64922
MIB = 1024 * 1024
PATTERN = random.Random(1).randbytes(MIB)


class Host:
    """Certificates, keys and settings; a listener whose clients get fronts."""

    def __init__(self, folder, types="ER", **settings):
        self.folder = folder
        self.settings = os.path.join(folder, "settings.cdb")
        self.certificates = os.path.join(folder, "certs")
        settings = {"hostname": "pop.kereru.test", "login-timeout": "20",
                    **{k.replace("_", "-"): v for k, v in settings.items()}}
        write_cdb(self.settings, {k: v + "\0" for k, v in
                                  {"scram": "1", **settings}.items()})
        entries = b""
        self.types = types
        for kind in types:
            with open(os.path.join(self.folder, "..", kind + ".der"),
                      "rb") as f:
                der = f.read()
            entries += struct.pack(">cBI", kind.encode(), 1, len(der)) + der
        with open(self.certificates, "wb") as f:
            f.write(struct.pack(">I", len(types)) + entries)
        self.fronts, self.asked, self.pairs = [], [], []
        self.backend = self.echo
        self.signs = 0
        # Not a file: a front may not make one grow.
        self.log_end, self.log = os.pipe()
        os.set_blocking(self.log_end, False)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def connect(self, implicit=False):
        client = socket.create_connection(("127.0.0.1", self.port), 20)
        server, _ = self.listener.accept()
        ours, theirs = socket.socketpair(socket.AF_UNIX,
                                         socket.SOCK_SEQPACKET)
        certificates = os.open(self.certificates, os.O_RDONLY)
        settings = os.open(self.settings, os.O_RDONLY)
        self.fronts.append(spawn(
            "pop3-front",
            ["-a", "127.0.0.1", "-p", "110"] + (["-T"] if implicit else []),
            UID_FRONT, [server.fileno(), server.fileno(), self.log,
                        theirs.fileno(), certificates, settings]))
        os.close(certificates)
        os.close(settings)
        server.close()
        theirs.close()
        self.pairs.append(ours)
        threading.Thread(target=self.serve, args=(ours,), daemon=True).start()
        return client

    def serve(self, pair):
        while True:
            try:
                frame = pair.recv(65536)
            except OSError:
                return
            if not frame:
                return
            if frame[:1] == b"S":
                pair.send(self.sign(frame))
            else:
                open_auth(pair, self.login, lambda: self.admit(pair))

    def sign(self, frame):
        _, index, kind, algorithm, n = struct.unpack(">cBcBH", frame[:6])
        assert n == len(frame) - 6 == {4: 32, 5: 48, 6: 64}[algorithm]
        assert self.types[index] == kind.decode()
        self.signs += 1
        with tempfile.NamedTemporaryFile() as f:
            f.write(frame[6:])
            f.flush()
            out = subprocess.run(
                ["openssl", "pkeyutl", "-sign", "-inkey",
                 os.path.join(self.folder, "..", kind.decode() + ".pem"),
                 "-pkeyopt", "digest:sha%d" % (n * 8), "-in", f.name],
                check=True, stdout=subprocess.PIPE).stdout
        return struct.pack(">H", len(out)) + out

    def login(self, mechanism, sasl):
        assert mechanism == b"PLAIN"
        self.asked.append(sasl)
        if sasl.endswith(b"\0later"):
            return "l"
        return "o" if sasl.endswith(b"\0secret") else "d"

    def admit(self, pair):
        program_in, to_program = os.pipe()
        from_program, program_out = os.pipe()
        self.backend(program_in, program_out)
        socket.send_fds(pair, [b"o"], [to_program, from_program])
        os.close(to_program)
        os.close(from_program)

    def run(self, act, program_in, program_out):
        def thread():
            try:
                act(program_in, program_out)
            except OSError:
                pass
            os.close(program_in)
            os.close(program_out)
        threading.Thread(target=thread, daemon=True).start()

    def echo(self, program_in, program_out):
        def act(i, o):
            os.write(o, b"+OK\r\n")
            while data := os.read(i, 65536):
                write_all(o, data)
        self.run(act, program_in, program_out)

    def pop3d(self, program_in, program_out):
        settings = os.open(self.settings, os.O_RDONLY)
        self.program = spawn(
            "pop3d", ["-m", "alice@kereru.test", "-a", "127.0.0.1",
                      os.path.join(self.folder, "Maildir")], UID_ALICE,
            [program_in, program_out, self.log, None, None, settings])
        os.close(settings)
        os.close(program_in)
        os.close(program_out)

    def wait_front(self, seconds=5):
        """The last front's exit code; it must end within seconds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            pid, status = os.waitpid(self.fronts[-1], os.WNOHANG)
            if pid:
                self.fronts.pop()
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.02)
        raise AssertionError("the front lives on")

    def text_of_log(self):
        return os.read(self.log_end, 65536).decode()

    def close(self):
        for pid in self.fronts:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        for pair in self.pairs:
            pair.close()
        self.listener.close()
        os.close(self.log)
        os.close(self.log_end)


def write_all(fd, data):
    while data:
        data = data[os.write(fd, data):]


@pytest.fixture(scope="module")
def keys():
    folder = tempfile.mkdtemp(prefix="pop3front.")
    os.chmod(folder, 0o711)
    for kind, options in (("E", ["ec", "-pkeyopt",
                                 "ec_paramgen_curve:P-256"]),
                          ("R", ["rsa:2048"])):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", *options, "-nodes", "-days",
             "2", "-subj", "/CN=pop.kereru.test", "-keyout",
             os.path.join(folder, kind + ".pem"), "-outform", "DER", "-out",
             os.path.join(folder, kind + ".der")], check=True,
            stderr=subprocess.DEVNULL)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def make(keys):
    made = []

    def make(*a, **k):
        folder = tempfile.mkdtemp(dir=keys)
        os.chmod(folder, 0o711)
        made.append(Host(folder, *a, **k))
        return made[-1]
    yield make
    for host in made:
        host.close()


@pytest.fixture
def host(make):
    return make()


def context(**options):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname = False
    c.verify_mode = ssl.CERT_NONE
    if "ciphers" in options:
        c.maximum_version = ssl.TLSVersion.TLSv1_2
        c.set_ciphers(options["ciphers"])
    if "curve" in options:
        c.maximum_version = ssl.TLSVersion.TLSv1_2
        c.set_ecdh_curve(options["curve"])
    if "alpn" in options:
        c.set_alpn_protocols(options["alpn"])
    return c


class Pop3(poplib.POP3):
    def __init__(self, sock):
        self.given = sock
        super().__init__("front", timeout=20)

    def _create_socket(self, timeout):
        return self.given


def open_tls(host, **options):
    """Implicit TLS, the greeting read."""
    s = context(**options).wrap_socket(host.connect(implicit=True),
                                       server_hostname="pop.kereru.test")
    pop = Pop3(s)
    assert pop.getwelcome() == b"+OK pop.kereru.test POP3 ready"
    return pop


def hang_up(pop):
    pop.file.close()
    pop.sock.close()


def logged_in(host, **options):
    pop = open_tls(host, **options)
    pop.user("alice")
    assert pop.pass_("secret") == b"+OK"
    return pop


def test_in_the_clear(host):
    pop = Pop3(host.connect())
    capa = pop.capa()
    assert "STLS" in capa and "USER" not in capa and "SASL" not in capa
    assert capa["EXPIRE"] == ["NEVER"]
    for call in (lambda: pop.user("alice"), lambda: pop.pass_("secret"),
                 lambda: pop._shortcmd("AUTH PLAIN AGEAYg==")):
        with pytest.raises(poplib.error_proto, match="STLS first"):
            call()
    with pytest.raises(poplib.error_proto, match="Log in first"):
        pop.stat()
    assert pop.noop() == b"+OK"
    assert pop.quit() == b"+OK Bye"
    assert host.wait_front() == 0
    assert host.asked == [] and host.signs == 0


def test_utf8_and_lang(host):
    pop = Pop3(host.connect())
    capa = pop.capa()
    assert capa["UTF8"] == [] and capa["LANG"] == []
    assert pop._longcmd("LANG")[1] == [b"en English"]
    assert pop._shortcmd("LANG en") == b"+OK en English it is"
    with pytest.raises(poplib.error_proto, match="No such language"):
        pop._shortcmd("LANG fr")
    assert pop.utf8() == b"+OK"
    with pytest.raises(poplib.error_proto, match="before UTF8"):
        pop._shortcmd("STLS")
    hang_up(pop)
    pop = open_tls(host)
    assert pop.utf8() == b"+OK"
    pop.user("alice")
    assert pop.pass_("secret") == b"+OK"


def test_stls_then_login(host):
    pop = Pop3(host.connect())
    pop.stls(context())
    capa = pop.capa()
    assert "STLS" not in capa and "USER" in capa
    assert capa["SASL"] == ["SCRAM-SHA-256", "PLAIN"]
    with pytest.raises(poplib.error_proto, match="on already"):
        pop._shortcmd("STLS")
    pop.user("alice@kereru.test")
    pop.pass_("secret")
    assert host.asked == [b"\0alice@kereru.test\0secret"]
    pop.sock.sendall(b"to the program\r\n")
    assert pop.file.readline() == b"to the program\r\n"


def test_wrong_password_and_the_session_goes_on(host):
    pop = open_tls(host)
    for password in ("wrong", "two words "):
        pop.user("alice")
        with pytest.raises(poplib.error_proto, match=r"\[AUTH\]"):
            pop.pass_(password)
    with pytest.raises(poplib.error_proto, match="USER first"):
        pop.pass_("secret")
    pop.user("alice")
    with pytest.raises(poplib.error_proto, match=r"\[SYS/TEMP\]"):
        pop.pass_("later")
    pop.user("alice")
    pop.pass_("secret")
    assert host.asked == [b"\0alice\0wrong", b"\0alice\0two words ",
                          b"\0alice\0later", b"\0alice\0secret"]


def test_three_wrong_passwords_end_the_session(host):
    pop = open_tls(host)
    for _ in range(3):
        pop.user("alice")
        with pytest.raises(poplib.error_proto):
            pop.pass_("wrong")
    assert pop.file.readline() == b""
    assert host.wait_front() == 0


def test_auth_plain(host):
    message = base64.b64encode(b"\0alice\0secret").decode()
    wrong = base64.b64encode(b"x\0alice\0no").decode()
    pop = open_tls(host)
    for bad in ("AUTH PLAIN =", "AUTH PLAIN !!!!", "AUTH LOGIN",
                "AUTH PLAINX " + message, "AUTH PLAIN " + wrong):
        with pytest.raises(poplib.error_proto):
            pop._shortcmd(bad)
    assert pop._longcmd("AUTH")[1] == [b"SCRAM-SHA-256", b"PLAIN"]
    pop._putcmd("AUTH PLAIN")
    assert pop.file.readline() == b"+ \r\n"
    pop._putcmd("*")
    assert pop.file.readline() == b"-ERR Cancelled\r\n"
    pop._putcmd("AUTH plain")
    assert pop.file.readline() == b"+ \r\n"
    assert pop._shortcmd(message) == b"+OK"
    assert host.asked == [b"x\0alice\0no", b"\0alice\0secret"]
    pop.close()
    assert open_tls(host)._shortcmd("AUTH PLAIN " + message) == b"+OK"


def test_long_and_strange_names(host):
    pop = open_tls(host)
    with pytest.raises(poplib.error_proto):
        pop.user("x" * 321)
    with pytest.raises(poplib.error_proto):
        pop.user("a\0b")
    pop.user("x" * 320)
    with pytest.raises(poplib.error_proto):
        pop.pass_("y" * 1000)
    with pytest.raises(poplib.error_proto, match="too long"):
        pop._shortcmd("PASS " + "y" * 2000)
    assert pop.noop() == b"+OK"
    assert host.asked == []


def test_octets_behind_stls_close_the_connection(host):
    s = host.connect()
    s.recv(1000)
    s.sendall(b"STLS\r\nUSER mallory\r\n")
    got = b""
    while data := s.recv(1000):
        got += data
    assert got == b""
    assert host.wait_front() == 0
    assert host.signs == 0 and "tls-failed" in host.text_of_log()


def test_http_ends_the_session(host):
    s = host.connect()
    s.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n\r\nUSER a\r\n")
    got = b""
    while data := s.recv(1000):
        got += data
    assert got == b"+OK pop.kereru.test POP3 ready\r\n"
    assert "event=http" in host.text_of_log()


def test_ten_bad_commands_end_the_session(host):
    s = host.connect()
    s.sendall(b"X\r\n" * 50)
    got = b""
    while data := s.recv(1000):
        got += data
    assert got.count(b"-ERR") == 10


def test_without_certificates(make):
    host = make("")
    pop = Pop3(host.connect())
    assert "STLS" not in pop.capa()
    with pytest.raises(poplib.error_proto, match="not available"):
        pop._shortcmd("STLS")
    with pytest.raises(poplib.error_proto, match="Login needs TLS"):
        pop.user("alice")
    s = host.connect(implicit=True)
    assert s.recv(10) == b""
    assert host.wait_front() == 111


def test_time_before_login_is_limited(make):
    host = make(login_timeout="1")
    pop = Pop3(host.connect())
    began = time.monotonic()
    assert pop.file.readline() == b"-ERR Idle for too long\r\n"
    assert 0.9 < time.monotonic() - began < 2.5
    pop = Pop3(host.connect())
    began = time.monotonic()
    with pytest.raises((poplib.error_proto, OSError)):
        while time.monotonic() - began < 10:
            pop.noop()
            time.sleep(0.3)
    assert 2.5 < time.monotonic() - began < 5


def test_alpn(host):
    pop = open_tls(host, alpn=["pop3"])
    assert pop.sock.selected_alpn_protocol() == "pop3"
    pop.quit()
    for wrong in (["http/1.1"], ["imap", "h2"]):
        with pytest.raises(ssl.SSLError):
            open_tls(host, alpn=wrong)


def test_only_tls_1_2(host):
    c = context()
    c.minimum_version = ssl.TLSVersion.TLSv1_3
    with pytest.raises(ssl.SSLError):
        c.wrap_socket(host.connect(implicit=True))
    pop = open_tls(host)
    assert pop.sock.version() == "TLSv1.2"


@pytest.mark.parametrize("types,ciphers,want", [
    ("ER", "DEFAULT", "ECDHE-ECDSA-AES128-GCM-SHA256"),
    ("RE", "aRSA", "ECDHE-RSA-AES128-GCM-SHA256"),
    ("ER", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"),
    ("ER", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384"),
    ("ER", "CHACHA20", "ECDHE-ECDSA-CHACHA20-POLY1305"),
    ("R", "CHACHA20", "ECDHE-RSA-CHACHA20-POLY1305"),
    ("E", "DEFAULT", "ECDHE-ECDSA-AES128-GCM-SHA256"),
    ("R", "DEFAULT", "ECDHE-RSA-AES128-GCM-SHA256"),
])
def test_suites_and_both_ways_at_once(make, types, ciphers, want):
    host = make(types)
    pop = logged_in(host, ciphers=ciphers)
    assert pop.sock.cipher()[0] == want
    echo_both_ways(pop, 2 if ciphers == "CHACHA20" else 4)
    hang_up(pop)
    assert host.wait_front() == 0


@pytest.mark.parametrize("types,ciphers", [("E", "aECDSA"), ("R", "aRSA")])
def test_suites_that_are_not_spoken(make, types, ciphers):
    host = make("R" if types == "E" else "E")
    with pytest.raises(ssl.SSLError):
        open_tls(host, ciphers=ciphers)
    with pytest.raises(ssl.SSLError):
        open_tls(host, ciphers="ECDHE-RSA-AES128-SHA:AES128-GCM-SHA256")


def test_a_client_without_the_curve_of_our_key(host):
    pop = open_tls(host, curve="secp384r1")
    assert pop.sock.cipher()[0] == "ECDHE-RSA-AES128-GCM-SHA256"
    pop = open_tls(host, curve="prime256v1")
    assert pop.sock.cipher()[0] == "ECDHE-ECDSA-AES128-GCM-SHA256"


def test_certificates_that_are_none(make):
    host = make()
    with open(host.certificates, "r+b") as f:
        f.seek(30)
        f.write(b"\xff" * 20)
    assert "STLS" not in Pop3(host.connect()).capa()
    assert "event=no-certificates" in host.text_of_log()


def echo_both_ways(pop, mib):
    s = pop.sock
    # OpenSSL's objects are not for two threads: take turns, without waiting.
    s.setblocking(False)
    to_send, got, sent = mib * MIB, 0, 0
    wanted = (PATTERN * mib)
    deadline = time.monotonic() + 60
    while got < to_send and time.monotonic() < deadline:
        moved = False
        try:
            if sent < to_send:
                sent += s.send(wanted[sent:sent + 30000])
                moved = True
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            pass
        # Let what is under way fill every buffer first.
        if sent - got > 200000 or not moved:
            try:
                data = s.recv(65536)
                assert data == wanted[got:got + len(data)]
                got += len(data)
                moved = True
            except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
                pass
        if not moved:
            time.sleep(0.001)
    assert got == to_send
    s.setblocking(True)


def test_ten_mib_down(host):
    def down(program_in, program_out):
        def act(_, o):
            os.write(o, b"+OK\r\n")
            for _ in range(10):
                write_all(o, PATTERN)
        host.run(act, program_in, program_out)
    host.backend = down
    pop = logged_in(host)
    got = 0
    while data := pop.file.read(MIB):
        assert data == PATTERN
        got += len(data)
    assert got == 10 * MIB
    assert host.wait_front() == 0


def test_one_mib_up(host):
    def up(program_in, program_out):
        def act(i, o):
            os.write(o, b"+OK\r\n")
            digest, n = hashlib.sha256(), 0
            while n < MIB:
                data = os.read(i, 65536)
                digest.update(data)
                n += len(data)
            os.write(o, digest.hexdigest().encode())
        host.run(act, program_in, program_out)
    host.backend = up
    pop = logged_in(host)
    pop.sock.sendall(PATTERN)
    assert pop.file.read() == hashlib.sha256(PATTERN).hexdigest().encode()


def test_s_client(host):
    """OpenSSL's own client, with STARTTLS; login and commands in one go."""
    client = host.connect()
    relay = socket.create_server(("127.0.0.1", 0))

    def pump(a, b):
        try:
            while data := a.recv(65536):
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def serve():
        peer, _ = relay.accept()
        threading.Thread(target=pump, args=(peer, client), daemon=True).start()
        pump(client, peer)
    threading.Thread(target=serve, daemon=True).start()
    child = subprocess.Popen(
        ["openssl", "s_client", "-quiet", "-starttls", "pop3", "-crlf",
         "-connect", "127.0.0.1:%d" % relay.getsockname()[1]],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL)
    child.stdin.write(b"USER alice\nPASS secret\nhello\n")
    child.stdin.flush()
    got = b""
    while b"hello" not in got:
        data = os.read(child.stdout.fileno(), 1000)
        assert data, got
        got += data
    assert got.endswith(b"+OK Password?\r\n+OK\r\nhello\r\n")
    child.kill()
    child.wait()
    child.stdin.close()
    child.stdout.close()
    assert host.wait_front() == 0


def test_client_that_stops_reading(host):
    """Both sides' buffers fill up; nobody turns round and round."""
    def flood(program_in, program_out):
        def act(_, o):
            os.write(o, b"+OK\r\n")
            while True:
                os.write(o, PATTERN)
        host.run(act, program_in, program_out)
    host.backend = flood
    pop = logged_in(host)
    time.sleep(0.5)

    def ticks():
        with open("/proc/%d/stat" % host.fronts[-1]) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])
    before = ticks()
    time.sleep(1)
    assert ticks() - before <= 1
    hang_up(pop)
    host.wait_front()


def test_program_that_dies(host):
    def die(program_in, program_out):
        os.write(program_out, b"+OK\r\nlast words\r\n")
        os.close(program_in)
        os.close(program_out)
    host.backend = die
    pop = logged_in(host)
    assert pop.file.readline() == b"last words\r\n"
    # A clean end: Python would raise on a missing close_notify.
    assert pop.sock.recv(10) == b""
    hang_up(pop)
    assert host.wait_front() == 0


def test_client_that_vanishes(host):
    pop = logged_in(host)
    pop.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        struct.pack("ii", 1, 0))
    hang_up(pop)
    assert host.wait_front(2) == 0


def test_term_before_and_after_login(host):
    pop = open_tls(host)
    os.kill(host.fronts[-1], signal.SIGTERM)
    assert pop.file.readline() == b"-ERR [SYS/TEMP] Shutting down\r\n"
    assert pop.file.readline() == b""
    assert host.wait_front() == 0
    pop = logged_in(host)
    os.kill(host.fronts[-1], signal.SIGTERM)
    assert pop.file.readline() == b""
    assert host.wait_front() == 0


def test_monitor_gone(host):
    pop = open_tls(host)
    host.pairs[-1].shutdown(socket.SHUT_RDWR)
    pop.user("alice")
    with pytest.raises(poplib.error_proto, match=r"\[SYS/TEMP\]"):
        pop.pass_("secret")


def test_whole_with_pop3d(host):
    maildir = os.path.join(host.folder, "Maildir")
    for sub in ("", "cur", "new", "tmp"):
        os.mkdir(os.path.join(maildir, sub), 0o700)
        os.chown(os.path.join(maildir, sub), UID_ALICE, UID_ALICE)
    path = os.path.join(maildir, "new", "1.M1.host")
    with open(path, "wb") as f:
        f.write(b"Subject: x\n\n.hello\n")
    os.chown(path, UID_ALICE, UID_ALICE)
    host.backend = host.pop3d
    pop = open_tls(host)
    # Pipelined: what stands behind PASS is for pop3d.
    pop.sock.sendall(b"USER alice\r\nPASS secret\r\nSTAT\r\n")
    assert pop.file.readline() == b"+OK Password?\r\n"
    assert pop.file.readline() == b"+OK 1 messages\r\n"
    assert pop.file.readline() == b"+OK 1 22\r\n"
    assert pop.retr(1)[1] == [b"Subject: x", b"", b".hello"]
    capa = pop.capa()
    assert "USER" in capa and capa["SASL"] == ["PLAIN"]
    second = open_tls(host)
    second.user("alice")
    with pytest.raises(poplib.error_proto, match=r"\[IN-USE\]"):
        second.pass_("secret")
    assert second.file.readline() == b""
    pop.dele(1)
    assert pop.quit() == b"+OK Bye"
    assert os.listdir(os.path.join(maildir, "new")) == []
    assert "event=pop3" in host.text_of_log()


@pytest.mark.skipif("KERERU_SANITIZE" in os.environ,
                    reason="a sanitized program has shadow memory")
def test_idle_memory(host):
    pop = logged_in(host)
    echo_both_ways(pop, 1)
    time.sleep(0.6)
    with open("/proc/%d/smaps_rollup" % host.fronts[-1]) as f:
        text = f.read()
    private = sum(int(n) for n in re.findall(
        r"^Private_(?:Clean|Dirty):\s+(\d+)", text, re.M))
    anonymous = int(re.search(r"^Anonymous:\s+(\d+)", text, re.M)[1])
    print("private", private, "anonymous", anonymous, "KiB")
    assert anonymous < 96
    pop.sock.sendall(b"still there\r\n")
    assert pop.file.readline() == b"still there\r\n"
