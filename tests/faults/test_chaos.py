"""Everything fails, one thing after the other."""

import logging

import pytest

from cutpoint.lab.faults.chaos import run_chaos

pytestmark = pytest.mark.alone

_log = logging.getLogger(__name__)


def test_a_little_chaos_loses_nothing(tmp_path, fork_server):
    """One client, two servers, two faults: no answer is wrong, late, lost or unexplained."""
    run = run_chaos(
        tmp_path, fork_server, 1, 2.0, num_servers=2, num_clients=1, hold_s=0.5, quiet_s=0.5
    )
    assert run.num_wrong == run.num_failed == 0
    assert run.problems == []


@pytest.mark.soak
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_minute_of_chaos_loses_nothing(tmp_path, fork_server, seed):
    """Two clients, three servers, a fault every few seconds."""
    run = run_chaos(tmp_path, fork_server, seed, 60.0, quiet_s=10.0)
    _log.info("%s", run)
    assert run.num_wrong == run.num_failed == 0
    assert run.problems == []
