"""sieved on a folder of its own: every command after login (RFC 5804)."""
import os
import pathlib
import subprocess

import pytest

from host import BUILD
from sieveclient import SieveClient, literal, quote

SIEVED = os.path.join(BUILD, "bin", "sieved")
KEEP = "keep;\r\n"


@pytest.fixture
def folder(tmp_path):
    maildir = tmp_path / "maildir"
    for part in ("cur", "new", "tmp"):
        (maildir / part).mkdir(parents=True)
    return maildir


@pytest.fixture
def client(folder):
    with SieveClient.of_program(SIEVED, folder) as c:
        yield c


def active(folder):
    path = folder / ".dovecot.sieve"
    return os.readlink(path) if path.is_symlink() else None


def test_capabilities(client):
    for told in (client.capabilities(client.greeting), client.capabilities()):
        assert told["VERSION"] == "1.0"
        assert told["IMPLEMENTATION"] == "Kereru"
        assert {"fileinto", "vacation", "include"} <= set(
            told["SIEVE"].split())
        assert told["MAXREDIRECTS"] == "10"
        assert not {"STARTTLS", "NOTIFY", "OWNER"} & set(told)


def test_noop_and_logout(client):
    assert client.say("NOOP").code == ""
    assert client.say('noop "a tag"').code == "TAG"
    client.write(b'NOOP {3+}\r\na"b\r\n')
    assert client.file.readline() == b'OK (TAG "a\\"b") "Done"\r\n'
    client.write(b'NOOP {3+}\r\na\nb\r\n')
    assert client.file.readline() == b"OK (TAG {3}\r\n"
    assert client.file.readline() + client.file.readline() == \
        b'a\nb) "Done"\r\n'
    assert client.say("Logout").status == "OK"
    assert client.file.read() == b""


def test_not_after_login(client):
    for line in ('AUTHENTICATE "PLAIN"', "STARTTLS"):
        assert client.say(line).status == "NO"


def test_a_script_through_its_life(client, folder):
    script = 'require "fileinto";\r\nfileinto "Täg";\r\n'
    assert client.list() == {}
    assert client.say('HAVESPACE "täg" 1000')
    assert client.put("täg", script)
    assert (folder / "sieve/täg.sieve").read_bytes() == script.encode()
    assert (folder / "sieve/täg.sieve").stat().st_mode & 0o777 == 0o600
    assert client.list() == {"täg": False}
    assert client.get("täg") == script
    # A quoted script, over the old one; none is active yet.
    assert client.say(f"PUTSCRIPT {quote('täg')} {quote('stop; # x')}")
    assert client.get("täg") == "stop; # x" and active(folder) is None
    assert client.say('SETACTIVE "täg"')
    assert active(folder) == "sieve/täg.sieve"
    assert client.list() == {"täg": True}
    assert client.put("other", KEEP)
    assert client.list() == {"täg": True, "other": False}
    # An active one can't go, and stays so under another name.
    assert client.say('DELETESCRIPT "täg"').code == "ACTIVE"
    assert client.say('RENAMESCRIPT "täg" "other"').code == "ALREADYEXISTS"
    assert client.say('RENAMESCRIPT "täg" "day"')
    assert client.list() == {"day": True, "other": False}
    assert active(folder) == "sieve/day.sieve"
    assert client.say('RENAMESCRIPT "other" "night"')
    assert client.list() == {"day": True, "night": False}
    assert client.say('SETACTIVE "night"') and client.say('SETACTIVE "night"')
    assert client.list() == {"day": False, "night": True}
    assert client.say('SETACTIVE ""') and client.say('SETACTIVE ""')
    assert client.list() == {"day": False, "night": False}
    assert not (folder / ".dovecot.sieve").is_symlink()
    assert client.say('DELETESCRIPT "day"') and client.say(
        'DELETESCRIPT "night"')
    assert client.list() == {} and os.listdir(folder / "sieve") == []


def test_what_is_not_there(client):
    for line in ('GETSCRIPT "x"', 'DELETESCRIPT "x"', 'SETACTIVE "x"',
                 'RENAMESCRIPT "x" "y"'):
        assert client.say(line).code == "NONEXISTENT", line


@pytest.mark.parametrize("script,line", [
    ("#comment\r\nInvalidSieveCommand\r\n", 2),
    ('require "no such";\r\n', 1), ('redirect "no address";\n', 1),
    ("keep;\n\nfileinto \"x\";\n", 3), ("if true {", 1)])
def test_a_faulty_script_is_refused_with_its_line(client, folder, script,
                                                  line):
    assert client.put("a", KEEP)
    for answer in (client.put("a", script), client.check(script)):
        assert answer.status == "NO" and f"line {line}:" in answer.text
    assert client.get("a") == KEEP
    assert os.listdir(folder / "sieve") == ["a.sieve"]


def test_warnings(client):
    script = ('require "include";\ninclude "later";\n'
              'include :global "x";\ninclude :optional "whatever";\n')
    for answer in (client.check(script), client.put("a", script)):
        assert answer and answer.code == "WARNINGS"
        assert [x[:6] for x in answer.text.split("\r\n")] == \
            ["line 2", "line 3"]
    assert client.put("later", KEEP)
    assert "line 2" not in client.check(script).text
    many = "".join(f'redirect "a{i}@example.org";\n' for i in range(12))
    answer = client.check(many)
    assert answer.code == "WARNINGS" and answer.text.startswith("line 11:")
    assert client.check(KEEP).code == "" and client.check("")


def test_limits(client):
    assert client.say('HAVESPACE "a" 131072')
    assert client.say('HAVESPACE "a" 131073').code == "QUOTA/MAXSIZE"
    assert client.put("a", "#" * 131072)
    assert client.put("a", "#" * 131073).code == "QUOTA/MAXSIZE"
    # One that is read away whole, and what comes behind is understood.
    assert client.put("a", "#" * 2_000_000).code == "QUOTA/MAXSIZE"
    assert client.check("#" * 131073).code == "QUOTA/MAXSIZE"
    assert client.put("a", "").status == "NO"
    assert client.get("a") == "#" * 131072
    for i in range(99):
        assert client.put(f"s{i}", KEEP)
    assert client.say('HAVESPACE "more" 1').code == "QUOTA/MAXSCRIPTS"
    assert client.put("more", KEEP).code == "QUOTA/MAXSCRIPTS"
    assert client.put("s7", KEEP) and client.say('HAVESPACE "s7" 9')
    assert len(client.list()) == 100


@pytest.mark.parametrize("name", [
    "", ".x", "../x", "a/b", "a\tb", "a\x7f", "a\u0085", "a\u2028b",
    "a\u2029", "x" * 250],
    ids=range(10))
def test_names_that_are_refused(client, folder, name):
    command = b'PUTSCRIPT ' + literal(name) + b' "keep;"'
    assert client.say(command).status == "NO"
    assert client.say(b"GETSCRIPT " + literal(name)).status == "NO"
    assert client.say(b"HAVESPACE " + literal(name) + b" 1").status == "NO"
    assert client.put("b", KEEP)
    assert client.say(b'RENAMESCRIPT "b" ' + literal(name)).status == "NO"
    assert client.list() == {"b": False}
    assert {p.name for p in folder.iterdir()} == \
        {"cur", "new", "tmp", "sieve"}


def test_names_that_are_not(client):
    for name in ("x" * 249, "a b", 'q"\\', "..x"[2:], "é\u00a0"):
        assert client.put(name, KEEP) and client.get(name) == KEEP, name


@pytest.mark.parametrize("line", [
    "", " ", "NOOPE", "LISTSCRIPTS x", "LISTSCRIPTS ", "HAVESPACE",
    'HAVESPACE "a"', 'HAVESPACE "a" "1"', 'HAVESPACE 1 1',
    'HAVESPACE "a" 4294967296', 'HAVESPACE "a" 1x', "GETSCRIPT x",
    'GETSCRIPT "a', 'GETSCRIPT "a\\n"', 'GETSCRIPT "a" "b"', 'GETSCRIPT  "a"',
    'PUTSCRIPT "a"', 'PUTSCRIPT "a" "b" "c"', 'GETSCRIPT {1}', 'NOOP "a"x',
    "NOOP 1", "UNAUTHENTICATE", 'GETSCRIPT {1+}x'])
def test_malformed(client, line):
    assert client.say(line).status == "NO"
    assert client.say("NOOP")


def test_malformed_without_end(client):
    for _ in range(19):
        assert client.say("x").status == "NO"
    assert client.say("x").status == "NO"
    assert client.answer().status == "BYE"
    assert client.file.read() == b""


@pytest.mark.parametrize("data", [
    b"NOOP " + b"x" * 20000, b"NOOP {4294967295+}\r\n",
    b'NOOP "' + b"x" * 5000 + b"\0\r\n", b"NOOP {99999999999+}\r\nx\r\n"],
    ids=range(4))
def test_what_can_never_be_understood(client, data):
    client.write(data)
    client.process.stdin.close()
    text = client.file.read()
    assert text.startswith((b"BYE", b"NO")) and client.process.wait(30) == 0
    client._close = None
    client.file.close()


def test_pipelined(client):
    client.write(b'PUTSCRIPT "a" {5+}\r\nkeep;\r\nSETACTIVE "a"\r\n'
                 b"LISTSCRIPTS\r\nLOGOUT\r\n")
    assert client.file.read() == b'OK\r\nOK\r\n"a" ACTIVE\r\nOK\r\n' \
        b'OK "Goodbye"\r\n'


@pytest.mark.parametrize("taken,name", [((), "main"), (("main",), "main-2"),
                                        (("main", "main-2"), "main-3")])
def test_a_file_that_is_active_by_itself(client, folder, taken, name):
    path = folder / ".dovecot.sieve"
    path.write_text("# by hand\nkeep;\n")
    for other in taken:
        (folder / "sieve").mkdir(exist_ok=True)
        (folder / f"sieve/{other}.sieve").write_text(KEEP)
    others = {other: False for other in taken}
    assert client.list() == others | {name: True}
    assert client.get(name) == "# by hand\nkeep;\n"
    assert not path.is_symlink()        # To look at it changes nothing.
    assert client.say(f'HAVESPACE "{name}" 10')
    assert client.say(f'DELETESCRIPT "{name}"').code == "ACTIVE"
    assert client.put("new", KEEP)
    assert active(folder) == f"sieve/{name}.sieve"
    assert client.list() == others | {name: True, "new": False}
    assert client.put(name, "stop;") and client.get(name) == "stop;"
    assert path.read_text() == "stop;"
    assert client.say('SETACTIVE "new"')
    assert client.say(f'DELETESCRIPT "{name}"')


def test_links_to_elsewhere_are_not_followed(client, folder, tmp_path):
    (tmp_path / "secret.sieve").write_text("keep;")
    (folder / "sieve").mkdir()
    (folder / "sieve/x.sieve").symlink_to(tmp_path / "secret.sieve")
    (folder / ".dovecot.sieve").symlink_to(tmp_path / "secret.sieve")
    assert client.list() == {}
    assert client.say('GETSCRIPT "x"').status == "NO"
    assert client.say('SETACTIVE "x"').code == "NONEXISTENT"
    assert client.put("x", "stop;") and client.say('SETACTIVE "x"')
    assert (tmp_path / "secret.sieve").read_text() == "keep;"
    assert client.list() == {"x": True} and client.get("x") == "stop;"


def test_a_folder_that_is_a_link(client, folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (folder / "sieve").symlink_to(tmp_path / "elsewhere")
    assert client.put("x", KEEP).status == "NO"
    assert client.say("LISTSCRIPTS").status == "NO"
    assert os.listdir(tmp_path / "elsewhere") == []


def test_two_at_once(folder):
    """Each change is whole, and the link never points to nothing."""
    with SieveClient.of_program(SIEVED, folder) as a, \
            SieveClient.of_program(SIEVED, folder) as b:
        for c, name in ((a, "a"), (b, "b")):
            assert c.put(name, KEEP)
        for i in range(50):
            a.write(b'SETACTIVE "a"\r\nPUTSCRIPT "c" "stop;"\r\n'
                    b'RENAMESCRIPT "a" "d"\r\nRENAMESCRIPT "d" "a"\r\n')
            b.write(b'SETACTIVE "b"\r\nPUTSCRIPT "c" "keep;"\r\n')
            text = pathlib.Path(folder / ".dovecot.sieve").read_bytes
            assert i == 0 or text() == KEEP.encode()
            assert all([a.answer() for _ in range(4)] +
                       [b.answer() for _ in range(2)])
        assert sorted(a.list()) == ["a", "b", "c"]


def test_usage(folder):
    for args in ([], ["-x"], [folder, folder]):
        done = subprocess.run([SIEVED, *args], capture_output=True, text=True)
        assert done.returncode == 100 and "usage: sieved" in done.stderr
    folder.chmod(0o777)
    done = subprocess.run([SIEVED, folder], capture_output=True, text=True)
    assert done.returncode == 111 and "event=cannot-start" in done.stderr
    done = subprocess.run([SIEVED, "-m", "a@b", folder], capture_output=True)
    assert done.returncode == 100       # root, behind a front
