"""The bench of putting parts together."""

from pathlib import Path

import pytest
from tests.nets import net_graph

from cutpoint.lab import extraction_bench
from cutpoint.lab.extraction_bench import run_extraction_bench
from cutpoint.lab.extraction_report import write_extraction_report


def test_every_cut_is_timed_and_reported(tmp_path: Path) -> None:
    """As many cuts as asked for, or as the net has; the report names every net."""
    heard: list[str] = []
    bench = run_extraction_bench(["squeezenet", "alexnet"], 5, heard.append)
    assert [row.model for row in bench.rows] == ["alexnet", "squeezenet"]
    assert len(heard) == 2
    for row in bench.rows:
        assert (row.num_cuts, row.num_nodes > 20) == (5, True)
        assert 0 < row.median_s <= row.slowest_s
    write_extraction_report(bench, tmp_path)
    text = (tmp_path / "extraction.md").read_text()
    assert "| alexnet |" in text
    assert "| squeezenet |" in text
    assert {path.suffix for path in tmp_path.iterdir()} == {".md", ".png", ".json"}


def test_without_names_the_large_nets_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nets of a hundred nodes and more."""
    monkeypatch.setattr(extraction_bench, "graph_of", net_graph)
    bench = run_extraction_bench(num_cuts=1)
    assert len(bench.rows) >= 15
    assert all(row.num_nodes >= 100 for row in bench.rows)
