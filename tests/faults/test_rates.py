"""Links whose rate falls while something is on them."""

import logging

import pytest

from cutpoint.lab.faults.rates import (
    ADDED_S,
    MOST_BEYOND_BEST,
    RIGHT_SHARE,
    run_collapses,
    run_flapping,
)

pytestmark = pytest.mark.alone

_log = logging.getLogger(__name__)


def test_an_upload_on_a_collapsed_link_is_given_up(tmp_path, fork_server):
    """The device finishes alone, and offloads again when the rate is back."""
    campaign = run_collapses(tmp_path, fork_server, 1, num_slow=1, rows=512)
    (collapse,) = campaign.collapses
    assert campaign.problems == []
    assert collapse.is_hit
    assert collapse.tail_s > 0


@pytest.mark.soak
def test_a_collapse_costs_the_tail_and_little_more(tmp_path, fork_server):
    """The answer comes 100 ms and the tail after the change; the next choices are right."""
    campaign = run_collapses(tmp_path, fork_server, 10)
    for collapse in campaign.collapses:
        _log.info("%s", collapse)
    assert campaign.problems == []
    hits = [each for each in campaign.collapses if each.is_hit]
    assert len(hits) >= 8
    assert max(each.added_s - each.tail_s for each in hits) <= ADDED_S
    num_right = sum(each.num_right for each in hits)
    assert num_right >= RIGHT_SHARE * sum(each.num_judged for each in hits)


@pytest.mark.soak
def test_a_flapping_link_is_ridden_almost_as_well_as_by_the_best_fixed_choice(
    tmp_path, fork_server
):
    """Every 2 s another rate: the mean latency stays near that of the best fixed choice."""
    flapping = run_flapping(tmp_path, fork_server, 40.0)
    _log.info("%s, %.2f x the best fixed choice", flapping, flapping.beyond_best)
    assert flapping.problems == []
    assert flapping.beyond_best <= MOST_BEYOND_BEST
