"""What check adds to a message, with all checks on and a DNS that answers."""
import shutil
import sys

import pytest

from host import BUILD, REPOSITORY

sys.path.insert(0, str(REPOSITORY / "tests/bench"))
import spam  # noqa: E402


@pytest.mark.soak
@pytest.mark.skipif(not shutil.which("bogofilter"), reason="needs bogofilter")
def test_a_thousand_messages_of_a_session_cost_little():
    """The best of three, since others work here as well. A session for each
    message costs more, a worker of its own: printed, not judged."""
    costs = [spam.cost(BUILD)[1]]
    while len(costs) < 3 and not (costs[-1][0] < 2 and costs[-1][1] < 20):
        costs.append(spam.cost(BUILD)[1])
    cpu, ms = min(costs)
    assert cpu < 2 and ms < 20, costs
