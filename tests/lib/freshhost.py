"""A machine that has never seen Kereru, for tests of setting it up.

    with FreshHost(zone) as fresh:
        fresh.sh("kereru setup mail.example.org")     # what it printed
        fresh.dns.zone["example.org"] = {...}

Namespaces of its own: /etc and /var/lib are copies on write without anything of
Kereru in them, /usr/local holds the programs as `make install` lays them down,
the network is a loopback with ADDRESS on it, and a name server (the tests')
answers on port 53. Commands run in a shell there; what they start ends with the
machine. Skips where the kernel allows no such namespaces.
"""
import os
import pathlib
import select
import shutil
import subprocess
import sys

import pytest

import host as host_module

ADDRESS = "192.0.2.10"
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
for path in ("/etc/kereru", "/var/lib/kereru"):
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
import json
from dnsserver import DnsServer
dns = DnsServer({}, host="127.0.0.1", port=53, ad=True).start()
print("ready", flush=True)
for line in sys.stdin:
    dns.zone.clear()
    dns.zone.update(json.loads(line))
    print("served", flush=True)
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

    def serve(self, zone):
        """Let the name server have this zone, as in dnsserver."""
        import json
        self._first.stdin.write(json.dumps(zone) + "\n")
        self._first.stdin.flush()
        ready, _, _ = select.select([self._first.stdout], [], [], 30)
        assert ready and self._first.stdout.readline() == "served\n"

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
