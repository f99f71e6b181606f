"""Nothing that got a 250 is ever lost.

Messages come in by SMTP and by submission, for mailboxes and for another host,
while processes of every role are killed, loggers and supervisors included, and
once the whole tree; afterwards each acknowledged message is in its mailbox, or
at the other host, whole. Deaths strike while a message is on its way in, since
little is at stake between messages. (What the disk may look like after any call
of these programs is test_power_cut.py's.)
"""
import collections
import imaplib
import poplib
import random
import re
import smtplib
import threading
import time

import pytest

from host import Host, kill, process_status, wait_until
from smtpsink import SmtpSink

PAUSE = 0.1
USERS = {f"u{i}": "secret" for i in range(8)}
ROLES = ("monitor", "auth", "smtpd", "submit-front", "smtpd after login",
         "imap-front", "imapd", "pop3-front", "pop3d", "starter", "manager",
         "remote-spawner", "remote", "local-spawner", "local", "signer",
         "s6-log",
         "s6-supervise")
FAR = "far.example"


def body(word):
    """Some lines that show a torn file, of different sizes."""
    n = int(word[-3:], 16) % 200 + 1
    return "".join(f"{word} line {i} of {n}\r\n" for i in range(n))


class Sender(threading.Thread):
    """Sends until told to stop; remembers what got a 250."""

    def __init__(self, host, number, through):
        super().__init__(daemon=True)
        self.host, self.number, self.through = host, number, through
        self.acknowledged = {}      # word -> recipient
        self.is_done = threading.Event()
        self.is_sending = False
        self.random = random.Random(number)

    def connect(self):
        if self.through == "submit":
            return self.host.submission("u0@mx.example.org", timeout=10)
        return self.host.smtp(timeout=10)

    def run(self):
        client, count = None, 0
        while not self.is_done.is_set():
            word = f"w{self.number}x{count}x{self.random.getrandbits(48):012x}"
            far = self.through == "submit" and count % 2 == 0
            to = f"u{self.random.randrange(8)}@" + (
                FAR if far else "mx.example.org")
            try:
                client = client or self.connect()
                self.is_sending = True
                client.sendmail(
                    "u0@mx.example.org", [to],
                    f"Subject: {word}\r\n\r\n{body(word)}")
                self.acknowledged[word] = to
                count += 1
                if count % 10 == 0:
                    client.quit()
                    client = None
            except (OSError, smtplib.SMTPException):
                if client is not None:
                    client.close()
                client = None
                time.sleep(0.02)
            finally:
                self.is_sending = False


class Reader(threading.Thread):
    """Logs in by IMAP or POP3 again and again."""

    def __init__(self, host, session):
        super().__init__(daemon=True)
        self.host, self.session = host, session
        self.is_done = threading.Event()
        self.context = host.tls_context()
        self.context.check_hostname = False

    def run(self):
        while not self.is_done.is_set():
            try:
                self.session(self)
            except (OSError, EOFError, imaplib.IMAP4.error,
                    poplib.error_proto):
                time.sleep(0.05)

    def imap(self):
        imap = imaplib.IMAP4_SSL(
            self.host.address, self.host.ports["imaps"],
            ssl_context=self.context, timeout=10)
        imap.login("u1@mx.example.org", "secret")
        imap.select("INBOX", readonly=True)
        for _ in range(20):
            imap.noop()
            time.sleep(0.05)
        imap.logout()

    def pop3(self):
        pop3 = poplib.POP3_SSL(self.host.address, self.host.ports["pop3s"],
                               context=self.context, timeout=10)
        pop3.user("u2@mx.example.org")
        pop3.pass_("secret")
        for _ in range(20):
            pop3.stat()
            time.sleep(0.05)
        pop3.quit()


def living(host):
    """{role: [pids]}"""
    mailboxes = set(host.users.values())
    found = collections.defaultdict(list)
    processes = host.processes()
    spawners = set(processes.get("remote-spawner", ()))
    for name, pids in processes.items():
        for pid in pids:
            try:
                status = process_status(pid)
            except OSError:
                continue
            uid, parent = int(status["Uid"].split()[0]), int(status["PPid"])
            role = name
            if uid in mailboxes and name == "smtpd":
                role = "smtpd after login"
            elif uid in mailboxes and name == "local-spawner":
                role = "local"
            elif name == "remote-spawner" and parent in spawners:
                role = "remote"
            found[role].append(pid)
    return found


def strike(host, senders, deaths, chance, wanted):
    """Kill a process of one or two roles that have to die yet, at some moment
    of a message."""
    alive = living(host)
    due = [r for r in ROLES if deaths[r] < wanted and alive[r]]
    end = time.monotonic() + 1
    while not any(s.is_sending for s in senders) and time.monotonic() < end:
        time.sleep(0.001)
    time.sleep(chance.random() * 0.02)
    for role in chance.sample(due, min(len(due), chance.randint(1, 2))):
        try:
            kill(chance.choice(alive[role]))
            deaths[role] += 1
        except ProcessLookupError:
            pass


def arrived(sink):
    """{word: text} of what the other host has taken."""
    texts = [t.message.decode() for t in list(sink.transactions)]
    return {re.search(r"^Subject: (w\w+)\r$", t, re.M)[1]:
            t.replace("\r\n", "\n") for t in texts}


def found_words(host, address):
    """{word: text} of the mailbox."""
    words = {}
    for path in host.mail(address):
        text = path.read_text()
        if m := re.search(r"^Subject: (w\w+)$", text, re.M):
            words[m[1]] = text
    return words


@pytest.mark.parametrize("messages,wanted", [
    (500, 6), pytest.param(50000, 300, marks=pytest.mark.soak)])
def test_acknowledged_mail_survives_every_death(capsys, messages, wanted):
    chance = random.Random(2026)
    deaths = collections.Counter()
    with SmtpSink("127.0.0.1", 0) as sink, Host(
            users=USERS, settings={"local-concurrency": 4},
            routes={FAR: f"[127.0.0.1]:{sink.address[1]}"}) as host:
        threads = [Sender(host, i, "submit" if i == 0 else "smtp")
                   for i in range(4)] + [Reader(host, Reader.imap),
                                         Reader(host, Reader.pop3)]
        senders = threads[:4]
        for thread in threads:
            thread.start()
        start, tree_died = time.monotonic(), False
        while True:
            time.sleep(PAUSE)
            done = sum(len(s.acknowledged) for s in senders)
            if done >= messages and all(deaths[r] >= wanted for r in ROLES) \
                    and tree_died:
                break
            assert time.monotonic() - start < 120 + 10 * wanted, (
                done, {r: deaths[r] for r in ROLES if deaths[r] < wanted})
            if not tree_died and done >= messages // 2:
                host.crash()
                host.start()
                tree_died = True
            strike(host, senders, deaths, chance, wanted)
        for thread in threads:
            thread.is_done.set()
        for thread in threads:
            thread.join(30)
        host.wait_until_ready()
        acknowledged = {w: t for s in senders
                        for w, t in s.acknowledged.items()}
        # Unaided, and at once: nothing waits for a restart by hand.
        try:
            wait_until(lambda: not host.queued("new", "cur"), 60)
        except TimeoutError:
            raise AssertionError(
                [p.read_text(errors="replace")[:600]
                 for p in host.queued()[:3]]) from None
        assert host.queued("bad") == []
        boxes = {a: found_words(host, a) for a in host.users}
        at_sink = arrived(sink)
        boxes |= {to: at_sink for to in acknowledged.values()
                  if to.endswith(FAR)}
        with capsys.disabled():
            copies = sum(len(host.mail(a)) for a in host.users) + \
                len(sink.transactions)
            print(f"\n{len(acknowledged)} acknowledged, {copies} delivered, "
                  f"{time.monotonic() - start:.0f} s; deaths: "
                  + ", ".join(f"{r} {deaths[r]}" for r in ROLES)
                  + ", the whole tree 1")
        missing = [w for w, to in acknowledged.items() if w not in boxes[to]]
        assert missing == []
        for word, to in acknowledged.items():
            assert boxes[to][word].endswith(body(word).replace("\r\n", "\n"))
