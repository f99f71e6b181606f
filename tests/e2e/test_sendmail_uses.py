"""sendmail as programs use it that know nothing else: cron, git, PHP, mailx."""
import email
import os
import shutil
import subprocess

import pytest

from host import Host, prefix

ALICE = "alice@here.test"
NOBODY = 65534


@pytest.fixture(scope="module")
def house():
    with Host("here.test", users={"alice": "a"}, services=("queue",),
              aliases={"root@here.test": ALICE}) as h:
        h.sendmail("-bs", message=b"QUIT\r\n")
        wrapper = h.folder / "mta"
        wrapper.write_text(f"#!/bin/sh\nexec {h.folder}/sendmail -c "
                           f"{h.tables} \"$@\"\n")
        wrapper.chmod(0o755)
        h.mta = str(wrapper)
        yield h


def arrived(host, how):
    """What alice gets when that is done."""
    for path in host.mail(ALICE):
        path.unlink()
    how()
    [path] = host.wait_for_mail(ALICE)
    return email.message_from_bytes(path.read_bytes())


def test_cron(house):
    """As Debian's cron mails what a job has printed."""
    def job():
        subprocess.run(
            [house.mta, "-i", "-FCronDaemon", "-B8BITMIME", "-oem", "root"],
            user=NOBODY, group=NOBODY, extra_groups=[], check=True,
            env={"LOGNAME": "nobody"}, text=True,
            input="From: root (Cron Daemon)\nTo: root\nSubject: Cron "
            "<nobody@host> echo\nMIME-Version: 1.0\nContent-Type: "
            "text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n"
            "X-Cron-Env: <LOGNAME=nobody>\n\nké\n.\nrest\n")
    m = arrived(house, job)
    assert m["Return-Path"] == "<nobody@here.test>"
    assert m.get_payload(decode=True).decode() == "ké\n.\nrest\n"


def test_git_send_email(house, tmp_path):
    if not os.path.exists("/usr/lib/git-core/git-send-email") or \
            subprocess.run(["perl", "-MMail::Address", "-e", "1"],
                           capture_output=True).returncode:
        pytest.skip("no git-email")
    where = dict(cwd=tmp_path, check=True, capture_output=True, env=dict(
        os.environ, HOME=str(tmp_path), GIT_CONFIG_NOSYSTEM="1",
        GIT_AUTHOR_NAME="Zoë", GIT_AUTHOR_EMAIL="zoe@example.org",
        GIT_COMMITTER_NAME="Zoë", GIT_COMMITTER_EMAIL="zoe@example.org"))
    subprocess.run(["git", "init", "-q", "-b", "main"], **where)
    (tmp_path / "file").write_text("one\n.\n..two\n")
    subprocess.run(["git", "add", "file"], **where)
    subprocess.run(["git", "commit", "-qm", "add a file"], **where)

    def send():
        subprocess.run(["git", "send-email", "--quiet", "--confirm=never",
                        f"--sendmail-cmd={house.mta} -i",
                        "--from=Zoë <zoe@example.org>", "--to", ALICE,
                        "--envelope-sender=zoe@example.org",
                        "--suppress-cc=all",
                        "--root", "-1"], **where)
    m = arrived(house, send)
    assert m["Return-Path"] == "<zoe@example.org>"
    assert m["Subject"] == "[PATCH] add a file"
    assert b"\n+one\n+.\n+..two\n" in m.get_payload(decode=True)


def test_php(house):
    if not shutil.which("php"):
        pytest.skip("no PHP")
    m = arrived(house, lambda: subprocess.run(
        ["php", "-n", "-d", f"sendmail_path={house.mta} -t -i", "-r",
         "exit(mail('alice@here.test', 'from php', \"one\\n.\\ntwo\\n\", "
         "\"From: web@here.test\\r\\nX-Mailer: php\", '-fweb@here.test') "
         "? 0 : 1);"], check=True))
    assert (m["Subject"], m["X-Mailer"], m["From"], m["Return-Path"]) == \
        ("from php", "php", "web@here.test", "<web@here.test>")
    assert m.get_payload() == "one\n.\ntwo\n\n"


def test_mailx(house, tmp_path):
    if not shutil.which("s-nail"):
        pytest.skip("no s-nail")
    (tmp_path / "a.txt").write_text("attached\n")
    m = arrived(house, lambda: subprocess.run(
        ["s-nail", "-n", "-S", "v15-compat", "-S", f"mta={house.mta}",
         "-s", "from mailx", "-a", tmp_path / "a.txt", "-c",
         "root@here.test", "-r", "me@here.test", "root@here.test"],
        input=b"hello\n", check=True, env=dict(
            os.environ, MAILRC="/dev/null", HOME=str(tmp_path))))
    assert m["Subject"] == "from mailx" and m.is_multipart()
    assert m["Return-Path"] == "<me@here.test>"


def test_who_would_get_it(house):
    """-bv, for who may read the tables."""
    done = house.sendmail("-bv", "alice", "root", "x@elsewhere.test",
                          "nobody@here.test", check=False)
    assert done.returncode == 67, done.stderr
    assert [line.split(" ... ")[1].split(":")[0] for line in
            done.stdout.decode().splitlines()] == \
        ["deliverable"] * 3 + ["undeliverable"]
    assert b"mailbox alice@here.test" in done.stdout
    assert house.sendmail("-bv", "alice", uid=NOBODY,
                          check=False).returncode == 77


def test_other_commands(house):
    """mailq and newaliases, by link and by option; retrying, for root."""
    assert os.readlink(prefix() / "bin/newaliases") == "../sbin/sendmail"
    house.wait_for_empty_queue()
    assert house.sendmail("-bp").stdout == b"the queue is empty\n"
    assert house.sendmail("-q", uid=NOBODY).stdout == b""
    done = house.sendmail("-bd", check=False)
    assert done.returncode == 64 and b"no daemon" in done.stderr
