"""doc/handbook/first-host.md, every command of it, on a machine that has never
seen Kereru; then mail from there, and the hooks of certificates.md."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import textwrap

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from freshhost import ADDRESS, SINK, FreshHost, zone_of   # noqa: E402
from host import REPOSITORY, wait_until              # noqa: E402
from pki import Authority, der                       # noqa: E402

PASSWORD = "a good password"
HANDBOOK = REPOSITORY / "doc/handbook"

# What Debian's tools would do, which the test has no network, no time and no
# systemd for. Each refuses what it was not made for.
PLAYED = {
    "apt-get": '[ "$*" = "install -y git make" ]',
    "git": f'[ "$1 $2 $3" = "clone REPOSITORY kereru" ] && '
           f'ln -s {REPOSITORY} kereru',
    # The targets are there; the programs stand in /usr/local already.
    "make": """for word; do case $word in *=*) ;; *)
        grep -q "^$word:" Makefile || exit 2 ;; esac; done""",
    "systemctl": """[ "$*" = "enable --now kereru" ] || exit 1
        command=$(sed -n s/^ExecStart=//p /etc/systemd/system/kereru.service)
        trap "" HUP     # of the terminal, until it has a session of its own
        setsid $command </dev/null >/root/svscan.log 2>&1 &""",
}


def blocks(page):
    """The shell's lines of a page, a text a block."""
    found = re.findall(r"^```sh\n(.*?)^```$", (HANDBOOK / page).read_text(),
                       re.M | re.S)
    assert found
    return found


@pytest.fixture(scope="module")
def page():
    """(machine, {block: what it printed}): the whole page was gone through."""
    shown = {}
    with FreshHost() as fresh:
        for name, script in PLAYED.items():
            (fresh.bin / name).write_text(f"#!/bin/sh\n{script}\n")
            (fresh.bin / name).chmod(0o755)
        for block in blocks("first-host.md"):
            shown[block] = go(fresh, block)
        yield fresh, shown


def go(fresh, block):
    if "/path/to/a/folder" in block:
        # A few messages, for those that a person would have.
        for kind in ("spam", "good/mail"):
            folder = fresh.path(f"/etc/taught/{kind}")
            folder.mkdir(parents=True)
            (folder / "1").write_text(f"Subject: {kind}\n\nof {kind}\n")
        block = block.replace("/path/to/a/folder/of", "/etc/taught")
    if ".Junk" in block:
        junk = fresh.path("/var/lib/kereru/mail/example.org/alice/.Junk/cur")
        junk.mkdir(parents=True)
        (junk / "1:2,S").write_text("Subject: x\n\ny\n")
    if block.startswith("kereru check"):
        # What the page has made is right; certificates come later, and the
        # clock and the kernel are the machine's.
        said = fresh.sh(block, check=False)
        found = re.findall(r" \[([a-z]+)-[a-z-]+\]$", said.stdout, re.M)
        assert said.returncode in (0, 1) and set(found) <= {
            "certificate", "clock", "kernel", "disk", "inodes"}, said.stdout
        return said.stdout
    text = fresh.terminal("cd /root\n" + block, PASSWORD)
    if block.startswith("kereru setup") and "--dry-run" not in block:
        # Pasted into the zone; and what others have to do has been done.
        zone = zone_of(text[text.index("; write"):])
        zone["10.2.0.192.in-addr.arpa"] = {"PTR": ["mail.example.org."]}
        fresh.serve(zone)
    if "systemctl" in block:
        wait_until(lambda: fresh.sh(
            "s6-svwait -U -t 30000 /var/lib/kereru/scan/*",
            check=False).returncode == 0, 60, "the services")
    if "\tsendmail" in block:
        wait_until(lambda: "delivered" in fresh.sh(
            "kereru log event=delivered", check=False).stdout, 30,
            "the first message")
    return text


def python(fresh, code, *args, **more):
    return fresh.run("/usr/bin/python3", "-c", textwrap.dedent(code), *args,
                     **more).stdout


def test_every_command_of_the_page(page):
    fresh, shown = page
    text = "".join(shown.values())
    for wanted in ("; mail.example.org is set up", "ready ",
                   "_domainkey.example.org. IN TXT",
                   "_domainkey.example.net. IN TXT", "bob@example.org 200001"):
        assert wanted in text, text
    # The story of the first message.
    story = [t for b, t in shown.items() if b.startswith("kereru why")][0]
    assert "alice" in story
    # The short form of it has the same commands.
    readme = (REPOSITORY / "README.md").read_text()
    [short] = re.findall("^    (kereru setup .*)$", readme, re.M)
    assert short + "\n" in shown
    listed = fresh.sh("kereru user list").stdout
    assert "alice@example.org" in listed and "bob@" not in listed


@pytest.fixture(scope="module")
def sent(page):
    """What alice has sent to somebody elsewhere, as it came there."""
    fresh, _ = page
    with open(fresh.path("/etc/kereru/routes"), "a") as f:
        f.write(f"far.example {SINK}\n")
    fresh.sh("kereru compile")
    python(fresh, """
        import smtplib, ssl, sys
        context = ssl.create_default_context(cafile="/etc/kereru/tls/ca.pem")
        with smtplib.SMTP_SSL("localhost", 465, context=context) as s:
            s.login("alice@example.org", sys.argv[1])
            s.sendmail("alice@example.org", ["x@far.example"],
                       "From: alice@example.org\\r\\nTo: x@far.example\\r\\n"
                       "Subject: hello\\r\\n\\r\\nHello.\\r\\n")
        """, PASSWORD)
    [message] = wait_until(fresh.taken, 30, "the message elsewhere")
    return message


def test_what_is_sent_is_believed(page, sent):
    """SPF, DKIM (both keys) and DMARC pass by the records that were printed."""
    fresh, _ = page
    assert sent["client"] == ADDRESS
    assert sent["hello"] == "mail.example.org"
    fresh.path("/etc/sent").write_bytes(sent["message"])
    told = fresh.sh("kereru dkim verify /etc/sent").stdout
    assert len(re.findall(r"\tpass\td=example\.org", told)) == 2, told
    assert "rsa-sha256" in told and "ed25519-sha256" in told
    results = fresh.sh(
        f"kereru dmarc check --client {ADDRESS} --helo {sent['hello']} "
        "--sender alice@example.org /etc/sent").stdout
    for method in ("spf=pass", "dkim=pass", "dmarc=pass"):
        assert method in results, results
    # And not by chance: from another host, changed, it is not.
    fresh.path("/etc/sent").write_bytes(
        sent["message"].replace(b"Hello.", b"Hullo."))
    results = fresh.sh(
        "kereru dmarc check --client 198.51.100.1 --helo x.example "
        "--sender alice@example.org /etc/sent").stdout
    for method in ("spf=fail", "dkim=fail", "dmarc=fail"):
        assert method in results, results


def test_what_comes_in_is_looked_at(page):
    fresh, _ = page
    python(fresh, """
        import smtplib
        with smtplib.SMTP("192.0.2.10", 25, "other.example") as s:
            s.sendmail("", ["alice@example.org"],
                       "From: x@other.example\\r\\nSubject: incoming\\r\\n"
                       "\\r\\nHello.\\r\\n")
        """)
    box = fresh.path("/var/lib/kereru/mail/example.org/alice")

    def found():
        return [p.read_text() for p in box.rglob("new/*")
                if "Subject: incoming" in p.read_text()]
    [text] = wait_until(found, 30, "the message")
    assert "Authentication-Results: mail.example.org" in text
    assert "X-Spam" in text


# Certificates

@pytest.fixture(scope="module")
def hooks(page):
    fresh, _ = page
    for block in blocks("certificates.md"):
        fresh.sh(block)
    return fresh


@pytest.fixture(scope="module")
def authority():
    with Authority() as a:
        yield a


def put(fresh, pair, folder="/etc/letsencrypt/live/mail.example.org"):
    """As an ACME client lays it down."""
    where = fresh.path(folder)
    where.mkdir(parents=True, exist_ok=True)
    shutil.copy(pair[0], where / "fullchain.pem")
    shutil.copy(pair[1], where / "privkey.pem")
    return folder


def certbot(fresh, folder, names="mail.example.org", **more):
    return fresh.run("/usr/bin/env", f"RENEWED_LINEAGE={folder}",
                     f"RENEWED_DOMAINS={names}",
                     "/etc/letsencrypt/renewal-hooks/deploy/kereru", **more)


def dehydrated(fresh, folder, operation="deploy_cert",
               name="mail.example.org", **more):
    return fresh.run("/etc/dehydrated/hook.sh", operation, name,
                     f"{folder}/privkey.pem", f"{folder}/cert.pem",
                     f"{folder}/fullchain.pem", f"{folder}/chain.pem",
                     "1700000000", **more)


class Reader:
    """A client that stays logged in, and shows each certificate it meets."""

    CODE = """
        import hashlib, imaplib, ssl, sys
        def open_one():
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            c = imaplib.IMAP4_SSL("127.0.0.1", 993, ssl_context=context)
            c.login("alice@example.org", sys.argv[1])
            return c, hashlib.sha256(c.sock.getpeercert(True)).hexdigest()
        first, digest = open_one()
        print(digest, flush=True)
        for line in sys.stdin:
            print(open_one()[1], first.noop()[0], flush=True)
        """

    def __init__(self, fresh):
        self.process = subprocess.Popen(
            [str(a) for a in fresh.command("/usr/bin/python3", "-c",
                                  textwrap.dedent(self.CODE), PASSWORD)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.digest = self.process.stdout.readline().strip()

    def again(self):
        """(the certificate of a new connection, what the old one answers)"""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().split()

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


@pytest.fixture
def reader(hooks):
    r = Reader(hooks)
    yield r
    r.close()


def digest_of(pair):
    import hashlib
    return hashlib.sha256(der(pair[0])).hexdigest()


@pytest.mark.parametrize("client", [certbot, dehydrated])
def test_a_renewal_is_served_with_nothing_lost(hooks, reader, authority,
                                               client):
    pair = authority.issue("mail.example.org")
    done = client(hooks, put(hooks, pair))
    assert reader.digest != digest_of(pair)
    assert reader.again() == [digest_of(pair), "OK"]
    # Its key is new: what has to be published is told. That of the host's own
    # making, which nobody believes, serves no more beside it.
    assert re.search("^_25._tcp.mail.example.org. IN TLSA 3 1 1 [0-9a-f]{64}$",
                     done.stdout, re.M)
    settings = hooks.path("/etc/kereru/settings").read_text()
    assert re.findall("^tls-certificates.*", settings, re.M) == [
        "tls-certificates tls/ec.pem"]
    assert "tls/ec.pem" in hooks.path("/etc/kereru/settings").read_text()
    key = hooks.path("/etc/kereru/tls/ec.key")
    assert key.stat().st_mode & 0o777 == 0o600
    # Again: the same key, and nothing to say.
    assert client(hooks, put(hooks, pair)).stdout == ""


def test_pairs_that_are_refused(hooks, reader, authority, tmp_path):
    good, other = (authority.issue("mail.example.org") for _ in range(2))
    rubbish = tmp_path / "rubbish"
    rubbish.write_text("no PEM\n")
    cases = [
        ((good[0], other[1]), "is not the key of the certificate"),
        (authority.issue("mail.example.org", expired=True), "has expired"),
        (authority.issue("other.example.org"),
         "is not for the name mail.example.org"),
        ((str(rubbish), good[1]), "is not a PEM file"),
        ((good[0], str(rubbish)), "is not a key that can be used"),
    ]
    def state():
        return {p: (p.read_bytes(), p.stat().st_mtime_ns) for folder in
                ("/etc/kereru", "/var/lib/kereru/tables")
                for p in hooks.path(folder).rglob("*") if p.is_file()}
    before = state()
    for pair, words in cases:
        done = certbot(hooks, put(hooks, pair), check=False)
        assert done.returncode == 100 and words in done.stderr, done.stderr
        assert "nothing was changed" in done.stderr
        assert state() == before
    folder = put(hooks, good)
    (hooks.path(folder) / "privkey.pem").unlink()
    assert certbot(hooks, folder, check=False).returncode == 100
    # What is not this host's business, and other calls.
    folder = put(hooks, good)
    certbot(hooks, folder, names="www.example.org")
    dehydrated(hooks, folder, name="www.example.org")
    dehydrated(hooks, folder, operation="startup_hook")
    assert "it is good" in hooks.sh(
        f"kereru certificate --dry-run {folder}/fullchain.pem "
        f"{folder}/privkey.pem").stdout
    assert state() == before
    assert reader.again() == [reader.digest, "OK"]
