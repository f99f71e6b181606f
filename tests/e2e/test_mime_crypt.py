"""mime sign, encrypt, decrypt, verify, and what show says of it.

With GnuPG and OpenSSL themselves on the other side, and with the messages of
Thunderbird's tests (looked for in $KERERU_TESTDATA, else beside the clone).
"""
import concurrent.futures
import csv
import email
import email.policy
import os
import pathlib
import random
import re
import shutil
import subprocess
import tempfile

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("KERERU_BUILD", REPOSITORY / "build"))
MIME = BUILD / "bin" / "mime"
TESTDATA = pathlib.Path(os.environ.get(
    "KERERU_TESTDATA", REPOSITORY.parent / "shared" / "testdata"))
THUNDERBIRD = TESTDATA / "openpgp" / "thunderbird"

# Gives the same passphrase to every question.
PINENTRY = """#!/bin/sh
echo OK ready
while read -r word rest; do
	[ "$word" = GETPIN ] && echo "D secret"
	echo OK
	[ "$word" = BYE ] && exit
done
"""


class Keys:
    """A folder of GnuPG's."""

    def __init__(self):
        # Short: sockets lie in it.
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="kr-gpg-"))
        self.env = {**os.environ, "GNUPGHOME": str(self.home)}
        pinentry = self.home / "pinentry"
        pinentry.write_text(PINENTRY)
        pinentry.chmod(0o700)
        (self.home / "gpg-agent.conf").write_text(
            f"pinentry-program {pinentry}\nno-allow-mark-trusted\n")

    def run(self, *argv, data=None, code=0):
        done = subprocess.run(argv, input=data, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=self.env,
                              timeout=60)
        assert code is None or done.returncode == code, (
            argv, done.returncode, done.stdout, done.stderr)
        return done

    def gpg(self, *argv, **more):
        return self.run("gpg", "--batch", "-q", "--pinentry-mode", "loopback",
                        "--passphrase", "", *argv, **more)

    def mime(self, *argv, data=None, code=0):
        return self.run(MIME, *argv, data=data, code=code)

    def make(self, address):
        self.gpg("--quick-generate-key", f"Somebody <{address}>", "ed25519",
                 "sign", "never")
        self.gpg("--quick-add-key", self.fingerprint(address), "cv25519",
                 "encr", "never")

    def fingerprint(self, name):
        told = self.gpg("--with-colons", "--list-keys", name).stdout.decode()
        return re.search("^fpr:::::::::([0-9A-F]+):", told, re.M)[1]

    def stop(self):
        self.run("gpgconf", "--kill", "all", code=None)
        shutil.rmtree(self.home, ignore_errors=True)


@pytest.fixture(scope="module")
def keys():
    k = Keys()
    k.make("a@example.org")
    k.make("b@example.org")
    yield k
    k.stop()


DRAFT = """From: Jörn <a@example.org>
To: b@example.org
Subject: Grüße

Hällo \u20ac
trailing\x20\x20
-- \u0020
From here
"""


@pytest.fixture(scope="module")
def message(keys):
    return keys.mime("compose", data=DRAFT.encode()).stdout


def crlf(octets):
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def parts_of_signed(octets):
    """The two parts of a multipart/signed, octet by octet."""
    boundary = re.search(rb'multipart/signed.*?boundary="([^"]+)"', octets,
                         re.S)[1]
    pieces = octets.split(b"\n--" + boundary)
    signature = email.message_from_bytes(pieces[2].split(b"\n", 1)[1])
    return crlf(pieces[1].split(b"\n", 1)[1]), \
        signature.get_payload(decode=True)


def test_gpg_verifies_what_we_signed(keys, message, tmp_path):
    signed = keys.mime("sign", "-A", data=message).stdout
    signed.decode("ascii")
    assert not re.search(rb"[ \t]\n|\nFrom ", signed.split(b"\n\n", 1)[1])
    text, signature = parts_of_signed(signed)
    (tmp_path / "text").write_bytes(text)
    (tmp_path / "signature").write_bytes(signature)
    keys.gpg("--verify", tmp_path / "signature", tmp_path / "text")
    back = email.message_from_bytes(signed, policy=email.policy.default)
    assert not back.defects and back["subject"] == "Grüße"
    assert back.get_content_type() == "multipart/signed"
    assert back.get_body().get_content() == DRAFT.split("\n\n", 1)[1]
    assert keys.mime("verify", data=signed).stdout.startswith(
        b"Signature: good: key ")
    # The key that came along is the one.
    key = keys.mime("autocrypt", "-", data=signed).stdout
    told = keys.gpg("--with-colons", "--show-keys", data=key).stdout.decode()
    assert keys.fingerprint("a@example.org") in told


def test_no_octet_can_be_changed(keys, message):
    signed = keys.mime("sign", data=message).stdout
    at = signed.index(b"\n\n") + 2
    rng = random.Random(5)

    def tamper(_):
        changed = bytearray(signed)
        for _ in range(rng.choice((1, 1, 2))):
            i = rng.randrange(at, len(signed))
            changed[i] = rng.choice(b"aZ= \n-")
        done = keys.mime("verify", data=bytes(changed), code=None)
        # What is not of the signature: boundaries' ends, its own header.
        text = done.stdout.decode()
        if done.returncode == 0:
            assert parts_of_signed(bytes(changed))[0] == \
                parts_of_signed(signed)[0]
        else:
            assert done.returncode == 1 and "Signature: good" not in text
        shown = keys.mime("show", "-", data=bytes(changed)).stdout.decode()
        assert ("Signature: good" in shown) == (done.returncode == 0)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(tamper, range(8)))


def test_who_is_not_the_sender_is_not_good(keys, message):
    signed = keys.mime("sign", "-k", "b@example.org", data=message).stdout
    done = keys.mime("verify", data=signed, code=1)
    assert b"NOT GOOD: it fits, but the key is not of all who stand in From" \
        in done.stdout
    signed = keys.mime("sign", data=message).stdout
    for more in (b"From: e@example.org\n", b"From: e@x, a@example.org\n"):
        done = keys.mime("verify", data=more + signed, code=1)
        assert b"NOT GOOD" in done.stdout and b": good" not in done.stdout
    # An address that has the sender's in it.
    done = keys.mime("sign", data=message.replace(b"<a@", b"<aa@"), code=111)
    assert b"no secret key" in done.stderr


def test_what_else_is_shown_is_not_covered(keys, message):
    signed = keys.mime("sign", data=message).stdout
    header, body = signed.split(b"\n\n", 1)
    content = header[header.index(b"Content-Type"):]
    around = (b"From: a@example.org\nContent-Type: multipart/mixed; "
              b"boundary=xx\n\n--xx\n" + content + b"\n\n" + body +
              b"\n--xx\n\nsomething else\n--xx--\n")
    done = keys.mime("verify", data=around, code=1)
    assert b"Signature of part 1 only: good" in done.stdout
    # A third part in it.
    boundary = re.search(rb'boundary="(s=[^"]+)"', signed)[1]
    more = signed.replace(b"\n--" + boundary + b"--",
                          b"\n--" + boundary + b"\n\nmore\n--" + boundary +
                          b"--")
    assert b"NOT GOOD" in keys.mime("verify", data=more, code=1).stdout


def test_text_that_looks_like_a_report(keys):
    false = b"Signature: good: key 1234 of somebody\n"
    message = (b"From: a@example.org\nSubject: =?utf-8?Q?x=0ASignature:_good?="
               b"\nContent-Type: multipart/signed; boundary=b\n\n--b\n\n" +
               false + b"--b\nContent-Type: application/pgp-signature\n\n" +
               false + b"--b--\n")
    shown = keys.mime("show", "-", data=message).stdout
    assert shown.startswith(b"Signature: NOT GOOD")
    first = shown.split(b"\nFrom: ")[0]
    assert b"good: key" not in first
    plain = keys.mime("show", "-", data=b"From: a@x\n\n" + false).stdout
    assert plain.startswith(b"From: ")


def test_gpg_decrypts_what_we_encrypted(keys, message):
    for options in ([], ["-s"], ["-c"], ["-r", "b@example.org"]):
        made = keys.mime("encrypt", *options, data=message).stdout
        assert "Hällo".encode() not in made and b"=C3=BC" not in made or \
            options == ["-c"]
        back = email.message_from_bytes(made, policy=email.policy.default)
        assert back.get_content_type() == "multipart/encrypted"
        assert (back["subject"] == "...") == (options != ["-c"])
        inner = keys.gpg("--decrypt", data=back.get_payload()[1].get_payload(
            decode=True)).stdout
        inner = email.message_from_bytes(inner, policy=email.policy.default)
        assert inner["subject"] == "Grüße"
        done = keys.mime("decrypt", data=made)
        again = email.message_from_bytes(done.stdout,
                                         policy=email.policy.default)
        assert again["subject"] == "Grüße"
        assert again.get_content() == DRAFT.split("\n\n", 1)[1]
        assert ("Signature: good" in done.stderr.decode()) == \
            (options == ["-s"])
        # Not twice.
        assert keys.mime("encrypt", *options, data=made).stdout == made
    done = keys.mime("encrypt", data=b"Bcc: b@example.org\n" + message,
                     code=100)
    assert b"Bcc" in done.stderr
    done = keys.mime("encrypt", "-r", "nobody@example.org", data=message,
                     code=111)
    assert b"there is no key" in done.stderr


def test_we_decrypt_what_gpg_encrypted(keys):
    inner = (b"Content-Type: text/plain; charset=utf-8; "
             b"protected-headers=\"v1\"\r\nSubject: inside\r\n\r\n" +
             "geheim ü\r\n".encode())
    octets = keys.gpg("-e", "-s", "-a", "--trust-model", "always", "-u",
                      "a@example.org", "-r", "b@example.org",
                      data=inner).stdout
    message = (b"From: a@example.org\nSubject: ...\nContent-Type: multipart/"
               b"encrypted; protocol=\"application/pgp-encrypted\"; boundary=b"
               b"\n\n--b\nContent-Type: application/pgp-encrypted\n\n"
               b"Version: 1\n\n--b\nContent-Type: application/octet-stream\n\n"
               + octets + b"\n--b--\n")
    shown = keys.mime("show", "-", data=message).stdout.decode()
    assert shown.startswith("Encrypted: decrypted (OpenPGP)\n"
                            "Signature: good: key ")
    assert "\nSubject: inside\n" in shown and "geheim ü\n" in shown
    # In a text.
    clear = keys.gpg("--clearsign", "-u", "a@example.org",
                     data="so ü\n- dash\n".encode()).stdout
    text = (b"From: a@example.org\nContent-Type: text/plain; charset=utf-8\n\n"
            + clear)
    shown = keys.mime("show", "-", data=text).stdout.decode()
    assert shown.startswith("Signature: good") and "\nso ü\n- dash\n" in shown
    assert "BEGIN" not in shown
    # Beside it: the marks stay.
    shown = keys.mime("show", "-", data=text + b"more\n").stdout.decode()
    assert shown.startswith("Signature of part 1 only: good")
    assert "BEGIN PGP SIGNED" in shown


def test_html_cannot_carry_a_secret_away(keys):
    octets = keys.gpg("-e", "-a", "--trust-model", "always", "-r",
                      "b@example.org", data=b"\r\nsecret\r\n").stdout
    message = (b"From: a@example.org\nContent-Type: multipart/mixed; boundary="
               b"x\n\n--x\nContent-Type: text/html\n\n<img src=\"http://e/\n"
               b"--x\nContent-Type: multipart/encrypted; boundary=b\n\n--b\n"
               b"Content-Type: application/pgp-encrypted\n\nVersion: 1\n\n--b\n"
               b"Content-Type: application/octet-stream\n\n" + octets +
               b"\n--b--\n--x\nContent-Type: text/html\n\n\">\n--x--\n")
    shown = keys.mime("show", "-", data=message).stdout
    assert b"secret" not in shown
    assert shown.startswith(b"Encrypted, part 2 only: not decrypted: ")


def test_to_the_key_in_a_file(keys, message, tmp_path):
    """As on delivery: without a home, without an agent."""
    (tmp_path / "key").write_bytes(keys.gpg("--export", "b@example.org").stdout)
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    arguments = [MIME, "encrypt", "-T", tmp_path / "key"]
    done = subprocess.run(arguments, input=message, env=env, timeout=60,
                          stdout=subprocess.PIPE, check=True)
    assert b"Subject: ...\n" in done.stdout
    back = keys.mime("decrypt", data=done.stdout).stdout
    assert email.message_from_bytes(
        back, policy=email.policy.default)["subject"] == "Grüße"
    # Mail that comes in has all kinds of octets.
    eight = b"From: x@y\nSubject: z\n\n\xff\x00\x80\n"
    done = subprocess.run(arguments, input=eight, env=env, timeout=60,
                          stdout=subprocess.PIPE, check=True)
    assert b"\xff\x00\x80" in keys.mime("decrypt", data=done.stdout).stdout
    (tmp_path / "key").write_bytes(b"nonsense")
    done = subprocess.run(arguments, input=message, env=env, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 111 and done.stdout == b""


# S/MIME

@pytest.fixture(scope="module")
def certificates(keys, tmp_path_factory):
    d = tmp_path_factory.mktemp("cms")

    def openssl(*argv, **more):
        return keys.run("openssl", *argv, **more)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30",
            "-subj", "/CN=Test CA", "-keyout", d / "ca.key", "-out", d / "ca")
    (d / "ext").write_text(
        "basicConstraints=CA:false\nkeyUsage=digitalSignature,keyEncipherment\n"
        "extendedKeyUsage=emailProtection\n")
    for name in ("a", "b"):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj",
                f"/CN={name}/emailAddress={name}@example.org", "-keyout",
                d / f"{name}.key", "-out", d / f"{name}.csr")
        (d / f"{name}.ext").write_text(
            (d / "ext").read_text() +
            f"subjectAltName=email:{name}@example.org\n")
        openssl("x509", "-req", "-in", d / f"{name}.csr", "-CA", d / "ca",
                "-CAkey", d / "ca.key", "-CAcreateserial", "-days", "30",
                "-extfile", d / f"{name}.ext", "-out", d / name)
        openssl("pkcs12", "-export", "-legacy", "-in", d / name, "-inkey",
                d / f"{name}.key", "-certfile", d / "ca", "-passout",
                "pass:secret", "-out", d / f"{name}.p12")
        keys.run("gpgsm", "--batch", "--pinentry-mode", "loopback",
                 "--passphrase-fd", "0", "--import", d / f"{name}.p12",
                 data=b"secret\n")
    digest = openssl("x509", "-in", d / "ca", "-noout", "-fingerprint",
                     "-sha1").stdout.decode().split("=")[1].strip()
    (keys.home / "trustlist.txt").write_text(f"{digest} S relax\n")
    keys.run("gpgconf", "--reload", "gpg-agent")
    return d


def test_openssl_verifies_what_we_signed(keys, certificates, message, tmp_path):
    signed = keys.mime("sign", "-S", data=message).stdout
    (tmp_path / "m").write_bytes(crlf(signed))
    back = keys.run("openssl", "cms", "-verify", "-in", tmp_path / "m",
                    "-CAfile", certificates / "ca").stdout
    assert b"Subject: =?utf-8?Q?Gr" in back
    told = keys.mime("verify", data=signed).stdout
    assert told.startswith(b"Signature: good: key ")
    changed = signed.replace(b"here", b"hare")
    assert changed != signed
    keys.mime("verify", data=changed, code=1)


def test_we_verify_what_openssl_signed(keys, certificates, tmp_path):
    (tmp_path / "text").write_bytes(b"Content-Type: text/plain\r\n\r\nhello\r\n")
    for opaque in (False, True):
        signed = keys.run(
            "openssl", "cms", "-sign", "-in", tmp_path / "text", "-signer",
            certificates / "a", "-inkey", certificates / "a.key", "-from",
            "a@example.org", "-subject", "x",
            *(["-nodetach"] if opaque else [])).stdout
        told = keys.mime("verify", data=signed).stdout
        assert told.startswith(b"Signature: good: key "), told
        shown = keys.mime("show", "-", data=signed).stdout
        assert b"\nhello\n" in shown
        other = signed.replace(b"a@example.org", b"e@example.org", 1)
        keys.mime("verify", data=other, code=1)
    # Nobody trusts this one.
    keys.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
             "-days", "30", "-subj", "/CN=a/emailAddress=a@example.org",
             "-keyout", tmp_path / "key", "-out", tmp_path / "cert")
    signed = keys.run(
        "openssl", "cms", "-sign", "-in", tmp_path / "text", "-signer",
        tmp_path / "cert", "-inkey", tmp_path / "key", "-from",
        "a@example.org", "-subject", "x").stdout
    done = keys.mime("verify", data=signed, code=None)
    assert done.returncode in (1, 2) and b": good" not in done.stdout


def test_smime_encrypted_both_ways(keys, certificates, message, tmp_path):
    made = keys.mime("encrypt", "-S", "-s", data=message).stdout
    (tmp_path / "m").write_bytes(crlf(made))
    inner = keys.run("openssl", "cms", "-decrypt", "-in", tmp_path / "m",
                     "-recip", certificates / "b", "-inkey",
                     certificates / "b.key").stdout
    (tmp_path / "s").write_bytes(inner)
    assert b"Subject: =?utf-8?Q?Gr" in keys.run(
        "openssl", "cms", "-verify", "-in", tmp_path / "s", "-CAfile",
        certificates / "ca").stdout
    done = keys.mime("decrypt", data=made)
    assert done.stderr.startswith(b"Encrypted: decrypted (S/MIME)\n"
                                  b"Signature: good: ")
    assert "\nSubject: Grüße\n" in keys.mime(
        "show", "-", data=made).stdout.decode()
    theirs = keys.run(
        "openssl", "cms", "-encrypt", "-aes256", "-from", "a@example.org",
        "-subject", "x", certificates / "b",
        data=b"Content-Type: text/plain\r\n\r\nfrom openssl\r\n").stdout
    assert b"\nfrom openssl\n" in keys.mime("show", "-", data=theirs).stdout


# Thunderbird's messages: names say what they are.

@pytest.fixture(scope="module")
def thunderbird():
    if not THUNDERBIRD.exists():
        pytest.skip(f"no {THUNDERBIRD}")
    k = Keys()
    for name in ("alice@openpgp.example-0xf231550c4f47e38e-secret",
                 "bob@openpgp.example-0xfbfcc82a015e7330-pub",
                 "carol@example.com-0x3099ff1238852b9f-pub"):
        k.gpg("--import", THUNDERBIRD / "keys" / f"{name}.asc")
    alice = k.fingerprint("alice@openpgp.example")
    k.gpg("--import-ownertrust", data=f"{alice}:6:\n".encode())
    yield k
    k.stop()


# What is not bad news: a signature of the whole message that fits, 0 or 2.
FITS = """alice-signed alice-utf encrypted-and-signed-alice-to-bob-nonascii
signed-by-0x3099ff1238852b9f-encrypted-to-0xf231550c4f47e38e-with-key
signed-by-0x3099ff1238852b9f-encrypted-to-0xf231550c4f47e38e
signed-by-0x3099ff1238852b9f-to-0xf231550c4f47e38e-unencrypted-with-key
signed-by-0x3099ff1238852b9f-to-0xf231550c4f47e38e-unencrypted
signed-by-0xfbfcc82a015e7330-encrypted-to-0xf231550c4f47e38e-with-key
signed-by-0xfbfcc82a015e7330-encrypted-to-0xf231550c4f47e38e
signed-by-0xfbfcc82a015e7330-to-0xf231550c4f47e38e-unencrypted-with-key
signed-by-0xfbfcc82a015e7330-to-0xf231550c4f47e38e-unencrypted
signed-encrypted-autocrypt-gossip signed-inline-indented""".split()
# Of a part only; in the last one Bob's footer surrounds it.
PART = ["forwarded-eml-signed-by-alice",
        "signed-by-0xfbfcc82a015e7330-to-0xf231550c4f47e38e-unencrypted-in-mixed"]
# Encrypted to a key that is not there.
LOCKED = ["enc-to-carol@pgp.icu-revoked", "partial-encrypt-for-carol-html",
          "partial-encrypt-for-carol-plaintext", "sigspoof-git-commit"]
ENCRYPTED = re.compile(
    "encrypted|-enc-|pgp-enc|partial-encrypt|alice-broken-exchange|^bob-enc")


def test_thunderbirds_messages(thunderbird):
    files = sorted((THUNDERBIRD / "eml").glob("*.eml"))
    assert len(files) == 53

    def look(path):
        def told(command):
            return thunderbird.mime(command, path, code=None)

        encrypted = ENCRYPTED.search(path.stem) and \
            "-unencrypted" not in path.stem
        return (told("verify"), told("decrypt") if encrypted else None,
                told("show") if len(path.stem) % 8 == 0 else None)

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        found = dict(zip([f.stem for f in files], pool.map(look, files)))
    for name, (verified, decrypted, shown) in found.items():
        told = verified.stdout.decode()
        # Alice's own key is certified, the others are not.
        good = "Signature: good" in told
        assert (verified.returncode in (0, 2)) == (name in FITS), (name, told)
        assert good == (name in FITS and verified.returncode == 0), name
        assert ("only: " in told and ("good: key" in told or
                                      "only: it fits, but nob" in told)) == \
            (name in PART) or "sig-with-mixed" in name, (name, told)
        if decrypted:
            assert (decrypted.returncode == 0) == (name not in LOCKED), told
        # show says nothing better.
        if shown:
            assert ("Signature: good" in shown.stdout.decode()) == good, name
    with open(THUNDERBIRD / "gpg-verdicts.tsv") as file:
        rows = [r for r in csv.reader(file, delimiter="\t") if r[0][0] != "#"]
    for row in rows[1:]:
        told = found[row[0].removesuffix(".eml")][0].stdout.decode()
        if row[1] == "GOODSIG":
            assert re.search(f"(good|it fits).*: key [0-9A-F]+{row[2]} ",
                             told), row
        else:
            assert told.startswith("Signature: NOT GOOD"), row
    # What Date says and what the signature says is not the same.
    assert "not made when Date says" in \
        found["signed-mismatch-email-date"][0].stdout.decode()
    assert "not of all who stand in From" in found[
        "signed-by-0xfbfcc82a015e7330-encrypted-to-0xf231550c4f47e38e-"
        "multi-from"][0].stdout.decode()
