"""The experiment about predictions, once through on the smallest net."""

from pathlib import Path

from cutpoint.lab.experiments.experiment import Options
from cutpoint.lab.experiments.prediction import PredictionExperiment


def test_a_net_is_predicted_and_measured_on_every_link(tmp_path: Path) -> None:
    """Each has its row, and each claim its value; how good they are a busy machine does not say."""
    experiment = PredictionExperiment(per_link=2, least_kept=1, mbit_per_s=(20, 100))
    outcome = experiment.run(Options(models=("mobilenet_v3_small",)))
    report = outcome.report
    assert [claim.name.split(":")[0] for claim in report.claims] == ["mobilenet_v3_small"] * 3
    assert {row.link for row in report.rows} <= {f"{each} Mbit/s" for each in (20, 100)}
    assert all(row.n + row.num_dropped >= 2 for row in report.rows)
    nets = report.details["nets"]
    if report.claims[0].value:
        assert nets[0].model == "mobilenet_v3_small"
        outcome.figures[0].draw(tmp_path / "prediction.png")
        assert (tmp_path / "prediction.png").stat().st_size > 1000


def test_a_net_that_cannot_be_run_is_told_of() -> None:
    """Its claims do not hold, and the others' are not lost."""
    report = PredictionExperiment().run(Options(models=("no_such_net",))).report
    assert not any(claim.holds for claim in report.claims)
    assert "no_such_net" in report.environment.notes[0]
