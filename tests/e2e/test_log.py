"""kereru log and kereru why: the logs of a whole host, in words."""
import json
import smtplib
import subprocess

import pytest

from dnsserver import DnsServer
from host import Host, prefix, wait_until

ALICE, BOB = "alice@mx.example.org", "bob@mx.example.org"


@pytest.fixture(scope="module")
def host():
    with DnsServer() as dns, Host(
            users={"alice": "secret", "bob": "secret"},
            settings={"resolver": dns.address}) as h:
        h.send("x@elsewhere.example", [ALICE, BOB],
               "Message-ID:\r\n <one@elsewhere.example>\r\n\r\nx\r\n")
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            h.send("x@elsewhere.example", ["nobody@mx.example.org"], "x")
        with h.submission(ALICE) as client:
            client.sendmail(ALICE, ["z@gone.example"], "Subject: y\r\n\r\ny")
        wait_until(lambda: h.log("queue").count("event=removed") == 3,
                   what="all three")
        yield h


def kereru(host, *args, code=0):
    done = subprocess.run([prefix() / "sbin/kereru", "-c", host.etc, *args],
                          capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["<one@elsewhere.example>",
                                  "one@elsewhere.example", BOB.upper()])
def test_story_of_a_delivery(host, name):
    lines = kereru(host, "why", name).splitlines()
    assert len(lines[0]) == 16
    assert "taken from 127.0.0.1" in lines[1]
    assert f"from <x@elsewhere.example> to {ALICE}, {BOB}" in lines[1]
    assert "Message-ID one@elsewhere.example" in lines[1]
    for who in ALICE, BOB:
        [line] = [line for line in lines if f"delivered to {who}" in line]
        path = line.split(": ")[-1]
        assert any(str(file).endswith(path) for file in host.mail(who))
    assert "out of the queue" in lines[-1]
    assert kereru(host, "why", lines[0]) == "\n".join(lines) + "\n"


def test_story_of_a_bounce(host):
    text = kereru(host, "why", "z@gone.example")
    assert f"logged in as {ALICE}, over TLS" in text
    assert "given up for z@gone.example" in text
    assert "there is no such domain" in text
    story, report = text.split("The report to its sender: ")
    assert report[:16] in story
    assert f"delivered to {ALICE}" in report


def test_story_of_a_refusal(host):
    text = kereru(host, "why", "nobody@mx.example.org")
    assert text.count("\n") == 1
    assert 'told "550 5.1.1 no such mailbox here"' in text


def test_several_messages_and_none(host):
    assert kereru(host, "why", ALICE).count("\n\n") >= 1
    assert kereru(host, "why", "-n", "1", ALICE).startswith("The last 1 of ")
    kereru(host, "why", "nobody@else.where", code=100)
    kereru(host, "why", code=100)
    kereru(host, "why", "-n", "0", ALICE, code=100)


def test_what_waits_is_said_to(host):
    host.svc("queue", "-wD", "-d")
    try:
        host.send("x@elsewhere.example", [BOB], "Subject: waits\r\n\r\n")
        text = kereru(host, "why", "-n", "1", BOB)
        assert "taken from" in text and "It is in the queue" in text
    finally:
        host.svc("queue", "-wU", "-u")


def test_log_filters(host):
    whole = kereru(host, "log").splitlines()
    assert whole == sorted(whole, key=lambda line: line[:19])
    assert not any(" pid=" in line for line in whole)
    refused = kereru(host, "log", "smtp", "event=refused").splitlines()
    assert len(refused) == 1 and "to=nobody@mx.example.org" in refused[0]
    assert kereru(host, "log", "queue", "event=refused") == ""
    assert kereru(host, "log", "to=Z@GONE.example").count("\n") >= 2
    assert kereru(host, "log", "/no such domain").count("\n") >= 2
    assert len(kereru(host, "log", "-n", "2").splitlines()) == 2
    assert kereru(host, "log", "-s", "2999") == ""
    assert kereru(host, "log", "-u", "1999") == ""
    year = whole[0][:4]
    assert len(kereru(host, "log", "-s", year).splitlines()) >= len(whole)
    kereru(host, "log", "-x", code=100)


def test_log_as_json(host):
    rows = [json.loads(line) for line in
            kereru(host, "log", "-j", "event=accepted").splitlines()]
    assert rows[0]["to"] == [ALICE, BOB]
    assert rows[0]["message-id"] == "one@elsewhere.example"
    assert rows[1]["to"] == "z@gone.example"
    assert rows[1]["service"] == "submit"


def test_log_follows(host):
    with subprocess.Popen(
            [prefix() / "sbin/kereru", "-c", host.etc, "log", "-f", "smtp",
             "event=accepted"], stdout=subprocess.PIPE, text=True) as follower:
        try:
            assert "accepted" in follower.stdout.readline()
            host.send("new@elsewhere.example", [BOB], "Subject: new\r\n\r\n")
            line = ""
            while "from=new@elsewhere.example" not in line:
                line = follower.stdout.readline()
                assert line
        finally:
            follower.kill()


def test_old_and_torn_files(host, tmp_path):
    """A hundred thousand old lines; and what is torn or foreign in them is passed over."""
    folder = host.state / "log" / "pop3"
    old = folder / "@4000000000000000000000aa.s"
    line = ("2020-01-01 00:00:00.{:09d}  pop3-front event=connected pid=1 "
            "client=192.0.2.1\n")
    with old.open("w") as f:
        f.writelines(line.format(i) for i in range(100_000))
        f.write("torn \0\n\n2020-01-01\n")
        f.write(line.format(100_001).replace("connected", "last"))
        f.write("2020-01-02 00:00:00.000000000  pop3-front event=cut")
    try:
        assert kereru(host, "log", "pop3", "event=last").count("\n") == 1
        assert kereru(host, "log", "-s", "2020-01-02", "-u", "2020",
                      "pop3").split() == ["2020-01-02", "00:00:00",
                                          "pop3-front", "cut"]
        assert "delivered" in kereru(host, "why", BOB)
    finally:
        old.unlink()
