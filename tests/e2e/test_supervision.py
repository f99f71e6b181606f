"""Services under s6: readiness, restarts, clean stops, logs; and `make run`."""
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import time

import pytest

from host import (BUILD, MORE_SERVICES, REPOSITORY, SERVICES, Host, kill, new_folder,
                  process_status, wait_until)

USERS = {"alice": "secret"}
ALICE = "alice@mx.example.org"
LETTER = b"From: a@elsewhere.example\r\nSubject: %s\r\n\r\nhello\r\n"


def deliver(host, subject):
    n = len(host.mail(ALICE))
    host.send("a@elsewhere.example", [ALICE], LETTER % subject.encode())
    host.wait_for_mail(ALICE, n + 1)


def wait_for_another(host, service, before, timeout):
    """Wait for a daemon that is ready and has another pid."""
    def pid():
        try:
            return host.is_ready(service) and host.pid(service)
        except ProcessLookupError:
            return None
    wait_until(lambda: pid() not in (None, False, before), timeout, service)


@pytest.fixture(scope="module")
def own():
    """Not shared with other files: it is hurt all the time."""
    with Host(users=USERS) as host:
        yield host


@pytest.mark.parametrize("service", SERVICES)
def test_killed_daemon_is_back_within_two_seconds(own, service):
    """s6 starts a service once a second at most."""
    before = own.pid(service)
    kill(before)
    start = time.monotonic()
    wait_for_another(own, service, before, 5)
    assert time.monotonic() - start < 2.5
    deliver(own, f"after {service}")


def test_mail_at_once_for_an_address_just_made(own):
    """smtpd sees new tables with the next connection: so must the manager,
    however short ago it has looked."""
    for i in range(4):
        deliver(own, "before")
        n = len(own.mail(ALICE))
        own.kereru("alias", "add", f"new{i}@mx.example.org", ALICE)
        own.send("a@elsewhere.example", [f"new{i}@mx.example.org"],
                 LETTER % b"at once")
        own.wait_for_mail(ALICE, n + 1)


@pytest.mark.parametrize("service", SERVICES)
def test_killed_supervisor_leaves_one_daemon(own, service):
    before = own.pid(service)
    supervisor = int(process_status(before)["PPid"])
    assert b"s6-supervise" in pathlib.Path(
        f"/proc/{supervisor}/cmdline").read_bytes()
    kill(supervisor)
    wait_for_another(own, service, before, 40)
    # Children of the old one may finish what they do; it does not.
    wait_until(lambda: before not in own.pids(), 40, "the end of the old one")
    deliver(own, f"after the supervisor of {service}")


@pytest.mark.parametrize("service", SERVICES)
def test_killed_logger_stops_nobody(own, service):
    loggers = [p for p in own.processes()["s6-log"] if f"log/{service}".encode()
               in pathlib.Path(f"/proc/{p}/cmdline").read_bytes()]
    assert len(loggers) == 1
    kill(loggers[0])
    deliver(own, f"after the logger of {service}")
    wait_until(lambda: set(own.processes()["s6-log"]) - set(loggers) and
               len(own.processes()["s6-log"]) ==
               len(SERVICES + MORE_SERVICES), 5, "s6-log")
    before = len(own.log(service))
    own.restart(service)
    wait_until(lambda: len(own.log(service)) > before, 5, "a line of the log")


def test_a_standing_logger_stops_nobody(own):
    stopped = own.processes()["s6-log"]
    for pid in stopped:
        kill(pid, signal.SIGSTOP)
    try:
        for i in range(20):
            deliver(own, f"without logs {i}")
    finally:
        for pid in stopped:
            kill(pid, signal.SIGCONT)


def test_restart_keeps_the_service(own):
    for service in SERVICES:
        own.restart(service)
        wait_until(lambda s=service: own.is_ready(s), 10, service)
    deliver(own, "after restarts")


def test_logs_are_their_own_accounts(own):
    for service in SERVICES:
        folder = own.state / "log" / service
        assert folder.stat().st_uid == own.uids["log"]
        assert folder.stat().st_mode & 0o777 == 0o700
    for pid in own.processes()["s6-log"]:
        assert int(process_status(pid)["Uid"].split()[0]) == own.uids["log"]
    # TAI64N stamps as text, then the program's own line.
    assert re.search(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{9}  \S+ event=\S+ ",
                     own.log("queue"), re.M)


def test_clean_stop_leaves_nothing(make_host):
    host = make_host(users=USERS)
    deliver(host, "hello")
    folder = str(host.folder)
    host.stop()         # raises if anything was left
    assert folder not in subprocess.run(
        ["ps", "-eo", "args"], capture_output=True, text=True).stdout
    host.start()
    deliver(host, "again")


def test_whole_tree_killed_and_started(make_host):
    host = make_host(users=USERS)
    deliver(host, "before")
    host.crash()
    host.start()
    deliver(host, "after")


def test_two_hosts_side_by_side(make_host):
    one = make_host("one.example.org", users=USERS)
    two = make_host("two.example.org", users=USERS)
    assert one.address != two.address
    assert not set(one.uids.values()) & set(two.uids.values())
    one.send("a@elsewhere.example", ["alice@one.example.org"], LETTER % b"1")
    two.send("a@elsewhere.example", ["alice@two.example.org"], LETTER % b"2")
    one.wait_for_mail("alice@one.example.org")
    two.wait_for_mail("alice@two.example.org")


def test_make_run_without_root_says_what_it_needs():
    # Not every clone can be entered by everybody.
    folder = new_folder("run") / "common/admin"
    folder.mkdir(parents=True)
    script = shutil.copy(REPOSITORY / "common/admin/run.sh", folder)
    done = subprocess.run([script, "make", BUILD],
                          user=65534, group=65534, extra_groups=[],
                          capture_output=True, text=True)
    shutil.rmtree(folder.parents[1])
    assert done.returncode != 0
    assert len(done.stderr.splitlines()) == 1 and "root" in done.stderr


def demo_is_running():
    return subprocess.run(
        ["s6-svok", "/var/lib/kereru-demo/scan/queue"],
        stderr=subprocess.DEVNULL).returncode == 0


def test_make_run():
    """As a person does it: on a terminal, the lines pasted, Ctrl-C."""
    if demo_is_running():
        pytest.skip("a demo host runs on this machine")
    pid, terminal = os.forkpty()
    if pid == 0:
        os.chdir(REPOSITORY)
        # A shell can't take what those who started us have ignored.
        for signo in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
            signal.signal(signo, signal.SIG_DFL)
        os.execvp("make", ["make", f"B={BUILD}", "run"])
    said = read_terminal(terminal, "Ctrl-C stops it", 300)
    try:
        lines = [l for l in said.splitlines() if "curl " in l]
        assert len(lines) == 3, said
        for line in lines:
            done = subprocess.run(["sh", "-c", line], capture_output=True,
                                  text=True, timeout=60)
            assert done.returncode == 0, line + done.stderr
            if "smtp" not in line:
                assert "A first message." in done.stdout
    finally:
        os.write(terminal, b"\x03")
        read_terminal(terminal, None, 60)
        os.waitpid(pid, 0)
    wait_until(lambda: "kereru-demo" not in subprocess.run(
        ["ps", "-eo", "args"], capture_output=True, text=True).stdout, 5,
        "the end of the demo host")


def read_terminal(terminal, wanted, seconds):
    """All that is said until `wanted` or the end."""
    said, end = b"", time.monotonic() + seconds
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.5)[0]:
            try:
                more = os.read(terminal, 4096)
            except OSError:     # the other side has closed
                break
            if not more:
                break
            said += more
            if wanted and wanted.encode() in said:
                break
    return said.decode(errors="replace").replace("\r\n", "\n")
