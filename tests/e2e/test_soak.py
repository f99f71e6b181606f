"""A long day in ten minutes: mail in and out, readers, an upgrade in the middle
and logs that rotate. Nothing is lost, and nothing grows.

KERERU_SOAK_MINUTES (10) is how long the load runs; 5,000 messages a minute are
wanted of it, of which KERERU_SOAK_MESSAGES says another number.
"""
import imaplib
import os
import poplib
import smtplib
import threading
import time

import pytest

from host import MORE_SERVICES, SERVICES, Host, wait_until

pytestmark = pytest.mark.soak

MINUTES = float(os.environ.get("KERERU_SOAK_MINUTES", "10"))
MESSAGES = int(os.environ.get("KERERU_SOAK_MESSAGES", int(5000 * MINUTES)))
USERS = ("alice", "bob", "carol", "dave")
HERE, THERE = "here.test", "there.test"
IDLE_CLIENTS, HOST_MAX = 50, 64 * 1024
DAEMONS = {"monitor", "front-template", "starter", "manager", "auth", "check",
           "remote-spawner", "local-spawner", "signer", "policy", "sts"}
TEXT = b"Subject: %d\r\n\r\n" + b"some text of a message\r\n" * 40


class Work:
    """Threads that go on until the messages are sent, and can be paused."""

    def __init__(self, host):
        self.host, self.lock = host, threading.Lock()
        self.go, self.over = threading.Event(), threading.Event()
        self.begun, self.sent, self.faults = 0, {}, []
        self.busy = 0
        self.go.set()
        self.context = host.tls_context()
        self.context.check_hostname = False
        self.threads = [threading.Thread(target=self.run, args=(what,))
                        for what in [self.send] * 4 + [self.submit] * 2 +
                        [self.read, self.pop]]
        for t in self.threads:
            t.start()

    def run(self, what):
        n = 0
        while not self.over.is_set():
            self.go.wait()
            with self.lock:
                self.busy += 1
            try:
                what(n)
            except (OSError, EOFError, smtplib.SMTPException,
                    imaplib.IMAP4.error, poplib.error_proto) as e:
                self.faults.append((what.__name__, repr(e)))
            finally:
                with self.lock:
                    self.busy -= 1
            n += 1

    def take(self):
        """One message more to be sent; False: enough."""
        with self.lock:
            self.begun += 1
            return self.begun <= MESSAGES

    def count(self, domain):
        with self.lock:
            self.sent[domain] = self.sent.get(domain, 0) + 1

    def send_some(self, client, n, domain):
        for i in range(20):
            if not self.go.is_set() or not self.take():
                return
            try:
                client.sendmail(f"{USERS[0]}@{HERE}",
                                [f"{USERS[(n + i) % 4]}@{domain}"], TEXT % i)
            except smtplib.SMTPDataError as e:
                # A session whose check was restarted: it is sent by another.
                if e.smtp_code != 451:
                    raise
                with self.lock:
                    self.begun -= 1
                return
            self.count(domain)

    def send(self, n):
        with self.host.smtp(timeout=120) as client:
            self.send_some(client, n, HERE)
        self.rest()

    def submit(self, n):
        with self.host.submission(f"{USERS[0]}@{HERE}", timeout=120) as client:
            self.send_some(client, n, (THERE, HERE)[n % 2])
        self.rest()

    def rest(self):
        if self.begun > MESSAGES:
            time.sleep(0.2)

    def read(self, n):
        with imaplib.IMAP4_SSL(self.host.address, self.host.ports["imaps"],
                               ssl_context=self.context, timeout=120) as c:
            c.login(f"{USERS[n % 4]}@{HERE}", "x")
            count = int(c.select(readonly=True)[1][0])
            if count > 0:
                c.fetch(f"1:{min(count, 20)}", "(FLAGS ENVELOPE)")
        time.sleep(0.2)

    def pop(self, n):
        c = poplib.POP3_SSL(self.host.address, self.host.ports["pop3s"],
                            context=self.context, timeout=120)
        c.user(f"{USERS[n % 4]}@{HERE}")
        c.pass_("x")
        c.stat()
        c.quit()
        time.sleep(0.5)

    def pause(self):
        self.go.clear()
        wait_until(lambda: self.busy == 0, 120, "clients to pause")
        self.host.wait_for_empty_queue(300)

    def stop(self):
        self.over.set()
        self.go.set()
        for t in self.threads:
            t.join(120)


def pss(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f
                    if line.startswith("Pss:"))


def measure(host):
    """{daemon: (KiB, descriptors)}, the greatest of each name."""
    found = {}
    for name, pids in host.processes().items():
        if name in DAEMONS:
            found[name] = (max(map(pss, pids)), max(
                len(os.listdir(f"/proc/{pid}/fd")) for pid in pids))
    return found


def upgrade(host):
    for s in ("auth", "check", "policy", "sts", "queue"):
        host.restart(s)
    for s in ("smtp", "submit", "pop3", "imap"):
        host.svc(s, "-h")


def rotate(host):
    for s in SERVICES + MORE_SERVICES:
        host.svc(f"{s}/log", "-a")


def idle_clients(host, context):
    clients = []
    for i in range(IDLE_CLIENTS):
        c = imaplib.IMAP4_SSL(host.address, host.ports["imaps"],
                              ssl_context=context, timeout=120)
        c.login(f"{USERS[i % 4]}@{HERE}", "x")
        c.select()
        clients.append(c)
    return clients


def wait_for_sent(work, part):
    wait_until(lambda: work.faults or work.begun >= MESSAGES * part,
               MINUTES * 240 + 120, f"{part} of the load")


def test_a_long_day():
    users = {u: "x" for u in USERS}
    with Host(THERE, users=users) as there, \
            Host(HERE, users=users, services=SERVICES + MORE_SERVICES,
                 routes={THERE: f"[{there.address}]"},
                 settings={"check": "yes",
                           "connections-per-address": 1000}) as host:
        work = Work(host)
        begin = time.monotonic()
        try:
            wait_for_sent(work, 0.2)
            work.pause()
            before = measure(host)
            work.go.set()
            wait_for_sent(work, 0.5)
            upgrade(host)
            rotate(host)
            wait_for_sent(work, 1)
            work.pause()
            after = measure(host)
        finally:
            work.stop()
        assert work.faults == []
        assert sum(work.sent.values()) == MESSAGES
        for h, domain in (host, HERE), (there, THERE):
            h.wait_for_empty_queue(300)
            assert sum(len(h.mail(f"{u}@{domain}")) for u in USERS) == \
                work.sent.get(domain, 0)
        assert set(before) == set(after)
        for name, (memory, files) in after.items():
            print(f"{name:16} {before[name][0]:6} KiB {memory:6} KiB, "
                  f"{before[name][1]:3} and {files:3} descriptors")
        for name, (memory, files) in after.items():
            assert memory <= before[name][0] * 1.1 + 64, name
            assert files <= before[name][1], name
        clients = idle_clients(host, work.context)
        whole = sum(map(pss, host.pids()))
        print(f"{MESSAGES} messages in {time.monotonic() - begin:.0f} s; "
              f"{whole} KiB with {IDLE_CLIENTS} idle clients")
        for c in clients:
            c.shutdown()
        assert whole <= HOST_MAX
