"""DANE over zones that are really signed: nsd serves them, unbound validates,
and what stands in the queue afterwards tells what remote made of it."""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import pki  # noqa: E402
from queuehost import QueueHost, wait_for  # noqa: E402
from smtpsink import SmtpSink  # noqa: E402

PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"
TOOLS = {name: shutil.which(name, path=PATH) for name in (
    "nsd", "unbound", "ldns-keygen", "ldns-signzone")}
pytestmark = [
    pytest.mark.skipif(os.getuid() != 0, reason="needs root"),
    pytest.mark.skipif(None in TOOLS.values(),
                       reason="needs nsd, unbound and ldnsutils")]
# zone: whether it is signed, and what its TLSA record is.
ZONES = {"right": (True, "right"), "wrong": (True, "wrong"),
         "plain": (False, "wrong"), "bogus": (True, "forged"),
         "without": (True, None)}


def free_port():
    """One that neither protocol uses."""
    while True:
        with socket.socket() as tcp, socket.socket(
                type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("0.0.0.0", 0))
            try:
                udp.bind(("0.0.0.0", tcp.getsockname()[1]))
            except OSError:
                continue
            return tcp.getsockname()[1]


class World:
    def __init__(self, folder):
        self.folder = folder
        self.dns, self.resolver, self.port = (free_port() for _ in range(3))
        self.processes, self.sinks = [], {}
        self.ca = pki.Authority()
        pair = self.ca.issue(*(f"mx.{name}.test" for name in ZONES))
        anchors = []
        for n, (name, (is_signed, tlsa)) in enumerate(ZONES.items()):
            address = f"127.0.3.{n + 2}"
            self.sinks[name] = SmtpSink(address, self.port,
                                        certificate=pair).start()
            anchors += self.zone(name, address, is_signed, tlsa,
                                 pki.tlsa(pair, 3, 1, 1).split()[-1])
        (folder / "anchors").write_text("".join(anchors))
        self.start_servers()
        self.host = QueueHost(resolver=f"127.0.0.1:{self.resolver}",
                              remote_port=self.port, remote_timeout=10,
                              retry_first=300, retry_max=300)

    def zone(self, name, address, is_signed, tlsa, right):
        """Its file, served; the lines of its trust anchor."""
        path = self.folder / f"{name}.test"
        digest = right if tlsa in ("right", "forged") else "ab" * 32
        record = f"_{self.port}._tcp.mx IN TLSA 3 1 1 {digest}\n"
        path.write_text(
            f"$ORIGIN {name}.test.\n$TTL 300\n"
            f"@ IN SOA ns.{name}.test. root.{name}.test. 1 3600 900 9999 300\n"
            "@ IN NS ns\nns IN A 127.0.0.1\n@ IN MX 10 mx\n"
            f"mx IN A {address}\n" + (record if tlsa else ""))
        if not is_signed:
            return []
        key = subprocess.run(
            [TOOLS["ldns-keygen"], "-a", "ECDSAP256SHA256", "-k",
             f"{name}.test"], cwd=self.folder, capture_output=True, text=True,
            check=True).stdout.strip()
        subprocess.run([TOOLS["ldns-signzone"], "-f", path, path, key],
                       cwd=self.folder, check=True, capture_output=True)
        if tlsa == "forged":
            # Somebody has changed it on its way; its signature stays.
            text = path.read_text()
            changed = re.sub(r"(TLSA\s+3 1 1\s+)[0-9a-fA-F]{64}",
                             r"\g<1>" + "cd" * 32, text)
            assert changed != text
            path.write_text(changed)
        return [(self.folder / f"{key}.ds").read_text()]

    def start_servers(self):
        f = self.folder
        (f / "nsd.conf").write_text(
            f"server:\n  ip-address: 127.0.0.1@{self.dns}\n  username: \"\"\n"
            f"  chroot: \"\"\n  database: \"\"\n  zonesdir: \"{f}\"\n"
            f"  zonelistfile: \"{f}/zones\"\n  xfrdfile: \"{f}/xfrd\"\n"
            f"  xfrdir: \"{f}\"\n  pidfile: \"{f}/nsd.pid\"\n"
            "  rrl-ratelimit: 0\n  server-count: 1\n"
            "remote-control:\n  control-enable: no\n" + "".join(
                f"zone:\n  name: {name}.test\n  zonefile: {name}.test\n"
                for name in ZONES))
        (f / "unbound.conf").write_text(
            f"server:\n  interface: 127.0.0.1@{self.resolver}\n"
            f"  username: \"\"\n  chroot: \"\"\n  directory: \"{f}\"\n"
            "  pidfile: \"\"\n  use-syslog: no\n  do-daemonize: no\n"
            "  do-not-query-localhost: no\n  do-ip6: no\n  num-threads: 1\n"
            "  local-zone: \"test.\" nodefault\n"
            "  module-config: \"validator iterator\"\n"
            f"  trust-anchor-file: \"{f}/anchors\"\n"
            "remote-control:\n  control-enable: no\n" + "".join(
                f"stub-zone:\n  name: {name}.test\n"
                f"  stub-addr: 127.0.0.1@{self.dns}\n" for name in ZONES))
        for program in ("nsd", "unbound"):
            with open(f / f"{program}.log", "wb") as log:
                self.processes.append(subprocess.Popen(
                    [TOOLS[program], "-d", "-c", f / f"{program}.conf"],
                    stdout=log, stderr=log))
        for port in (self.dns, self.resolver):
            assert wait_for(lambda: is_open(port), 30), self.logs()

    def logs(self):
        return "".join((self.folder / f"{p}.log").read_text(errors="replace")
                       for p in ("nsd", "unbound"))

    def close(self):
        self.host.__exit__()
        for p in self.processes:
            p.terminate()
            p.wait(30)
        for sink in self.sinks.values():
            sink.stop()
        self.ca.__exit__()


def is_open(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = pathlib.Path(tmp_path_factory.mktemp("dnssec"))
    w = World(folder)
    yield w
    w.close()


# zone: the answer that stands in the queue afterwards; None: it is delivered.
@pytest.mark.parametrize("name, why", [
    ("right", None),
    ("wrong", r"4\.7\.5 .*no TLSA record matches it \(DANE\)"),
    # Nobody vouches for that record: it does not count.
    ("plain", None),
    ("without", None),
    # Not "no DANE": somebody may have taken it away.
    ("bogus", r"4\.7\.5 _\d+\._tcp\.mx\.bogus\.test: the name servers failed"),
])
def test_zone(world, name, why):
    host, to = world.host, f"bob@{name}.test"
    ident = host.drop("s@else.test", [to])
    if why is None:
        [t] = world.sinks[name].wait(1, 30)
        assert t.session.over_tls, host.log_text()
        assert wait_for(lambda: ident not in host.files("cur"), 30)
        return
    host.wait_event("deferred", to=to, seconds=60)
    path = os.path.join(host.queue, "cur", ident)

    def reason():
        with open(path, errors="replace") as f:
            return re.search(r"^why (\S.*)$", f.read(), re.M)
    assert wait_for(reason, 30)
    assert re.match(why, reason()[1]), reason()[1]
    assert world.sinks[name].transactions == []
