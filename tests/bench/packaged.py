"""Debian's packages of the rivals: fetched, never installed."""

import glob
import os
import subprocess

import system


def fetch(cache, name):
    """The path of the package, downloaded at most once."""
    def have():
        return sorted(glob.glob(os.path.join(cache, f"{name}_*.deb")))

    os.makedirs(cache, exist_ok=True)
    if not have():
        try:
            subprocess.run(["apt-get", "-qq", "download", name], cwd=cache,
                           stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, timeout=120)
        except (OSError, subprocess.TimeoutExpired):
            pass
    if not have():
        raise system.Unavailable(f"the package {name} cannot be fetched")
    return have()[-1]
