"""Two servers in a list."""

import logging

import pytest

from cutpoint.lab.faults.failover import MOST_ATTEMPTS, run_failover

pytestmark = pytest.mark.alone

_log = logging.getLogger(__name__)


def test_the_second_server_takes_over(tmp_path, fork_server):
    """The preferred one dies in mid-request: the next request goes to the other one at once."""
    campaign = run_failover(tmp_path, fork_server, 1, num_between=3)
    assert campaign.problems == []
    assert all(each.is_next_on_second for each in campaign.failovers)


@pytest.mark.soak
def test_failing_over_costs_few_attempts(tmp_path, fork_server):
    """Over 20 deaths there are at most 1.10 attempts per request."""
    campaign = run_failover(tmp_path, fork_server, 20)
    for failover in campaign.failovers:
        _log.info("%s", failover)
    assert campaign.problems == []
    assert all(each.is_next_on_second for each in campaign.failovers)
    assert campaign.attempts_per_request <= MOST_ATTEMPTS
