"""A ManageSieve client that says what it is told to (RFC 5804), of a host, or of
a sieved started on a folder.

    with SieveClient.of_host(host) as c:
        c.starttls()
        c.login("alice@mx.example.org", "secret")
        c.put("main", "keep;")
        assert c.list() == {"main": False}
"""
import base64
import re
import socket
import subprocess

from lineclient import insecure_context


class Answer:
    """status: OK, NO or BYE, or "" when the peer has ended; code: what stands
    in parentheses; text; data: the lines before, each a list of strings."""

    def __init__(self, data, words):
        self.data = data
        self.status = words[0] if words else ""
        self.code = self.text = ""
        for word in words[1:]:
            if isinstance(word, tuple):
                self.code = word[0]
            else:
                self.text = word

    def __repr__(self):
        return f"<{self.status} ({self.code}) {self.text!r} {self.data}>"

    def __bool__(self):
        return self.status == "OK"


def quote(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def literal(text):
    data = text.encode() if isinstance(text, str) else text
    return b"{%d+}\r\n" % len(data) + data


class SieveClient:
    def __init__(self, read, write, close, sock=None, host=None):
        self.file, self.write, self._close = read, write, close
        self.socket, self.host = sock, host
        self.greeting = self.answer()

    @classmethod
    def of_host(cls, host, source=None, timeout=30):
        s = socket.create_connection(
            (host.address, host.ports["sieve"]), timeout,
            (source, 0) if source else None)
        return cls(s.makefile("rb"), s.sendall, s.close, s, host)

    @classmethod
    def of_program(cls, program, folder, **more):
        p = subprocess.Popen([program, folder], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, **more)

        def write(data):
            p.stdin.write(data)
            p.stdin.flush()

        def close():
            p.stdin.close()
            p.wait(30)
            p.stdout.close()
        c = cls(p.stdout, write, close)
        c.process = p
        return c

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self._close:
            if self.socket:
                self.file.close()
            self._close()
        self._close = None

    # What comes

    def _words(self):
        """One line as words: atoms, strings, (code)."""
        words, line = [], self._line()
        while line:
            if m := re.match(rb'"((?:[^"\\]|\\.)*)"', line):
                words.append(re.sub(rb"\\(.)", rb"\1", m[1]).decode())
            elif m := re.match(rb"\{(\d+)\}$", line):
                words.append(self.file.read(int(m[1])).decode())
                line = self._line()
                continue
            elif m := re.match(rb"\(([A-Z/-]+)(?: (\"[^\"]*\"))?\)", line):
                words.append((m[1].decode(),))
            else:
                m = re.match(rb"\S+", line)
                words.append(m[0].decode())
            line = line[m.end():].lstrip(b" ")
        return words

    def _line(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            self.ended = True
            return b""
        return line[:-2]

    def answer(self):
        data = []
        self.ended = False
        while not self.ended:
            words = self._words()
            if words and words[0] in ("OK", "NO", "BYE"):
                return Answer(data, words)
            data.append(words)
        return Answer(data, [])

    def say(self, line):
        self.write((line.encode() if isinstance(line, str) else line) +
                   b"\r\n")
        return self.answer()

    # What a client does

    def capabilities(self, answer=None):
        a = answer or self.say("CAPABILITY")
        return {w[0]: w[1] if len(w) > 1 else None for w in a.data}

    def starttls(self):
        """The capabilities behind the handshake."""
        assert self.say("STARTTLS"), "no TLS"
        self.socket = insecure_context(self.host).wrap_socket(self.socket)
        self.file = self.socket.makefile("rb")
        self.write, self._close = self.socket.sendall, self.socket.close
        return self.capabilities(self.answer())

    def login(self, user, password):
        sasl = b"\0" + user.encode() + b"\0" + password.encode()
        return self.say('AUTHENTICATE "PLAIN" ' +
                        quote(base64.b64encode(sasl).decode()))

    def put(self, name, script):
        return self.say(f"PUTSCRIPT {quote(name)} ".encode() +
                        literal(script))

    def check(self, script):
        return self.say(b"CHECKSCRIPT " + literal(script))

    def list(self):
        """{name: whether it is active}"""
        a = self.say("LISTSCRIPTS")
        assert a
        return {w[0]: w[1:] == ["ACTIVE"] for w in a.data}

    def get(self, name):
        a = self.say("GETSCRIPT " + quote(name))
        return a.data[0][0] if a else a
