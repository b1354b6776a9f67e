"""The experiment about predictions, once through on a small net."""

from pathlib import Path

import pytest

from cutpoint.lab.experiments.experiment import Options
from cutpoint.lab.experiments.prediction import PredictionExperiment
from cutpoint.lab.prediction import bed


def test_a_net_is_predicted_and_measured_on_every_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forked_process, zoo_write
) -> None:
    """Each has its row, and each claim its value; how good they are a busy machine does not say."""
    monkeypatch.setattr(bed, "ServerProcess", forked_process)
    monkeypatch.setattr(bed, "write", zoo_write)
    experiment = PredictionExperiment(per_link=2, least_kept=1, mbit_per_s=(20, 100))
    outcome = experiment.run(Options(models=("squeezenet",)))
    report = outcome.report
    assert not any(note.startswith("squeezenet:") for note in report.environment.notes)  # it ran
    assert [claim.name.split(":")[0] for claim in report.claims] == ["squeezenet"] * 3
    assert {row.link for row in report.rows} <= {f"{each} Mbit/s" for each in (20, 100)}
    assert all(row.n + row.num_dropped >= 2 for row in report.rows)
    nets = report.details["nets"]
    if report.claims[0].value:
        assert nets[0].model == "squeezenet"
        outcome.figures[0].draw(tmp_path / "prediction.png")
        assert (tmp_path / "prediction.png").stat().st_size > 1000


def test_a_net_that_cannot_be_run_is_told_of() -> None:
    """Its claims do not hold, and the others' are not lost."""
    report = PredictionExperiment().run(Options(models=("no_such_net",))).report
    assert not any(claim.holds for claim in report.claims)
    assert "no_such_net" in report.environment.notes[0]
