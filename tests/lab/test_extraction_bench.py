"""The bench of putting parts together."""

from pathlib import Path

import pytest
from tests.nets import net_graph

from cutpoint.lab import extraction_bench
from cutpoint.lab.experiments.experiment import Options
from cutpoint.lab.experiments.extraction import ExtractionExperiment
from cutpoint.lab.experiments.writer import write_outcome
from cutpoint.lab.extraction_bench import run_extraction_bench


def test_every_cut_is_timed_and_reported(tmp_path: Path) -> None:
    """As many cuts as asked for, or as the net has; the report names every net."""
    outcome = ExtractionExperiment(num_cuts=5).run(Options(models=("squeezenet", "alexnet")))
    found = outcome.report.details["rows"]
    assert [row.model for row in found] == ["alexnet", "squeezenet"]
    for row in found:
        assert (row.num_cuts, row.num_nodes > 20) == (5, True)
        assert 0 < row.median_s <= row.slowest_s
    assert [row.n for row in outcome.report.rows] == [1, 5, 1, 5]
    write_outcome(outcome, tmp_path)
    text = (tmp_path / "extraction.md").read_text()
    assert "| alexnet |" in text
    assert "| squeezenet |" in text
    assert {path.suffix for path in tmp_path.iterdir()} == {".md", ".png", ".json", ".html"}


def test_without_names_the_large_nets_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nets of a hundred nodes and more."""
    monkeypatch.setattr(extraction_bench, "graph_of", net_graph)
    bench = run_extraction_bench(num_cuts=1)
    assert len(bench.rows) >= 15
    assert all(row.num_nodes >= 100 for row in bench.rows)
