"""The lecture's message, end to end.

A client hands the message to a host of ours by SMTP; that finds the next host
by MX and relays it to a second host of ours (its own queue, accounts and
uids); there it is read by POP3 and by IMAP, octet by octet.
"""
import imaplib
import poplib
import socket

import pytest

from dnsserver import DnsServer
from host import PORTS, Host, wait_until
from smtpsink import SmtpSink

SENDER = "mluckie@cs.waikato.ac.nz"
RECIPIENT = "mjl@luckie.org.nz"
MESSAGE = (
    "Message-ID: <49B033B8.2030907@cs.waikato.ac.nz>\r\n"
    "Date: Fri, 06 Mar 2009 09:18:32 +1300\r\n"
    "From: Matthew Luckie <mluckie@cs.waikato.ac.nz>\r\n"
    "User-Agent: Thunderbird 2.0.0.19 (X11/20090113)\r\n"
    "MIME-Version: 1.0\r\n"
    "To: mjl@luckie.org.nz\r\n"
    "Subject: SMTP demonstration\r\n"
    "Content-Type: text/plain; charset=ISO-8859-1; format=flowed\r\n"
    "Content-Transfer-Encoding: 7bit\r\n"
    "\r\n"
    "Hello COMP312,\r\n"
    "\r\n"
    "Enjoy your weekend.\r\n"
    "\r\n"
    "Matthew.\r\n").encode()


@pytest.fixture(scope="module")
def internet():
    """DNS, the sending host and the receiving one."""
    zone = {}
    with DnsServer(zone) as dns:
        receiver = Host("mail.luckie.org.nz",
                        domains={"luckie.org.nz": "local"},
                        users={"mluckie": "weekend"},
                        aliases={RECIPIENT: "mluckie@luckie.org.nz"})
        sender = Host("relay.waikato.ac.nz", networks=["127.0.0.0/8"],
                      settings={"resolver": dns.address})
        zone["luckie.org.nz"] = {"MX": ["10 mail.luckie.org.nz"]}
        zone["mail.luckie.org.nz"] = {"A": [receiver.address]}
        try:
            with receiver, sender:
                yield dns, sender, receiver
        finally:
            sender.close()
            receiver.close()


class Dialogue:
    """A client that says what it is told to, and shows the answers."""

    def __init__(self, host):
        self.socket = socket.create_connection(
            (host.address, host.ports["smtp"]), timeout=20)
        self.file = self.socket.makefile("rb")
        self.answer()

    def answer(self):
        lines = []
        while True:
            line = self.file.readline().decode()
            lines.append(line[4:].rstrip("\r\n"))
            if line[3:4] != "-":
                return int(line[:3]), lines

    def say(self, line):
        self.socket.sendall(line.encode() + b"\r\n")
        return self.answer()


def send_lecture(host, recipient=RECIPIENT):
    """The dialogue of the lecture; returns the queue id."""
    client = Dialogue(host)
    code, lines = client.say("EHLO sorcerer.cs.waikato.ac.nz")
    assert code == 250
    words = {line.split()[0] for line in lines[1:]}
    assert {"SIZE", "PIPELINING", "STARTTLS", "HELP"} <= words
    assert client.say(f"MAIL FROM:<{SENDER}> SIZE=404")[0] == 250
    assert client.say(f"RCPT TO:<{recipient}>")[0] == 250
    assert client.say("DATA")[0] == 354
    client.socket.sendall(MESSAGE)
    code, [text] = client.say(".")
    assert code == 250
    assert client.say("QUIT")[0] == 221
    return text.split()[-1]


def split(message):
    """The header lines in front of the message, and the rest."""
    at = message.index(b"Message-ID: <49B033B8")
    return message[:at].decode(), message[at:]


def check(message, ids):
    added, rest = split(message)
    assert rest == MESSAGE
    assert added.count("Received: ") == 2
    assert added.startswith(f"Return-Path: <{SENDER}>\r\n")
    for queue_id in ids:
        assert f"id {queue_id}" in added


def test_the_lecture_message(internet):
    _, sender, receiver = internet
    mailbox = "mluckie@luckie.org.nz"
    first_id = send_lecture(sender)
    [path] = receiver.wait_for_mail(mailbox)
    # One id from the 250 to the log, the Received field and the file's name.
    found = receiver.wait_for_log("queue", r"event=queued .*? id=(\w+)")
    assert found[1] in path.name
    ids = first_id, found[1]

    context = receiver.tls_context()
    context.check_hostname = False
    imap = imaplib.IMAP4_SSL(receiver.address, receiver.ports["imaps"],
                             ssl_context=context)
    imap.login("mluckie", "weekend")
    assert imap.select()[1] == [b"1"]
    data = imap.fetch("1", "(RFC822.SIZE BODY.PEEK[])")[1]
    check(data[0][1], ids)
    assert f"RFC822.SIZE {len(data[0][1])}".encode() in data[0][0]
    assert imap.fetch("1", "(BODY.PEEK[TEXT])")[1][0][1] == \
        MESSAGE.split(b"\r\n\r\n", 1)[1]
    envelope = imap.fetch("1", "(ENVELOPE)")[1][0].decode()
    for part in ('"SMTP demonstration"', '"mluckie" "cs.waikato.ac.nz"',
                 '"mjl" "luckie.org.nz"',
                 '"<49B033B8.2030907@cs.waikato.ac.nz>"'):
        assert part in envelope
    imap.logout()

    pop3 = poplib.POP3_SSL(receiver.address, receiver.ports["pop3s"],
                           context=context)
    pop3.user("mluckie")
    pop3.pass_("weekend")
    _, [listing], _ = pop3.list()
    number, size = listing.split()
    assert number == b"1"
    _, lines, _ = pop3.retr(1)
    message = b"".join(line + b"\r\n" for line in lines)
    assert len(message) == int(size)
    check(message, ids)
    pop3.dele(1)
    pop3.quit()
    assert receiver.mail(mailbox) == []
    sender.wait_for_empty_queue()
    receiver.wait_for_empty_queue()


def test_five_mx_hosts_are_tried_in_order(internet):
    dns, sender, _ = internet
    port = PORTS["smtp"]
    hosts = [(f"mx{i}.five.example", f"127.79.0.{i + 1}") for i in range(5)]
    dns.zone["five.example"] = {"MX": [
        f"{preference} {name}" for preference, (name, _)
        in zip((5, 10, 20, 30, 40), hosts)]}
    for name, address in hosts:
        dns.zone[name] = {"A": [address]}
    tried = []

    def note(number, answer=None):
        def reply(_):
            tried.append(number)
            return answer
        return reply

    with SmtpSink(hosts[1][1], port, replies={
            "connect": note(2, "421 4.3.2 not now")}) as busy, \
            SmtpSink(hosts[2][1], port, replies={
                "connect": note(3)}) as third, \
            SmtpSink(hosts[3][1], port, replies={"connect": note(4)}), \
            SmtpSink(hosts[4][1], port, replies={"connect": note(5)}):
        # The first refuses: nobody listens at its address.
        send_lecture(sender, "x@five.example")
        wait_until(lambda: third.transactions, what="the third host")
        assert tried == [2, 3]
        assert not busy.transactions
        [transaction] = third.transactions
        assert transaction.sender == SENDER
        assert transaction.recipients == ["x@five.example"]
        added, rest = split(transaction.message)
        assert rest == MESSAGE and added.count("Received: ") == 1
    sender.wait_for_empty_queue()
