"""check and policy on a whole host: the monitor brings smtpd together with
them, before and after a login."""
import smtplib

import pytest

from dnsserver import DnsServer
from host import SERVICES, Host, kill

ALICE, BOB = "alice@mx.example.org", "bob@mx.example.org"
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"


@pytest.fixture(scope="module")
def dns():
    with DnsServer() as d:
        d.zone["fails.example"] = {"TXT": ["v=spf1 -all"]}
        yield d


@pytest.fixture(scope="module")
def host(dns):
    with Host(users={"alice": "secret", "bob": "secret"},
              services=SERVICES + ("check", "policy"),
              settings={"check": "yes", "policy": "yes",
                        "check-login": "yes",
                        "resolver": dns.address}) as h:
        h.write("rules", ["rule SPF spf=fail reject",
                          "rule GTUBE gtube=yes reject"])
        h.compile()
        yield h


def test_results_stand_in_the_message(host):
    before = len(host.mail(BOB))
    host.send("x@elsewhere.example", [BOB], "Subject: x\r\n\r\nx\r\n")
    host.wait_for_mail(BOB, before + 1)
    text = "".join(path.read_text() for path in host.mail(BOB))
    assert "Authentication-Results: mx.example.org" in text
    assert "spf=none" in text


def test_a_rule_refuses(host):
    with pytest.raises(smtplib.SMTPDataError) as e:
        host.send("x@fails.example", [BOB], "Subject: x\r\n\r\nx\r\n")
    assert e.value.smtp_code == 550


def test_after_a_login(host):
    client = host.submission(ALICE)
    with pytest.raises(smtplib.SMTPDataError):
        client.sendmail(ALICE, [BOB], f"Subject: x\r\n\r\n{GTUBE}\r\n")
    before = len(host.mail(BOB))
    client.sendmail(ALICE, [BOB], "Subject: y\r\n\r\nx\r\n")
    client.quit()
    host.wait_for_mail(BOB, before + 1)


def test_killed_check_costs_a_message_and_no_more(host):
    with host.smtp() as client:
        client.sendmail("x@elsewhere.example", [BOB], "Subject: x\r\n\r\nx\r\n")
        pid = host.pid("check")
        kill(pid)
        host.wait_for_successor("check", pid)
        # A session that goes on asks the other one.
        client.sendmail("x@elsewhere.example", [BOB], "Subject: x\r\n\r\nx\r\n")
    host.send("x@elsewhere.example", [BOB], "Subject: x\r\n\r\nx\r\n")


def test_killed_policy_stops_no_mail(host):
    pid = host.pid("policy")
    kill(pid)
    host.send("x@elsewhere.example", [BOB], "Subject: x\r\n\r\nx\r\n")
    host.wait_for_successor("policy", pid)
    host.send("x@elsewhere.example", [BOB], "Subject: x\r\n\r\nx\r\n")
