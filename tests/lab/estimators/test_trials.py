"""Estimators against the truth, on links and loads that are known."""

from math import log

import pytest

from cutpoint.lab.estimators.link_trial import CUTPOINT, LinkSetting, link_verdicts
from cutpoint.lab.estimators.load_trial import SETTINGS, load_verdicts
from cutpoint.lab.estimators.verdict import Verdict, lags_s
from cutpoint.lab.experiments.estimators import EstimatorsExperiment
from cutpoint.lab.experiments.experiment import Options
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.simulation.senses import FRAME_BYTES


def test_a_lag_ends_where_the_estimate_is_near() -> None:
    """Of two steps one is noticed after a while, and the other never."""
    at_s = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    off = [0.0, 1.0, 1.0, 0.1, 1.0, 1.0, 1.0]
    assert lags_s(at_s, off, [1.0, 4.0]) == (2.0, 2.0)


def test_errors_are_told_as_shares() -> None:
    """Twice as long as it truly takes is an error of 100 %."""
    verdict = Verdict("x", "y", (1.0,), (log(2.0),))
    assert verdict.median_off == verdict.p95_off == pytest.approx(1.0)
    assert verdict.median_lag_s is None


def test_on_a_steady_link_every_estimator_is_right_in_the_end() -> None:
    """Those without a fixed time mistake it for a slower rate, and none is off by more."""
    steady = LinkSetting("steady", RateSchedule.constant(1e5), 30.0)
    found = {verdict.name: verdict for verdict in link_verdicts(steady)}
    assert len(found) == 5
    assert found[CUTPOINT].median_off < 0.02
    assert found["diamond"].median_off < 0.1
    assert found["dads"].median_off < 0.1  # which leaves out the fixed time
    assert all(verdict.probe_bytes_per_s > 0 for verdict in found.values())
    assert min(found.values(), key=lambda each: each.probe_bytes_per_s).name == CUTPOINT


def test_all_bytes_of_a_probe_are_counted() -> None:
    """Frames as well as payloads: two pings a second, and of its own an empty and a small one."""
    steady = LinkSetting("steady", RateSchedule.constant(1e6), 30.0)
    found = {verdict.name: verdict for verdict in link_verdicts(steady)}
    pings = 1024 + 16 * 1024 + 2 * FRAME_BYTES
    assert found["dads"].probe_bytes_per_s == pytest.approx(pings, rel=0.05)
    assert found[CUTPOINT].probe_bytes_per_s > 450


def test_every_estimator_of_load_is_judged() -> None:
    """Neurosurgeon's K, LoADPart's k, the follow-on's W beside it, DIAMOND's, and Triton's."""
    for setting in SETTINGS:
        found = {verdict.name: verdict for verdict in load_verdicts(setting, seed=3)}
        assert set(found) >= {"neurosurgeon K", "loadpart k", "triton statistics"}
        assert found["triton statistics"].median_off < 0.25


@pytest.mark.parametrize("setting", SETTINGS, ids=[setting.name for setting in SETTINGS])
def test_the_sessions_own_estimator_follows_a_step_of_load(setting) -> None:
    """Within two seconds, and the same numbers come again."""
    first, again = (list(load_verdicts(setting, seed=3)) for _ in range(2))
    assert first == again
    assert first[0].median_lag_s <= 2.0


def test_the_experiment_tells_of_every_estimator() -> None:
    """Rows, claims and a text with both tables."""
    outcome = EstimatorsExperiment().run(Options(is_quick=True))
    names = {row.policy for row in outcome.report.rows}
    assert {"cutpoint", "dads", "diamond", "loadpart", "neurosurgeon", "loadpart k"} <= names
    assert all(claim.holds for claim in outcome.report.claims if "error beside" in claim.name)
    assert "## Links" in outcome.text
    assert "## Load" in outcome.text
