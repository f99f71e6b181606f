"""What the measured systems have in common."""

import glob
import os
import shutil
import signal
import socket
import subprocess
import time

from group import Group

DOMAIN = "bench.test"
PASSWORD = "pigeon"
# Mailboxes m0 to m99 get mail. m100 is full, and read; m101 has few messages,
# m102 very many; what is in m103 is changed.
MAILBOXES = 100
READER, SMALL, HUGE, CHANGED = range(MAILBOXES, MAILBOXES + 4)
NUMBERS = range(CHANGED + 1)
# Of the rivals' mailboxes; numbers without an account.
UID_FIRST = 610000


class Unavailable(Exception):
    """This system cannot be measured here; the text says why."""


def mailbox(number):
    return f"m{number}@{DOMAIN}"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(port, seconds=20, alive=lambda: True):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if not alive():
                break
            time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port}")


def make_folder(path, uid=0, gid=0, mode=0o755):
    os.makedirs(path, exist_ok=True)
    os.chmod(path, mode)
    os.chown(path, uid, gid)


def make_maildir(path, uid):
    for name in ("", "tmp", "new", "cur"):
        make_folder(os.path.join(path, name), uid, uid, 0o700)


def make_certificate(folder):
    """A self-signed P-256 certificate: tls.pem and tls.key in folder."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj",
         f"/CN={DOMAIN}", "-keyout", f"{folder}/tls.key", "-out",
         f"{folder}/tls.pem"],
        check=True, stderr=subprocess.DEVNULL)


class System:
    """One system: prepared and started once, measured often, then stopped.

    kinds         what can be measured: "mail", "deliver" (smtp_port) and
                  "drain" (hold_queue);
                  "imap", "change", "login", "idle" and "idle-many" (imaps_port);
                  "pop3" (pop3s_port)
    lmtp          whether smtp_port is one of LMTP
    address       where it listens
    home          its folder on the root file system: programs, settings, logs
    disk          its folder on the measured file system: queue and mail
    rest_seconds  how long idle connections need until they cost least
    """

    name = None
    kinds = ()
    address = "127.0.0.1"
    rest_seconds = 2
    lmtp = False

    def __init__(self, work, disk):
        self.home = os.path.join(work, self.name)
        self.disk = os.path.join(disk, self.name)
        self.group = None
        self.process = None
        self.filled = set()

    def prepare(self):
        make_folder(self.home)
        make_folder(self.disk, mode=0o711)
        self.group = Group(self.name)

    def make_mailboxes(self):
        make_folder(os.path.join(self.disk, "mail"), mode=0o711)
        for i in NUMBERS:
            make_maildir(self.maildir(i), self.uid(i))

    def spawn(self, argv, log, **options):
        """Start its first process, in its control group."""
        with open(log, "ab") as output, self.group.inside():
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True, **options)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def uid(self, number):
        return UID_FIRST + number

    def maildir(self, number):
        return os.path.join(self.disk, "mail", f"m{number}")

    def new_folders(self):
        return [os.path.join(self.maildir(i), "new") for i in range(MAILBOXES)]

    def empty_maildirs(self):
        for folder in self.new_folders():
            for each in (folder, os.path.join(folder, "..", "cur")):
                for name in os.listdir(each):
                    os.unlink(os.path.join(each, name))

    def hold_queue(self, is_held):
        """Stop the queue's manager where it is, or let it go on."""
        os.kill(self.manager_pid(),
                signal.SIGSTOP if is_held else signal.SIGCONT)

    def forget(self, number):
        """Remove all that is not a message: UIDs, indexes, caches."""
        maildir = self.maildir(number)
        for name in os.listdir(maildir):
            path = os.path.join(maildir, name)
            if name in ("cur", "new", "tmp"):
                continue
            if os.path.isdir(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)

    def last_words(self):
        """The last lines of its logs."""
        lines = []
        for path in sorted(glob.glob(f"{self.home}/*.log") +
                           glob.glob(f"{self.disk}/log/*.log")):
            with open(path, errors="replace") as file:
                lines += file.read().splitlines()[-5:]
        return lines

    def stop(self):
        if self.alive():
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                pass
        if self.group:
            self.group.end()
        if self.process:
            self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)
