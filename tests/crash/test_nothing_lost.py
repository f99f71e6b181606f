"""Nothing that got a 250 is ever lost.

Messages come in by SMTP and by submission while processes of every role are
killed, loggers and supervisors included, and once the whole tree; afterwards
each acknowledged message is in its mailbox, whole.
"""
import collections
import imaplib
import random
import re
import smtplib
import threading
import time

from host import Host, kill, process_status, wait_until

MESSAGES = 2000
DEATHS = 20
PAUSE = 0.1
USERS = {f"u{i}": "secret" for i in range(8)}
ROLES = ("monitor", "auth", "smtpd", "submit-front", "smtpd after login",
         "imap-front", "imapd", "starter", "manager", "remote-spawner",
         "local-spawner", "local", "s6-log", "s6-supervise")


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
        self.random = random.Random(number)

    def connect(self):
        if self.through == "submit":
            return self.host.submission("u0@mx.example.org", timeout=10)
        return self.host.smtp(timeout=10)

    def run(self):
        client, count = None, 0
        while not self.is_done.is_set():
            word = f"w{self.number}x{count}x{self.random.getrandbits(48):012x}"
            to = f"u{self.random.randrange(8)}@mx.example.org"
            try:
                client = client or self.connect()
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


class Reader(threading.Thread):
    """Logs in by IMAP again and again."""

    def __init__(self, host):
        super().__init__(daemon=True)
        self.host = host
        self.is_done = threading.Event()

    def run(self):
        context = self.host.tls_context()
        context.check_hostname = False
        while not self.is_done.is_set():
            try:
                imap = imaplib.IMAP4_SSL(
                    self.host.address, self.host.ports["imaps"],
                    ssl_context=context, timeout=10)
                imap.login("u1@mx.example.org", "secret")
                imap.select("INBOX", readonly=True)
                for _ in range(20):
                    imap.noop()
                    time.sleep(0.05)
                imap.logout()
            except (OSError, imaplib.IMAP4.error):
                time.sleep(0.05)


def living(host):
    """{role: [pids]}"""
    mailboxes = set(host.users.values())
    found = collections.defaultdict(list)
    for name, pids in host.processes().items():
        for pid in pids:
            try:
                uid = int(process_status(pid)["Uid"].split()[0])
            except OSError:
                continue
            role = name
            if uid in mailboxes and name == "smtpd":
                role = "smtpd after login"
            elif uid in mailboxes and name == "local-spawner":
                role = "local"
            found[role].append(pid)
    return found


def strike(host, deaths, chance):
    """Kill one process of a role that has to die yet."""
    alive = living(host)
    due = [r for r in ROLES if deaths[r] < DEATHS and alive[r]]
    if not due:
        return
    role = chance.choice(due)
    try:
        kill(chance.choice(alive[role]))
        deaths[role] += 1
    except ProcessLookupError:
        pass


def found_words(host, address):
    """{word: text} of the mailbox."""
    words = {}
    for path in host.mail(address):
        text = path.read_text()
        if m := re.search(r"^Subject: (w\w+)$", text, re.M):
            words[m[1]] = text
    return words


def test_acknowledged_mail_survives_every_death(capsys):
    chance = random.Random(2026)
    deaths = collections.Counter()
    with Host(users=USERS, settings={"local-concurrency": 4}) as host:
        threads = [Sender(host, i, "submit" if i == 0 else "smtp")
                   for i in range(4)] + [Reader(host)]
        senders = threads[:4]
        for thread in threads:
            thread.start()
        start, tree_died = time.monotonic(), False
        while True:
            time.sleep(PAUSE)
            done = sum(len(s.acknowledged) for s in senders)
            if done >= MESSAGES and all(deaths[r] >= DEATHS for r in ROLES) \
                    and tree_died:
                break
            assert time.monotonic() - start < 240, (done, deaths)
            if not tree_died and done >= MESSAGES // 2:
                host.crash()
                host.start()
                tree_died = True
            strike(host, deaths, chance)
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
        with capsys.disabled():
            copies = sum(len(host.mail(a)) for a in host.users)
            print(f"\n{len(acknowledged)} acknowledged, {copies} delivered, "
                  f"{time.monotonic() - start:.0f} s; deaths: "
                  + ", ".join(f"{r} {deaths[r]}" for r in ROLES)
                  + ", the whole tree 1")
        missing = [w for w, to in acknowledged.items() if w not in boxes[to]]
        assert missing == []
        for word, to in acknowledged.items():
            assert boxes[to][word].endswith(body(word).replace("\r\n", "\n"))
