"""Whole mail hosts for tests, several side by side on one machine.

    with Host("mx.example.org", users={"alice": "secret"}) as host:
        host.send("x@elsewhere.test", ["alice@mx.example.org"], MESSAGE)
        [path] = host.wait_for_mail("alice@mx.example.org")

Each host has a folder, a range of numeric uids (no accounts are made) and an
address of its own in 127.77.0.0/16; all listen on the same PORTS, so that one
host finds another by its address alone. Services run under s6. What was started
is stopped, and what is left over afterwards is an error.

Needs root. The programs are those of $KERERU_PREFIX (as `make install` lays
them down), or are built into $KERERU_BUILD and installed once for the run.
"""
import atexit
import ctypes
import ctypes.util
import glob
import os
import pathlib
import re
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
# Where make builds. (KERERU_BUILD alone may be a copy of the programs.)
BUILD = os.environ.get("KERERU_MAKE_BUILD") or \
    os.environ.get("KERERU_BUILD", str(REPOSITORY / "build"))
# Not the temporary folder of pytest: other uids must be able to pass through,
# and fsync must mean something.
FOLDERS = os.environ.get("KERERU_TEST_FOLDER", "/var/tmp")

SERVICES = ("auth", "smtp", "submit", "pop3", "imap", "queue")
MORE_SERVICES = ("sieve", "check", "policy", "sts", "gather")
PORTS = {"smtp": 20025, "submit": 20587, "submits": 20465, "pop3": 20110,
         "pop3s": 20995, "imap": 20143, "imaps": 20993, "sieve": 24190}
ACCOUNTS = ("smtpd", "relay", "submit", "pop3d", "imapd", "auth", "queue",
            "remote", "log", "check", "policy", "sign", "sts", "sieve")

UIDS_FIRST, UIDS_EACH = 3_000_000, 2_000
# The first uids of a range are the accounts', mailboxes come behind.
MAILBOX_OFFSET = 100

_cache = {}


def once(function):
    """Call it once in this process, and keep the answer."""
    def wrapped(*args):
        key = (function.__name__,) + args
        if key not in _cache:
            _cache[key] = function(*args)
        return _cache[key]
    return wrapped


def new_folder(kind):
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"kereru-{kind}-",
                                           dir=FOLDERS))
    folder.chmod(0o755)
    return folder


@once
def prefix():
    """Where the programs are installed."""
    given = os.environ.get("KERERU_PREFIX")
    if given:
        return pathlib.Path(given)
    folder = new_folder("programs")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    subprocess.run(["make", "-s", "-j2", f"B={BUILD}", f"PREFIX={folder}",
                    "DESTDIR=", "install"], cwd=REPOSITORY, check=True)
    return folder


@once
def certificates(hostname):
    """A folder with ca.pem and the certificates of a host of this name."""
    folder = new_folder("tls")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    etc = folder / "etc"
    etc.mkdir()
    (etc / "settings").write_text(
        f"hostname {hostname}\nstate {folder}/state\n"
        + account_settings(2_999_000))
    done = subprocess.run(
        [prefix() / "sbin/kereru", "-c", etc, "setup", hostname,
         "--no-dkim"],
        capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"kereru setup: {done.stderr}")
    return etc / "tls"


@once
def password_hash(password):
    """As `kereru user add` makes it, but with the least work to check."""
    sodium = ctypes.CDLL(ctypes.util.find_library("sodium"))
    if sodium.sodium_init() < 0:
        raise OSError("libsodium")
    text = ctypes.create_string_buffer(128)
    secret = password.encode()
    if sodium.crypto_pwhash_str(text, secret, ctypes.c_ulonglong(len(secret)),
                                ctypes.c_ulonglong(1),
                                ctypes.c_size_t(8192)) != 0:
        raise MemoryError
    return text.value.decode()


def account_settings(first):
    lines = [f"account-{name} {first + i}" for i, name in enumerate(ACCOUNTS)]
    lines.append(f"group-drop {first + len(ACCOUNTS)}")
    lines.append(f"mailbox-uids {first + MAILBOX_OFFSET}-"
                 f"{first + UIDS_EACH - 1}")
    return "\n".join(lines) + "\n"


def address_of(number):
    return f"127.77.{number // 250}.{number % 250 + 1}"


def claim_number():
    """A number that no other host on this machine has, and what holds it."""
    for number in range(1, 500):
        holder = socket.socket(socket.AF_UNIX)
        try:
            holder.bind(f"\0kereru-test-host-{number}")
            # One whose tests were killed may still be running.
            for port in PORTS.values():
                socket.create_server((address_of(number), port)).close()
            return number, holder
        except OSError:
            holder.close()
    raise OSError("500 hosts at once")


def kill(pid, number=signal.SIGKILL):
    """Signal one process. 0, 1 and -1 are never meant."""
    if pid <= 1:
        raise ValueError(f"refusing to signal {pid}")
    os.kill(pid, number)


def wait_until(condition, timeout=20, what="it"):
    """Poll until condition() is true, and return what it said."""
    end = time.monotonic() + timeout
    pause = 0.005
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"waited {timeout} s for {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


class Host:
    """A host; see above.

    name      its hostname
    domains   {domain: "local" or "backup"}; default: the hostname is local
    users     {address or local part: password}; a local part gets the first
              local domain
    settings  more or other settings, {key: value}
    aliases, routes   {left: right}
    networks  list of networks that may relay
    services  those to start, of SERVICES
    """

    def __init__(self, name="mx.example.org", domains=None, users=None,
                 settings=None, aliases=None, routes=None, networks=(),
                 services=SERVICES):
        self.name = name
        self.number, self._holder = claim_number()
        self.address = address_of(self.number)
        self.ports = dict(PORTS)
        self.first_uid = UIDS_FIRST + self.number * UIDS_EACH
        self.uids = {role: self.first_uid + i
                     for i, role in enumerate(ACCOUNTS)}
        self.gid_drop = self.first_uid + len(ACCOUNTS)
        self.domains = domains or {name: "local"}
        self.services = tuple(services)
        if "auth" not in services and {"submit", "pop3", "imap", "sieve"} & \
                set(services):
            self.services += ("auth",)
        self.folder = new_folder("host")
        self.etc = self.folder / "etc"
        self.state = self.folder / "state"
        self.tables = self.state / "tables"
        self.queue = self.state / "queue"
        self.scan = self.state / "scan"
        self.users = {}         # address -> uid
        self.passwords = {}     # address -> password
        self._svscan = None
        self.settings = {
            "hostname": name, "state": self.state,
            "libexec": prefix() / "libexec/kereru",
            "remote-port": PORTS["smtp"], "auth-delay": 0,
            "retry-first": 1, "retry-max": 2,
            # Nothing asks a name server of the machine by accident.
            "resolver": f"{self.address}:9",
        }
        for service, port in PORTS.items():
            self.settings["listen-" + service] = f"{self.address}:{port}"
        self.settings.update(settings or {})
        try:
            self._make(users or {}, aliases or {}, routes or {}, networks)
        except BaseException:
            self.close()
            raise

    # Making it

    def _make(self, users, aliases, routes, networks):
        self.etc.mkdir()
        shutil.copytree(certificates(self.name), self.etc / "tls")
        self._write_settings()
        self.write("domains", [f"{d} {kind}"
                               for d, kind in self.domains.items()])
        self.write("routes", [f"{d} {t}" for d, t in routes.items()])
        self.write("networks", networks)
        # Keys take time, and change what is sent.
        self.kereru("setup", self.name, "--no-dkim")
        # They name users, which come next.
        self.write("aliases", [f"{a} {t}" for a, t in aliases.items()])
        self.add_users(users)

    def _write_settings(self):
        (self.etc / "settings").write_text(
            account_settings(self.first_uid) +
            "".join(f"{k} {v}\n" for k, v in self.settings.items()))

    def write(self, name, lines, mode=0o644):
        """Write a text file anew; compile() puts it into effect."""
        path = self.etc / name
        path.write_text("".join(line + "\n" for line in lines))
        path.chmod(mode)

    def set(self, **changes):
        """Change settings (`_` stands for `-`) and compile."""
        for key, value in changes.items():
            self.settings[key.replace("_", "-")] = value
        self._write_settings()
        self.compile()

    def kereru(self, *args, check=True, **more):
        done = subprocess.run(
            [prefix() / "sbin/kereru", "-c", self.etc, *args], text=True,
            capture_output=True, **more)
        if check and done.returncode != 0:
            raise RuntimeError(f"kereru {args}: {done.stderr}")
        return done

    def compile(self):
        self.kereru("compile")

    def add_users(self, users):
        """Add mailboxes {address or local part: password} and compile."""
        first_local = next(d for d, kind in self.domains.items()
                           if kind == "local")
        for address, password in users.items():
            if "@" not in address:
                address += "@" + first_local
            uid = self.first_uid + MAILBOX_OFFSET + len(self.users)
            self.users[address] = uid
            self.passwords[address] = password
            self._make_maildir(address, uid)
        self.write("users", [f"{a} {u}" for a, u in self.users.items()])
        self.write("passwords", [f"{a} {password_hash(p)}"
                                 for a, p in self.passwords.items()], 0o600)
        self.compile()

    def _make_maildir(self, address, uid):
        maildir = self.maildir(address)
        maildir.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        maildir.mkdir(mode=0o700)
        for part in ("cur", "new", "tmp"):
            (maildir / part).mkdir(mode=0o700)
            os.chown(maildir / part, uid, uid)
        os.chown(maildir, uid, uid)

    # Running it

    def __enter__(self):
        if self._svscan is None:
            self.start()
        return self

    def __exit__(self, *_):
        self.close()

    def start(self, timeout=20):
        """Start the services and wait until they are ready."""
        for service in SERVICES + MORE_SERVICES:
            down = self.scan / service / "down"
            if service in self.services:
                down.unlink(missing_ok=True)
            else:
                down.touch()
        with open(self.folder / "svscan.log", "ab") as log:
            self._svscan = subprocess.Popen(
                ["s6-svscan", self.scan], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True)
        try:
            self.wait_until_ready(timeout)
        except TimeoutError:
            logs = "".join(f"--- {s}\n{self.log(s)[-2000:]}"
                           for s in self.services)
            self.stop()
            raise TimeoutError(f"{self.name} did not get ready\n{logs}") \
                from None

    def wait_until_ready(self, timeout=20):
        for service in self.services:
            wait_until(lambda s=service: self.is_ready(s), timeout, service)

    def _svstat(self, service, what):
        done = subprocess.run(["s6-svstat", "-o", what, self.scan / service],
                              capture_output=True, text=True)
        return done.stdout.strip()

    def is_ready(self, service):
        return self._svstat(service, "up,ready") == "true true"

    def pid(self, service):
        """The daemon's pid; an error if it does not run."""
        pid = int(self._svstat(service, "pid") or -1)
        if pid <= 1:
            raise ProcessLookupError(f"{service} does not run")
        return pid

    def wait_for_successor(self, service, pid, timeout=20):
        """Wait for another daemon than pid, which was killed: until s6 has
        seen that, it calls the dead one ready."""
        def is_there():
            state = self._svstat(service, "up,ready,pid").split()
            return state[:2] == ["true", "true"] and state[2] != str(pid)
        wait_until(is_there, timeout, f"another {service}")

    def template(self, service):
        """The pid of what a service's fronts are forked from."""
        monitor = str(self.pid(service))
        [pid] = [p for p in self.processes().get("front-template", [])
                 if process_status(p)["PPid"] == monitor]
        return pid

    def svc(self, service, *options):
        """s6-svc, e.g. host.svc("smtp", "-wD", "-d")."""
        subprocess.run(["s6-svc", *options, self.scan / service], check=True)

    def restart(self, service, timeout=45):
        self.svc(service, "-wR", "-T", str(timeout * 1000), "-r")

    def stop(self, timeout=60):
        """Stop what was started. What has to be killed, or is left over, is an
        error."""
        if self._svscan is None:
            return
        subprocess.run(["s6-svscanctl", "-t", self.scan],
                       stderr=subprocess.DEVNULL)
        late = None
        try:
            self._svscan.wait(timeout)
        except subprocess.TimeoutExpired:
            late = self.describe_processes()
        left = wait_for_none(self.pids)
        if left:
            late = late or self.describe_processes()
        self.kill_all()
        self._svscan.wait(10)
        self._svscan = None
        if late:
            raise RuntimeError(f"{self.name} did not stop by itself: {late}")

    def kill_all(self):
        """SIGKILL to everything of this host, as if the power had gone."""
        for _ in range(50):
            pids = self.pids()
            if not pids:
                return
            for pid in pids:
                try:
                    kill(pid)
                except ProcessLookupError:
                    pass
            time.sleep(0.02)

    def crash(self):
        """kill_all, and be ready for start() again."""
        self.kill_all()
        self._svscan.wait(10)
        self._svscan = None

    def close(self):
        try:
            self.stop()
        finally:
            self._holder.close()
            if not os.environ.get("KERERU_TEST_KEEP"):
                shutil.rmtree(self.folder, ignore_errors=True)

    # Looking at it

    def pids(self):
        """Every process of this host: by its uids, its tables, its scan
        directory, or what it was started by."""
        parents, ours = {}, set()
        folder = str(self.folder).encode()
        last = self.first_uid + UIDS_EACH
        for entry in os.scandir("/proc"):
            if not entry.name.isdigit():
                continue
            pid = int(entry.name)
            try:
                status = process_status(pid)
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    cmdline = f.read()
                cwd = os.readlink(f"/proc/{pid}/cwd").encode()
            except OSError:
                continue
            if status["State"].startswith("Z"):
                continue
            parents[pid] = int(status["PPid"])
            uid = int(status["Uid"].split()[0])
            if pid == os.getpid():
                continue
            if self.first_uid <= uid < last or uid == 0 and (
                    folder + b"/state/scan" in cmdline
                    or folder + b"/state/tables" in cmdline
                    or cwd.startswith(folder + b"/state/")):
                ours.add(pid)
        if self._svscan is not None:
            ours.add(self._svscan.pid)
        grown = True
        while grown:
            more = {p for p, parent in parents.items() if parent in ours}
            grown = not more <= ours
            ours |= more
        return sorted(p for p in ours if p in parents)

    def processes(self):
        """{name of the program file: [pids]} of the host's own programs, s6's
        under s6-svscan, s6-supervise and s6-log; the fronts' templates under
        front-template."""
        found = {}
        for pid in self.pids():
            try:
                name = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
                with open(f"/proc/{pid}/comm", encoding="ascii") as f:
                    if f.read() == "front-template\n":
                        name = "front-template"
            except OSError:
                continue
            found.setdefault(name.removesuffix(" (deleted)"), []).append(pid)
        return found

    def describe_processes(self):
        return [(pid, open(f"/proc/{pid}/cmdline").read().replace("\0", " "))
                for pid in self.pids() if os.path.exists(f"/proc/{pid}")]

    def log(self, service):
        """All of a service's log that there is, as text."""
        folder = self.state / "log" / service
        text = ""
        for path in sorted(glob.glob(f"{folder}/@*")) + [folder / "current"]:
            try:
                text += pathlib.Path(path).read_text("ascii", "replace")
            except FileNotFoundError:
                pass
        return text

    def wait_for_log(self, service, pattern, timeout=20):
        """Wait for a line, and return the match."""
        return wait_until(lambda: re.search(pattern, self.log(service)),
                          timeout, f"{pattern!r} in the log of {service}")

    def queued(self, *folders):
        """Files of the queue, by default those in new and cur."""
        return sorted(p for f in folders or ("new", "cur")
                      for p in (self.queue / f).iterdir())

    def wait_for_empty_queue(self, timeout=30):
        wait_until(lambda: not self.queued(), timeout, "an empty queue")

    def maildir(self, address):
        local, _, domain = address.rpartition("@")
        return self.state / "mail" / domain / local

    def mail(self, address, folder=""):
        """The message files of a mailbox, new and seen: none as long as there
        is no such folder, or half of one."""
        maildir = self.maildir(address)
        if folder:
            maildir = maildir / ("." + folder)
        return sorted(p for part in ("new", "cur")
                      for p in (maildir / part).glob("*"))

    def wait_for_mail(self, address, n=1, timeout=30, folder=""):
        """Wait for at least n messages."""
        try:
            return wait_until(
                lambda: (m := self.mail(address, folder)) if
                len(self.mail(address, folder)) >= n else None,
                timeout, f"{n} messages for {address}")
        except TimeoutError as error:
            logs = "".join(f"--- {s}\n{self.log(s)[-3000:]}"
                           for s in ("smtp", "submit", "queue"))
            raise TimeoutError(f"{error}; {len(self.mail(address, folder))} "
                               f"are there\n{logs}") from None

    # Using it

    def tls_context(self):
        """A client's, which trusts this host's authority alone. The names in
        its certificates are the hostname, localhost and 127.0.0.1."""
        return ssl.create_default_context(cafile=self.ca)

    @property
    def ca(self):
        return str(self.etc / "tls/ca.pem")

    @property
    def certificate(self):
        """The server's own certificate, for clients that pin it."""
        return str(self.etc / "tls/ec.pem")

    def smtp(self, timeout=20):
        """A connection to port 25."""
        return smtplib.SMTP(self.address, self.ports["smtp"], timeout=timeout)

    def submission(self, user, implicit=False, timeout=20):
        """A connection to port 587 or 465, logged in."""
        context = self.tls_context()
        context.check_hostname = False
        if implicit:
            client = smtplib.SMTP_SSL(self.address, self.ports["submits"],
                                      timeout=timeout, context=context)
        else:
            client = smtplib.SMTP(self.address, self.ports["submit"],
                                  timeout=timeout)
            client.starttls(context=context)
        client.login(user, self.passwords[user])
        return client

    def send(self, sender, recipients, message, user=None, options=()):
        """One message over port 25, or as user over 587. message: bytes with
        CRLF, or str."""
        with (self.submission(user) if user else self.smtp()) as client:
            return client.sendmail(sender, recipients, message, options)

    def sendmail(self, *args, message=b"", uid=0, check=True):
        """The command, as a system user. A copy of it, since its group is the
        host's and all hosts share one prefix."""
        program = self.folder / "sendmail"
        if not program.exists():
            shutil.copyfile(prefix() / "sbin/sendmail", program)
            os.chown(program, 0, self.gid_drop)
            program.chmod(0o2755)
        return subprocess.run([program, "-c", self.tables, *args],
                              input=message, check=check, user=uid, group=uid,
                              extra_groups=[], capture_output=True)

    def mailq(self, *args):
        return subprocess.run([prefix() / "bin/mailq", "-t", self.tables,
                               *args], check=True, text=True,
                              stdout=subprocess.PIPE).stdout


def process_status(pid):
    """/proc/PID/status as {key: text}."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
        return {k: v.strip() for k, _, v in
                (line.partition(":") for line in f)}


def wait_for_none(what, timeout=5):
    """Poll until what() is empty; returns what is left."""
    end = time.monotonic() + timeout
    left = what()
    while left and time.monotonic() < end:
        time.sleep(0.05)
        left = what()
    return left
