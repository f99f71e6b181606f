"""The Debian package, installed in a system of its own (debootstrap)."""
import os
import shutil
import subprocess

import pytest

from host import BUILD, REPOSITORY, new_folder

pytestmark = [pytest.mark.soak, pytest.mark.skipif(
    not shutil.which("debootstrap"), reason="no debootstrap")]


@pytest.fixture(scope="module")
def root():
    """A minimal Debian, with a /proc of its own: setup looks there for where
    it is installed."""
    path = new_folder("debian")
    done = subprocess.run(["debootstrap", "--variant=minbase", "bookworm",
                           path], capture_output=True, text=True)
    if done.returncode != 0:
        shutil.rmtree(path)
        pytest.skip(f"no Debian to be had: {done.stdout[-200:]}")
    subprocess.run(["mount", "-t", "proc", "proc", path / "proc"], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", path / "proc"], check=True)
        shutil.rmtree(path)


def run(root, *command, check=True):
    return subprocess.run(
        ["chroot", root, *command], check=check, capture_output=True,
        text=True, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                        "DEBIAN_FRONTEND": "noninteractive", "HOME": "/"})


def test_install_use_and_purge(root):
    made = subprocess.run(["make", "-s", f"B={BUILD}", "deb"], cwd=REPOSITORY,
                          check=True, capture_output=True, text=True)
    package = made.stdout.split()[-1]
    shutil.copy(package, root / "kereru.deb")
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    run(root, "apt-get", "-qq", "update")
    run(root, "apt-get", "-qq", "-y", "--no-install-recommends", "install",
        "/kereru.deb")
    assert "kr-queue" in (root / "etc/passwd").read_text()
    mode = os.stat(root / "usr/sbin/sendmail").st_mode
    assert mode & 0o7777 == 0o2755
    assert run(root, "dpkg", "--verify", "kereru").stdout == ""
    assert run(root, "/usr/lib/sendmail", "-bd",
               check=False).returncode == 64
    # A host is made, and mail handed in and found in the queue.
    run(root, "kereru", "setup", "mail.kereru.test")
    run(root, "kereru", "domain", "add", "kereru.test")
    run(root, "sh", "-c", "echo secret-one | kereru user add "
        "alice@kereru.test --password-stdin")
    run(root, "sh", "-c", "echo x | sendmail alice@kereru.test")
    assert "1 message" in run(root, "mailq").stdout
    assert run(root, "newaliases").returncode == 0
    # Again, as an upgrade does it: the host is as it was.
    run(root, "dpkg", "-i", "/kereru.deb")
    assert "1 message" in run(root, "mailq").stdout
    maildir = root / "var/lib/kereru/mail/kereru.test/alice"
    run(root, "apt-get", "-qq", "-y", "purge", "kereru")
    assert not (root / "usr/sbin/sendmail").exists()
    assert not (root / "var/lib/kereru/tables").exists()
    assert (maildir / "cur").is_dir()
    assert len(list((root / "var/lib/kereru/queue/new").iterdir())) == 1
    assert (root / "etc/kereru/users").exists()
