"""The experiment about where splitting pays, once through on the smallest net."""

from pathlib import Path

import pytest

from cutpoint.lab.experiments.advise import AdviseExperiment
from cutpoint.lab.experiments.experiment import Options

OPTIONS = Options(is_quick=True, models=("mobilenet_v3_small",))


def test_a_net_is_planned(tmp_path: Path) -> None:
    """Ends and splits at every link that is shown, and a verdict."""
    outcome = AdviseExperiment(rounds=0).run(OPTIONS)
    policies = {"device-only", "server-only uint8", "server-only jpeg", "best split"}
    assert {(row.policy, row.clock) for row in outcome.report.rows} == {
        (policy, "planned") for policy in policies
    }
    assert "mobilenet_v3_small" in outcome.report.details["verdicts"]
    assert not outcome.report.claims
    outcome.figures[0].draw(tmp_path / "advise.png")
    assert (tmp_path / "advise.png").stat().st_size > 1000


@pytest.mark.soak
def test_a_net_is_confirmed_on_the_real_clock() -> None:
    """One claim counts the points; each kind that ran has a row of its own."""
    report = AdviseExperiment(rounds=2).run(OPTIONS).report
    (claim,) = report.claims
    assert (claim.bound, claim.value <= 2) == (2, True)
    assert all(row.n + row.num_dropped >= 2 for row in report.rows if row.clock == "real")
