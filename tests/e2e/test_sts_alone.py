"""sts: policies fetched, kept and refreshed; results counted; and remote that
asks it."""
import email
import json
import os
import signal
import socket
import subprocess
import sys

import pytest

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(REPOSITORY, "tests", "lib"))
import pki  # noqa: E402
from dnsserver import DnsServer  # noqa: E402
from remotealone import BUILD, Remote, one, wait_for  # noqa: E402
from smtpsink import SmtpSink  # noqa: E402
from stsalone import PolicyServer, Sts  # noqa: E402

FLAG_REQUIRETLS = 32


def policy(mode="enforce", mx=("mx.good.test",), age=86400, version="STSv1"):
    return "".join(line + "\r\n" for line in (
        f"version: {version}", f"mode: {mode}", *(f"mx: {m}" for m in mx),
        f"max_age: {age}"))


class World:
    def __init__(self):
        self.ca = pki.Authority()
        self.other = pki.Authority("another")
        self.names = [f"mta-sts.d{i}.test" for i in range(40)]
        self.web = PolicyServer(self.ca.issue(*self.names))
        self.dns = DnsServer()
        self.dns.start()
        self.sts = Sts(self.dns, self.web, self.ca.path)
        with socket.socket() as s:
            s.bind(("0.0.0.0", 0))
            self.port = s.getsockname()[1]
        self.count = -1

    def domain(self, text=None, record="v=STSv1; id=1;"):
        """A fresh domain with a record and a policy."""
        self.count += 1
        name = f"d{self.count}.test"
        if record is not None:
            self.dns.zone[f"_mta-sts.{name}"] = {
                "TXT": [record] if isinstance(record, str) else record}
        self.dns.zone[f"mta-sts.{name}"] = {"A": ["127.0.0.1"]}
        if text is not None:
            self.web.policies[f"mta-sts.{name}"] = text
        return name

    def fetches(self, name):
        return self.web.asked.count(
            (f"mta-sts.{name}", "/.well-known/mta-sts.txt"))

    def counts(self):
        """The lines of today's file, after what is in memory was written."""
        self.sts.restart()
        lines = []
        for day in os.listdir(self.sts.own + "/reports"):
            with open(f"{self.sts.own}/reports/{day}") as f:
                lines += [x.rstrip("\n").split("\t") for x in f]
        return lines


@pytest.fixture(scope="module")
def world():
    w = World()
    yield w
    w.sts.stop()
    w.web.stop()
    w.dns.stop()
    w.ca.__exit__()
    w.other.__exit__()


def test_policy_is_fetched_once_and_outlives_a_restart(world):
    name = world.domain(policy(mx=["MX.good.test", "*.wild.test"]))
    mode, age, mx = world.sts.ask(name)
    assert (mode, mx) == ("e", ["mx.good.test", "*.wild.test"])
    assert 86000 < age <= 86400
    assert world.sts.ask(name)[0] == "e"
    for number in (signal.SIGTERM, signal.SIGKILL):
        world.sts.restart(number)
        # The same id: no fetch; neither if nobody answers any more.
        assert world.sts.ask(name)[0] == "e"
    world.dns.zone[f"_mta-sts.{name}"] = "SERVFAIL"
    world.sts.restart()
    assert world.sts.ask(name)[0] == "e"
    assert world.fetches(name) == 1
    # Another id.
    world.dns.zone[f"_mta-sts.{name}"] = {"TXT": ["v=STSv1; id=2;"]}
    world.web.policies[f"mta-sts.{name}"] = policy("testing")
    world.sts.restart()
    assert world.sts.ask(name)[0] == "t"
    assert world.fetches(name) == 2
    # What can't be fetched leaves the old one.
    world.dns.zone[f"_mta-sts.{name}"] = {"TXT": ["v=STSv1; id=3;"]}
    world.web.policies[f"mta-sts.{name}"] = "nonsense"
    world.sts.restart()
    assert world.sts.ask(name)[0] == "t"
    # Its time is over.
    path = f"{world.sts.own}/cache/{name}"
    with open(path) as f:
        text = f.read().split("\n")
    text[1] = f"fetched {int(text[1].split()[1]) - 90000}"
    with open(path, "w") as f:
        f.write("\n".join(text))
    assert world.sts.ask(name) is None


@pytest.mark.parametrize("record", [
    None, "v=STSv2; id=1;", "v=STSv1", "v=STSv1; id=", "v=STSv1; id=a b;",
    ["v=STSv1; id=1;", "v=STSv1; id=2;"]])
def test_no_record_no_policy(world, record):
    name = world.domain(policy(), record)
    assert world.sts.ask(name) is None
    assert world.fetches(name) == 0


def large(request):
    request.answer("x: " + "y" * 70000)


@pytest.mark.parametrize("text", [
    None, "", "hello", policy(version="STSv2"), policy(mode="maybe"),
    policy(mx=[]), policy(mx=["a..b"]), policy(age="soon"), large,
    lambda r: r.answer(policy(), kind="text/html"),
    lambda r: r.answer(policy(), status=203),
    lambda r: r.answer("", status=302, Location="/other"),
    lambda r: r.connection.close()])
def test_policy_that_is_none(world, text):
    name = world.domain(text)
    assert world.sts.ask(name) is None
    assert not any(path == "/other" for _, path in world.web.asked)
    wait_for(lambda: any(f"domain={name} " in x for x in world.sts.lines))


def test_web_server_that_is_somebody_else(world):
    name = world.domain(policy())
    world.dns.zone[f"_mta-sts.else.{name}"] = {"TXT": ["v=STSv1; id=1"]}
    world.dns.zone[f"mta-sts.else.{name}"] = {"A": ["127.0.0.1"]}
    assert world.sts.ask("else." + name) is None
    # One that is not there, and one without an address.
    world.dns.zone[f"mta-sts.{name}"] = {"A": ["127.0.0.99"]}
    assert world.sts.ask(name) is None
    name = world.domain(policy())
    world.dns.zone[f"mta-sts.{name}"] = {"TXT": ["x"]}
    assert world.sts.ask(name) is None


def test_many_ask_at_once(world):
    names = [world.domain(policy()) for _ in range(3)]
    links = [world.sts.connect() for _ in range(9)]
    before = world.sts.socket
    for i, link in enumerate(links):
        link.send(b"p" + len(names[i % 3]).to_bytes(2, "big") +
                  names[i % 3].encode())
    for link in links:
        world.sts.socket = link
        assert world.sts.answer()[0] == "e"
        link.close()
    world.sts.socket = before
    assert all(world.fetches(n) == 1 for n in names)


@pytest.mark.parametrize("frame", [
    b"", b"x", b"p", b"p\0\1", b"p\0\4../a", b"p\0\2.a", b"p\0\1A",
    b"r\0\0", b"p\0\1ax"])
def test_nonsense_ends_that_caller_alone(world, frame):
    link = world.sts.connect()
    if frame:
        link.send(frame)
        assert link.recv(100) == b""
    link.close()
    assert world.sts.ask("nowhere.test") is None


def test_sessions_are_counted(world):
    for _ in range(3):
        world.sts.report("n", 0, "count.test", "mx.count.test", "", "192.0.2.1")
    world.sts.report("s", 2, "count.test", "mx.count.test", "192.0.2.9",
                     "192.0.2.1", "it is for another name")
    lines = [x for x in world.counts() if x[3] == "count.test"]
    assert lines == [
        ["3", "no-policy-found", "success", "count.test", "", "", "", ""],
        ["1", "sts", "certificate-host-mismatch", "count.test",
         "mx.count.test", "192.0.2.1", "192.0.2.9",
         "it is for another name"]]


# With remote

@pytest.fixture(scope="module")
def remote(world):
    r = Remote(world.dns, world.port, sts="1", state=world.sts.folder,
               tls_anchors=world.ca.path)
    yield r
    r.stop()


@pytest.fixture(scope="module")
def sinks(world):
    made = {}
    for i, (kind, pair) in enumerate((
            ("good", world.ca.issue("mx.good.test")),
            ("other", world.other.issue("mx.good.test")), ("none", None))):
        made[kind] = SmtpSink(
            f"127.0.2.{i + 1}", world.port, certificate=pair,
            extensions=("REQUIRETLS", "PIPELINING")).start()
    yield made
    for sink in made.values():
        sink.stop()


@pytest.mark.parametrize("kind, mode, mx, result", [
    ("good", "enforce", "mx.good.test", "d"),
    ("good", "enforce", "*.good.test", "d"),
    ("good", "enforce", "*.test", "r"),
    ("other", "enforce", "mx.good.test", "r"),
    ("none", "enforce", "mx.good.test", "r"),
    ("other", "testing", "mx.good.test", "d"),
    ("none", "testing", "mx.good.test", "d"),
    ("good", "testing", "mx.bad.test", "d"),
    ("other", "none", "mx.good.test", "d")])
def test_remote_keeps_to_a_policy(
        world, remote, sinks, kind, mode, mx, result):
    name = world.domain(policy(mode, [mx]))
    world.dns.zone[name] = {"MX": ["10 mx.good.test"]}
    world.dns.zone["mx.good.test"] = {"A": [sinks[kind].address[0]]}
    status, text = one(remote.deliver(f"bob@{name}"))
    assert status == result, text
    if result == "r":
        assert text.startswith("4.7.5 mx.good.test") and \
            text.endswith("(MTA-STS)")
    # Its word on who the host is makes REQUIRETLS possible.
    status, text = one(remote.deliver(f"bob@{name}", flags=FLAG_REQUIRETLS))
    named = mode != "none" and mx in ("mx.good.test", "*.good.test")
    assert (status == "d") == (kind == "good" and named), text


def test_remote_tells_how_it_went(world, remote, sinks):
    good, bad = world.domain(policy()), world.domain(policy())
    for name in (good, bad):
        world.dns.zone[name] = {"MX": ["10 mx.good.test"]}
    for name, kind in ((good, "good"), (good, "good"), (bad, "other")):
        world.dns.zone["mx.good.test"] = {"A": [sinks[kind].address[0]]}
        one(remote.deliver(f"bob@{name}"))
    lines = {x[3]: x for x in world.counts() if x[3] in (good, bad)}
    assert lines[good] == ["2", "sts", "success", good, "", "", "", ""]
    assert lines[bad] == [
        "1", "sts", "certificate-not-trusted", bad, "mx.good.test",
        sinks["other"].address[0], "", "no known authority has signed it"]


def test_remote_goes_on_without_sts(world, remote, sinks):
    name = world.domain(policy())
    world.dns.zone[name] = {"MX": ["10 mx.good.test"]}
    world.dns.zone["mx.good.test"] = {"A": [sinks["none"].address[0]]}
    world.sts.end()
    assert one(remote.deliver(f"bob@{name}"))[0] == "d"
    remote.log("event=no-sts")
    world.sts.start()
    assert one(remote.deliver(f"bob@{name}"))[0] == "r"


def test_report_of_a_day(world, tmp_path):
    name = world.domain(policy(mx=["mx.good.test", "*.good.test"]))
    assert world.sts.ask(name)[0] == "e"
    for _ in range(4):
        world.sts.report("s", 0, name)
    world.counts()
    for _ in range(2):
        world.sts.report("s", 2, name, "mx.good.test", "192.0.2.9",
                         "192.0.2.1", 'it is "another" name')
    world.sts.report("n", 1, name, "b.test", "", "2001:db8::1")
    world.counts()
    (tmp_path / "settings").write_text(
        f"hostname mail.kereru.test\nstate {world.sts.folder}\n")

    def kereru(*args):
        done = subprocess.run(
            [os.path.join(BUILD, "bin", "kereru"), "-c", tmp_path, "tlsrpt",
             *args], capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    [day] = os.listdir(world.sts.own + "/reports")
    code, out, _ = kereru(day)
    assert code == 0 and f"{name}\t4\t3\n" in out
    code, out, _ = kereru(name, day)
    assert code == 0
    report = json.loads(out)
    assert report["date-range"] == {
        "start-datetime": day + "T00:00:00Z",
        "end-datetime": day + "T23:59:59Z"}
    assert report["organization-name"] == "mail.kereru.test"
    assert report["policies"] == [
        {"policy": {"policy-type": "no-policy-found", "policy-domain": name},
         "summary": {"total-successful-session-count": 0,
                     "total-failure-session-count": 1},
         "failure-details": [{
             "result-type": "starttls-not-supported",
             "receiving-mx-hostname": "b.test", "receiving-ip": "2001:db8::1",
             "failed-session-count": 1}]},
        {"policy": {
            "policy-type": "sts",
            "policy-string": ["version: STSv1", "mode: enforce",
                              "mx: mx.good.test", "mx: *.good.test",
                              "max_age: 86400"],
            "policy-domain": name,
            "mx-host": ["mx.good.test", "*.good.test"]},
         "summary": {"total-successful-session-count": 4,
                     "total-failure-session-count": 2},
         "failure-details": [{
             "result-type": "certificate-host-mismatch",
             "sending-mta-ip": "192.0.2.9",
             "receiving-mx-hostname": "mx.good.test",
             "receiving-ip": "192.0.2.1",
             "failure-reason-code": 'it is "another" name',
             "failed-session-count": 2}]}]
    code, out, _ = kereru("--to", f"tls@{name}", name, day)
    mail = email.message_from_string(out)
    assert code == 0 and mail["To"] == f"<tls@{name}>"
    assert mail["TLS-Report-Domain"] == name
    assert json.loads(mail.get_payload()[1].get_payload(decode=True)) == report
    assert kereru("nobody.test", day)[0] == 100
    assert kereru(name, "2020-01-01")[0] == 100
    assert kereru("../x", day)[0] == 100
