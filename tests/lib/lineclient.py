"""A client that speaks lines to a host of ours, over TLS or in the clear, from
any loopback address, and says what it is told to, also what no client would.

    with LineClient(host, "imaps", source="127.0.0.7") as c:
        c.say("a NOOP")         # -> the lines up to the tagged or last one

    login(host, "pop3s", "alice@mx.example.org", "secret")  # -> "ok"
"""
import base64
import re
import socket
import ssl

CLEAR = {"smtp", "submit", "pop3", "imap", "sieve"}
# The last line of an answer.
LAST = {"smtp": rb"\d\d\d( |\r)", "submit": rb"\d\d\d( |\r)",
        "pop3": rb"\+|-ERR", "imap": rb"[^*]|\* BYE|\* BAD",
        "sieve": rb"OK|NO|BYE"}


class LineClient:
    """service: a key of host.ports, e.g. "imap" or "imaps". The greeting is
    read at once and kept, unless greet is false. connection: instead of a new
    one."""

    def __init__(self, host, service, source=None, timeout=20, greet=True,
                 context=None):
        self.host, self.service = host, service
        self.kind = service if service in CLEAR else service[:-1]
        self.context = context or insecure_context(host)
        self.socket = socket.create_connection(
            (host.address, host.ports[service]), timeout,
            (source, 0) if source else None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""
        try:
            if service not in CLEAR:
                self.wrap()
            self.greeting = self.line().decode() if greet else None
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def wrap(self):
        """The handshake, now."""
        self.socket = self.context.wrap_socket(self.socket)
        self.rest = b""

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def line(self):
        """One line with its end; what there was of it if the peer ends."""
        while b"\n" not in self.rest:
            try:
                got = self.socket.recv(65536)
            except (ConnectionResetError, BrokenPipeError,
                    ssl.SSLEOFError, ssl.SSLZeroReturnError):
                got = b""
            if not got:
                line, self.rest = self.rest, b""
                return line
            self.rest += got
        line, _, self.rest = self.rest.partition(b"\n")
        return line + b"\n"

    def answer(self):
        """All lines of one answer, as text; "" if the peer has ended."""
        lines = b""
        while True:
            line = self.line()
            lines += line
            if not line or re.match(LAST[self.kind], line):
                return lines.decode("utf-8", "replace")

    def say(self, line):
        self.send(line.encode() + b"\r\n" if isinstance(line, str)
                  else line + b"\r\n")
        return self.answer()

    def all(self):
        """Everything until the peer ends."""
        data = b""
        while line := self.line():
            data += line
        return data.decode("utf-8", "replace")

    def starttls(self):
        """Returns the answer to the command; the handshake if it was yes."""
        if self.kind in ("smtp", "submit"):
            self.say("EHLO client.example")
        answer = self.say({"imap": "s STARTTLS",
                           "pop3": "STLS"}.get(self.kind, "STARTTLS"))
        if re.match(r"s OK|\+OK|220 ", answer):
            self.wrap()
        return answer

    def login(self, user, password):
        """One attempt; TLS must be on. "ok", "denied", "later", or the answer
        when it is none of these."""
        return self.plain(b"\0" + user.encode() + b"\0" + password.encode())

    def plain(self, sasl):
        """AUTH PLAIN with this message; results as login()."""
        text = base64.b64encode(sasl).decode()
        if self.kind == "submit":
            self.say("EHLO client.example")
            answer = self.say("AUTH PLAIN " + text)
        elif self.kind == "pop3":
            answer = self.say("AUTH PLAIN " + text)
        else:
            answer = self.say("l AUTHENTICATE PLAIN " + text)
        return self.verdict(answer)

    @staticmethod
    def verdict(answer):
        """Of the last answer to a login."""
        for pattern, verdict in (
                (r"235 |\+OK|l OK", "ok"),
                (r"535 |-ERR \[AUTH\]|l NO \[AUTHENTICATIONFAILED\]",
                 "denied"),
                (r"454 |421 |-ERR \[SYS/TEMP\]|l NO \[UNAVAILABLE\]",
                 "later")):
            if re.match(pattern, answer):
                return verdict
        return answer


def insecure_context(host):
    """Trusts the host's authority, whatever the name."""
    context = host.tls_context()
    context.check_hostname = False
    return context


def login(host, service, user, password, source=None, timeout=60):
    """Log in once on a new connection, and hang up."""
    with LineClient(host, service, source, timeout) as c:
        if service in CLEAR:
            c.starttls()
        return c.login(user, password)
