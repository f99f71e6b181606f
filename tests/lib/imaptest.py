"""Runs scripts in the format of Dovecot's imaptest against imapd processes on
one maildir (a process is a connection)."""
import os
import re
import select
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import imapgrammar  # noqa: E402


class Mismatch(Exception):
    pass


def parse(data):
    """One response line (literals in place, bytes) as nested lists of str."""
    stack, out, i = [], [], 0
    text = data
    while i < len(text):
        c = text[i:i + 1]
        if c == b" ":
            i += 1
        elif c == b"(":
            stack.append(out)
            out = []
            i += 1
        elif c == b")":
            inner, out = out, stack.pop()
            out.append(inner)
            i += 1
        elif c == b'"':
            s, i = b"", i + 1
            while text[i:i + 1] != b'"':
                if text[i:i + 1] == b"\\":
                    i += 1
                s += text[i:i + 1]
                i += 1
            i += 1
            out.append(s.decode("latin-1"))
        elif c == b"{" or text[i:i + 2] == b"~{":
            m = re.compile(rb"~?\{(\d+)\}\r\n").match(text, i)
            n = int(m[1])
            out.append(("\1" if c == b"~" else "")
                       + text[m.end():m.end() + n].decode("latin-1"))
            i = m.end() + n
        else:
            depth, start = 0, i
            while i < len(text):
                c = text[i:i + 1]
                if c == b"[":
                    depth += 1
                elif c == b"]":
                    depth -= 1
                elif depth <= 0 and c in b" ()":
                    break
                i += 1
            out.append(text[start:i].decode("latin-1"))
    return out


class Connection:
    def __init__(self, *command, **more):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **more)
        self.buffer = b""
        self.tag = 0
        self.utf8 = False
        assert self.line().startswith(b"* PREAUTH")

    def more(self, timeout=20):
        fd = self.process.stdout.fileno()
        if not select.select([fd], [], [], timeout)[0]:
            raise Mismatch("no answer; so far %r" % self.buffer)
        data = os.read(fd, 1 << 20)
        if not data:
            raise Mismatch("connection closed; %r" % self.buffer)
        self.buffer += data

    def line(self):
        """A whole response, its literals in place, without the last CRLF. It
        must be right in every octet."""
        response = self.response()
        imapgrammar.check(response, self.utf8)
        return response

    def response(self):
        end = 0
        while True:
            at = self.buffer.find(b"\r\n", end)
            while at < 0:
                self.more()
                at = self.buffer.find(b"\r\n", end)
            m = re.search(rb"\{(\d+)\}$", self.buffer[:at])
            if not m:
                out, self.buffer = self.buffer[:at], self.buffer[at + 2:]
                return out
            end = at + 2 + int(m[1])
            while len(self.buffer) < end:
                self.more()

    def send(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def command(self, data, tag=None):
        """Send; returns (status line without tag, untagged responses)."""
        if tag is None:
            self.tag += 1
            tag = "a%d" % self.tag
        self.send(tag.encode() + b" " + data + b"\r\n")
        return self.answer(tag)

    def answer(self, tag):
        untagged = []
        while True:
            line = self.line()
            if line.startswith(tag.encode() + b" "):
                return line[len(tag) + 1:], untagged
            if line.startswith(b"* "):
                untagged.append(line[2:])

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(10)


def mbox_date(line):
    """The date of a "From " line, as APPEND takes it."""
    m = re.search(rb"(\w{3}) +(\d+) (\d+:\d+:\d+) (\d{4})(?: ([-+]\d{4}))?",
                  line)
    return b"" if not m else b' "%2d-%s-%s %s %s"' % (
        int(m[2]), m[1], m[4], m[3], m[5] or b"+0000")


def read_mbox(path):
    """Messages, each with its date in front: (date, message)."""
    with open(path, "rb") as f:
        data = f.read()
    pieces = re.split(rb"(?m)^(From [^\n]*)\n", data)[1:]
    return [(mbox_date(a), b) for a, b in zip(pieces[::2], pieces[1::2])]


class Script:
    """One imaptest script."""

    def __init__(self, path, program, maildir):
        self.path, self.program, self.maildir = path, program, maildir
        self.mailbox = "imaptest"
        self.variables = {}
        with open(path, "rb") as f:
            text = f.read().replace(b"\r\n", b"\n")
        head, _, body = text.partition(b"\n\n")
        if not re.match(rb"(?:[a-z_]+:|#)", head):
            head, body = b"", text
        self.header = {}
        for line in head.decode().split("\n"):
            if ":" in line and not line.startswith("#"):
                k, v = line.split(":", 1)
                self.header[k.strip().lower()] = v.strip()
        self.lines = self.split(body)
        self.state = self.header.get("state", "selected")
        self.count = int(self.header.get("connections", "1"))
        mbox = path + ".mbox"
        if not os.path.exists(mbox):
            mbox = os.path.join(os.path.dirname(path), "default.mbox")
        self.messages = read_mbox(mbox)

    @staticmethod
    def split(body):
        """Logical lines: `{{{` starts a literal that `}}}` ends."""
        out, lines, i = [], body.split(b"\n"), 0
        while i < len(lines):
            line = lines[i]
            i += 1
            while True:
                m = re.search(rb"\{\{\{$", line)
                if not m:
                    break
                literal = []
                while not lines[i].startswith(b"}}}"):
                    literal.append(lines[i])
                    i += 1
                # ~{{{: carriage returns do not count.
                end = b"\n" if line.endswith(b"~{{{") else b"\r\n"
                data = end.join(literal)
                expected = line[:2] in (b"* ", b"! ")
                line = (line[:m.start()] + b"{%d%s}\r\n" % (
                    len(data), b"" if expected else b"+") + data
                        + lines[i][3:])
                i += 1
            if line.strip() and not line.startswith(b"#"):
                out.append(line)
        return out

    # Variables

    def expand(self, data, numbers=None):
        def sub(m):
            name = (m[1] or m[2]).decode()
            if name == "$":
                return b"$"
            if name == "mailbox":
                return self.mailbox.encode()
            if numbers is not None and name.isdigit():
                return b"%d" % numbers[int(name)]
            if name in ("user", "username", "domain", "password"):
                return b"user"
            value = self.variables[name]
            return value.encode("latin-1") if isinstance(value, str) else value
        return re.sub(rb"\$(?:\{(\w+)\}|(\w+|\$))", sub, data)

    def match_text(self, want, have):
        pieces = re.split(r"(\$\{?\w*\}?|\$)", want)
        if want == "$":
            return True
        if want.startswith("\1"):
            return want[1:] == have.replace("\r", "")
        if "$" not in want:
            return want.replace("\0", "$").lower() == have.lower()
        pattern, names = "", []
        for p in pieces:
            m = re.fullmatch(r"\$\{?(\w+)\}?", p)
            if p == "$":
                pattern += ".*"
            elif not m:
                pattern += re.escape(p.replace("\0", "$"))
            elif m[1] == "mailbox":
                pattern += re.escape(self.mailbox)
            elif m[1] in self.variables:
                pattern += re.escape(str(self.variables[m[1]]))
            else:
                names.append(m[1])
                pattern += "(.*)"
        m = re.fullmatch(pattern, have, re.I | re.S)
        if not m:
            return False
        for name, value in zip(names, m.groups()):
            self.variables[name] = value
        return True

    def match(self, want, have, how):
        if isinstance(want, str) and want.startswith("$") and (
                want == "$" or (want[1:] not in self.variables
                                and not isinstance(have, str))):
            if want != "$":
                self.variables[want[1:]] = have
            return True
        if isinstance(want, str) != isinstance(have, str):
            if isinstance(want, str) and want.startswith("$"):
                return self.variables.get(want[1:]) == have
            return False
        if isinstance(want, str):
            return self.match_text(want, have)
        return self.match_list(want, have, how)

    def match_list(self, want, have, how):
        want = list(want)
        chain, extra, ignore, ban = how
        directives = []
        while want and isinstance(want[0], str) and want[0].startswith("$!"):
            directives.append(want.pop(0)[2:])
        for d in directives:
            if d == "ordered":
                chain = 0
            elif d == "unordered":
                chain, extra = 1, True
            elif d.startswith("unordered="):
                chain, extra = int(d[10:]), True
            elif d == "noextra":
                extra = False
            elif d == "extra":
                extra = True
            elif d.startswith("ignore="):
                ignore = ignore + [d[7:].lower()]
            elif d.startswith("ban="):
                ban = ban + [d[4:].lower()]
        inner = (0, False, [], [])
        if chain == 0:
            return len(want) == len(have) and all(
                self.match(w, h, inner) for w, h in zip(want, have))
        have = [have[i:i + chain] for i in range(0, len(have), chain)]
        for i in range(0, len(want), chain):
            w = want[i:i + chain]
            for h in have:
                inner = (0, False, [], [])
                if (isinstance(w[0], str) and w[0].lower() == "flags"
                        and chain == 2):
                    inner = (1, False, ["\\recent"], [])
                saved = dict(self.variables)
                if len(h) == len(w) and all(
                        self.match(a, b, inner) for a, b in zip(w, h)):
                    have.remove(h)
                    break
                self.variables = saved
            else:
                return False
        left = [h[0].lower() if isinstance(h[0], str) else h for h in have]
        if any(h in ban for h in left):
            return False
        return extra or all(h in ignore for h in left)

    def match_response(self, want, line):
        try:
            w, h = parse(want), parse(line)
        except (IndexError, TypeError) as e:
            raise Mismatch("cannot parse %r: %s" % (line, e))
        if want.lower().startswith((b"ok ", b"no ", b"bad ", b"bye")):
            # A prefix of the response code.
            return self.match_prefix(want, line)
        how = [(0, False, [], [])] * 99
        word = h[1].lower() if len(h) > 1 and isinstance(h[1], str) else ""
        if word == "fetch" and len(h) == 3 and len(w) == 3:
            return (self.match(w[0], h[0], how[0]) and
                    self.match(w[1], h[1], how[0]) and
                    self.match(w[2], h[2], (2, True, [], [])))
        first = h[0].lower() if h and isinstance(h[0], str) else ""
        if first in ("list", "lsub", "flags"):
            how[1] = (1, True, [], [])
        if first == "status":
            how[2] = (2, True, [], [])
        return len(w) == len(h) and all(
            self.match(a, b, how[i]) for i, (a, b) in enumerate(zip(w, h)))

    def match_prefix(self, want, line):
        w = re.findall(rb"[^ \[\]]+|[\[\]]", want)
        h = re.findall(rb"[^ \[\]]+|[\[\]]", line)
        return len(h) >= len(w) and all(
            self.match_text(a.decode("latin-1"), b.decode("latin-1"))
            for a, b in zip(w, h))

    # Running

    def prepare(self):
        self.connections = [Connection(self.program, self.maildir)
                            for _ in range(self.count)]
        c = self.connections[0]
        if self.state in ("created", "appended", "selected"):
            c.command(b"create " + self.mailbox.encode())
        if self.state in ("appended", "selected"):
            n = self.header.get("messages", "all")
            n = len(self.messages) if n == "all" else int(n)
            for i in range(n):
                self.append(c, self.messages[i % len(self.messages)], b"")
        if self.state == "selected":
            for c in self.connections:
                status, _ = c.command(b"select " + self.mailbox.encode())
                assert status.startswith(b"OK"), status
        self.next_message = 0

    def append(self, c, message, arguments):
        date, text = message
        data = text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        return c.command(b"append " + (
            arguments or self.mailbox.encode() + date)
            + b" {%d+}\r\n" % len(data) + data)

    def run(self):
        self.prepare()
        try:
            i = 0
            while i < len(self.lines):
                i = self.step(i)
        finally:
            for c in self.connections:
                c.process.kill()
                c.close()

    def step(self, i):
        line = self.lines[i]
        start = line
        number = 0
        if self.count > 1:
            m = re.match(rb"(\d+) (.*)$", line, re.S)
            number, line = int(m[1]) - 1, m[2]
        c = self.connections[number]
        m = re.match(rb'(?i)(ok|no|bad|"") (.*)$', line, re.S)
        i += 1
        wanted = []
        status = None
        if m:
            status, line = m[1], m[2]
        while i < len(self.lines) and self.lines[i][:2] in (b"* ", b"! "):
            wanted.append(self.lines[i])
            i += 1
        if status is None:
            status = self.lines[i]
            if self.count > 1:
                status = status.split(b" ", 1)[1]
            i += 1
        got, untagged = self.send(c, self.expand(line))
        where = "%s: %r\n answered %r\n untagged %r" % (
            os.path.basename(self.path), start, got, untagged)
        if status != b'""' and not self.match_prefix(status, got):
            raise Mismatch("wanted %r in %s" % (status, where))
        self.check(wanted, untagged, where)
        return i

    def send(self, c, line):
        m = re.match(rb"(?i)append(?: (.*))?$", line, re.S)
        if m and b"{" not in line:
            message = self.messages[self.next_message % len(self.messages)]
            self.next_message += 1
            arguments = m[1] or b""
            if arguments.startswith(b"("):
                arguments = self.mailbox.encode() + b" " + arguments
            return self.append(c, message, arguments)
        return c.command(line)

    def check(self, wanted, untagged, where):
        # $n: the number that message n of the command's start has by now.
        numbers = list(range(100000))
        left = []
        for line in untagged:
            m = re.match(rb"(\d+) EXPUNGE", line)
            left.append((line, list(numbers)))
            if m:
                gone = int(m[1])
                at = numbers.index(gone)
                numbers[at] = 0
                for k in range(at + 1, len(numbers)):
                    if numbers[k]:
                        numbers[k] -= 1
        for w in wanted:
            for line, now in left:
                text = re.sub(rb"^\$(\d+) ",
                              lambda m: b"%d " % now[int(m[1])], w[2:])
                saved = dict(self.variables)
                text = text.replace(b"$$", b"\0")
                if self.match_response(text, line):
                    if w[:1] == b"!":
                        raise Mismatch("unwanted %r in %s" % (w, where))
                    break
                self.variables = saved
            else:
                if w[:1] == b"*":
                    raise Mismatch("missing %r in %s" % (w, where))
