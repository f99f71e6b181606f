"""smtpd and submit-front by themselves: started by hand as front.h says, with a
monitor in Python that signs, and judges logins."""
import contextlib
import hashlib
import ipaddress
import os
import re
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time

from cdbfile import write_cdb

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.environ.get("KERERU_BUILD", os.path.join(REPOSITORY, "build"))
UID_SMTPD, UID_RELAY, UID_ALICE, UID_SUBMIT = 64901, 64902, 64911, 64903

SETTINGS = {"hostname": "mx.kereru.test", "message-size-max": "100000",
            "recipients-max": "5", "smtp-timeout": "20",
            "login-timeout": "20", "scram": "1",
            "tarpit-delay": "0", "uid-smtpd": str(UID_SMTPD), "uid-relay": str(UID_RELAY)}
RECIPIENTS = {"@kereru.test": "local", "@backup.test": "backup",
              "@mx.kereru.test": "local",
              "alice@kereru.test": "m %d" % UID_ALICE,
              "bob@kereru.test": "m 64912",
              "both@kereru.test": "a 64912 %d" % UID_ALICE,
              "others@kereru.test": "a 64912",
              "away@kereru.test": "a 64912",
              "\0away@kereru.test": "x@other.example\0y@z.example\0",
              "list@kereru.test": "a",
              "\0list@kereru.test": "x@other.example\0",
              "postmaster@mx.kereru.test": "a %d" % UID_ALICE}


class Tables:
    """A folder with queue/tmp, queue/new, settings.cdb and recipients.cdb."""

    def __init__(self, folder, settings=None, recipients=None):
        self.folder = folder
        self.queue = os.path.join(folder, "queue")
        self.load = os.path.join(self.queue, "load")
        self.publish("plenty", 0)
        for name in ("tmp", "new"):
            path = os.path.join(self.queue, name)
            os.makedirs(path, exist_ok=True)
            # As the queue is set up: anybody adds, nobody lists.
            os.chmod(path, 0o1733)
        self.settings = os.path.join(folder, "settings.cdb")
        self.recipients = os.path.join(folder, "recipients.cdb")
        self.certificates = os.path.join(folder, "certs")
        write_cdb(self.settings, {k: v + "\0" for k, v in
                                  dict(SETTINGS, **(settings or {})).items()})
        write_cdb(self.recipients, recipients or RECIPIENTS)
        open(self.certificates, "wb").close()

    def publish(self, room, behind):
        """As the queue's manager does."""
        os.makedirs(self.queue, exist_ok=True)
        with open(self.load, "r+b" if os.path.exists(self.load) else
                  "wb") as f:
            f.write(b"kereru-load 1\nroom %-6s\nfree %020d\nwaiting %010d\n"
                    b"behind %010d\n" % (room.encode(), 1 << 30, 7, behind))

    def publish_full(self, address, seconds=1000):
        """A mailbox without room, for so long."""
        hashed = hashlib.blake2b(address.encode(), digest_size=16).digest()[:8]
        with open(self.load, "r+b") as f:
            f.seek(4096 + int.from_bytes(hashed, "big") % 4096 * 16)
            f.write(hashed + (int(time.time()) + seconds).to_bytes(8, "big"))

    def make_certificate(self):
        self.make_certificates([("E", ["mx.kereru.test"])])

    def make_certificates(self, wanted):
        """(type, names) of each: E on P-256, R of 2048 bits. self.ders are
        what clients see of them."""
        self.keys, self.ders = [], []
        for i, (kind, names) in enumerate(wanted):
            der = os.path.join(self.folder, "cert%d.der" % i)
            key = os.path.join(self.folder, "key%d.pem" % i)
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey"] +
                (["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
                 if kind == "E" else ["rsa:2048"]) +
                ["-nodes", "-keyout", key, "-outform", "DER", "-out", der,
                 "-days", "30", "-subj", "/CN=" + names[0], "-addext",
                 "subjectAltName=" + ",".join("DNS:" + n for n in names)],
                check=True, stderr=subprocess.DEVNULL)
            self.keys.append(key)
            with open(der, "rb") as f:
                self.ders.append(f.read())
        with open(self.certificates, "wb") as f:
            f.write(struct.pack(">I", len(wanted)))
            for (kind, _), der in zip(wanted, self.ders):
                f.write(struct.pack(">cBI", kind.encode(), 1, len(der)) + der)

    def names(self, where="new"):
        return sorted(os.listdir(os.path.join(self.queue, where)))

    def message(self):
        """The one queued message: (envelope text, message, added)."""
        names = self.names()
        assert len(names) == 1, names
        path = os.path.join(self.queue, "new", names[0])
        with open(path, "rb") as f:
            text = f.read()
        os.unlink(path)

        def span(key):
            m = re.search(rb"^%s (\d{20}) (\d{20})$" % key, text, re.M)
            return int(m[1]), int(m[2])
        at, n = span(b"message")
        added_at, added_n = span(b"added")
        size = re.search(rb"^size (\d{20})$", text, re.M)
        assert int(size[1]) == len(text)
        return (text[:at].decode(), text[at:at + n],
                text[added_at:added_at + added_n])


class Monitor(threading.Thread):
    """Answers a front's requests; logins as `judge(sasl)` says: the letter of
    a verdict. The pipes of a login are self.to_mailbox, self.from_mailbox."""

    def __init__(self, pair, tables, judge, guards=None):
        super().__init__(daemon=True)
        self.pair, self.tables, self.judge = pair, tables, judge
        self.guards = guards or {}
        self.asked = []
        self.peer, self.peer_verdict = None, b"o"
        self.mailbox_in = self.mailbox_out = None
        self.start()

    def sign(self, frame):
        _, key, _, algorithm, n = struct.unpack(">cBcBH", frame[:6])
        name = {4: "sha256", 5: "sha384", 6: "sha512"}[algorithm]
        with tempfile.NamedTemporaryFile() as f:
            f.write(frame[6:6 + n])
            f.flush()
            out = subprocess.run(
                ["openssl", "pkeyutl", "-sign", "-inkey", self.tables.keys[key],
                 "-pkeyopt", "digest:" + name, "-in", f.name],
                check=True, stdout=subprocess.PIPE).stdout
        self.pair.send(struct.pack(">H", len(out)) + out)

    def open(self, role):
        """A pair to policy (p) or check (c): self.guards[role] gets ours."""
        if role not in self.guards:
            self.pair.send(b"l")
            return
        own, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        threading.Thread(target=self.guards[role], args=(own,),
                         daemon=True).start()
        socket.send_fds(self.pair, [b"o"], [far.fileno()])
        far.close()

    def login(self, mechanism, sasl):
        assert mechanism == b"PLAIN"
        self.asked.append(sasl)
        return self.judge(sasl)

    def admit(self):
        self.mailbox_in, to_mailbox = os.pipe()
        from_mailbox, self.mailbox_out = os.pipe()
        socket.send_fds(self.pair, [b"o"], [to_mailbox, from_mailbox])
        os.close(to_mailbox)
        os.close(from_mailbox)

    def run(self):
        while True:
            try:
                frame = self.pair.recv(65536)
            except OSError:
                return
            if not frame:
                return
            if frame[:1] == b"S":
                self.sign(frame)
            elif frame[:1] == b"R":
                assert self.peer is None and frame[1:3] == b"\0\x10"
                self.peer = ipaddress.IPv6Address(frame[3:])
                self.pair.send(self.peer_verdict)
            elif frame in (b"P", b"C"):
                self.open(frame.decode().lower())
            else:
                open_auth(self.pair, self.login, self.admit)


def open_auth(pair, judge, admit):
    """Give a front its session with auth, and be auth: judge(mechanism,
    message) -> verdict, and admit() once it was "o"."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    socket.send_fds(pair, [b"o"], [theirs.fileno()])
    theirs.close()

    def serve():
        with ours:
            while frame := ours.recv(65536):
                [n] = struct.unpack(">H", frame[:2])
                [m] = struct.unpack(">H", frame[2 + n:4 + n])
                assert len(frame) == 4 + n + m
                verdict = judge(frame[2:2 + n], frame[4 + n:])
                if verdict == "o":
                    admit()
                ours.send(verdict.encode() + struct.pack(">H", 0))
    threading.Thread(target=serve, daemon=True).start()


def spawn(program, arguments, uid, fds):
    """fds: what the program has as 0, 1, 2...; None: closed. Its pid."""
    path = os.path.join(BUILD, "bin", program)
    pid = os.fork()
    if pid:
        return pid
    try:
        # Above all that is wanted below, so that none is overwritten.
        import fcntl
        high = [fd if fd is None else fcntl.fcntl(fd, fcntl.F_DUPFD, 100)
                for fd in fds]
        for i, fd in enumerate(high):
            if fd is None:
                try:
                    os.close(i)
                except OSError:
                    pass
            else:
                os.dup2(fd, i, inheritable=True)
        os.closerange(len(fds), 4096)
        os.chdir("/")
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
        os.execv(path, [program] + arguments)
    finally:
        os._exit(99)


class Client:
    """One connection to smtpd (or submit-front) and its process."""

    def __init__(self, tables, uid=UID_SMTPD, mailbox=None, program="smtpd",
                 preamble=None, tls=False, judge=lambda sasl: "d",
                 client="192.0.2.7", greet=True, guards=None):
        self.tables = tables
        self.sock, far = socket.socketpair()
        pair, far_pair = socket.socketpair(socket.AF_UNIX,
                                           socket.SOCK_SEQPACKET)
        self.sock.settimeout(30)
        self.buffer = b""
        self.log = tempfile.TemporaryFile()
        opened = [os.open(p, os.O_RDONLY) for p in
                  (tables.certificates, tables.settings,
                   os.path.join(tables.queue, "tmp"),
                   os.path.join(tables.queue, "new"), tables.recipients,
                   tables.load)]
        fds = [far.fileno(), far.fileno(), self.log.fileno(),
               far_pair.fileno()] + opened
        arguments = ["-a", client]
        if mailbox:
            arguments = ["-m", mailbox] + arguments
            fds[3] = fds[4] = None
        else:
            arguments += ["-p", "4711"] + (["-T"] if tls else [])
        if program == "submit-front":
            fds = fds[:6]
        self.pid = spawn(program, arguments, uid, fds)
        far.close()
        far_pair.close()
        for fd in opened:
            os.close(fd)
        self.monitor = Monitor(pair, tables, judge, guards)
        if mailbox:
            self.send(preamble if preamble is not None else
                      netstring("laptop.example.net", "TLSv1.2 TEST"))
        elif greet and not tls:
            assert self.reply().startswith("220 mx.kereru.test ")

    def send(self, data):
        self.sock.sendall(data.encode("latin-1") if isinstance(data, str)
                          else data)

    def line(self):
        while b"\n" not in self.buffer:
            more = self.sock.recv(65536)
            if not more:
                raise EOFError(self.buffer)
            self.buffer += more
        line, self.buffer = self.buffer.split(b"\n", 1)
        assert line.endswith(b"\r"), line
        return line[:-1].decode()

    def reply(self):
        lines = [self.line()]
        while lines[-1][3:4] == "-":
            lines.append(self.line())
        return "\n".join(lines)

    def cmd(self, text):
        self.send(text + "\r\n")
        return self.reply()

    def hello(self):
        assert self.cmd("EHLO laptop.example.net").startswith("250")
        return self

    def start_tls(self, **how):
        assert self.cmd("STARTTLS") == "220 2.0.0 ready for TLS"
        self.wrap(**how)
        return self

    def wrap(self, name=None, ciphers=None, before=b""):
        """before: octets that the program finds in front of the handshake."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if ciphers:
            context.set_ciphers(ciphers)
        if not before:
            self.sock = context.wrap_socket(self.sock, server_hostname=name)
            return
        os.kill(self.pid, signal.SIGSTOP)
        self.send(before)
        self.sock = context.wrap_socket(self.sock, server_hostname=name,
                                        do_handshake_on_connect=False)
        self.sock.setblocking(False)
        with contextlib.suppress(ssl.SSLWantReadError):
            self.sock.do_handshake()
        os.kill(self.pid, signal.SIGCONT)
        self.sock.settimeout(30)
        self.sock.do_handshake()

    def is_closed(self):
        """The server has closed, and said nothing more."""
        try:
            return self.buffer == b"" and self.sock.recv(1) == b""
        except (ConnectionResetError, ssl.SSLError):
            return True

    def end(self):
        """Close, wait for the process: its exit code and log."""
        self.sock.close()
        _, status = os.waitpid(self.pid, 0)
        self.log.seek(0)
        text = self.log.read().decode()
        self.log.close()
        self.monitor.pair.close()
        assert os.WIFEXITED(status), (status, text)
        return os.WEXITSTATUS(status), text


def netstring(helo, tls):
    inner = ("%s\0%s\0" % (helo, tls)).encode()
    return b"%d:%s," % (len(inner), inner)
