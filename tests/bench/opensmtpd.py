"""OpenSMTPD from Debian's package, unpacked, in a mount namespace of its own.

Its paths and accounts are compiled in: the namespace has our folders in the
places of /var/spool, /var/lib, /run and /usr/libexec, and other accounts. Mail
for the bench's mailboxes goes into maildirs, each with its own uid; everything
else goes to the sink. Settings are as shipped but for limits of a session.
"""

import os
import subprocess

import packaged
import system

CONF = """\
table users file:{home}/users
listen on 127.0.0.1 port {port} hostname opensmtpd.test
smtp limit max-mails 100000
smtp max-message-size 100M
action "in" maildir "%{{user.directory}}" userbase <users>
action "out" relay host smtp://127.0.0.1:{sink}
match from any for domain {domain} action "in"
match from any for any action "out"
"""

ACCOUNTS = ("opensmtpd", "opensmtpq")
ACCOUNTS_FIRST = 610990

START = """\
set -e
mount --make-rprivate /
mount --bind {disk}/spool /var/spool
mount --bind {home}/lib /var/lib
mount --bind {home}/run /run
mount --bind {root}/usr/libexec /usr/libexec
mount --bind {home}/passwd /etc/passwd
mount --bind {home}/group /etc/group
exec {root}/usr/sbin/smtpd -d -f {home}/smtpd.conf
"""


class OpenSmtpd(system.System):
    name = "opensmtpd"
    kinds = ("mail",)

    def __init__(self, work, disk, cache, sink_port):
        super().__init__(work, disk)
        self.cache = cache
        self.sink_port = sink_port
        self.smtp_port = system.free_port()
        self.root = os.path.join(self.home, "root")

    def prepare(self):
        package = packaged.fetch(self.cache, "opensmtpd")
        super().prepare()
        subprocess.run(["dpkg", "-x", package, self.root], check=True)
        linked = subprocess.run(["ldd", f"{self.root}/usr/sbin/smtpd"],
                                stdout=subprocess.PIPE, text=True)
        if "not found" in linked.stdout:
            raise system.Unavailable("a library that it needs is missing")
        self._folders()
        self._configure()

    def _folders(self):
        queue = ACCOUNTS_FIRST + 1
        spool = f"{self.disk}/spool/smtpd"
        for path in (f"{self.home}/lib/opensmtpd/empty", f"{self.home}/run",
                     f"{self.disk}/spool"):
            system.make_folder(path)
        system.make_folder(spool, mode=0o711)
        system.make_folder(f"{spool}/offline", 0, queue, 0o770)
        for name in ("purge", "temporary", "incoming", "queue", "corrupt"):
            system.make_folder(f"{spool}/{name}", queue, 0, 0o700)
        self.make_mailboxes()
        self._write("users", "".join(
            f"m{i} {self.uid(i)}:{self.uid(i)}:{self.maildir(i)}\n"
            for i in system.NUMBERS))

    def _configure(self):
        self._write("smtpd.conf", CONF.format(
            home=self.home, port=self.smtp_port, sink=self.sink_port,
            domain=system.DOMAIN))
        with open("/etc/passwd") as passwd, open("/etc/group") as group:
            self._write("passwd", passwd.read() + "".join(
                f"{name}:x:{ACCOUNTS_FIRST + i}:{ACCOUNTS_FIRST + i}::"
                "/var/lib/opensmtpd/empty:/usr/sbin/nologin\n"
                for i, name in enumerate(ACCOUNTS)))
            self._write("group", group.read() + "".join(
                f"{name}:x:{ACCOUNTS_FIRST + i}:\n"
                for i, name in enumerate(ACCOUNTS)))

    def _write(self, name, text):
        with open(os.path.join(self.home, name), "w") as file:
            file.write(text)

    def start(self):
        self.spawn(["unshare", "-m", "sh", "-c", START.format(
            root=self.root, home=self.home, disk=self.disk)],
            f"{self.home}/smtpd.log")
        system.wait_for_port(self.smtp_port, alive=self.alive)

    def version(self):
        done = subprocess.run([f"{self.root}/usr/sbin/smtpd", "-h"],
                              stderr=subprocess.PIPE, text=True)
        return done.stderr.splitlines()[0].replace("version: ", "")
