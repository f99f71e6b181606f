"""mime send -h: a message handed to a submission server of the test's own."""
import base64
import os
import pathlib
import socket
import ssl
import subprocess
import threading

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("KERERU_BUILD", REPOSITORY / "build"))
MIME = BUILD / "bin" / "mime"
MESSAGE = (b"From: A <a@example.org>\nTo: b@example.org, c@example.org\n"
           b"Bcc: d@example.org\nSubject: x\n\nline\n.dot\n..\n\nend\n")
PASSWORD = "s3 cret"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    d = tmp_path_factory.mktemp("tls")

    def openssl(*argv):
        subprocess.run(["openssl", *argv], check=True, cwd=d,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
           "-nodes"]
    for ca in ("ca", "other"):
        openssl("req", "-x509", *new, "-days", "30", "-subj", f"/CN={ca}",
                "-keyout", f"{ca}.key", "-out", ca)
    for name in ("localhost", "elsewhere.test"):
        (d / "ext").write_text(f"subjectAltName=DNS:{name}\n")
        openssl("req", *new, "-subj", f"/CN={name}", "-keyout", f"{name}.key",
                "-out", "csr")
        openssl("x509", "-req", "-in", "csr", "-CA", "ca", "-CAkey", "ca.key",
                "-CAcreateserial", "-days", "30", "-extfile", "ext", "-out",
                name)
    return d


class Server(threading.Thread):
    """One connection; what was said to it is in lines, the message in data."""

    def __init__(self, certificates, name="localhost", starttls=False,
                 offers=("AUTH PLAIN", "8BITMIME"), refuse=None, inject=b""):
        super().__init__(daemon=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificates / name,
                                     certificates / f"{name}.key")
        self.starttls, self.offers = starttls, offers
        self.refuse, self.inject = refuse, inject
        self.lines, self.data = [], None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        sock, _ = self.listener.accept()
        sock.settimeout(20)
        try:
            if not self.starttls:
                sock = self.context.wrap_socket(sock, server_side=True)
            self.talk(sock)
        except OSError as why:
            self.lines.append(f"({type(why).__name__})")
        finally:
            sock.close()
            self.listener.close()

    def talk(self, sock):
        file = sock.makefile("rwb")
        secure = not self.starttls

        def say(*lines):
            for i, line in enumerate(lines):
                mark = "-" if i + 1 < len(lines) else " "
                file.write(f"{line[:3]}{mark}{line[4:]}\r\n".encode())
            file.flush()

        say("220 ready")
        while line := file.readline():
            line = line.decode().rstrip("\r\n")
            self.lines.append(line)
            word = line.split()[0].upper()
            if self.refuse and line.startswith(self.refuse):
                say("550 5.1.1 no \x1b[31mway")
            elif word == "EHLO":
                say("250 me", *(f"250 {o}" for o in (
                    self.offers if secure else ["STARTTLS"])))
            elif word == "STARTTLS":
                file.write(b"220 go\r\n" + self.inject)
                file.flush()
                sock = self.context.wrap_socket(sock, server_side=True)
                file = sock.makefile("rwb")
                secure = True
            elif word == "AUTH":
                told = base64.b64decode(line.split()[2]).split(b"\0")
                good = told == [b"", b"user", PASSWORD.encode()]
                say("235 ok" if good else "535 5.7.8 no")
            elif word == "DATA":
                say("354 go")
                self.data = b""
                while (line := file.readline()) != b".\r\n":
                    self.data += line
                say("250 ok")
            else:
                say("221 bye" if word == "QUIT" else "250 ok")
                if word == "QUIT":
                    return

    def wait(self):
        self.join(20)
        assert not self.is_alive()
        return self.lines


def send(server, certificates, *more, message=MESSAGE, code=0, ca="ca",
         host="localhost", login=True):
    password = certificates / "password"
    password.write_text(PASSWORD + "\n")
    options = ["-u", "user", "-p", password] if login else []
    done = subprocess.run(
        [MIME, "send", "-h", f"{host}:{server.port}", "-C", certificates / ca,
         *options, *more], input=message, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == code, done.stderr
    return done.stderr.decode()


@pytest.mark.parametrize("starttls", [False, True])
def test_it_arrives(certificates, starttls):
    server = Server(certificates, starttls=starttls)
    send(server, certificates, *(["-t"] if starttls else []))
    lines = server.wait()
    assert [x for x in lines if x[:4] in ("MAIL", "RCPT")] == [
        "MAIL FROM:<a@example.org>", "RCPT TO:<b@example.org>",
        "RCPT TO:<c@example.org>", "RCPT TO:<d@example.org>"]
    wanted = MESSAGE.replace(b"Bcc: d@example.org\n", b"")
    assert server.data == wanted.replace(b"\n.", b"\n..").replace(
        b"\n", b"\r\n")
    if starttls:
        assert lines[1] == "STARTTLS" and "AUTH" not in "".join(lines[:2])


def test_a_program_tells_the_password(certificates):
    server = Server(certificates)
    send(server, certificates, "-u", "user", "-P", f"printf {PASSWORD[:2]}x",
         login=False, code=100)
    assert any(x.startswith("AUTH PLAIN ") for x in server.wait())
    assert server.data is None


def test_eight_bits_are_announced(certificates):
    server = Server(certificates)
    send(server, certificates, message=MESSAGE + b"\xff\n")
    assert "MAIL FROM:<a@example.org> BODY=8BITMIME" in server.wait()
    server = Server(certificates, offers=("AUTH PLAIN",))
    send(server, certificates, message=MESSAGE + b"\xff\n", code=111)


def test_who_is_refused_is_told_and_nothing_sent(certificates):
    server = Server(certificates, refuse="RCPT TO:<c@")
    told = send(server, certificates, code=100)
    assert "c@example.org" in told and "5.1.1" in told
    assert "\x1b" not in told
    server.wait()
    assert server.data is None


@pytest.mark.parametrize("more", [
    {"ca": "other"}, {"host": "127.0.0.1"}, {"name": "elsewhere.test"}])
def test_no_password_for_who_cannot_prove_it_is_the_host(certificates, more):
    server = Server(certificates, name=more.pop("name", "localhost"))
    told = send(server, certificates, code=111, **more)
    assert "TLS" in told
    assert not any("AUTH" in x for x in server.wait())


def test_no_password_in_the_clear(certificates):
    # Something stands behind the answer to STARTTLS.
    server = Server(certificates, starttls=True, inject=b"235 ok\r\n250 x\r\n")
    send(server, certificates, "-t", code=111)
    assert not any("AUTH" in x for x in server.wait())


def test_addresses_cannot_become_commands(certificates):
    server = Server(certificates)
    bad = b'From: a@example.org\nTo: "b\\> X"@example.org, x\n y@example.org\n\nx\n'
    done = subprocess.run([MIME, "send", "-h", f"localhost:{server.port}"],
                          input=bad, stderr=subprocess.PIPE)
    assert done.returncode == 100
    server.listener.close()


def test_what_cannot_be_meant(certificates, tmp_path):
    for options in (["-h", "localhost:1", "-u", "x"],
                    ["-h", ":465"], ["-h", "localhost:1", "-C", tmp_path / "n"]):
        done = subprocess.run([MIME, "send", *options], input=MESSAGE,
                              stderr=subprocess.PIPE)
        assert done.returncode in (100, 111) and done.stderr
