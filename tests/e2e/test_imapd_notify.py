"""NOTIFY: imapd alone, nobody asking."""
import os
import select
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "lib"))
from imapalone import Client, deliver, make_maildir  # noqa: E402

MESSAGES = b"(MessageNew MessageExpunge)"


@pytest.fixture
def maildir(tmp_path):
    return make_maildir(tmp_path / "Maildir")


@pytest.fixture
def clients(maildir):
    made = [Client(maildir), Client(maildir)]
    made[0].ok(b"CREATE a.b")
    made[0].ok(b"CREATE other")
    yield made
    for c in made:
        c.stop()


def quiet(client, seconds=0.3):
    return (not client.buffer and not select.select(
        [client.process.stdout.fileno()], [], [], seconds)[0])


def told(client, start):
    """The next response, which must begin so."""
    line = client.line()
    assert line.startswith(b"* " + start), (line, start)
    return line[2:]


def test_grammar(clients):
    c = clients[0]
    for bad in (b"", b"SET", b"SET STATUS", b"SET (selected)", b"FOO",
                b"NONE x", b"SET (selected MessageNew)",
                b"SET (selected (MessageNew))",
                b"SET (personal (FlagChange))",
                b"SET (selected (MailboxName))",
                b"SET (personal (MessageNew (UID) MessageExpunge))",
                b"SET (selected NONE) (selected-delayed NONE)",
                b"SET (mailboxes (MessageNew MessageExpunge))",
                b"SET (personal ())", b"SET STATUS (personal NONE) x"):
        c.bad(b"NOTIFY " + bad)
    c.no(b"NOTIFY SET (personal (AnnotationChange))", b"[BADEVENT (")
    c.no(b"NOTIFY SET (personal (FooBar))", b"[BADEVENT (")
    c.ok(b"NOTIFY SET (mailboxes (nowhere \"a/b\" INBOX) NONE)")
    c.ok(b"NOTIFY NONE")


def test_selected(clients, maildir):
    c, other = clients
    c.ok(b"SELECT INBOX")
    c.ok(b"NOTIFY SET (selected (MessageNew (UID BODY.PEEK[HEADER.FIELDS "
         b"(SUBJECT)]) MessageExpunge FlagChange))")
    deliver(maildir, "Subject: one\n\nx\n")
    told(c, b"1 EXISTS")
    told(c, b"1 RECENT")
    assert b"Subject: one" in told(c, b"1 FETCH (UID 1 BODY[HEADER.FIELDS ")
    other.ok(b"SELECT INBOX")
    other.ok(b"STORE 1 +FLAGS (\\Deleted)")
    told(c, b"1 FETCH (UID 1 FLAGS (\\Deleted")
    other.ok(b"EXPUNGE")
    told(c, b"1 EXPUNGE")
    told(c, b"0 RECENT")
    # Nothing of what was not asked for, nor by a command.
    c.ok(b"NOTIFY NONE")
    deliver(maildir)
    assert quiet(c) and c.ok(b"NOOP") == []
    c.ok(b"NOTIFY SET (selected-delayed (MessageNew MessageExpunge))")
    other.ok(b"NOOP")
    other.ok(b"STORE 1 +FLAGS (\\Deleted)")
    other.ok(b"EXPUNGE")
    assert quiet(c)
    assert b"1 EXPUNGE" in c.ok(b"NOOP")


def test_others(clients, maildir):
    c, other = clients
    untagged = c.ok(b"NOTIFY SET STATUS (personal "
                    b"(MessageNew MessageExpunge FlagChange))")
    assert sorted(u.split(b'"')[1] for u in untagged) == [
        b"INBOX", b"a.b", b"other"]
    assert all(b"MESSAGES 0 UIDNEXT 1 UIDVALIDITY" in u for u in untagged)
    deliver(os.path.join(maildir, ".other"))
    assert b"MESSAGES 1 UIDNEXT 2" in told(c, b'STATUS "other" (')
    other.append(b"a.b", b"Subject: x\r\n\r\nx\r\n")
    told(c, b'STATUS "a.b" (MESSAGES 1 UIDNEXT 2')
    other.ok(b"SELECT a.b")
    other.ok(b"STORE 1 +FLAGS (\\Seen \\Deleted)")
    assert b"UNSEEN 0" in told(c, b'STATUS "a.b" (MESSAGES 1')
    other.ok(b"EXPUNGE")
    told(c, b'STATUS "a.b" (MESSAGES 0')
    # The selected one is not told of so; in IDLE others are, too.
    c.ok(b"SELECT a.b")
    other.append(b"a.b", b"Subject: x\r\n\r\nx\r\n")
    assert quiet(c)
    c.send(b"i IDLE\r\n")
    while c.line() != b"+ idling":
        pass
    deliver(os.path.join(maildir, ".other"))
    told(c, b'STATUS "other" (MESSAGES 2')
    c.send(b"DONE\r\n")
    assert c.answer("i")[0].startswith(b"OK")


def test_filters(clients, maildir):
    c, other = clients
    c.ok(b"SUBSCRIBE other")
    c.ok(b"NOTIFY SET (subtree (a) %s) (subscribed %s)"
         % (MESSAGES, MESSAGES))
    deliver(maildir)
    assert quiet(c)
    deliver(os.path.join(maildir, ".other"))
    told(c, b'STATUS "other" (')
    deliver(os.path.join(maildir, ".a.b"))
    told(c, b'STATUS "a.b" (')
    # One that comes into being, or is subscribed to, is watched as well.
    other.ok(b"CREATE a.c")
    other.ok(b"SUBSCRIBE INBOX")
    assert quiet(c)
    other.append(b"a.c", b"Subject: x\r\n\r\nx\r\n")
    told(c, b'STATUS "a.c" (MESSAGES 1')
    deliver(maildir)
    told(c, b'STATUS "INBOX" (MESSAGES 2')


def test_names_and_subscriptions(clients):
    c, other = clients
    c.ok(b"NOTIFY SET (personal (MailboxName SubscriptionChange))")
    other.ok(b"CREATE new")
    told(c, b'LIST (\\HasNoChildren) "." "new"')
    other.ok(b"CREATE new.child")
    told(c, b'LIST (\\HasNoChildren) "." "new.child"')
    told(c, b'LIST (\\HasChildren) "." "new"')
    other.ok(b"SUBSCRIBE new")
    told(c, b'LIST (\\HasChildren \\Subscribed) "." "new"')
    other.ok(b"UNSUBSCRIBE new")
    told(c, b'LIST (\\HasChildren) "." "new"')
    other.ok(b"RENAME new old")
    told(c, b'LIST (\\HasChildren) "." "old" ("OLDNAME" ("new"))')
    other.ok(b"DELETE old.child")
    told(c, b'LIST (\\NonExistent \\HasNoChildren) "." "old.child"')
    told(c, b'LIST (\\HasNoChildren) "." "old"')
    other.ok(b"SUBSCRIBE nowhere")
    told(c, b'LIST (\\NonExistent \\HasNoChildren \\Subscribed) "." "nowhere"')
    assert quiet(c)


def test_metadata(clients):
    c, other = clients
    other.ok(b'SETMETADATA other (/private/comment "x" /shared/comment "y")')
    c.ok(b"NOTIFY SET (personal (MailboxMetadataChange "
         b"ServerMetadataChange))")
    other.ok(b'SETMETADATA other (/private/comment "z" /shared/comment NIL)')
    assert told(c, b'METADATA "other" ') == (
        b'METADATA "other" "/private/comment" "/shared/comment"')
    other.ok(b'SETMETADATA INBOX (/private/comment "x")')
    told(c, b'METADATA "INBOX" "/private/comment"')
    other.ok(b'SETMETADATA "" (/private/comment "x")')
    told(c, b'METADATA "" "/private/comment"')
    assert quiet(c)


def test_too_much(clients, maildir):
    c, _ = clients
    for n in range(210):
        make_maildir(os.path.join(maildir, ".x%d" % n))
    c.no(b"NOTIFY SET (personal %s)" % MESSAGES, b"[NOTIFICATIONOVERFLOW]")
    c.ok(b"NOTIFY SET (subtree other %s) (personal (MailboxName))" % MESSAGES)
    deliver(os.path.join(maildir, ".other"))
    told(c, b'STATUS "other" (')
