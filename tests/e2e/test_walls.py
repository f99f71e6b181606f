"""The walls: who runs as whom, and what each live process can't do.

One host, with a process of every role alive at once: connections before and
after login, a delivery to a host that says nothing, one to a mailbox.
"""
import imaplib
import os
import poplib
import re
import smtplib
import socket
import struct
import subprocess

import pytest

from host import REPOSITORY, SERVICES, Host, process_status, wait_until
from sieveclient import SieveClient
from smtpsink import STALL, SmtpSink

EPERM, ENOENT, EACCES = -1, -2, -13
ALL = {"open", "socket", "connect", "execve", "ptrace", "kill", "setuid",
       "tgkill", "fcntl", "clone"}

# What each role must be refused. Roots have in their filter what their children
# need; what runs under a mailbox's uid opens files, fenced by Landlock.
DENIED = {
    "monitor": {"socket", "ptrace", "tgkill", "fcntl", "clone"},
    "starter": {"ptrace", "tgkill", "fcntl", "clone"},
    "local-spawner": ALL - {"open", "setuid"},
    "auth": ALL,
    "smtpd": ALL,
    "submit-front": ALL,
    "pop3-front": ALL,
    "imap-front": ALL,
    "sieve-front": ALL,
    "manager": ALL,
    "signer": ALL,
    "remote-spawner": ALL - {"socket", "connect"},
    "remote": ALL - {"socket", "connect"},
    "local": ALL,
    "pop3d": ALL,
    "imapd": ALL,
    "sieved": ALL,
    "smtpd after login": ALL,
}
ROOTS = {"monitor", "starter", "local-spawner"}


class House:
    """The host and, by role, the pid of a live process."""

    def __init__(self):
        self.sink = SmtpSink("127.0.0.1", 0, replies={"connect": STALL})
        self.sink.__enter__()
        port = self.sink.address[1]
        self.host = Host(
            users={"alice": "secret", "bob": "secret"},
            services=SERVICES + ("sieve",),
            routes={"stalled.example": f"[127.0.0.1]:{port}"})
        self.host.start()
        self.connections = []
        self.pids = {}
        try:
            self.bring_alive()
        except BaseException:
            self.close()
            raise

    def bring_alive(self):
        host, alice = self.host, "alice@mx.example.org"
        context = host.tls_context()
        context.check_hostname = False
        smtp = socket.create_connection((host.address, host.ports["smtp"]))
        assert smtp.recv(100).startswith(b"220 ")
        submit = host.submission(alice)
        assert submit.noop()[0] == 250
        submit.sendmail(alice, ["x@stalled.example"], "Subject: x\r\n\r\nx\r\n")
        pop3 = poplib.POP3_SSL(host.address, host.ports["pop3s"],
                               context=context)
        pop3.user(alice)
        pop3.pass_("secret")
        imap = imaplib.IMAP4_SSL(host.address, host.ports["imaps"],
                                 ssl_context=context)
        imap.login(alice, "secret")
        imap.select()
        sieve = SieveClient.of_host(host)
        sieve.starttls()
        assert sieve.login(alice, "secret")
        self.connections = [smtp, submit, pop3, imap, sieve]
        self.pids = wait_until(self.find, what="a process of every role")

    def find(self):
        host = self.host
        found = host.processes()
        mailboxes = set(host.users.values())
        pids = {}
        for name, name_pids in found.items():
            for pid in name_pids:
                uid = uid_of(pid)
                role = name
                if name == "smtpd" and uid in mailboxes:
                    role = "smtpd after login"
                elif name == "local-spawner" and uid != 0:
                    role = "local"
                elif name == "remote-spawner" and pid != min(name_pids):
                    role = "remote"
                pids.setdefault(role, pid)
        # A local delivery waits a moment for more to do.
        if "local" not in pids:
            host.send("x@elsewhere.example", ["alice@mx.example.org"],
                      "Subject: x\r\n\r\nx\r\n")
        return pids if set(DENIED) <= set(pids) else None

    def pid(self, role):
        """A live pid: a local delivery ends after a while."""
        if role == "local" and not os.path.exists(f"/proc/{self.pids[role]}"):
            self.pids = wait_until(self.find, what=role)
        return self.pids[role]

    def close(self):
        for connection in self.connections:
            try:
                getattr(connection, "sock", connection).close()
            except OSError:
                pass
        # A stop waits for what is being delivered: let it fail first.
        self.sink.__exit__(None, None, None)
        self.host.close()


def uid_of(pid):
    return int(process_status(pid)["Uid"].split()[0])


@pytest.fixture(scope="module")
def house():
    h = House()
    yield h
    h.close()


@pytest.fixture(scope="module")
def probe(tmp_path_factory):
    """probe(pid, path) -> {call: result}"""
    program = tmp_path_factory.mktemp("probe") / "probe"
    subprocess.run(["cc", "-O2", "-o", program,
                    REPOSITORY / "tests/lib/probe.c"], check=True)

    def run(pid, *path):
        text = subprocess.run([program, str(pid), *path], check=True,
                              stdout=subprocess.PIPE, text=True).stdout
        return {k: int(v) for k, v in
                (line.split() for line in text.splitlines())}
    return run


def test_every_role_has_its_own_uid(house):
    expected = {
        "smtpd": "smtpd", "submit-front": "submit", "pop3-front": "pop3d",
        "imap-front": "imapd", "sieve-front": "sieve",
        "auth": "auth", "manager": "queue",
        "remote-spawner": "remote", "remote": "remote", "signer": "sign"}
    alice = house.host.users["alice@mx.example.org"]
    for role, pid in house.pids.items():
        if role.startswith("s6-") or role in ("sh", "flock", "setpriv"):
            continue
        if role == "front-template":
            assert uid_of(pid) in {house.host.uids[name] for name in (
                "smtpd", "submit", "pop3d", "imapd", "sieve")}
            continue
        status = process_status(house.pid(role))
        uids = {int(n) for n in status["Uid"].split()}
        gids = {int(n) for n in status["Gid"].split()}
        if role in ROOTS:
            assert uids == {0}, role
            continue
        uid = house.host.uids[expected[role]] if role in expected else alice
        assert uids == {uid}, role
        assert 0 not in gids and status["Groups"] == "", role
        assert int(status["CapEff"], 16) == 0, role
        assert status["NoNewPrivs"] == "1", role


def test_only_these_are_root(house):
    for name, pids in house.host.processes().items():
        for pid in pids:
            if uid_of(pid) == 0:
                assert name in ROOTS or name.startswith("s6-"), name


def test_everything_ours_has_a_filter(house):
    for role in DENIED:
        status = process_status(house.pid(role))
        # auth with a checkpassword program is the one exception.
        assert status["Seccomp"] == "2", role


def test_imapd_may_watch_its_folder(house):
    """Without inotify it would look for new mail every two seconds, and nobody
    would see why: the filters that it inherited must let it."""
    folder = f"/proc/{house.pid('imapd')}/fd"
    assert "anon_inode:inotify" in \
        {os.readlink(f"{folder}/{fd}") for fd in os.listdir(folder)}


@pytest.mark.parametrize("role", sorted(DENIED))
def test_a_live_process_is_refused(house, probe, role):
    results = probe(house.pid(role))
    for call in DENIED[role]:
        # A chroot may answer before the filter does.
        refused = {EPERM, EACCES, ENOENT} if call == "open" else {EPERM}
        assert results[call] in refused, (call, results)


@pytest.mark.parametrize("role", ["imapd", "pop3d", "sieved", "local"])
def test_a_mailbox_program_cannot_open_another_mailbox(house, probe, role):
    host = house.host
    for path in (host.maildir("bob@mx.example.org") / "cur", host.queue,
                 host.tables / "passwords.cdb", host.tables):
        assert probe(house.pid(role), str(path))["open"] in (EPERM, EACCES)
    own = host.maildir("alice@mx.example.org") / "cur"
    assert probe(house.pid(role), str(own))["open"] >= 0


def as_user(uid, gid, function):
    """Whether function() works in a process of this uid; with its error."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
            function()
            os.write(writer, b"ok")
        except OSError as error:
            os.write(writer, type(error).__name__.encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(pid, 0)
    with os.fdopen(reader, "rb") as f:
        return f.read().decode()


def test_smtpd_user_sees_neither_queue_nor_secrets(house):
    host = house.host
    uid = host.uids["smtpd"]
    for path in (host.queue, host.queue / "tmp", host.queue / "new",
                 host.queue / "cur", host.queue / "bad"):
        assert as_user(uid, uid, lambda p=path: os.listdir(p)) == \
            "PermissionError", path
    for path in (host.tables / "keys", host.tables / "passwords.cdb",
                 host.tables / "users.cdb", host.etc / "passwords",
                 host.etc / "tls/ec.key", host.etc / "tls/rsa.key"):
        assert path.exists()
        assert as_user(uid, uid, lambda p=path: open(p).close()) == \
            "PermissionError", path


def test_a_dropper_cannot_touch_what_others_dropped(house):
    host = house.host
    name = "0000000000000000.00000000000000000000000000"
    path = host.queue / "tmp" / name
    path.write_text("x")
    os.chmod(path, 0o660)
    os.chown(path, host.uids["relay"], host.uids["queue"])
    uid, gid = host.users["alice@mx.example.org"], host.gid_drop
    try:
        for attempt in (lambda: os.listdir(path.parent),
                        lambda: open(path).close(),
                        lambda: os.unlink(path),
                        lambda: os.link(path, path.parent / "other"),
                        lambda: os.rename(path, path.parent / "other")):
            assert as_user(uid, gid, attempt) == "PermissionError"
    finally:
        path.unlink()


def secrets(host):
    """Octets that no process but the monitor may hold: the EC key's scalar,
    the RSA key's primes."""
    data = (host.tables / "keys").read_bytes()
    found, at = [], 4
    for _ in range(struct.unpack(">I", data[:4])[0]):
        kind = data[at:at + 1]
        at += 5
        for i in range(1 if kind == b"E" else 5):
            (n,) = struct.unpack(">H", data[at:at + 2])
            value = data[at + 2:at + 2 + n].lstrip(b"\0")
            found += [value, value[::-1]]
            at += 2 + n
    return found


def memory(pid):
    """What a process can read of its own memory, piece by piece."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb",
                                                 0) as mem:
        for line in maps:
            m = re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line)
            if not m or "[vvar" in line or "[vsyscall]" in line:
                continue
            start, end = int(m[1], 16), int(m[2], 16)
            try:
                mem.seek(start)
                yield mem.read(end - start)
            except OSError:
                pass


def holds(pid, needles):
    return any(needle in piece for piece in memory(pid) for needle in needles)


def test_private_keys_are_in_the_monitor_alone(house):
    needles = secrets(house.host)
    assert len(needles) >= 2 and all(len(n) >= 30 for n in needles)
    # The control: the same search finds them where they are.
    assert holds(house.pids["monitor"], needles)
    for role in set(DENIED) - {"monitor"}:
        assert not holds(house.pid(role), needles), role


def test_password_hashes_are_in_auth_alone(house):
    text = (house.host.etc / "passwords").read_text()
    hashes = [line.split()[1].split("$")[-1].encode()
              for line in text.splitlines() if "$argon2id$" in line]
    assert hashes
    for role in set(DENIED) - {"auth"}:
        assert not holds(house.pid(role), hashes), role


def test_auth_is_offered_on_submission_under_tls_only(house):
    host = house.host
    with host.smtp() as client:
        client.ehlo()
        assert "auth" not in client.esmtp_features
        context = host.tls_context()
        context.check_hostname = False
        client.starttls(context=context)
        client.ehlo()
        assert "auth" not in client.esmtp_features
    with smtplib.SMTP(host.address, host.ports["submit"]) as client:
        client.ehlo()
        assert "auth" not in client.esmtp_features
        assert client.docmd("AUTH", "PLAIN AGEAYg==")[0] >= 500
