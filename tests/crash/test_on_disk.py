"""250 means on disk: the order of system calls, and a full disk."""
import os
import re
import smtplib
import subprocess
import time

import pytest

from host import Host

BOB = "bob@mx.example.org"
CALLS = "fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink," \
        "unlinkat,write,sendto"


class Trace:
    """strace of processes and their children: lines in the order in which the
    calls ended."""

    def __init__(self, path, *pids):
        self.path = path
        self.process = subprocess.Popen(
            ["strace", "-f", "-y", "-s", "80", "-e", f"trace={CALLS}", "-o",
             path, *(a for p in pids for a in ("-p", str(p)))],
            stderr=subprocess.PIPE, text=True)
        for _ in pids:
            line = self.process.stderr.readline()
            assert "attached" in line, line

    def lines(self):
        self.process.terminate()
        self.process.wait(10)
        calls, begun = [], {}
        for line in self.path.read_text().splitlines():
            pid, _, call = line.partition(" ")
            call = call.strip()
            if call.endswith("<unfinished ...>"):
                begun[pid] = call.removesuffix("<unfinished ...>").rstrip()
            elif m := re.match(r"<\.\.\. \w+ resumed>(.*)", call):
                calls.append(begun.pop(pid, "") + m[1])
            else:
                calls.append(call)
        return calls


def position(lines, *patterns):
    """The positions of lines that match the patterns one after another."""
    found, at = [], 0
    for pattern in patterns:
        while at < len(lines) and not re.search(pattern, lines[at]):
            at += 1
        assert at < len(lines), (pattern, found, lines)
        found.append(at)
        at += 1
    return found


@pytest.fixture(scope="module")
def host():
    with Host(users={"alice": "secret", "bob": "secret"}) as h:
        yield h


def test_file_and_folder_are_synced_before_the_250(host, tmp_path):
    trace = Trace(tmp_path / "trace", host.template("smtp"))
    host.send("x@elsewhere.example", [BOB], "Subject: x\r\n\r\nx\r\n")
    lines = trace.lines()
    position(lines, r"fsync\(\d+<.*/queue/tmp/[^/]+>\) += 0",
             r"renameat2?\(.* = 0", r"fsync\(\d+<.*/queue/new>\) += 0",
             r'write\(.*"250 2.*queued')
    assert sum("queued as" in line for line in lines) == 1


def test_the_copy_is_synced_before_the_queue_file_goes(host, tmp_path):
    processes = host.processes()
    before = len(host.mail(BOB))
    trace = Trace(tmp_path / "trace", *processes["manager"],
                  *processes["local-spawner"])
    host.send("x@elsewhere.example", [BOB], "Subject: x\r\n\r\nx\r\n")
    host.wait_for_mail(BOB, before + 1)
    host.wait_for_empty_queue()
    position(trace.lines(), r"fsync\(\d+<.*/bob/tmp/[^/]+>\) += 0",
             r"(rename|link)(at2?)?\(.* = 0", r"fsync\(\d+<.*/bob/new>\) += 0",
             r"unlink(at)?\(.* = 0")


def test_a_bounce_is_synced_before_the_queue_file_goes(host, tmp_path):
    before = len(host.mail(BOB))
    trace = Trace(tmp_path / "trace", *host.processes()["manager"])
    # As a system user, whose sender is hosted here.
    host.sendmail("-f", BOB, f"nobody@{host.name}",
                  message=b"Subject: x\n\nx\n")
    host.wait_for_mail(BOB, before + 1)
    host.wait_for_empty_queue()
    position(trace.lines(), r"fsync\(\d+<.*/queue/tmp/[^/]+>\) += 0",
             r"renameat2?\(.* = 0", r"fsync\(\d+<.*/queue/new>\) += 0",
             r"unlink(at)?\(.*/queue/cur.* = 0")


def test_a_full_disk_is_452_and_leaves_nothing(tmp_path):
    host = Host(users={"bob": "secret"}, services=("smtp", "queue"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0710", "none",
                    host.queue], check=True)
    try:
        host.kereru("setup", host.name, "--no-dkim")
        with host:
            message = "Subject: x\r\n\r\n" + "0123456789\r\n" * 200_000
            with pytest.raises(smtplib.SMTPDataError) as error:
                host.send("x@elsewhere.example", [BOB], message)
            assert error.value.smtp_code == 452
            assert host.queued("tmp", "new", "cur") == []
            # It recovers unaided; the session that met it goes on.
            with host.smtp() as client:
                with pytest.raises(smtplib.SMTPDataError):
                    client.sendmail("x@elsewhere.example", [BOB], message)
                client.sendmail("x@elsewhere.example", [BOB],
                                "Subject: small\r\n\r\nx\r\n")
            host.wait_for_mail(BOB)
            host.wait_for_empty_queue()
    finally:
        subprocess.run(["umount", "-l", host.queue], check=False)
        host.close()


def test_no_inodes_is_452(tmp_path):
    host = Host(users={"bob": "secret"}, services=("smtp", "queue"))
    subprocess.run(["mount", "-t", "tmpfs", "-o",
                    "size=1m,nr_inodes=9,mode=0710", "none", host.queue],
                   check=True)
    try:
        host.kereru("setup", host.name, "--no-dkim")
        with host:
            fillers = []
            try:
                for i in range(10):
                    path = host.queue / f"filler{i}"
                    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
                    fillers.append(path)
            except OSError:
                pass
            start = time.monotonic()
            with pytest.raises(smtplib.SMTPDataError) as error:
                host.send("x@elsewhere.example", [BOB], "Subject: x\r\n\r\nx")
            assert error.value.smtp_code == 452
            assert time.monotonic() - start < 5
            for path in fillers:
                path.unlink()
            host.send("x@elsewhere.example", [BOB], "Subject: x\r\n\r\nx")
            host.wait_for_mail(BOB)
    finally:
        subprocess.run(["umount", "-l", host.queue], check=False)
        host.close()
