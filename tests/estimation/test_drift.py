from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.estimation import DriftDetector
from cutpoint.exceptions import CostError


def checks_until_drift(
    most_share: float, share: float, num: int, seed: int, detector: DriftDetector | None = None
) -> int | None:
    """Give after how many checks a drift is seen, each bad with a probability."""
    found = detector or DriftDetector(most_share)
    for i, draw in enumerate(np.random.default_rng(seed).random(num)):
        found.observe(float(draw < share))
        if found.has_drifted:
            return i + 1
    return None


@pytest.mark.parametrize("most_share", [0.001, 0.01, 0.05, 0.2])
def test_false_alarms_are_rare_at_the_very_limit(most_share: float) -> None:
    """Where as much is bad as is allowed, 60,000 checks bring at most three; half of it, one."""
    alarms = {
        share: sum(
            checks_until_drift(most_share, share * most_share, 2000, seed) is not None
            for seed in range(30)
        )
        for share in (1.0, 0.5)
    }
    assert alarms[1.0] <= 3
    assert alarms[0.5] <= 1


@pytest.mark.soak
@pytest.mark.parametrize("most_share", [0.001, 0.01, 0.05, 0.1])
def test_false_alarms_are_as_rare_as_the_decision_says(most_share: float) -> None:
    """A million checks at the very limit bring ten at the most; a hundred are guaranteed."""
    alarms = [
        checks_until_drift(most_share, most_share, 5000, seed) is not None for seed in range(200)
    ]
    assert sum(alarms) <= 10


@pytest.mark.parametrize(
    ("most_share", "share", "most_checks"),
    [
        (0.01, 1.0, 3), (0.01, 0.3, 20), (0.01, 0.05, 400),
        (0.05, 1.0, 6), (0.05, 0.5, 20), (0.05, 0.25, 80),
        (0.001, 1.0, 3), (0.001, 0.1, 40),
    ],
)  # fmt: skip
def test_a_shift_is_seen_soon(most_share: float, share: float, most_checks: int) -> None:
    """After a long good time, the sooner the larger it is; in the median of many runs."""
    seen = []
    for seed in range(40):
        detector = DriftDetector(most_share)
        checks_until_drift(most_share, 0.0, 300, seed, detector)
        seen.append(checks_until_drift(most_share, share, 5000, seed, detector))
    assert None not in seen
    assert median(seen) <= most_checks


def test_where_nothing_is_allowed_one_bad_check_is_enough() -> None:
    """Full agreement was asked for."""
    detector = DriftDetector(0.0)
    assert checks_until_drift(0.0, 0.0, 1000, 0, detector) is None
    assert not detector.is_suspicious
    detector.observe(1e-6)
    assert detector.has_drifted
    assert not detector.is_calm


def test_suspicion_comes_with_a_bad_check_and_goes_with_good_ones() -> None:
    """The first are looked at anyway; one bad one of a hundred is looked into for a while."""
    detector = DriftDetector(0.01)
    assert detector.is_suspicious
    for _ in range(10):
        detector.observe(0.0)
    assert not detector.is_suspicious
    assert detector.is_calm
    detector.observe(1.0)
    assert detector.is_suspicious
    num = 0
    while detector.is_suspicious:
        detector.observe(0.0)
        num += 1
    assert 2 <= num <= 20


def test_doubt_makes_it_look_again() -> None:
    """Something else drifted: the next ones are looked at, and nothing is held against them."""
    detector = DriftDetector(0.05)
    for _ in range(20):
        detector.observe(0.0)
    detector.doubt()
    assert detector.is_suspicious
    assert detector.is_calm
    for _ in range(10):
        detector.observe(0.0)
    assert not detector.is_suspicious


@given(st.lists(st.floats(0, 1), max_size=200), st.floats(0.001, 0.9))
def test_a_factor_is_fair(scores: list[float], most_share: float) -> None:
    """Scores that are the allowed mean itself never change the evidence; it is always finite."""
    detector = DriftDetector(most_share)
    for score in scores:
        detector.observe(score)
    before = detector.evidence
    assert 1.0 <= before < 1e13
    detector.observe(most_share)
    assert detector.evidence == pytest.approx(before)


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_what_is_no_share_is_refused(share: float) -> None:
    """A mean of all, or of no number, cannot be watched."""
    with pytest.raises(CostError):
        DriftDetector(share)
