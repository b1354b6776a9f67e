"""Overload: what a server refuses, what it keeps, and how often clients ask."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cutpoint.execution import ModelFile, load_graph
from cutpoint.lab.experiments.experiment import Options, Stopwatch
from cutpoint.lab.experiments.form import summarise
from cutpoint.lab.experiments.overload import overload_outcome
from cutpoint.lab.experiments.writer import write_outcome
from cutpoint.lab.fork_server import ForkServer
from cutpoint.lab.forked_server import ForkedServer
from cutpoint.lab.load_order import LoadOrder, Target
from cutpoint.lab.load_process import LoadProcess
from cutpoint.lab.overload_bench import OverloadBench, OverloadRow, run_overload_bench
from cutpoint.lab.overload_report import (
    LEAST_KEPT,
    MOST_ATTEMPTS,
    MOST_REJECT_S,
    overload_text,
)
from cutpoint.lab.overloaded_sessions import Attempts
from cutpoint.profiling import read_environment

DEADLINE_S = 60.0


def _target(model: Path, *addresses: str) -> Target:
    graph = load_graph(ModelFile.open(model))
    return Target(addresses, graph.name, graph.sha256, "image", (1, 3, 64, 64))


@pytest.fixture(scope="module")
def pair(six_convs: Path, fork_server: ForkServer) -> Iterator[tuple[ForkedServer, ForkedServer]]:
    """Give two servers that queue one request each, started side by side."""
    arguments = ("--max-waiting", "1", "--batching", "off")
    first, second = (fork_server.server([str(six_convs)], arguments) for _ in range(2))
    try:
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(_start, (first, second)))
        yield first, second
    finally:
        first.kill()
        second.kill()


def _start(server: ForkedServer) -> None:
    server.start()
    server.wait_until_ready()


def test_clients_at_a_full_server_are_answered_or_refused_and_add_a_tenth(
    six_convs: Path, pair: tuple[ForkedServer, ForkedServer]
) -> None:
    """Every refusal says when to come back; the second server is asked for a tenth at most."""
    first, second = pair
    with LoadProcess(_target(six_convs, first.address, second.address)) as source:
        load = source.offer(LoadOrder(0.5, DEADLINE_S, num_at_once=16))
        num_rejected = len(load.rejected_s)
        assert (load.num_late, load.num_failed) == (0, 0)
        assert len(load.answered_s) + num_rejected == load.num_requests == load.num_attempts
        assert load.num_hints == num_rejected > 0
        calm = source.offer(LoadOrder(0.1, DEADLINE_S, num_at_once=1))
        assert len(calm.answered_s) == calm.num_requests, "it is over when the load is"
        load = source.offer(LoadOrder(0.5, DEADLINE_S, rate_per_s=1500.0))
        assert len(load.rejected_s) > 10
        assert 1.0 < load.num_attempts / load.num_requests <= 1.1
        load = source.offer(LoadOrder(0.2, DEADLINE_S, rate_per_s=1500.0, retry_ratio=0.0))
        assert load.num_attempts == load.num_requests


def _row(factor: float, *goodput_per_s: float) -> OverloadRow:
    return OverloadRow(
        factor,
        100 * factor,
        goodput_per_s,
        500,
        7,
        2,
        1,
        (0.02, 0.05),
        (0.002, 0.008),
        0.001,
        summarise([0.01, 0.02, 0.05]),
    )


def test_the_report_judges_three_times_the_capacity(tmp_path: Path) -> None:
    """The peak is of any load, means are of all rounds, and every load has its line."""
    environment = read_environment(
        providers=(), num_threads=1, malloc_kept=False, emulated_slowdown=1.0
    )
    rows = (_row(1.0, 90.0, 110.0), _row(3.0, 95.0, 97.0), _row(4.0, 80.0, 80.0))
    attempts = (Attempts("sessions", 100, 105, 0.4, 0),)
    bench = OverloadBench(environment, "tiny", 0.1, (100.0, 98.0), rows, attempts)
    assert bench.peak_per_s == 100.0
    assert bench.kept == pytest.approx(0.96)
    outcome = overload_outcome(bench, Stopwatch("overload", Options()))
    assert [claim.value for claim in outcome.report.claims[:3]] == pytest.approx([0.96, 8.0, 1.05])
    assert outcome.report.holds
    row = outcome.report.rows[1]
    assert (row.load, row.n, row.throughput_per_s) == ("300% of capacity", 490, 96.0)
    write_outcome(outcome, tmp_path)
    text = (tmp_path / "overload.md").read_text()
    assert overload_text(bench) in text
    for words in ("| 3 x | 300 | 96.0 (95, 97) |", "96.0% of the peak", "| 105 | 1.050 | 40% |"):
        assert words in text


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_three_times_too_much_changes_little(tmp_path: Path) -> None:
    """Goodput stays, refusals are quick, clients add a tenth at most."""
    bench = run_overload_bench(tmp_path)
    assert bench.kept >= LEAST_KEPT
    assert bench.judged.rejected_s[1] <= MOST_REJECT_S
    assert all(each.per_request <= MOST_ATTEMPTS for each in bench.attempts)
    assert all(each.num_wrong == 0 for each in bench.attempts)
