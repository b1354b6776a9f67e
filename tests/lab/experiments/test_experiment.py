"""What every experiment is given and gives."""

from dataclasses import dataclass
from importlib.metadata import version

from tests.lab.experiments.toy import row

from cutpoint.lab.experiments.experiment import Options, Stopwatch, details_of
from cutpoint.lab.experiments.form import at_most


@dataclass(frozen=True)
class _Bench:
    environment: str
    num_runs: int
    rows: tuple[int, ...]


def test_details_are_what_a_bench_measured() -> None:
    """Its fields, but where: the report has that once."""
    assert details_of(_Bench("here", 3, (1, 2))) == {"num_runs": 3, "rows": (1, 2)}


def test_a_stopwatch_tells_where_and_how_a_report_was_made() -> None:
    """Machine, version, size, seed, models asked for and time are in every report alike."""
    watch = Stopwatch("toy", Options(is_quick=True, seed=4, models=("nin", "vgg16")))
    claims = (at_most("a", 1, 2), at_most("b", 3, 2))
    report = watch.report([row()], claims, traces=["lte"], notes=["no iperf3"], slowdown=8.0)
    assert (report.experiment, report.seed, report.rows, report.claims) == (
        "toy", 4, (row(),), claims,
    )  # fmt: skip
    assert not report.holds
    environment = report.environment
    assert (environment.is_quick, environment.traces) == (True, ("lte",))
    assert environment.notes == ("Models asked for: nin, vgg16.", "no iperf3")
    assert environment.version == version("cutpoint")
    assert 0 < environment.elapsed_s < watch.report([], []).environment.elapsed_s
    assert environment.host.emulated_slowdown == 8.0
    assert environment.host.cpu


def test_an_experiment_that_claims_nothing_holds() -> None:
    """Nothing that was claimed failed."""
    assert Stopwatch("toy", Options()).report([], []).holds
