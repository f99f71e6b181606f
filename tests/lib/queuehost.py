"""A host with a queue alone: tables, folders, starter, and a dropper.

    with QueueHost() as host:
        host.drop("alice@a.test", ["bob@a.test"], b"Subject: x\\r\\n\\r\\nhi\\r\\n")
        host.mail("bob@a.test", 1)       # waits for one message
        host.events("delivered")         # log lines as dictionaries

Uids are numeric and have no account. Must run as root.
"""
import os
import secrets
import shlex
import shutil
import signal
import subprocess
import tempfile
import time

from cdbfile import write_cdb

REPO = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.environ.get("KERERU_BUILD", os.path.join(REPO, "build"))
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
UID = {name: 61300 + i for i, name in enumerate(
    ["smtpd", "relay", "submit", "pop3d", "imapd", "auth", "queue", "remote",
     "drop", "sign"])}
MAILBOX_MIN, MAILBOX_MAX = 2613000, 2613999
MESSAGE = b"From: a@a.test\r\nSubject: hello\r\n\r\nHello.\r\n"


def make_id():
    n = int((time.time() - 1577836800) * 1e6)
    text = ""
    for _ in range(10):
        text = ALPHABET[n & 31] + text
        n >>= 5
    return text + "".join(secrets.choice(ALPHABET) for _ in range(6))


def envelope(ident, sender, recipients, message, added=b"", flags="",
             size=None, arrived=None, next_=0, expires=0, attempts=0,
             origin="test", length=0, options="", wishes={}):
    if arrived is None:
        arrived = int(time.time() * 1e6)
    if size is None:
        size = length + len(message) + len(added)
    states = "".join(
        (f"to {r[0]} <{r[1]}>\n" if isinstance(r, tuple)
         else f"to - <{r}>\n") + wishes.get(r, "") for r in recipients)
    return (f"kereru-queue 1\nid {ident}\nsize {size:020}\n"
            f"message {length:020} {len(message):020}\n"
            f"added {length + len(message):020} {len(added):020}\n"
            f"arrived {arrived:020}\nnext {next_:020}\n"
            f"expires {expires:020}\nattempts {attempts:020}\n"
            f"flags{' ' + flags if flags else ''}\n{options}"
            f"origin {origin}\n"
            f"from <{sender}>\n{states}\n").encode()


def queue_file(ident, sender, recipients, message=MESSAGE, added=b"", **more):
    size = more.pop("size", None)
    length = len(envelope(ident, sender, recipients, message, added, **more))
    return envelope(ident, sender, recipients, message, added, length=length,
                    size=size, **more) + message + added


def as_user(uid, work):
    """Run work() in a child with this uid and gid; its exit code."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([UID["drop"]])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            work()
            os._exit(0)
        except BaseException as e:
            os.write(2, f"{e!r}\n".encode())
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def wait_for(condition, seconds=10, step=0.02):
    end = time.time() + seconds
    while True:
        value = condition()
        if value or time.time() > end:
            return value
        time.sleep(step)


class QueueHost:
    users = {"alice@a.test": 0, "bob@a.test": 1, "carol@a.test": 2}
    aliases = {"one@a.test": ["bob@a.test"],
               "both@a.test": ["alice@a.test", "bob@a.test"],
               "nested@a.test": ["both@a.test", "carol@a.test",
                                 "alice@a.test"],
               "loop@a.test": ["loop2@a.test"],
               "loop2@a.test": ["loop@a.test"],
               "out@a.test": ["x@dead.test", "bob@a.test"],
               "postmaster@mx.a.test": ["carol@a.test"]}
    routes = {domain: "[127.0.0.1]:1" for domain in (
        ["dead.test"] + [name + ".dead.test" for name in (
            "one", "two", "h", "d", "b", "w")])}

    def __init__(self, folder=None, start=True, **settings):
        self.top = tempfile.mkdtemp(prefix="queuehost-", dir=folder)
        os.chmod(self.top, 0o711)
        self.state = os.path.join(self.top, "state")
        self.tables = os.path.join(self.state, "tables")
        self.queue = os.path.join(self.state, "queue")
        self.log = os.path.join(self.top, "log")
        self.settings = {"hostname": "mx.a.test", "state": self.state,
                         "libexec": os.path.abspath(os.path.join(BUILD, "bin")),
                         "retry-first": "1", "retry-max": "2",
                         "queue-lifetime": "1000", "remote-port": "25",
                         "local-concurrency": "50",
                         "remote-concurrency": "20",
                         "remote-concurrency-per-destination": "5",
                         "resolver": "127.0.0.1:1",
                         "remote-hello": "mx.a.test",
                         "mailbox-uid-min": str(MAILBOX_MIN),
                         "mailbox-uid-max": str(MAILBOX_MAX)}
        for name, uid in UID.items():
            self.settings[f"uid-{name}"] = self.settings[f"gid-{name}"] = \
                str(uid)
        self.settings.update(
            {k.replace("_", "-"): str(v) for k, v in settings.items()})
        self.process = None
        self.make_folders()
        self.make_tables()
        if start:
            self.start()

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.stop()
        shutil.rmtree(self.top, ignore_errors=True)

    def make_folders(self):
        q = UID["queue"]
        os.makedirs(self.tables)
        os.mkdir(self.queue)
        for name, mode in (("tmp", 0o3733), ("new", 0o3733), ("cur", 0o700),
                           ("bad", 0o700)):
            path = os.path.join(self.queue, name)
            os.mkdir(path)
            os.chown(path, q, q)
            os.chmod(path, mode)
        os.chown(self.queue, q, UID["drop"])
        os.chmod(self.queue, 0o710)
        os.mkdir(os.path.join(self.state, "mail"))
        for path in (self.state, self.tables,
                     os.path.join(self.state, "mail")):
            os.chmod(path, 0o711)
        for address in self.users:
            home = self.home(address)
            for path in (home, home + "/tmp", home + "/new", home + "/cur"):
                os.mkdir(path)
                os.chmod(path, 0o700)
                os.chown(path, self.uid(address), self.uid(address))

    def home(self, address):
        return os.path.join(self.state, "mail", address)

    def uid(self, address):
        return MAILBOX_MIN + self.users[address]

    def put_table(self, name, records, mode, group=0):
        path = os.path.join(self.tables, name)
        write_cdb(path + ".new", records)
        os.chown(path + ".new", 0, group)
        os.chmod(path + ".new", mode)
        os.rename(path + ".new", path)

    def make_tables(self):
        q = UID["queue"]
        recipients = {"@a.test": "local", "@mx.a.test": "local",
                      "@backup.test": "backup"}
        for address in self.users:
            recipients[address] = f"m {self.uid(address)}"
        for address, targets in self.aliases.items():
            uids = {self.uid(t) for t in targets if t in self.users}
            recipients[address] = "a " + " ".join(map(str, sorted(uids)))
        self.put_table("settings.cdb", {
            k: v + "\0" for k, v in self.settings.items()}, 0o644)
        self.put_table("recipients.cdb", recipients, 0o640, q)
        self.put_table("aliases.cdb", {
            k: "".join(t + "\0" for t in v)
            for k, v in self.aliases.items()}, 0o640, q)
        self.put_table("routes.cdb", self.routes, 0o640, q)
        self.put_table("users.cdb", {
            a: f"{self.uid(a)}\0{self.home(a)}\0" for a in self.users}, 0o600)

    def move_clock(self, seconds):
        """Put the queue's clock that far ahead of ours; before the first
        start, 0 will do, so that it can be moved later."""
        path = os.path.join(self.queue, "clock")
        fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
        os.pwrite(fd, b"%020d\n" % seconds, 0)
        os.close(fd)

    def command(self, text, uid=0):
        """Drop a command; its file's name."""
        ident = make_id()
        secret = "".join(secrets.choice(ALPHABET) for _ in range(26))
        self.put_file(f"{ident}.{secret}", queue_file(
            ident, "", [], b"", flags="command",
            options=f"command {text}\n"), uid)
        return f"{ident}.{secret}"

    def start(self, seconds=10):
        reader, writer = os.pipe()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [os.path.join(BUILD, "bin", "starter"), "-t", self.tables,
                 "-d", str(writer)], pass_fds=[writer], stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True)
        os.close(writer)
        os.set_blocking(reader, False)

        def is_ready():
            try:
                return os.read(reader, 1) == b"\n"
            except BlockingIOError:
                return False
        try:
            assert wait_for(is_ready, seconds), self.log_text()
        except AssertionError:
            self.stop()
            raise
        finally:
            os.close(reader)

    def stop(self, sig=signal.SIGTERM):
        if self.process is None:
            return None
        self.process.send_signal(sig)
        code = self.process.wait(40)
        self.process = None
        return code

    def children(self):
        """{program: pid} of the starter's children."""
        found = {}
        pid = self.process.pid
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            for child in f.read().split():
                try:
                    with open(f"/proc/{child}/cmdline") as c:
                        program = c.read().split("\0")[0]
                    found[os.path.basename(program)] = int(child)
                except OSError:
                    pass
        return found

    def log_text(self):
        with open(self.log, errors="replace") as f:
            return f.read()

    def events(self, event, **fields):
        found = []
        for line in self.log_text().splitlines():
            try:
                words = shlex.split(line)
            except ValueError:
                continue
            values = dict(w.split("=", 1) for w in words[1:] if "=" in w)
            if values.get("event") == event and all(
                    values.get(k) == v for k, v in fields.items()):
                found.append(values)
        return found

    def wait_event(self, event, count=1, seconds=10, **fields):
        wait_for(lambda: len(self.events(event, **fields)) >= count, seconds,
                 0.05)
        found = self.events(event, **fields)
        assert len(found) >= count, self.log_text()
        return found

    def put_file(self, name, data, uid, mode=0o660, sync=False):
        """Write tmp/name as uid and rename it into new."""
        tmp = os.path.join(self.queue, "tmp", name)
        new = os.path.join(self.queue, "new", name)

        def work():
            os.umask(0)
            fd = os.open(tmp, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            os.write(fd, data)
            if sync:
                os.fsync(fd)
            os.close(fd)
            os.rename(tmp, new)
        assert as_user(uid, work) == 0

    def drop(self, sender, recipients, message=MESSAGE, uid=None, **more):
        """Returns the id."""
        ident = make_id()
        secret = "".join(secrets.choice(ALPHABET) for _ in range(26))
        self.put_file(f"{ident}.{secret}",
                      queue_file(ident, sender, recipients, message, **more),
                      UID["relay"] if uid is None else uid)
        return ident

    def drop_many(self, count, sender, recipients, message=MESSAGE, **more):
        """As drop, but many from one process; returns the ids."""
        files = []
        for _ in range(count):
            ident = make_id()
            files.append((ident + "." + "0" * 26, queue_file(
                ident, sender, recipients, message, **more)))

        def work():
            os.umask(0)
            os.chdir(self.queue)
            for name, data in files:
                with open(f"tmp/{name}", "xb") as f:
                    os.fchmod(f.fileno(), 0o660)
                    f.write(data)
                os.rename(f"tmp/{name}", f"new/{name}")
        assert as_user(UID["relay"], work) == 0
        return [name[:16] for name, _ in files]

    def files(self, folder):
        return sorted(os.listdir(os.path.join(self.queue, folder)))

    def is_empty(self):
        return not self.files("new") and not self.files("cur")

    def mail(self, address, count=None, seconds=10):
        """Texts of the messages in new, waiting for count of them."""
        folder = os.path.join(self.home(address), "new")
        if count is not None:
            wait_for(lambda: len(os.listdir(folder)) >= count, seconds)
        texts = []
        for name in sorted(os.listdir(folder)):
            with open(os.path.join(folder, name), "rb") as f:
                texts.append(f.read())
        if count is not None:
            assert len(texts) == count, (texts, self.log_text())
        return texts
