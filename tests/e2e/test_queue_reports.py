"""What senders are told, when, and what commands do. The manager's clock is
moved, so that nobody waits for it."""
import email
import email.policy
import json
import os
import subprocess
import sys
import time

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from queuehost import BUILD, MESSAGE, QueueHost, UID, wait_for  # noqa: E402

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="needs root")
HOUR = 3600
ALICE = "alice@a.test"


@pytest.fixture(scope="module")
def shared():
    with QueueHost(start=False, retry_first=300, retry_max=14400,
                   queue_lifetime=432000, delay_warning=14400) as host:
        host.ahead = 0
        host.move_clock(0)
        host.start()
        yield host


@pytest.fixture
def host(shared):
    if not shared.is_empty():
        shared.stop()
        for folder in ("new", "cur"):
            for name in shared.files(folder):
                os.unlink(os.path.join(shared.queue, folder, name))
        shared.start()
    for address in shared.users:
        folder = shared.home(address) + "/new/"
        for name in os.listdir(folder):
            os.unlink(folder + name)
    os.truncate(shared.log, 0)
    yield shared


def forward(host, seconds):
    """Destinations are no longer held, and due messages come."""
    host.ahead += seconds
    host.move_clock(host.ahead)


def arrived(host):
    return int((time.time() + host.ahead) * 1e6)


def envelope(host, ident):
    """The numbers of its file in cur."""
    with open(os.path.join(host.queue, "cur", ident), "rb") as f:
        lines = f.read(4000).split(b"\n\n")[0].decode().splitlines()
    return {key: int(value) for key, value in (
        line.split(" ", 1) for line in lines if " " in line)
        if value.isdigit()}


def gone(host, seconds=10):
    assert wait_for(host.is_empty, seconds), (
        host.files("new"), host.files("cur"), host.log_text())


def report(host, address=ALICE, count=1):
    """The last of count reports, and its parts' fields."""
    text = host.mail(address, count)[-1]
    message = email.message_from_bytes(
        text.replace(b"\n", b"\r\n"), policy=email.policy.SMTP)
    assert message.get_content_type() == "multipart/report"
    assert message["Return-Path"] == "<>"
    assert message["Auto-Submitted"] == "auto-replied"
    people, status, original = message.get_payload()
    assert people.get_content_type() == "text/plain"
    groups = status.get_payload()
    fields, *recipients = [dict(g.items()) for g in groups if len(g)]
    assert fields["Reporting-MTA"] == "dns; mx.a.test"
    return message, fields, recipients, original


@pytest.fixture(scope="module")
def kereru(shared):
    """kereru queue ARGUMENT...: its lines."""
    etc = os.path.join(shared.top, "etc")
    os.mkdir(etc)
    with open(os.path.join(etc, "settings"), "w") as f:
        f.write(f"hostname mx.a.test\nstate {shared.state}\n")

    def run(*args, code=0):
        done = subprocess.run(
            [os.path.join(BUILD, "bin", "kereru"), "-c", etc, "queue", *args],
            capture_output=True, text=True)
        assert done.returncode == code, (done.stdout, done.stderr)
        return done.stdout.splitlines()
    return run


def test_the_queue_is_looked_at_and_told(host, kereru):
    """First of all, while the clocks of both agree."""
    assert host.ahead == 0
    assert kereru() == ["nothing is there"]
    assert kereru("show", "0k3v9a2mj4xz7bqr", code=100) == []
    assert kereru("delete", code=100) == []
    old = arrived(host) - 30 * HOUR * 10**6
    one = host.drop(ALICE, ["x@one.dead.test", "y@one.dead.test"],
                    arrived=old, options="priority 2\n", wishes={
                        "x@one.dead.test": "notify failure\n",
                        "y@one.dead.test": "notify failure\n"})
    two = host.drop("carol@a.test", ["z@two.dead.test"])
    for ident in (one, two):
        assert wait_for(lambda: envelope(host, ident)["attempts"] == 1)
    lines = kereru()
    assert lines[-1] == "2 messages, 84 octets"
    assert any(line.startswith(one) and f"<{ALICE}>" in line
               for line in lines)
    assert "    - <x@one.dead.test>" in lines
    assert kereru("list", "-d", "one.dead.test")[-1].startswith("1 message,")
    assert kereru("-s", "@a.test")[-1].startswith("2 messages")
    assert kereru("-s", ALICE, "-d", "two.dead.test") == ["nothing is there"]
    (text,) = kereru("-j", "-a", "1d")
    found = json.loads(text)
    assert found["id"] == one and found["priority"] == 2
    assert [r["state"] for r in found["recipients"]] == ["waiting"] * 2
    assert "refused" in found["recipients"][0]["why"]
    assert any("Subject: hello" in line for line in kereru("show", one))
    rows = [json.loads(line) for line in kereru("stats", "-j")]
    assert [(r["domain"], r["messages"]) for r in rows] == [
        ("one.dead.test", 1), ("two.dead.test", 1), ("*", 2)]
    assert rows[0]["3d"] == 1
    assert "domain" in kereru("stats")[0]
    kereru("hold", one)
    assert wait_for(lambda: " held" in kereru("list", one)[0])
    kereru("retry", "all")
    host.wait_event("deferred", 2, id=two)
    kereru("retry", "two.dead.test")
    host.wait_event("deferred", 3, id=two)
    kereru("release", one)
    host.wait_event("deferred", 4, id=one)
    kereru("bounce", "-d", "one.dead.test")
    host.wait_event("bounced", id=one)
    assert kereru("delete", "-s", "carol@a.test") == ["1 message"]
    gone(host)
    with open(host.log) as f:
        assert "refused" not in [line.split()[1] for line in f]


def test_failure_brings_back_what_was_asked_for(host):
    host.drop(ALICE, ["no@a.test", "bob@a.test"], options="ret F\nenvid "
              "QQ+2B314\n", wishes={"no@a.test":
                                    "orcpt rfc822;No+2B1@a.test\n"})
    message, fields, (one,), original = report(host)
    assert fields["Original-Envelope-Id"] == "QQ+314"
    assert "Arrival-Date" in fields
    assert one["Original-Recipient"] == "rfc822; No+1@a.test"
    assert one["Final-Recipient"] == "rfc822; no@a.test"
    assert one["Action"] == "failed" and one["Status"] == "5.1.1"
    assert "x-kereru" in one["Diagnostic-Code"]
    assert "Last-Attempt-Date" in one
    assert original.get_content_type() == "message/rfc822"
    inner = original.get_payload()[0]
    assert inner["Subject"] == "hello"
    assert inner.get_payload().strip() == "Hello."
    gone(host)


def test_headers_alone_come_back_by_default(host):
    host.drop(ALICE, ["no@a.test"], added=b"Received: from x by y; now\r\n")
    original = report(host)[3]
    assert original.get_content_type() == "text/rfc822-headers"
    assert "Received: from x" in original.get_payload()
    assert "Hello." not in original.get_payload()


@pytest.mark.parametrize("notify", ["never", "success", "delay",
                                    "success delay"])
def test_failure_that_is_not_wanted_is_not_told(host, notify):
    ident = host.drop(ALICE, ["no@a.test"], wishes={
        "no@a.test": f"notify {notify}\n"})
    host.wait_event("removed", id=ident)
    gone(host)
    assert not host.events("bounced") and not host.mail(ALICE)


def test_success_is_told_where_it_was_asked_for(host):
    ident = host.drop(ALICE, ["bob@a.test", "carol@a.test"], wishes={
        "bob@a.test": "notify success failure\norcpt rfc822;b@a.test\n"})
    message, _, (one,), original = report(host)
    assert one["Action"] == "delivered" and one["Status"] == "2.0.0"
    assert one["Final-Recipient"] == "rfc822; bob@a.test"
    assert original.get_content_type() == "text/rfc822-headers"
    assert message["Subject"].startswith("Delivered")
    gone(host)
    host.wait_event("removed", id=ident)
    host.mail("carol@a.test", 1)


def test_success_of_an_alias_is_told_as_expanded(host):
    host.drop(ALICE, ["nested@a.test"], wishes={
        "nested@a.test": "notify success\n"})
    _, _, (one,), _ = report(host, count=2)     # alice is one of its targets
    assert one["Action"] == "expanded"
    assert one["Final-Recipient"] == "rfc822; nested@a.test"
    gone(host)
    assert len(host.events("bounced")) == 1


def test_success_of_nobody_is_told_nobody(host):
    ident = host.drop("", ["bob@a.test"], wishes={
        "bob@a.test": "notify success\n"})
    host.wait_event("removed", id=ident)
    gone(host)
    assert not host.events("bounced")


def test_delay_is_told_once_and_failure_at_the_end(host):
    start = arrived(host)
    ident = host.drop(ALICE, ["x@dead.test", "bob@a.test"], arrived=start)
    host.wait_event("deferred", id=ident)
    for n in range(1, 6):   # 300, 600, 1200, ... until four hours are over
        assert wait_for(lambda: envelope(host, ident)["attempts"] == n)
        forward(host, 2 * HOUR)
    message, _, (one,), _ = report(host)
    assert message["Subject"].startswith("Delayed")
    assert one["Action"] == "delayed" and one["Status"].startswith("4.")
    assert one["Final-Recipient"] == "rfc822; x@dead.test"
    assert "Will-Retry-Until" in one
    assert wait_for(lambda: host.events("bounced", id=ident))
    with open(os.path.join(host.queue, "cur", ident)) as f:
        assert "\nmarks -w\n" in f.read()
    assert len(host.events("bounced", id=ident)) == 1
    forward(host, 5 * 24 * HOUR)
    _, _, (one,), _ = report(host, count=2)
    assert one["Action"] == "failed" and one["Status"] == "5.4.7"
    gone(host)


def test_the_warning_comes_in_time(host):
    """A retry is not put off beyond it."""
    start = arrived(host) - 3 * HOUR * 10**6
    ident = host.drop(ALICE, ["x@dead.test"], arrived=start)
    host.wait_event("deferred", id=ident)
    forward(host, HOUR + 300)
    _, _, (one,), _ = report(host)
    assert one["Action"] == "delayed"


def test_delay_that_is_not_wanted_is_not_told(host):
    start = arrived(host) - 5 * HOUR * 10**6
    ident = host.drop(ALICE, ["x@dead.test"], arrived=start, wishes={
        "x@dead.test": "notify failure\n"})
    host.wait_event("deferred", id=ident)
    assert wait_for(lambda: envelope(host, ident)["attempts"] == 1)
    assert not host.events("bounced")


def test_deliver_by_returns_in_time(host):
    """RFC 2852, by-mode R; a try stands at that time."""
    by = int(time.time()) + host.ahead + 100
    ident = host.drop(ALICE, ["x@dead.test"], options=f"by {by:020} R\n",
                      arrived=arrived(host))
    host.wait_event("deferred", id=ident)
    forward(host, 101)
    _, _, (one,), _ = report(host)
    assert one["Action"] == "failed" and one["Status"] == "5.4.7"
    gone(host)


def test_deliver_by_notifies_in_time(host):
    by = int(time.time()) + host.ahead + 100
    ident = host.drop(ALICE, ["x@dead.test"], options=f"by {by:020} N\n",
                      arrived=arrived(host), wishes={
                          "x@dead.test": "notify failure\n"})
    host.wait_event("deferred", id=ident)
    forward(host, 101)
    _, _, (one,), _ = report(host)
    assert one["Action"] == "delayed"
    assert host.files("cur") == [ident]


def test_future_release(host):
    """It waits, and its life begins with its release."""
    now = int(time.time()) + host.ahead
    ident = host.drop(ALICE, ["bob@a.test"], next_=now + 9 * 24 * HOUR,
                      arrived=arrived(host))
    dead = host.drop(ALICE, ["x@dead.test"], next_=now + 9 * 24 * HOUR,
                     arrived=arrived(host))
    host.wait_event("queued", 2)
    forward(host, 8 * 24 * HOUR)
    host.stop()
    host.start()
    assert not host.mail("bob@a.test")
    forward(host, 24 * HOUR + 1)
    host.mail("bob@a.test", 1)
    host.wait_event("removed", id=ident)
    host.wait_event("deferred", id=dead)
    assert not host.events("failed")


def test_the_schedule_is_as_it_is_written(host):
    """Tries after 300 s, doubled up to four hours, an eighth either way."""
    ident = host.drop("", ["x@dead.test"], arrived=arrived(host))
    host.wait_event("deferred", 1, id=ident)
    for n in range(1, 9):
        assert wait_for(lambda: envelope(host, ident)["attempts"] == n)
        want = min(300 * 2**(n - 1), 14400)
        pause = envelope(host, ident)["next"] - time.time() - host.ahead
        assert want * 7 / 8 - 30 <= pause <= want * 9 / 8 + 1
        forward(host, int(want * 9 / 8) + 2)


def test_commands(host):
    ids = [host.drop(ALICE, [f"{name}@{name}.dead.test", "x@dead.test"],
                     arrived=arrived(host)) for name in "hdbw"]
    hold, drop, bounce, wake = ids
    for ident in ids:
        host.wait_event("deferred", 2, id=ident)
    assert wait_for(lambda: all(
        envelope(host, i)["attempts"] == 1 for i in ids))
    host.command(f"hold {hold}")
    host.wait_event("on-hold", id=hold)
    host.command(f"drop {drop}")
    host.wait_event("dropped", id=drop)
    host.command(f"bounce {bounce}")
    recipients = report(host)[2]
    assert len(recipients) == 2
    host.wait_event("removed", id=bounce)
    host.command(f"wake {wake}")
    host.wait_event("deferred", 4, id=wake)
    assert sorted(host.files("cur")) == sorted([hold, wake])
    host.command("wake all")
    host.wait_event("deferred", 6, id=wake)
    assert len(host.events("deferred", id=hold)) == 2
    # It stays held over a restart.
    host.stop()
    host.start()
    forward(host, 24 * HOUR)
    host.wait_event("deferred", 8, id=wake)
    assert len(host.events("deferred", id=hold)) == 2
    host.command(f"release {hold}")
    host.wait_event("deferred", 4, id=hold)


def test_a_domain_is_woken_by_those_who_may(host):
    one = host.drop(ALICE, ["x@one.dead.test"], arrived=arrived(host))
    two = host.drop(ALICE, ["x@two.dead.test"], arrived=arrived(host))
    for ident in (one, two):
        host.wait_event("deferred", id=ident)
    assert wait_for(lambda: all(
        envelope(host, i)["attempts"] == 1 for i in (one, two)))
    host.command("wake ONE.dead.test", UID["smtpd"])
    host.wait_event("deferred", 2, id=one)
    assert len(host.events("deferred", id=two)) == 1
    host.command("wake two.dead.test", host.uid(ALICE))
    host.wait_event("deferred", 2, id=two)


@pytest.mark.parametrize("text", ["wake all", "drop 0k3v9a2mj4xz7bqr"])
def test_other_commands_are_for_root_alone(host, text):
    name = host.command(text, UID["smtpd"])
    host.wait_event("refused", file=name)
    assert not host.files("new")
    os.unlink(os.path.join(host.queue, "bad", name))


@pytest.mark.parametrize("text", ["", "wake", "explode all", "hold x",
                                  "wake a..b"])
def test_what_is_no_command_is_refused(host, text):
    name = host.command(text)
    host.wait_event("refused", file=name)
    os.unlink(os.path.join(host.queue, "bad", name))


def test_urgent_mail_goes_first(host):
    """MT-PRIORITY, in the line of one mailbox."""
    os.kill(host.children()["local-spawner"], 19)
    try:
        low = [host.drop("s@b.test", ["bob@a.test"], MESSAGE,
                         options="priority -3\n") for _ in range(3)]
        host.wait_event("queued", 3)
        high = host.drop("s@b.test", ["bob@a.test"], MESSAGE,
                         options="priority 5\n")
        host.wait_event("queued", 4)
    finally:
        os.kill(host.children()["local-spawner"], 18)
    host.wait_event("delivered", 4)
    assert host.events("delivered")[0]["id"] == high
    assert [e["id"] for e in host.events("delivered")][1:] == low


def test_a_route_holds_and_room_is_published(host):
    routes = host.routes
    try:
        host.routes = {**routes, "kept.test": "hold",
                       "@sender.test": "[127.0.0.1]:1"}
        host.make_tables()
        time.sleep(1.1)         # tables are looked at once a second
        ident = host.drop(ALICE, ["x@kept.test", "bob@a.test"],
                          arrived=arrived(host))
        host.wait_event("on-hold", id=ident)
        host.mail("bob@a.test", 1)
        other = host.drop("a@sender.test", ["x@nowhere.test"],
                          arrived=arrived(host))
        host.wait_event("deferred", id=other, via="[127.0.0.1]:1")
        host.routes = {**routes, "kept.test": "[127.0.0.1]:1"}
        host.make_tables()
        time.sleep(1.1)
        host.command(f"release {ident}")
        host.wait_event("deferred", id=ident, via="[127.0.0.1]:1")
    finally:
        host.routes = routes
        host.make_tables()
    path = os.path.join(host.queue, "load")
    assert wait_for(lambda: os.path.exists(path))
    # Behind the text there is a table of full mailboxes.
    with open(path, errors="replace") as f:
        lines = f.read().split("\0")[0].splitlines()
    assert lines[0] == "kereru-load 1"
    assert [line.split()[0] for line in lines[1:]] == [
        "room", "free", "waiting", "behind"]
    assert os.stat(path).st_mode & 0o777 == 0o644
