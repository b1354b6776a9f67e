"""The benches run, and their reports hold what was measured."""

from pathlib import Path

import msgspec
import pytest

from cutpoint.cost import Limits, PredictionError, every_head
from cutpoint.lab.planning_bench import PlanningBench, run_planning_bench
from cutpoint.lab.planning_report import write_planning_report
from cutpoint.lab.predictors_bench import PredictorsBench
from cutpoint.lab.predictors_report import write_predictors_report
from cutpoint.lab.synthetic import synthetic_table
from cutpoint.records import Environment


@pytest.mark.parametrize("size", [1, 2, 9, 10, 11, 57, 300])
def test_a_made_up_network_is_one(size: int) -> None:
    """Of any size: one input, one output, everything needed by something."""
    table = synthetic_table(size)
    assert table.num_blocks == size
    outputs = [value for value in table.values if value.is_output]
    assert [value.producer for value in outputs] == [size - 1]
    assert all(value.consumers for value in table.values if not value.is_output)
    rows = every_head(table, Limits(), 100_000)
    assert rows is None or len(rows.heads) > size


def test_the_bench_measures_what_it_says(tmp_path: Path) -> None:
    """A row per model and size, all of them above zero, and a report of every number."""
    bench = run_planning_bench(["squeezenet"], [100, 300], rounds=2)
    assert [row.model for row in bench.decisions] == ["squeezenet"]
    assert [row.num_blocks for row in bench.growth] == [100, 300]
    assert all(row.decide_s > 0 and row.dads_s > 0 and row.ratio > 0 for row in bench.decisions)
    write_planning_report(bench, tmp_path)
    assert (
        msgspec.json.decode((tmp_path / "planning.json").read_bytes(), type=PlanningBench) == bench
    )
    assert "| squeezenet |" in (tmp_path / "planning.md").read_text()
    assert (tmp_path / "planning.png").read_bytes().startswith(b"\x89PNG")


def test_the_predictors_report_holds_every_error(tmp_path: Path) -> None:
    """Means are of the rows, and the files are written."""
    environment = Environment("1.0", ("CPU",), 1, "a processor", 2, None, malloc_kept=False)
    errors = (
        PredictionError("a", 0.1, 0.2, 3, 0.5, 0.1),
        PredictionError("b", 0.1, 0.1, 3, 0.1, 0.3),
    )
    bench = PredictorsBench(errors, environment)
    assert (bench.mean_whole_error, bench.mean_head_error) == pytest.approx((0.5, 0.3))
    write_predictors_report(bench, tmp_path)
    text = (tmp_path / "predictors.md").read_text()
    assert "| a | 100.0 ms | 200.0 ms | 100% | 50.0% | 10.0% |" in text
    assert (tmp_path / "predictors.png").read_bytes().startswith(b"\x89PNG")
