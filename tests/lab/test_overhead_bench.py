"""The bench of what cutpoint costs."""

from pathlib import Path

import pytest

from cutpoint.lab.overhead_bench import run_overhead_bench
from cutpoint.lab.overhead_report import write_overhead_report


@pytest.mark.timeout(120)
def test_every_way_is_measured_answers_right_and_is_reported(tmp_path: Path) -> None:
    """A few pairs of a small net on a real server: three ways, no wrong answer, memory told."""
    bench = run_overhead_bench(tmp_path, ["mobilenet_v3_small"], num_pairs=10, most_times=1)
    assert [row.way for row in bench.rows] == ["whole", "segments", "server"]
    assert [row.num_wrong for row in bench.rows] == [0, 0, 0]
    assert all(row.ratio.num_pairs == 10 for row in bench.rows)
    assert bench.rows[0].memory_bytes > bench.rows[1].memory_bytes > 2**20
    assert bench.rows[2].reference in ("unary", "stream")
    write_overhead_report(bench, tmp_path / "report")
    text = (tmp_path / "report" / "overhead.md").read_text()
    assert "Wrong answers: 0." in text
    assert (tmp_path / "report" / "overhead.png").stat().st_size > 1000
