"""Postfix from Debian's package, unpacked and run from a folder of our own.

Never the distribution's service: own configuration, queue, ports and log. Mail
for the bench's mailboxes is delivered by virtual(8), to maildirs, each with its
own uid; everything else goes to the sink. Settings are as shipped but for what
stands in MAIN, and chroot is off.
"""

import os
import subprocess

import packaged
import system

# Accounts that every Debian has and nothing on a mail host's test uses: the
# package's own exist only where it is installed.
OWNER, OWNER_ID, GROUP, GROUP_ID = "news", 9, "uucp", 10

MAIN = """\
compatibility_level = 3.6
queue_directory = {disk}/queue
data_directory = {disk}/data
command_directory = {root}/usr/sbin
daemon_directory = {root}/usr/lib/postfix/sbin
shlib_directory = {root}/usr/lib/postfix
meta_directory = {conf}
import_environment = MAIL_CONFIG TZ LANG=C LD_LIBRARY_PATH={root}/usr/lib/postfix
mail_owner = {owner}
setgid_group = {group}
myhostname = postfix.test
mydestination =
alias_maps =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_peername_lookup = no
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {disk}/mail
virtual_mailbox_maps = texthash:{conf}/mailboxes
virtual_uid_maps = texthash:{conf}/uids
virtual_gid_maps = texthash:{conf}/uids
relayhost = [127.0.0.1]:{sink}
smtp_dns_support_level = disabled
smtp_host_lookup = native
maillog_file = {disk}/log/postfix.log
maillog_file_prefixes = {disk}/log
"""

MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

QUEUES = ("active bounce corrupt defer deferred flush hold incoming private "
          "saved trace").split()


class Postfix(system.System):
    name = "postfix"
    kinds = ("mail", "deliver", "drain")

    def __init__(self, work, disk, cache, sink_port):
        super().__init__(work, disk)
        self.cache = cache
        self.sink_port = sink_port
        self.smtp_port = system.free_port()
        self.conf = os.path.join(self.home, "conf")
        self.root = os.path.join(self.home, "root")

    def prepare(self):
        package = packaged.fetch(self.cache, "postfix")
        super().prepare()
        subprocess.run(["dpkg", "-x", package, self.root], check=True)
        os.chmod(self.root, 0o755)
        self._folders()
        self._configure()

    def _folders(self):
        for path in (self.conf, f"{self.disk}/log", f"{self.disk}/queue",
                     f"{self.disk}/queue/pid"):
            system.make_folder(path)
        for name in QUEUES:
            system.make_folder(f"{self.disk}/queue/{name}", OWNER_ID, 0, 0o700)
        system.make_folder(f"{self.disk}/queue/maildrop", OWNER_ID, GROUP_ID,
                           0o730)
        system.make_folder(f"{self.disk}/queue/public", OWNER_ID, GROUP_ID,
                           0o710)
        system.make_folder(f"{self.disk}/data", OWNER_ID, 0, 0o700)
        self.make_mailboxes()

    def _configure(self):
        values = dict(root=self.root, conf=self.conf, disk=self.disk,
                      home=self.home, owner=OWNER, group=GROUP,
                      domain=system.DOMAIN, sink=self.sink_port,
                      port=self.smtp_port)
        self._write("main.cf", MAIN.format(**values))
        self._write("master.cf", MASTER.format(**values))
        self._write("dynamicmaps.cf", "")
        self._write("mailboxes", "".join(
            f"{system.mailbox(i)} m{i}/\n" for i in system.NUMBERS))
        self._write("uids", "".join(
            f"{system.mailbox(i)} {self.uid(i)}\n" for i in system.NUMBERS))

    def _write(self, name, text):
        with open(os.path.join(self.conf, name), "w") as file:
            file.write(text)

    def start(self):
        library = f"{self.root}/usr/lib/postfix"
        self.spawn([f"{library}/sbin/master", "-c", self.conf, "-d"],
                   f"{self.home}/master.log",
                   env={"LD_LIBRARY_PATH": library, "MAIL_CONFIG": self.conf,
                        "PATH": os.environ.get("PATH", "/usr/bin:/bin")})
        system.wait_for_port(self.smtp_port, alive=self.alive)

    def manager_pid(self):
        for pid in self.group.processes():
            with open(f"/proc/{pid}/comm") as comm:
                if comm.read() == "qmgr\n":
                    return pid
        raise RuntimeError("there is no qmgr")

    def version(self):
        done = subprocess.run(
            [f"{self.root}/usr/sbin/postconf", "-c", self.conf, "-h",
             "mail_version"], stdout=subprocess.PIPE, text=True,
            env={"LD_LIBRARY_PATH": f"{self.root}/usr/lib/postfix"})
        return f"Postfix {done.stdout.strip()}"
