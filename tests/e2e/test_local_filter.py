"""Delivery by the mailbox's Sieve script, quota, what is sent on."""
import email
import hashlib
import os
import re
import signal
import subprocess
import sys
import time

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from queuehost import BUILD, QueueHost, as_user, wait_for  # noqa: E402

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="needs root")
BOB = "bob@a.test"
ALICE = "alice@a.test"
CAROL = "carol@a.test"


class Host(QueueHost):
    def put(self, address, path, text):
        full = os.path.join(self.home(address), path)
        uid = self.uid(address)

        def work():
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w") as f:
                f.write(text)
        assert as_user(uid, work) == 0

    def script(self, text, address=BOB):
        self.put(address, ".dovecot.sieve", text)

    def folder(self, name, address=BOB):
        """Names and texts in cur and new of a folder."""
        found = {}
        for sub in "new", "cur":
            path = os.path.join(self.home(address), name, sub)
            for file in os.listdir(path) if os.path.isdir(path) else []:
                with open(os.path.join(path, file), "rb") as f:
                    found[sub + "/" + file] = f.read()
        return found

    def send(self, message, to=BOB, sender="s@else.test", **more):
        """Drop a message, and wait until the queue has dealt with it."""
        message = message.replace("\n", "\r\n").encode()
        ident = self.drop(sender, [to], message, **more)
        assert self.wait_event("removed", id=ident)
        return ident

    def clear(self):
        for address in self.users:
            home = self.home(address)
            os.system(f"rm -rf {home}/.[a-zA-Z]* {home}/sieve "
                      f"{home}/kereru-* {home}/new/* {home}/cur/* "
                      f"{home}/maildirsize {home}/dovecot* "
                      f"{home}/forward")


@pytest.fixture(scope="module")
def shared():
    with Host() as host:
        yield host


@pytest.fixture
def host(shared):
    shared.clear()
    os.truncate(shared.log, 0)
    yield shared
    assert wait_for(shared.is_empty), shared.log_text()
    assert "AddressSanitizer" not in shared.log_text()


PLAIN = "From: s@else.test\nTo: bob@a.test\nSubject: %s\n\nHello.\n"


def test_into_folders_with_flags_and_a_header_changed(host):
    host.script('''require ["fileinto", "mailbox", "imap4flags", "copy",
        "editheader", "variables"];
        if header :matches "subject" "list *" {
            addheader "X-Filed" "${1}";
            fileinto :create :flags ["\\\\Seen", "$Work", "\\\\Flagged"]
                "Lists.${1}";
        } elsif header "subject" "two" {
            fileinto :create :copy "A"; fileinto :copy "A";
        } elsif header "subject" "none" {
            fileinto "Not.there";
        } elsif header "subject" "gone" { discard; }''')
    host.send(PLAIN % "list one")
    (name, text), = host.folder(".Lists.one").items()
    assert re.search(r"^cur/.*:2,FSa$", name)
    with open(host.home(BOB) + "/.Lists.one/dovecot-keywords") as f:
        assert f.read() == "0 $Work\n"
    assert text.startswith(b"Return-Path: <s@else.test>\nDelivered-To: "
                           b"bob@a.test\nX-Filed: one\nFrom: s@else.test\n")
    assert text.endswith(b"Subject: list one\n\nHello.\n")
    host.send(PLAIN % "two")
    assert len(host.folder(".A")) == 1 and len(host.folder("")) == 1
    host.send(PLAIN % "none")
    assert len(host.folder("")) == 2
    assert host.events("no-folder", folder="Not.there")
    host.send(PLAIN % "gone")
    assert len(host.folder("")) == 2


def test_detail_is_a_folder_that_is_there(host):
    host.script('require ["envelope", "fileinto", "mailbox", "subaddress", '
                '"variables"]; if envelope :matches :detail "to" "*" { '
                'set "folder" "${1}"; if mailboxexists "${folder}" { '
                'fileinto "${folder}"; } }')
    host.send(PLAIN % "x", to="bob+Bills@a.test")
    assert len(host.folder("")) == 1 and not host.folder(".Bills")
    uid = os.stat(host.home(BOB)).st_uid
    for sub in ("", "/new", "/cur", "/tmp"):
        os.mkdir(host.home(BOB) + "/.Bills" + sub, 0o700)
        os.chown(host.home(BOB) + "/.Bills" + sub, uid, uid)
    host.send(PLAIN % "y", to="bob+Bills@a.test")
    assert len(host.folder(".Bills")) == 1 and len(host.folder("")) == 1
    for detail in ("a/b", "/", "Nope", ""):
        host.send(PLAIN % "z", to=f"bob+{detail}@a.test")
    assert len(host.folder("")) == 5


def test_junk_goes_where_the_script_says(host):
    host.script('require ["spamtestplus", "fileinto", "mailbox", '
                '"relational", "comparator-i;ascii-numeric"]; '
                'if spamtest :percent :value "ge" :comparator '
                '"i;ascii-numeric" "70" { fileinto :create "Bad"; }')
    host.send(PLAIN % "x", flags="junk")
    assert len(host.folder(".Bad")) == 1
    host.script("keep;")
    host.send(PLAIN % "x", flags="junk")
    assert len(host.folder(".Junk")) == 1


def test_a_faulty_script_keeps_mail_and_is_told_once(host):
    host.script("keep;\nfileinto \"x\";")
    for _ in range(2):
        host.send(PLAIN % "hello")
    texts = list(host.folder("").values())
    assert len(texts) == 3
    (told,) = [t for t in texts if b"fault" in t]
    assert b"line 2: fileinto needs: require" in told
    assert b"Auto-Submitted: auto-generated" in told
    # Another one, while it runs.
    host.script('require ["include", "reject"]; addme;')
    host.send(PLAIN % "hello")
    assert sum(b"fault" in t for t in host.folder("").values()) == 2


def test_only_a_file_of_its_own_is_a_script(host):
    host.put(BOB, "sieve/two.sieve", "discard;")
    link = host.home(BOB) + "/.dovecot.sieve"
    os.symlink("sieve/two.sieve", link)
    host.send(PLAIN % "x")
    assert not host.folder("")
    host.put(BOB, "sieve/in.sieve", "discard;")
    host.put(BOB, "sieve/two.sieve", 'require "include"; include "in";')
    host.send(PLAIN % "x")
    assert not host.folder("")
    for target in "../x.sieve", "/etc/passwd", "sieve/../sieve/two.sieve":
        os.unlink(link)
        os.symlink(target, link)
        host.send(PLAIN % "x")
    assert len(host.folder("")) == 3
    assert len(host.events("filter-unread")) == 3
    os.unlink(link)
    os.mkfifo(link)
    host.send(PLAIN % "x")
    assert len(host.folder("")) == 4


def test_sent_on_but_never_in_a_circle(host):
    host.script(f'require "copy"; redirect :copy "{ALICE}";')
    host.script(f'redirect "{BOB}";', ALICE)
    host.send(PLAIN % "round")
    assert wait_for(lambda: host.folder("", ALICE))
    (text,) = host.folder("", ALICE).values()
    # The manager rewrites the sender only for other hosts.
    assert text.startswith(b"Return-Path: <s@else.test>\nDelivered-To: "
                           b"alice@a.test\nDelivered-To: bob@a.test\n")
    assert len(host.folder("")) == 1
    assert host.events("not-forwarded", to=BOB)
    host.script(f'redirect "{ALICE}";', ALICE)
    host.send(PLAIN % "self", ALICE)
    assert len(host.folder("", ALICE)) == 2


def test_forwarded_by_a_list_of_addresses(host):
    host.put(BOB, "forward", f"# away\n{ALICE}\n")
    host.send(PLAIN % "one")
    assert wait_for(lambda: host.folder("", ALICE))
    assert not host.folder("")
    host.put(BOB, "forward", f"{ALICE}\nkeep\n")
    host.send(PLAIN % "two")
    assert wait_for(lambda: len(host.folder("", ALICE)) == 2)
    assert len(host.folder("")) == 1
    host.put(BOB, "forward", "|/bin/true\n")
    host.send(PLAIN % "three")
    assert len(host.folder("")) == 3
    assert host.events("filter-failed")


def test_an_answer_once_to_a_person(host):
    host.script('''require ["vacation", "variables"];
        if header :matches "subject" "*" {
        vacation :days 3 :subject "weg: ${1}"
            :from "B\u00f6b <bob@a.test>" "Bin weg, Gr\u00fc\u00dfe";
        }''')
    host.send(PLAIN.replace("\n\n", "\nMessage-ID: <1@x>\n\n") % "one",
              sender=ALICE)
    assert wait_for(lambda: host.folder("", ALICE))
    host.send(PLAIN % "two", sender=ALICE)
    (text,) = host.folder("", ALICE).values()
    m = email.message_from_bytes(text)
    assert m["Return-Path"] == "<>" and m["To"] == "<alice@a.test>"
    assert m["Auto-Submitted"].startswith("auto-replied")
    assert m["In-Reply-To"] == "<1@x>" and m["References"].endswith("<1@x>")
    assert m["Subject"] == "weg: one" and "bob@a.test" in m["From"]
    assert m["From"].isascii()
    assert m.get_payload(decode=True).decode() == "Bin weg, Gr\u00fc\u00dfe\n"
    assert host.wait_event("not-answered", why="it was answered before")
    assert len(host.folder("")) == 2


def test_no_answer_to_programs_and_lists(host):
    host.script('require "vacation"; vacation "away";')
    for more, sender in (
            ("List-Id: <l.test>\n", ALICE), ("Precedence: bulk\n", ALICE),
            ("Auto-Submitted: auto-replied\n", ALICE), ("", ""),
            ("", "owner-list@a.test"), ("", "MAILER-DAEMON@a.test"),
            ("", BOB), ("Cc: x@y.test\n", ALICE)):
        text = more + PLAIN % "x"
        if more.startswith("Cc"):
            text = text.replace("To: bob@a.test\n", "")
        host.send(text, sender=sender)
    assert len(host.events("not-answered")) == 8
    assert not host.folder("", ALICE)


def test_refused_with_a_reason(host):
    host.script('require "ereject"; ereject "not this\nthing";')
    host.send(PLAIN % "e", sender=ALICE)
    assert wait_for(lambda: host.folder("", ALICE))
    (text,) = host.folder("", ALICE).values()
    assert b"5.7.1 not this thing" in text
    host.clear()
    host.script('require "reject"; reject "Nein, dank\u00e9";')
    host.send(PLAIN % "m", sender=ALICE)
    assert wait_for(lambda: host.folder("", ALICE))
    m = email.message_from_bytes(list(host.folder("", ALICE).values())[0])
    assert m.get_content_type() == "multipart/report"
    parts = m.get_payload()
    assert "Nein, dank\u00e9" in parts[0].get_payload(decode=True).decode()
    assert "MDN-sent-automatically; deleted" in parts[1].as_string()
    assert not host.folder("")


def test_seen_before(host):
    host.script('require "duplicate"; if duplicate { discard; }')
    text = "Message-ID: <d@x>\n" + PLAIN % "x"
    host.send(text)
    host.send(text)
    host.send(PLAIN % "x")
    assert len(host.folder("")) == 2


def published(host, address):
    """Whether queue/load says now that the mailbox has no room."""
    found = hashlib.blake2b(address.encode(), digest_size=16).digest()[:8]
    with open(os.path.join(host.queue, "load"), "rb") as f:
        table = f.read()[4096:]
    for i in range(0, len(table), 16):
        if table[i:i + 8] == found:
            return int.from_bytes(table[i + 8:i + 16], "big") > time.time()
    return False


def test_a_full_mailbox_is_tried_again(host):
    host.put(BOB, "maildirsize", "700S,3C\n0 0\n")
    host.send(PLAIN % "one")
    size = host.home(BOB) + "/maildirsize"
    lines = open(size).read().splitlines()
    assert len(lines) == 3 and lines[2].endswith(" 1")
    ident = host.drop("s@else.test", [BOB],
                      b"Subject: big\r\n\r\n" + b"x" * 700 + b"\r\n")
    (late,) = host.wait_event("deferred", id=ident)[:1]
    assert "4.2.2" in late.get("answer", late.get("why", ""))
    assert len(host.folder("")) == 1
    # Those who accept mail are told, until there is room.
    assert wait_for(lambda: published(host, BOB))
    assert not published(host, ALICE)
    host.send("Subject: big\n\n" + "x" * 700 + "\n", sender=ALICE,
              expires=int(time.time()) + 1)
    assert wait_for(lambda: host.folder("", ALICE))
    (bounce,) = host.folder("", ALICE).values()
    assert b"Status: 5.2.2" in bounce
    host.put(BOB, "maildirsize", "7000S,3C\n0 0\n")
    assert host.wait_event("removed", id=ident)
    assert len(host.folder("")) == 2
    assert wait_for(lambda: not published(host, BOB))


def test_killed_between_what_it_sends_and_its_report(host):
    """What was done is done again; nothing is lost. Each frame of the local
    spawner and its children is held back for a while; Carol has had no mail
    yet, so that the child for her is new."""
    host.script(f'require ["copy", "fileinto", "mailbox"]; '
                f'redirect :copy "{ALICE}"; fileinto :create "F";', CAROL)
    spawner = host.children()["local-spawner"]
    tracer = subprocess.Popen(
        ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=sendmsg", "-e",
         "inject=sendmsg:delay_enter=1000000", "-p",
         str(spawner)], stderr=subprocess.DEVNULL)
    assert wait_for(lambda: "TracerPid:\t0\n" not in open(
        f"/proc/{spawner}/status").read())
    ident = host.drop("s@else.test", [CAROL], (PLAIN % "k").encode())
    assert wait_for(lambda: host.events("queued", origin="filter"), 20, 0.01)
    killed = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.stat(f"/proc/{pid}").st_uid == host.uid(CAROL):
                os.kill(int(pid), signal.SIGKILL)
                killed += 1
        except OSError:
            pass
    tracer.terminate()
    tracer.wait()
    assert killed == 1
    assert host.wait_event("removed", id=ident)
    assert wait_for(lambda: len(host.folder("", ALICE)) == 2)
    assert len(host.folder(".F", CAROL)) == 2


def test_a_script_that_takes_too_long(host):
    """It ends, and mail is kept."""
    host.script('require "body";' + 'if body :raw :contains "%sb" { stop; }'
                % ("a" * 60) * 400)
    host.send("Subject: a\n\n" + "a" * 200000 + "\n")
    assert len(host.folder("")) == 2
    assert host.events("filter-failed", why="the script takes too long")


def kereru(*args, code=0):
    done = subprocess.run([os.path.join(BUILD, "bin", "kereru"), "sieve",
                           *args], capture_output=True, text=True)
    assert done.returncode == code, (done.stdout, done.stderr)
    return done.stdout


def test_a_script_is_checked(host, tmp_path):
    (tmp_path / "good").write_text("keep;")
    (tmp_path / "bad").write_text("keep;\n\nfoo;")
    assert kereru("check", str(tmp_path / "good")) == ""
    assert "bad: line 3: there is no command" in kereru(
        "check", str(tmp_path / "good"), str(tmp_path / "bad"), code=100)


def test_mail_that_is_there_is_sorted(host, tmp_path):
    script = tmp_path / "s"
    script.write_text('''require ["fileinto", "mailbox", "envelope",
        "imap4flags", "copy"];
        if header "subject" "gone" { discard; }
        elsif header "subject" "sent" { redirect "x@y.test"; }
        elsif envelope "from" "s@else.test" {
            addflag "\\\\Flagged"; fileinto :create "Moved"; }''')
    host.script('require "imap4flags"; addflag ["$Label", "\\\\Seen"];')
    for subject in "one", "gone", "sent":
        host.send(PLAIN % subject)
    home = host.home(BOB)
    shown = kereru("run", "-n", str(script), home)
    assert "into Moved" in shown and "3 messages, 1 would be moved" in shown
    assert len(host.folder("")) == 3
    assert "1 moved" in kereru("run", str(script), home)
    (name,) = host.folder(".Moved")
    assert re.search(r"^cur/.*:2,FSa$", name)
    path = home + "/.Moved/" + name
    assert os.stat(path).st_uid == host.uid(BOB)
    assert os.stat(path).st_nlink == 1
    with open(home + "/.Moved/dovecot-keywords") as f:
        assert f.read() == "0 $Label\n"
    assert len(host.folder("")) == 2
    kereru("run", "-d", str(script), home)
    assert len(host.folder("")) == 1
    script.write_text('require "fileinto"; fileinto "INBOX";')
    kereru("run", str(script), home + "/.Moved")
    assert len(host.folder("")) == 2 and not host.folder(".Moved")
