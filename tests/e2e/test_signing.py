"""What leaves is signed: by a whole host, verified by others' programs."""
import base64
import email
import os
import pathlib
import re
import shutil
import subprocess
import sys

import dkim
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from dnsserver import DnsServer                      # noqa: E402
from host import Host, kill, process_status, wait_until   # noqa: E402
from queuehost import envelope, make_id             # noqa: E402
from smtpsink import SmtpSink                        # noqa: E402

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="needs root")

ALICE, BOB = "alice@own.test", "bob@own.test"
TEXT = ("From: Alice <alice@own.test>\r\nTo: bob@far.example\r\n"
        "Subject: hello\r\nDate: Tue, 24 Nov 2026 12:00:00 +0000\r\n"
        "Message-ID: <1@own.test>\r\n\r\nHello.\r\n.dot\r\n")
EIGHT = ("From: Alice <alice@own.test>\r\nTo: bob@far.example\r\n"
         "Subject: hello\r\nDate: Tue, 24 Nov 2026 12:00:00 +0000\r\n"
         "Message-ID: <2@own.test>\r\nMIME-Version: 1.0\r\n"
         "Content-Type: text/plain; charset=utf-8\r\n"
         "Content-Transfer-Encoding: 8bit\r\n\r\nGrüße.\r\n").encode()


class World:
    """A host with two keys, hosts that it sends to, and the DNS."""

    def __init__(self):
        self.zone = {}
        self.dns = DnsServer(self.zone).start()
        self.far = SmtpSink("127.0.0.1").start()
        self.old = SmtpSink("127.0.0.1",
                            extensions=("PIPELINING",)).start()
        self.host = Host(
            "mx.own.test", domains={"own.test": "local", "mx.own.test":
                                    "local", "bare.test": "local"},
            users={ALICE: "secret", BOB: "secret",
                   "carol@bare.test": "secret"},
            aliases={"all@own.test": "bob@own.test dave@far.example",
                     "info@bare.test": ALICE},
            routes={"far.example": f"[127.0.0.1]:{self.far.port}",
                    "old.example": f"[127.0.0.1]:{self.old.port}",
                    "else.test": f"[127.0.0.1]:{self.far.port}"},
            settings={"check": "yes", "resolver": self.dns.address},
            services=("auth", "check", "smtp", "submit", "queue"))
        for options in (("--selector", "r1"),
                        ("--selector", "e1", "--algorithm", "ed25519")):
            self.publish(self.host.kereru("dkim", "own.test",
                                          *options).stdout)
        self.host.start()
        self.taken = {self.far: 0, self.old: 0}

    def publish(self, text):
        """The record that the command prints goes into the DNS."""
        m = re.fullmatch(r"(\S+)\. IN TXT \(((?:\s+\"[^\"]*\")+) \)\n", text)
        self.zone[m[1]] = {"TXT": ["".join(re.findall(r'"([^"]*)"', m[2]))]}

    def forward(self, message, sender="x@else.test", to="bob@far.example"):
        """Dropped by bob's own uid, as delivery does it: what came to him goes
        on."""
        ident = make_id()
        head = envelope(ident, sender, [to], message, flags="forwarded")
        head = envelope(ident, sender, [to], message, flags="forwarded",
                        length=len(head))
        path = self.host.queue / "tmp" / (ident + "." + "0" * 26)
        path.write_bytes(head + message)
        path.chmod(0o660)
        os.chown(path, self.host.users[BOB], self.host.uids["queue"])
        path.rename(self.host.queue / "new" / path.name)
        return self.next()

    def txt(self, name, timeout=5):
        name = name.decode().rstrip(".")
        return self.zone.get(name, {"TXT": [""]})["TXT"][0].encode()

    def send(self, message, to="bob@far.example", sender=ALICE, user=ALICE,
             sink=None, **more):
        """The message as it came to the other host."""
        self.host.send(sender, [to], message, user, **more)
        return self.next(sink)

    def next(self, sink=None):
        sink = sink or self.far
        self.taken[sink] += 1
        return sink.wait(self.taken[sink], 30)[self.taken[sink] - 1]

    def close(self):
        self.host.close()
        self.far.stop()
        self.old.stop()
        self.dns.stop()

    @property
    def signer(self):
        [pid] = self.host.processes()["signer"]
        return pid


@pytest.fixture(scope="module")
def world():
    w = World()
    yield w
    w.close()


def signatures(message):
    return email.message_from_bytes(message).get_all("DKIM-Signature", [])


def holds(world, message):
    try:
        return dkim.DKIM(message).verify(dnsfunc=world.txt)
    except dkim.ValidationError:
        return False


def verify(world, message, count=2, domain="own.test"):
    """All signatures hold, by python3-dkim."""
    found = signatures(message)
    assert len(found) == count, message[:3000]
    for i in range(count):
        d = dkim.DKIM(message, minkey=1024)
        assert d.verify(idx=i, dnsfunc=world.txt), found[i]
        assert d.domain == domain.encode()
    return found


def test_two_selectors_sign(world):
    t = world.send(TEXT)
    found = verify(world, t.message)
    assert {re.search(r"\ba=([^;]*)", s)[1] for s in found} == {
        "rsa-sha256", "ed25519-sha256"}
    for s in found:
        names = re.sub(r"\s", "", re.search(r"h=([^;]*)", s)[1]).split(":")
        # Once more than it is there: nobody can add another.
        assert names.count("From") == 2 and names.count("Subject") == 2
        assert "c=relaxed/relaxed" in s and re.search(r"\bt=\d{10};", s)
        assert "x=" not in s
    for broken in (t.message.replace(b"Hello.", b"Hullo."),
                   b"From: <eve@own.test>\r\n" + t.message):
        assert not holds(world, broken)
    # It is in front of all, and remote says how long all of it is.
    assert t.message.startswith(b"DKIM-Signature: ")


def test_opendkim_agrees(world, tmp_path):
    opendkim = shutil.which("opendkim", path=os.environ["PATH"] + ":/usr/sbin")
    if not opendkim:
        pytest.skip("opendkim is not installed")
    t = world.send(TEXT)
    # This version knows no Ed25519.
    keys = tmp_path / "keys"
    keys.write_text("".join(f"{name} {value['TXT'][0]}\n" for name, value in
                            world.zone.items() if name.startswith("r")))
    (tmp_path / "conf").write_text(f"TestPublicKeys {keys}\nMode v\n")
    path = tmp_path / "message"
    path.write_bytes(t.message)
    done = subprocess.run([opendkim, "-x", tmp_path / "conf", "-vv", "-t",
                           path], capture_output=True, text=True)
    assert re.search("verification .*succeeded|signature .*ok",
                     done.stdout + done.stderr), (done.stdout, done.stderr)


def test_who_may_not_sign(world):
    # carol has no address in own.test, though From claims one.
    t = world.send(TEXT.replace("alice@", "bob@"), sender="carol@bare.test",
                   user="carol@bare.test")
    assert signatures(t.message) == []
    # Where there is no key, there is no signature.
    t = world.send(TEXT.replace("alice@own.test", "carol@bare.test"),
                   sender="carol@bare.test", user="carol@bare.test")
    assert signatures(t.message) == []
    # Her domain signs for alice whatever address of hers she sends under.
    t = world.send(TEXT, sender="info@bare.test")
    verify(world, t.message)
    # Two authors are nobody's.
    t = world.send("From: <bob@own.test>\r\n" + TEXT)
    assert signatures(t.message) == []


def test_what_port_25_takes_is_not_ours(world):
    world.host.send("x@else.test", ["all@own.test"],
                    TEXT.replace("bob@far", "all@own"))
    assert signatures(world.next().message) == []


def test_an_alias_of_several_keeps_the_right(world):
    t = world.send(TEXT, "all@own.test")
    assert t.recipients == ["dave@far.example"]
    verify(world, t.message)


def test_a_command_signs_too(world):
    world.host.sendmail("-f", ALICE, "bob@far.example",
                        message=TEXT.replace("\r\n", "\n").encode())
    verify(world, world.next().message)


def test_our_reports_are_signed(world):
    world.publish(world.host.kereru("dkim", "mx.own.test", "--selector",
                                    "m1").stdout)
    world.host.sendmail("-f", "x@far.example", "nobody@own.test",
                        message=TEXT.encode())
    t = world.next()
    assert t.sender == ""
    verify(world, t.message, 1, "mx.own.test")


@pytest.mark.parametrize("to", ["far", "old"])
def test_8_bit_is_signed_as_7_bit(world, to):
    sink = getattr(world, to)
    t = world.send(EIGHT, f"bob@{to}.example", sink=sink,
                   options=["BODY=8BITMIME"])
    assert t.message.isascii() and "BODY=" not in t.mail
    verify(world, t.message)
    m = email.message_from_bytes(t.message)
    assert m.get_payload(decode=True).decode() == "Grüße.\r\n"


def test_what_is_signed_by_its_author_stays(world):
    text = EIGHT.replace(
        b"text/plain; charset=utf-8", b"multipart/signed; boundary=b").replace(
        "Grüße.\r\n".encode(), "--b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        "Grüße.\r\n--b--\r\n".encode())
    t = world.send(text, options=["BODY=8BITMIME"])
    assert not t.message.isascii() and t.mail.endswith("BODY=8BITMIME")
    verify(world, t.message)


def test_binary_by_bdat(world):
    with world.host.submission(ALICE) as c:
        message = EIGHT.replace(b"8bit", b"binary") + b"long " * 500
        assert c.docmd(f"MAIL FROM:<{ALICE}> BODY=BINARYMIME")[0] == 250
        assert c.docmd("RCPT TO:<bob@far.example>")[0] == 250
        half = len(message) // 2
        for part, last in ((message[:half], ""), (message[half:], " LAST")):
            c.send(b"BDAT %d%s\r\n" % (len(part), last.encode()) + part)
            assert c.getreply()[0] == 250
    t = world.next()
    assert t.message.isascii() and max(map(len, t.message.split(b"\r\n"))) < 999
    verify(world, t.message)


@pytest.mark.parametrize("megabytes", [
    3, pytest.param(20, marks=pytest.mark.soak)])
def test_a_long_message_needs_no_memory(world, megabytes):
    line = b"x" * 70 + b"\r\n"
    t = world.send(TEXT.encode() + line * (megabytes * 1048576 // len(line)))
    assert holds(world, t.message)
    status = process_status(world.signer)
    assert int(status["VmHWM"].split()[0]) < 16 * 1024


def test_odd_line_ends(world):
    """The hash is of what is sent, not of what was handed in."""
    message = TEXT.replace("\r\n", "\n").encode() + \
        b"bare\rcr \r\r\nnul\0nul\n \n\n\nno end"
    ident = world.host.queue / "tmp"
    world.host.sendmail("-f", ALICE, "bob@far.example", message=message)
    assert ident.exists()
    t = world.next()
    assert b"\0" not in t.message
    verify(world, t.message)


def test_a_signer_that_dies(world):
    host, pid = world.host, world.signer
    [starter] = host.processes()["starter"]
    os.kill(pid, 19)    # SIGSTOP: it is asked, and says nothing
    try:
        before = len(host.mail(BOB))
        host.send(ALICE, ["bob@far.example", "bob@own.test"], TEXT, ALICE)
        # What stays here does not wait for it.
        host.wait_for_mail(BOB, before + 1)
        assert len(world.far.transactions) == world.taken[world.far]
    finally:
        kill(pid)
    verify(world, world.next().message)
    assert world.signer != pid
    assert host.processes()["starter"] == [starter]


def test_a_restart_signs_anew(world):
    host = world.host
    world.far.replies["rcpt"] = ["451 4.3.0 later", None]
    host.send(ALICE, ["bob@far.example"], TEXT, ALICE)
    host.wait_for_log("queue", "event=deferred .*4.3.0 later")
    host.restart("queue")
    verify(world, world.next().message)
    # Its file is the manager's own by then, and says whose it was.
    host.wait_for_empty_queue()


def test_rotation(world):
    host = world.host
    before = (host.etc / "dkim").read_text()
    world.publish(host.kereru("dkim", "own.test", "--selector", "r2").stdout)
    assert host.kereru("dkim", "list").stdout.splitlines()[-1] == \
        "own.test r2 rsa 2048"
    found = verify(world, world.send(TEXT).message, 3)
    assert any("s=r2" in s for s in found)
    host.write("dkim", [s for s in before.splitlines()
                        if " e1 " not in s])
    host.compile()
    verify(world, world.send(TEXT).message, 1)
    (host.etc / "dkim").write_text(before)
    host.compile()


def test_copies_of_a_list_are_signed_each(world):
    """With its own field for leaving the list (RFC 8058 3)."""
    host, ident = world.host, make_id()
    wishes = {f"m{n}@far.example": f"token t{n}\n" for n in range(2)}
    to = [*wishes, "plain@far.example"]
    more = {"flags": "verp", "wishes": wishes,
            "options": "unsubscribe https://own.test/u?\n"}
    head = envelope(ident, ALICE, to, TEXT.encode(), **more)
    head = envelope(ident, ALICE, to, TEXT.encode(), length=len(head), **more)
    path = host.queue / "tmp" / (ident + "." + "0" * 26)
    path.write_bytes(head + TEXT.encode())
    path.chmod(0o660)
    os.chown(path, host.users[ALICE], host.uids["queue"])
    path.rename(host.queue / "new" / path.name)
    for _ in to:
        t = world.next()
        [address] = t.recipients
        assert t.sender == f"alice+{address.replace('@', '=')}@own.test"
        for s in verify(world, t.message):
            names = re.sub(r"\s", "", re.search(r"h=([^;]*)", s)[1]).split(":")
            assert ("List-Unsubscribe" in names) == (address in wishes)
            assert ("List-Unsubscribe-Post" in names) == (address in wishes)
        assert t.message.startswith(b"ARC-Seal: ")
        if address in wishes:
            token = wishes[address].split()[1].encode()
            assert b"List-Unsubscribe: <https://own.test/u?" + token + \
                b">\r\n" in t.message
            assert not holds(world, t.message.replace(token, b"t9"))


def test_keys_are_a_secret(world):
    host = world.host
    for path in (host.etc / "dkim.keys").iterdir():
        assert path.stat().st_mode & 0o7777 == 0o600
    table = (host.tables / "dkim.cdb").stat()
    assert (table.st_mode & 0o7777, table.st_uid, table.st_gid) == (
        0o640, 0, host.uids["sign"])
    key = (host.tables / "srs.key").stat()
    assert (key.st_mode & 0o7777, key.st_gid, key.st_size) == (
        0o640, host.uids["queue"], 32)


@pytest.mark.parametrize("line, why", [
    ("own.test r9", "is not DOMAIN SELECTOR FILE"),
    ("else.test r9 dkim.keys/r1.own.test.pem", "no local domain"),
    ("own.test r1 dkim.keys/r1.own.test.pem", "twice"),
    ("own.test r9 dkim.keys/none.pem", "cannot be read"),
    ("own.test r9 domains", "no private key"),
    ("own.test r_9! dkim.keys/r1.own.test.pem", "no selector")])
def test_faults_of_the_table(world, line, why):
    host = world.host
    before = (host.etc / "dkim").read_text()
    (host.etc / "dkim").write_text(before + line + "\n")
    done = host.kereru("compile", check=False)
    (host.etc / "dkim").write_text(before)
    assert done.returncode == 100 and why in done.stderr, done.stderr


# Mail that is sent on

FOREIGN = (b"From: Xaver <x@else.test>\r\nTo: bob@own.test\r\n"
           b"Subject: hello\r\nDate: Tue, 24 Nov 2026 12:00:00 +0000\r\n"
           b"Message-ID: <1@else.test>\r\n\r\nHello.\r\n")


@pytest.fixture(scope="module")
def foreign_key(world, tmp_path_factory):
    """The key of another host, and its record in the DNS."""
    path = tmp_path_factory.mktemp("key") / "k.pem"
    path.write_text(world.host.kereru("dkim", "key", "new", "rsa").stdout)
    world.zone["k._domainkey.else.test"] = {"TXT": [world.host.kereru(
        "dkim", "key", "record", path).stdout.strip()]}
    return path.read_bytes()


def as_delivered(world, message):
    """Sent to bob, and what lies in his mailbox then, as it travels."""
    before = set(world.host.mail(BOB))
    world.host.send("x@else.test", [BOB], message)
    world.host.wait_for_mail(BOB, len(before) + 1)
    [path] = set(world.host.mail(BOB)) - before
    head, _, rest = path.read_bytes().partition(b"\n")
    assert head.startswith(b"Return-Path")
    return rest.replace(b"\n", b"\r\n")


def arc_sets(message):
    m = email.message_from_bytes(message)
    return {name: len(m.get_all(name, [])) for name in (
        "ARC-Seal", "ARC-Message-Signature", "ARC-Authentication-Results")}


def test_what_is_sent_on_is_sealed(world, foreign_key):
    signed = dkim.sign(FOREIGN, b"k", b"else.test", foreign_key) + FOREIGN
    t = world.forward(as_delivered(world, signed))
    assert set(arc_sets(t.message).values()) == {1}
    cv, results, why = dkim.arc_verify(t.message, dnsfunc=world.txt)
    assert cv == dkim.CV_Pass, why
    # What was found when it came, and the author's signature still holds.
    assert results[0]["as-domain"] == b"own.test"
    [found] = email.message_from_bytes(t.message).get_all(
        "ARC-Authentication-Results")
    assert re.match(r"i=1; mx\.own\.test;\s", found) and "dkim=pass" in found
    assert [re.search(r"d=([^;]*)", s)[1] for s in signatures(t.message)] == [
        "else.test"]
    assert holds(world, t.message)


def test_a_chain_grows(world, foreign_key):
    results = b"Authentication-Results: mx.else.test; none\r\n"
    chain = b"".join(dkim.arc_sign(
        results + FOREIGN, b"k", b"else.test", foreign_key, b"mx.else.test"))
    t = world.forward(as_delivered(world, chain + results + FOREIGN))
    assert set(arc_sets(t.message).values()) == {2}
    cv, _, why = dkim.arc_verify(t.message, dnsfunc=world.txt)
    assert cv == dkim.CV_Pass, why
    # A chain that nobody judged is not said to have failed.
    t = world.forward(chain + FOREIGN)
    assert set(arc_sets(t.message).values()) == {1}
    # One that is broken is.
    t = world.forward(as_delivered(
        world, chain + results + FOREIGN.replace(b"Hello.", b"Hullo.")))
    assert b"cv=fail" in t.message


def test_results_that_came_with_a_message_are_not_believed(world):
    forged = (b"Received: from a by b; Tue, 24 Nov 2026 12:00:00 +0000\r\n"
              b"Received: from b by c; Tue, 24 Nov 2026 12:00:00 +0000\r\n"
              b"Authentication-Results: mx.own.test; dkim=pass\r\n" + FOREIGN)
    t = world.forward(forged)
    assert b"ARC-Authentication-Results: i=1; mx.own.test; none\r\n" in \
        t.message


def test_what_is_sent_on_in_8_bit_stays(world, foreign_key):
    message = FOREIGN[:-2] + "Grüße.\r\n".encode()
    signed = dkim.sign(message, b"k", b"else.test", foreign_key) + message
    t = world.forward(signed)
    assert not t.message.isascii() and holds(world, t.message)


def test_a_posting_to_a_list(world, foreign_key):
    """Of somebody elsewhere, whose domain we have no key of."""
    host, name = world.host, "talk@own.test"
    host.kereru("list", "add", name, ALICE)
    for key, value in (("post", "anyone"),
                       ("unsubscribe-url", f"https://own.test/u/{name}/")):
        host.kereru("list", "set", name, key, value)
    host.kereru("list", "subscribe", name, "a@far.example", "b@far.example")
    message = FOREIGN.replace(b"To: bob@", b"To: talk@")
    signed = dkim.sign(message, b"k", b"else.test", foreign_key) + message
    host.send("x@else.test", [name], signed)
    words = set()
    for t in world.next(), world.next():
        assert t.sender.startswith("talk-bounces+")
        assert set(arc_sets(t.message).values()) == {1}
        cv, results, why = dkim.arc_verify(t.message, dnsfunc=world.txt)
        assert cv == dkim.CV_Pass, why
        assert results[0]["as-domain"] == b"own.test"
        m = email.message_from_bytes(t.message)
        assert re.search("dkim=pass", m["ARC-Authentication-Results"])
        *ours, theirs = signatures(t.message)
        assert len(ours) == 2 and "d=else.test" in theirs
        for i, one in enumerate([*ours, theirs]):
            d = dkim.DKIM(t.message)
            assert d.verify(idx=i, dnsfunc=world.txt), one
            names = re.sub(r"\s", "", re.search(r"h=([^;]*)", one)[1])
            assert one == theirs or d.domain == b"own.test" and {
                "List-Unsubscribe", "List-Unsubscribe-Post",
                "List-Id"} <= set(names.split(":"))
        assert m["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        words.add(re.search("<https:[^>]*/([^/>]+)>", m["List-Unsubscribe"])[1])
    assert len(words) == 2


def test_who_wrote_what_is_sent_on_is_not_said(world):
    """Anybody can claim to be alice, to bob."""
    t = world.forward(TEXT.encode(), ALICE)
    assert re.fullmatch(r"SRS0=\S+=own\.test=alice@own\.test", t.sender)
    assert signatures(t.message) == []
    assert set(arc_sets(t.message).values()) == {1}
    # A list sends as itself.
    t = world.forward(TEXT.encode(), BOB)
    verify(world, t.message)
    assert set(arc_sets(t.message).values()) == {1}


def test_a_report_finds_its_way_back(world):
    host = world.host
    t = world.forward(FOREIGN)
    assert re.fullmatch(r"SRS0=[A-Z2-7]{6}=[A-Z2-7]{2}=else\.test=x@own\.test",
                        t.sender)
    report = FOREIGN.replace(b"From: Xaver <x@", b"From: <mailer@")
    with host.smtp() as c:
        c.helo("far.example")
        assert c.mail("y@far.example")[0] == 250
        assert c.rcpt(t.sender)[0] == 550
        c.rset()
        # Other hosts may have changed its case.
        c.sendmail("", [t.sender.lower()], report)
    back = world.next()
    assert (back.sender, back.recipients) == ("", ["x@else.test"])
    # One that is not of our making ends here, without a word to anybody.
    forged = t.sender.replace("else.test", "evil.test")
    host.send("", [forged], report)
    host.wait_for_log("queue", "event=failed .*evil.test.*5.1.1")
    host.wait_for_empty_queue()
    # Who sends it on as himself needs none.
    assert world.forward(FOREIGN, BOB).sender == BOB
    assert world.forward(FOREIGN, "").sender == ""


def test_a_chain_of_forwarders_gets_no_longer(world):
    first = "SRS0=abcd=XY=first.example=x@else.test"
    t = world.forward(FOREIGN, first)
    assert re.fullmatch(r"SRS1=[A-Z2-7]{6}=else\.test==abcd=XY=first\.example="
                        r"x@own\.test", t.sender)
    world.host.send("", [t.sender], FOREIGN)
    assert world.next().recipients == [first]


def test_a_mailbox_that_sends_all_on(world, foreign_key):
    """From port 25 through the checks and bob's mailbox to another host."""
    path = world.host.maildir(BOB) / "forward"
    path.write_text("bob@far.example\n")
    os.chown(path, world.host.users[BOB], world.host.users[BOB])
    signed = dkim.sign(FOREIGN, b"k", b"else.test", foreign_key) + FOREIGN
    try:
        world.host.send("x@else.test", [BOB], signed)
        t = world.next()
    finally:
        path.unlink()
    assert re.fullmatch(r"SRS0=\S+=else\.test=x@own\.test", t.sender)
    cv, _, why = dkim.arc_verify(t.message, dnsfunc=world.txt)
    assert cv == dkim.CV_Pass, why
    [found] = email.message_from_bytes(t.message).get_all(
        "ARC-Authentication-Results")
    assert "dkim=pass" in found
    assert [re.search(r"d=([^;]*)", s)[1] for s in signatures(t.message)] == [
        "else.test"]
    assert holds(world, t.message)
