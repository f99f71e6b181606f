"""COMPRESS=DEFLATE: imapd alone."""
import os
import random
import sys
import zlib

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "lib"))
from imapalone import Client, deliver, make_maildir  # noqa: E402


class Compressed(Client):
    packer = None

    def start(self, level=6):
        status, _ = self.command(b"COMPRESS DEFLATE")
        assert status.startswith(b"OK")
        assert not self.buffer, "clear text behind the answer"
        self.packer = zlib.compressobj(level, zlib.DEFLATED, -15)
        self.unpacker = zlib.decompressobj(-15)
        self.received = 0

    def send(self, data, flush=zlib.Z_SYNC_FLUSH):
        if self.packer:
            data = self.packer.compress(data) + self.packer.flush(flush)
        super().send(data)

    def more(self, timeout=20):
        had, self.buffer = self.buffer, b""
        super().more(timeout)
        if self.packer:
            self.received += len(self.buffer)
            self.buffer = self.unpacker.decompress(self.buffer)
        self.buffer = had + self.buffer


@pytest.fixture
def maildir(tmp_path):
    return make_maildir(tmp_path / "Maildir")


@pytest.fixture
def client(maildir):
    c = Compressed(maildir)
    yield c
    c.stop()


def test_deflate(client, maildir):
    client.bad(b"COMPRESS")
    client.bad(b"COMPRESS LZMA")
    client.start()
    client.no(b"COMPRESS DEFLATE", b"[COMPRESSIONACTIVE]")
    client.ok(b"SELECT INBOX")
    random.seed(1)
    noise = bytes(random.randrange(32, 127) for _ in range(300000)) + b"\r\n"
    lines = b"Subject: x\r\n\r\n" + b"the same again\r\n" * 50000
    for text in (noise, lines):
        client.append(b"INBOX", text)
    assert client.body(1) == noise
    before = client.received
    assert client.body(2) == lines
    assert client.received - before < len(lines) / 20
    # Many commands at once, in one packet and in tiny ones.
    client.send(b"".join(b"t%d NOOP\r\n" % i for i in range(5000)))
    assert all(client.answer("t%d" % i)[0].startswith(b"OK")
               for i in range(5000))
    packed = client.packer.compress(b"x NOOP\r\n") + client.packer.flush(
        zlib.Z_SYNC_FLUSH)
    for octet in packed:
        client.process.stdin.write(bytes([octet]))
        client.process.stdin.flush()
    assert client.answer("x")[0].startswith(b"OK")


def test_idle_ends_though_its_end_was_read_ahead(client, maildir):
    client.start()
    client.ok(b"SELECT INBOX")
    # IDLE and DONE in one packet with much in front of them.
    client.send(b"".join(b"t%d NOOP\r\n" % i for i in range(2000))
                + b"i IDLE\r\nDONE\r\nz NOOP\r\n")
    assert client.answer("i")[0].startswith(b"OK")
    assert client.answer("z")[0].startswith(b"OK")
    client.send(b"j IDLE\r\n")
    while client.line() != b"+ idling":
        pass
    deliver(maildir)
    assert client.line() == b"* 1 EXISTS"
    client.send(b"DONE\r\n")
    assert client.answer("j")[0].startswith(b"OK")


def test_clear_text_behind_the_command_is_dropped(client):
    client.send(b"a COMPRESS DEFLATE\r\nb CREATE evil\r\n")
    assert client.answer("a")[0].startswith(b"OK")
    client.packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    client.unpacker, client.received = zlib.decompressobj(-15), 0
    assert not any(b"evil" in u for u in client.ok(b'LIST "" "*"'))


def test_rubbish_ends_the_session(client):
    client.start()
    client.packer = None
    client.send(b"\xff" * 100)
    assert client.process.wait(20) == 0


def test_a_bomb_takes_no_memory(client):
    client.start(9)
    bomb = client.packer.compress(b"x" * (50 << 20)) + client.packer.flush(
        zlib.Z_SYNC_FLUSH)
    client.process.stdin.write(bomb)
    client.send(b"\r\n")
    client.buffer = b""
    assert b"TOOBIG" in client.response()
    with open("/proc/%d/status" % client.process.pid) as f:
        peak = next(line for line in f if line.startswith("VmHWM"))
    assert int(peak.split()[1]) < 20000
