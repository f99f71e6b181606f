"""kereru wkd: keys as a web server has to publish them."""
import os
import pathlib
import stat
import subprocess
import tempfile

import pytest

from host import MAILBOX_OFFSET, account_settings

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("KERERU_BUILD", REPOSITORY / "build"))
# As the draft has it, and what GnuPG says of the name.
JOE = "iy9q119eutrkn8s1mk4r39qejnbu3n5q"


@pytest.fixture(scope="module")
def etc(tmp_path_factory):
    folder = tmp_path_factory.mktemp("etc")
    # By numbers: a machine without a host of ours has no such accounts.
    (folder / "settings").write_text(
        "hostname mx.example.org\n" + account_settings(190_000))
    (folder / "domains").write_text(
        "mx.example.org local\nexample.org local\nother.example local\n")
    (folder / "users").write_text(
        f"joe.doe@example.org {190_000 + MAILBOX_OFFSET}\n")
    (folder / "aliases").write_text("info@other.example joe.doe@example.org\n")
    for name in ("passwords", "routes", "networks"):
        (folder / name).write_text("")
    return folder


def wkd(etc, folder, data, code=0):
    done = subprocess.run([BUILD / "bin" / "kereru", "-c", etc, "wkd", folder],
                          input=data, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == code, done.stderr
    return done.stdout.decode()


@pytest.fixture(scope="module")
def gpg():
    with tempfile.TemporaryDirectory(prefix="kr-gpg-") as home:
        def run(*argv, data=None):
            return subprocess.run(
                ["gpg", "--batch", "-q", "--pinentry-mode", "loopback",
                 "--passphrase", "", *argv], input=data, check=True,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                env={**os.environ, "GNUPGHOME": home}).stdout
        run("--quick-generate-key", "Joe <Joe.Doe@Example.ORG>", "ed25519",
            "sign", "never")
        run("--quick-add-uid", "Joe", "Private <joe@home.example>")
        run("--quick-add-uid", "Joe", "<info@other.example>")
        run("--quick-generate-key", "<nobody@example.org>", "ed25519", "sign",
            "never")
        yield run
        subprocess.run(["gpgconf", "--kill", "all"],
                       env={**os.environ, "GNUPGHOME": home})


def test_what_is_published(etc, gpg, tmp_path):
    web = tmp_path / "web"
    told = wkd(etc, web, gpg("--export"))
    assert f"joe.doe@example.org {JOE}\n" in told and told.count("\n") == 2
    files = sorted(str(p.relative_to(web)) for p in web.rglob("*")
                   if p.is_file())
    assert files[:2] == [f"example.org/hu/{JOE}", "example.org/policy"]
    assert files[2].startswith("other.example/hu/") and len(files) == 4
    key = web / "example.org" / "hu" / JOE
    assert stat.S_IMODE(key.stat().st_mode) == 0o644
    told = gpg("--with-colons", "--show-keys", data=key.read_bytes()).decode()
    assert "Joe.Doe@Example.ORG" in told
    assert "home.example" not in told and "other.example" not in told
    # Again, without it: what was published is no more.
    wkd(etc, web, gpg("--export", "nobody@example.org"))
    assert not key.exists() and (web / "example.org/policy").exists()


def test_what_is_no_key(etc, gpg, tmp_path):
    for data in (b"nonsense", gpg("--export", "--armor"),
                 gpg("--export-secret-keys"), gpg("--export")[:-5]):
        wkd(etc, tmp_path / "web", data, code=100)
    assert not (tmp_path / "web").exists()
    assert wkd(etc, tmp_path / "web", b"") == ""
