"""check and policy by themselves: started by hand as their monitor does it, with
a monitor and an smtpd in Python.

    with Check(rules="rule A spf=fail junk", dns=dns.address) as check:
        v = check.ask(b"Subject: x\\r\\n\\r\\nbody\\r\\n", client="192.0.2.1")
        v.action, v.code, v.text, v.is_junk, v.lines, v.replacement

    with Policy({"greylist": "1"}) as policy:
        session = policy.session(client="192.0.2.1")
        action, delay_ms, text = session.ask("r", sender="a@b", recipient="c@d")
"""
import os
import shutil
import socket
import struct
import subprocess
import tempfile

from cdbfile import write_cdb

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.environ.get("KERERU_BUILD", os.path.join(REPOSITORY, "build"))
UID = 64941     # stands for kr-check and kr-policy
ID = "0k3v5m2n9p7q1r4t"
WAIT = 60


def field(s):
    s = s.encode("utf-8", "surrogateescape") if isinstance(s, str) else s
    return struct.pack(">H", len(s)) + s


class Daemon:
    """Starts `program` on the tables and the state of a folder of its own."""
    program = None

    def __init__(self, settings=None, folder=None):
        self.is_own = folder is None
        self.folder = folder or tempfile.mkdtemp(prefix="kereru-check-")
        os.chmod(self.folder, 0o755)
        state = os.path.join(self.folder, "state")
        self.home = os.path.join(state, self.program)
        os.makedirs(self.home, exist_ok=True)
        os.chown(self.home, UID, UID)
        self.binary = os.path.join(self.folder, self.program)
        shutil.copy(os.path.join(BUILD, "bin", self.program), self.binary)
        self.log_path = os.path.join(self.folder, "log")
        self.settings_path = os.path.join(self.folder, "settings.cdb")
        self.values = {"hostname": "mx.kereru.test", "state": state}
        self.write_settings(settings or {})
        self.process = None

    def write_settings(self, settings):
        """Another file in its place, as compile does it."""
        self.values.update(settings)
        write_cdb(self.settings_path + ".new",
                  {k: v + "\0" for k, v in self.values.items()})
        os.rename(self.settings_path + ".new", self.settings_path)

    def start(self):
        path = os.path.join(self.home, "socket")
        reader, writer = os.pipe()
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "-t", self.folder, "-d", str(writer)], user=UID,
                group=UID, extra_groups=[], pass_fds=[writer], stderr=log,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                cwd=self.home)
        os.close(writer)
        with open(reader, "rb") as ready:
            assert ready.read(1) == b"\n", self.log()
        self.control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.connect(path)
        return self

    def open(self, service="smtp", client="192.0.2.1", mailbox="", flags=0):
        """The pair of a new session."""
        ours, theirs = socket.socketpair(
            socket.AF_UNIX, socket.SOCK_SEQPACKET)
        settings = os.open(self.settings_path, os.O_RDONLY)
        frame = (struct.pack(">I", 1) + field(service) + field(client) +
                 field(mailbox) + bytes([flags]))
        socket.send_fds(self.control, [frame], [theirs.fileno(), settings])
        theirs.close()
        os.close(settings)
        ours.settimeout(WAIT)
        return ours

    def log(self):
        with open(self.log_path, "rb") as f:
            return f.read().decode(errors="replace")

    def stop(self):
        if self.process:
            self.control.close()
            self.process.terminate()
            try:
                self.process.wait(WAIT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
            self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
        if self.is_own:
            shutil.rmtree(self.folder, ignore_errors=True)


class Verdict:
    def __init__(self, action, code, text, flags, replacement, lines):
        self.action, self.code, self.text = action, code, text
        self.is_junk = bool(flags & 1)
        self.replacement = replacement
        self.lines = lines

    def spam(self):
        """The X-Spam field, unfolded."""
        fields = self.lines.replace(b"\r\n\t", b" ").decode().split("\r\n")
        return [f for f in fields if f.startswith("X-Spam:")][0]


class Check(Daemon):
    program = "check"

    def __init__(self, rules="", dns=None, settings=None, **more):
        values = {"rules": rules + "\n", "check-dns-timeout": "5"}
        # Nobody answers there, at once.
        values["resolver"] = dns or "127.0.0.1:9"
        values.update(settings or {})
        super().__init__(values, **more)

    def ask_on(self, pair, message, to=("bob@kereru.test",),
               sender="alice@example.org", client="192.0.2.1", name="",
               helo="client.example.org", tls="", mailbox="", added=b"",
               flags=0, messages=0, early=0):
        """One message; None if the pair ends without a verdict."""
        envelope = b"kereru test envelope\n"
        with tempfile.TemporaryFile() as f:
            f.write(envelope + message + added)
            f.flush()
            frame = (b"m" + field(client) + field(name) + field(helo) +
                     field(tls) + field(mailbox) + field(sender) + field(ID) +
                     struct.pack(">QQQQIIB", len(envelope), len(message),
                                 len(envelope) + len(message), len(added),
                                 flags, messages, early))
            socket.send_fds(pair, [frame], [f.fileno()])
        pair.send(b"r" + struct.pack(">H", len(to)) +
                  b"".join(field(t) for t in to))
        pair.send(b"e")
        return self.verdict(pair)

    @staticmethod
    def verdict(pair):
        frame, fds, _, _ = socket.recv_fds(pair, 32768, 2)
        if not frame:
            return None
        assert frame[:1] == b"v", frame
        action, code, n = struct.unpack(">cHH", frame[1:6])
        text = frame[6:6 + n].decode()
        flags, length = struct.unpack(">BQ", frame[6 + n:])
        replacement = None
        if fds:
            with open(fds[0], "rb") as f:
                f.seek(0)
                replacement = f.read()
            assert len(replacement) == length and flags & 2
        lines = b""
        while True:
            frame = pair.recv(32768)
            if frame == b"e":
                break
            assert frame[:1] == b"h", frame
            lines += frame[3:]
        return Verdict(action.decode(), code, text, flags, replacement, lines)

    def ask(self, message, **more):
        with self.open() as pair:
            return self.ask_on(pair, message, **more)


class PolicySession:
    def __init__(self, pair, client, mailbox):
        self.pair, self.client, self.mailbox = pair, client, mailbox

    def ask(self, stage, name="", helo="client.example.org", sender="",
            recipient="", size=0):
        self.pair.send(stage.encode() + field(self.client) + field(name) +
                       field(helo) + field(self.mailbox) + field(sender) +
                       field(recipient) + struct.pack(">Q", size))
        frame = self.pair.recv(1024)
        action, delay, n = struct.unpack(">cIH", frame[:7])
        assert len(frame) == 13 + n
        self.messages, self.is_held, alarm = struct.unpack(
            ">I?c", frame[7 + n:])
        self.alarm = alarm.decode().strip("\0")
        return action.decode(), delay, frame[7:7 + n].decode()

    def close(self):
        self.pair.close()


class Policy(Daemon):
    program = "policy"

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.sessions = []

    def session(self, client="192.0.2.1", mailbox="", flags=0):
        pair = self.open(client=client, mailbox=mailbox, flags=flags)
        self.sessions.append(pair)
        return PolicySession(pair, client, mailbox)

    def stop(self):
        # It ends when all sessions have.
        for pair in self.sessions:
            pair.close()
        super().stop()
