"""A server that is slow and says that all is well."""

import logging

import pytest

from cutpoint.lab.faults.slowdowns import LEFT_WITHIN, MOST_SWITCHES, run_slowdown

_log = logging.getLogger(__name__)


def test_a_slow_server_is_left_though_it_is_healthy(tmp_path, fork_server):
    """What answers take counts, not what the health check says."""
    slowdown = run_slowdown(tmp_path, fork_server, num_slowed=15)
    assert slowdown.problems == []
    assert slowdown.left_after < 15


@pytest.mark.soak
def test_a_slow_server_is_left_within_ten_requests(tmp_path, fork_server):
    """Another choice is made soon, and it is not changed again and again."""
    slowdown = run_slowdown(tmp_path, fork_server)
    _log.info("%s", slowdown)
    assert slowdown.problems == []
    assert slowdown.left_after <= LEFT_WITHIN
    assert slowdown.num_switches <= MOST_SWITCHES
