"""The bench of batches across cuts."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from cutpoint.lab import batching_bench
from cutpoint.lab.batching_bench import MODES, TEXT, ModelRow, run_batching_bench
from cutpoint.lab.batching_report import batching_text
from cutpoint.lab.experiments.batching import BatchingExperiment
from cutpoint.lab.experiments.experiment import Options
from cutpoint.lab.experiments.writer import write_outcome


def _check(models: Sequence[ModelRow]) -> None:
    for row in models:
        assert [mode.mode for mode in row.modes] == list(MODES)
        assert len(set(row.cuts)) == len(row.tails_s) == 3
        for mode in row.modes:
            assert mode.num_wrong == sum(told.num_refused for told in mode.rounds) == 0
            assert all(told.num_answered > 0 for told in mode.rounds)
        assert row.mode("off").batch == 1.0


@pytest.mark.timeout(120)
def test_every_answer_is_right_however_requests_meet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forked_process
) -> None:
    """Eight clients at three cuts of real servers get the uncut model's answers."""
    monkeypatch.setattr(batching_bench, "ServerProcess", forked_process)
    monkeypatch.setattr(batching_bench, "_TEXT_LAYERS", 3)
    monkeypatch.setattr(batching_bench, "_TEXT_FEATURES", 128)
    experiment = BatchingExperiment(num_rounds=1, duration_s=0.5)
    outcome = experiment.run(Options(models=(TEXT,)))
    _check(outcome.report.details["models"])
    assert [row.policy for row in outcome.report.rows] == [f"batching {mode}" for mode in MODES]
    for row, mode in zip(
        outcome.report.rows, outcome.report.details["models"][0].modes, strict=True
    ):
        assert row.throughput_per_s == mode.throughput_per_s
    assert outcome.report.claims[-1].holds, "no wrong answer"
    write_outcome(outcome, tmp_path / "report")
    assert outcome.text in (tmp_path / "report" / "batching.md").read_text()
    assert (tmp_path / "report" / "batching.png").stat().st_size > 1000


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_meeting_in_segments_is_worth_it(tmp_path: Path) -> None:
    """Throughput is no lower than per-tail queues' in the same run, the mean batch above 1.5."""
    bench = run_batching_bench(tmp_path, num_rounds=9, duration_s=4.0)
    _check(bench.models)
    for row in bench.models:
        assert row.ratio_to("tails").upper >= 1.0, batching_text(bench)
        assert row.ratio_to("off").upper >= 0.98, batching_text(bench)
    assert bench.models[0].ratio_to("tails").lower >= 1.0, batching_text(bench)
    assert bench.models[0].mode("segments").batch > 1.5
