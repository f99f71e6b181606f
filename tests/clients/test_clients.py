"""Real clients send and read real mail, over STARTTLS and implicit TLS, with
our own listener and with the servers started by tcpserver and by inetd."""
import contextlib
import pathlib
import re
import shutil
import socket
import subprocess
import time
import uuid

import pytest

from host import Host, prefix, wait_until

ALICE, BOB = "alice@mx.example.org", "bob@mx.example.org"
# port name -> the monitor's arguments
SERVERS = {"smtp": ["smtp"], "submit": ["submit"],
           "submits": ["-T", "submit"], "pop3": ["pop3"],
           "pop3s": ["-T", "pop3"], "imap": ["imap"],
           "imaps": ["-T", "imap"], "sieve": ["sieve"]}


@contextlib.contextmanager
def own_listener():
    with Host(users={"alice": "secret", "bob": "secret"}) as host:
        yield host


@contextlib.contextmanager
def started_by(start):
    """A host whose network services are started by another program."""
    host = Host(users={"alice": "secret", "bob": "secret"},
                services=("auth", "queue"))
    with host:
        processes = start(host)
        try:
            for port in host.ports.values():
                wait_until(lambda p=port: can_connect(host.address, p),
                           what=f"port {port}")
            yield host
        finally:
            for process in processes:
                process.terminate()
                process.wait(10)


def can_connect(address, port):
    with contextlib.suppress(OSError):
        socket.create_connection((address, port), timeout=5).close()
        return True
    return False


def monitor(host):
    return str(prefix() / "libexec/kereru/monitor"), ["-t", str(host.tables)]


def tcpserver(host):
    program, args = monitor(host)
    log = open(host.folder / "tcpserver.log", "ab")
    return [subprocess.Popen(
        ["tcpserver", "-H", "-R", "-l0", "-c100", host.address,
         str(host.ports[name]), program, *args, *more],
        stdin=subprocess.DEVNULL, stderr=log)
        for name, more in SERVERS.items()]


def inetd(host):
    program, args = monitor(host)
    config = host.folder / "inetd.conf"
    config.write_text("".join(
        f"{host.address}:{host.ports[name]} stream tcp nowait root {program} "
        f"monitor {' '.join(args + more)}\n"
        for name, more in SERVERS.items()))
    log = open(host.folder / "inetd.log", "ab")
    return [subprocess.Popen(["/usr/sbin/inetd", "-i", str(config)],
                             stdin=subprocess.DEVNULL, stderr=log)]


@pytest.fixture(scope="module", params=["s6", "tcpserver", "inetd"])
def host(request):
    make = {"s6": own_listener, "tcpserver": lambda: started_by(tcpserver),
            "inetd": lambda: started_by(inetd)}[request.param]
    with make() as h:
        yield h


def run(*command, timeout=60, **more):
    done = subprocess.run([str(c) for c in command], timeout=timeout,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          **more)
    assert done.returncode == 0, done.stdout.decode(errors="replace")
    return done.stdout


def new_message(subject):
    word = uuid.uuid4().hex
    return word, (f"From: {ALICE}\nTo: {BOB}\nSubject: {subject} {word}\n"
                  f"Message-ID: <{word}@mx.example.org>\n"
                  "Date: Tue, 24 Nov 2026 12:00:00 +0000\n"
                  "\nHello,\n.a line with a dot\n.\nthe end\n")


def arrived(host, word, address=BOB):
    """The file of the message that has this word in it."""
    def look():
        for path in host.mail(address):
            with contextlib.suppress(FileNotFoundError):
                if word in path.read_text(errors="replace"):
                    return path
        return None
    return wait_until(look, what=f"{word} in the mailbox of {address}")


def put(host, subject="waiting", address=BOB):
    """A message that is in the mailbox."""
    word, text = new_message(subject)
    host.send("x@elsewhere.example", [address], text.replace("\n", "\r\n"))
    return word, text, arrived(host, word, address)


# curl

def curl(host, scheme, name, path, *args, user=BOB, **more):
    """curl of a URL with our name, which it verifies, at our address."""
    port = host.ports[name]
    return run("curl", "-sS", "--max-time", 30, "--cacert", host.ca,
               "--connect-to", f"{host.name}:{port}:{host.address}:{port}",
               "--user", f"{user}:secret", *args,
               f"{scheme}://{host.name}:{port}/{path}", **more)


@pytest.mark.parametrize("scheme,name,args", [
    ("smtp", "submit", ["--ssl-reqd"]), ("smtps", "submits", [])])
def test_curl_sends(host, scheme, name, args):
    word, text = new_message("by curl")
    curl(host, scheme, name, "client.example", *args, "--mail-from", ALICE,
         "--mail-rcpt", BOB, "--crlf", "-T", "-", user=ALICE,
         input=text.encode())
    delivered = arrived(host, word).read_text()
    assert delivered.endswith(text)
    assert re.search(r"with ESMTPSA id \w{16}", delivered)


@pytest.mark.parametrize("scheme,name,args", [
    ("pop3", "pop3", ["--ssl-reqd"]), ("pop3s", "pop3s", [])])
def test_curl_reads_by_pop3(host, scheme, name, args):
    word, text, _ = put(host)
    count = len(curl(host, scheme, name, "", *args).splitlines())
    last = curl(host, scheme, name, count, *args).decode()
    everything = "".join(
        curl(host, scheme, name, n, *args).decode()
        for n in range(1, count + 1)) if word not in last else last
    assert text.replace("\n", "\r\n") in everything


@pytest.mark.parametrize("scheme,name,args", [
    ("imap", "imap", ["--ssl-reqd"]), ("imaps", "imaps", [])])
def test_curl_reads_by_imap(host, scheme, name, args):
    word, text, _ = put(host)
    found = curl(host, scheme, name, f"INBOX?SUBJECT%20{word}", *args)
    [number] = re.search(rb"SEARCH((?: \d+)*)", found)[1].split()
    message = curl(host, scheme, name,
                   f"INBOX;MAILINDEX={number.decode()}", *args).decode()
    assert message.endswith(text.replace("\n", "\r\n"))


# swaks

@pytest.mark.parametrize("name,args", [
    ("smtp", []), ("smtp", ["--tls"]),
    ("submit", ["--tls", "--auth", "PLAIN"]),
    ("submit", ["--tls", "--auth", "LOGIN"]),
    ("submits", ["--tls-on-connect", "--auth", "PLAIN"])])
def test_swaks_sends(host, name, args):
    word, text = new_message("by swaks")
    if "--auth" in args:
        args = args + ["--auth-user", ALICE, "--auth-password", "secret"]
    run("swaks", "--server", host.address, "--port", host.ports[name], "--helo",
        "client.example", "--from", ALICE, "--to", BOB, *args, "--data", "-",
        input=text.encode())
    assert text.rstrip("\n") in arrived(host, word).read_text()


# mutt

@pytest.fixture
def mutt(host, tmp_path):
    """mutt(scheme, port name, arguments...) with a settings file."""
    def call(imap, smtp, *args, **more):
        rc = tmp_path / "muttrc"
        rc.write_text(f"""
            set certificate_file={host.ca}
            set ssl_verify_host=no ssl_force_tls=yes ssl_starttls=yes
            set imap_user={BOB} imap_pass=secret smtp_pass=secret
            set smtp_url={smtp[0]}://alice%40mx.example.org@{host.address}:{
                host.ports[smtp[1]]}/
            set folder={imap[0]}://{host.address}:{host.ports[imap[1]]}/
            set from={ALICE} realname=Alice use_envelope_from=yes
            set copy=no sendmail_wait=0 mbox_type=mbox quit=yes confirmappend=no
            set confirmcreate=no delete=no header_cache="" record=""
            set ssl_ca_certificates_file={host.ca}
            """.replace("            ", ""))
        return run(*args[:0], "script", "-qec", " ".join(
            ["mutt", "-n", "-F", str(rc), *args]), "/dev/null",
            env={"TERM": "xterm", "HOME": str(tmp_path),
                 "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}, **more)
    return call


@pytest.mark.parametrize("imap,smtp", [
    (("imap", "imap"), ("smtp", "submit")),
    (("imaps", "imaps"), ("smtps", "submits"))])
def test_mutt_sends_and_reads(host, mutt, tmp_path, imap, smtp):
    word = uuid.uuid4().hex
    body = tmp_path / "body"
    body.write_text(f"mutt says {word}\n")
    mutt(imap, smtp, "-s", f"'by mutt {word}'", BOB, f"<{body}")
    arrived(host, word)
    box = tmp_path / "box"
    mutt(imap, smtp, "-f", "'=INBOX'", "-e",
         f"'push <limit>{word}<enter><copy-message>{box}<enter>"
         "<quit>'", timeout=60)
    text = box.read_text()
    assert f"Subject: by mutt {word}" in text and f"mutt says {word}" in text


# mbsync

@pytest.mark.parametrize("name,kind", [
    ("imap", "STARTTLS"), ("imaps", "IMAPS")])
def test_mbsync_syncs_both_ways(host, tmp_path, name, kind):
    word, text, path = put(host)
    near = tmp_path / "mail"
    near.mkdir()
    rc = tmp_path / "mbsyncrc"
    rc.write_text(f"""\
IMAPAccount far
Host {host.address}
Port {host.ports[name]}
User {BOB}
Pass secret
SSLType {kind}
SSLVersions TLSv1.2
SystemCertificates no
CertificateFile {host.certificate}

IMAPStore far
Account far

MaildirStore near
Path {near}/
Inbox {near}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
SyncState *
""")
    run("mbsync", "-c", rc, "-a", env={"HOME": str(tmp_path),
                                       "PATH": "/usr/bin:/bin"})
    [copy] = [p for p in (near / "INBOX").rglob("*") if p.is_file()
              and word in p.read_text(errors="replace")]
    # mbsync adds a header line of its own.
    assert re.sub(r"X-TUID: .*\n", "", copy.read_text()) == path_text(
        host, word)

    # What is made and marked here comes to be there.
    back = uuid.uuid4().hex
    (near / "INBOX/cur" / f"{int(time.time())}.{back}:2,FS").write_text(
        f"From: {BOB}\nSubject: back {back}\n\nback\n")
    copy.rename(copy.parent.parent / "cur" / (copy.name.split(":")[0] + ":2,S")
                if ":" not in copy.name else copy)
    (near / "Lists").mkdir()
    for part in ("cur", "new", "tmp"):
        (near / "Lists" / part).mkdir()
    run("mbsync", "-c", rc, "-a", env={"HOME": str(tmp_path),
                                       "PATH": "/usr/bin:/bin"})
    uploaded = arrived(host, back)
    assert set("FS") <= set(uploaded.name.rpartition(":2,")[2])
    assert (host.maildir(BOB) / ".Lists/cur").is_dir()
    shutil.rmtree(host.maildir(BOB) / ".Lists")


def path_text(host, word):
    return arrived(host, word).read_text()


def test_mbsync_through_imapd_by_hand(host, tmp_path):
    """`Tunnel`: imapd on a pipe, no login at all."""
    far = tmp_path / "far"
    near = tmp_path / "near"
    for part in ("cur", "new", "tmp"):
        (far / part).mkdir(parents=True)
    near.mkdir()
    word, text = new_message("by hand")
    (far / "new" / "1.word.host").write_text(text)
    rc = tmp_path / "mbsyncrc"
    imapd = prefix() / "libexec/kereru/imapd"
    rc.write_text(f"""\
IMAPStore far
Tunnel "{imapd} {far}"

MaildirStore near
Path {near}/
Inbox {near}/INBOX

Channel all
Far :far:
Near :near:
Patterns INBOX
Create Near
SyncState *
""")
    run("mbsync", "-c", rc, "-a", env={"HOME": str(tmp_path),
                                       "PATH": "/usr/bin:/bin"})
    files = [p for p in pathlib.Path(near / "INBOX").rglob("*")
             if p.is_file() and word in p.read_text(errors="replace")]
    assert len(files) == 1
