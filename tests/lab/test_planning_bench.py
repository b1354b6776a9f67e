"""The benches run, and their reports hold what was measured."""

from pathlib import Path

import pytest

from cutpoint.cost import Limits, PredictionError, every_head
from cutpoint.lab.experiments.experiment import Options, Stopwatch
from cutpoint.lab.experiments.planning import PlanningExperiment
from cutpoint.lab.experiments.predictors import predictors_outcome
from cutpoint.lab.experiments.writer import write_outcome
from cutpoint.lab.predictors_bench import PredictorsBench
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
    experiment = PlanningExperiment(largest=300, num_rounds=2)
    outcome = experiment.run(Options(models=("squeezenet",)))
    (decision,) = outcome.report.details["decisions"]
    assert decision.model == "squeezenet"
    assert [row.num_blocks for row in outcome.report.details["growth"]] == [100, 300]
    assert min(decision.decide_s, decision.dads_s, decision.ratio) > 0
    decided, cut = outcome.report.rows
    assert (decided.latency_s, cut.latency_s) == (decision.decided, decision.dads)
    (claim,) = outcome.report.claims
    assert claim.value == pytest.approx(decision.decide_s * 1e6)
    write_outcome(outcome, tmp_path)
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
    outcome = predictors_outcome(bench, Stopwatch("predictors", Options()))
    clocks = [(row.model, row.clock, row.latency_s.mean) for row in outcome.report.rows]
    assert clocks[:2] == [("a", "real", 0.1), ("a", "planned", 0.2)]
    write_outcome(outcome, tmp_path)
    text = (tmp_path / "predictors.md").read_text()
    assert "| a | 100.0 ms | 200.0 ms | 100% | 50.0% | 10.0% |" in text
    assert (tmp_path / "predictors.png").read_bytes().startswith(b"\x89PNG")
