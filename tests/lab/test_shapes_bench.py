"""The bench of inputs whose length varies."""

from pathlib import Path

import pytest

from cutpoint.lab import shapes_bench
from cutpoint.lab.shapes_bench import LONGEST, SHORTEST, lengths_of, run_shapes_bench
from cutpoint.lab.shapes_report import write_shapes_report


def test_lengths_are_even_on_a_logarithmic_scale() -> None:
    """Both ends are there, half of them lie below the geometric mean, and the seed decides."""
    lengths = lengths_of(101, 3)
    assert (min(lengths), max(lengths)) == (SHORTEST, LONGEST)
    assert sum(length < (SHORTEST * LONGEST) ** 0.5 for length in lengths) == 50
    assert lengths == lengths_of(101, 3) != lengths_of(101, 4)


@pytest.mark.timeout(120)
def test_every_answer_is_right_and_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few lengths on a real server behind a real link: every policy gives the uncut answer."""
    monkeypatch.setattr(shapes_bench, "_LAYERS", 2)
    monkeypatch.setattr(shapes_bench, "_FEATURES", 64)
    bench = run_shapes_bench(tmp_path, num_calls=5, slowdown=2)
    assert (len(bench.calls), bench.num_wrong) == (5, 0)
    assert sum(row.num_calls for row in bench.rows) == 5
    assert all(
        call.latency_s.keys() == {"cutpoint", "device-only", "server-only"} for call in bench.calls
    )
    assert not bench.calls[0].is_warm
    assert 0 < bench.best_fixed_s <= bench.mean_s("device-only")
    write_shapes_report(bench, tmp_path / "report")
    text = (tmp_path / "report" / "shapes.md").read_text()
    assert "Wrong answers: 0." in text
    assert (tmp_path / "report" / "shapes.png").stat().st_size > 1000
