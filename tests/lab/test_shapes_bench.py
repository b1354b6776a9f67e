"""The bench of inputs whose length varies."""

from pathlib import Path

import pytest

from cutpoint.lab import shapes_bench
from cutpoint.lab.experiments.experiment import Options
from cutpoint.lab.experiments.shapes import ShapesExperiment
from cutpoint.lab.experiments.writer import write_outcome
from cutpoint.lab.shapes_bench import LONGEST, SHORTEST, lengths_of


def test_lengths_are_even_on_a_logarithmic_scale() -> None:
    """Both ends are there, half of them lie below the geometric mean, and the seed decides."""
    lengths = lengths_of(101, 3)
    assert (min(lengths), max(lengths)) == (SHORTEST, LONGEST)
    assert sum(length < (SHORTEST * LONGEST) ** 0.5 for length in lengths) == 50
    assert lengths == lengths_of(101, 3) != lengths_of(101, 4)


@pytest.mark.timeout(120)
def test_every_answer_is_right_and_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forked_process
) -> None:
    """A few lengths on a real server behind a real link: every policy gives the uncut answer."""
    monkeypatch.setattr(shapes_bench, "ServerProcess", forked_process)
    monkeypatch.setattr(shapes_bench, "_LAYERS", 2)
    monkeypatch.setattr(shapes_bench, "_FEATURES", 64)
    outcome = ShapesExperiment(num_calls=5).run(Options(seed=1))
    calls = outcome.report.details["calls"]
    assert (len(calls), outcome.report.details["num_wrong"]) == (5, 0)
    policies = {"cutpoint", "device-only", "server-only"}
    assert all(call.latency_s.keys() == policies for call in calls)
    assert not calls[0].is_warm
    for policy in policies:
        rows = [row for row in outcome.report.rows if row.policy == policy]
        assert sum(row.n for row in rows) == 5
        total_s = sum(row.n * row.latency_s.mean for row in rows)
        assert total_s == pytest.approx(sum(call.latency_s[policy] for call in calls))
    write_outcome(outcome, tmp_path / "report")
    text = (tmp_path / "report" / "shapes.md").read_text()
    assert "Wrong answers: 0." in text
    assert (tmp_path / "report" / "shapes.png").stat().st_size > 1000
