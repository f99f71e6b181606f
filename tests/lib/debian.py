"""Programs from Debian's packages, unpacked into a folder of our own: clients
and peers that must not be installed on the machine, where they would become its
mail system."""
import glob
import os
import subprocess
import tempfile

import pytest

CACHE = os.path.join(tempfile.gettempdir(), "kereru-packages")


def fetch(package):
    """The path of a package's file, downloaded at most once; or None."""
    def have():
        return sorted(glob.glob(f"{CACHE}/{package}_*.deb"))

    os.makedirs(CACHE, exist_ok=True)
    if not have():
        try:
            subprocess.run(["apt-get", "-qq", "download", package], cwd=CACHE,
                           stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, timeout=60)
        except (OSError, subprocess.TimeoutExpired):
            pass
    return have()[-1] if have() else None


def unpacked(*packages):
    """The root of their files; the test is skipped where they can't be had."""
    root = os.path.join(CACHE, "+".join(packages))
    if os.path.exists(root):
        return root
    files = [fetch(p) for p in packages]
    if None in files:
        pytest.skip(f"{', '.join(packages)}: cannot be fetched")
    new = tempfile.mkdtemp(dir=CACHE)
    for path in files:
        subprocess.run(["dpkg", "-x", path, new], check=True)
    os.chmod(new, 0o755)
    try:
        os.rename(new, root)
    except OSError:                 # somebody else was quicker
        pass
    return root
