"""A milter on loopback, over the wire protocol, for tests.

    def talk(milter):                     # called for each connection
        for letter, data in milter:       # packets, macros left out
            milter.send(b"c")             # answers as the test wants

    with MilterServer(talk) as m:
        m.address                         # "inet:127.0.0.1:PORT"
        m.seen                            # [(letter, data), ...]
"""
import os
import socket
import struct
import threading

# What libmilter calls SMFIF_* and SMFIP_*.
ALL_ACTIONS = 0x7f


class Connection:
    def __init__(self, sock, server):
        self.sock, self.server = sock, server
        self.macros = {}

    def _read(self, n):
        data = b""
        while len(data) < n:
            more = self.sock.recv(n - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def __iter__(self):
        while True:
            try:
                n = struct.unpack(">I", self._read(4))[0]
                packet = self._read(n)
            except (EOFError, OSError):
                return
            letter, data = packet[:1].decode(), packet[1:]
            if letter == "D":
                texts = data[1:].split(b"\0")
                self.macros.update(zip(texts[::2], texts[1::2]))
                continue
            self.server.seen.append((letter, data))
            if letter == "Q":
                return
            yield letter, data

    def send(self, *packets):
        for p in packets:
            self.sock.sendall(struct.pack(">I", len(p)) + p)

    def negotiate(self, actions=ALL_ACTIONS, steps=0, version=6):
        self.send(b"O" + struct.pack(">III", version, actions, steps))


class MilterServer:
    def __init__(self, talk, path=None):
        self.talk, self.seen, self.macros = talk, [], {}
        if path:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(path)
            os.chmod(path, 0o777)
            self.address = "unix:" + path
        else:
            self.listener = socket.create_server(("127.0.0.1", 0))
            self.address = "inet:127.0.0.1:%d" % (
                self.listener.getsockname()[1])
        if path:
            self.listener.listen()

    def _serve(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with sock:
                c = Connection(sock, self)
                try:
                    self.talk(c)
                except OSError:
                    pass
                self.macros.update(c.macros)

    def __enter__(self):
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def letters(self):
        return "".join(letter for letter, _ in self.seen)


def answers(end=(b"c",), steps=0, **by_letter):
    """A talk that continues everywhere, but for the packets of by_letter, and
    says `end` at the end of the body."""
    def talk(c):
        for letter, _ in c:
            if letter == "O":
                c.negotiate(steps=steps)
            elif letter in by_letter:
                c.send(by_letter[letter])
            elif letter == "E":
                c.send(*end)
            else:
                c.send(b"c")
    return talk
