"""Mail handed to programs by the file `forward`."""
import os
import re
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from queuehost import QueueHost, as_user, wait_for  # noqa: E402

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="needs root")
# In the words of a process that nobody else starts.
NAP = 100000 + os.getpid()
BOB = "bob@a.test"
ALICE = "alice@a.test"
MESSAGE = (b"From: s@else.test\r\nTo: bob@a.test\r\nSubject: x\r\n\r\n"
           b"Hello.\r\n.\r\n")


class Host(QueueHost):
    # A mailbox that fails again and again is held for a while: more of them.
    users = {**QueueHost.users,
             **{f"u{i}@a.test": 10 + i for i in range(9)}}
    who = BOB

    def forward(self, *lines):
        full = os.path.join(self.home(self.who), "forward")

        def work():
            with open(full, "w") as f:
                f.write("".join(line + "\n" for line in lines))
        assert as_user(self.uid(self.who), work) == 0

    def send(self, to=None, sender=ALICE):
        return self.drop(sender, [to or self.who], MESSAGE)

    def retry(self, ident):
        self.wait_event("deferred", id=ident, seconds=30)
        self.command("wake " + ident)

    def out(self):
        return os.path.join(self.home(self.who), "out")

    def read(self):
        """What the program wrote, once it is there."""
        path = self.out()
        assert wait_for(lambda: os.path.exists(path), 15), self.log_text()
        with open(path, "rb") as f:
            return f.read()

    def inbox(self):
        return os.listdir(os.path.join(self.home(self.who), "new"))

    def clear(self):
        home = self.home(self.who)
        os.system(f"rm -rf {home}/out* {home}/forward {home}/new/* "
                  f"{home}/.dovecot.sieve {self.home(ALICE)}/new/*")


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("programs")
    # A worker's folder lies deeper than that of a run without any.
    for path in (folder, *folder.parents):
        if path.stat().st_mode & 0o055 != 0o055:
            path.chmod(0o755)

    def program(name, text):
        (folder / name).write_text("#!/bin/sh\n" + text)
        (folder / name).chmod(0o755)
    program("keep-it", 'cat >$HOME/out.new; mv out.new out\n')
    program("env", '{ env; pwd; echo "args=$*"; id -u; ulimit -v;'
                   ' sed -n "s/^Max processes  *//p" /proc/self/limits |'
                   ' cut -d" " -f1;'
                   ' ls /proc/self/fd; } >out.new; mv out.new out\n')
    program("exit", 'echo "so it is $1"; exit $1\n')
    program("once", '[ -e out ] || { : >out; exit 75; }\n')
    program("hang", f'(setsid sleep {NAP} &) ; sleep {NAP} & echo $$ >out;'
                    f' sleep {NAP}\n')
    program("leave", '(setsid sleep 1001 &) ; sleep 1001 & exit 0\n')
    program("eat", 'exec /usr/bin/python3 -c "x = bytearray(1 << 30)"\n')
    program("talk", 'i=0; while [ $i -lt 20000 ]; do echo "word $i"; '
                    'i=$((i + 1)); done; exit 100\n')
    program("fork", ':() { : | : & }; :; sleep 0.2; exit 0\n')
    (folder / "data").write_text("no program")
    return folder


@pytest.fixture(scope="module")
def shared(programs):
    with Host(user_programs=programs, executes=2, program_timeout=3,
              program_memory=1 << 29, retry_first=600,
              retry_max=600) as host:
        yield host


@pytest.fixture
def host(shared):
    shared.who = BOB
    shared.clear()
    os.truncate(shared.log, 0)
    return shared


def processes(words):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if f.read() == words:
                    found.append(int(pid))
        except OSError:
            pass
    return found


def test_the_message_is_its_input(host):
    host.forward("|keep-it")
    ident = host.send()
    assert host.read() == (
        b"Return-Path: <alice@a.test>\nDelivered-To: bob@a.test\n"
        + MESSAGE.replace(b"\r\n", b"\n"))
    st = os.stat(host.out())
    assert st.st_uid == st.st_gid == host.uid(BOB)
    assert host.wait_event("removed", id=ident) and not host.inbox()


def test_its_environment(host, programs):
    host.forward(f'|{programs}/env one "two  words" $HOME')
    host.send("bob@a.test", "o'neill@a.test")
    text = host.read().decode()
    for line in ("SENDER=o'neill@a.test", "RECIPIENT=bob@a.test",
                 "LOCAL=bob", "DOMAIN=a.test", "EXTENSION=",
                 f"HOME={host.home(BOB)}", host.home(BOB),
                 "args=one two  words $HOME", str(host.uid(BOB)),
                 str((1 << 29) // 1024), "64", "LC_ALL=C"):
        assert line in text.splitlines(), (line, text)
    # 0 to 2, and the folder that ls reads.
    assert text.splitlines()[-4:] == ["0", "1", "2", "3"]


def test_a_detail(host):
    host.forward("|env")
    host.send("bob+x+y@a.test")
    lines = host.read().decode().splitlines()
    assert "EXTENSION=x+y" in lines and "LOCAL=bob+x+y" in lines


@pytest.mark.parametrize("code", [0, 99])
def test_done(host, code):
    host.forward(f"|exit {code}", "keep")
    ident = host.send()
    assert host.wait_event("removed", id=ident)
    # After 99 nothing else is done.
    assert len(host.inbox()) == (code == 0)


@pytest.mark.parametrize("code,status", [
    (77, "5.7.0"), (67, "5.1.1"), (65, "5.6.0"), (100, "5.3.0")])
def test_refused(host, code, status):
    host.forward(f"|exit {code}", "keep")
    host.send(sender="alice@a.test")
    (_, text), = [(p, t) for p, t in wait_for(lambda: bounces(host), 30)]
    assert f"Status: {status}" in text and f"so it is {code}" in text
    assert not host.inbox()


def bounces(host):
    folder = os.path.join(host.home(ALICE), "new")
    found = []
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), errors="replace") as f:
            found.append((name, f.read()))
        os.unlink(os.path.join(folder, name))
    return found


def test_tried_again(host):
    host.forward("|once", "keep")
    ident = host.send()
    host.retry(ident)
    assert host.wait_event("removed", id=ident, seconds=30)
    assert len(host.inbox()) == 1
    assert len(host.events("program", id=ident)) == 2


@pytest.mark.parametrize("line,number", [
    (line, number) for number, line in enumerate((
        "exit 75", "exit 111", "exit 1", "exit 127", "none", "data", "../x",
        "/bin/sh", "eat"))])
def test_put_off(host, line, number):
    host.who = f"u{number}@a.test"
    host.forward("|" + line, "keep")
    ident = host.send()
    said = host.wait_event("program", seconds=30, id=ident)[0]["said"]
    assert said.startswith("4.3.0 ") and not host.inbox()


def test_one_that_hangs_is_killed_with_all_that_it_started(host):
    host.forward("|hang")
    ident = host.send()
    said = host.wait_event("program", seconds=30, id=ident)[0]["said"]
    assert "too long" in said
    assert not os.path.exists(f"/proc/{host.read().decode().strip()}")
    assert wait_for(lambda: not processes(b"sleep\0%d\0" % NAP), 10)


def test_what_it_leaves_behind_ends(host):
    host.forward("|leave")
    ident = host.send()
    assert host.wait_event("removed", id=ident, seconds=30)
    assert wait_for(lambda: not processes(b"sleep\x001001\x00"), 10)


def test_what_it_says_is_bounded(host):
    host.forward("|talk")
    host.send(sender="alice@a.test")
    (_, text), = wait_for(lambda: bounces(host), 30)
    assert "word 0" in text and "word 1" not in text


def test_processes_are_bounded(host):
    host.forward("|fork")
    ident = host.send()
    host.wait_event("program", seconds=30, id=ident)


def test_a_line_that_comes_later(host):
    """A delivery that runs already can't start it, and makes way at once."""
    host.forward("keep")
    ident = host.send()
    assert host.wait_event("removed", id=ident)
    host.forward("|keep-it")
    ident = host.send()
    assert host.wait_event("removed", id=ident, seconds=30)
    assert host.read().endswith(b"Hello.\n.\n")


def test_several(host):
    host.forward("|keep-it", "|exit 0", "keep", "# remark")
    ident = host.send()
    assert host.wait_event("removed", id=ident, seconds=30)
    assert host.read() and len(host.inbox()) == 1


def test_a_script_of_the_mailbox_goes_before(host):
    path = os.path.join(host.home(BOB), ".dovecot.sieve")

    def work():
        with open(path, "w") as f:
            f.write("keep;")
    assert as_user(host.uid(BOB), work) == 0
    host.forward("|keep-it")
    ident = host.send()
    assert host.wait_event("removed", id=ident)
    assert len(host.inbox()) == 1 and not os.path.exists(host.out())


def test_without_the_setting_it_is_a_fault(programs):
    with Host() as host:
        host.forward("|keep-it")
        ident = host.send()
        assert host.wait_event("removed", id=ident)
        # The message, and what tells of the fault.
        assert len(host.inbox()) == 2
        assert host.events("filter-failed")
        assert not os.path.exists(host.out())


def test_the_delivery_itself_can_execute_nothing(host):
    host.forward("|hang")
    host.send()
    assert wait_for(lambda: os.path.exists(host.out()), 30)
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/status") as f:
                text = f.read()
        except OSError:
            continue
        if re.search(rf"^Uid:\t{host.uid(BOB)}\t", text, re.M) and \
                "Name:\tlocal-spawner" in text:
            found.append(re.search(r"Seccomp:\t(\d)", text)[1])
    # The delivery has its filter, what runs programs has none.
    assert set(found) == {"0", "2"}
