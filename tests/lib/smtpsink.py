"""A scriptable SMTP server on loopback for tests of an SMTP client.

    with SmtpSink("127.0.0.2", port) as sink:      # port 0: a free one
        sink.address                               # ("127.0.0.2", PORT)
        ...
        sink.transactions[0].message               # b"Received: ...\\r\\n"

`replies` says what it does; keys are stages, values behaviours:

    SmtpSink(replies={
        "connect": "421 4.3.2 come back later",    # the greeting
        "rcpt:nobody@example.org": "550 5.1.1 no such user",
        "data": ["451 not now", None],             # first time, then as usual
    })

Stages: connect, ehlo, helo, starttls, mail, rcpt, data, end (of data), rset,
quit, auth; "rcpt:ADDRESS" goes before "rcpt". Behaviours: None as usual; a string is
sent as the reply (lines ended by CRLF, a final one is added); bytes are sent as
they are; CUT closes the connection; STALL says nothing for ever; a function
called with the session returns one of these; a list is used up from its front,
its last one stays. After "421 ..." the sink closes the connection.

At the stage "body", CUT or STALL strike in the middle of the data.

`extensions` are the lines of EHLO (default PIPELINING, SIZE, 8BITMIME; STARTTLS
is added when `certificate`, the pair of files (chain, key), is given). `refuse`
listens on nothing, but keeps the port: connections are refused. `tls_first` is
for TLS before the greeting. `window` bounds
what the kernel takes before the sink reads it.

Every session is recorded in `sessions` (commands, whether over TLS), every
message that got its final reply in `transactions`.
"""
import base64
import hashlib
import re
import socket
import ssl
import threading

import scram

CUT = object()
STALL = object()
DEFAULT_EXTENSIONS = ("PIPELINING", "SIZE 52428800", "8BITMIME")
USUAL = {
    "connect": "220 {name} ESMTP",
    "helo": "250 {name}",
    "starttls": "220 2.0.0 go ahead",
    "mail": "250 2.1.0 ok",
    "rcpt": "250 2.1.5 ok",
    "data": "354 go ahead",
    "end": "250 2.0.0 taken",
    "rset": "250 2.0.0 ok",
    "noop": "250 2.0.0 ok",
    "auth": "235 2.7.0 welcome",
    "quit": "221 2.0.0 bye",
}


class Cut(Exception):
    """Ends a session."""


class Transaction:
    """One message: sender and recipients (without brackets), MAIL's
    parameters, and the octets between DATA and the final dot, dot-stuffing
    undone. `raw` has them as they came, with the dot."""

    def __init__(self, session):
        self.session = session
        self.sender = self.mail = None
        self.recipients = []
        self.message = self.raw = b""


class Session(threading.Thread):
    def __init__(self, sink, sock, peer):
        super().__init__(daemon=True)
        self.sink, self.sock = sink, sock
        self.peer = peer    # the client's address
        self.commands = []
        self.over_tls = False
        self.server_name = None
        self.hello = None
        self.ended = None   # "quit", "cut", "closed"
        self.buffer = b""
        self.transaction = None

    def run(self):
        try:
            self.talk()
        except (Cut, OSError):
            self.ended = self.ended or "cut"
        finally:
            self.sock.close()
            self.sink._gone(self)

    # Input

    def more(self):
        data = self.sock.recv(65536)
        if not data:
            self.ended = "closed"
            raise Cut
        self.buffer += data

    def line(self):
        while b"\n" not in self.buffer:
            self.more()
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.rstrip(b"\r").decode("latin-1")

    # Output

    def act(self, stage, default=None, argument=None, before=None):
        """Do what is set for the stage. The code that is sent; before(code)
        is called just before it is."""
        what = self.sink._behaviour(stage, argument)
        if callable(what):
            what = what(self)
        if what is None:
            what = default or USUAL[stage].format(name=self.sink.name)
        if what is CUT:
            raise Cut
        if what is STALL:
            self.sink._stopped.wait()
            raise Cut
        if isinstance(what, str):
            what = what.replace("\r\n", "\n").replace("\n", "\r\n")
            what = (what + "\r\n").encode()
        code = what[:3].decode("latin-1")
        if before is not None:
            before(code)
        self.sock.sendall(what)
        if code == "421":
            raise Cut
        return code

    # Commands

    def talk(self):
        if self.sink.tls_first:
            self.do_starttls(None)
        self.act("connect")
        while self.ended is None:
            line = self.line()
            self.commands.append(line)
            verb = line.split(" ", 1)[0].lower()
            command = getattr(self, "do_" + verb, None)
            if command is None:
                self.sock.sendall(b"500 5.5.1 what?\r\n")
            else:
                command(line)

    def do_ehlo(self, line):
        self.hello = line[5:]
        lines = [self.sink.name + " hello"] + list(self.sink.extensions)
        if self.sink.tls is not None and not self.over_tls:
            lines.append("STARTTLS")
        self.act("ehlo", "\n".join(
            "250" + ("-" if i < len(lines) - 1 else " ") + text
            for i, text in enumerate(lines)))

    def do_helo(self, line):
        self.hello = line[5:]
        self.act("helo")

    def do_starttls(self, _):
        if not self.sink.tls_first and self.act("starttls") != "220":
            return
        if self.sink.tls is None:
            raise Cut
        self.buffer = b""
        self.sock = self.sink.tls.wrap_socket(self.sock, server_side=True)
        self.over_tls = True

    def do_mail(self, line):
        if self.act("mail") == "250":
            self.transaction = Transaction(self)
            self.transaction.mail = line
            self.transaction.sender = line[
                line.index("<") + 1:line.rindex(">")]

    def do_rcpt(self, line):
        to = line[line.index("<") + 1:line.rindex(">")]
        if self.transaction is None:
            self.sock.sendall(b"503 5.5.1 MAIL first\r\n")
        elif self.act("rcpt", argument=to) in ("250", "251"):
            self.transaction.recipients.append(to)

    def do_data(self, _):
        t = self.transaction or Transaction(self)
        # What is set for "data" goes even for a DATA that is out of order.
        if not t.recipients and "data" not in self.sink.replies:
            self.sock.sendall(b"503 5.5.1 no valid recipients\r\n")
            return
        if self.act("data") != "354":
            return
        strike = self.sink._behaviour("body")
        data, start = bytearray(b"\r\n" + self.buffer), 0
        while (end := data.find(b"\r\n.\r\n", start)) < 0:
            if strike is not None and len(data) > 2:
                if strike is STALL:
                    self.sink._stopped.wait()
                raise Cut
            start = max(0, len(data) - 4)
            self.buffer = b""
            self.more()
            data += self.buffer
        t.raw, self.buffer = bytes(data[2:end + 5]), bytes(data[end + 5:])
        lines = t.raw[:-3].split(b"\r\n")
        t.message = b"\r\n".join(
            s[1:] if s.startswith(b".") else s for s in lines)
        self.transaction = None
        # Recorded before the client knows, so that a test may look at once.
        self.act("end", before=lambda code: code.startswith("2") and
                 self.sink._taken(t))

    def do_bdat(self, line):
        words = line.split()
        data = bytearray(self.buffer)
        while len(data) < int(words[1]):
            self.buffer = b""
            self.more()
            data += self.buffer
        self.buffer = bytes(data[int(words[1]):])
        t = self.transaction
        if t is None or not t.recipients:
            self.sock.sendall(b"503 5.5.1 no valid recipients\r\n")
            return
        t.message = t.raw = t.raw + bytes(data[:int(words[1])])
        if words[2:] != ["LAST"]:
            self.sock.sendall(b"250 2.0.0 ok\r\n")
            return
        self.transaction = None
        self.act("end", before=lambda code: code.startswith("2") and
                 self.sink._taken(t))

    def do_auth(self, line):
        """PLAIN, LOGIN and SCRAM-SHA-256; `logins` of the sink has (user,
        password)."""
        words = line.split()
        if words[1] == "SCRAM-SHA-256":
            self.do_scram(words[2])
            return

        def decode(text):
            return base64.b64decode(text).decode()
        if words[1] == "PLAIN":
            _, user, password = decode(words[2]).split("\0")
        else:
            self.sock.sendall(b"334 VXNlcm5hbWU6\r\n")
            user = decode(self.line())
            self.sock.sendall(b"334 UGFzc3dvcmQ6\r\n")
            password = decode(self.line())
        self.sink.logins.append((user, password))
        self.act("auth")

    def do_scram(self, first):
        """The password is the sink's; `scram` among its replies is how it
        errs: "nonce", "iterations", "garbage", "signature", "early"."""
        errs = self.sink.replies.get("scram")
        bare = base64.b64decode(first).decode().removeprefix("n,,")
        user, nonce = re.fullmatch(r"n=([^,]*),r=(.*)", bare).groups()
        count = 1000 if errs == "iterations" else 4096
        nonce = "another" if errs == "nonce" else nonce + "ours"
        server = f"r={nonce},s={scram.b64(b'some salt')},i={count}"
        self.challenge("?" if errs == "garbage" else server)
        said = self.line()
        if said == "*":
            self.sock.sendall(b"501 5.7.0 as you like\r\n")
            return
        final, proof = base64.b64decode(said).decode().split(",p=")
        salted = hashlib.pbkdf2_hmac(
            "sha256", self.sink.password.encode(), b"some salt", count)
        text = f"{bare},{server},{final}"
        client = scram.digest(salted, "Client Key")
        signature = scram.digest(hashlib.sha256(client).digest(), text)
        if proof != scram.b64(bytes(a ^ b for a, b in zip(client,
                                                           signature))):
            self.sock.sendall(b"535 5.7.8 no\r\n")
            return
        user = user.replace("=2C", ",").replace("=3D", "=")
        self.sink.logins.append((user, self.sink.password))
        if errs != "early":
            if errs == "signature":
                text += "x"
            self.challenge("v=" + scram.b64(scram.digest(
                scram.digest(salted, "Server Key"), text)))
            if self.line() != "":
                raise Cut
        self.act("auth")

    def challenge(self, text):
        self.sock.sendall(f"334 {scram.b64(text.encode())}\r\n".encode())

    def do_rset(self, _):
        self.transaction = None
        self.act("rset")

    def do_noop(self, _):
        self.act("noop")

    def do_quit(self, _):
        self.ended = "quit"
        self.act("quit")


class SmtpSink:
    def __init__(self, host="127.0.0.1", port=0, replies=None,
                 extensions=DEFAULT_EXTENSIONS, certificate=None,
                 name="sink.test", refuse=False, window=None,
                 tls_first=False):
        self.tls_first = tls_first
        self.replies = dict(replies or {})
        self.extensions = extensions
        self.name = name
        self.sessions, self.transactions, self.logins = [], [], []
        self.password = "secret"
        self._refuse = refuse
        self._stopped = threading.Event()
        self._changed = threading.Condition()
        self.tls = None
        if certificate is not None:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*certificate)
            self.tls.sni_callback = self._sni
        self._socket = socket.socket(
            socket.AF_INET6 if ":" in host else socket.AF_INET)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if window is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self._socket.bind((host, port))
        self.address = self._socket.getsockname()[:2]
        self.port = self.address[1]

    def start(self):
        if not self._refuse:
            self._socket.listen(100)
            threading.Thread(target=self._accept, daemon=True).start()
        return self

    def stop(self):
        self._stopped.set()
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()

    __enter__ = start

    def __exit__(self, *_):
        self.stop()

    def wait(self, count=1, timeout=10):
        """Wait for that many transactions; the list of them."""
        with self._changed:
            self._changed.wait_for(
                lambda: len(self.transactions) >= count, timeout)
            return list(self.transactions)

    def wait_ended(self, count=1, timeout=10):
        """Wait until that many sessions are over; the list of those."""
        with self._changed:
            self._changed.wait_for(
                lambda: sum(s.ended is not None for s in self.sessions)
                >= count, timeout)
            return [s for s in self.sessions if s.ended is not None]

    def _sni(self, sock, name, _):
        for s in self.sessions:
            if s.ended is None and s.server_name is None:
                s.server_name = name

    def _accept(self):
        while True:
            try:
                sock, address = self._socket.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            session = Session(self, sock, address[0])
            self.sessions.append(session)
            session.start()

    def _behaviour(self, stage, argument=None):
        for key in (f"{stage}:{argument}", stage):
            if key in self.replies:
                what = self.replies[key]
                if isinstance(what, list):
                    return what.pop(0) if len(what) > 1 else what[0]
                return what
        return None

    def _taken(self, transaction):
        with self._changed:
            self.transactions.append(transaction)
            self._changed.notify_all()

    def _gone(self, session):
        with self._changed:
            session.ended = session.ended or "cut"
            self._changed.notify_all()
