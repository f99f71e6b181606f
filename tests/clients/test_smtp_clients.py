"""Real clients and peers speak the extensions of SMTP: swaks, msmtp, curl,
smtplib, nodemailer, exim as a client, postfix in both directions."""
import email
import email.message
import email.policy
import os
import pathlib
import re
import shutil
import smtplib
import socket
import ssl
import subprocess
import sys
import tempfile
import uuid

import pytest

from debian import unpacked
from host import Host, certificates, wait_until
from lineclient import CLEAR, LineClient

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "bench"))
import postfix  # noqa: E402
import system  # noqa: E402

ALICE, BOB = "alice@mx.example.org", "bob@mx.example.org"
BALANCER = "127.0.0.9"


@pytest.fixture(scope="module")
def host():
    with Host(users={"alice": "secret", "bob": "secret"},
              aliases={"all@mx.example.org": "bob@mx.example.org "
                                             "more@mx.example.org",
                       "more@mx.example.org": "x@elsewhere.example"},
              settings={"proxy-from": BALANCER, "xclient-from": "127.0.0.1"}
              ) as h:
        yield h


def delivered(host, word, address=BOB):
    def look():
        for path in host.mail(address):
            text = path.read_bytes()
            if word.encode() in text:
                return text.decode("utf-8", "surrogateescape")
        return None
    return wait_until(look, what=f"{word} in the mailbox of {address}")


def swaks(host, *args, port="smtp", want=0):
    word = uuid.uuid4().hex
    done = subprocess.run(
        ["swaks", "--server", host.address, "--port", str(host.ports[port]),
         "--helo", "client.example", "--from", ALICE, "--to", BOB,
         "--header", f"Subject: {word}", *args],
        timeout=60, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if b"not available: requires" in done.stdout:
        pytest.skip("swaks lacks a module of Perl's for that")
    assert done.returncode == want, done.stdout.decode(errors="replace")
    return word, done.stdout.decode(errors="replace")


def test_swaks_behind_a_balancer(host):
    for more in (["--proxy-version", "1", "--proxy-family", "TCP4"],
                 ["--proxy-version", "2", "--proxy-family", "AF_INET"]):
        word, _ = swaks(
            host, "--local-interface", BALANCER, *more, "--proxy-source",
            "203.0.113.5", "--proxy-source-port", "4711", "--proxy-dest",
            "192.0.2.1", "--proxy-dest-port", "25")
        assert "from client.example ([203.0.113.5])" in delivered(host, word)
    # Without a good header there is no service for a balancer.
    swaks(host, "--local-interface", BALANCER, "--proxy", "nonsense", want=6)


def test_swaks_says_xclient(host):
    word, said = swaks(host, "--xclient-addr", "203.0.113.6",
                       "--xclient-name", "spike.example.net")
    assert "XCLIENT" in said
    assert "from client.example (spike.example.net [203.0.113.6])" in \
        delivered(host, word)


def test_swaks_sends_in_clear_and_under_tls(host):
    for more in ([], ["--tls"]):
        word, _ = swaks(host, *more)
        assert word in delivered(host, word)


@pytest.mark.parametrize("mechanism,want", [
    ("PLAIN", 0), ("LOGIN", 0), ("CRAM-MD5", 28), ("CRAM-SHA1", 28),
    ("DIGEST-MD5", 28), ("NTLM", 28)])
def test_swaks_logs_in(host, mechanism, want):
    word, _ = swaks(host, "--tls", "--auth", mechanism, "--auth-user", ALICE,
                    "--auth-password", "secret", port="submit", want=want)
    if want == 0:
        assert "with ESMTPSA id" in delivered(host, word)


def test_swaks_may_not_be_somebody_else(host):
    _, said = swaks(host, "--tls", "--auth", "PLAIN", "--auth-user", BOB,
                    "--auth-password", "secret", port="submit", want=23)
    assert "553 5.7.1" in said


@pytest.mark.parametrize("port,how", [
    ("submit", ["--tls-starttls=on"]), ("submits", ["--tls-starttls=off"])])
def test_msmtp(host, port, how):
    if not shutil.which("msmtp"):
        pytest.skip("no msmtp")
    word = uuid.uuid4().hex
    done = subprocess.run(
        ["msmtp", "--file=/dev/null", f"--host={host.address}",
         f"--port={host.ports[port]}", "--auth=plain", f"--user={ALICE}",
         "--passwordeval=echo secret", "--tls=on", "--tls-certcheck=off", *how,
         f"--from={ALICE}", "--dsn-notify=success,failure",
         "--dsn-return=headers", BOB],
        input=f"To: {BOB}\nBcc: hidden@example.net\nSubject: {word}\n\nhi\n",
        text=True, timeout=60, capture_output=True)
    assert done.returncode == 0, done.stderr
    text = delivered(host, word)
    assert "hidden@example.net" not in text
    assert re.search(r"^Date: ", text, re.M)
    assert re.search(r"^Message-ID: <", text, re.M | re.I)


def submit(host):
    s = smtplib.SMTP(host.address, host.ports["submit"], timeout=30)
    s.ehlo("client.example")
    context = host.tls_context()
    context.check_hostname = False  # it is met at its address
    s.starttls(context=context)
    s.ehlo("client.example")
    s.login(ALICE, "secret")
    return s


def test_smtplib_sends_utf8(host):
    word = uuid.uuid4().hex
    m = email.message.EmailMessage(policy=email.policy.SMTPUTF8)
    m["Subject"] = f"caf\u00e9 {word}"
    m["From"], m["To"] = ALICE, "Ren\u00e9 <ren\u00e9@elsewhere.example>, " + BOB
    m.set_content("na\u00efve\n")
    with submit(host) as s:
        assert s.has_extn("smtputf8") and s.has_extn("chunking")
        s.send_message(m, to_addrs=[BOB],
                       mail_options=["SMTPUTF8", "BODY=8BITMIME"])
    text = delivered(host, word)
    assert f"caf\u00e9 {word}" in text and "ren\u00e9@elsewhere.example" in text
    assert "with UTF8SMTPSA id" in text


def test_a_binary_part_arrives_whole(host):
    """A maildir's file has lines: what is none of text is encoded."""
    word = uuid.uuid4().hex
    octets = bytes(range(256)) * 50 + b"\n\r\n\r.\r\n"
    text = (f"Subject: {word}\r\nMIME-Version: 1.0\r\n"
            'Content-Type: multipart/mixed; boundary="=b"\r\n'
            "Content-Transfer-Encoding: binary\r\n\r\n--=b\r\n"
            "Content-Type: application/octet-stream\r\n"
            "Content-Transfer-Encoding: binary\r\n\r\n").encode() + octets + \
        b"\r\n--=b\r\n\r\nplain\r\n--=b--\r\n"
    with submit(host) as s:
        assert s.has_extn("binarymime")
        assert s.docmd(f"MAIL FROM:<{ALICE}> BODY=BINARYMIME")[0] == 250
        assert s.docmd(f"RCPT TO:<{BOB}>")[0] == 250
        s.send(b"BDAT %d LAST\r\n" % len(text) + text)
        assert s.getreply()[0] == 250
    m = email.message_from_string(delivered(host, word))
    binary, plain = m.get_payload()
    assert binary.get_payload(decode=True) == octets
    assert plain.get_payload() == "plain"


def test_smtplib_asks_for_reports_and_a_detail(host):
    word = uuid.uuid4().hex
    with submit(host) as s:
        s.sendmail(ALICE, ["bob+lists@mx.example.org"],
                   f"Subject: {word}\r\n\r\nhi\r\n",
                   mail_options=["RET=HDRS", "ENVID=x1"],
                   rcpt_options=["NOTIFY=SUCCESS", f"ORCPT=rfc822;{BOB}"])
    assert "Delivered-To: bob+lists@mx.example.org" in delivered(host, word)


def test_smtplib_asks_who_is_who(host):
    with submit(host) as s:
        assert s.docmd("EXPN", "postmaster@mx.example.org")[0] == 250
        assert s.docmd("EXPN", "all@mx.example.org") == (
            250, b"2.1.5 <bob@mx.example.org>\n2.1.5 <x@elsewhere.example>")
        assert s.docmd("ETRN", "elsewhere.example")[0] == 250
    with smtplib.SMTP(host.address, host.ports["smtp"], timeout=30) as s:
        s.ehlo("client.example")
        for word in ("size", "etrn", "expn", "pipelining", "starttls", "help"):
            assert s.has_extn(word), word
        assert s.docmd("EXPN", "postmaster@mx.example.org")[0] == 550
        assert s.docmd("ETRN", "elsewhere.example")[0] == 459


def test_curl_sends_utf8(host):
    word = uuid.uuid4().hex
    url = f"smtp://{host.name}:{host.ports['submit']}/client.example"
    done = subprocess.run(
        ["curl", "-sS", "--max-time", "30", "--cacert", host.ca, "--ssl-reqd",
         "--connect-to", f"::{host.address}:{host.ports['submit']}",
         "--user", f"{ALICE}:secret", "--mail-from", ALICE,
         "--mail-rcpt", BOB, "-T", "-", url],
        input=f"Subject: \u00fc {word}\r\n\r\nhi\r\n".encode(), timeout=60,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    assert f"\u00fc {word}" in delivered(host, word)


class Behind(LineClient):
    """A client behind the balancer."""

    def __init__(self, host, service, client):
        self.header = (f"PROXY TCP4 {client} 192.0.2.1 4711 "
                       f"{host.ports[service]}\r\n").encode()
        self.is_under_tls = service not in CLEAR
        super().__init__(host, service, BALANCER, greet=False)
        if not self.is_under_tls:
            self.send(self.header)
        self.greeting = self.line().decode()

    def wrap(self):
        if self.is_under_tls:
            self.socket.sendall(self.header)
        super().wrap()


@pytest.mark.parametrize("service,many", [
    ("smtp", "421 4.7.0 "), ("submit", "421 4.7.0 "), ("submits", "")])
def test_the_client_behind_a_balancer_counts(host, service, many):
    """By its own address it has too many connections, guesses too often, and
    stands in the logs."""
    one, other = "203.0.113.7", "203.0.113.8"
    host.set(connections_per_address=2)
    try:
        with Behind(host, service, one) as a, Behind(host, service, one), \
                Behind(host, service, other) as b:
            assert {c.greeting[:4] for c in (a, b)} == {"220 "}
            try:
                heard = Behind(host, service, one).greeting
            except OSError:
                heard = ""
            assert heard.startswith(many) and not heard.startswith("220")
            kind = service.removesuffix("s") if many == "" else service
            host.wait_for_log(kind, f"event=too-many .*client={one}")
            if service == "submits":
                assert b.login(ALICE, "wrong") == "denied"
                assert b.login(ALICE, "secret") == "ok"
                host.wait_for_log("auth", f"login-failed .*client={other}")
                host.wait_for_log("submit", f"event=login .*client={other}")
                assert b.say("MAIL FROM:<%s>" % ALICE).startswith("250")
                assert b.say("RCPT TO:<%s>" % BOB).startswith("250")
                assert b.say("DATA").startswith("354")
                word = uuid.uuid4().hex
                assert b.say(f"Subject: {word}\r\n\r\nx\r\n."
                             ).startswith("250")
                assert f"[{other}]" in delivered(host, word)
    finally:
        host.set(connections_per_address=100)


def test_a_full_disk_is_told_at_mail(host):
    """As the manager publishes it, on a session that stands already."""
    load = host.queue / "load"

    def publish(old, new):
        with open(load, "r+b") as f:
            text = f.read()
            assert old in text
            f.seek(0)
            f.write(text.replace(old, new))

    def mail(s, sender):
        code, text = s.docmd(f"MAIL FROM:<{sender}>")
        s.docmd("RSET")
        return code, text[:5]
    wait_until(lambda: b"room " in load.read_bytes(), what="its first word")
    with smtplib.SMTP(host.address, host.ports["smtp"], timeout=5) as s, \
            submit(host) as user:
        s.ehlo("client.example")
        s.docmd("MAIL FROM:<a@elsewhere.example>")
        s.docmd("RSET")
        publish(b"room plenty", b"room none  ")
        try:
            assert mail(s, "a@elsewhere.example") == (452, b"4.3.1")
            assert mail(user, ALICE) == (452, b"4.3.1")
        finally:
            publish(b"room none  ", b"room plenty")
        assert mail(s, "a@elsewhere.example")[0] == 250
        assert mail(user, ALICE)[0] == 250


def test_a_client_from_before_a_renewal(host):
    """It gets the old certificate, with a signature of the old key."""
    address = host.address, host.ports["submits"]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE

    def served(connection):
        with context.wrap_socket(connection) as s:
            return s.getpeercert(True)
    tls, kept = host.etc / "tls", host.etc / "tls-kept"
    before = served(socket.create_connection(address, 20))
    with socket.create_connection(address, 20) as early:
        wait_until(lambda: host.processes().get("submit-front"),
                   what="its front")
        tls.rename(kept)
        try:
            shutil.copytree(certificates("other.example.org"), tls)
            host.compile()
            after = served(socket.create_connection(address, 20))
            assert after != before
            assert served(early) == before
        finally:
            shutil.rmtree(tls)
            kept.rename(tls)
            host.compile()
    assert served(socket.create_connection(address, 20)) == before


NODE = r"""
const mail = require('nodemailer').createTransport({
  host: HOST, port: PORT, secure: SECURE, requireTLS: true, name: 'client.example',
  auth: AUTH, tls: {rejectUnauthorized: false}});
mail.sendMail({
  from: 'Alice <ALICE>', to: 'BOB', bcc: 'BOB', subject: 'caf\u00e9',
  headers: {'x-word': 'WORD'},
  text: 'na\u00efve\n.\n', attachments: [{filename: '\u00fc.bin',
    content: Buffer.from([0, 13, 10, 255])}],
  dsn: {id: 'x1', return: 'headers', notify: ['success', 'failure'],
        recipient: 'BOB'}
}).then(i => console.log(i.response), e => { console.log(e.message);
                                             process.exit(1); });
"""


@pytest.mark.parametrize("port,method", [
    ("submit", "PLAIN"), ("submits", "LOGIN")])
def test_nodemailer(host, port, method):
    if not shutil.which("node"):
        pytest.skip("no node")
    root = unpacked("node-nodemailer")
    word = uuid.uuid4().hex
    script = NODE
    for key, value in (("HOST", repr(host.address)), ("WORD", word),
                       ("PORT", str(host.ports[port])), ("ALICE", ALICE),
                       ("SECURE", str(port == "submits").lower()),
                       ("AUTH", "{user: '%s', pass: 'secret', method: '%s'}" %
                        (ALICE, method)), ("BOB", BOB)):
        script = script.replace(key, value)
    done = subprocess.run(
        ["node", "-e", script], text=True, capture_output=True, timeout=60,
        env={"NODE_PATH": root + "/usr/share/nodejs",
             "PATH": os.environ["PATH"]})
    assert done.returncode == 0 and done.stdout.startswith("250 2.0.0"), \
        done.stdout + done.stderr
    m = email.message_from_string(delivered(host, word),
                                  policy=email.policy.default)
    assert m["subject"] == "caf\u00e9" and m["bcc"] is None
    [part] = m.iter_attachments()
    assert part.get_filename() == "\u00fc.bin"
    assert part.get_content() == b"\0\r\n\xff"


EXIM = """
exim_user = mail
exim_group = mail
keep_environment =
exim_path = {root}/usr/sbin/exim4
spool_directory = {folder}/spool
log_file_path = {folder}/%slog
primary_hostname = exim.test
smtputf8_advertise_hosts = *
begin routers
all:
  driver = manualroute
  route_list = * {address}
  self = send
  transport = out
begin transports
out:
  driver = smtp
  port = {port}
  hosts_require_auth = {auth}
  hosts_require_tls = *
  hosts_try_chunking = *
  tls_verify_hosts =
  tls_try_verify_hosts =
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  client_send = ^{user}^secret
"""


@pytest.mark.parametrize("port", ["smtp", "submit"])
def test_exim_sends(host, port):
    """It sends its messages in chunks; unpacked, and run where the accounts that
    its package makes are seen by it alone."""
    root = unpacked("exim4-daemon-light", "exim4-base")
    word = uuid.uuid4().hex
    folder = host.folder / f"exim-{port}"
    folder.mkdir()
    (folder / "spool").mkdir()
    for path in (folder, folder / "spool"):
        os.chown(path, 8, 8)
    (folder / "conf").write_text(EXIM.format(
        root=root, folder=folder, address=host.address, port=host.ports[port],
        user=ALICE, auth="*" if port == "submit" else ""))
    for name, line in (("passwd", "Debian-exim:x:8:8::/:/bin/false"),
                       ("group", "Debian-exim:x:8:")):
        text = pathlib.Path("/etc", name).read_text()
        (folder / name).write_text(f"{text}{line}\n")
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c",
         f"mount --bind {folder}/passwd /etc/passwd || exit 77\n"
         f"mount --bind {folder}/group /etc/group || exit 77\n"
         f"exec {root}/usr/sbin/exim4 -C {folder}/conf -odi -oi "
         f"-f {ALICE} {BOB}"],
        input=f"To: {BOB}\nFrom: {ALICE}\nSubject: {word}\n\n"
              ".\n..\n" + "x" * 900 + "\n", text=True, timeout=60,
        capture_output=True)
    if done.returncode == 77 or "unshare: " in done.stderr:
        pytest.skip(f"no namespace for exim: {done.stderr}")
    assert (folder / "mainlog").exists(), done.stderr
    log = (folder / "mainlog").read_text()
    # K: in chunks.
    assert " K C=\"250 2.0.0 ok" in log, log + done.stderr
    text = delivered(host, word)
    assert text.replace("\r", "").endswith(
        "\n\n.\n..\n" + "x" * 900 + "\n")
    assert ("with ESMTPSA id" in text) == (port == "submit")


# Debian's postfix

class Peer(postfix.Postfix):
    """One that relays to a host of ours."""

    def __init__(self, work, host):
        super().__init__(work, os.path.join(work, "disk"), os.path.join(
            tempfile.gettempdir(), "kereru-postfix"), 0)
        self.host = host

    def _configure(self):
        super()._configure()
        path = os.path.join(self.conf, "main.cf")
        text = pathlib.Path(path).read_text()
        self._write("main.cf", text.replace(
            "relayhost = [127.0.0.1]:0",
            f"relayhost = [{self.host.address}]:{self.host.ports['smtp']}") +
            "smtp_tls_security_level = may\nsmtputf8_enable = yes\n")


@pytest.fixture(scope="module")
def peer(host):
    work = tempfile.mkdtemp(prefix="kereru-postfix-", dir="/var/tmp")
    os.chmod(work, 0o755)
    os.mkdir(os.path.join(work, "disk"), 0o711)
    p = Peer(work, host)
    try:
        p.prepare()
        p.start()
    except (system.Unavailable, RuntimeError) as why:
        shutil.rmtree(work)
        pytest.skip(f"postfix: {why}")
    host.write("routes", [f"{system.DOMAIN} [127.0.0.1]:{p.smtp_port}"])
    host.compile()
    try:
        yield p
    finally:
        p.stop()
        shutil.rmtree(work)


def unlike_plain(word, to):
    return (f"From: {ALICE}\r\nTo: {to}\r\nSubject: caf\u00e9 {word}\r\n"
            f"Message-ID: <{word}@mx.example.org>\r\nMIME-Version: 1.0\r\n"
            "Date: Tue, 24 Nov 2026 12:00:00 +0000\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Transfer-Encoding: 8bit\r\n\r\n"
            "na\u00efve\r\n.\r\n..\r\n" + "x" * 900 + "\r\nend\r\n").encode()


def is_as_sent(octets, sent):
    m = email.message_from_bytes(octets)
    return "caf\u00e9".encode() in octets and \
        m.get_payload(decode=True).replace(b"\r\n", b"\n") == \
        sent.partition(b"\r\n\r\n")[2].replace(b"\r\n", b"\n")


OPTIONS = dict(mail_options=["SMTPUTF8", "BODY=8BITMIME", "RET=HDRS",
                             "ENVID=x1"],
               rcpt_options=["NOTIFY=SUCCESS,FAILURE"])


def test_postfix_relays_to_us(host, peer):
    word = uuid.uuid4().hex
    sent = unlike_plain(word, BOB)
    with smtplib.SMTP("127.0.0.1", peer.smtp_port, timeout=30) as s:
        s.sendmail(ALICE, [BOB], sent, **OPTIONS)
    octets = delivered(host, word).encode("utf-8", "surrogateescape")
    assert is_as_sent(octets, sent) and b" with UTF8SMTP" in octets
    # The report of success that was asked for is ours to send.
    report = delivered(host, word, ALICE)
    assert "Original-Envelope-Id: x1" in report
    assert "Action: delivered" in report


def test_we_relay_to_postfix(host, peer):
    word = uuid.uuid4().hex
    to = system.mailbox(0)
    sent = unlike_plain(word, to)
    with submit(host) as s:
        s.sendmail(ALICE, [to], sent, **OPTIONS)

    def arrived():
        for path in pathlib.Path(peer.maildir(0)).glob("new/*"):
            if word.encode() in path.read_bytes():
                return path.read_bytes()
        return None
    assert is_as_sent(wait_until(arrived, 60, word), sent)
