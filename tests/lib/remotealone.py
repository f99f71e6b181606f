"""remote-spawner by itself: a manager in Python around the built program.

    remote = Remote(dns, port, remote_timeout="3")      # settings by keyword
    [(status, text)] = remote.deliver("bob@example.org", message=b"...")
    remote.log("event=skipped")                         # waits for a line
    remote.table("tls-policy", {"example.org": "must"})
    remote.stop()
"""
import os
import shutil
import socket
import struct
import tempfile
import threading
import time

from cdbfile import write_cdb

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.environ.get("KERERU_BUILD", os.path.join(REPOSITORY, "build"))
SPAWNER = os.path.join(BUILD, "bin", "remote-spawner")
UID = 64997     # stands for kr-remote
FLAG_8BIT, FLAG_UTF8 = 1, 2
ID = "0k3v5m2n9p7q1r4t"
ADDED = b"Received: from a by b; Tue, 24 Nov 2026 08:00:00 +0000\r\n"
MESSAGE = (b"From: <alice@kereru.test>\r\nSubject: hello\r\n\r\n"
           b"one\r\n.dot\r\n..two dots\r\nlast\r\n")


def field(s):
    s = s.encode() if isinstance(s, str) else s
    return struct.pack(">H", len(s)) + s


def wishes(priority=0, deliver_by=0, by_mode=0, trace=0, ret=0, envid=""):
    return struct.pack(">BQBBB", priority + 9, deliver_by,
                       ord(by_mode) if by_mode else 0, trace,
                       ord(ret) if ret else 0) + field(envid)


def recipient(address, notify=0, orcpt=""):
    return field(address) + struct.pack("B", notify) + field(orcpt)


class Channel:
    """A destination's process, as the manager sees it."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(60)

    def send(self, to, sender="alice@kereru.test", message=MESSAGE,
             added=ADDED, flags=0, number=1, notify={}, lines=b"",
             **wish):
        to = [to] if isinstance(to, str) else to
        envelope = b"kereru test envelope\n"
        with tempfile.TemporaryFile() as f:
            f.write(envelope + message + added)
            f.flush()
            frame = struct.pack(">L", number) + field(ID) + struct.pack(
                ">QQQQL", len(envelope), len(message),
                len(envelope) + len(message), len(added), flags)
            frame += field(sender) + wishes(**wish)
            frame += struct.pack(">H", len(to))
            frame += b"".join(recipient(t, *notify.get(t, ()))
                              for t in to) + field(lines)
            socket.send_fds(self.sock, [frame], [f.fileno()])

    def report(self):
        """[(status, text), ...]"""
        frame = self.sock.recv(32768)
        assert frame, "the channel ended without a report"
        number, count = struct.unpack(">LH", frame[:6])
        at, results = 6, []
        for _ in range(count):
            status = chr(frame[at])
            length = struct.unpack(">H", frame[at + 1:at + 3])[0]
            text = frame[at + 3:at + 3 + length].decode("ascii")
            results.append((status, text))
            at += 3 + length
        assert at == len(frame)
        return results

    def deliver(self, to, **kw):
        self.send(to, **kw)
        return self.report()

    def close(self):
        self.sock.close()


class Remote:
    """The spawner, its starter and its manager."""

    def __init__(self, dns, port, logger=True, **settings):
        self.logger = logger
        self.folder = tempfile.mkdtemp(prefix="kereru-remote-")
        os.chmod(self.folder, 0o755)
        values = {"hostname": "mail.kereru.test", "resolver": dns.address,
                  "remote-port": str(port), "remote-timeout": "3",
                  "remote-concurrency": "5"}
        values.update({k.replace("_", "-"): v for k, v in settings.items()})
        write_cdb(os.path.join(self.folder, "settings.cdb"),
                  {k: v if isinstance(v, bytes) else v + "\0"
                   for k, v in values.items()})
        os.chmod(os.path.join(self.folder, "settings.cdb"), 0o644)
        self.lines = []
        self.control, child_end = socket.socketpair(
            socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.pid = self._start(child_end.fileno())
        child_end.close()
        self.count = 0
        self.new_manager()

    def _start(self, control_fd):
        # By descriptor: the program's uid need not reach the build folder.
        program = os.open(SPAWNER, os.O_RDONLY | os.O_CLOEXEC)
        # A pipe, as under a logger: a delivery may write no file.
        reader, log = os.pipe()
        pid = os.fork()
        if pid:
            os.close(program)
            os.close(log)
            if not self.logger:
                os.close(reader)
                return pid
            threading.Thread(target=self._read_log, args=(reader,),
                             daemon=True).start()
            return pid
        try:
            program = os.dup(program)
            high = os.dup2(program, 200, inheritable=False)
            os.dup2(log, 2)
            if control_fd != 3:
                os.dup2(control_fd, 3)
            os.closerange(4, 200)
            os.closerange(201, 65536)
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid(UID)
                os.setuid(UID)
            os.execve(high, ["remote-spawner", "-t", self.folder], {})
        finally:
            os._exit(99)

    def _read_log(self, reader):
        with os.fdopen(reader, errors="replace") as f:
            for line in f:
                self.lines.append(line.rstrip())

    def table(self, name, records):
        """Put a table into effect; None: there is none."""
        path = os.path.join(self.folder, name + ".cdb")
        if records is None:
            if os.path.exists(path):
                os.unlink(path)
            return
        write_cdb(path + ".new", records)
        os.chmod(path + ".new", 0o644)
        os.rename(path + ".new", path)

    def log(self, word):
        """The lines with that word, as soon as there is one."""
        wait_for(lambda: any(word in x for x in self.lines))
        return [x for x in self.lines if word in x]

    def new_manager(self):
        self.manager, other = socket.socketpair(
            socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.manager.settimeout(10)
        socket.send_fds(self.control, [b"m"], [other.fileno()])
        other.close()

    def ask(self, name):
        """(answer, channel or None)"""
        self.count += 1
        self.manager.send(struct.pack(">L", self.count) + field(name))
        frame, fds, _, _ = socket.recv_fds(self.manager, 100, 1)
        number, answer = struct.unpack(">Lc", frame)
        assert number == self.count
        if not fds:
            return answer, None
        return answer, Channel(socket.socket(fileno=fds[0]))

    def open(self, name):
        answer, channel = self.ask(name)
        assert answer == b"o"
        return channel

    def deliver(self, to, name=None, **kw):
        """One job on a channel of its own, for the domain of the first
        recipient."""
        first = to if isinstance(to, str) else to[0]
        channel = self.open(name or first.rsplit("@", 1)[1])
        try:
            return channel.deliver(to, **kw)
        finally:
            channel.close()

    def children(self):
        with open(f"/proc/{self.pid}/task/{self.pid}/children") as f:
            return f.read().split()

    def stop(self):
        self.control.close()
        try:
            os.waitpid(self.pid, 0)
        except ChildProcessError:
            pass
        shutil.rmtree(self.folder)


def wait_for(what, seconds=10):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.02)


def one(results):
    assert len(results) == 1
    return results[0]
