"""Programs are replaced and services restarted while clients come and go: none
is refused or cut off, and no message is lost."""
import imaplib
import smtplib
import threading
import time

import pytest

from host import MORE_SERVICES, SERVICES, Host, process_status, wait_until

ALICE = "alice@localhost"
MONITORS = ("smtp", "submit", "pop3", "imap")


class Load:
    """Clients one after another, in threads, until told to stop."""

    def __init__(self, host):
        self.host, self.over = host, threading.Event()
        self.sent, self.read, self.faults = 0, 0, []
        self.threads = [threading.Thread(target=self.run, args=(what,))
                        for what in (self.send, self.send, self.look)]
        for t in self.threads:
            t.start()

    def run(self, what):
        while not self.over.is_set():
            try:
                what()
            except (OSError, smtplib.SMTPException,
                    imaplib.IMAP4.error) as e:
                self.faults.append((time.time(), what.__name__, repr(e)))

    def send(self):
        with self.host.smtp(timeout=60) as client:
            client.sendmail("x@elsewhere.test", [ALICE],
                            b"Subject: x\r\n\r\nx\r\n")
        self.sent += 1

    def look(self):
        with connect(self.host) as client:
            client.select(readonly=True)
        self.read += 1

    def more(self, n=3):
        """Wait until all have done some more."""
        sent, read = self.sent, self.read
        wait_until(lambda: self.faults or self.sent >= sent + 2 * n and
                   self.read >= read + n, 60, "more clients")
        assert not self.faults

    def stop(self):
        self.over.set()
        for t in self.threads:
            t.join(60)
        assert not self.faults


def connect(host):
    context = host.tls_context()
    context.check_hostname = False
    client = imaplib.IMAP4_SSL(host.address, host.ports["imaps"],
                               ssl_context=context, timeout=60)
    client.login(ALICE, "a")
    return client


@pytest.fixture(scope="module")
def house():
    with Host("localhost", users={"alice": "a"}, services=SERVICES +
              MORE_SERVICES, settings={"check": "yes", "policy": "yes",
                                       "connections-per-address": 1000}) as h:
        yield h


def drainers(host, service):
    """What an old monitor has left for its clients."""
    pid = str(host.pid(service))
    return [p for p in host.processes().get("monitor", [])
            if process_status(p)["PPid"] == pid]


def templates(host, service):
    pid = str(host.pid(service))
    return {p for p in host.processes().get("front-template", [])
            if process_status(p)["PPid"] == pid}


def test_monitors(house):
    """SIGHUP: the same pid, a new program, the same listeners."""
    load = Load(house)
    try:
        load.more()
        before = {s: house.pid(s) for s in MONITORS}
        # Begun before, and ended after: a login, a message, a session that
        # has not logged in yet.
        old, later = connect(house), smtplib.SMTP(
            house.address, house.ports["submit"], timeout=60)
        old.select()
        smtp = house.smtp(timeout=60)
        smtp.ehlo()
        smtp.mail("x@elsewhere.test")
        smtp.rcpt(ALICE)
        for _ in range(3):
            for s in MONITORS:
                known = templates(house, s)
                house.svc(s, "-h")
                wait_until(lambda s=s, k=known: templates(house, s) - k, 60,
                           f"another {s}")
            load.more()
        assert {s: house.pid(s) for s in MONITORS} == before
        assert drainers(house, "imap") and drainers(house, "smtp")
        assert smtp.data(b"Subject: x\r\n\r\nx\r\n")[0] == 250
        load.sent += 1
        smtp.quit()
        assert old.noop()[0] == "OK" and old.search(None, "ALL")[0] == "OK"
        old.logout()
        context = house.tls_context()
        context.check_hostname = False
        later.starttls(context=context)
        later.login(ALICE, "a")
        later.quit()
    finally:
        load.stop()
    for s in MONITORS:
        wait_until(lambda s=s: not drainers(house, s), 60,
                   f"the end of {s}'s old clients")
    house.wait_for_mail(ALICE, load.sent, timeout=60)


def test_a_drainer_ends_with_its_monitor(house):
    old = connect(house)
    house.svc("imap", "-h")
    wait_until(lambda: drainers(house, "imap"), 30)
    house.restart("imap")
    wait_until(lambda: not drainers(house, "imap") and
               len(house.processes().get("imapd", [])) == 0, 30)
    with pytest.raises((OSError, imaplib.IMAP4.abort)):
        old.noop()
        old.noop()


@pytest.mark.parametrize("service", ("queue", "auth", "check", "policy",
                                     "sts"))
def test_restart(house, service):
    for path in house.mail(ALICE):
        path.unlink()
    load = Load(house)
    try:
        load.more(2)
        pid = house.pid(service)
        house.restart(service)
        house.wait_for_successor(service, pid)
        load.more(2)
    finally:
        load.stop()
    house.wait_for_mail(ALICE, load.sent, timeout=60)
