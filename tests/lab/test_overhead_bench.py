"""The bench of what cutpoint costs."""

from pathlib import Path

import pytest

from cutpoint.lab import overhead_bench
from cutpoint.lab.experiments.experiment import Options
from cutpoint.lab.experiments.overhead import OverheadExperiment
from cutpoint.lab.experiments.writer import write_outcome


@pytest.mark.timeout(120)
def test_every_way_is_measured_answers_right_and_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forked_process, zoo_write
) -> None:
    """A few pairs of a small net on a real server: three ways, no wrong answer, memory told."""
    monkeypatch.setattr(overhead_bench, "ServerProcess", forked_process)
    monkeypatch.setattr(overhead_bench, "write", zoo_write)
    experiment = OverheadExperiment(num_pairs=10, most_times=1)
    outcome = experiment.run(Options(models=("squeezenet",)))
    found = outcome.report.details["rows"]
    assert [row.way for row in found] == ["whole", "segments", "server"]
    assert [row.num_wrong for row in found] == [0, 0, 0]
    assert all(row.ratio.num_pairs == 10 for row in found)
    assert found[0].memory_bytes > found[1].memory_bytes > 2**20
    assert found[2].reference in ("unary", "stream")
    ratios = [claim.value for claim in outcome.report.claims[:3]]
    assert ratios == [row.ratio.ratio for row in found]
    assert outcome.report.claims[3].holds, "no wrong answer"
    policies = [row.policy for row in outcome.report.rows]
    assert policies == [*2 * ("cutpoint", "ONNX Runtime"), "cutpoint", "bare client"]
    assert len({row.load for row in outcome.report.rows}) == 3, "a place of its own for each way"
    write_outcome(outcome, tmp_path / "report")
    text = (tmp_path / "report" / "overhead.md").read_text()
    assert "Wrong answers: 0." in text
    assert (tmp_path / "report" / "overhead.png").stat().st_size > 1000
