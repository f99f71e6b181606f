"""A list's message: one queue file, each recipient with a sender of its own."""
import os
import re
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from queuehost import MESSAGE, QueueHost, UID, wait_for  # noqa: E402
from smtpsink import SmtpSink  # noqa: E402

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="needs root")
SENDER = "alice-bounces@a.test"
URL = "https://a.test/unsubscribe?"


class ListHost(QueueHost):
    users = {"alice-bounces@a.test": 0, "bob@a.test": 1, "carol@a.test": 2}
    aliases = {"two@a.test": ["bob@a.test", "carol@a.test"],
               "postmaster@mx.a.test": ["carol@a.test"]}


def verp(address, sender=SENDER):
    local, domain = sender.split("@")
    return f"{local}+{address.replace('@', '=')}@{domain}"


def return_paths(host, address, count):
    return [re.match(rb"Return-Path: <(.*?)>\n", text)[1].decode()
            for text in host.mail(address, count, 60)]


@pytest.fixture(scope="module")
def world():
    with SmtpSink("127.0.0.1", 0) as sink, ListHost(start=False) as host:
        host.routes = {"dead.test": "[127.0.0.1]:1",
                       **{f"d{n}.test": f"[127.0.0.1]:{sink.port}"
                          for n in range(4)}}
        host.make_tables()
        host.start()
        host.sink, host.taken = sink, 0
        yield host


def drop(host, recipients, flags="verp", uid=None, sender=SENDER, **more):
    return host.drop(sender, recipients, flags=flags,
                     uid=host.uid(SENDER) if uid is None else uid, **more)


def taken(host, count, seconds=60):
    """The next transactions at the sink."""
    host.taken += count
    return host.sink.wait(host.taken, seconds)[host.taken - count:host.taken]


@pytest.mark.parametrize("count", [
    1500, pytest.param(10000, marks=pytest.mark.soak),
    pytest.param(20000, marks=pytest.mark.soak)])
def test_many_recipients_one_file(world, count):
    far = [f"user{n}@d{n % 4}.test" for n in range(count - 3)]
    before, ended = len(world.sink.sessions), world.events("removed")
    ident = drop(world, ["bob@a.test"] + far + ["carol@a.test", "two@a.test"])
    got = taken(world, len(far), 300)
    # Each is told alone, and under its own name.
    assert {tuple(t.recipients): t.sender for t in got} == {
        (a,): verp(a) for a in far}
    # Sessions are used again.
    assert len(world.sink.sessions) - before <= 60
    bob = return_paths(world, "bob@a.test", 2)
    assert set(bob) == {verp("bob@a.test"), verp("two@a.test")}
    carol = return_paths(world, "carol@a.test", 2)
    assert set(carol) == {verp("carol@a.test"), verp("two@a.test")}
    assert wait_for(world.is_empty, 60)
    assert wait_for(lambda: len(world.events("removed")) >= len(ended) + 2)
    # The alias of several is one more file.
    assert len(world.events("queued", recipients=str(count))) == 1
    assert len(world.events("delivered", id=ident)) == count
    for address in ("bob@a.test", "carol@a.test"):
        for name in os.listdir(world.home(address) + "/new"):
            os.unlink(f"{world.home(address)}/new/{name}")


def test_a_failure_is_told_to_the_address_of_its_recipient(world):
    world.sink.replies.update({
        "rcpt:gone@d1.test": "550 5.1.1 no such user",
        "rcpt:full@d2.test": "552 5.2.2 full"})
    drop(world, ["gone@d1.test", "here@d1.test", "full@d2.test",
                 "nobody@a.test"])
    taken(world, 1)
    texts = world.mail(SENDER, 3, 30)
    told = {}
    for text in texts:
        to = re.search(rb"^To: <?(.*?)>?$", text, re.M)[1].decode()
        [final] = re.findall(rb"^Final-Recipient: rfc822; ?(.*)$", text, re.M)
        told[to] = final.decode()
        assert text.startswith(b"Return-Path: <>\n")
    assert told == {verp(a): a for a in ("gone@d1.test", "full@d2.test",
                                         "nobody@a.test")}
    world.sink.replies.clear()
    assert wait_for(world.is_empty, 30)


def test_what_waits_keeps_its_name_over_a_restart(world):
    world.sink.replies["rcpt:slow@d3.test"] = ["451 4.3.0 later", None]
    many = [f"m{n}@d2.test" for n in range(20)]
    drop(world, ["slow@d3.test"] + many)
    taken(world, len(many))
    world.wait_event("deferred", to="slow@d3.test", seconds=30)
    world.stop()
    world.start(30)
    [t] = taken(world, 1)
    assert (t.sender, t.recipients) == (verp("slow@d3.test"),
                                        ["slow@d3.test"])
    assert wait_for(world.is_empty, 30)


def test_tokens(world):
    tokens = {f"t{n}@d0.test": f"tok-{n}_" for n in range(3)}
    tokens["bob@a.test"] = "bobs"
    drop(world, list(tokens) + ["plain@d0.test"],
         options=f"unsubscribe {URL}\n",
         wishes={a: f"token {t}\n" for a, t in tokens.items()})
    for t in taken(world, 4):
        [to] = t.recipients
        if to not in tokens:
            assert b"List-Unsubscribe" not in t.message
            continue
        assert t.message.startswith(
            f"List-Unsubscribe: <{URL}{tokens[to]}>,\r\n"
            "\t<mailto:alice-unsubscribe@a.test>\r\nList-Unsubscribe-Post: "
            "List-Unsubscribe=One-Click\r\n".encode()), t.message
        assert t.message.endswith(MESSAGE)
    [text] = world.mail("bob@a.test", 1, 30)
    assert f"List-Unsubscribe: <{URL}bobs>,\n\t<mailto:".encode() in text
    assert b"\r" not in text
    assert wait_for(world.is_empty, 30)


@pytest.mark.parametrize("what", [
    {"uid": UID["smtpd"], "recipients": ["bob@a.test"]},
    {"uid": UID["relay"]}, {"flags": "forwarded verp"},
    {"sender": "bob@a.test"}, {"sender": ""},
    {"options": f"unsubscribe {URL}\n", "flags": ""},
    {"flags": "", "recipients": [f"x{n}@d0.test" for n in range(1001)]},
    {"recipients": [f"x{n}@d0.test" for n in range(20001)]},
], ids=str)
def test_who_may_not(world, what):
    bad = len(world.files("bad"))
    drop(world, what.pop("recipients", ["bob@d0.test"]), **what)
    assert wait_for(lambda: len(world.files("bad")) > bad, 30)
    assert len(world.sink.transactions) == world.taken
