"""Mailing lists: each kind, each command, what comes back, digests, one click."""
import email
import email.policy
import os
import pathlib
import re
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from host import Host, prefix, wait_until  # noqa: E402

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="needs root")
DOMAIN = "l.test"
PEOPLE = ("ann", "bob", "carol", "owner", "mod")


def at(name):
    return f"{name}@{DOMAIN}"


class Lists(Host):
    """A host with lists, which tests take one by one and set as they want."""
    seen = 0

    def make(self, count):
        """As `kereru list add` would, but compiled once."""
        self.names = [f"list{i}" for i in range(count)]
        self.add_users({name: "x" for name in self.names})
        for name in self.names:
            folder = self.folder_of(name)
            for path in folder, folder / "held", folder / "digest":
                path.mkdir(mode=0o700)
                os.chown(path, self.users[at(name)], self.users[at(name)])
            self.write_text(name, "settings",
                            f"address {at(name)}\nowner {at('owner')}\n")
        self.write("lists", map(at, self.names))
        self.compile()

    def new(self, *members, **settings):
        """A list with those members; returns its name."""
        name = self.names.pop()
        for key, value in settings.items():
            self.kereru("list", "set", at(name), key.replace("_", "-"),
                        *([value] if isinstance(value, str) else value))
        if members:
            self.kereru("list", "subscribe", at(name), *map(at, members))
        return name

    def folder_of(self, name):
        return self.maildir(at(name)) / "kereru-list"

    def write_text(self, name, file, text):
        """As the list's own uid has it."""
        path = self.folder_of(name) / file
        owner = path.parent.stat()
        path.write_text(text)
        os.chown(path, owner.st_uid, owner.st_gid)

    def members(self, name):
        return self.kereru("list", "members", at(name)).stdout.split("\n")[:-1]

    def mail_to(self, to, sender, subject="hello", text="Hello.\n", header="",
                envelope=None, settle=True):
        """Send one message; its Message-ID."""
        Lists.seen += 1
        ident = f"<{Lists.seen}@test.invalid>"
        sender = at(sender) if "@" not in sender else sender
        to = at(to) if "@" not in to else to
        if "message-id:" not in header.lower():
            header += f"Message-ID: {ident}\r\n"
        if "from:" not in header.lower():
            header += f"From: Some One <{sender}>\r\n"
        message = (f"{header}To: {to}\r\nSubject: {subject}\r\n\r\n"
                   + text.replace("\n", "\r\n"))
        self.send(sender if envelope is None else envelope, [to],
                  message.encode())
        if settle:
            self.wait_for_empty_queue(60)
        return ident

    def take(self, who, n=1):
        """The n messages in a mailbox, which is empty then."""
        paths = self.wait_for_mail(at(who), n)
        assert len(paths) == n, [p.read_bytes() for p in paths]
        found = [email.message_from_bytes(p.read_bytes(),
                                          policy=email.policy.default)
                 for p in paths]
        for p in paths:
            p.unlink()
        return found if n > 1 else found[0]

    def none(self, *people):
        for who in people:
            assert not self.mail(at(who)), \
                [p.read_bytes() for p in self.mail(at(who))]

    def reply(self, message, sender):
        """Answer one of a list's own messages."""
        to = message["Reply-To"].addresses[0].addr_spec
        self.mail_to(to, sender, "Re: " + message["Subject"])

    def word(self, name, text):
        return re.search(f"{name}-confirm\\+(\\S+)@{DOMAIN}", text)[1]


@pytest.fixture(scope="module")
def host():
    h = Lists(DOMAIN, users={p: "x" for p in PEOPLE},
              routes={"nowhere.test": "hold"}, services=("smtp", "queue"))
    try:
        h.make(10)
        with h:
            yield h
    finally:
        h.close()


@pytest.fixture(autouse=True)
def clean(host):
    yield
    host.wait_for_empty_queue(60)
    for who in PEOPLE:
        for path in host.mail(at(who)):
            path.unlink()


def archive(host, name):
    return [p.read_bytes() for p in host.mail(at(name))]


def test_a_posting_goes_to_the_members_and_the_header_stays(host):
    name = host.new("ann", "bob")
    ident = host.mail_to(name, "ann", "One", header="X-Mine: =?x?=  y\r\n"
                         "List-Id: <other.list>\r\n")
    for who in "ann", "bob":
        m = host.take(who)
        assert m["To"] == at(name) and m["From"] == f"Some One <{at('ann')}>"
        assert m["Subject"] == "One" and m["Message-ID"] == ident
        assert m.get_content() == "Hello.\n"
        assert m.get_all("List-Id") == [f"{name} <{name}.{DOMAIN}>"]
        assert m["List-Post"] == f"<mailto:{at(name)}>"
        assert m["List-Unsubscribe"] == f"<mailto:{name}-unsubscribe@{DOMAIN}>"
        assert m["List-Help"] == f"<mailto:{name}-request@{DOMAIN}>"
        assert m["Return-Path"] == f"<{name}-bounces+{who}={DOMAIN}@{DOMAIN}>"
        assert m["X-Mine"] and m["Precedence"] == "list"
    [kept] = archive(host, name)
    assert ident.encode() in kept
    # The same again, and what has been through the list, go nowhere.
    host.mail_to(name, "ann", "One", header=f"Message-ID: {ident}\r\n")
    host.mail_to(name, "ann", "Loop",
                 header=f"List-Id: x <{name}.{DOMAIN}>\r\n")
    host.mail_to(name, "ann", "Loop", header=f"X-Loop: {at(name)}\r\n")
    host.mail_to(name, "ann", "Auto",
                 header="Auto-Submitted: auto-replied\r\n")
    host.mail_to(name, "ann", "Bounce", envelope="")
    host.mail_to(name, "ann", "Report",
                 header="Content-Type: multipart/report; boundary=x\r\n")
    assert len(archive(host, name)) == 1
    host.none("ann", "bob")


def test_kinds_of_lists(host):
    # Members alone; others are held.
    name = host.new("ann")
    host.mail_to(name, "bob", "From outside")
    host.none("ann")
    held = host.take("owner")
    assert "From outside" in held["Subject"] and held["Auto-Submitted"]
    text = held.get_body().get_content()
    [inner] = [p for p in held.iter_parts()
               if p.get_content_type() == "message/rfc822"]
    assert inner.get_content()["Subject"] == "From outside"
    [line] = host.kereru("list", "held", at(name)).stdout.splitlines()
    assert line.split()[1:] == [at("bob"), "From", "outside"]
    # A moderator's mail reader that answers by itself decides nothing.
    host.mail_to(held["Reply-To"].addresses[0].addr_spec, "owner",
                 header="Auto-Submitted: auto-replied\r\n")
    host.none("ann")
    host.reply(held, "owner")
    assert host.take("ann")["From"].addresses[0].addr_spec == at("bob")
    assert host.kereru("list", "held", at(name)).stdout == ""
    # Once more: it is over.
    host.reply(held, "owner")
    assert host.take("owner")["Subject"] == "This is over"
    host.mail_to(name, "bob", "Second")
    text = host.take("owner").get_body().get_content()
    word = host.word(name, text)
    assert word.startswith("no-")
    host.mail_to(f"{name}-confirm+{word.upper()}", "owner")
    assert host.kereru("list", "held", at(name)).stdout == ""
    host.none("ann", "bob")
    # By the command.
    host.mail_to(name, "bob", "Third")
    host.take("owner")
    ident = host.kereru("list", "held", at(name)).stdout.split()[0]
    host.kereru("list", "accept", at(name), ident)
    assert host.take("ann")["Subject"] == "Third"
    assert host.kereru("list", "reject", at(name), ident,
                       check=False).returncode == 100
    # Refused, thrown away, open.
    host.kereru("list", "set", at(name), "others", "refuse")
    host.mail_to(name, "bob", "Fourth")
    assert "not a member" in str(host.take("bob"))
    host.kereru("list", "set", at(name), "others", "drop")
    host.mail_to(name, "bob", "Fifth")
    host.none("bob", "owner", "ann")
    host.kereru("list", "set", at(name), "post", "anyone")
    host.mail_to(name, "bob", "Sixth")
    assert host.take("ann")["Subject"] == "Sixth"


def test_a_moderated_list_trusts_no_name(host):
    name = host.new("ann", post="moderators", moderator=(at("mod"),))
    # Anybody can write `From: mod`.
    host.mail_to(name, "mod", "Forged")
    host.mail_to(name, "ann", "Mine", header=(
        f"Authentication-Results: {DOMAIN}; dmarc=pass\r\n"))
    host.none("ann", "owner")
    a, b = host.take("mod", 2)
    assert {a["Subject"], b["Subject"]} == {"Held: Forged", "Held: Mine"}
    host.reply(a, "mod")
    host.take("ann")


def test_joining_and_leaving_by_mail(host):
    name = host.new()
    host.mail_to(f"{name}-subscribe", "bob")
    ask = host.take("bob")
    assert ask["Subject"] == "Please confirm" and host.members(name) == []
    host.mail_to(f"{name}-subscribe", "bob")    # once a day
    host.none("bob")
    host.reply(ask, "bob")
    assert host.take("bob")["Subject"] == "Welcome"
    assert host.members(name) == [at("bob")]
    host.reply(ask, "bob")
    assert host.take("bob")["Subject"] == "This is over"
    # Commands.
    host.mail_to(f"{name}-request", "bob", "set digest")
    host.reply(host.take("bob"), "bob")
    assert host.members(name) == [at("bob") + " digest"]
    host.mail_to(f"{name}-request", "ann", "x", "subscribe digest\n")
    host.reply(host.take("ann"), "ann")
    host.take("ann")
    assert host.members(name) == [at("bob") + " digest", at("ann") + " digest"]
    host.mail_to(f"{name}-request", "ann", "help")
    assert "unsubscribe" in host.take("ann").get_content()
    host.mail_to(f"{name}-request", "carol", "unsubscribe")
    assert host.take("carol")["Subject"] == "You are no member"
    host.mail_to(f"{name}-request", "ann", "unsubscribe")
    ask = host.take("ann")
    host.mail_to(f"{name}-request", "ann",
                 "confirm " + host.word(name, ask["Reply-To"]))
    assert host.take("ann")["Subject"] == "Goodbye"
    host.mail_to(f"{name}-unsubscribe", "bob")
    host.reply(host.take("bob"), "bob")
    host.take("bob")
    assert host.members(name) == []
    # A word that was made up does nothing.
    host.mail_to(f"{name}-confirm+" + "a" * 32, "carol")
    assert host.take("carol")["Subject"] == "This is over"


def test_owners(host):
    name = host.new("ann", join="owner")
    host.mail_to(f"{name}-owner", "carol", "To the owner")
    m = host.take("owner")
    assert m["Subject"] == "To the owner"
    host.mail_to(f"{name}-request", "ann", "who")
    assert host.take("ann")["Subject"] == "This is for owners"
    host.mail_to(f"{name}-request", "owner", "who")
    assert host.take("owner").get_content() == at("ann") + "\n"
    host.mail_to(f"{name}-request", "owner", "add " + at("bob") + " nomail")
    assert host.members(name) == [at("ann")]
    host.reply(host.take("owner"), "owner")
    assert host.members(name) == [at("ann"), at("bob") + " nomail"]
    host.take("bob")
    host.mail_to(f"{name}-request", "owner", "remove " + at("bob"))
    host.reply(host.take("owner"), "owner")
    assert host.members(name) == [at("ann")]
    host.take("bob")
    # Who joins is let in, or not.
    for who, answer in ("carol", True), ("bob", False):
        host.mail_to(f"{name}-subscribe", who)
        host.reply(host.take(who), who)
        assert at(who) not in host.members(name)
        ask = host.take("owner")
        if answer:
            host.reply(ask, "owner")
            host.take(who)
        else:
            word = host.word(name, ask.get_content())
            host.mail_to(f"{name}-confirm+{word}", "owner")
            host.none(who)
        assert (at(who) in host.members(name)) is answer
    host.kereru("list", "set", at(name), "join", "closed")
    host.mail_to(f"{name}-subscribe", "mod")
    assert host.take("mod")["Subject"] == "This list is closed"


def test_what_a_list_changes_when_it_is_told_to(host):
    name = host.new("bob", post="anyone", subject_tag="[x]", footer="yes",
                    name="Our List", from_rewrite="always")
    host.write_text(name, "footer", "--\nThe list\n")
    host.mail_to(name, "ann", "One")
    m = host.take("bob")
    assert m["Subject"] == "[x] One"
    assert m["From"].addresses[0].display_name == "Some One via Our List"
    assert m["From"].addresses[0].addr_spec == at(name)
    assert m["Reply-To"].addresses[0].addr_spec == at("ann")
    assert m.get_content() == "Hello.\n--\nThe list\n"
    host.mail_to(name, "ann", "Re: [X] One", header=(
        "MIME-Version: 1.0\r\nContent-Type: text/html\r\n"))
    m = host.take("bob")
    assert m["Subject"] == "Re: [X] One"
    html, text = m.iter_parts()
    assert html.get_content_type() == "text/html"
    assert html.get_content().strip() == "Hello."
    assert text.get_content().strip() == "--\nThe list"
    # A list of its own rules: the author's domain has asked, or not.
    host.kereru("list", "set", at(name), "from-rewrite", "never")
    host.kereru("list", "set", at(name), "reply-to", "list")
    host.mail_to(name, "ann", "Two")
    m = host.take("bob")
    assert m["From"].addresses[0].addr_spec == at("ann")
    assert m["Reply-To"].addresses[0].addr_spec == at(name)
    # Faults are told, and change nothing.
    done = host.kereru("list", "set", at(name), "post", "nobody", check=False)
    assert done.returncode == 100 and "anyone" in done.stderr
    assert "post anyone" in host.kereru("list", "show", at(name)).stdout


REPORT = """--x
Content-Type: text/plain

It failed.
--x
Content-Type: message/delivery-status

Reporting-MTA: dns; else.test

Final-Recipient: rfc822; {who}
Action: {action}
Status: 5.1.1
--x--
"""


def bounce(host, to, who, action="failed"):
    host.mail_to(to, "MAILER-DAEMON@else.test", "Bounce",
                 REPORT.format(who=at(who), action=action), envelope="",
                 header="MIME-Version: 1.0\r\nContent-Type: multipart/report; "
                 "report-type=delivery-status; boundary=x\r\n")


def test_bounces(host):
    name = host.new("ann", "bob", bounce_days="2")
    verp = f"{name}-bounces+ann={DOMAIN}"
    bounces = host.folder_of(name) / "bounces"
    bounce(host, verp, "ann", "delayed")
    assert not bounces.exists()
    bounce(host, verp, "ann")
    bounce(host, verp, "ann")
    who, count, day, probed = bounces.read_text().split()
    assert (who, count, probed) == (at("ann"), "1", "0")
    host.none("ann", "owner")
    # As if that had been yesterday.
    host.write_text(name, "bounces", f"{at('ann')} 1 {int(day) - 1} 0\n")
    bounce(host, verp, "ann")
    probe = host.take("ann")
    sender = probe["Return-Path"].strip("<>")
    assert sender.startswith(f"{name}-bounces+probe.")
    bounce(host, f"{name}-bounces+probe." + "a" * 32, "ann")
    assert host.members(name) == [at("ann"), at("bob")]
    bounce(host, sender, "ann")
    assert host.members(name) == [at("bob")]
    assert at("ann") in host.take("owner")["Subject"]
    # A vacation's answer is no bounce.
    host.mail_to(f"{name}-bounces+bob={DOMAIN}", "bob", envelope="",
                 header="Auto-Submitted: auto-replied\r\n")
    assert at("bob") not in bounces.read_text()


def test_digests(host):
    name = host.new("ann", post="anyone")
    host.kereru("list", "subscribe", at(name), "--digest", at("bob"))
    first = host.mail_to(name, "ann", "First")
    second = host.mail_to(name, "ann", "Sécond".encode().decode("latin-1")
                          .encode("ascii", "ignore").decode())
    host.take("ann", 2)
    host.none("bob")
    assert host.kereru("list", "digest").stdout == ""
    out = host.kereru("list", "digest", at(name)).stdout
    assert out == f"{at(name)}: 2 postings\n"
    m = host.take("bob")
    table, digest = m.iter_parts()
    assert "  1. First (Some One" in table.get_content()
    assert digest.get_content_type() == "multipart/digest"
    assert [p.get_content()["Message-ID"] for p in digest.iter_parts()] == \
        [first, second]
    assert not list((host.folder_of(name) / "digest").iterdir())
    host.kereru("list", "set", at(name), "digest-size", "1")
    host.mail_to(name, "ann", "Third")
    host.take("bob")


def test_one_click(host):
    name = host.new("ann", "bob", post="anyone",
                    unsubscribe_url=f"https://l.test/u/{at('x')}/")
    host.mail_to(name, "carol", "News")
    m = host.take("ann")
    assert m["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    https, mailto = re.findall("<(.*?)>", m["List-Unsubscribe"])
    assert mailto == f"mailto:{name}-unsubscribe@{DOMAIN}"
    word = https.rpartition("/")[2]
    assert word not in host.take("bob")["List-Unsubscribe"]
    host.sendmail("-q", check=False)    # makes the copy of the program

    def cgi(method, path, body=b""):
        return subprocess.run(
            [prefix() / "libexec/kereru/list-unsubscribe"], input=body,
            env={"REQUEST_METHOD": method, "PATH_INFO": path,
                 "KERERU_SENDMAIL": str(host.folder / "sendmail"),
                 "KERERU_TABLES": str(host.tables)},
            user=host.first_uid + 1500, group=host.first_uid + 1500,
            extra_groups=[], capture_output=True, text=False).stdout.decode()
    path = f"/{at(name)}/{word}"
    assert cgi("GET", path).startswith("Status: 200 OK")
    assert cgi("POST", path, b"no").startswith("Status: 400 ")
    assert cgi("POST", "/etc/passwd").startswith("Status: 404 ")
    assert host.members(name) == [at("ann"), at("bob")]
    assert cgi("POST", path, b"List-Unsubscribe=One-Click") \
        .startswith("Status: 200 OK")
    assert host.take("ann")["Subject"] == "Goodbye"
    assert host.members(name) == [at("bob")]


def test_ten_thousand_members_are_one_file(host):
    name = host.new(post="anyone")
    host.kereru("list", "subscribe", at(name), "-", input="".join(
        f"member{i}@nowhere.test\n" for i in range(10000)))
    host.kereru("list", "subscribe", at(name), "member7@nowhere.test")
    assert len(host.members(name)) == 10000
    host.kereru("list", "unsubscribe", at(name), "member9@nowhere.test")
    host.mail_to(name, "ann", "To all", settle=False)
    host.wait_for_log("queue", f"list={at(name)} done=.posted to 9999.", 60)
    found = wait_until(lambda: [
        p for p in host.queued("cur") if b"member10@" in p.read_bytes()], 30)
    assert len(found) == 1
    # Before that an order to delete it may come between two copies of it.
    host.wait_for_log("queue", f"event=on-hold pid=[0-9]+ id={found[0].name}",
                      60)
    text = found[0].read_bytes()
    assert text.count(b"@nowhere.test") == 9999
    assert text.count(b"Subject: To all") == 1
    done = host.kereru("queue", "list", check=False)
    assert done.returncode == 0
    for path in found:
        host.kereru("queue", "delete", path.name[:16])
    host.wait_for_empty_queue(60)


def test_the_command_refuses_what_cannot_be(host):
    name = "made"
    host.kereru("list", "add", at(name), at("owner"))
    host.kereru("list", "subscribe", at(name), at("ann"))
    assert at(name) in host.kereru("list").stdout.split()

    def fails(*args):
        done = host.kereru("list", *args, check=False)
        assert done.returncode == 100 and done.stderr
    fails("add", at(name), at("owner"))
    fails("add", at("bob"), at("owner"))
    fails("add", "new@elsewhere.test", at("owner"))
    fails("add", at("new"), "nobody")
    fails("add", at("x" * 60), at("owner"))
    fails("subscribe", at(name), "no address")
    fails("subscribe", at("bob"), at("ann"))
    fails("unsubscribe", at(name), at("bob"))
    fails("set", at(name), "address", "x@y.test")
    fails("what", at(name))
    host.kereru("list", "remove", at(name))
    assert at(name) not in host.kereru("list").stdout.split()
    assert pathlib.Path(host.maildir(at(name))).exists()
    told = host.kereru("check", check=False)
    assert "kereru-list" not in told.stdout + told.stderr
    told = host.kereru("fsck", at("list0"), check=False)
    assert "kereru-list" not in told.stdout + told.stderr
