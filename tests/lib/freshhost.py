"""A machine that has never seen Kereru, for tests of setting it up.

    with FreshHost(zone) as fresh:
        fresh.sh("kereru setup mail.example.org")     # what it printed
        fresh.dns.zone["example.org"] = {...}

Namespaces of its own: /etc and /var/lib are copies on write without anything of
Kereru in them, /root is empty, /usr/local holds the programs as `make install` lays them down,
the network is a loopback with ADDRESS on it, and a name server (the tests')
answers on port 53, a mail host that stands for the rest of the world at SINK. Commands run in a shell there; what they start ends with the
machine. Skips where the kernel allows no such namespaces.
"""
import base64
import json
import os
import pathlib
import pty
import select
import shutil
import subprocess
import sys
import time

import pytest

import host as host_module

ADDRESS = "192.0.2.10"
SINK = f"[{ADDRESS}]:2626"
LIB = pathlib.Path(__file__).resolve().parent

# Runs as the first process inside; ends when its standard input does.
_INSIDE = r"""
import fcntl, os, shutil, socket, struct, subprocess, sys
folder, programs, address, lib = sys.argv[1:5]
def run(*argv):
    subprocess.run(argv, check=True)
for name, lower in (("etc", "/etc"), ("var/lib", "/var/lib"),
                    ("usr/local", programs)):
    key = name.replace("/", "-")
    for kind in ("upper", "work"):
        os.makedirs(f"{folder}/{key}-{kind}")
    run("mount", "-t", "overlay", "overlay", "-o",
        f"lowerdir={lower},upperdir={folder}/{key}-upper,"
        f"workdir={folder}/{key}-work", f"/{name}")
run("mount", "-t", "tmpfs", "tmpfs", "/root")
for path in ("/etc/kereru", "/var/lib/kereru", "/var/lib/kereru-demo"):
    shutil.rmtree(path, ignore_errors=True)
for name in ("passwd", "shadow", "group", "gshadow"):
    try:
        with open(f"/etc/{name}") as f:
            kept = [l for l in f if not l.startswith("kr-")]
        with open(f"/etc/{name}", "w") as f:
            f.writelines(kept)
    except FileNotFoundError:
        pass
if os.path.islink("/etc/resolv.conf"):
    os.unlink("/etc/resolv.conf")
try:
    with open("/etc/resolv.conf", "w") as f:
        f.write("nameserver 127.0.0.1\n")
except OSError:         # mounted over by a container
    run("umount", "/etc/resolv.conf")
    with open("/etc/resolv.conf", "w") as f:
        f.write("nameserver 127.0.0.1\n")
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
def up(name):
    fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", name, 0x41))
up(b"lo")
fcntl.ioctl(s, 0x8916, struct.pack("16sHH4s8x", b"lo:1", socket.AF_INET, 0,
                                   socket.inet_aton(address)))
up(b"lo:1")
sys.path.insert(0, lib)
import base64, json
from dnsserver import DnsServer
from smtpsink import SmtpSink
dns = DnsServer({}, host="127.0.0.1", port=53, ad=True).start()
sink = SmtpSink(address, 2626).start()
print("ready", flush=True)
for line in sys.stdin:
    zone = json.loads(line)
    if zone is not None:
        dns.zone.clear()
        dns.zone.update(zone)
    print(json.dumps([
        {"client": t.session.peer, "hello": t.session.hello,
         "sender": t.sender,
         "message": base64.b64encode(t.message).decode()}
        for t in sink.transactions]), flush=True)
"""


class FreshHost:
    def __init__(self):
        self.folder = host_module.new_folder("fresh")
        self.bin = self.folder / "bin"          # before all in the path
        self.bin.mkdir()
        self._first = None

    def __enter__(self):
        self._first = subprocess.Popen(
            ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child",
             "--mount-proc", sys.executable, "-c", _INSIDE, self.folder,
             host_module.prefix(), ADDRESS, LIB], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self._first.stdout.readline()
        if line != "ready\n":
            said = self._first.communicate()[1]
            self.__exit__()
            pytest.skip(f"no namespaces here: {said.strip()[-300:]}")
        [self.pid] = pathlib.Path(
            f"/proc/{self._first.pid}/task/{self._first.pid}/children"
        ).read_text().split()
        return self

    def __exit__(self, *_):
        if self._first is not None:
            self._first.stdin.close()
            try:
                # It is the first of its processes: all others end with it.
                self._first.wait(30)
            except subprocess.TimeoutExpired:
                host_module.kill(self._first.pid)
                self._first.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _ask(self, what):
        self._first.stdin.write(json.dumps(what) + "\n")
        self._first.stdin.flush()
        ready, _, _ = select.select([self._first.stdout], [], [], 30)
        assert ready
        return json.loads(self._first.stdout.readline())

    def serve(self, zone):
        """Let the name server have this zone, as in dnsserver."""
        self._ask(zone)

    def taken(self):
        """What a host elsewhere, at SINK, has taken: dictionaries of client,
        hello, sender and message."""
        return [dict(t, message=base64.b64decode(t["message"]))
                for t in self._ask(None)]

    def command(self, *argv):
        return ["nsenter", "-t", self.pid, "-m", "-n", "-p", "--wd=/",
                "/usr/bin/env", "-i", "HOME=/root", "LC_ALL=C.UTF-8",
                f"PATH={self.bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:"
                "/usr/bin:/sbin:/bin", *argv]

    def run(self, *argv, check=True, input="", timeout=60):
        done = subprocess.run([str(a) for a in self.command(*argv)],
                              input=input, capture_output=True, text=True,
                              timeout=timeout)
        if check and done.returncode != 0:
            raise RuntimeError(f"{argv}: {done.returncode}\n{done.stdout}"
                               f"\n{done.stderr}")
        return done

    def sh(self, script, **more):
        return self.run("sh", "-ec", script, **more)

    def terminal(self, script, password, timeout=60):
        """The same by a person at a terminal, who answers each question for a
        password. What the terminal showed."""
        pid, fd = pty.fork()
        if pid == 0:
            argv = [str(a) for a in self.command("sh", "-ec", script)]
            os.execvp(argv[0], argv)
        shown, end = b"", time.monotonic() + timeout
        try:
            while time.monotonic() < end:
                if not select.select([fd], [], [], 1)[0]:
                    continue
                try:
                    data = os.read(fd, 65536)
                except OSError:         # the terminal's end
                    data = b""
                if not data:
                    break
                shown += data
                if shown.endswith((b"Password: ", b"Again: ")):
                    os.write(fd, password.encode() + b"\n")
            else:
                host_module.kill(pid)
        finally:
            os.close(fd)
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        text = shown.decode(errors="replace").replace("\r\n", "\n")
        if status != 0:
            raise RuntimeError(f"{script}: {status}\n{text}")
        return text

    def path(self, path):
        """A file inside, seen from outside."""
        return pathlib.Path(f"/proc/{self.pid}/root{path}")


def zone_of(records):
    """The zone for dnsserver from lines of a zone file, comments and strings
    over several lines included; by dnspython, which is not ours."""
    import dns.rdatatype
    import dns.zone
    read = dns.zone.from_text("$TTL 300\n" + records, origin=".", relativize=False,
                              check_origin=False)
    zone = {}
    for name, rdataset in read.iterate_rdatasets():
        kind = dns.rdatatype.to_text(rdataset.rdtype)
        values = [b"".join(r.strings).decode() if kind == "TXT"
                  else r.to_text() for r in rdataset]
        zone.setdefault(name.to_text().rstrip(".").lower(), {})[kind] = values
    return zone
