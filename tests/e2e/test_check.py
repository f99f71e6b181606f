"""`kereru check`, the doctor: a host with all its records on a loopback DNS has
nothing; faults are planted one after another, and each is named, and nothing
else. kereru-check(8) lists them."""
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import time

import pytest

from dnsserver import DnsServer
from host import (FOLDERS, MORE_SERVICES, REPOSITORY, SERVICES, Host, prefix,
                  new_folder, wait_until)
from pki import Authority
from smtpsink import SmtpSink

NAME = "mx.example.org"
ALICE = f"alice@{NAME}"
# What a test can't give a machine that lacks it.
OF_THE_MACHINE = ("ntp", "kernel")


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
        skip = [f"--skip={','.join(self.skipped)}"] if self.skipped else []
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
    with Authority() as ca, DnsServer(ad=True) as dns, SmtpSink() as sink:
        pair = ca.issue(NAME)
        host = Host(NAME, users={"alice": "secret"},
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
            assert p.kereru("setup", NAME).returncode == 0
            assert p.kereru("dkim", NAME).returncode in (0, 100)
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
