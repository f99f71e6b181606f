"""A control group for each system that is measured.

What a system starts stays in its group, however short it lives, so that its CPU
time and its memory are counted whole, and so that nothing outlives it.
"""

import contextlib
import os
import time


def _root():
    with open("/proc/self/mounts") as mounts:
        for line in mounts:
            fields = line.split()
            if fields[2] == "cgroup2":
                return fields[1]
    raise RuntimeError("no cgroup2 is mounted")


def _own():
    with open("/proc/self/cgroup") as lines:
        for line in lines:
            if line.startswith("0::"):
                return line[3:].strip().lstrip("/")
    return ""


class Group:
    def __init__(self, name):
        self.home = os.path.join(_root(), _own())
        self.path = os.path.join(_root(), f"kereru-bench-{os.getpid()}-{name}")
        os.mkdir(self.path)

    @contextlib.contextmanager
    def inside(self):
        """What is started in this block belongs to the group."""
        self._enter(self.path)
        try:
            yield
        finally:
            self._enter(self.home)

    @staticmethod
    def _enter(path):
        with open(os.path.join(path, "cgroup.procs"), "w") as procs:
            procs.write("0")

    def processes(self):
        with open(os.path.join(self.path, "cgroup.procs")) as procs:
            return [int(line) for line in procs]

    def cpu_seconds(self):
        with open(os.path.join(self.path, "cpu.stat")) as stat:
            for line in stat:
                key, value = line.split()
                if key == "usage_usec":
                    return int(value) / 1e6
        raise RuntimeError("cpu.stat has no usage_usec")

    def memory_kib(self):
        """PSS and page tables of all processes, and how many there are."""
        pss = tables = count = 0
        for pid in self.processes():
            try:
                pss += _field(f"/proc/{pid}/smaps_rollup", "Pss:")
                tables += _field(f"/proc/{pid}/status", "VmPTE:")
                count += 1
            except (FileNotFoundError, ProcessLookupError):
                continue
        return pss, tables, count

    def end(self):
        """Kill what is left, and remove the group."""
        if not os.path.isdir(self.path):
            return
        for _ in range(100):
            if not self.processes():
                break
            with open(os.path.join(self.path, "cgroup.kill"), "w") as kill:
                kill.write("1")
            time.sleep(0.05)
        os.rmdir(self.path)


def _field(path, key):
    with open(path) as lines:
        for line in lines:
            if line.startswith(key):
                return int(line.split()[1])
    return 0
