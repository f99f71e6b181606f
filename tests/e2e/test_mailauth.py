"""SPF, DKIM, ARC and DMARC, played through `kereru spf`, `dkim`, `arc` and
`dmarc` against a DNS server on loopback.

Third-party vectors are looked for in $KERERU_TESTDATA, else beside the clone.
Many cases go through one process: the commands take batches.
"""
import csv
import json
import os
import pathlib
import re
import subprocess
import time
import xml.etree.ElementTree as ElementTree

import pytest
import yaml

from dnsserver import DnsServer
from host import REPOSITORY, prefix

TESTDATA = pathlib.Path(os.environ.get(
    "KERERU_TESTDATA", REPOSITORY.parent / "shared" / "testdata"))

NOW = 1_700_000_000


def vectors(*names):
    return pytest.mark.skipif(
        not TESTDATA.joinpath(*names).exists(),
        reason="no " + "/".join(("../shared/testdata",) + names))


@pytest.fixture(scope="module")
def dns():
    with DnsServer({}) as server:
        yield server


def command(*args):
    return [str(prefix() / "sbin" / "kereru"), *map(str, args)]


def kereru(*args, given=None, cwd=None, code=0):
    r = subprocess.run(command(*args), input=given, cwd=cwd, timeout=60,
                       capture_output=True)
    assert r.returncode == code, r.stderr.decode()
    return r.stdout.decode("utf-8", "replace")


def txt(*values):
    """TXT records of any octets, in the form of a zone file."""
    records = []
    for value in values:
        strings = value if isinstance(value, list) else [
            value[i:i + 255] for i in range(0, max(1, len(value)), 255)]
        records.append(" ".join(
            '"' + "".join(f"\\{c:03d}" if c < 32 or c > 126 or c in b'"\\;'
                          else chr(c) for c in s.encode()) + '"'
            for s in strings))
    return records


def verify(dns, zone, what, files, *options, cwd):
    """{file: [[result, d=, s=, a=, why], ...]}"""
    dns.zone = zone
    out = kereru(what, "verify", "--resolver", dns.address, "--timeout", 5000,
                 *options, *files, cwd=cwd)
    found = {}
    for line in out.splitlines():
        fields = line.split("\t")
        found.setdefault(fields[0], []).append(fields[1:])
    return found


# SPF

def spf_zone(data):
    """The zone of a scenario. What only has the old SPF type has TXT too."""
    zone = {}
    for name, records in data.items():
        entry, spf, texts, failing = {}, [], None, False
        for record in records:
            if record == "TIMEOUT":
                failing = True
                continue
            for kind, value in record.items():
                if kind == "SPF":
                    spf.append(value)
                elif kind == "TXT":
                    texts = (texts or []) + ([] if value == "NONE"
                                             else [value])
                elif kind == "MX":
                    entry.setdefault("MX", []).append(f"{value[0]} {value[1]}")
                else:
                    entry.setdefault(kind, []).append(value)
        texts = spf if texts is None else texts
        if texts:
            entry["TXT"] = txt(*texts)
        if failing:
            for kind in ("A", "AAAA", "MX", "TXT", "PTR"):
                entry.setdefault(kind, "SERVFAIL")
        zone[name.lower().replace(" ", "\\032")] = entry
    return zone


class SpfBatch:
    def __init__(self, dns, *options):
        self.process = subprocess.Popen(
            command("spf", "--resolver", dns.address, "--timeout", 5000,
                    "--host", "receiver.example", *options, "--batch"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def check(self, client, helo, sender):
        self.process.stdin.write(f"{client}\t{helo}\t{sender}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n").split("\t")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        assert self.process.wait(10) == 0


@vectors("spf")
def test_spf_suite(dns):
    wrong, count = [], 0
    text = (TESTDATA / "spf" / "rfc7208-tests.yml").read_text()
    with SpfBatch(dns) as batch:
        for scenario in yaml.load_all(text, Loader=yaml.CSafeLoader):
            dns.zone = spf_zone(scenario["zonedata"])
            for name, case in scenario["tests"].items():
                result, explanation, _ = batch.check(
                    case["host"], case.get("helo", ""),
                    case.get("mailfrom", ""))
                wanted = case["result"]
                if result not in (wanted if isinstance(wanted, list)
                                  else [wanted]):
                    wrong.append((name, result, wanted))
                text = case.get("explanation", explanation)
                if explanation != ("" if text == "DEFAULT" else text):
                    wrong.append((name, explanation, text))
                count += 1
    assert not wrong
    assert count >= 203


def test_spf_by_hand(dns):
    dns.zone = {"example.org": {"TXT": ["v=spf1 ip4:192.0.2.0/24 "
                                        "exp=why.example.org -all"]},
                "why.example.org": {"TXT": ["%{i} is not ours"]}}
    out = kereru("spf", "--resolver", dns.address, "198.51.100.1",
                 "a@example.org")
    assert out == ("result: fail\ndomain: example.org\n"
                   "explanation: 198.51.100.1 is not ours\n")
    assert kereru("spf", "--resolver", dns.address, "::ffff:192.0.2.7",
                  "a@example.org").startswith("result: pass\n")
    kereru("spf", "--resolver", dns.address, "nonsense", "a@b", code=100)
    kereru("spf", code=100)


def test_spf_void_lookups_and_terms_are_bounded(dns):
    dns.zone = {
        "void.example": {"TXT": ["v=spf1 a:1.void.test a:2.void.test "
                                 "a:3.void.test +all"]},
        "many.example": {"TXT": ["v=spf1 include:many.example -all"]}}
    with SpfBatch(dns) as batch:
        assert batch.check("192.0.2.1", "h", "a@void.example")[0] == \
            "permerror"
        dns.asked.clear()
        assert batch.check("192.0.2.1", "h", "a@many.example")[0] == \
            "permerror"
        # What includes itself is asked for once.
        assert len(dns.asked) == 1


def test_a_silent_name_server_costs_no_more_than_the_time_limit(dns):
    dns.zone = {"silent.example": "TIMEOUT"}
    start = time.monotonic()
    out = kereru("spf", "--resolver", dns.address, "--timeout", 300,
                 "192.0.2.1", "a@silent.example")
    assert "result: temperror" in out
    assert time.monotonic() - start < 10


# DKIM

def read_tsv(path):
    with open(path) as f:
        return list(csv.DictReader(
            (line for line in f if not line.startswith("#")),
            delimiter="\t"))


# Where we say otherwise than dkimpy, and why.
LIESER = {
    "dkim/flags_s-auid_is_subdomain_of_sdid.eml": ["permerror"],  # t=s
}


@vectors("dkim", "lieser")
def test_dkim_lieser(dns):
    """RFC 6376 A.2 and RFC 8463 A.3 are among them."""
    folder = TESTDATA / "dkim" / "lieser"
    zone = {name.lower(): {"TXT": txt(value)} for name, value in
            json.loads((folder / "dns.json").read_text()).items()}
    rows = read_tsv(folder / "dkimpy.tsv")
    found = verify(dns, zone, "dkim", [r["file"] for r in rows],
                   "--time", NOW, cwd=folder)
    wrong = []
    for row in rows:
        got = [r[0] for r in found[row["file"]]]
        verdicts = [v for v in row["dkimpy"].split(",") if v]
        if row["file"] in LIESER:
            right = got == LIESER[row["file"]]
        elif not verdicts:
            right = got == ["none"]
        else:
            right = [g == "pass" for g in got] == [
                v == "pass" for v in verdicts]
        if not right:
            wrong.append((row["file"], got, verdicts))
    assert not wrong
    assert found["rfc8463-A.3.eml"][0][:4] == [
        "pass", "d=football.example.com", "s=brisbane", "a=ed25519-sha256"]


@vectors("dkim", "mail-dkim")
def test_dkim_mail_dkim(dns):
    """As the column `modern` says. Its keys are of 512 bits."""
    folder = TESTDATA / "dkim" / "mail-dkim"
    zone = {}
    for line in (folder / "FAKE_DNS.dat").read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, value = line.split(None, 1)
        zone[name.lower()] = ("SERVFAIL" if value.startswith("~~") else
                              "NXDOMAIN" if value == "NXDOMAIN" else
                              {"TXT": txt(value.strip())})
    rows = read_tsv(folder / "expected.tsv")
    files = [r["file"] for r in rows]
    found = verify(dns, zone, "dkim", files, "--bits", 512, "--time", NOW,
                   cwd=folder / "corpus")
    wrong = []
    for row in rows:
        got = [r[0] for r in found[row["file"]]]
        wanted = {"pass": True, "notpass": False, "sha1": False}.get(
            row["modern"])
        if wanted is not None and ("pass" in got) != wanted:
            wrong.append((row["file"], got, row["modern"]))
    assert not wrong
    # RFC 8301: the one that passes is refused for its short key by default.
    found = verify(dns, zone, "dkim", files, "--time", NOW,
                   cwd=folder / "corpus")
    assert not [f for f in files if "pass" in [r[0] for r in found[f]]
                and "1024" not in f and "ed25519" not in f]


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    records = {}
    for name, kind in (("rsa", ("rsa", "2048")), ("ed", ("ed25519",))):
        (folder / name).write_text(kereru("dkim", "key", "new", *kind))
        records[f"{name}._domainkey.example.org"] = kereru(
            "dkim", "key", "record", folder / name).strip()
    return folder, records


MESSAGE = b"""From: A <a@example.org>\r
To: b@example.net,\r
  c@example.net\r
Subject: hello   world\r
Date: Tue, 24 Nov 2026 11:00:00 +0000\r
Message-ID: <1@example.org>\r
\r
Hello  there \r
.\r
\r
\r
"""


def signer(keys, name):
    return ("--key", keys[0] / name, "--domain", "example.org",
            "--selector", name)


@pytest.fixture(scope="module")
def signed(keys, tmp_path_factory):
    """Signed by both keys."""
    path = tmp_path_factory.mktemp("signed") / "message"
    path.write_bytes(MESSAGE)
    for name in ("rsa", "ed"):
        path.write_bytes(subprocess.run(
            command("dkim", "sign", *signer(keys, name), path),
            check=True, capture_output=True).stdout)
    return path


def zone_of(keys):
    return {name: {"TXT": txt(value)} for name, value in keys[1].items()}


def dkimpy_dns(keys):
    def ask(name, timeout=5):
        name = name.decode() if isinstance(name, bytes) else name
        value = keys[1].get(name.rstrip("."))
        return value.encode() if value else None
    return ask


def test_our_keys_are_what_openssl_reads(keys):
    der = subprocess.run(
        ["openssl", "pkey", "-in", keys[0] / "rsa", "-pubout", "-outform",
         "DER"], check=True, capture_output=True).stdout
    import base64
    assert base64.b64encode(der).decode() in \
        keys[1]["rsa._domainkey.example.org"]
    subprocess.run(["openssl", "pkey", "-in", keys[0] / "ed", "-noout"],
                   check=True)


def test_our_signatures_pass_with_us_and_dkimpy(dns, keys, signed):
    import dkim
    found = verify(dns, zone_of(keys), "dkim", [signed], cwd="/")
    assert [r[0] for r in found[str(signed)]] == ["pass", "pass"]
    message = dkim.DKIM(signed.read_bytes())
    assert message.verify(0, dnsfunc=dkimpy_dns(keys))
    assert message.verify(1, dnsfunc=dkimpy_dns(keys))
    assert max(map(len, signed.read_bytes().splitlines())) <= 78


def test_our_signatures_pass_with_opendkim(keys, signed, tmp_path):
    """It asks the system's resolver alone: give it one of its own."""
    resolv = tmp_path / "resolv.conf"
    resolv.write_text("nameserver 127.77.0.1\n")
    script = (f"mount --bind {resolv} /etc/resolv.conf && "
              "exec opendkim-testmsg")
    if subprocess.run(["unshare", "-m", "true"],
                      capture_output=True).returncode != 0:
        pytest.skip("no mounts of its own")
    with DnsServer(zone_of(keys), host="127.77.0.1", port=53):
        for message, code in ((signed.read_bytes(), 0),
                              (signed.read_bytes().replace(b"hello", b"hi"),
                               70)):
            r = subprocess.run(["unshare", "-m", "sh", "-c", script],
                               input=message, capture_output=True, timeout=60)
            assert r.returncode == code, r.stderr


@pytest.mark.parametrize("change, verdict", [
    ((b"Hello", b"Hullo"), "fail"),
    ((b"hello", b"hullo"), "fail"),
    ((b"Hello  there", b"Hello \t there"), "pass"),
    ((b"\r\n\r\n\r\n", b"\r\n"), "pass"),
    ((b"To: b", b"TO:   b"), "pass"),
    ((b"To: b", b"Cc: x@example.net\r\nTo: b"), "fail"),
    ((b"To: b", b"From: x@example.net\r\nTo: b"), "permerror"),
    ((b"To: b", b"X-Other: x\r\nTo: b"), "pass"),
    ((b"v=1;", b"v=2;"), "neutral"),
    ((b"d=example.org", b"d=example.com"), "permerror"),
    ((b"; c=relaxed/relaxed", b"; l=3; c=relaxed/relaxed"), "fail"),
])
def test_changes(dns, keys, signed, tmp_path, change, verdict):
    path = tmp_path / "m"
    text = signed.read_bytes()
    if change[0] == b"\r\n\r\n\r\n":
        assert text.endswith(change[0])
        text = text[:-len(change[0])] + change[1]
    else:
        assert change[0] in text
        text = text.replace(*change)
    path.write_bytes(text)
    found = verify(dns, zone_of(keys), "dkim", [path], cwd="/")
    assert {r[0] for r in found[str(path)]} == {verdict}


def test_what_l_leaves_out_is_told(dns, keys, tmp_path):
    """Only others sign with l=; RFC 6376 8.2."""
    import dkim
    signature = dkim.sign(
        MESSAGE, b"rsa", b"example.org",
        pathlib.Path(keys[0] / "rsa").read_bytes(), length=True,
        include_headers=[b"from", b"to", b"subject"])
    path = tmp_path / "m"
    path.write_bytes(signature + MESSAGE + b"more of it\r\n")
    found = verify(dns, zone_of(keys), "dkim", [path], cwd="/")[str(path)]
    assert found[0][0] == "pass"
    assert re.fullmatch(r"uncovered=\d+", found[0][5])


def test_limits(dns, keys, signed, tmp_path):
    """Eight signatures, short keys, expiry, names below names, silence."""
    text = signed.read_bytes()
    first = text[:text.index(b"DKIM-Signature", 5)]
    (tmp_path / "many").write_bytes(first * 40 + text)
    (tmp_path / "old").write_bytes(subprocess.run(
        command("dkim", "sign", *signer(keys, "ed"), "--time", NOW,
                "--lifetime", 100),
        input=MESSAGE, check=True, capture_output=True).stdout)
    zone = zone_of(keys)
    found = verify(dns, zone, "dkim", ["many", "old"], "--time", NOW + 101,
                   cwd=tmp_path)
    assert len(found["many"]) == 8
    assert found["old"][0][0] == "permerror"
    assert found["old"][0][4] == "the signature has expired"
    found = verify(dns, zone, "dkim", ["old"], "--time", NOW + 99,
                   cwd=tmp_path)
    assert found["old"][0][0] == "pass"
    zone["ed._domainkey.example.org"] = "SERVFAIL"
    found = verify(dns, zone, "dkim", ["old"], "--time", NOW, cwd=tmp_path)
    assert found["old"][0][0] == "temperror"
    zone["ed._domainkey.example.org"] = {"TXT": txt("v=DKIM1; p=")}
    found = verify(dns, zone, "dkim", ["old"], "--time", NOW, cwd=tmp_path)
    assert found["old"][0][0] == "permerror"
    key = subprocess.run(["openssl", "genrsa", "-traditional", "1000"],
                         check=True, capture_output=True).stdout
    (tmp_path / "short").write_bytes(key)
    kereru("dkim", "key", "record", tmp_path / "short", code=100)


# ARC

@vectors("arc")
def test_arc_suite(dns, tmp_path):
    text = (TESTDATA / "arc" / "arc-draft-validation-tests.yml").read_text()
    wrong, count = [], 0
    for group in yaml.load_all(text, Loader=yaml.CSafeLoader):
        if not group:
            continue
        for name, case in group["tests"].items():
            (tmp_path / name).write_bytes(
                case["message"].encode().replace(b"\n", b"\r\n"))
        zone = {name.lower(): {"TXT": txt(value.strip())} for name, value in
                (group.get("txt-records") or {}).items()}
        found = verify(dns, zone, "arc", list(group["tests"]), "--time", NOW,
                       cwd=tmp_path)
        for name, case in group["tests"].items():
            # Without a word: the chain failed before.
            wanted = str(case["cv"]).lower() or "fail"
            if found[name][0][0] != wanted:
                wrong.append((name, found[name], wanted))
            count += 1
    assert not wrong
    assert count == 171


def seal(keys, name, status, message):
    return subprocess.run(
        command("arc", "seal", *signer(keys, name), "--status", status,
                "--results", "mx.example.org; dkim=pass header.d=example.org"),
        input=message, check=True, capture_output=True).stdout


def test_our_seals_pass_with_us_and_dkimpy(dns, keys, signed, tmp_path):
    import dkim
    one = seal(keys, "rsa", "none", signed.read_bytes())
    two = seal(keys, "rsa", "pass", one)
    three = seal(keys, "ed", "pass", two)
    broken = two.replace(b"Hello", b"Hullo")
    failed = seal(keys, "rsa", "fail", broken)
    for name, text in (("one", one), ("two", two), ("three", three),
                       ("broken", broken), ("failed", failed)):
        (tmp_path / name).write_bytes(text)
    found = verify(dns, zone_of(keys), "arc",
                   ["one", "two", "three", "broken", "failed"], cwd=tmp_path)
    assert found["one"][0][:3] == ["pass", "i=1", "d=example.org"]
    assert found["two"][0][:2] == ["pass", "i=2"]
    assert found["three"][0][:2] == ["pass", "i=3"]
    assert found["broken"][0][0] == "fail"
    assert found["failed"][0] == ["fail", "i=3", "d=example.org",
                                  "the chain failed before"]
    # Nobody seals a chain that ended in a failure.
    assert seal(keys, "rsa", "fail", failed) == failed
    for text, instance in ((one, 1), (two, 2)):
        verdict, sets, _ = dkim.arc_verify(text, dnsfunc=dkimpy_dns(keys))
        assert verdict == b"pass" and sets[0]["instance"] == instance


# DMARC

# RFC 9989 replaced what these rest on: `pct` is gone, and an organizational
# domain is one that has a record, whatever a list of suffixes says.
DMARC_OLD = {
    "DMARC SUBDOMAIN PASS DKIM RELAXED ALIGNMENT": "DMARC_POLICY_REJECT",
    "DMARC SUBDOMAIN PASS SPF RELAXED ALIGNMENT": "DMARC_POLICY_REJECT",
    "DMARC PCT ZERO REJECT": "DMARC_POLICY_REJECT",
    "DMARC PCT ZERO SP QUARANTINE": "DMARC_POLICY_QUARANTINE",
}


def dmarc(dns, lines, cwd):
    """A dict for each of (client, helo, sender, file)."""
    out = kereru("dmarc", "check", "--resolver", dns.address, "--timeout",
                 5000, "--time", NOW, "--host", "mx.example.net", "--batch",
                 given="".join("\t".join(line) + "\n"
                               for line in lines).encode(), cwd=cwd)
    found = []
    for line in out.splitlines():
        fields = line.split("\t")
        found.append({"result": fields[1], **dict(
            f.split("=", 1) for f in fields[2:8])})
    assert len(found) == len(lines)
    return found


@vectors("dmarc", "rspamd")
def test_dmarc_rspamd(dns):
    folder = TESTDATA / "dmarc" / "rspamd"
    zone = {}
    for record in json.loads((folder / "dns.json").read_text()):
        name, code = record["name"].lower(), record.get("rcode", "norec")
        if code.lower() not in ("norec", "noerror"):
            zone[name] = ("NXDOMAIN" if code.lower() == "nxdomain"
                          else "SERVFAIL")
            continue
        values = record.get("replies") or []
        if values and record["type"] in ("A", "AAAA", "TXT", "MX", "PTR"):
            zone.setdefault(name, {})[record["type"]] = (
                txt(*values) if record["type"] == "TXT" else values)
    dns.zone = zone
    rows = read_tsv(folder / "expected.tsv")
    found = dmarc(dns, [(r["ip"], "helo.example", r["mail_from"], r["file"])
                        for r in rows], folder)
    wrong = []
    for row, got in zip(rows, found):
        name = {"pass": "POLICY_ALLOW", "none": "NA",
                "temperror": "DNSFAIL"}.get(got["result"]) or {
            "none": "POLICY_SOFTFAIL", "quarantine": "POLICY_QUARANTINE",
            "reject": "POLICY_REJECT"}[got["disposition"]]
        wanted = DMARC_OLD.get(row["case"], row["expected"])
        if "DMARC_" + name != wanted:
            wrong.append((row["case"], got, wanted))
    assert not wrong


def record(text):
    return {"TXT": txt("v=DMARC1; " + text)}


TREE = {
    "_dmarc.example.org": record("p=reject; sp=quarantine; np=none"),
    "there.example.org": {"A": ["192.0.2.1"]},
    "_dmarc.own.example.org": record("p=quarantine"),
    "_dmarc.bank": record("p=reject; psd=y; np=quarantine"),
    "one.bank": {"A": ["192.0.2.1"]},
    "_dmarc.split.example.org": record("p=reject; psd=n"),
    "_dmarc.testing.example": record("p=reject; t=y"),
    "_dmarc.twice.example": {"TXT": txt("v=DMARC1; p=reject",
                                        "v=DMARC1; p=none")},
    "_dmarc.other.example": {"TXT": txt("v=spf1 -all",
                                        "v=DMARC1; p=reject")},
    "_dmarc.nop.example": record("adkim=s"),
    "_dmarc.badp.example": record("p=often"),
    "_dmarc.badprua.example": record("p=often; rua=mailto:a@badp.example"),
    "_dmarc.unsure.example": "SERVFAIL",
    "_dmarc.g.h.i.j.mail.example.com": record("p=reject"),
    "_dmarc.f.g.h.i.j.mail.example.com": record("p=quarantine"),
    "_dmarc.strict.example": record("p=reject; aspf=s"),
    "_dmarc.xn--bcher-kva.example": record("p=quarantine"),
}


@pytest.mark.parametrize("author, sender, result, domain, disposition", [
    # Policies: p, sp for what is there, np for what is not.
    ("example.org", "x@no.example", "fail", "example.org", "reject"),
    ("there.example.org", "x@no.example", "fail", "example.org",
     "quarantine"),
    ("a.there.example.org", "x@no.example", "fail", "example.org", "none"),
    ("nowhere.example.org", "x@no.example", "fail", "example.org", "none"),
    ("own.example.org", "x@no.example", "fail", "own.example.org",
     "quarantine"),
    # Alignment by the organizational domain.
    ("there.example.org", "x@pass.example.org", "pass", "example.org", "none"),
    ("own.example.org", "x@pass.example.org", "pass", "own.example.org",
     "none"),
    ("split.example.org", "x@pass.example.org", "fail", "split.example.org",
     "reject"),
    ("split.example.org", "x@pass.split.example.org", "pass",
     "split.example.org", "none"),
    ("strict.example", "x@pass.strict.example", "fail", "strict.example",
     "reject"),
    # A public suffix that has a policy: its names are not aligned.
    ("one.bank", "x@pass.two.bank", "fail", "bank", "reject"),
    ("a.one.bank", "x@pass.one.bank", "pass", "bank", "none"),
    ("nobody.bank", "x@no.example", "fail", "bank", "quarantine"),
    # What the record says.
    ("testing.example", "x@no.example", "fail", "testing.example",
     "quarantine"),
    ("twice.example", "x@no.example", "none", "", "none"),
    ("other.example", "x@no.example", "fail", "other.example", "reject"),
    ("nop.example", "x@no.example", "fail", "nop.example", "none"),
    ("badp.example", "x@no.example", "none", "", "none"),
    ("badprua.example", "x@no.example", "fail", "badprua.example", "none"),
    ("unsure.example", "x@no.example", "temperror", "", "none"),
    ("nothing.example", "x@no.example", "none", "", "none"),
    # No more than eight names are asked for (RFC 9989 4.10).
    ("a.b.c.d.e.f.g.h.i.j.mail.example.com", "x@no.example", "fail",
     "g.h.i.j.mail.example.com", "reject"),
    ("bücher.example", "x@no.example", "fail", "xn--bcher-kva.example",
     "quarantine"),
])
def test_dmarc(dns, tmp_path, author, sender, result, domain, disposition):
    passing = {name: {"TXT": ["v=spf1 +all"]} for name in (
        "pass.example.org", "pass.split.example.org", "pass.strict.example",
        "pass.two.bank", "pass.one.bank")}
    dns.zone = {**TREE, **passing}
    (tmp_path / "m").write_text(f"From: A <a@{author}>\nSubject: x\n\nx\n")
    got = dmarc(dns, [("192.0.2.9", "helo.example", sender, "m")], tmp_path)[0]
    assert (got["result"], got["domain"], got["disposition"]) == (
        result, domain, disposition)


@pytest.mark.parametrize("header, result", [
    ("From: a@example.org, b@example.org", "fail"),
    ("From: a@example.org, b@example.com", "permerror"),
    ("From: a@example.org\nFrom: a@example.org", "permerror"),
    ("To: a@example.org", "permerror"),
    ("From: undisclosed:;", "permerror"),
    ('From: "b@example.com" <a@example.org>', "fail"),
    ("From: (x) a@example.org (<b@example.com>)", "fail"),
])
def test_dmarc_author(dns, tmp_path, header, result):
    dns.zone = TREE
    (tmp_path / "m").write_text(header + "\nSubject: x\n\nx\n")
    got = dmarc(dns, [("192.0.2.9", "h.example", "x@no.example", "m")],
                tmp_path)[0]
    assert got["result"] == result


def test_the_whole_and_its_field(dns, keys, signed, tmp_path):
    dns.zone = {**zone_of(keys),
                "_dmarc.example.org": record("p=reject; "
                                             "rua=mailto:d@example.org"),
                "example.org": {"TXT": ["v=spf1 -all"]},
                "h.example": {"TXT": ["v=spf1 +all"]}}
    dns.asked.clear()
    out = kereru("dmarc", "check", "--resolver", dns.address, "--host",
                 "mx.example.net", "--client", "192.0.2.9", "--helo",
                 "h.example", "--sender", '"a) b"@example.org', signed)
    value = re.search(r"Authentication-Results: (.*?)\n(?!\t)", out, re.S)[1]
    assert re.sub(r"\s+", " ", re.sub(r"header\.b=[^;\s]+", "header.b=B",
                                      value)) == (
        'mx.example.net; spf=fail smtp.mailfrom="\\"a) b\\"@example.org"; '
        "spf=pass smtp.helo=h.example; "
        "dkim=pass header.d=example.org header.s=ed header.a=ed25519-sha256 "
        "header.b=B; dkim=pass (2048-bit key) header.d=example.org "
        "header.s=rsa header.a=rsa-sha256 header.b=B; "
        "dmarc=pass (p=reject) header.from=example.org")
    # Everything was known after one round of questions, none asked twice.
    assert len(dns.asked) == len(set(dns.asked))
    import authres
    authres.AuthenticationResultsHeader.parse(
        "Authentication-Results: " + value)


def test_report(dns, tmp_path):
    dns.zone = {"_dmarc.x.example": record(
        "p=reject; t=y; rua=mailto:a@x.example, mailto:b@y.example"),
        "x.example": {"TXT": ["v=spf1 ip4:192.0.2.1 -all"]}}
    (tmp_path / "m").write_text("From: a@x.example\nSubject: x\n\nx\n")
    data = ""
    for client, when in (("192.0.2.1", 1000), ("192.0.2.1", 2000),
                         ("192.0.2.2", 1500), ("192.0.2.3", 9000)):
        out = kereru("dmarc", "check", "--resolver", dns.address, "--client",
                     client, "--sender", "b@x.example", "--time", when,
                     tmp_path / "m")
        data += re.search(r"^data: (.*\n)", out, re.M)[1]
    data += "rubbish\n1 5 domain=cut"
    (tmp_path / "data").write_text(data)
    out = kereru("dmarc", "report", "--organization", "R & D", "--email",
                 "d@mx.example.net", "--host", "mx.example.net", "--begin", 0,
                 "--end", 5000, "--folder", tmp_path, tmp_path / "data")
    path, uris = out.strip().split("\t")
    assert pathlib.Path(path).name == "mx.example.net!x.example!0!5000.xml"
    assert uris == "mailto:a@x.example,mailto:b@y.example"
    ns = {"d": "urn:ietf:params:xml:ns:dmarc-2.0"}
    tree = ElementTree.parse(path)
    text = {e: tree.findtext(f".//d:{e}", namespaces=ns) for e in
            ("org_name", "p", "testing", "discovery_method")}
    assert text == {"org_name": "R & D", "p": "reject", "testing": "y",
                    "discovery_method": "treewalk"}
    rows = [[r.findtext(f".//d:{e}", namespaces=ns) for e in
             ("source_ip", "count", "disposition", "spf", "type",
              "header_from")] for r in tree.findall("d:record", ns)]
    assert rows == [
        ["192.0.2.1", "2", "pass", "pass", None, "x.example"],
        ["192.0.2.2", "1", "quarantine", "fail", "policy_test_mode",
         "x.example"]]


def test_check_collects_data_for_reports(dns, tmp_path):
    """What was asked for, and what the rules made of it."""
    from checkalone import UID, Check
    dns.zone = {
        "_dmarc.reject.example": record("p=reject; rua=mailto:a@x.example"),
        "_dmarc.quiet.example": record("p=reject"),
        "reject.example": {"TXT": ["v=spf1 ip4:192.0.2.1 -all"]}}
    folder = tmp_path / "check"
    home = folder / "state" / "check"
    home.mkdir(parents=True)
    for path in (tmp_path, *tmp_path.parents[:3]):
        path.chmod(0o755)
    data = home / "dmarc-data"
    data.touch(0o600)
    os.chown(data, UID, UID)
    message = "From: a@{}\r\nSubject: {}\r\n\r\nx\r\n"
    with Check("rule DMARC dmarc=fail recipients>=2 reject 5.7.1 forged\n",
               dns.address, folder=str(folder)) as check:
        for domain, client, to in (("reject.example", "192.0.2.1", 1),
                                   ("reject.example", "192.0.2.2", 1),
                                   ("reject.example", "192.0.2.2", 2),
                                   ("quiet.example", "192.0.2.2", 1)):
            check.ask(message.format(domain, "x").encode(), client=client,
                      sender=f"b@{domain}", to=["c@kereru.test"] * to)
        # A user's own mail is nobody's business.
        check.ask(message.format("reject.example", "x").encode(),
                  mailbox="a@kereru.test", sender="a@reject.example")
    found = [dict(f.split("=", 1) for f in line.split()[2:])
             for line in data.read_text().splitlines()]
    assert [(f["ip"], f["disposition"], f["reason"]) for f in found] == [
        ("192.0.2.1", "pass", ""), ("192.0.2.2", "none", "local_policy"),
        ("192.0.2.2", "reject", "")]
