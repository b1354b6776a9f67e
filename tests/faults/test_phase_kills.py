"""SIGKILL in each phase of an inference."""

import logging

import pytest

from cutpoint.lab.faults.phase_kills import ADDED_S, PHASES, RESUME_S, SCENES, run_phase_kills

pytestmark = pytest.mark.alone

_log = logging.getLogger(__name__)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.phase)
def test_a_kill_in_any_phase_loses_nothing(scene, tmp_path, fork_server):
    """Four kills in each phase: every answer is right, and offloading comes back."""
    campaign = run_phase_kills(tmp_path, fork_server, 4, [scene])
    assert campaign.num_wrong == 0
    assert campaign.problems == []
    assert len(campaign.hits(scene.phase)) == 4
    assert all(kill.is_right for kill in campaign.kills)


@pytest.mark.soak
def test_thirty_kills_in_each_phase_cost_the_tail_and_little_more(tmp_path, fork_server):
    """The answer comes with the local tail's time and 50 ms; offloading is back in 1.5 s."""
    campaign = run_phase_kills(tmp_path, fork_server, 30)
    assert (campaign.num_wrong, campaign.problems) == (0, [])
    for phase in PHASES:
        hits = campaign.hits(phase)
        beyond_s = sorted(kill.overhead_s for kill in hits)
        resumed_s = sorted(kill.resumed_s for kill in hits)
        _log.info(
            "%s: %d kills, beyond the tail %.0f ms (median), %.0f ms (worst); back after %.2f s "
            "(median), %.2f s (worst)",
            phase,
            len(hits),
            beyond_s[len(hits) // 2] * 1e3,
            beyond_s[-1] * 1e3,
            resumed_s[len(hits) // 2],
            resumed_s[-1],
        )
        assert len(hits) >= 30
        assert beyond_s[-1] <= ADDED_S
        assert resumed_s[-1] <= RESUME_S
