"""Dovecot as installed, with a configuration and folders of our own.

Three forms: as shipped (a login process and an imap process a connection), its
leanest (login processes shared, and sessions in IDLE hibernate in one process),
and lmtp alone, as an MTA hands mail to it.
"""

import os
import subprocess

import packaged
import system

PROGRAM = "/usr/sbin/dovecot"

CONF = """\
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/dovecot.log
listen = 127.0.0.1
protocols = {protocols}
ssl = required
ssl_cert = <{home}/tls.pem
ssl_key = <{home}/tls.key
disable_plaintext_auth = yes
first_valid_uid = {uid}
last_valid_uid = {uid_last}
mail_location = maildir:{disk}/mail/%n
mail_max_userip_connections = 0
auth_cache_size = 1M
passdb {{
  driver = passwd-file
  args = {home}/users
}}
userdb {{
  driver = passwd-file
  args = {home}/users
}}
service imap-login {{
  process_limit = 2000
  client_limit = {client_limit}
  service_count = {service_count}
  process_min_avail = {min_avail}
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = 0
  }}
  inet_listener pop3s {{
    port = {pop3_port}
  }}
}}
service imap {{
  process_limit = 3000
  client_limit = 1
  unix_listener imap-master {{
    user = dovecot
  }}
}}
service imap-hibernate {{
  unix_listener imap-hibernate {{
    mode = 0666
  }}
}}
service anvil {{
  client_limit = 5000
}}
service auth {{
  client_limit = 5000
}}
service stats {{
  client_limit = 5000
}}
imap_hibernate_timeout = {hibernate}
"""


class Dovecot(system.System):
    name = "dovecot"
    # Not "idle-many": a thousand logins, two new processes each, take minutes,
    # and the memory of each is the same as with a hundred.
    kinds = ("imap", "change", "login", "idle", "pop3")
    lean = False
    protocols = "imap pop3"

    def __init__(self, work, disk):
        super().__init__(work, disk)
        self.imaps_port = system.free_port()
        self.pop3s_port = system.free_port()
        self.main_port = self.imaps_port

    def prepare(self):
        if not os.path.exists(PROGRAM) or \
                not os.path.exists("/usr/lib/dovecot/imap"):
            raise system.Unavailable("dovecot-imapd is not installed")
        super().prepare()
        system.make_certificate(self.home)
        self.make_mailboxes()
        with open(f"{self.home}/users", "w") as users:
            for i in system.NUMBERS:
                uid = self.uid(i)
                users.write(f"{system.mailbox(i)}:{{PLAIN}}{system.PASSWORD}:"
                            f"{uid}:{uid}::{self.maildir(i)}::\n")
        with open(f"{self.home}/dovecot.conf", "w") as conf:
            conf.write(CONF.format(
                home=self.home, disk=self.disk, port=self.imaps_port,
                pop3_port=self.pop3s_port, protocols=self.protocols,
                uid=self.uid(0),
                uid_last=self.uid(system.NUMBERS[-1]),
                service_count=0 if self.lean else 1,
                client_limit=1000 if self.lean else 1,
                min_avail=1 if self.lean else 0,
                hibernate="2s" if self.lean else 0) + self.more())

    def more(self):
        return ""

    def start(self):
        self.spawn([PROGRAM, "-F", "-c", f"{self.home}/dovecot.conf"],
                   f"{self.home}/dovecot.log")
        system.wait_for_port(self.main_port, alive=self.alive)

    def version(self):
        done = subprocess.run([PROGRAM, "--version"], stdout=subprocess.PIPE,
                              text=True)
        return f"Dovecot {done.stdout.split()[0]}"


class LeanDovecot(Dovecot):
    name = "dovecot-lean"
    kinds = ("login", "idle", "idle-many")
    lean = True
    rest_seconds = 6


LMTP = """\
service lmtp {{
  executable = {root}/usr/lib/dovecot/lmtp
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
}}
mail_fsync = always
"""


class DovecotLmtp(Dovecot):
    name = "dovecot-lmtp"
    kinds = ("deliver",)
    protocols = "lmtp"
    lmtp = True

    def __init__(self, work, disk, cache):
        super().__init__(work, disk)
        self.cache = cache
        self.smtp_port = self.main_port = system.free_port()
        self.root = os.path.join(self.home, "root")

    def prepare(self):
        package = packaged.fetch(self.cache, "dovecot-lmtpd")
        super().prepare()
        subprocess.run(["dpkg", "-x", package, self.root], check=True)

    def more(self):
        return LMTP.format(root=self.root, port=self.smtp_port)
