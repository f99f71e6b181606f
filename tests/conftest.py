"""Fixtures for all Python tests; tests/lib is where they import from."""
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))

import host as host_module  # noqa: E402


def pytest_configure(config):
    if os.geteuid() != 0:
        pytest.exit("the tests need root: each role gets its own uid", 1)


def pytest_collection_modifyitems(config, items):
    """Long tests run when they are asked for: `pytest -m soak`."""
    if "soak" in config.getoption("-m"):
        return
    kept = [i for i in items if i.get_closest_marker("soak") is None]
    config.hook.pytest_deselected(
        items=[i for i in items if i not in kept])
    items[:] = kept


@pytest.fixture(scope="module")
def host():
    """A host that all tests of a file share: alice@ and bob@mx.example.org,
    password `secret`. Tests must not depend on what others left in it."""
    with host_module.Host(users={"alice": "secret", "bob": "secret"}) as h:
        yield h


@pytest.fixture
def make_host():
    """Host(...) with anything else, stopped when the test ends."""
    hosts = []

    def make(*args, start=True, **more):
        h = host_module.Host(*args, **more)
        hosts.append(h)
        if start:
            h.start()
        return h

    yield make
    errors = []
    for h in hosts:
        try:
            h.close()
        except RuntimeError as error:
            errors.append(error)
    if errors:
        raise errors[0]
