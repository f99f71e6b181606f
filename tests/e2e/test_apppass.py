"""Passwords of programs beside their users' own, on a whole host; who was let in,
told from the logs."""
import re

import pytest

from host import Host, wait_until
from lineclient import login

ALICE, BOB = "alice@mx.example.org", "bob@mx.example.org"


@pytest.fixture(scope="module")
def host():
    with Host(users={"alice": "secret", "bob": "secret"},
              services=("submit", "pop3", "imap", "auth")) as h:
        yield h


def logins(host, user, *more):
    return host.kereru("user", "logins", user, *more).stdout.splitlines()


def test_a_program_has_a_password_of_its_own(host):
    made = host.kereru("user", "app-password", "add", ALICE, "phone", "--only",
                       "smtp,imap").stdout.strip()
    assert re.fullmatch(r"([a-z2-7]{4}-){5}[a-z2-7]{4}", made)
    other = host.kereru("user", "app-password", "add", ALICE,
                        "laptop").stdout.strip()
    path = host.etc / "app-passwords"
    assert path.stat().st_mode & 0o777 == 0o600
    assert made.replace("-", "")[4:] not in path.read_text()
    for service, password, verdict in (
            ("imaps", made, "ok"), ("submits", made, "ok"),
            ("imaps", made.upper().replace("-", " "), "ok"),
            ("pop3s", made, "denied"), ("pop3s", other, "ok"),
            ("imaps", "secret", "ok"),
            ("imaps", made[:-1] + ("a" if made[-1] != "a" else "b"), "denied"),
            # As long as one, and of no program.
            ("imaps", "abcd-efgh-ijkl-mnop-qrst-uvwx", "denied")):
        assert login(host, service, ALICE, password) == verdict, \
            (service, password)
    # Another's is nobody's.
    assert login(host, "imaps", BOB, made) == "denied"
    assert host.kereru("user", "app-password", "list", ALICE).stdout == \
        "phone submit,imap\nlaptop *\n"

    wait_until(lambda: len(logins(host, ALICE)) == 8, 30, "eight logins")
    lines = [line.split(None, 2)[2] for line in logins(host, ALICE)]
    client = "127.0.0.1"
    assert lines == [
        f"ok     imap     {client} app-password phone",
        f"ok     submit   {client} app-password phone",
        f"ok     imap     {client} app-password phone",
        f"failed pop3     {client} app-password phone",
        f"ok     pop3     {client} app-password laptop",
        f"ok     imap     {client}",
        f"failed imap     {client} app-password phone",
        f"failed imap     {client}"]
    assert logins(host, ALICE, "-n", "1") == logins(host, ALICE)[-1:]
    wait_until(lambda: len(logins(host, BOB)) == 1, 30, "Bob's")

    # A user's password is none of theirs, and the other way round.
    host.kereru("user", "app-password", "remove", ALICE, "phone")
    assert login(host, "imaps", ALICE, made) == "denied"
    assert login(host, "imaps", ALICE, other) == "ok"
    assert login(host, "imaps", ALICE, "secret") == "ok"


@pytest.mark.parametrize("args", [
    ("add", ALICE, "laptop"), ("add", ALICE, "a b"),
    ("add", ALICE, "tv", "--only", "telnet"), ("remove", ALICE, "tv"),
    ("add", "nobody@mx.example.org", "tv"), ("add", ALICE)])
def test_what_can_not_be(host, args):
    assert host.kereru("user", "app-password", *args,
                       check=False).returncode == 100


def test_faults_are_found(host):
    path = host.etc / "app-passwords"
    good = path.read_text()
    line = next(x for x in good.splitlines() if x.startswith(ALICE))
    try:
        for bad in (line, line.replace(ALICE, "x@mx.example.org"),
                    line.replace("laptop *", "laptop ftp"),
                    line + " more", ALICE + " tv * abcd plain"):
            path.write_text(good + bad + "\n")
            done = host.kereru("compile", check=False)
            assert done.returncode == 100 and "app-passwords:" in done.stderr
    finally:
        path.write_text(good)
