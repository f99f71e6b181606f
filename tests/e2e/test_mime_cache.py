"""mime ls takes from imapd's cache what it shows, and never a wrong answer."""
import os
import pathlib
import random
import subprocess

import pytest
from imapalone import BUILD, Client, make_maildir

MIME = os.path.join(BUILD, "bin", "mime")
CORPUS = pathlib.Path(__file__).parents[3] / "shared" / "testdata" / "mime"
BLANK = b"Subject: not looked at\n\n"


def ls(folder, *options, code=0):
    done = subprocess.run([MIME, "ls", *options, str(folder)], timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == code, done.stderr
    return done.stdout


def messages():
    """Some of everybody's, and some that a header's reader can stumble on."""
    found = sorted(CORPUS.rglob("*.msg"))[:300] if CORPUS.is_dir() else []
    for i in range(40):
        refers = f"References: <{i // 3}@x>\n" if i % 4 else ""
        yield (f"Date: Fri, 21 Nov 1997 09:{i:02}:06 +0000\nFrom: "
               f"=?utf-8?q?J=C3=B6rn_{i}?= <j@example.org>\nMessage-ID: "
               f"<{i}@x>\n{refers}Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n"
               f" {i}\n\ntext\n").encode()
    yield b""
    yield b"\n"
    yield b"no header at all"
    yield b"Subject: twice\r\nsubject : other\r\nFROM:\r\n\tx@y\r\n\r\nz"
    yield b"From x\nSubject: a\x00b\xff\r c\n \n\tmore\nDate: never\n\n"
    yield b"X: " + b"x" * 70000 + b"\nSubject: far down\n\ntext\n"
    yield b"Subject: " + b"long " * 20000 + b"\nFrom: a@b\n\ntext\n"
    for path in found:
        yield path.read_bytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A maildir that imapd has filled the cache of."""
    maildir = tmp_path_factory.mktemp("cache") / "Maildir"
    make_maildir(maildir)
    chance = random.Random(3)
    for i, text in enumerate(messages()):
        flags = ["", ":2,", ":2,FS", ":2,RSa"][i % 4]
        name = f"{1600000000 + i}.M{i}P1.host{flags}"
        sub = "cur" if flags else "new"
        (maildir / sub / name).write_bytes(text)
        moment = 1500000000 + chance.randrange(10 ** 8)
        os.utime(maildir / sub / name, (moment, moment))
    client = Client(str(maildir))
    client.ok(b"SELECT INBOX")
    client.ok(b"FETCH 1:* (ENVELOPE)")
    client.command(b"LOGOUT")
    client.stop()
    return maildir


def files(folder):
    return sorted([*(folder / "cur").iterdir(), *(folder / "new").iterdir()])


def without(folder, *options):
    """What ls says when there is no cache."""
    cache, aside = folder / "kereru-meta", folder / "without"
    cache.rename(aside)
    try:
        return ls(folder, *options)
    finally:
        aside.rename(cache)


@pytest.mark.parametrize("options", [(), ("-f",), ("-t",), ("-ft",)])
def test_the_cache_says_what_the_messages_say(folder, options):
    assert (folder / "kereru-meta").stat().st_size > 10000
    assert ls(folder, *options) == without(folder, *options)


def test_no_message_is_opened(folder):
    """Their contents are overwritten, names and times as they were."""
    said = ls(folder, "-f")
    kept = {}
    for path in files(folder):
        kept[path] = path.read_bytes(), path.stat().st_mtime
    try:
        for path, (_, moment) in kept.items():
            path.write_bytes(BLANK)
            os.utime(path, (moment, moment))
        # One has a header that is too large for the cache.
        blank = [line for line in ls(folder, "-f").splitlines()
                 if b"not looked at" in line]
        assert len(blank) == 1
        left = [line for line in said.splitlines()
                if line.split(b"\t")[0] != blank[0].split(b"\t")[0]]
        assert [line for line in ls(folder, "-f").splitlines()
                if line not in blank] == left
        # A message that has changed is read, and so is one with a name of its
        # own or on a place of its own.
        first, second, third = list(kept)[5:8]
        os.utime(first, (5, 5))
        copy = second.with_name("copy")
        copy.write_bytes(BLANK)
        os.utime(copy, (kept[second][1], kept[second][1]))
        copy.rename(second)
        link = third.with_name("1700000000.link.host:2,")
        os.link(third, link)
        out = ls(folder, "-f").splitlines()
        link.unlink()
        blank = {line.split(b"\t")[0].decode() for line in out
                 if b"not looked at" in line} - {blank[0].split(b"\t")[0]
                                                 .decode()}
        assert blank == {str(first), str(second), str(link)}
    finally:
        for path, (text, moment) in kept.items():
            path.write_bytes(text)
            os.utime(path, (moment, moment))


def test_a_damaged_cache_changes_nothing(folder):
    cache = folder / "kereru-meta"
    whole = cache.read_bytes()
    said = without(folder, "-f")
    chance = random.Random(4)
    damaged = [b"", whole[:8], whole[:-1], whole[:len(whole) // 2],
               whole[:8] + bytes(len(whole) - 8), whole[4:], b"x" * 5000,
               whole[:8] + b"\xff" * 4096 + whole[4104:]]
    for _ in range(25):
        text = bytearray(whole)
        for _ in range(chance.choice((1, 30, 3000))):
            at = chance.randrange(len(text))
            text[at] = chance.randrange(256)
        damaged.append(bytes(text))
    try:
        for text in damaged:
            cache.write_bytes(text)
            assert ls(folder, "-f") == said
        cache.unlink()
        os.mkfifo(cache)
        assert ls(folder, "-f") == said
        cache.unlink()
        cache.symlink_to(folder / "cur")
        assert ls(folder, "-f") == said
    finally:
        cache.unlink()
        cache.write_bytes(whole)
    assert cache.read_bytes() == whole
