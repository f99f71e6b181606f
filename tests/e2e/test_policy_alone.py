"""policy by itself: a monitor and smtpds in Python around the built program."""
import os
import shutil
import sys
import tempfile
import time

import pytest

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(REPOSITORY, "tests", "lib"))
from checkalone import Policy  # noqa: E402

FROM_TO = {"sender": "alice@example.org", "recipient": "bob@kereru.test"}


def wait_until_known(session):
    end = time.monotonic() + 30
    while session.ask("r", **FROM_TO)[0] != "a":
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.fixture
def folder():
    path = tempfile.mkdtemp(prefix="kereru-policy-")
    yield path
    shutil.rmtree(path, ignore_errors=True)


def test_off_by_default(folder):
    with Policy(folder=folder) as p:
        s = p.session()
        for stage in "chmre":
            assert s.ask(stage, **FROM_TO) == ("a", 0, "")


def test_all_sessions_share_what_is_known(folder):
    with Policy({"greylist": "1", "greylist-delay": "1000",
                 "rate-user-messages": "1"}, folder=folder) as p:
        one, two = p.session(), p.session("192.0.2.77")
        action, delay, text = one.ask("r", **FROM_TO)
        assert (action, delay) == ("t", 0)
        assert text == "450 4.7.1 greylisted, try again in 1000 seconds"
        assert two.ask("r", **FROM_TO)[0] == "t"
        # Who may relay is not asked.
        assert p.session(flags=1).ask("r", **FROM_TO)[0] == "a"
        # How many came of a network, whether or not there is a limit.
        for n, s in enumerate((one, two, one), 1):
            assert s.ask("e")[0] == "a" and s.messages == n
        assert one.ask("r", **FROM_TO)[0] == "t" and one.messages == 0
        # A user's limit holds for all of the user's sessions.
        user = p.session("203.0.113.1", mailbox="alice@kereru.test")
        other = p.session("203.0.113.9", mailbox="alice@kereru.test")
        assert user.ask("m")[0] == "a"
        assert user.ask("e")[0] == "a"
        assert other.ask("m")[0] == "t"
        # Who guesses is answered later and later, whoever of the network.
        delays = [s.ask("x", **FROM_TO)[1] for s in [one, two] * 5]
        assert delays == sorted(delays) and delays[2] == 0 and delays[-1] > 0


def test_kept_over_restarts_and_damage(folder):
    settings = {"greylist": "1", "greylist-delay": "1"}
    store = os.path.join(folder, "state/policy/store")
    with Policy(settings, folder=folder) as p:
        assert p.session().ask("r", **FROM_TO)[0] == "t"
        assert "store=store" in p.log()
    assert os.path.getsize(store) > 1 << 20
    with Policy(settings, folder=folder) as p:
        # Seen before: a moment later it is known.
        wait_until_known(p.session())
        assert p.log().count("store=store") == 1
    with open(store, "r+b") as f:
        f.seek(4096)
        f.write(os.urandom(500000))
    with Policy(settings, folder=folder) as p:
        # Known still, or forgotten, as chance has it.
        assert p.session().ask("r", **FROM_TO)[0] in "at"
        assert p.log().count("store=store") == 1
    with open(store, "wb") as f:
        f.write(b"nonsense")
    with Policy(settings, folder=folder) as p:
        assert p.session().ask("r", **FROM_TO)[0] == "t"
        assert p.log().count("store=store") == 2


def test_nonsense_ends_that_session_alone(folder):
    with Policy(folder=folder) as p:
        good, bad = p.session(), p.session()
        bad.pair.send(b"nonsense")
        assert bad.pair.recv(100) == b""
        assert good.ask("m")[0] == "a"
        # A monitor's nonsense ends its connection, and no session.
        p.control.send(b"nonsense")
        assert good.ask("m")[0] == "a"


def test_many_sessions(folder):
    with Policy(folder=folder) as p:
        sessions = [p.session() for _ in range(200)]
        for s in sessions:
            assert s.ask("m")[0] == "a"
        for s in sessions[::2]:
            s.close()
        for s in sessions[1::2]:
            assert s.ask("m")[0] == "a"
