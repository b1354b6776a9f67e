import math

import numpy as np
import pytest

from cutpoint.lab.disturbance import RETRANSMISSION_S, Disturbance


def test_nothing_is_delayed_by_default():
    """A link is even unless it is told otherwise."""
    assert Disturbance().extra_s(np.random.default_rng(0)) == 0


def test_a_share_is_lost_and_the_rest_jitters():
    """Over many pieces the losses are the share asked for, and jitter is within its bound."""
    rng = np.random.default_rng(0)
    disturbance = Disturbance(jitter_s=0.01, loss=0.25)
    extras = np.array([disturbance.extra_s(rng) for _ in range(4000)])
    assert 0.22 < np.mean(extras >= RETRANSMISSION_S) < 0.28
    kept = extras[extras < RETRANSMISSION_S]
    assert kept.max() <= 0.01
    assert 0.004 < kept.mean() < 0.006


@pytest.mark.parametrize(
    "wrong", [{"jitter_s": -1.0}, {"jitter_s": math.inf}, {"loss": 1.0}, {"loss": -0.1}]
)
def test_impossible_disturbances_are_refused(wrong):
    """Each bound is named."""
    with pytest.raises(ValueError, match="must be at least 0"):
        Disturbance(**wrong)
