"""A journalled ext4 in a file, for timings that say something.

The machine's own file system may have no journal, and then the price of an
fsync is not that of a real host. The image is written once in full, so that its
blocks exist in the file below, and is read and written directly, past the page
cache of that file.
"""

import ctypes
import os
import subprocess
import time

BLOCK = 4 << 20


class Disk:
    def __init__(self, folder, size_mb):
        self.path = os.path.join(folder, "disk.img")
        self.mount_point = os.path.join(folder, "disk")
        self.size_mb = size_mb
        self.device = None
        self.mounted = False
        self.direct = True

    def make(self):
        self._write_image()
        self._attach()
        subprocess.run(
            ["mkfs.ext4", "-q", "-F", "-m", "0", "-i", "8192", "-E",
             "lazy_itable_init=0,lazy_journal_init=0,nodiscard", self.device],
            check=True)
        os.mkdir(self.mount_point)
        subprocess.run(["mount", "-t", "ext4", self.device, self.mount_point],
                       check=True)
        self.mounted = True
        os.chmod(self.mount_point, 0o711)
        if not self._has_journal():
            raise RuntimeError(f"{self.device}: no journal")

    def _write_image(self):
        zeros = bytes(BLOCK)
        fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            for _ in range((self.size_mb << 20) // BLOCK):
                os.write(fd, zeros)
            os.fsync(fd)
        finally:
            os.close(fd)

    def _attach(self):
        command = ["losetup", "--find", "--show", self.path]
        done = subprocess.run(command[:1] + ["--direct-io=on"] + command[1:],
                              stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            self.direct = False
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True,
                                  check=True)
        self.device = done.stdout.strip()

    def _has_journal(self):
        name = os.path.basename(self.device)
        return any(entry.startswith(name + "-")
                   for entry in os.listdir("/proc/fs/jbd2"))

    def settle(self):
        """Write out what is dirty on this file system, and on no other."""
        fd = os.open(self.mount_point, os.O_RDONLY)
        try:
            ctypes.CDLL(None).syncfs(fd)
        finally:
            os.close(fd)

    def remove(self):
        if self.mounted:
            for _ in range(50):
                if subprocess.run(["umount", self.mount_point],
                                  stderr=subprocess.DEVNULL).returncode == 0:
                    break
                time.sleep(0.1)
            else:
                subprocess.run(["umount", "--lazy", self.mount_point])
            self.mounted = False
        if self.device:
            subprocess.run(["losetup", "--detach", self.device])
            self.device = None
        if os.path.exists(self.path):
            os.unlink(self.path)
