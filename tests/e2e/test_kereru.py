"""kereru: the text files of a host, what is said about them, and the tables."""
import json
import os
import re
import shutil
import socket
import stat
import struct
import subprocess

import pytest

from cdbfile import read_cdb
from host import Host, password_hash, prefix

NAME = "mx.example.org"


@pytest.fixture(scope="module")
def made():
    """A host that is set up, but not started."""
    host = Host(NAME, domains={NAME: "local", "two.example": "local",
                               "kept.example": "backup"},
                users={"alice": "secret", "bob": "secret"})
    yield host
    host.close()


@pytest.fixture
def files(made):
    """The same; its text files are put back afterwards."""
    before = made.folder / "before"
    shutil.copytree(made.etc, before)
    yield made
    shutil.rmtree(made.etc)
    before.rename(made.etc)
    made.compile()


def add(host, name, *lines):
    with open(host.etc / name, "a") as f:
        f.writelines(line + "\n" for line in lines)


def line_count(host, name):
    return len((host.etc / name).read_text().splitlines())


def table(host, name):
    return read_cdb(host.tables / f"{name}.cdb")


def refused(host):
    """Compile, which must fail and change nothing; what was said, shortened
    from /path/FILE:LINE to FILE:LINE."""
    def state():
        return {p.name: p.read_bytes() for p in host.tables.iterdir()}
    before = state()
    done = host.kereru("compile", check=False)
    assert done.returncode == 100
    assert state() == before
    check = host.kereru("check", "--quick", check=False)
    assert check.returncode == 2 and check.stdout
    return done.stderr.replace(f"{host.etc}/", "")


FAULTS = [
    ("settings", "nonsense 1", "no setting named nonsense"),
    ("settings", "hostname again.example", "line .* already"),
    ("settings", "connections-max 0", "too small"),
    ("settings", "auth-cache 5x", "not a time"),
    ("settings", "queue-lifetime\x01", "control character"),
    ("settings", "checkpassword bin/check", "absolute path"),
    ("domains", "foo.example remote", "`DOMAIN local`"),
    ("domains", "-x.example local", "no domain"),
    ("domains", "TWO.example. backup", "line .* already"),
    ("users", "carol@mx.example.org", "`ADDRESS UID"),
    ("users", "carol@elsewhere.example 5", "no local domain"),
    ("users", "carol@kept.example 5", "no local domain"),
    ("users", "carol@mx.example.org 5", "outside of mailbox-uids"),
    ("users", "nobody 5", "no address"),
    ("users", "a/b@mx.example.org {free}", "makes no folder name"),
    ("users", "ALICE@mx.example.org {free}", "line .* already"),
    ("users", "carol@mx.example.org {alice}", "uid .* line .* already"),
    ("users", "carol@mx.example.org {free} relative", "absolute path"),
    ("users", "carol@mx.example.org {free} /a/../b", "absolute path"),
    ("users", "carol@mx.example.org {free} /a b", "one field too many"),
    ("passwords", "carol@mx.example.org {hash}", "no user"),
    ("passwords", "alice@two.example secret", "`ADDRESS HASH`"),
    ("passwords", "alice@mx.example.org {hash}", "line .* already"),
    ("aliases", "a@two.example", "`ADDRESS TARGET"),
    ("aliases", "alice@mx.example.org x@y.example", "is a mailbox"),
    ("aliases", "a@other.example x@y.example", "no local domain"),
    ("aliases", "a@two.example nobody@two.example", "neither a user nor"),
    ("aliases", "a@two.example a@two.example", "back to itself"),
    ("aliases", "a@two.example x", "no address"),
    ("routes", "two.example smart.example", "is local"),
    ("routes", "x.example", "`DOMAIN HOST"),
    ("routes", "x.example smart.example:0", "`DOMAIN HOST"),
    ("routes", "x.example [192.0.2.1", "`DOMAIN HOST"),
    ("routes", "x.example [192.0.2.300]", "`DOMAIN HOST"),
    ("tls-policy", "x.example maybe", "a line is"),
    ("tls-policy", "x.example must x.example", "a line is"),
    ("tls-policy", "x.example pin 00", "a line is"),
    ("tls-policy", "x..example must", "is no domain"),
    ("relay-logins", "smart.example me", "`HOST\\[:PORT\\] USER"),
    ("relay-logins", "smart.example:26 me secret", "no route leads there"),
    ("outgoing", "192.0.2.300 a.example", "`ADDRESS NAME"),
    ("outgoing", "192.0.2.3 a..example", "is no domain"),
    ("networks", "192.0.2.1/24", "outside of the network"),
    ("networks", "0.0.0.0/0", "whole world"),
    ("networks", "::/0", "whole world"),
    ("networks", "192.0.2.0/33", "number of bits"),
    ("networks", "example.org", "a line is an address"),
]


@pytest.mark.parametrize("name, line, wanted", FAULTS,
                         ids=[f"{n} {l.split()[-1]}" for n, l, _ in FAULTS])
def test_fault_is_told_with_file_and_line(files, name, line, wanted):
    add(files, name, line.format(
        free=files.first_uid + 1000,
        alice=files.users["alice@mx.example.org"],
        hash=password_hash("secret")))
    said = refused(files)
    assert re.search(rf"^{name}:{line_count(files, name)}: .*{wanted}", said,
                     re.M), said


def test_all_faults_are_told(files):
    add(files, "settings", "nonsense 1")
    add(files, "domains", "x")
    add(files, "users", "y")
    add(files, "networks", "z", "1.2.3.4/5")
    said = refused(files)
    assert len(re.findall(r"^\w+:\d+: ", said, re.M)) == 5
    assert "5 faults" in said


def test_missing_settings(files):
    (files.etc / "settings").unlink()
    assert "kereru setup" in refused(files)


def test_a_loop_over_aliases(files):
    add(files, "aliases", "a@two.example b@two.example",
        "b@two.example alice@mx.example.org a@two.example")
    assert "back to itself" in refused(files)


def test_secrets_of_a_wrong_line_are_not_shown(files):
    add(files, "passwords", "alice@two.example topsecret topsecret")
    assert "topsecret" not in refused(files)


def test_tables(files):
    add(files, "aliases", "Team@two.example Alice@MX.example.org bob@"
        "mx.example.org Other@Elsewhere.example",
        "all@two.example team@two.example")
    add(files, "routes", "x.example smart.example", "* [192.0.2.1]:26")
    add(files, "networks", "192.0.2.0/24", "2001:db8::/32", "198.51.100.7")
    add(files, "tls-policy", "Y.example must", ".example verify A.example b.c",
        f"* pin {'aB' * 32}", "[192.0.2.1] none")
    add(files, "relay-logins", "smart.example me se;cret", "[192.0.2.1]:26 u p")
    add(files, "outgoing", "192.0.2.7  A.example", "2001:db8::7 b.example X.Y")
    files.compile()
    alice = files.users["alice@mx.example.org"]
    bob = files.users["bob@mx.example.org"]
    recipients = table(files, "recipients")
    assert recipients[b"@two.example"] == b"local"
    assert recipients[b"@kept.example"] == b"backup"
    assert recipients[b"alice@mx.example.org"] == b"m %d" % alice
    assert recipients[b"team@two.example"] == b"a %d %d" % (alice, bob)
    assert recipients[b"all@two.example"] == b"a %d %d" % (alice, bob)
    assert recipients[b"postmaster@two.example"] == b"a %d" % alice
    assert b"postmaster@kept.example" not in recipients
    aliases = table(files, "aliases")
    assert aliases[b"team@two.example"] == (
        b"alice@mx.example.org\0bob@mx.example.org\0Other@Elsewhere.example\0")
    assert aliases[b"postmaster@two.example"] == b"alice@mx.example.org\0"
    assert table(files, "routes") == {
        b"x.example": b"smart.example:20025", b"*": b"[192.0.2.1]:26"}
    mapped = bytes(10) + b"\xff\xff"
    assert table(files, "tls-policy") == {
        b"y.example": b"must", b".example": b"verify\0a.example\0b.c",
        b"*": b"pin\0" + b"ab" * 32, b"[192.0.2.1]": b"none"}
    assert table(files, "relay-logins") == {
        b"smart.example:20025": b"me\0se;cret", b"[192.0.2.1]:26": b"u\0p"}
    assert table(files, "settings")[b"outgoing"] == (
        b"192.0.2.7 a.example\n2001:db8::7 b.example x.y\n")
    assert table(files, "networks") == {b"": b"".join((
        mapped, b"\xc0\x00\x02\x00", mapped, b"\xc0\x00\x02\xff",
        b"\x20\x01\x0d\xb8", bytes(12), b"\x20\x01\x0d\xb8", b"\xff" * 12,
        mapped, b"\xc6\x33\x64\x07", mapped, b"\xc6\x33\x64\x07")),
        b"proxy": b""}
    assert table(files, "users")[b"bob@mx.example.org"] == (
        b"%d\0%s\0" % (bob, bytes(files.maildir("bob@mx.example.org"))))
    settings = table(files, "settings")
    assert settings[b"hostname"] == b"mx.example.org\0"
    address, _, port = settings[b"listen-smtp"][:-1].decode().partition(":")
    assert settings[b"bind-smtp"] == b"\x10" + struct.pack(
        "=H", socket.AF_INET) + struct.pack(">H", int(port)) + \
        socket.inet_aton(address) + bytes(8)
    assert settings[b"uid-smtpd"] == b"%d\0" % files.uids["smtpd"]
    assert settings[b"message-size-max"] == b"52428800\0"
    assert settings[b"remote-hello"] == b"mx.example.org\0"


def test_postmaster_that_is_written_is_kept(files):
    add(files, "aliases", "postmaster@mx.example.org bob@mx.example.org")
    files.compile()
    aliases = table(files, "aliases")
    assert aliases[b"postmaster@mx.example.org"] == b"bob@mx.example.org\0"
    assert aliases[b"postmaster@two.example"] == (
        b"postmaster@mx.example.org\0")


def test_the_hostname_is_a_local_domain_unless_said_otherwise(files):
    files.write("domains", ["two.example local", "kept.example backup"])
    files.write("aliases", [])
    files.compile()
    recipients = table(files, "recipients")
    assert recipients[b"@mx.example.org"] == b"local"
    for name in (b"postmaster", b"root", b"mailer-daemon"):
        assert name + b"@mx.example.org" in recipients
    assert b"root@two.example" not in recipients
    # Its place in the file decides who logs in with a bare name.
    assert table(files, "settings")[b"login-domain"] == b"two.example\0"


def test_modes_and_owners(made):
    made.compile()
    queue = made.uids["queue"]
    wanted = {"settings.cdb": (0, 0o644), "recipients.cdb": (queue, 0o640),
              "aliases.cdb": (queue, 0o640), "routes.cdb": (queue, 0o640),
              "tls-policy.cdb": (0, 0o644), "srs.key": (queue, 0o640),
              "dkim.cdb": (made.uids["sign"], 0o640),
              "relay-logins.cdb": (made.uids["remote"], 0o640),
              "users.cdb": (0, 0o600), "passwords.cdb": (0, 0o600),
              "networks.cdb": (0, 0o600), "certs": (0, 0o644),
              "keys": (0, 0o600)}
    found = {p.name: (p.stat().st_gid, stat.S_IMODE(p.stat().st_mode))
             for p in made.tables.iterdir()}
    assert found == wanted
    assert all(p.stat().st_uid == 0 for p in made.tables.iterdir())
    for folder, uid, gid, mode in [
            ("queue", queue, made.gid_drop, 0o710),
            ("queue/tmp", queue, queue, 0o3733),
            ("queue/new", queue, queue, 0o3733),
            ("queue/cur", queue, queue, 0o700), ("mail", 0, 0, 0o711),
            ("empty", 0, 0, 0o555)]:
        s = (made.state / folder).stat()
        assert (s.st_uid, s.st_gid, stat.S_IMODE(s.st_mode)) == (
            uid, gid, mode), folder


def findings(done):
    """(name, file) of what check has found. sendmail is shared by all hosts of
    this machine's tests, and belongs to the last one."""
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return [(f["name"], os.path.basename(f["subject"])) for f in found
            if f["name"] != "sendmail-rights"]


def test_check_finds_secrets_that_others_can_read(files):
    quick = ("check", "--quick", "--json")
    assert findings(files.kereru(*quick, check=False)) == []
    (files.etc / "passwords").chmod(0o644)
    (files.etc / "tls/rsa.key").chmod(0o640)
    os.chown(files.etc / "users", 1234, 0)
    done = files.kereru(*quick, check=False)
    assert done.returncode == 2
    assert sorted(findings(done)) == [
        ("secret-open", "passwords"), ("secret-open", "rsa.key"),
        ("text-open", "users")]


@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_key_of_another_certificate(files, kind, tmp_path):
    other = tmp_path / "other.key"
    options = ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ec" \
        else ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
    subprocess.run(["openssl", "genpkey", "-out", other, "-algorithm",
                    *options], check=True, capture_output=True)
    shutil.copy(other, files.etc / f"tls/{kind}.key")
    assert f"tls/{kind}.key: is not the key" in refused(files)


@pytest.mark.parametrize("content", [b"", b"-----BEGIN CERTIFICATE-----\nAA",
                                     b"\xff" * 100])
def test_damaged_certificate(files, content):
    (files.etc / "tls/ec.pem").write_bytes(content)
    assert "tls/ec.pem: is not a PEM file" in refused(files)


def test_certificate_that_expires_is_warned_of(files):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "3", "-subj", "/CN=x",
         "-keyout", files.etc / "tls/ec.key", "-out", files.etc / "tls/ec.pem"],
        check=True, capture_output=True)
    said = files.kereru("compile").stderr
    assert "ec.pem: warning: expires in" in said
    assert "ec.pem: warning: is a CA's own" in said


def test_key_forms(files):
    """PKCS#8 and the older forms with the kind in the name."""
    keys = (files.tables / "keys").read_bytes()
    for kind in ("ec", "rsa"):
        key = files.etc / f"tls/{kind}.key"
        subprocess.run(["openssl", kind, "-in", key, "-out", key],
                       check=True, capture_output=True)
        key.write_text(key.read_text().rstrip("\n"))
    files.compile()
    assert (files.tables / "keys").read_bytes() == keys


def test_no_certificates(files):
    add(files, "settings", "tls-certificates")
    assert "nobody can log in" in files.kereru("compile").stderr
    settings = table(files, "settings")
    assert settings[b"listen-submits"] == b"\0"
    assert settings[b"listen-submit"] != b"\0"
    assert (files.tables / "certs").read_bytes() == bytes(4)


def test_user_add_passwd_remove(files):
    def users():
        return dict(line.split()[:2] for line in
                    files.kereru("user", "list").stdout.splitlines())
    address = "Carol@two.example"
    key = address.lower()
    files.kereru("user", "add", address, "--password-stdin", input="one\n")
    uid = users()[key]
    assert int(uid) > max(files.users.values())
    maildir = files.state / "mail/two.example/carol"
    assert maildir.stat().st_uid == int(uid)
    assert stat.S_IMODE(maildir.stat().st_mode) == 0o700
    assert (maildir / "new").stat().st_uid == int(uid)
    assert key.encode() in table(files, "users")
    first = table(files, "passwords")[key.encode()]
    assert first.startswith(b"$argon2id$v=19$m=19456,t=2,p=1$")
    files.kereru("user", "passwd", address, "--password-stdin", input="two\n")
    assert table(files, "passwords")[key.encode()] != first

    assert files.kereru("user", "add", address, "--password-stdin",
                        input="x\n", check=False).returncode == 100
    files.kereru("user", "remove", address)
    assert key not in users()
    assert key.encode() not in table(files, "passwords")
    assert maildir.exists()
    # Its uid belongs to it for ever.
    files.kereru("user", "add", "dave@two.example", "--password-stdin",
                 input="x\n")
    assert int(users()["dave@two.example"]) == int(uid) + 1
    add(files, "users", f"eve@two.example {uid}")
    assert "never used again" in refused(files)


def test_comments_and_other_lines_stay(files):
    add(files, "users", "# mine", "", "  carol@two.example "
        f"{files.first_uid + 1500} /srv/carol # hers")
    before = (files.etc / "users").read_text()
    files.kereru("user", "add", "dora@two.example", "--password-stdin",
                 input="x\n")
    files.kereru("user", "remove", "dora@two.example")
    assert (files.etc / "users").read_text() == before


@pytest.mark.parametrize("address", ["x", "x@", "@two.example", "a b@two.example",
                                     "../x@two.example", "x@kept.example",
                                     "x@elsewhere.example", "a/b@two.example"])
def test_user_that_cannot_be_added(files, address):
    before = (files.etc / "users").read_text()
    done = files.kereru("user", "add", address, "--password-stdin",
                        input="x\n", check=False)
    assert done.returncode == 100
    assert (files.etc / "users").read_text() == before


def test_maildir_of_somebody_else_is_not_taken(files):
    folder = files.state / "mail/two.example/frank"
    folder.mkdir(parents=True)
    os.chown(folder, 1234, 1234)
    done = files.kereru("user", "add", "frank@two.example",
                        "--password-stdin", input="x\n", check=False)
    assert done.returncode == 111 and "somebody else's" in done.stderr
    assert folder.stat().st_uid == 1234
    assert "frank" not in (files.etc / "users").read_text()


def test_domain_and_alias_add(files):
    files.kereru("domain", "add", "Three.example")
    files.kereru("domain", "add", "four.example", "--backup")
    assert "three.example local" in files.kereru("domain", "list").stdout
    files.kereru("alias", "add", "info@three.example", "alice@mx.example.org",
                 "x@y.example")
    assert b"info@three.example" in table(files, "aliases")
    for args in (["domain", "add", "three.example"],
                 ["alias", "add", "info@three.example", "x@y.example"],
                 ["alias", "add", "b@three.example", "nobody@three.example"],
                 ["alias", "add", "b@y.example", "x@y.example"]):
        assert files.kereru(*args, check=False).returncode == 100


def test_domain_and_alias_remove(files):
    files.kereru("domain", "add", "five.example")
    files.kereru("alias", "add", "a@five.example", "alice@mx.example.org")
    files.kereru("alias", "add", "b@five.example", "a@five.example",
                 "X@y.example")
    assert {"a@five.example alice@mx.example.org",
            "b@five.example a@five.example X@y.example"} <= set(
        files.kereru("alias", "list").stdout.splitlines())
    before = (files.etc / "aliases").read_bytes()
    for args in (["domain", "remove", "five.example"],
                 ["domain", "remove", "no.example"],
                 ["domain", "remove", NAME],
                 ["alias", "remove", "a@five.example"],
                 ["alias", "remove", "c@five.example"],
                 ["alias", "remove", "alice@mx.example.org"]):
        assert files.kereru(*args, check=False).returncode == 100, args
    assert (files.etc / "aliases").read_bytes() == before
    files.kereru("alias", "remove", "B@five.example")
    files.kereru("alias", "remove", "a@five.example")
    assert b"a@five.example" not in table(files, "aliases")
    files.kereru("domain", "remove", "Five.example")
    assert "five.example" not in files.kereru("domain", "list").stdout


def test_catch_all(files):
    key = b"*@two.example"
    files.kereru("alias", "add", "@Two.Example", "alice@mx.example.org",
                 "x@y.example")
    uid = files.users["alice@mx.example.org"]
    assert table(files, "recipients")[key] == b"a %d" % uid
    assert table(files, "aliases")[key] == \
        b"alice@mx.example.org\0x@y.example\0"
    assert "*@two.example alice@mx.example.org x@y.example" in \
        files.kereru("alias", "list").stdout.splitlines()
    before = (files.etc / "aliases").read_bytes()
    for args in (["alias", "add", "*@two.example", "x@y.example"],
                 ["alias", "add", "@kept.example", "x@y.example"],
                 ["alias", "add", "@y.example", "x@y.example"],
                 ["alias", "add", f"@{NAME}", f"*@{NAME}"],
                 ["alias", "add", f"@{NAME}", f"nobody@{NAME}"],
                 ["alias", "add", f"@{NAME}", f"@{NAME}"],
                 ["alias", "add", "@", "x@y.example"],
                 ["alias", "remove", f"@{NAME}"],
                 ["domain", "remove", "two.example"],
                 ["user", "add", "*@two.example", "--password-stdin"]):
        done = files.kereru(*args, check=False, input="x\n")
        assert done.returncode == 100, args
    assert (files.etc / "aliases").read_bytes() == before
    files.kereru("alias", "remove", "@TWO.example")
    assert key not in table(files, "aliases")
    # By hand: as one form, and no loop.
    add(files, "aliases", "@two.example x@y.example",
        f"*@two.example *@{NAME}", f"*@{NAME} *@two.example")
    count = line_count(files, "aliases")
    told = refused(files)
    assert f"aliases:{count - 2}: all else in a domain is written " \
        "*@two.example" in told
    assert f"aliases:{count}: *@{NAME} leads back to itself" in told


def test_user_disable_and_enable(files):
    key = "alice@mx.example.org"
    first = table(files, "passwords")[key.encode()]
    text = (files.etc / "passwords").read_text()
    for _ in range(2):
        files.kereru("user", "disable", key)
        assert key.encode() not in table(files, "passwords")
        # Its mail goes on to be delivered.
        assert key.encode() in table(files, "recipients")
    assert f"{key} !$argon2id$" in (files.etc / "passwords").read_text()
    for _ in range(2):
        files.kereru("user", "enable", key)
        assert table(files, "passwords")[key.encode()] == first
    assert sorted(text.splitlines()) == sorted(
        (files.etc / "passwords").read_text().splitlines())
    files.kereru("alias", "add", "a@two.example", key)
    files.kereru("alias", "add", "b@two.example", key, "x@y.example")
    files.kereru("user", "disable", key, "--refuse-mail")
    assert f"{key} !!$argon2id$" in (files.etc / "passwords").read_text()
    uid = files.users[key]
    got = table(files, "recipients")
    assert key.encode() not in table(files, "passwords")
    assert got[key.encode()] == b"m %d refused" % uid
    assert got[b"a@two.example"] == b"a %d refused" % uid
    assert got[b"b@two.example"] == b"a %d" % uid
    files.kereru("user", "disable", key)
    assert table(files, "recipients")[key.encode()] == b"m %d" % uid
    # A new password lets in again.
    files.kereru("user", "passwd", key, "--password-stdin", input="new\n")
    assert key.encode() in table(files, "passwords")
    assert files.kereru("user", "disable", "no@mx.example.org",
                        check=False).returncode == 100


def test_user_quota(files):
    key = "alice@mx.example.org"
    path = files.maildir(key) / "maildirsize"
    assert files.kereru("user", "quota", key).stdout == "none\n"
    letter = files.maildir(key) / "cur/1.a,S=1000:2,"
    letter.write_text("x" * 1000)
    files.kereru("user", "quota", key, "2M")
    assert path.read_text().startswith("2097152S\n")
    assert path.stat().st_uid == files.users[key]
    assert files.kereru("user", "quota", key).stdout == \
        "1000 of 2097152 octets\n"
    for size in ("0", "x", "1T", "1MM", "-1", "99999999999999999999"):
        assert files.kereru("user", "quota", key, size,
                            check=False).returncode == 100, size
    # What its owner has put there leads nowhere.
    victim = files.etc / "victim"
    victim.write_text("mine")
    path.unlink()
    for link in (path, path.with_name("maildirsize.new")):
        link.symlink_to(victim)
    files.kereru("user", "quota", key, "1G")
    assert victim.read_text() == "mine" and not path.is_symlink()
    files.kereru("user", "quota", key, "none")
    assert not path.exists()
    letter.unlink()


def test_setup_again_keeps_everything(files):
    letter = files.maildir("alice@mx.example.org") / "new/letter"
    letter.write_text("hello")
    before = {p: p.read_bytes() for p in files.etc.rglob("*") if p.is_file()}
    files.kereru("setup", NAME, "--no-dkim")
    assert letter.read_text() == "hello"
    letter.unlink()
    assert {p: p.read_bytes() for p in files.etc.rglob("*")
            if p.is_file()} == before
    assert files.kereru("setup", "other.example.org",
                        check=False).returncode == 100


def test_sendmail_gets_its_group(made):
    made.kereru("setup", NAME, "--no-dkim")
    s = (prefix() / "sbin/sendmail").stat()
    assert stat.S_IMODE(s.st_mode) == 0o2755 and s.st_uid == 0


def test_a_hundred_thousand_users(files):
    first, secret = files.first_uid + 100, password_hash("secret")
    uids = range(4_000_000, 4_100_000)
    text = (files.etc / "settings").read_text()
    (files.etc / "settings").write_text(re.sub(
        "mailbox-uids .*", f"mailbox-uids {first}-4100000", text))
    with open(files.etc / "users", "a") as users, \
            open(files.etc / "passwords", "a") as passwords:
        for uid in uids:
            users.write(f"user{uid}@mx.example.org {uid}\n")
            passwords.write(f"user{uid}@mx.example.org {secret}\n")
    files.kereru("compile", timeout=10)
    assert len(table(files, "users")) == 100_002
    # Not to be remembered by the other tests.
    (files.state / "uids").unlink()


def test_a_kill_leaves_old_or_new_tables(files):
    """SIGKILL at any moment: every table is whole, and compiling again works."""
    for delay in range(1, 12):
        add(files, "routes", f"r{delay}.example smart.example")
        process = subprocess.Popen(
            ["timeout", "-s", "KILL", f"{delay * 0.002:.3f}",
             prefix() / "sbin/kereru", "-c", files.etc, "compile"])
        process.wait()
        for name in ("settings", "recipients", "users", "routes"):
            table(files, name)
    files.compile()
    assert not [p for p in files.tables.iterdir() if p.name.startswith(".")]
    assert len(table(files, "routes")) == 11


def test_help_and_usage():
    kereru = prefix() / "sbin/kereru"
    done = subprocess.run([kereru, "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and "setup HOSTNAME" in done.stdout
    for args in ([], ["nonsense"], ["compile", "x"], ["user"], ["user", "add"],
                 ["domain"], ["alias", "add", "x"], ["setup"],
                 ["setup", "a", "b"], ["-c"]):
        done = subprocess.run([kereru, *args], capture_output=True, text=True)
        assert done.returncode == 100 and "usage" in done.stderr, args
