"""The load generators: built, run, and what they say."""

import json
import os
import select
import struct
import subprocess
import time

import system

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TLS = ("peer.c", "tls_peer.c", "imap_peer.c")
PROGRAMS = {"smtp_load": ("peer.c",), "smtp_sink": ("peer.c",),
            "arrivals": ("peer.c",), "imap_time": TLS, "imap_hold": TLS,
            "imap_rate": TLS, "imap_idle": TLS,
            "pop3_time": ("peer.c", "tls_peer.c")}
# No file for this long: the rest is lost, and the measurement with it.
SILENCE = 30
# The longest that a generator is given until it says that it is ready: a
# thousand logins may take some time.
READY = 150


class Load:
    def __init__(self, build):
        self.folder = os.path.join(build, "bench")

    def build(self):
        os.makedirs(self.folder, exist_ok=True)
        for name, modules in PROGRAMS.items():
            sources = [os.path.join(HERE, s) for s in (name + ".c", *modules)]
            subprocess.run(
                [os.environ.get("CC", "gcc"), "-std=c11", "-D_GNU_SOURCE",
                 "-I", ROOT, "-O2", "-Wall", "-o", self.path(name), *sources,
                 "-lbearssl"], check=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def _json(self, name, *args):
        done = subprocess.run([self.path(name), *map(str, args)],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{name}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def smtp(self, it, sessions, messages, octets, domain=system.DOMAIN,
             one_each=False):
        options = ["-c"] * one_each + ["-L"] * it.lmtp
        return self._json(
            "smtp_load", *options, "-s", sessions, "-m", messages, "-l", octets,
            "-u", system.MAILBOXES, "-d", domain, it.address, it.smtp_port)

    def imap(self, it, user, commands):
        return self._json("imap_time", it.address, it.imaps_port, user,
                          system.PASSWORD, *commands)

    def rate(self, it, what, clients, count, *more):
        """Things done a second by clients of m0, m1 and so on."""
        done = self._json("imap_rate", what, clients, count, it.address,
                          it.imaps_port, f"m%@{system.DOMAIN}",
                          system.PASSWORD, *more)
        return done["count"] / done["seconds"]

    def idle_notices(self, it, count, number):
        return self._json("imap_idle", count, it.address, it.imaps_port,
                          system.mailbox(number), system.PASSWORD,
                          it.maildir(number), it.uid(number))

    def pop3(self, it, number):
        return self._json("pop3_time", it.address, it.pop3s_port,
                          system.mailbox(number), system.PASSWORD)

    def arrivals(self, count, folders):
        return Arrivals(self.path("arrivals"), count, folders)

    def hold(self, it, count, commands=()):
        return Held(self.path("imap_hold"), it, count, commands)


class Arrivals:
    """Counts files coming into folders from the moment it is made."""

    def __init__(self, program, count, folders):
        self.count = count
        self.process = subprocess.Popen(
            [program, str(count), str(SILENCE), *folders],
            stdout=subprocess.PIPE, text=True)
        _ready(self.process, "arrivals")

    def last_ns(self):
        """Wait for all of them: when did the last come?"""
        result = json.loads(self.process.communicate()[0])
        if result["arrived"] < self.count:
            raise RuntimeError(f"only {result['arrived']} of {self.count} "
                               "messages were delivered")
        return result["last_ns"]

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


class Held:
    """Idle IMAP connections, until stop."""

    def __init__(self, program, it, count, commands):
        self.process = subprocess.Popen(
            [program, str(count), it.address, str(it.imaps_port),
             f"m%@{system.DOMAIN}", system.PASSWORD, *commands],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        _ready(self.process, "imap_hold")

    def stop(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Sink:
    """An SMTP server that counts."""

    def __init__(self, load, work):
        self.port = system.free_port()
        self.file = os.path.join(work, "sink.count")
        self.process = subprocess.Popen(
            [load.path("smtp_sink"), str(self.port), self.file],
            stdout=subprocess.PIPE, text=True)
        _ready(self.process, "smtp_sink")

    def count(self):
        with open(self.file, "rb") as file:
            return struct.unpack("@QQ", file.read(16))

    def last_ns(self, wanted):
        """Wait until the count is at `wanted`: when did the last come?"""
        seen, seen_at = -1, time.monotonic()
        while True:
            messages, last_ns = self.count()
            if messages >= wanted:
                return last_ns
            if messages != seen:
                seen, seen_at = messages, time.monotonic()
            elif time.monotonic() - seen_at > SILENCE:
                raise RuntimeError(f"only {messages} of {wanted} messages "
                                   "came to the sink")
            time.sleep(0.02)

    def stop(self):
        self.process.kill()
        self.process.communicate()


def _ready(process, name):
    if not select.select([process.stdout], [], [], READY)[0]:
        process.kill()
        process.wait()
        raise RuntimeError(f"{name} was not ready within {READY} s")
    if process.stdout.readline() != "ready\n":
        process.wait()
        raise RuntimeError(f"{name} ended too early")
