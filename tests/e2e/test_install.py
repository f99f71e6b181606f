"""make install: what goes where, with which mode."""
import pathlib
import stat
import subprocess

from host import BUILD, REPOSITORY, SERVICES

PRIVATE = {"monitor", "auth", "smtpd", "submit-front", "pop3-front",
           "imap-front", "pop3d", "imapd", "sieve-front", "sieved", "starter", "manager",
           "remote-spawner", "local-spawner", "check", "policy", "sts",
           "signer", "spam-gather", "list-unsubscribe",
           "mime-crypt", "mime-submit"}
# People run these, by mime: GnuPG's library and the resolver are shared.
# And sts has libcurl.
DYNAMIC = {"mime-crypt", "mime-submit", "sts"}


def test_install_below_destdir(tmp_path):
    subprocess.run(["make", "-s", f"B={BUILD}", "PREFIX=/opt/kereru",
                    f"DESTDIR={tmp_path}", "install"], cwd=REPOSITORY,
                   check=True, capture_output=True)
    top = tmp_path / "opt/kereru"
    # Every file was renamed to what it is.
    assert not list(top.rglob(".new.*"))
    files = {p.relative_to(top): p for p in top.rglob("*") if p.is_file()}
    assert [p.name for p in tmp_path.iterdir()] == ["opt"]
    assert {p.name for p in (top / "libexec/kereru").iterdir()} == PRIVATE
    assert {p.name for p in (top / "bin").iterdir()} == \
        {"mime", "mailq", "newaliases"}
    assert {p.name for p in (top / "sbin").iterdir()} == {"kereru", "sendmail"}
    for name, path in files.items():
        mode = stat.S_IMODE(path.stat().st_mode)
        is_program = name.parts[0] in ("bin", "sbin", "libexec") or \
            name.name in ("run", "finish")
        # 2755 where its group is there
        if path.resolve().name != "sendmail":
            assert mode == (0o755 if is_program else 0o644), name
    for service in SERVICES:
        folder = pathlib.Path("share/kereru/service") / service
        for name in ("run", "finish", "notification-fd", "timeout-kill",
                     "log/run", "log/notification-fd"):
            assert folder / name in files
    pages = {p.name for p in (REPOSITORY / "doc/man").glob("*.[1-9]")}
    assert pages == {p.name for p in files if p.parts[:2] == ("share", "man")}


def test_programs_started_for_a_connection_are_static():
    for name in PRIVATE - DYNAMIC:
        text = subprocess.run(["readelf", "-l", f"{BUILD}/bin/{name}"],
                              check=True, capture_output=True, text=True).stdout
        assert "INTERP" not in text, name
