"""remote-spawner and TLS: the administrator's table, DANE, REQUIRETLS, names
and passwords at relays, several addresses, BDAT; servers that are wrong."""
import os
import socket
import sys

import pytest

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(REPOSITORY, "tests", "lib"))
import pki  # noqa: E402
from dnsserver import DnsServer  # noqa: E402
from remotealone import ADDED, MESSAGE, Remote, one, wait_for  # noqa: E402
from smtpsink import CUT, SmtpSink  # noqa: E402

FLAG_BINARY, FLAG_REQUIRETLS = 16, 32
WITHOUT = b"TLS-Required: No\r\n" + MESSAGE
ZEROS = "00" * 32


class World:
    """One spawner, one resolver that validates, one authority, and a sink for
    each kind of server, all of which stay for the module."""

    def __init__(self):
        self.ca, self.other = pki.Authority(), pki.Authority("another")
        self.dns = DnsServer(ad=True)
        self.dns.start()
        with socket.socket() as s:
            s.bind(("0.0.0.0", 0))
            self.port = s.getsockname()[1]
        self.remote = Remote(self.dns, self.port, tls_anchors=self.ca.path)
        self.sinks = []
        self.pairs = {}

    def pair(self, kind):
        if kind not in self.pairs:
            self.pairs[kind] = {
                "good": lambda: self.ca.issue("mx.good.test", "*.wild.test"),
                "expired": lambda: self.ca.issue(
                    "mx.good.test", expired=True),
                "other": lambda: self.other.issue("mx.good.test"),
                "none": lambda: None,
            }[kind]()
        return self.pairs[kind]

    def sink(self, kind, **settings):
        """A fresh sink on an address of its own."""
        address = f"127.0.1.{len(self.sinks) + 2}"
        self.sinks.append(SmtpSink(
            address, self.port, certificate=self.pair(kind),
            **settings).start())
        return self.sinks[-1]

    def domain(self, sink, host="mx.good.test", name="good.test", **records):
        """Put a domain with one MX host into the zone, and nothing else."""
        self.dns.zone.clear()
        self.dns.insecure.clear()
        self.dns.zone[name] = {"MX": [f"10 {host}"]}
        self.dns.zone[host] = {"A": [sink.address[0]]}
        self.dns.zone.update(records)
        return name

    def tlsa(self, *records, host="mx.good.test"):
        self.dns.zone[f"_{self.port}._tcp.{host}"] = {"TLSA": list(records)}

    def send(self, to="bob@good.test", **more):
        return one(self.remote.deliver(to, **more))

    def policy(self, text, name="good.test"):
        self.remote.table("tls-policy", None if text is None else {
            name: text.replace(" ", "\0")})

    def close(self):
        self.remote.stop()
        self.dns.stop()
        for sink in self.sinks:
            sink.stop()
        for ca in (self.ca, self.other):
            ca.__exit__()


@pytest.fixture(scope="module")
def module_world():
    w = World()
    yield w
    w.close()


@pytest.fixture
def world(module_world):
    module_world.policy(None)
    yield module_world


# The table

@pytest.mark.parametrize("policy, kind, result, over_tls", [
    (None, "other", "d", True), ("may", "other", "d", True),
    ("none", "good", "d", False), ("must", "other", "d", True),
    ("must", "expired", "d", True), ("must", "none", "r", None),
    ("verify", "good", "d", True), ("verify", "other", "r", None),
    ("verify", "expired", "r", None), ("verify", "none", "r", None),
    ("verify mx.good.test", "good", "d", True),
    ("verify a.test b.wild.test", "good", "d", True),
    ("verify a.test", "good", "r", None),
    ("verify a.b.wild.test", "good", "r", None)])
def test_table(world, policy, kind, result, over_tls):
    sink = world.sink(kind)
    world.domain(sink)
    world.policy(policy)
    status, text = world.send()
    assert status == result, text
    if status == "d":
        assert sink.transactions[0].session.over_tls == over_tls
    else:
        assert sink.transactions == []
        assert text.startswith("4.7.5 mx.good.test[127.0.1.")
        assert text.endswith("(tls-policy)")


def test_what_is_said_of_a_certificate(world):
    said = {}
    for kind in ("other", "expired", "good", "none"):
        world.domain(world.sink(kind))
        world.policy("verify other.test" if kind == "good" else "verify")
        said[kind] = world.send()[1].split("]: ", 1)[1]
    accepted = "its certificate is not accepted: "
    assert said == {
        "other": accepted + "no known authority has signed it (tls-policy)",
        "expired": accepted + "it has expired, or is not valid yet "
                              "(tls-policy)",
        "good": accepted + "it is for another name (tls-policy)",
        "none": "TLS is demanded: STARTTLS is not offered (tls-policy)"}


def test_pins(world):
    sink = world.sink("other")
    world.domain(sink)
    certificate = world.pair("other")
    for selector in (0, 1):
        pin = pki.tlsa(certificate, 3, selector, 1).split()[-1]
        world.policy(f"pin {ZEROS} {pin}")
        assert world.send()[0] == "d"
    world.policy(f"pin {ZEROS}")
    status, text = world.send()
    assert status == "r" and "not one of those that are pinned" in text


def test_entry_of_a_parent_and_of_all(world):
    world.domain(world.sink("none"))
    for name, result in (("good.test", "r"), (".test", "r"), ("*", "r"),
                         (".good.test", "d"), ("test", "d")):
        world.policy("must", name)
        assert world.send()[0] == result, name


def test_damaged_table_sends_nothing(world):
    world.domain(world.sink("none"))
    world.policy("nonsense")
    assert world.remote.ask("good.test") == (b"l", None)


# Servers that are wrong

@pytest.mark.parametrize("replies", [
    {"starttls": CUT}, {"starttls": "454 not now"},
    {"starttls": b"220 go\r\n250 injected\r\n"},
    {"starttls": b"220 go\r\n\x15\x03\x03\x00\x02\x02\x28"},
    {"starttls": b"220 go\r\nHTTP/1.1 400 no\r\n\r\n"},
    {"ehlo": b"250-sink\r\n250 PIPELINING\r\n"}])
def test_whoever_is_in_the_middle_gets_nothing(world, replies):
    sink = world.sink("good", replies=replies)
    world.domain(sink)
    world.policy("verify")
    status, text = world.send()
    assert status == "r" and text.startswith("4."), text
    assert sink.transactions == []
    assert not any("MAIL" in c for s in sink.sessions for c in s.commands)


def test_ehlo_that_lies_before_tls_is_forgotten(world):
    ehlo = iter([b"250-sink\r\n250-STARTTLS\r\n250 CHUNKING\r\n", None] * 9)
    sink = world.sink("good", replies={"ehlo": lambda s: next(ehlo)})
    world.domain(sink)
    world.policy("verify")
    assert world.send(flags=FLAG_BINARY)[0] == "d"
    assert not any("BDAT" in c for c in sink.sessions[0].commands)


# DANE

@pytest.mark.parametrize("kind, records, result", [
    ("other", [(3, 1, 1)], "d"), ("other", [(3, 0, 1)], "d"),
    ("other", [(3, 1, 2)], "d"), ("other", [(3, 0, 2)], "d"),
    ("other", [(3, 1, 0)], "d"), ("other", [(3, 0, 0)], "d"),
    ("expired", [(3, 1, 1)], "d"),
    ("other", [(2, 1, 1, 1)], "d"), ("other", [(2, 0, 2, 1)], "d"),
    ("expired", [(2, 1, 1, 1)], "r"),
    ("other", [f"3 1 1 {ZEROS}"], "r"),
    ("other", [f"3 1 1 {ZEROS}", (3, 1, 1)], "d"),
    # A weaker digest does not count beside a stronger one.
    ("other", [f"3 1 2 {ZEROS}{ZEROS}", (3, 1, 1)], "r"),
    # None that can be used: any certificate, but TLS.
    ("other", ["3 1 1 0011"], "d"), ("other", [f"1 1 1 {ZEROS}"], "d"),
    ("other", [f"3 5 1 {ZEROS}"], "d"), ("none", [f"3 1 9 {ZEROS}"], "r"),
    ("none", [f"3 1 1 {ZEROS}"], "r")])
def test_dane(world, kind, records, result):
    sink = world.sink(kind)
    world.domain(sink)
    world.tlsa(*[r if isinstance(r, str) else pki.tlsa(
        world.pair(kind), *r[:3], *r[3:]) for r in records])
    status, text = world.send()
    assert status == result, text
    if result == "r":
        assert text.startswith("4.7.5 ") and text.endswith("(DANE)")
        assert sink.transactions == []
    else:
        assert sink.transactions[0].session.over_tls


def test_dane_ta_is_for_the_names(world):
    sink = world.sink("other")
    world.domain(sink, host="mx9.good.test")
    anchor = pki.tlsa(world.pair("other"), 2, 1, 1, 1)
    world.tlsa(anchor, host="mx9.good.test")
    status, text = world.send()
    assert status == "r" and "it is for another name" in text
    # The domain itself is one of them.
    world.domain(sink, host="mx9.good.test", name="mx.good.test")
    world.tlsa(anchor, host="mx9.good.test")
    assert world.send("bob@mx.good.test")[0] == "d"


def test_dane_without_dnssec_is_nothing(world):
    for insecure in ("good.test", f"_{world.port}._tcp.mx.good.test"):
        world.domain(world.sink("other"))
        world.tlsa(f"3 1 1 {ZEROS}")
        world.dns.insecure = {insecure}
        assert world.send()[0] == "d"


def test_dane_records_that_are_not_known_now(world):
    sink = world.sink("other")
    world.domain(sink)
    world.dns.zone[f"_{world.port}._tcp.mx.good.test"] = "SERVFAIL"
    status, text = world.send()
    assert status == "r" and text.startswith(
        f"4.7.5 _{world.port}._tcp.mx.good.test: ")
    # The next host is good for it.
    world.dns.zone["good.test"]["MX"].append("20 b.good.test")
    world.dns.zone["b.good.test"] = {"A": [sink.address[0]]}
    assert world.send()[0] == "d"


def test_dane_of_an_alias(world):
    sink = world.sink("other")
    good = pki.tlsa(world.pair("other"), 3, 1, 1)
    bad = f"3 1 1 {ZEROS}"
    # 1. where it leads to; 2. itself, where that has none; 3. itself, if the
    # other zone is not signed; 4. nothing, if neither is.
    for target, own, insecure, result in (
            (good, bad, None, "d"), (bad, good, None, "r"),
            (None, good, None, "d"), (None, bad, None, "r"),
            (bad, good, "target.test", "d"), (good, bad, "target.test", "r"),
            (bad, bad, "test", "d")):
        world.domain(sink)
        world.dns.zone["mx.good.test"] = {"CNAME": ["a.target.test"]}
        world.dns.zone["a.target.test"] = {"A": [sink.address[0]]}
        if target:
            world.tlsa(target, host="a.target.test")
        world.tlsa(own)
        world.dns.insecure = {insecure} if insecure else set()
        assert world.send()[0] == result, (target, own, insecure)


def test_dane_name_is_asked_for(world):
    sink = world.sink("other")
    world.domain(sink)
    world.tlsa(pki.tlsa(world.pair("other"), 3, 1, 1))
    assert world.send()[0] == "d"
    assert sink.transactions[0].session.server_name == "mx.good.test"
    world.remote.log("verified=DANE")


def test_table_goes_before_dane(world):
    world.domain(world.sink("other"))
    world.tlsa(f"3 1 1 {ZEROS}")
    world.policy("may")
    assert world.send()[0] == "d"


# REQUIRETLS

TAKES = ("PIPELINING", "SIZE 52428800", "8BITMIME", "REQUIRETLS")


def test_requiretls(world):
    sink = world.sink("good", extensions=TAKES)
    world.domain(sink)
    assert world.send(flags=FLAG_REQUIRETLS)[0] == "d"
    assert sink.transactions[0].mail.endswith(" REQUIRETLS")
    world.tlsa(pki.tlsa(world.pair("good"), 3, 1, 1))
    assert world.send(flags=FLAG_REQUIRETLS)[0] == "d"


@pytest.mark.parametrize("kind, code, insecure, extensions", [
    ("good", "5.7.30", None, TAKES[:3]), ("none", "5.7.10", None, TAKES),
    ("other", "5.7.10", None, TAKES), ("expired", "5.7.10", None, TAKES),
    ("good", "5.7.10", "good.test", TAKES)])
def test_requiretls_that_is_not_met(world, kind, code, insecure, extensions):
    sink = world.sink(kind, extensions=extensions)
    world.domain(sink)
    world.dns.insecure = {insecure} if insecure else set()
    status, text = world.send(flags=FLAG_REQUIRETLS)
    assert status == "f" and text.startswith(code + " "), text
    assert sink.transactions == []
    # A report goes all the same (RFC 8689 5).
    assert world.send(flags=FLAG_REQUIRETLS, sender="")[0] == "d"


def test_requiretls_tries_the_next_host(world):
    first, second = world.sink("other", extensions=TAKES), world.sink(
        "good", extensions=TAKES)
    world.domain(second)
    world.dns.zone["good.test"]["MX"].append("5 a.good.test")
    world.dns.zone["a.good.test"] = {"A": [first.address[0]]}
    assert world.send(flags=FLAG_REQUIRETLS)[0] == "d"
    assert len(second.transactions) == 1 and first.transactions == []


def test_requiretls_does_not_go_over_a_session_that_was_not_verified(world):
    sink = world.sink("good", extensions=TAKES)
    world.domain(sink)
    channel = world.remote.open("good.test")
    for flags in (0, FLAG_REQUIRETLS, 0, FLAG_REQUIRETLS):
        assert one(channel.deliver("bob@good.test", flags=flags))[0] == "d"
    channel.close()
    assert len(sink.sessions) == 2


def test_message_that_does_without(world):
    for policy, kind in (("verify", "other"), ("must", "none")):
        sink = world.sink(kind)
        world.domain(sink)
        world.policy(policy)
        channel = world.remote.open("good.test")
        assert one(channel.deliver("bob@good.test", message=WITHOUT)
                   )[0] == "d"
        # Others do not go over its session.
        assert one(channel.deliver("bob@good.test"))[0] == "r"
        channel.close()
        assert len(sink.transactions) == 1
    # DANE, and a table entry that says more than the header.
    world.policy(None)
    world.domain(world.sink("other"))
    world.tlsa(f"3 1 1 {ZEROS}")
    assert world.send(message=WITHOUT)[0] == "d"
    assert world.send(message=b"X: TLS-Required: No\r\n\r\nTLS-Required: No"
                              b"\r\n")[0] == "r"
    # The parameter goes before the header.
    assert world.send(message=WITHOUT, flags=FLAG_REQUIRETLS)[0] == "f"
    wait_for(lambda: any("event=tls-unmet" in x for x in world.remote.lines))


# Names and passwords at relays

AUTH = ("PIPELINING", "AUTH LOGIN PLAIN", "SIZE 1000000")


@pytest.mark.parametrize("errs, status, why", [
    (None, "d", ""),
    # It has not shown that it knows the password.
    ("signature", "r", "it does not know our password"),
    ("early", "r", "it lets us in too early"),
    ("nonce", "r", "it answers SCRAM with something else"),
    ("iterations", "r", "it answers SCRAM with something else"),
    ("garbage", "r", "it answers SCRAM with something else"),
    ("password", "r", "it refuses our name and password")])
def test_scram(world, errs, status, why):
    """It goes before PLAIN, and nothing goes in its place."""
    sink = world.sink("good", extensions=("AUTH PLAIN SCRAM-SHA-256 LOGIN",),
                      replies={"scram": errs})
    sink.password = "secret" if errs != "password" else "another"
    world.domain(sink)
    route = f"mx.good.test:{world.port}"
    world.remote.table("relay-logins", {route: "me,=\0secret"})
    got, text = world.send("bob@else.test", name=route)
    world.remote.table("relay-logins", None)
    assert got == status and why in text, text
    assert len(sink.transactions) == (status == "d")
    assert [c for s in sink.sessions for c in s.commands
            if c.startswith(("AUTH PLAIN", "AUTH LOGIN"))] == []
    if status == "d":
        assert sink.logins == [("me,=", "secret")]


@pytest.mark.parametrize("kind, extensions, policy, replies, result", [
    ("good", AUTH, None, {}, "d"),
    ("good", ("AUTH LOGIN",), None, {}, "d"),
    ("good", AUTH, None, {"auth": "535 5.7.8 no secret"}, "r"),
    ("good", AUTH, None, {"auth": "454 4.7.0 later"}, "r"),
    ("good", ("AUTH CRAM-MD5",), None, {}, "r"),
    ("good", (), None, {}, "r"),
    # Not to whoever answers, unless somebody said so.
    ("other", AUTH, None, {}, "r"), ("none", AUTH, None, {}, "r"),
    ("other", AUTH, "must", {}, "d"), ("none", AUTH, "may", {}, "r"),
    ("good", AUTH, "none", {}, "r")])
def test_login(world, kind, extensions, policy, replies, result):
    sink = world.sink(kind, extensions=extensions, replies=replies)
    world.domain(sink)
    world.policy(policy, "mx.good.test")
    route = f"mx.good.test:{world.port}"
    world.remote.table("relay-logins", {route: "me\0secret"})
    status, text = world.send("bob@else.test", name=route)
    world.remote.table("relay-logins", None)
    assert status == result, text
    assert "secret" not in text
    if result == "d":
        assert sink.logins == [("me", "secret")]
        assert sink.transactions[0].session.over_tls
    else:
        assert sink.transactions == []
        assert text.startswith("4.7.")
        assert bool(sink.logins) == bool(replies)


def test_login_is_for_its_route_alone(world):
    sink = world.sink("good", extensions=AUTH)
    world.domain(sink)
    world.remote.table("relay-logins", {
        f"mx.good.test:{world.port}": "me\0secret"})
    assert world.send()[0] == "d"
    world.remote.table("relay-logins", None)
    assert sink.logins == []


def test_tls_before_the_greeting(world):
    address = "127.0.3.1"
    try:
        sink = SmtpSink(address, 465, certificate=world.pair("good"),
                        tls_first=True, extensions=AUTH)
    except PermissionError:
        pytest.skip("port 465 is not ours")
    with sink:
        world.domain(sink)
        world.remote.table("relay-logins", {"mx.good.test:465": "a\0b"})
        status, text = world.send("bob@x.test", name="mx.good.test:465")
        world.remote.table("relay-logins", None)
        assert status == "d", text
        assert sink.logins == [("a", "b")]
        assert not any("STARTTLS" in c for c in sink.sessions[0].commands)


# Addresses of ours

def test_outgoing_addresses(world):
    sink = world.sink("none")
    world.domain(sink)
    world.dns.zone["six.test"] = {"AAAA": ["::1"]}
    remote = Remote(world.dns, world.port, outgoing=(
        "127.0.4.1 one.test\n127.0.4.2 two.test\n"
        "127.0.4.9 kept.test Kept.example other.example\n"
        "::1 six.kereru.test\n").encode())
    seen = []
    for sender in ("a@x.example",) * 6 + ("b@kept.example",) * 2:
        assert one(remote.deliver("bob@good.test", sender=sender))[0] == "d"
        session = sink.transactions[-1].session
        seen.append((session.peer, session.hello))
    assert set(seen[:6]) == {("127.0.4.1", "one.test"),
                             ("127.0.4.2", "two.test")}
    assert set(seen[6:]) == {("127.0.4.9", "kept.test")}
    # A kept session is for senders of the same address alone.
    channel = remote.open("good.test")
    before = len(sink.sessions)
    for sender in ("a@x.example", "a@y.example", "b@kept.example"):
        assert one(channel.deliver("bob@good.test", sender=sender))[0] == "d"
    channel.close()
    assert len(sink.sessions) == before + 2
    with SmtpSink("::1", world.port) as six:
        assert one(remote.deliver("bob@six.test"))[0] == "d"
        assert six.transactions[0].session.hello == "six.kereru.test"
    remote.stop()


# BDAT

BINARY = b"Subject: x\r\n\r\n\0\r\n.\r\na\rb\nc" + bytes(range(256)) * 400


@pytest.mark.parametrize("pipelining", [True, False])
def test_binary_message_goes_as_it_is(world, pipelining):
    sink = world.sink("good", extensions=(
        "CHUNKING", "BINARYMIME", "8BITMIME", "SIZE", "DSN") + (
            ("PIPELINING",) if pipelining else ()))
    world.domain(sink)
    channel = world.remote.open("good.test")
    for _ in range(2):
        assert one(channel.deliver("bob@good.test", message=BINARY, flags=FLAG_BINARY,
                                   ret="H"))[0] == "d"
    channel.close()
    t = sink.transactions[1]
    assert t.message == ADDED + BINARY and " BODY=BINARYMIME" in t.mail
    assert f" SIZE={len(t.message)}" in t.mail and " RET=HDRS" in t.mail
    # Others by DATA.
    assert world.send()[0] == "d"
    assert "DATA" in sink.transactions[2].session.commands


@pytest.mark.parametrize("extensions", [
    ("CHUNKING", "8BITMIME"), ("BINARYMIME", "8BITMIME"), ()])
def test_binary_message_elsewhere_is_encoded(world, extensions):
    sink = world.sink("good", extensions=extensions)
    world.domain(sink)
    status, text = world.send(flags=FLAG_BINARY, message=(
        b"MIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n"
        b"Content-Transfer-Encoding: binary\r\n\r\n\0\1\2\xff\r\n"))
    assert status == "d", text
    assert b"base64" in sink.transactions[0].message


@pytest.mark.parametrize("replies, results", [
    ({"rcpt:no@good.test": "550 no"}, ["f", "d"]),
    ({"rcpt": "550 no"}, ["f", "f"]), ({"end": "554 no"}, ["f", "f"]),
    ({"end": CUT}, ["r", "r"])])
def test_bdat_that_is_refused(world, replies, results):
    sink = world.sink("good", replies=replies, extensions=(
        "CHUNKING", "BINARYMIME", "PIPELINING"))
    world.domain(sink)
    got = world.remote.deliver(["no@good.test", "b@good.test"],
                               message=BINARY, flags=FLAG_BINARY)
    assert [r[0] for r in got] == results
