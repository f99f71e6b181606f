"""`kereru check`, the doctor: a host with all its records on a loopback DNS has
nothing; faults are planted one after another, and each is named, and nothing
else. kereru-check(8) lists them."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import time

import pytest

from dnsserver import DnsServer
from host import (MORE_SERVICES, REPOSITORY, SERVICES, Host, new_folder,
                  prefix)
from pki import Authority
from smtpsink import SmtpSink

NAME = "mx.example.org"
ALICE = f"alice@{NAME}"
# What a test can't give a machine that lacks it.
OF_THE_MACHINE = ("ntp", "kernel", "disk")


def own_programs():
    """kereru and sendmail of its own: setup gives sendmail to one host."""
    folder = new_folder("check")
    (folder / "sbin").mkdir()
    for name in ("kereru", "sendmail"):
        shutil.copy2(prefix() / "sbin" / name, folder / "sbin" / name)
    (folder / "libexec").symlink_to(prefix() / "libexec")
    (folder / "share").symlink_to(prefix() / "share")
    return folder


def zone_of(records):
    """As DnsServer has it, of `kereru records -j`."""
    zone = {}
    for r in records:
        if r["value"] is not None and r["type"] not in ("SRV", "CNAME"):
            zone.setdefault(r["name"], {}).setdefault(r["type"], []).append(
                r["value"])
    return zone


class Place:
    def __init__(self, host, dns, sink, authority, folder):
        self.host, self.dns, self.sink = host, dns, sink
        self.authority, self.folder = authority, folder
        self.skipped = []
        self.password = folder / "password"
        self.password.write_text(host.passwords[ALICE] + "\n")
        self.password.chmod(0o600)

    def kereru(self, *args, before=()):
        return subprocess.run(
            [*before, self.folder / "sbin/kereru", "-c", self.host.etc, *args],
            capture_output=True, text=True, timeout=120)

    def check(self, *args, before=(), mailbox=ALICE):
        skip = [f"--skip={','.join(self.skipped)}"] \
            if self.skipped and "--only" not in args else []
        sink = "[%s]:%d" % self.sink.address
        return self.kereru(
            "check", "--signed", "signed.test", "--bogus", "bogus.test",
            "--mailbox", mailbox, "--outward", sink, *skip, *args,
            before=before)

    def found(self, *args, before=(), **more):
        """[(name, last part of what it is about)], in the order of check's."""
        done = self.check("--json", *args, before=before, **more)
        assert not done.stderr, done.stderr
        found = [json.loads(line) for line in done.stdout.splitlines()]
        worst = max([{"fault": 2, "warning": 1}[f["weight"]] for f in found],
                    default=0)
        assert done.returncode == worst
        for f in found:
            assert f["what"] and f["why"] and f["mend"]
        return [(f["name"], f["subject"].rsplit("/", 1)[-1]) for f in found]

    def entry(self, name, kind):
        return self.dns.zone[name][kind]


@pytest.fixture(scope="module")
def place():
    folder = own_programs()
    with Authority() as ca, Authority("somebody else") as stranger, \
            DnsServer(ad=True) as dns, SmtpSink() as sink:
        pair = ca.issue(NAME)
        host = Host(NAME, users={"alice": "secret", "bob": "hidden"},
                    services=SERVICES + MORE_SERVICES,
                    settings={"resolver": dns.address,
                              "tls-anchors": ca.path,
                              "tls-certificates": "tls/ec.pem"})
        try:
            host.settings["public-addresses"] = host.address
            for path, end in zip(pair, ("pem", "key")):
                shutil.copy(path, host.etc / f"tls/ec.{end}")
            (host.etc / "tls/ec.key").chmod(0o600)
            host.write("rules", ["rule LISTED list:bl.test weight 5",
                                 "rule WELCOME list:wl.test weight -5"])
            host.set()
            p = Place(host, dns, sink, ca, folder)
            p.stranger = stranger
            assert p.kereru("setup", NAME).returncode == 0
            dns.zone.update(zone_of(json.loads(
                p.kereru("records", "-j").stdout)))
            dns.zone.update({"signed.test": {"A": ["127.0.0.1"]},
                             "bogus.test": "SERVFAIL"})
            host.start()
            p.skipped = [s for s in OF_THE_MACHINE
                         if p.kereru("check", "--only", s).returncode]
            yield p
        finally:
            host.close()
            shutil.rmtree(folder)


def test_nothing_is_found_where_nothing_is_wrong(place):
    done = place.check()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = place.check("--password-file", place.password)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    # The messages are gone again.
    assert place.host.mail(ALICE) == []
    assert place.sink.sessions


class Watched(list):
    """Who runs as kereru while the DNS is asked: {(uid, filter)}."""

    def __init__(self, program):
        super().__init__()
        self.program, self.seen = str(program), set()

    def append(self, question):
        super().append(question)
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{pid}/exe") == self.program:
                    status = dict(
                        s.split(":\t", 1) for s in pathlib.Path(
                            f"/proc/{pid}/status").read_text().splitlines()
                        if ":\t" in s)
                    self.seen.add((int(status["Uid"].split()[0]),
                                   int(status["Seccomp"])))


def test_who_asks_the_dns_is_not_root(place):
    place.dns.asked = Watched(place.folder / "sbin/kereru")
    assert place.found("--only", "reverse") == []
    assert place.dns.asked.seen == {(0, 0), (place.host.uids["remote"], 2)}
    place.dns.asked = []


# The faults. Each is a context in which the host has it.

@contextlib.contextmanager
def mode(path, bits):
    before = path.stat().st_mode & 0o7777
    path.chmod(bits)
    yield
    path.chmod(before)


@contextlib.contextmanager
def owner(path, uid, gid=-1):
    before = path.lstat()
    os.chown(path, uid, gid)
    yield
    os.chown(path, before.st_uid, before.st_gid)


@contextlib.contextmanager
def gone(path):
    away = path.with_name(path.name + ".away")
    path.rename(away)
    yield
    away.rename(path)


@contextlib.contextmanager
def link(path):
    with gone(path):
        path.symlink_to(path.with_name(path.name + ".away"))
        yield
        path.unlink()


@contextlib.contextmanager
def files(*pairs):
    """Other contents, {path: octets}, with the times that they had: nothing is
    compiled, and nothing looks as if it should be."""
    before = [(path, path.read_bytes(), path.stat()) for path, _ in pairs]
    for (path, octets), (_, _, st) in zip(pairs, before):
        path.write_bytes(octets)
        os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns))
    yield
    for path, octets, st in before:
        path.write_bytes(octets)
        os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns))


def line(place, name, text):
    path = place.host.etc / name
    return files((path, path.read_bytes() + text.encode() + b"\n"))


def setting(place, key, value):
    path = place.host.etc / "settings"
    lines = [s for s in path.read_text().splitlines()
             if s.split(" ", 1)[0] != key]
    return files((path, "\n".join(lines + [f"{key} {value}", ""]).encode()))


@contextlib.contextmanager
def time_of(path, seconds):
    st = path.stat()
    os.utime(path, (time.time() + seconds,) * 2)
    yield
    os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns))


@contextlib.contextmanager
def new(path, octets=None):
    if octets is None:
        path.mkdir()
        yield
        path.rmdir()
    else:
        path.write_bytes(octets)
        os.chown(path, path.parent.stat().st_uid, -1)
        yield
        path.unlink()


@contextlib.contextmanager
def zone(place, name, entry):
    before = place.dns.zone.get(name)
    place.dns.zone[name] = entry
    yield
    if before is None:
        del place.dns.zone[name]
    else:
        place.dns.zone[name] = before


def record(place, name, kind, values):
    entry = dict(place.dns.zone.get(name, {}))
    entry[kind] = values
    return zone(place, name, entry)


@contextlib.contextmanager
def certificate(place, pair, compiled=True):
    """Another one, and no TLSA record, which nobody has to have."""
    tls = place.host.etc / "tls"
    with files((tls / "ec.pem", pathlib.Path(pair[0]).read_bytes()),
               (tls / "ec.key", pathlib.Path(pair[1]).read_bytes())), \
            record(place, f"_25._tcp.{NAME}", "TLSA", []):
        if compiled:
            place.host.compile()
        yield
    if compiled:
        place.host.compile()


@contextlib.contextmanager
def stopped(place, service):
    place.host.svc(service, "-wD", "-d")
    yield
    place.host.svc(service, "-wU", "-u")


@contextlib.contextmanager
def off(place, service):
    down = place.host.scan / service / "down"
    with setting(place, service, "yes"), stopped(place, service):
        down.touch()
        yield
        down.unlink()


@contextlib.contextmanager
def impostor(place, service, uid):
    """The service is ready, and is somebody else."""
    run = place.host.scan / service / "run"
    program = place.folder / service
    shutil.copy("/bin/sleep", program)
    before = run.read_bytes()
    with stopped(place, service):
        run.write_text(f"#!/bin/sh\necho >&3\nexec setpriv --reuid {uid} "
                       f"--clear-groups {program} 1000\n")
        place.host.svc(service, "-wU", "-u")
        yield
        place.host.svc(service, "-wD", "-d")
        run.write_bytes(before)


@contextlib.contextmanager
def unsure(dns):
    dns.ad = False
    yield
    dns.ad = True


@contextlib.contextmanager
def greeting(sink, text):
    sink.replies["connect"] = text
    yield
    del sink.replies["connect"]


def reverse_name(host):
    return ".".join(reversed(host.address.split("."))) + ".in-addr.arpa"


def listed(place):
    name = ".".join(reversed(place.host.address.split("."))) + ".bl.test"
    return zone(place, name, {"A": ["127.0.0.2"]})


def dkim_name(place):
    return next(n for n in place.dns.zone if "._domainkey." in n)


@contextlib.contextmanager
def both(one, other):
    with one, other:
        yield


FAULTS = {
    "text-fault aliases": lambda p: line(p, "aliases", "nobody"),
    "secret-open ec.key": lambda p: mode(p.host.etc / "tls/ec.key", 0o640),
    "secret-open passwords": lambda p: owner(p.host.etc / "passwords", 12345),
    "text-open users": lambda p: mode(p.host.etc / "users", 0o664),
    "path-missing reports": lambda p: gone(p.host.state / "sts/reports"),
    "path-kind cache": lambda p: link(p.host.state / "sts/cache"),
    "path-owner auth": lambda p: owner(p.host.state / "auth", 12345),
    "path-mode new": lambda p: mode(p.host.queue / "new", 0o3777),
    "path-mode passwords.cdb":
        lambda p: mode(p.host.tables / "passwords.cdb", 0o644),
    "maildir-missing bob": lambda p: gone(p.host.maildir(f"bob@{NAME}")),
    "maildir-owner bob": lambda p: owner(p.host.maildir(f"bob@{NAME}"), 12345),
    "maildir-open bob": lambda p: mode(p.host.maildir(f"bob@{NAME}"), 0o755),
    "sendmail-rights sendmail":
        lambda p: mode(p.folder / "sbin/sendmail", 0o755),
    "table-missing tls-policy.cdb":
        lambda p: gone(p.host.tables / "tls-policy.cdb"),
    "table-old domains": lambda p: time_of(p.host.etc / "domains", 5),
    "certificate-unusable ec.key": lambda p: files(
        (p.host.etc / "tls/ec.key",
         pathlib.Path(p.authority.issue(NAME)[1]).read_bytes())),
    "certificate-expired ec.pem":
        lambda p: certificate(p, p.authority.issue(NAME, expired=True)),
    "certificate-name ec.pem":
        lambda p: certificate(p, p.authority.issue("mail.other.test")),
    "certificate-chain ec.pem":
        lambda p: setting(p, "tls-anchors", p.stranger.path),
    "certificate-unused certs":
        lambda p: certificate(p, p.authority.issue(NAME), compiled=False),
    "relay-open networks": lambda p: line(p, "networks", "128.0.0.0/1"),
    "relay-wide networks": lambda p: line(p, "networks", "8.0.0.0/9"),
    "proxy-open settings": lambda p: setting(p, "proxy-from", "0.0.0.0/0"),
    "clock-behind srs.key":
        lambda p: time_of(p.host.tables / "srs.key", 3600),
    "service-down policy": lambda p: stopped(p, "policy"),
    "service-off policy": lambda p: off(p, "policy"),
    "log-down log": lambda p: stopped(p, "policy/log"),
    "process-uid sts": lambda p: impostor(p, "sts", p.host.uids["log"]),
    "port-closed 127.0.0.1:9":
        lambda p: setting(p, "listen-pop3", "127.0.0.1:9"),
    "queue-torn 0k3v0000000000ab":
        lambda p: new(p.host.queue / "cur/0k3v0000000000ab", b"kereru"),
    "queue-foreign odd": lambda p: new(p.host.queue / "cur/odd"),
    "queue-bad bad": lambda p: new(p.host.queue / "bad/x", b"x"),
    "resolver-silent 127.0.0.1:9":
        lambda p: setting(p, "resolver", "127.0.0.1:9"),
    "resolver-plain": lambda p: unsure(p.dns),
    "resolver-bogus": lambda p: zone(p, "bogus.test", {"A": ["127.0.0.1"]}),
    "resolver-broken": lambda p: zone(p, "signed.test", "SERVFAIL"),
    f"record-missing {NAME}": lambda p: record(p, NAME, "MX", []),
    "record-missing dkim": lambda p: zone(p, dkim_name(p), "NXDOMAIN"),
    f"record-missing _dmarc.{NAME}":
        lambda p: zone(p, f"_dmarc.{NAME}", "NXDOMAIN"),
    f"record-other {NAME}":
        lambda p: record(p, NAME, "TXT", ["v=spf1 ip4:192.0.2.1 -all"]),
    f"record-other _25._tcp.{NAME}": lambda p: record(
        p, f"_25._tcp.{NAME}", "TLSA", ["3 1 1 " + "00" * 32]),
    f"record-unknown _dmarc.{NAME}":
        lambda p: zone(p, f"_dmarc.{NAME}", "SERVFAIL"),
    "reverse-missing address":
        lambda p: zone(p, reverse_name(p.host), "NXDOMAIN"),
    "reverse-astray address": lambda p: zone(
        p, reverse_name(p.host), {"PTR": ["signed.test"]}),
    "reverse-name address": lambda p: both(
        zone(p, reverse_name(p.host), {"PTR": ["a.test"]}),
        zone(p, "a.test", {"A": [p.host.address]})),
    "blocklisted address": listed,
    "outward-refused sink":
        lambda p: greeting(p.sink, "554 5.7.1 not from there"),
}


def expected(place, fault):
    name, _, about = fault.partition(" ")
    about = {"": place.dns.address, "dkim": dkim_name(place),
             "address": place.host.address,
             "sink": "%s:%d" % place.sink.address}.get(about, about)
    return name, about


# Sections that look at the same things; a fault is looked for by those of its
# own group, and by all in the last test.
GROUPS = {
    "services,ports,message": ("service", "log", "process", "port"),
    "resolver,records,reverse,blocklists,outward":
        ("resolver", "record", "reverse", "blocklisted", "outward"),
}
FILES = ",".join(GROUPS)


def group(fault):
    kind = fault.split()[0].split("-")[0]
    for sections, kinds in GROUPS.items():
        if kind in kinds:
            return ("--only", sections)
    return ("--skip", FILES)


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_named_and_nothing_else(place, fault):
    with FAULTS[fault](place):
        found = place.found(*group(fault))
    assert found == [expected(place, fault)]


@pytest.mark.parametrize("what", ["disk", "inodes"])
def test_a_full_file_system(place, what):
    """In a mount namespace of the command alone."""
    log = place.host.state / "log"
    fill = "head -c 2000000 /dev/zero >x" if what == "disk" else \
        "touch $(seq 200)"
    script = (f"mount -t tmpfs -o mode=755,size=1m,nr_inodes=100 none {log} "
              f"|| exit 3; (cd {log} && {fill}) 2>/dev/null; exec \"$@\"")
    before = ("unshare", "-m", "sh", "-c", script, "sh")
    if subprocess.run([*before, "true"], capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    assert set(place.found("--only", "disk", before=before)) - \
        set(place.found("--only", "disk")) == {(what + "-full", "log")}


def test_the_test_message(place, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong\n")
    assert place.found("--only", "message", mailbox=f"nobody@{NAME}") == [
        ("message-nobody", f"nobody@{NAME}")]
    assert place.found("--only", "message", "--password-file", wrong) == [
        ("message-login", ALICE)]


def test_many_faults_at_once(place):
    """All that do not hide one another, and all sections."""
    apart = ("text", "certificate", "resolver", "clock", "service-off",
             "process", "port", "record-unknown", "record-other",
             "reverse-missing", "reverse-astray", "path-owner", "table",
             "maildir-missing")
    together = [f for f in FAULTS if not f.startswith(apart)]
    place.host.wait_until_ready()
    with contextlib.ExitStack() as stack:
        for f in together:
            stack.enter_context(FAULTS[f](place))
        found = place.found()
    assert sorted(found) == sorted(expected(place, f) for f in together)
    assert len(found) > 20


def test_sections_and_usage(place):
    names = [line.split()[0]
             for line in place.kereru("check", "--list").stdout.splitlines()]
    assert names[0] == "text" and names[-1] == "message"
    assert place.kereru("check", "--only", "nonsense").returncode == 100
    assert place.kereru("check", "more").returncode == 100
    with mode(place.host.etc / "users", 0o666):
        done = place.check("--quick")
        assert done.returncode == 2 and "[text-open]" in done.stdout
        assert f"chmod go-w {place.host.etc}/users" in done.stdout
        assert place.check("--only", "text").stdout == ""


def test_every_kind_stands_in_the_man_page():
    code = (REPOSITORY / "common/admin/check/finding_kinds.c").read_text()
    page = (REPOSITORY / "doc/man/kereru-check.8").read_text()
    kinds = re.findall(r"^\t\[FIND_\w+\] = \{\"([a-z0-9-]+)\"", code, re.M)
    assert len(kinds) > 60
    assert kinds == re.findall(r"^\.It Sy ([a-z0-9-]+)", page, re.M)
