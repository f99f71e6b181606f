"""Maildirs that come from Courier: imapd alone."""
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "lib"))
from imapalone import Client, make_maildir  # noqa: E402


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)


def fill(folder):
    make_maildir(folder)
    for name in ("cur/1.a.h,S=18:2,S", "cur/2.b.h:2,", "new/3.c.h",
                 "cur/4.d.h:2,RS"):
        write(os.path.join(folder, name), "Subject: x\n\nbody\n")
    write(os.path.join(folder, "courierimapuiddb"),
          "1 123456789 43\n7 2.b.h\n9 gone\n12 1.a.h,S=18\nrubbish\n42 4.d.h\n")
    keywords = os.path.join(folder, "courierimapkeywords")
    write(os.path.join(keywords, ":list"),
          "$Forwarded\nJunk\nlater\nb(ad\n\n1.a.h,S=18:0 1\n2.b.h:2 3\n"
          "4.d.h:1\n")
    # Changes that Courier has not put into its list yet.
    write(os.path.join(keywords, "2.b.h"), "Junk\n")
    write(os.path.join(keywords, ".5.4.d.h"), "newer\n")
    write(os.path.join(keywords, ".3.4.d.h"), "older\n")


@pytest.fixture
def maildir(tmp_path):
    folder = str(tmp_path / "Maildir")
    fill(folder)
    fill(os.path.join(folder, ".Sent"))
    make_maildir(os.path.join(folder, ".Lists.a"))
    write(os.path.join(folder, "courierimapsubscribed"),
          "INBOX\nINBOX.Sent\nINBOX.Lists.a\n")
    return folder


@pytest.fixture
def client(maildir):
    c = Client(maildir)
    yield c
    c.stop()


def flags(client):
    return {line.split(b" UID ")[1][:-1]: set(
        line[line.index(b"FLAGS (") + 7:line.index(b") UID")].split())
        - {b"\\Recent"} for line in client.ok(b"FETCH 1:* (FLAGS UID)")}


def test_uids_and_keywords(client, maildir):
    untagged = client.ok(b"SELECT INBOX")
    assert any(b"[UIDVALIDITY 123456789]" in u for u in untagged)
    wanted = {b"7": {b"Junk"}, b"12": {b"\\Seen", b"$Forwarded", b"Junk"},
              b"42": {b"\\Seen", b"\\Answered", b"newer"}, b"43": set()}
    assert flags(client) == wanted
    client.stop()
    again = Client(maildir)
    try:
        again.ok(b"SELECT INBOX")
        assert flags(again) == wanted
        again.ok(b"UID STORE 7 -FLAGS (Junk)")
        again.ok(b"NOOP")
        assert flags(again)[b"7"] == set()
    finally:
        again.stop()
    assert sorted(os.listdir(os.path.join(maildir, "cur")))[0].startswith(
        "1.a.h,S=18:2,S")


@pytest.mark.parametrize("command", [
    b"APPEND Sent (one) {15+}\r\nSubject: x\r\n\r\nx", b"COPY 1 Sent",
    b"STATUS Sent (UIDNEXT)"])
def test_whatever_comes_first_keeps_the_uids(client, maildir, command):
    client.ok(b"SELECT INBOX")
    untagged = client.ok(command)
    client.ok(b"SELECT Sent")
    got = flags(client)
    assert {b"7", b"12", b"42", b"43"} <= set(got)
    assert got[b"12"] == {b"\\Seen", b"$Forwarded", b"Junk"}
    assert untagged is not None


def test_subscriptions(client, maildir):
    def subscribed():
        return sorted(u.split(b'"')[-2] for u in client.ok(b'LSUB "" "*"'))
    assert subscribed() == [b"INBOX", b"Lists.a", b"Sent"]
    client.ok(b"UNSUBSCRIBE Sent")
    client.ok(b"SUBSCRIBE Drafts")
    assert subscribed() == [b"Drafts", b"INBOX", b"Lists.a"]
    with open(os.path.join(maildir, "courierimapsubscribed")) as f:
        assert "INBOX.Sent" in f.read()


def test_a_damaged_list_is_none(client, maildir):
    box = os.path.join(maildir, ".Lists.a")
    write(os.path.join(box, "courierimapuiddb"), "rubbish\n")
    write(os.path.join(box, "courierimapkeywords", ":list"),
          "a\n\nx:999999999999\n:\n1:0:0\n")
    write(os.path.join(box, "courierimapkeywords", ".x"), "a\n")
    client.ok(b"SELECT Lists.a")
    client.append(b"Lists.a", b"Subject: x\r\n\r\nx\r\n")
