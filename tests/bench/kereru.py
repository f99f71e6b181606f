"""A host of ours, as the tests make it, on the measured file system."""

import os
import subprocess
import sys

import load
import system

SETTINGS = {"connections-max": 4000, "connections-per-address": 4000}


class Kereru(system.System):
    name = "kereru"
    kinds = ("mail", "deliver", "drain", "imap", "change", "login", "idle",
             "idle-many", "pop3")

    def __init__(self, work, disk, make, build, sink_port):
        super().__init__(work, disk)
        self.make = make
        self.build = build
        self.sink_port = sink_port
        self.host = None

    def prepare(self):
        super().prepare()
        if "KERERU_PREFIX" not in os.environ:
            self._install()
        # Read by the module when it is loaded, as KERERU_PREFIX is.
        os.environ["KERERU_TEST_FOLDER"] = self.disk
        os.chmod(self.disk, 0o755)
        sys.path.append(os.path.join(load.ROOT, "tests", "lib"))
        from host import Host
        self.host = Host(
            "mx.bench.test", domains={system.DOMAIN: "local"},
            users={f"m{i}": system.PASSWORD for i in system.NUMBERS},
            routes={"*": f"[127.0.0.1]:{self.sink_port}"},
            networks=["127.0.0.0/8"], settings=SETTINGS,
            services=("smtp", "imap", "pop3", "queue"))
        self.address = self.host.address
        self.smtp_port = self.host.ports["smtp"]
        self.imaps_port = self.host.ports["imaps"]
        self.pop3s_port = self.host.ports["pop3s"]

    def _install(self):
        programs = os.path.join(self.home, "programs")
        subprocess.run(
            [self.make, "-s", f"-j{os.cpu_count()}", f"B={self.build}",
             f"PREFIX={programs}", "DESTDIR=", "install"],
            cwd=load.ROOT, check=True, stdout=sys.stderr)
        os.environ["KERERU_PREFIX"] = programs

    def start(self):
        with self.group.inside():
            self.host.start()

    def uid(self, number):
        return self.host.users[system.mailbox(number)]

    def maildir(self, number):
        return str(self.host.maildir(system.mailbox(number)))

    def manager_pid(self):
        for pid in self.group.processes():
            with open(f"/proc/{pid}/comm") as comm:
                if comm.read() == "manager\n":
                    return pid
        raise RuntimeError("there is no manager")

    def last_words(self):
        return [line for service in self.host.services
                for line in self.host.log(service).splitlines()[-5:]] \
            if self.host else []

    def stop(self):
        try:
            if self.host:
                self.host.close()
        finally:
            super().stop()

    def version(self):
        done = subprocess.run(["git", "describe", "--always", "--dirty"],
                              cwd=load.ROOT, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
        return f"Kereru {done.stdout.strip()}"
