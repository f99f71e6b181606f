"""Users who may teach the common classifier, on a whole host: what they move by
IMAP changes how the next message to somebody else is judged."""
import imaplib
import re
import shutil
import subprocess

import pytest

from host import Host, process_status, wait_until

TEACHER, PUPIL = "alice@mx.example.org", "bob@mx.example.org"
SPAM = ("Subject: Cheap pills %s\r\n\r\nBuy our cheap miracle pills, order "
        "viagra now, amazing discount, lottery winner.\r\n")
HAM = ("Subject: Minutes %s\r\n\r\nThe minutes of our meeting about the garden "
       "of the library, see you on Tuesday.\r\n")

pytestmark = pytest.mark.skipif(not shutil.which("bogofilter"),
                                reason="needs bogofilter")


@pytest.fixture(scope="module")
def host():
    h = Host(users={"alice": "secret", "bob": "secret"},
             settings={"spam-teachers": TEACHER, "spam-teacher-limit": 12,
                       "check": "yes"},
             services=("smtp", "imap", "queue", "check", "gather"))
    h.write("rules", ["rule BAYES_SPAM bayes=spam weight 5",
                      "rule BAYES_HAM bayes=ham weight -3",
                      "rule JUNK score>=5 junk"])
    h.compile()
    with h:
        # Without any words at all the program would be left alone for a while.
        h.kereru("spam", "learn", "ham", input=HAM % "by hand")
        wait_until(common(h).is_dir, 30, "the folder of lessons")
        yield h


def common(host, who=TEACHER):
    return host.maildir(who) / "kereru-spam/common"


def waiting(host):
    return sorted(p.name[-1] for p in common(host).iterdir())


def login(host, who):
    client = imaplib.IMAP4(host.address, host.ports["imap"], timeout=30)
    context = host.tls_context()
    context.check_hostname = False
    client.starttls(context)
    client.login(who, "secret")
    return client


def deliver(host, text, to, folder=""):
    before = set(host.mail(to, folder))
    host.send("joe@elsewhere.test", [to], text)
    host.wait_for_mail(to, len(before) + 1, folder=folder)
    new, = set(host.mail(to, folder)) - before
    return new


def counts(host):
    text = subprocess.run(["bogoutil", "-w", str(host.state / "check"),
                           ".MSG_COUNT"], stdout=subprocess.PIPE, text=True,
                          check=True).stdout.split()
    return [int(x) for x in text[-2:]]


def move(client, folder, subject, to):
    client.select(folder)
    _, found = client.search(None, "SUBJECT", subject)
    client._simple_command("MOVE", found[0].replace(b" ", b",").decode(), to)


def test_a_move_changes_how_others_mail_is_judged(host):
    for i in range(4):
        deliver(host, SPAM % i, TEACHER)
        deliver(host, HAM % i, TEACHER)
    judged = deliver(host, SPAM % "before", PUPIL).read_text()
    assert "BAYES_SPAM" not in judged.split("\n\n")[0]
    client = login(host, TEACHER)
    client.create("Junk")
    move(client, "INBOX", "pills", "Junk")
    move(client, "INBOX", "Minutes", "Junk")
    assert waiting(host) == ["s"] * 8
    # A round begins with the service, and comes once a minute after that.
    host.restart("gather")
    wait_until(lambda: waiting(host) == [], 60, "what waits to be learnt")
    assert counts(host) == [8, 1]
    # What was wrong is taken back.
    move(client, "Junk", "Minutes", "INBOX")
    host.kereru("spam", "gather")
    assert waiting(host) == []
    assert counts(host) == [4, 5]
    client.logout()
    path = deliver(host, SPAM % "after", PUPIL, folder="Junk")
    assert "BAYES_SPAM" in path.read_text().split("\n\n")[0]
    path = deliver(host, HAM % "after", PUPIL)
    assert "BAYES_HAM" in path.read_text().split("\n\n")[0]


def test_who_is_no_teacher_teaches_nobody(host):
    client = login(host, PUPIL)
    client.create("Junk")
    move(client, "INBOX", "Minutes", "Junk")
    client.logout()
    host.kereru("spam", "gather")
    assert not (host.maildir(PUPIL) / "kereru-spam").exists()
    assert counts(host) == [4, 5]


def test_a_mailbox_teaches_so_much_a_day(host):
    client = login(host, TEACHER)
    client.select("INBOX")
    for i in range(6):
        client.append("Junk", None, None, (SPAM % f"flood {i}").encode())
    client.logout()
    done = host.kereru("spam", "gather")
    # Eight were taught before, and twelve are a day's; the rest waits.
    assert counts(host) == [8, 5]
    assert waiting(host) == ["s"] * 2
    assert re.search("event=enough-lessons .*mailbox=" + TEACHER, done.stderr)


def test_files_are_those_of_whom_they_should(host):
    words = host.state / "check/wordlist.db"
    assert words.stat().st_uid == host.uids["check"]
    [record] = (host.state / "check/taught").iterdir()
    assert record.name == str(host.users[TEACHER])
    assert record.stat().st_mode & 0o077 == 0
    assert common(host).stat().st_uid == host.users[TEACHER]
    # Words that root had learnt are check's as well.
    host.kereru("spam", "learn", "ham", input=HAM % "again")
    assert words.stat().st_uid == host.uids["check"]
    assert counts(host) == [8, 6]
    # Root by itself, and nothing of root's is lost to those it becomes.
    status = process_status(host.pid("gather"))
    assert status["Uid"].split()[0] == "0" and status["Seccomp"] == "2"
