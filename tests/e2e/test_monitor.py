"""The monitor: limits, stops and deaths, fronts that lie, tables that change,
mailboxes that must not or can't be opened."""
import hashlib
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import time

import pytest

from cdbfile import read_cdb, write_cdb
from host import (REPOSITORY, Host, certificates, kill, password_hash, prefix,
                  process_status, wait_for_none, wait_until)
from lineclient import LineClient, insecure_context, login

ALICE = "alice@mx.example.org"
BOB = "bob@mx.example.org"
NETWORK = ("smtp", "submit", "pop3", "imap")
BUSY = {"smtp": r"421 4\.7\.0 ", "submit": r"421 4\.7\.0 ",
        "pop3": r"-ERR \[SYS/TEMP\] ", "imap": r"\* BYE \[UNAVAILABLE\] "}
GREETING = {"smtp": "220 ", "submit": "220 ", "pop3": "+OK", "imap": "* OK"}


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def logged_in(host, service="imaps", user=ALICE, password="secret"):
    client = LineClient(host, service)
    assert client.login(user, password) == "ok"
    return client


def is_served(host, service, source=None):
    with LineClient(host, service, source) as c:
        return c.greeting.startswith(GREETING[service])


# Limits

@pytest.fixture(scope="module")
def narrow():
    with Host(services=NETWORK, settings={
            "connections-max": 6, "connections-per-address": 4}) as h:
        yield h


@pytest.mark.parametrize("service", NETWORK)
def test_limits_of_connections(narrow, service):
    def open_from(source):
        client = LineClient(narrow, service, source)
        clients.append(client)
        return client

    clients = []
    try:
        for _ in range(4):
            assert open_from("127.0.0.1").greeting.startswith(
                GREETING[service])
        one_too_many = open_from("127.0.0.1")
        assert re.match(BUSY[service], one_too_many.greeting)
        assert one_too_many.all() == ""
        for _ in range(2):
            assert open_from("127.0.0.2").greeting.startswith(
                GREETING[service])
        # No place is left: who has the most of them gives way to others...
        for i in range(3, 7):
            assert open_from(f"127.0.0.{i}").greeting.startswith(
                GREETING[service])
        assert clients[3].all() == "" and clients[2].all() == ""
        # ...until everybody has one, of which none is worth less.
        assert re.match(BUSY[service], open_from("127.0.0.7").greeting)
        # One that goes makes room.
        clients[0].close()
        wait_until(lambda: is_served(narrow, service, "127.0.0.1"),
                   what="a free place")
    finally:
        for client in clients:
            client.close()
    wait_until(lambda: is_served(narrow, service, "127.0.0.3"),
               what="free places")
    narrow.wait_for_log(service, r"event=too-many .*client=127\.0\.0\.7\b")
    narrow.wait_for_log(service, r"event=evicted .*client=127\.0\.0\.1\b")


def test_limits_hold_over_both_kinds_of_listeners(narrow):
    clients = [LineClient(narrow, "imap" if i % 2 else "imaps", "127.0.0.1")
               for i in range(4)]
    try:
        assert re.match(BUSY["imap"],
                        LineClient(narrow, "imap", "127.0.0.1").greeting)
        with pytest.raises(OSError):
            LineClient(narrow, "imaps", "127.0.0.1")
    finally:
        for client in clients:
            client.close()


def test_limit_of_ipv6(make_host):
    with socket.socket(socket.AF_INET6) as s:
        s.bind(("::1", 0))
        port = s.getsockname()[1]
    host = make_host(services=["smtp"], start=False,
                     settings={"connections-per-address": 2})
    host.set(listen_smtp=f"{host.settings['listen-smtp']} [::1]:{port}")
    host.start()
    clients = [socket.create_connection(("::1", port), 20) for _ in range(3)]
    greetings = [c.makefile().readline() for c in clients]
    assert [g[:4] for g in greetings] == ["220 ", "220 ", "421 "]
    # Another family is another client.
    assert is_served(host, "smtp")
    for client in clients:
        client.close()
    host.wait_for_log("smtp", r"event=too-many .*client=::1\b")


# Starting and stopping

@pytest.fixture(scope="module")
def shared():
    with Host(users={"alice": "secret", "bob": "secret"},
              services=NETWORK) as h:
        yield h


@pytest.fixture
def host(shared):
    """All services are up, whatever the test before has left."""
    for service in NETWORK:
        shared.svc(service, "-u")
    shared.wait_until_ready()
    return shared


def test_not_ready_without_its_address(host):
    reader, writer = os.pipe()
    monitor = subprocess.run(
        [prefix() / "libexec/kereru/monitor", "-t", host.tables, "-l", "-d",
         str(writer), "imap"], pass_fds=[writer], stderr=subprocess.PIPE,
        text=True, timeout=20)
    os.close(writer)
    assert monitor.returncode == 111
    assert "event=no-listener" in monitor.stderr
    assert os.read(reader, 1) == b""
    os.close(reader)


def test_ready_means_that_clients_are_served(host):
    for _ in range(3):
        host.svc("pop3", "-wD", "-d")
        host.svc("pop3", "-wU", "-u")
        assert is_served(host, "pop3")


def test_term_ends_sessions_cleanly(host):
    address = host.address, host.ports["imaps"]
    with logged_in(host) as imap, LineClient(host, "imap") as waiting, \
            socket.create_connection(address):
        imap.say("a SELECT INBOX")
        assert imap.say("b IDLE").startswith("+ ")
        old = host.pid("imap")
        before = time.monotonic()
        host.svc("imap", "-d")
        assert "* BYE" in imap.all()
        assert "* BYE" in waiting.all()
        wait_until(lambda: not os.path.exists(f"/proc/{old}"), 12, "its end")
        assert time.monotonic() - before < 10
    assert not wait_for_none(lambda: [
        (name, pids) for name, pids in host.processes().items()
        if name in ("imapd", "imap-front")])
    host.svc("imap", "-wU", "-u")


def test_term_in_the_middle_of_a_message(host):
    """The mailbox's smtpd finishes what it is being given."""
    with LineClient(host, "submits") as c:
        assert c.login(ALICE, "secret") == "ok"
        c.say(f"MAIL FROM:<{ALICE}>")
        c.say(f"RCPT TO:<{BOB}>")
        assert c.say("DATA").startswith("354")
        c.send("Subject: x\r\n\r\n")
        host.svc("submit", "-d")
        time.sleep(0.2)
        assert c.say("text\r\n.").startswith("250 ")
        assert c.all().startswith("421 ")
    host.svc("submit", "-wD", "-T", "5000", "-d")
    assert len(host.queued()) == 1 and host.queued("tmp") == []
    assert not wait_for_none(lambda: host.processes().get("submit-front"))


def test_killed_monitor(host):
    with logged_in(host) as imap, LineClient(host, "imaps") as early:
        for _ in range(2):
            old = host.pid("imap")
            kill(old)
            before = time.monotonic()
            wait_until(lambda: host._svstat("imap", "pid") not in
                       (str(old), "-1"), what="another monitor")
            wait_until(lambda: served(host), what="service")
            assert time.monotonic() - before < 2.5
        # Who is logged in notices nothing; who is not can't log in any more.
        assert imap.say("a SELECT INBOX").splitlines()[-1].startswith("a OK")
        assert early.login(ALICE, "secret") == "later"
        assert login(host, "imaps", ALICE, "secret") == "ok"


def served(host):
    try:
        return is_served(host, "imap")
    except OSError:
        return False


def test_killed_auth(host):
    """The next one hears what the client waits for an answer to; or else the
    client, that there is none yet."""
    host.set(auth_delay=20)
    host.restart("auth")
    auth = host.pid("auth")
    try:
        with LineClient(host, "imaps") as waiting:
            waiting.send("l LOGIN alice wrong\r\n")
            host.wait_for_log("auth", f"event=login-failed pid={auth}")
            kill(auth)
            host.wait_for_successor("auth", auth)
            again = f"event=login-failed pid={host.pid('auth')}"
            wait_until(lambda: again in host.log("auth") or select.select(
                [waiting.socket], [], [], 0)[0], what="an answer")
            assert again in host.log("auth") or \
                waiting.answer().startswith("l NO [UNAVAILABLE]")
        wait_until(lambda: login(host, "imaps", ALICE, "secret") == "ok", 5,
                   "a login")
    finally:
        host.set(auth_delay=0)
        host.restart("auth")
    wait_until(lambda: login(host, "imaps", ALICE, "secret") == "ok", 5,
               "a login")


def test_stopped_auth_stops_nobody_else(host):
    auth = host.pid("auth")
    kill(auth, signal.SIGSTOP)
    try:
        with LineClient(host, "imaps") as waiting:
            waiting.send("l LOGIN alice secret\r\n")
            assert is_served(host, "imap")
            with LineClient(host, "imaps") as other:
                assert other.say("a NOOP").startswith("a OK")
            kill(auth, signal.SIGCONT)
            assert waiting.answer().startswith("l OK")
    finally:
        kill(auth, signal.SIGCONT)


# Templates

def addresses(pid):
    """Where its stack lies in memory."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as f:
        [line] = [line for line in f if "[stack]" in line]
        return line.split("-")[1].split()[0]


def test_fronts_after_a_crash_are_laid_out_anew(host):
    template = host.template("imap")
    with LineClient(host, "imap") as bystander:
        with LineClient(host, "imap") as victim:
            fronts = [p for p in host.pids()
                      if process_status(p)["PPid"] == str(template)]
            before = {addresses(p) for p in fronts}
            assert len(fronts) == 2 and before == {addresses(template)}
            kill(max(fronts), signal.SIGSEGV)
            assert victim.line() == b""
        wait_until(lambda: addresses(template) not in before, what="renewal")
        assert bystander.say("a NOOP").startswith("a OK")
        assert is_served(host, "imap")
    # It is the same process: what it knows of its children is not lost.
    assert host.template("imap") == template
    assert not wait_for_none(lambda: [
        p for p in host.pids() if process_status(p)["PPid"] == str(template)])
    assert "event=crashed" in host.log("imap")


def test_fronts_are_laid_out_anew_now_and_then(host):
    template = host.template("pop3")
    seen = {addresses(template)}
    for _ in range(140):
        with socket.create_connection((host.address, host.ports["pop3"])) as s:
            assert s.recv(100).startswith(b"+OK")
        seen.add(addresses(template))
    assert len(seen) >= 3


def test_killed_template(host):
    """Who is logged in notices nothing; the next client gets another."""
    with logged_in(host) as imap:
        old = host.template("imap")
        kill(old)
        wait_until(lambda: served(host), what="service")
        assert host.template("imap") != old
        assert imap.say("a SELECT INBOX").splitlines()[-1].startswith("a OK")
        assert login(host, "imaps", ALICE, "secret") == "ok"


# Tables that change

def test_new_password_is_in_force_at_once(host):
    lines = (host.etc / "passwords").read_text()
    assert login(host, "imaps", BOB, "secret") == "ok"
    try:
        host.write("passwords", [f"{ALICE} {password_hash('secret')}",
                                 f"{BOB} {password_hash('other')}"], 0o600)
        host.compile()
        # Though the old one was remembered.
        assert login(host, "imaps", BOB, "secret") == "denied"
        assert login(host, "imaps", BOB, "other") == "ok"
        assert login(host, "imaps", ALICE, "secret") == "ok"
    finally:
        (host.etc / "passwords").write_text(lines)
        host.compile()
    assert login(host, "imaps", BOB, "secret") == "ok"


def served_certificate(host, service):
    context = insecure_context(host)
    context.check_hostname = False
    context.verify_mode = 0
    with LineClient(host, service, context=context) as c:
        return hashlib.sha256(c.socket.getpeercert(True)).hexdigest()


def test_new_certificate_is_in_force_at_once(host):
    services = ("imaps", "pop3s", "submits")
    before = [served_certificate(host, s) for s in services]
    assert len(set(before)) == 1
    tls = host.etc / "tls"
    old = host.folder / "old-tls"
    shutil.move(tls, old)
    try:
        shutil.copytree(certificates("other.example.org"), tls)
        host.compile()
        after = [served_certificate(host, s) for s in services]
        assert len(set(after)) == 1 and after[0] != before[0]
    finally:
        shutil.rmtree(tls)
        shutil.move(old, tls)
        host.compile()
    assert [served_certificate(host, s) for s in services] == before


def test_settings_of_a_connection_are_in_force_at_once(host):
    host.set(connections_per_address=1)
    try:
        with LineClient(host, "imap", "127.0.0.9"):
            with LineClient(host, "imap", "127.0.0.9") as second:
                assert re.match(BUSY["imap"], second.greeting)
    finally:
        host.set(connections_per_address=100)


# Mailboxes that must not be opened, or can't be

def with_users(host, records):
    """users.cdb, with some records other than `kereru compile` writes."""
    path = host.tables / "users.cdb"
    table = {**read_cdb(path), **records}
    new = path.with_suffix(".new")
    write_cdb(new, table)
    new.chmod(0o600)
    new.rename(path)


@pytest.mark.parametrize("value", [
    b"0\0HOME\0", b"00\0HOME\0", b"1000\0HOME\0", b"4294967295\0HOME\0",
    b"4294967296\0HOME\0", b"18446744073709551616\0HOME\0", b"-1\0HOME\0",
    b"LAST\0HOME\0", b"AUTH\0HOME\0", b"alice\0HOME\0", b"\0HOME\0",
    b"UID\0", b"UID", b"", b"\0\0\0", b"UID\0HOME", b"UID\0/nowhere\0",
    b"UID\0OTHER\0", b"UID\0LINK\0"])
def test_mailbox_that_must_not_be_opened(host, value):
    link = host.folder / "link"
    if not link.is_symlink():
        link.symlink_to(host.maildir(ALICE))
    replacements = {
        b"HOME": str(host.maildir(ALICE)).encode(),
        b"OTHER": str(host.maildir(BOB)).encode(),
        b"LINK": str(link).encode(),
        b"UID": str(host.users[ALICE]).encode(),
        b"LAST": str(host.first_uid + 2000).encode(),
        b"AUTH": str(host.uids["auth"]).encode()}
    for word, text in replacements.items():
        value = value.replace(word, text)
    with_users(host, {ALICE.encode(): value})
    try:
        for service in ("imaps", "pop3s"):
            assert login(host, service, ALICE, "secret") == "later"
        assert login(host, "imaps", BOB, "secret") == "ok"
    finally:
        host.compile()
    assert login(host, "imaps", ALICE, "secret") == "ok"
    for pid in host.processes().get("imapd", []):
        assert "0" not in process_status(pid)["Uid"].split()


def test_user_of_root_is_not_compiled(host):
    text = (host.etc / "users").read_text()
    try:
        host.write("users", [f"{ALICE} 0"])
        done = host.kereru("compile", check=False)
        assert done.returncode == 100 and "users:1" in done.stderr
    finally:
        (host.etc / "users").write_text(text)
        host.compile()


def test_right_password_without_a_user(host):
    """Known to the password table alone."""
    records = read_cdb(host.tables / "users.cdb")
    del records[ALICE.encode()]
    path = host.tables / "users.cdb"
    write_cdb(path.with_suffix(".new"), records)
    path.with_suffix(".new").rename(path)
    try:
        assert login(host, "imaps", ALICE, "secret") == "later"
    finally:
        host.compile()


# Programs that are not what they should be

@pytest.fixture(scope="module")
def crooked(tmp_path_factory):
    """smtpd and pop3-front are evil, imapd is no program."""
    h = Host(users={"alice": "secret"}, services=NETWORK)
    try:
        libexec = h.folder / "libexec"
        shutil.copytree(prefix() / "libexec/kereru", libexec)
        evil = h.folder / "evil"
        sources = ["tests/lib/evil_front.c"] + [
            f"common/{name}.c" for name in (
                "monitor/template", "monitor/request", "pair", "wire", "log")]
        subprocess.run(["cc", "-static", "-O1", "-D_GNU_SOURCE", "-I.",
                        "-o", evil, *sources, "-lskarnet"], check=True,
                       cwd=REPOSITORY)
        for name in ("smtpd", "pop3-front"):
            (libexec / name).unlink()
            shutil.copyfile(evil, libexec / name)
            (libexec / name).chmod(0o755)
        (libexec / "imapd").unlink()
        (libexec / "imapd").write_bytes(os.urandom(1000))
        (libexec / "imapd").chmod(0o755)
        h.set(libexec=libexec)
        h.start()
        yield h
    finally:
        h.close()


class Evil:
    def __init__(self, host, service):
        self.socket = socket.create_connection(
            (host.address, host.ports[service]), 20)
        self.file = self.socket.makefile("r")
        assert self.file.readline() == "ready\n"

    def ask(self, what):
        """What the monitor answered: (first octet, length), "end" when it has
        hung up, "" when it has ended this front."""
        try:
            self.socket.sendall(what.encode())
            line = self.file.readline().split()
        except ConnectionError:
            return ""
        if len(line) == 2:
            return int(line[0], 16), int(line[1])
        return line[0] if line else ""

    def close(self):
        self.file.close()
        self.socket.close()


MALFORMED = "gbtlLhmn"
HARMLESS = {"k": (0, 2), "y": (0, 2)}


@pytest.mark.parametrize("service", ["smtp", "pop3"])
def test_front_that_lies_is_ended_and_harms_nobody(crooked, service):
    bystander = Evil(crooked, service)
    assert bystander.ask("s")[0] == 0
    monitor = crooked.pid(service)
    before = descriptors(monitor)
    for what in MALFORMED + ("wa" if service == "smtp" else ""):
        evil = Evil(crooked, service)
        # It may hear of the end before it ends.
        assert evil.ask(what) in ("", "end"), what
        assert evil.file.read() == ""
        evil.close()
    for what in "od" if service == "pop3" else "":
        # auth hangs up, and may be asked again. (It may have answered the
        # first of two before it saw the second: then the end comes later.)
        evil = Evil(crooked, service)
        heard = [evil.ask(what)]
        assert heard[0] in ("end", (ord("d"), 3)), what
        heard.append(evil.ask("w"))
        if heard == [(ord("d"), 3), "end"]:
            heard.append(evil.ask("w"))
        assert heard[-1] == (ord("d"), 3), heard
        evil.close()
    wait_until(lambda: crooked.log(service).count("event=bad-request") >= 8,
               what="the log of them")
    for what, answer in HARMLESS.items():
        evil = Evil(crooked, service)
        assert evil.ask(what) == answer, what
        assert evil.ask("x") == ""
        evil.close()
    # The bystander still has its other signature, and no more.
    kind, length = bystander.ask("s")
    assert kind == 0 and length > 60
    assert bystander.ask("s") in ("", "end")
    bystander.close()
    assert crooked.pid(service) == monitor
    wait_until(lambda: descriptors(monitor) <= before, what="closed pairs")


def test_descriptors_with_a_request_go_nowhere(crooked):
    monitor = crooked.pid("pop3")
    evil = Evil(crooked, "pop3")
    assert evil.ask("w") == (ord("d"), 3)
    before = descriptors(monitor), descriptors(crooked.pid("auth"))
    for _ in range(2):
        evil.ask("f")
    for _ in range(20):
        assert evil.ask("F") == (ord("d"), 3)
    assert (descriptors(monitor), descriptors(crooked.pid("auth"))) == before
    evil.close()


def test_auth_alone_lets_anybody_in(crooked):
    folder = crooked.state / "policy"
    folder.mkdir(exist_ok=True)
    (folder / "socket").unlink(missing_ok=True)
    evil = Evil(crooked, "pop3")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(folder / "socket"))
        listener.listen()
        listener.settimeout(20)
        assert evil.ask("p") == (ord("P"), 1)
        policy, _ = listener.accept()
        policy.settimeout(20)
        ticket = policy.recv(2048)[:4]
        name = ALICE.encode()
        policy.send(ticket + len(name).to_bytes(2) + name)
        try:
            assert policy.recv(2048) == b""
        except ConnectionError:
            pass
        policy.close()
    (folder / "socket").unlink()
    wait_until(lambda: "role=policy" in crooked.log("pop3"), what="the log")
    # The front hears nothing of it, and what it asks is answered as ever.
    assert evil.ask("k") == (0, 2)
    assert "event=login" not in crooked.log("pop3")
    evil.close()


def test_empty_frame_ends_the_pair_alone(crooked):
    evil = Evil(crooked, "pop3")
    assert evil.ask("0") == "end"
    assert evil.ask("s") == "end"
    evil.close()


def test_front_that_goes_while_auth_is_asked(crooked):
    monitor = crooked.pid("pop3")
    for _ in range(20):
        evil = Evil(crooked, "pop3")
        evil.socket.sendall(b"wx")
        evil.close()
    evil = Evil(crooked, "pop3")
    assert evil.ask("w") == (ord("d"), 3)
    kind, length = evil.ask("a")
    assert kind == ord("o")
    # After that it has nothing to ask any more.
    assert evil.ask("w") == "end"
    evil.close()
    assert crooked.pid("pop3") == monitor


def test_mailbox_program_that_cannot_run(crooked):
    for _ in range(2):
        with LineClient(crooked, "imaps") as c:
            assert c.login(ALICE, "secret") == "later"
            assert c.say("a NOOP").startswith("a OK")
    assert "program=imapd" in crooked.log("imap")


@pytest.mark.parametrize("other", ["name", "link"])
def test_counters_that_are_another_file_are_left_alone(host, other):
    """What runs as auth could have put it there."""
    path, victim = host.state / "auth/throttle", host.tables / "keys"
    before = victim.read_bytes()
    path.unlink()
    if other == "name":
        os.link(victim, path)
    else:
        os.symlink(victim, path)
    host.restart("auth")
    assert login(host, "imaps", ALICE, "wrong") == "denied"
    assert login(host, "imaps", ALICE, "secret") == "ok"
    assert victim.read_bytes() == before
    assert path.stat().st_nlink == 1 and not path.is_symlink()
