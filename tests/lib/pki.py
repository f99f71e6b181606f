"""A certificate authority for tests.

    with Authority() as ca:
        ca.path                                 # its certificate, PEM
        pair = ca.issue("mx.example.org")       # (chain, key): leaf and CA
        old = ca.issue("mx.example.org", expired=True)
        tlsa(pair, usage=3, selector=1, matching=1)     # for a TLSA record
"""
import hashlib
import os
import shutil
import subprocess
import tempfile

CONFIG = """
[ca]
default_ca = c
[c]
dir = {folder}
database = {folder}/index
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = p
copy_extensions = copy
unique_subject = no
[p]
commonName = supplied
[v]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
[req]
distinguished_name = d
[d]
"""


def _openssl(*args):
    done = subprocess.run(["openssl", *map(str, args)], capture_output=True,
                          text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stdout


class Authority:
    def __init__(self, name="kereru test authority"):
        self.folder = tempfile.mkdtemp(prefix="kereru-pki-")
        os.chmod(self.folder, 0o755)
        self.path = os.path.join(self.folder, "ca.pem")
        self.key = os.path.join(self.folder, "ca.key")
        self.config = os.path.join(self.folder, "config")
        self.count = 0
        with open(self.config, "w") as f:
            f.write(CONFIG.format(folder=self.folder))
        open(os.path.join(self.folder, "index"), "w").close()
        self._key(self.key)
        _openssl("req", "-x509", "-new", "-key", self.key, "-subj",
                 f"/CN={name}", "-days", 30, "-out", self.path,
                 "-addext", "keyUsage=critical,keyCertSign")
        os.chmod(self.path, 0o644)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    @staticmethod
    def _key(path):
        _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout",
                 "-out", path)

    def issue(self, *names, expired=False):
        """(chain, key) of a certificate for DNS names, the CA's behind it."""
        self.count += 1
        base = os.path.join(self.folder, str(self.count))
        self._key(base + ".key")
        _openssl("req", "-new", "-key", base + ".key", "-config", self.config,
                 "-subj", f"/CN=leaf {self.count}", "-out", base + ".csr",
                 "-addext",
                 "subjectAltName=" + ",".join("DNS:" + n for n in names))
        dates = ("20200101000000Z", "20200201000000Z") if expired else (
            "20200101000000Z", "20490101000000Z")
        _openssl("ca", "-batch", "-notext", "-config", self.config, "-cert",
                 self.path, "-keyfile", self.key, "-extensions", "v",
                 "-startdate", dates[0], "-enddate", dates[1],
                 "-in", base + ".csr", "-out", base + ".pem")
        with open(base + ".pem", "a") as f, open(self.path) as ca:
            f.write(ca.read())
        return base + ".pem", base + ".key"


def der(path, n=0):
    """The n-th certificate of a PEM file."""
    with open(path) as f:
        pem = f.read().split("-----BEGIN CERTIFICATE-----")[n + 1]
    done = subprocess.run(
        ["openssl", "x509", "-outform", "DER"], check=True,
        capture_output=True,
        input=("-----BEGIN CERTIFICATE-----" + pem).encode())
    return done.stdout


def spki(certificate):
    key = subprocess.run(
        ["openssl", "x509", "-inform", "DER", "-noout", "-pubkey"],
        check=True, capture_output=True, input=certificate).stdout
    return subprocess.run(
        ["openssl", "pkey", "-pubin", "-outform", "DER"], check=True,
        capture_output=True, input=key).stdout


def tlsa(pair, usage, selector, matching, n=0):
    """A TLSA record of the n-th certificate of a chain, as in a zone file."""
    data = der(pair[0], n)
    if selector == 1:
        data = spki(data)
    data = [data, hashlib.sha256(data).digest(),
            hashlib.sha512(data).digest()][matching]
    return f"{usage} {selector} {matching} {data.hex()}"
