"""An account that looks stolen, on a whole host: its mail is held, the postmaster
hears of it once, and releases it."""
import json
import smtplib

import pytest

from host import SERVICES, Host, wait_until

ALICE, BOB = "alice@mx.example.org", "bob@mx.example.org"
TEXT = "Subject: %s\r\n\r\nx\r\n"


@pytest.fixture(scope="module")
def host():
    with Host(users={"alice": "secret", "bob": "secret", "boss": "secret"},
              aliases={"postmaster@mx.example.org": "boss@mx.example.org"},
              services=("smtp", "submit", "queue", "policy"),
              settings={"outbound-guard": "yes", "outbound-messages": 2,
                        "outbound-unknown": 2}) as h:
        yield h


def waiting(host, sender):
    lines = host.kereru("queue", "list", "-j", "-s", sender).stdout
    return [json.loads(line) for line in lines.splitlines()]


def test_too_much_is_held_and_told_once(host):
    client = host.submission(ALICE)
    for i in range(5):
        client.sendmail(ALICE, [BOB], TEXT % i)
    client.quit()
    assert len(host.wait_for_mail(BOB, 2)) == 2
    held = wait_until(lambda: (w := waiting(host, ALICE)) and len(w) == 3 and
                      all("more than usual" in str(m) for m in w) and w, 30,
                      "three messages on hold")
    [letter] = host.wait_for_mail("boss@mx.example.org")
    text = letter.read_text()
    assert "Subject: The account alice@mx.example.org may be stolen" in text
    assert "Auto-Submitted: auto-generated" in text
    assert "kereru queue release -s alice@mx.example.org" in text
    assert "event=suspicious" in host.log("submit")
    # Another session, another reason: the same day.
    with host.submission(ALICE) as client:
        for _ in range(4):
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                client.sendmail(ALICE, ["nobody@mx.example.org"], TEXT % "x")
    # Others go on.
    host.send("bob@mx.example.org", [ALICE], TEXT % "from Bob", user=BOB)
    host.wait_for_mail(ALICE)
    # What was held survives a restart of the queue, and goes when it is told to.
    host.restart("queue")
    assert len(waiting(host, ALICE)) == 3
    assert len(host.mail(BOB)) == 2
    host.kereru("queue", "release", "-s", ALICE)
    host.wait_for_mail(BOB, 5)
    host.wait_for_empty_queue()
    assert len(host.mail("boss@mx.example.org")) == 1
    assert len(held) == 3


def test_what_comes_from_outside_is_not_guarded(host):
    before = len(host.mail(BOB))
    for i in range(5):
        host.send("x@elsewhere.test", [BOB], TEXT % i)
    host.wait_for_mail(BOB, before + 5)
