"""imapd alone on a maildir of a test's own, its responses checked."""
import os
import re
import time

from imaptest import Connection

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.environ.get("KERERU_BUILD", os.path.join(REPOSITORY, "build"))
IMAPD = os.path.join(BUILD, "bin", "imapd")


def make_maildir(path):
    for sub in ("cur", "new", "tmp"):
        os.makedirs(os.path.join(path, sub), 0o700)
    return str(path)


class Client(Connection):
    def __init__(self, maildir, *options, **more):
        super().__init__(IMAPD, *options, maildir, **more)

    def ok(self, command):
        """The untagged responses of a command that must succeed."""
        status, untagged = self.command(command)
        assert status.startswith(b"OK"), (command, status, untagged)
        return untagged

    def no(self, command, code=b"", word=b"NO"):
        """The tagged answer of one that must not."""
        status, untagged = self.command(command)
        assert status.startswith(word + b" " + code), (command, status)
        return untagged

    def bad(self, command, code=b""):
        return self.no(command, code, b"BAD")

    def append(self, mailbox, text, more=b""):
        status, _ = self.command(b"APPEND %s%s {%d+}\r\n%s" % (
            mailbox, more, len(text), text))
        m = re.match(rb"OK \[APPENDUID (\d+) (\d+)\]", status)
        assert m, status
        return int(m[2])

    def body(self, number, section=b""):
        """BODY[section] of a message of the selected mailbox."""
        for line in self.ok(b"FETCH %d BODY.PEEK[%s]" % (number, section)):
            m = re.match(rb"\d+ FETCH \(BODY\[[^\]]*\] \{(\d+)\}\r\n", line)
            if m:
                return line[m.end():m.end() + int(m[1])]
        raise AssertionError("no BODY")

    def stop(self):
        self.process.kill()
        self.close()


counter = 0


def deliver(folder, text="Subject: x\n\nbody\n", flags="", sub="new"):
    """Put a message into a maildir as a shell would; returns its name."""
    global counter
    counter += 1
    name = "%d.M%06dP1Q.host%s" % (int(time.time()), counter, flags)
    tmp = os.path.join(folder, "tmp", name)
    with open(tmp, "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())
    os.rename(tmp, os.path.join(folder, sub, name))
    return name
