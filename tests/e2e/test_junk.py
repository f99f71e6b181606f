"""What a mailbox's owner moves into Junk and out of it, its classifier learns, on
a whole host: imapd leaves the lesson, the next delivery learns it."""
import imaplib
import shutil
import subprocess

import pytest

from host import Host, wait_until

ALICE, BOB = "alice@mx.example.org", "bob@mx.example.org"
WORDS = "kereru-spam"
SPAM = ("Subject: Cheap pills %s\r\n\r\nBuy our cheap miracle pills, order "
        "viagra now, amazing discount, lottery winner.\r\n")
HAM = ("Subject: Minutes %s\r\n\r\nThe minutes of our meeting about the garden "
       "of the library, see you on Tuesday.\r\n")

pytestmark = pytest.mark.skipif(not shutil.which("bogofilter"),
                                reason="needs bogofilter")


@pytest.fixture(scope="module")
def host():
    with Host(users={"alice": "secret", "bob": "secret"},
              settings={"user-classifier": "yes"},
              services=("smtp", "imap", "queue")) as h:
        yield h


@pytest.fixture
def imap(host):
    client = imaplib.IMAP4(host.address, host.ports["imap"], timeout=30)
    context = host.tls_context()
    context.check_hostname = False
    client.starttls(context)
    client.login(ALICE, "secret")
    yield client
    client.logout()


def deliver(host, text, to=ALICE, folder=""):
    """The file of a message that has come, in that folder."""
    before = set(host.mail(to, folder))
    host.send("joe@elsewhere.test", [to], text)
    host.wait_for_mail(to, len(before) + 1, folder=folder)
    new, = set(host.mail(to, folder)) - before
    return new


def lessons(host):
    return sorted(p.name[-1] for p in (host.maildir(ALICE) / WORDS / "new"
                                       ).iterdir())


def learn(host):
    """Deliveries until what waits is learnt: the process of one that came before
    the lesson may serve the next as well."""
    for _ in range(3):
        deliver(host, HAM % "in between")
        try:
            wait_until(lambda: lessons(host) == [], timeout=2.5)
            return
        except TimeoutError:
            continue
    assert False, host.log("queue")


def verdict(path):
    lines = path.read_text().split("\n\n")[0].split("\n")
    return [x.split()[1] for x in lines if x.startswith("X-Spam-User:")]


def test_a_mailbox_without_words_is_asked_nothing(host):
    assert verdict(deliver(host, SPAM % 0)) == []
    assert (host.maildir(ALICE) / WORDS / "new").is_dir()
    assert not (host.maildir(ALICE) / WORDS / "wordlist.db").exists()


def test_moving_teaches(host, imap):
    for i in range(4):
        deliver(host, SPAM % i)
        deliver(host, HAM % i)
    imap.create("Junk")
    imap.create("Trash")
    imap.select("INBOX")
    for text, folder in (("pills", "Junk"), ("Minutes", "Junk")):
        _, found = imap.search(None, "SUBJECT", text)
        imap._simple_command("MOVE", found[0].replace(b" ", b",").decode(),
                             folder)
    assert lessons(host) == ["s"] * 9
    # The other way: what is no spam, and what is thrown away.
    imap.select("Junk")
    _, found = imap.search(None, "SUBJECT", "Minutes")
    imap.copy(found[0].replace(b" ", b",").decode(), "INBOX")
    imap.copy("1", "Trash")
    assert lessons(host) == ["n"] * 4 + ["s"] * 9
    learn(host)
    # Put there by a client.
    imap.append("Junk", None, None, (SPAM % "appended").encode())
    imap.append("INBOX", None, None, (SPAM % "elsewhere").encode())
    assert lessons(host) == ["s"]
    learn(host)
    counts = subprocess.run(
        ["bogoutil", "-w", str(host.maildir(ALICE) / WORDS), ".MSG_COUNT"],
        stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    # Learnt once each; what was called spam before is so no more.
    assert [int(x) for x in counts[-2:]] == [6, 4]


def test_teaching_by_hand(host):
    for kind, text in ("spam", SPAM), ("ham", HAM):
        host.kereru("spam", "learn", "-m", ALICE, kind,
                    input=text % "by hand")
    said = host.kereru("spam", "test", "-m", ALICE,
                       input=SPAM % "asked").stdout
    assert said.startswith("spam "), said
    assert host.kereru("spam", "learn", "-m", "nobody@mx.example.org", "ham",
                       input="x", check=False).returncode == 111


def test_what_was_learnt_is_used_for_its_owner_alone(host):
    path = deliver(host, SPAM % "again", folder="Junk")
    assert verdict(path) == ["spam"]
    assert verdict(deliver(host, HAM % "again")) in (["ham"], ["unsure"])
    assert verdict(deliver(host, SPAM % "to Bob", to=BOB)) == []
    owner = host.maildir(ALICE).stat()
    words = (host.maildir(ALICE) / WORDS / "wordlist.db").stat()
    assert (words.st_uid, words.st_mode & 0o077) == (owner.st_uid, 0)
