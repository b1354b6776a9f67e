"""A server that is slow and says that all is well."""

import logging

import pytest

from cutpoint.lab.faults.slowdowns import BACK_WITHIN_S, LEFT_WITHIN, MOST_SWITCHES, run_slowdown

_log = logging.getLogger(__name__)


def test_a_slow_server_is_left_though_it_is_healthy(tmp_path, fork_server):
    """What answers take counts, not what the health check says."""
    slowdown = run_slowdown(tmp_path, fork_server, num_slowed=15)
    assert slowdown.problems == []
    assert slowdown.left_after < 15


@pytest.mark.soak
@pytest.mark.parametrize("is_foreign", [False, True], ids=["cutpoint", "foreign"])
def test_a_slow_server_is_left_within_ten_requests_and_used_again(
    tmp_path, fork_server, is_foreign: bool
):
    """Another choice is made soon, not again and again, and taken back when the server is quick.

    Of cutpoint's server, which tells what it takes, and of one that tells nothing.
    """
    slowdown = run_slowdown(tmp_path, fork_server, is_foreign=is_foreign, recovers=True)
    _log.info("%s", slowdown)
    assert slowdown.problems == []
    assert slowdown.left_after <= LEFT_WITHIN
    assert slowdown.num_switches <= MOST_SWITCHES
    assert slowdown.back_after_s <= BACK_WITHIN_S
