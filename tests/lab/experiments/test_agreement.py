"""Two runs of one experiment."""

from pathlib import Path

import pytest
from tests.lab.experiments.toy import Toy, row

from cutpoint.exceptions import ExperimentError
from cutpoint.lab.experiments.agreement import Agreement, agreement, read_saved
from cutpoint.lab.experiments.experiment import Options
from cutpoint.lab.experiments.form import Report, ResultRow
from cutpoint.lab.experiments.writer import report_json


def _report(*rows: ResultRow, seed: int = 0) -> Report:
    return Toy(rows).run(Options(seed=seed)).report


FAST, SLOW = row("fast", 0.10, 0.11, 0.12), row("slow", 0.20, 0.21, 0.22)


def test_a_ranking_that_comes_again_is_repeated() -> None:
    """However the second run's own intervals lie."""
    again = _report(row("slow", 0.1, 0.4), row("fast", 0.1, 0.3))
    assert agreement(_report(FAST, SLOW), again) == Agreement(1, (), ())


def test_a_ranking_that_turns_round_is_named() -> None:
    """With the place, and who was faster in the first run."""
    found = agreement(_report(FAST, SLOW), _report(row("fast", 0.3), row("slow", 0.2)))
    (broken,) = found.broken
    assert str(broken) == "fast before slow (squeezenet, lte-driving, idle, real clock)"
    assert not found.is_repeated


def test_a_ranking_within_its_intervals_is_none() -> None:
    """What the first run could not tell, the second need not repeat."""
    first = _report(FAST, row("near", 0.11, 0.12, 0.13))
    assert agreement(first, _report(row("fast", 0.3), row("near", 0.2))).num_rankings == 0


def test_rows_of_one_inference_are_not_ranked_by_a_hair() -> None:
    """They have no interval; a tie of the first run may turn round in the second."""
    near = _report(row("one", 0.100), row("other", 0.104))
    assert agreement(near, _report(row("one", 0.104), row("other", 0.100))).num_rankings == 0
    apart = _report(row("one", 0.100), row("other", 0.120))
    assert agreement(apart, apart).num_rankings == 1


def test_what_is_computed_is_ranked_by_more_than_its_times_are_sure_of() -> None:
    """However narrow its intervals: they are measured anew in each run."""
    for clock, num in (("virtual", 0), ("real", 1)):
        rows = (row("one", 0.1, 0.1001, clock=clock), row("other", 0.101, 0.1011, clock=clock))
        assert agreement(_report(*rows), _report(*rows)).num_rankings == num


def test_a_quick_run_is_not_held_against_a_full_one() -> None:
    """It samples the other: what it leaves out is no ranking that failed."""
    quick = Toy((FAST, SLOW)).run(Options(is_quick=True)).report
    with pytest.raises(ExperimentError, match="quick or not"):
        agreement(_report(FAST, SLOW), quick)


def test_a_ranking_of_which_a_row_is_gone_is_named() -> None:
    """Nothing is taken for repeated because it was not run again."""
    found = agreement(_report(FAST, SLOW), _report(FAST))
    assert (len(found.missing), found.broken, found.is_repeated) == (1, (), False)


def test_places_are_ranked_apart() -> None:
    """Models, links, loads and clocks have nothing to do with each other."""
    other = row("slow", 0.01, model="alexnet")
    virtual = row("slow", 0.01, clock="virtual")
    elsewhere = row("slow", 0.01, link="lte-strolling")
    first = _report(FAST, other, virtual, elsewhere)
    assert agreement(first, first).num_rankings == 0


def test_other_runs_and_ambiguous_rows_are_refused() -> None:
    """Another seed draws another experiment; of two rows of one name either may be meant."""
    with pytest.raises(ExperimentError, match="run one experiment twice with one seed"):
        agreement(_report(FAST), _report(FAST, seed=1))
    with pytest.raises(ExperimentError, match="two rows of fast at squeezenet, lte-driving"):
        agreement(_report(FAST, FAST), _report(FAST))


def test_reports_are_read_as_they_were_written(tmp_path: Path) -> None:
    """A file agrees with the report it was written from; what is no report is told by name."""
    report = _report(FAST, SLOW)
    path = tmp_path / "toy.json"
    path.write_bytes(report_json(report))
    assert read_saved(path).rows == report.rows
    assert agreement(report, read_saved(path)).is_repeated
    with pytest.raises(ExperimentError, match=r"report .*none\.json: No such file"):
        read_saved(tmp_path / "none.json")
    for content in (b"{}", b"no json", b"\xff\xfe"):
        path.write_bytes(content)
        with pytest.raises(ExperimentError, match=r"toy\.json is none that `cutpoint bench` wrote"):
            read_saved(path)
