"""remote-spawner by itself: a manager in Python, SMTP sinks and a DNS server on
loopback around the built program."""
import email
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

import pytest

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(REPOSITORY, "tests", "lib"))
from dnsserver import DnsServer  # noqa: E402
from remotealone import (  # noqa: E402
    FLAG_8BIT, FLAG_UTF8, ID, ADDED, MESSAGE, SPAWNER, UID, Remote, field,
    one, recipient, wait_for, wishes)
from smtpsink import CUT, STALL, SmtpSink  # noqa: E402


@pytest.fixture(scope="module")
def port():
    """One that is free on every loopback address used."""
    while True:
        with socket.socket() as s:
            s.bind(("0.0.0.0", 0))
            return s.getsockname()[1]


@pytest.fixture(scope="module")
def dns():
    with DnsServer() as server:
        yield server


@pytest.fixture(scope="module")
def remote(dns, port):
    r = Remote(dns, port)
    yield r
    r.stop()


@pytest.fixture
def sinks(port, dns, request):
    """Makes sinks and a domain for them:
    domain = sinks({address: settings or None}, preferences)."""
    made = []

    def make(hosts, preferences=None):
        domain = request.node.name.replace("_", "-")[:40].lower().replace(
            "[", "-").replace("]", "") + ".test"
        mx = []
        for i, (address, settings) in enumerate(hosts.items()):
            sink = SmtpSink(address, port, **(settings or {})).start()
            made.append(sink)
            host = f"mx{i}.{domain}"
            dns.zone[host] = {"A": [address]}
            preference = preferences[i] if preferences else 10 * (i + 1)
            mx.append(f"{preference} {host}")
        dns.zone[domain] = {"MX": mx}
        return domain, made

    yield make
    for sink in made:
        sink.stop()


@pytest.fixture(scope="module")
def certificate():
    folder = tempfile.mkdtemp(prefix="kereru-cert-")
    pair = (os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem"))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=sink.test",
         "-days", "2", "-out", pair[0], "-keyout", pair[1]],
        check=True, capture_output=True)
    yield pair
    shutil.rmtree(folder)


# Delivery

def test_message_arrives_whole(remote, sinks):
    domain, (sink,) = sinks({"127.0.0.2": None})
    status, text = one(remote.deliver(f"bob@{domain}"))
    assert (status, text) == (
        "d", f"mx0.{domain}[127.0.0.2] said: 250 2.0.0 taken")
    t = sink.transactions[0]
    assert t.message == ADDED + MESSAGE
    assert t.sender == "alice@kereru.test"
    assert t.recipients == [f"bob@{domain}"]
    assert f"SIZE={len(ADDED + MESSAGE)}" in t.mail
    assert t.session.hello == "mail.kereru.test"
    assert [s.ended for s in sink.wait_ended()] == ["quit"]
    line = remote.log(f"bob@{domain}")[-1]
    assert "event=delivered" in line and f"id={ID}" in line
    assert f'host=mx0.{domain}[127.0.0.2]' in line and "tls=none" in line


def test_null_sender(remote, sinks):
    domain, (sink,) = sinks({"127.0.0.2": None})
    assert one(remote.deliver(f"bob@{domain}", sender=""))[0] == "d"
    assert sink.transactions[0].sender == ""


def test_no_bare_line_ends_or_nul_leave(remote, sinks):
    domain, (sink,) = sinks({"127.0.0.2": None})
    message = b"Subject: x\n\na\rb\r\r\nc\0d\n.\ne\r\n.\rf"
    assert one(remote.deliver(f"bob@{domain}", message=message,
                              added=b""))[0] == "d"
    t = sink.transactions[0]
    assert t.message == b"Subject: x\r\n\r\nab\r\ncd\r\n.\r\ne\r\n.f\r\n"
    assert b"\r\n.\r\n" not in t.raw[:-3]


def test_large_message(remote, sinks):
    domain, (sink,) = sinks({"127.0.0.2": None})
    message = b"".join(b".%060d\r\n" % i for i in range(60000))
    assert one(remote.deliver(f"bob@{domain}", message=message))[0] == "d"
    assert sink.transactions[0].message == ADDED + message


def test_several_recipients_have_their_own_results(remote, sinks):
    domain, (sink,) = sinks({"127.0.0.2": {"replies": {
        "rcpt:no@several-recipients-have-their-own-resul.test": "",
        "rcpt": lambda s: {
            "no": "550 5.1.1 no such user", "later": "450 4.2.0 later",
            "odd": "999 what"}.get(
                s.commands[-1].split("<")[1].split("@")[0])}}})
    to = [f"{u}@{domain}" for u in ("a", "no", "b", "later")]
    results = remote.deliver(to)
    assert [r[0] for r in results] == ["d", "f", "d", "r"]
    assert results[1][1] == (
        f"mx0.{domain}[127.0.0.2] said: 550 5.1.1 no such user")
    assert sink.transactions[0].recipients == [to[0], to[2]]
    assert len(sink.sessions) == 1


def test_without_pipelining_one_command_at_a_time(remote, sinks):
    # Octets that came before their time would be left in the buffer.
    early = []
    domain, (sink,) = sinks({"127.0.0.2": {
        "extensions": ["SIZE"], "replies": {
            "mail": lambda s: early.append(s.buffer),
            "rcpt": lambda s: early.append(s.buffer),
            "data": lambda s: early.append(s.buffer)}}})
    results = remote.deliver([f"a@{domain}", f"b@{domain}"])
    assert [r[0] for r in results] == ["d", "d"]
    assert set(early) == {b""}


def test_with_pipelining_in_one_go(remote, sinks):
    domain, (sink,) = sinks({"127.0.0.2": {"replies": {
        "mail": lambda s: (time.sleep(0.3), None)[1]}}})
    channel = remote.open(domain)
    to = [f"user{i}@{domain}" for i in range(50)]
    assert [r[0] for r in channel.deliver(to)] == ["d"] * 50
    assert sink.transactions[0].recipients == to
    channel.close()


def test_helo_where_ehlo_is_unknown(remote, sinks):
    domain, (sink,) = sinks({"127.0.0.2": {"replies": {
        "ehlo": "502 5.5.1 what?"}}})
    assert one(remote.deliver(f"bob@{domain}"))[0] == "d"
    assert "SIZE" not in sink.transactions[0].mail


def test_eight_bit(remote, sinks):
    domain, (sink,) = sinks({"127.0.0.2": None})
    assert one(remote.deliver(f"bob@{domain}", flags=FLAG_8BIT))[0] == "d"
    assert "BODY=8BITMIME" in sink.transactions[0].mail


def test_eight_bit_not_taken(remote, sinks):
    domain, (sink,) = sinks({"127.0.0.2": {"extensions": ["PIPELINING"]}})
    # What is 7-bit goes as it is, whatever was declared.
    assert one(remote.deliver(f"bob@{domain}", flags=FLAG_8BIT))[0] == "d"
    assert sink.transactions[0].message == ADDED + MESSAGE
    assert "BODY" not in sink.transactions[0].mail
    assert one(remote.deliver(f"bob@{domain}", flags=FLAG_UTF8))[0] == "d"
    assert "SMTPUTF8" not in sink.transactions[1].mail
    header = MESSAGE.replace(b"hello", "h\u00e4llo".encode())
    status, text = one(remote.deliver(f"bob@{domain}", flags=FLAG_8BIT,
                                      message=header))
    assert status == "f" and text.startswith("5.6.3 ")
    status, text = one(remote.deliver(f"bob@{domain}", flags=FLAG_UTF8,
                                      message=header))
    assert status == "f" and text.startswith("5.6.7 ")
    status, text = one(remote.deliver(f"b\u00f6b@{domain}", flags=FLAG_UTF8))
    assert status == "f" and text.startswith("5.6.7 ")
    assert len(sink.transactions) == 2


def mixed(encoding):
    """A message of several parts, and what their payloads are."""
    text = "Gr\u00fc\u00dfe = ".encode() + b"x" * 200 + b" \r\n.dot\r\nlast"
    octets = bytes(range(128, 256)) * 5 + b"\r\n--no\r\n"
    inner = (b"Subject: inner\r\nContent-Transfer-Encoding: 8bit\r\n"
             b"Content-Type: text/html; charset=utf-8\r\n\r\n" + text)
    parts = [
        (b"text/plain; charset=utf-8", encoding, text),
        (b"application/octet-stream", encoding, octets),
        (b"text/plain", None, b"plain: nothing to do\r\n"),
        (b"message/rfc822", encoding, inner),
        (b"application/x", b"base64", b"AAEC\r\n")]
    body = b"preamble\r\n"
    for kind, cte, payload in parts:
        body += b"--b=d\r\nContent-Type: " + kind + (
            b"\r\nContent-Transfer-Encoding: " + cte if cte else b"") + \
            b"\r\n\r\n" + payload + b"\r\n"
    return (b"Subject: hello\r\nMIME-Version: 1.0\r\nContent-Type: "
            b'multipart/mixed; boundary="b=d"\r\nContent-Transfer-Encoding: '
            + encoding + b"\r\n\r\n" + body + b"--b=d--\r\nepilogue\r\n"
            ), text, octets


def test_eight_bit_is_encoded_for_a_host_that_lacks_it(remote, sinks):
    domain, (sink,) = sinks({"127.0.0.2": {"extensions": ["PIPELINING"]}})
    message, text, octets = mixed(b"8bit")
    assert one(remote.deliver(f"bob@{domain}", flags=FLAG_8BIT,
                              message=message))[0] == "d"
    got = sink.transactions[0].message
    assert max(got) < 128 and b"8bit" not in got
    assert all(len(line) < 100 for line in got.split(b"\r\n"))
    parsed = email.message_from_bytes(got)
    first, second, third, fourth, fifth = parsed.get_payload()
    assert first.get_payload(decode=True) == text
    assert first["Content-Transfer-Encoding"] == "quoted-printable"
    assert second.get_payload(decode=True) == octets
    assert second["Content-Transfer-Encoding"] == "base64"
    assert third.get_payload() == "plain: nothing to do\r\n"
    assert fourth.get_payload()[0].get_payload(decode=True) == text
    assert fifth.get_payload(decode=True) == b"\0\1\2"


def test_binary_is_encoded_for_a_host_that_lacks_it(remote, sinks):
    domain, (sink,) = sinks({"127.0.0.2": None})
    octets = b"\0\r\n\r\r\n\n" + bytes(range(256))
    message = (b"Content-Type: image/x\r\nMIME-Version: 1.0\r\n"
               b"Content-Transfer-Encoding: binary\r\n\r\n" + octets)
    assert one(remote.deliver(f"bob@{domain}", flags=16,
                              message=message))[0] == "d"
    parsed = email.message_from_bytes(sink.transactions[0].message)
    assert parsed.get_payload(decode=True) == octets
    assert "BODY=8BITMIME" in sink.transactions[0].mail


def test_wishes_are_passed_on(remote, sinks):
    extensions = ["DSN", "DELIVERBY 100", "MT-PRIORITY", "PIPELINING"]
    domain, (sink,) = sinks({"127.0.0.2": {"extensions": extensions}})
    to = f"bob@{domain}"
    status, _ = one(remote.deliver(
        to, priority=-3, deliver_by=int(time.time()) + 5000, by_mode="R",
        trace=1, ret="H", envid="QQ+2B1", notify={to: (14, "rfc822;x@y")}))
    assert status == "d"
    mail = sink.transactions[0].mail
    for word in ("RET=HDRS", "ENVID=QQ+2B1", "MT-PRIORITY=-3"):
        assert word in mail
    by = re.search(r"BY=(\d+);RT", " ".join(mail) if isinstance(
        mail, list) else mail)
    assert by and 4900 < int(by[1]) <= 5000
    assert (f"RCPT TO:<{to}> NOTIFY=SUCCESS,FAILURE,DELAY "
            "ORCPT=rfc822;x@y") in sink.sessions[0].commands


def test_a_host_that_does_not_report_is_told(remote, sinks):
    domain, (sink,) = sinks({"127.0.0.2": None})
    bob, al = f"bob@{domain}", f"al@{domain}"
    results = remote.deliver([bob, al], ret="F", envid="x",
                             notify={bob: (2, "rfc822;x"), al: (4, "")})
    assert [r[0] for r in results] == ["h", "d"]
    assert not any("NOTIFY" in c or "ENVID" in c or "ORCPT" in c
                   for c in sink.sessions[0].commands)
    later = int(time.time()) + 500
    status, text = one(remote.deliver(bob, deliver_by=later, by_mode="R"))
    assert status == "f" and text.startswith("5.3.3 ")
    assert one(remote.deliver(bob, deliver_by=later, by_mode="N"))[0] == "h"
    status, text = one(remote.deliver(bob, flags=32))
    assert status == "f" and text.startswith("5.7.10 ")


def test_larger_than_the_host_takes(remote, sinks):
    domain, (sink,) = sinks({"127.0.0.2": {"extensions": ["SIZE 100"]}})
    status, text = one(remote.deliver(f"bob@{domain}"))
    assert status == "f" and text.startswith("5.3.4 ")
    assert not any(c.startswith("MAIL") for c in sink.sessions[0].commands)


def test_too_many_recipients_go_in_another_transaction(remote, sinks):
    domain, (sink,) = sinks({"127.0.0.2": {"replies": {
        "rcpt": lambda s: "452 4.5.3 too many" if len(
            s.transaction.recipients) >= 2 else None}}})
    results = remote.deliver([f"u{i}@{domain}" for i in range(5)])
    assert [r[0] for r in results] == ["d"] * 5
    assert [len(t.recipients) for t in sink.transactions] == [2, 2, 1]
    assert len(sink.sessions) == 1


def test_session_is_kept_and_ended_when_idle(remote, sinks):
    domain, (sink,) = sinks({"127.0.0.2": None})
    channel = remote.open(domain)
    for number in (7, 8, 9):
        assert one(channel.deliver(f"bob@{domain}", number=number))[0] == "d"
    assert len(sink.sessions) == 1 and len(sink.transactions) == 3
    start = time.monotonic()
    assert channel.sock.recv(100) == b""
    assert 3 < time.monotonic() - start < 8
    with pytest.raises(BrokenPipeError):
        channel.send(f"bob@{domain}")
    assert sink.wait_ended()[0].ended == "quit"


def test_kept_session_that_the_host_ended(remote, sinks):
    domain, (sink,) = sinks({"127.0.0.2": {"replies": {
        "end": lambda s: "250 ok\n421 bye"}}})
    channel = remote.open(domain)
    for _ in range(3):
        assert one(channel.deliver(f"bob@{domain}"))[0] == "d"
        sink.sessions[-1].sock.shutdown(socket.SHUT_RDWR)
    assert len(sink.sessions) == 3
    channel.close()


# Which host

def test_five_hosts_refused_then_421_then_taken(remote, sinks):
    # Distinct addresses on one port; the sink that refuses does not listen.
    domain, made = sinks({
        "127.0.0.2": {"refuse": True},
        "127.0.0.3": {"replies": {"connect": "421 4.3.2 busy"}},
        "127.0.0.4": None, "127.0.0.5": None, "127.0.0.6": None},
        [5, 10, 20, 30, 40])
    status, text = one(remote.deliver(f"bob@{domain}"))
    assert status == "d" and text.startswith(f"mx2.{domain}[127.0.0.4] said")
    assert [len(s.sessions) for s in made] == [0, 1, 1, 0, 0]


@pytest.mark.parametrize("replies", [
    {"connect": CUT}, {"ehlo": CUT}, {"connect": "450 later"},
    {"ehlo": "450 later"}, {"mail": "451 4.3.0 later"}, {"mail": CUT},
    {"rcpt": CUT}, {"data": CUT}, {"body": CUT}, {"data": "421 bye"},
    {"connect": b"HTTP/1.1 400 Bad Request\r\n\r\n"},
    {"connect": "999 no"}, {"mail": "2500 x"}, {"connect": STALL},
    {"rcpt": STALL}, {"connect": b"220 " + b"x" * 20000 + b"\r\n"},
    {"connect": "554 5.7.1 go away"}])
def test_next_host(remote, sinks, replies):
    domain, made = sinks({"127.0.0.2": {"replies": replies, "window": 65536},
                          "127.0.0.3": None})
    # Longer than the buffers of a connection: else it may be on its way whole,
    # the final dot included, before it is cut.
    message = MESSAGE
    if "body" in replies:
        with open("/proc/sys/net/ipv4/tcp_wmem") as f:
            message *= (int(f.read().split()[2]) + 1_000_000) // len(MESSAGE)
    status, text = one(remote.deliver(f"bob@{domain}", message=message))
    assert (status, "mx1." in text) == ("d", True), text
    assert len(made[1].transactions) == 1


@pytest.mark.parametrize("replies, status", [
    ({"connect": "421 busy"}, "r"), ({"connect": "554 5.7.1 no"}, "f"),
    ({"connect": "999 no"}, "r"), ({"connect": "55 no"}, "r"),
    ({"connect": b"550-5.7.1 a\r\n551 5.7.1 b\r\n"}, "r"),
    ({"connect": "250-ok\n550 no"}, "r"),
    ({"mail": "550 5.1.0 no"}, "f"), ({"mail": "450 no"}, "r"),
    ({"mail": "350 odd"}, "r"), ({"mail": "599 odd"}, "r"),
    ({"rcpt": "550 no"}, "f"), ({"rcpt": "450 no"}, "r"),
    ({"rcpt": "552 5.2.2 full"}, "f"), ({"rcpt": "552 too many"}, "r"),
    ({"rcpt": "350 odd"}, "r"), ({"rcpt": "550 no", "data": "354 go"}, "f"),
    ({"data": "554 no"}, "f"), ({"data": "451 no"}, "r"),
    ({"data": "250 odd"}, "r"),
    ({"end": "554 5.6.0 spam"}, "f"), ({"end": "451 no"}, "r"),
    ({"end": "354 odd"}, "r"), ({"end": CUT}, "r"), ({"end": STALL}, "r"),
    ({"end": "5x4 no"}, "r"), ({"quit": STALL}, "d"), ({"quit": CUT}, "d")])
def test_what_the_last_host_says(remote, sinks, replies, status):
    domain, (sink,) = sinks({"127.0.0.2": {"replies": replies}})
    assert one(remote.deliver(f"bob@{domain}"))[0] == status


def test_lost_after_the_final_dot_goes_to_no_other_host(remote, sinks):
    domain, made = sinks({"127.0.0.2": {"replies": {"end": CUT}},
                          "127.0.0.3": None})
    assert one(remote.deliver(f"bob@{domain}"))[0] == "r"
    assert made[1].sessions == []


def test_random_order_among_equals(remote, sinks, dns):
    domain, made = sinks({f"127.0.0.{i}": None for i in range(2, 6)},
                         [10] * 4)
    for _ in range(48):
        assert one(remote.deliver(f"bob@{domain}"))[0] == "d"
    assert all(len(s.sessions) > 0 for s in made)


def test_address_where_there_is_no_mx(remote, sinks, dns):
    domain, (sink,) = sinks({"127.0.0.2": None})
    dns.zone[domain] = {"A": ["127.0.0.2"]}
    status, text = one(remote.deliver(f"bob@{domain}"))
    assert status == "d" and text.startswith(f"{domain}[127.0.0.2] said")


def test_ipv6(remote, sinks, dns, port):
    domain, (sink,) = sinks({"::1": None})
    dns.zone["mx0." + domain] = {"AAAA": ["::1"]}
    status, text = one(remote.deliver(f"bob@{domain}"))
    assert status == "d" and "[::1] said" in text


def test_mx_that_is_an_alias(remote, sinks, dns):
    domain, (sink,) = sinks({"127.0.0.2": None})
    dns.zone[domain]["MX"] = [f"10 alias.{domain}"]
    dns.zone[f"alias.{domain}"] = {"CNAME": [f"mx0.{domain}"]}
    assert one(remote.deliver(f"bob@{domain}"))[0] == "d"


def test_domain_that_is_an_alias(remote, sinks, dns):
    domain, (sink,) = sinks({"127.0.0.2": None})
    dns.zone[f"www.{domain}"] = {"CNAME": [domain]}
    assert one(remote.deliver(f"bob@www.{domain}"))[0] == "d"


@pytest.mark.parametrize("zone, status, code", [
    ({"MX": ["0 ."]}, "f", "5.1.10"),
    (None, "f", "5.1.2"), ("NXDOMAIN", "f", "5.1.2"),
    ("SERVFAIL", "r", "4.4.3"), ("REFUSED", "r", "4.4.3"),
    ({"MX": "SERVFAIL", "A": ["127.0.0.2"]}, "r", "4.4.3"),
    ({"TXT": ["x"]}, "f", "5.4.4"),
    ({"MX": ["10 nowhere.invalid"]}, "f", "5.4.4"),
    ({"MX": ["10 mail.kereru.test", "20 x.test"]}, "f", "5.4.6"),
    ({"MX": ["10 servfail.test"]}, "r", "4.4.3"),
    ({"MX": ["10 nowhere.invalid", "20 servfail.test"]}, "r", "4.4.3"),
    ({"A": ["0.0.0.0"]}, "f", "5.4.4")])
def test_no_host(remote, dns, zone, status, code):
    dns.zone["servfail.test"] = "SERVFAIL"
    dns.zone.pop("nohost.example", None)
    if zone is not None:
        dns.zone["nohost.example"] = zone
    got, text = one(remote.deliver("bob@nohost.example"))
    assert got == status and text.startswith(code + " ")


def test_resolver_that_is_silent(remote, dns):
    dns.zone["silent.test"] = {"MX": "TIMEOUT"}
    status, text = one(remote.deliver("bob@silent.test"))
    assert status == "r" and text.startswith("4.4.3 ")


def test_hundred_mx_over_tcp(remote, sinks, dns):
    domain, (sink,) = sinks({"127.0.0.2": None})
    dns.zone[domain]["MX"] = [f"50 host{i:03}.a-long-name.invalid"
                              for i in range(60)] + [f"5 mx0.{domain}"]
    assert one(remote.deliver(f"bob@{domain}"))[0] == "d"


def test_own_name_among_the_hosts(remote, sinks, dns):
    domain, made = sinks({"127.0.0.2": {"refuse": True}, "127.0.0.3": None},
                         [10, 30])
    dns.zone[domain]["MX"].append("20 Mail.Kereru.test")
    assert one(remote.deliver(f"bob@{domain}"))[0] == "r"
    assert made[1].sessions == []


def test_host_that_carries_our_name(remote, sinks):
    domain, (sink,) = sinks({"127.0.0.2": {"name": "mail.KERERU.test"}})
    status, text = one(remote.deliver(f"bob@{domain}"))
    assert status == "r" and text.startswith("4.4.6 ")


def test_route_to_a_host_without_mx(remote, sinks, dns, port):
    domain, made = sinks({"127.0.0.2": None, "127.0.0.3": None})
    with SmtpSink("127.0.0.9") as relay:
        dns.zone["relay.test"] = {"A": ["127.0.0.9"], "MX": [f"1 {domain}"]}
        for name in (f"relay.test:{relay.port}", f"[127.0.0.9]:{relay.port}"):
            assert one(remote.deliver("bob@example.org", name=name))[0] == "d"
        assert len(relay.transactions) == 2


def test_address_literal(remote, sinks):
    domain, (sink,) = sinks({"127.0.0.2": None})
    status, text = one(remote.deliver("bob@[127.0.0.2]"))
    assert status == "d" and text.startswith("[127.0.0.2] said: 250")


# TLS

def test_starttls_when_offered(remote, sinks, certificate):
    domain, (sink,) = sinks({"127.0.0.2": {"certificate": certificate}})
    message = b"x" * 70 + b"\r\n"
    assert one(remote.deliver(f"bob@{domain}", message=message * 20000)
               )[0] == "d"
    t = sink.transactions[0]
    assert t.session.over_tls and t.message == ADDED + message * 20000
    assert t.session.server_name == f"mx0.{domain}"
    assert 'tls="TLSv1.2 ' in remote.log(f"bob@{domain}")[-1]


def test_tls_session_is_kept(remote, sinks, certificate):
    domain, (sink,) = sinks({"127.0.0.2": {"certificate": certificate}})
    channel = remote.open(domain)
    for _ in range(3):
        assert one(channel.deliver(f"bob@{domain}"))[0] == "d"
    assert len(sink.sessions) == 1
    channel.close()
    assert sink.wait_ended()[0].ended == "quit"


def test_failed_handshake_goes_on_in_the_clear(remote, sinks):
    domain, (sink,) = sinks({"127.0.0.2": {
        "extensions": ["PIPELINING", "STARTTLS"]}})
    assert one(remote.deliver(f"bob@{domain}"))[0] == "d"
    assert [s.over_tls for s in sink.sessions] == [False, False]


def test_refused_starttls_goes_on_in_the_clear(remote, sinks):
    domain, (sink,) = sinks({"127.0.0.2": {
        "extensions": ["STARTTLS"], "replies": {"starttls": "454 not now"}}})
    assert one(remote.deliver(f"bob@{domain}"))[0] == "d"
    assert len(sink.sessions) == 1


def test_octets_behind_starttls_close_the_connection(
        remote, sinks, certificate):
    domain, (sink,) = sinks({"127.0.0.2": {
        "certificate": certificate, "replies": {
            "starttls": b"220 go\r\n250 injected\r\n"}}})
    status, text = one(remote.deliver(f"bob@{domain}"))
    assert status == "r" and text.startswith("4.7.0 ")
    assert sink.transactions == [] and len(sink.sessions) == 1


# What comes from outside stays data

def test_foreign_text_is_cleaned_and_bounded(remote, sinks):
    domain, (sink,) = sinks({"127.0.0.2": {"replies": {
        "rcpt": b"550-5.1.1 \x1b[31m\xff\0evil\r\n550-5.1.1 two\r\n"
                b"550 5.1.1 " + b"y" * 3000 + b"\r\n"}}})
    status, text = one(remote.deliver(f"bob@{domain}"))
    assert status == "f" and len(text) <= 400
    assert "550 5.1.1 ?[31m??evil two yyy" in text


def test_address_that_holds_a_command_is_not_sent(remote, sinks):
    domain, (sink,) = sinks({"127.0.0.2": None})
    status, text = one(remote.deliver(
        f"a>\r\nRSET\r\nMAIL FROM:<b@{domain}", name=domain))
    assert status == "f" and text.startswith("5.1.3 ")
    status, text = one(remote.deliver(
        f"a@{domain}", sender="x>\r\nRSET\r\n<", name=domain))
    assert status == "f" and text.startswith("5.1.7 ")
    status, text = one(remote.deliver(
        f"a@{domain}", sender="x@kereru.test> SIZE=1 X=<", name=domain))
    assert status == "f" and text.startswith("5.1.7 ")
    assert not any("RSET" in c for s in sink.sessions for c in s.commands)


def test_short_queue_file_is_not_ended(remote, sinks):
    domain, (sink,) = sinks({"127.0.0.2": None})
    channel = remote.open(domain)
    frame = struct.pack(">L", 1) + field(ID) + struct.pack(
        ">QQQQL", 0, 5000, 0, 0, 0) + field("") + wishes() + struct.pack(">H", 1)
    with tempfile.TemporaryFile() as f:
        f.write(b"short\r\n")
        f.flush()
        socket.send_fds(channel.sock, [frame + recipient(f"bob@{domain}") + field("")],
                        [f.fileno()])
    status, text = one(channel.report())
    assert status == "r" and text.startswith("4.3.0 ")
    assert sink.transactions == []
    channel.close()


@pytest.mark.parametrize("frame", [
    b"", b"x", b"\0" * 40, b"\xff" * 200, struct.pack(">L", 1) + field("id")])
def test_malformed_job_ends_the_channel_alone(remote, frame):
    channel = remote.open("example.org")
    with tempfile.TemporaryFile() as f:
        socket.send_fds(channel.sock, [frame], [f.fileno()])
    assert channel.sock.recv(100) == b""
    remote.open("example.org").close()


def test_job_without_a_descriptor_ends_the_channel(remote):
    channel = remote.open("example.org")
    channel.sock.send(struct.pack(">L", 1) + field(ID) + struct.pack(
        ">QQQQL", 0, 0, 0, 0, 0) + field("") + wishes() + struct.pack(">H", 1) +
        recipient("a@example.org") + field(""))
    assert channel.sock.recv(100) == b""


@pytest.mark.parametrize("name", [
    "a b", "x..y", "[127.0.0.1", "host:0", "host:99999", "[::g]", "a/b:x",
    "\xe9.example", "x" * 300])
def test_names_that_are_no_destination(remote, name):
    assert remote.ask(name) == (b"u", None)


# The spawner

def test_spawner_limits_its_children(remote):
    wait_for(lambda: remote.children() == [])
    channels = [remote.open("example.org") for _ in range(5)]
    assert remote.ask("example.org") == (b"l", None)
    for c in channels:
        c.close()
    wait_for(lambda: remote.children() == [])
    remote.open("example.org").close()


def test_malformed_request_drops_that_manager_alone(remote):
    remote.manager.send(b"nonsense")
    assert remote.manager.recv(100) == b""
    remote.new_manager()
    remote.open("example.org").close()


def test_channel_outlives_the_manager_pair(remote, sinks):
    domain, (sink,) = sinks({"127.0.0.2": None})
    channel = remote.open(domain)
    remote.manager.close()
    remote.new_manager()
    assert one(channel.deliver(f"bob@{domain}"))[0] == "d"
    channel.close()


def test_death_of_a_child_is_the_end_of_its_channel(remote, sinks):
    wait_for(lambda: remote.children() == [])
    channel = remote.open("example.org")
    os.kill(int(remote.children()[0]), signal.SIGKILL)
    assert channel.sock.recv(100) == b""
    wait_for(lambda: remote.children() == [])
    assert remote.log("event=died")


def test_rights_of_a_delivery(remote):
    wait_for(lambda: remote.children() == [])
    channel = remote.open("example.org")
    wait_for(lambda: len(remote.children()) == 1)
    pid = remote.children()[0]
    # None but the channel above 2, once the child has come so far.
    wait_for(lambda: sum(int(f) > 2 for f in os.listdir(f"/proc/{pid}/fd"))
             == 1)
    with open(f"/proc/{pid}/status") as f:
        status = dict(x.split(":\t", 1) for x in f.read().splitlines()
                      if ":\t" in x)
    channel.close()
    if os.getuid() == 0:
        assert set(status["Uid"].split()) == {str(UID)}
        assert set(status["Gid"].split()) == {str(UID)}
        assert status["Groups"].strip() == ""
    if status["Seccomp"].strip() == "0":
        pytest.skip("no system call filter: a sanitized build")
    assert status["NoNewPrivs"].strip() == "1"


def test_without_a_manager_nothing_more_is_tried(dns, port, sinks):
    domain, made = sinks({"127.0.0.2": {"replies": {"rcpt": STALL}},
                          "127.0.0.3": None})
    r = Remote(dns, port, remote_timeout="60")
    channel = r.open(domain)
    channel.send(f"bob@{domain}")
    wait_for(lambda: made[0].sessions and
             any("RCPT" in c for c in made[0].sessions[0].commands))
    channel.close()
    wait_for(lambda: r.children() == [], 5)
    assert made[1].sessions == []
    r.stop()


def test_death_of_the_logger_stops_nothing(dns, port, sinks):
    domain, (sink,) = sinks({"127.0.0.2": None})
    r = Remote(dns, port, logger=False)
    channel = r.open("example.org")
    os.kill(int(r.children()[0]), signal.SIGKILL)   # the spawner logs it
    assert channel.sock.recv(100) == b""
    for _ in range(2):
        assert one(r.deliver(f"bob@{domain}"))[0] == "d"
    r.stop()


def test_quit_waits_for_children(dns, port, sinks):
    domain, (sink,) = sinks({"127.0.0.2": {"replies": {
        "end": lambda s: (time.sleep(1), None)[1]}}})
    r = Remote(dns, port)
    channel = r.open(domain)
    channel.send(f"bob@{domain}")
    time.sleep(0.3)
    r.control.send(b"q")
    assert r.ask("example.org") == (b"l", None)
    assert one(channel.report())[0] == "d"
    channel.close()
    assert os.waitstatus_to_exitcode(os.waitpid(r.pid, 0)[1]) == 0
    r.stop()


def test_end_of_the_starter_ends_the_spawner(dns, port):
    r = Remote(dns, port)
    channel = r.open("example.org")
    r.control.close()
    assert os.waitstatus_to_exitcode(os.waitpid(r.pid, 0)[1]) == 0
    channel.close()
    r.stop()


def test_root_is_refused():
    if os.getuid() != 0:
        pytest.skip("not run as root")
    got = subprocess.run([SPAWNER], capture_output=True, text=True)
    assert got.returncode == 100 and "event=refused" in got.stderr


def test_wrong_usage():
    got = subprocess.run([SPAWNER, "-x"], capture_output=True, text=True)
    assert got.returncode == 100 and got.stderr.startswith("usage: ")
