"""More than a server can do: what it still answers, how fast it refuses, what clients add."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cutpoint.execution import ModelFile, load_graph
from cutpoint.execution.runtime import keep_freed_memory
from cutpoint.graph import Graph
from cutpoint.lab.experiments.form import LatencySummary, summarise
from cutpoint.lab.load_order import Load, LoadOrder, Target
from cutpoint.lab.load_process import LoadProcess
from cutpoint.lab.overloaded_sessions import NUM_SESSIONS, Attempts, overloaded_sessions
from cutpoint.lab.server_process import ServerProcess
from cutpoint.lab.zoo import write
from cutpoint.profiling import read_environment
from cutpoint.records import Environment

FACTORS = (0.5, 0.8, 1.0, 2.0, 3.0, 4.0)
JUDGED = 3.0
"""The load at which the goals are set."""

_AT_ONCE = (2, 4)
"""Requests under way while the capacity is measured: more than are computed, none refused."""

_DEADLINE_TIMES = 10.0
_LEAST_DEADLINE_S = 0.1
_NO_DEADLINE_S = 60.0
_WARM_UP_S = 1.0
_PROVIDERS = ("CPUExecutionProvider",)

Listener = Callable[[str], None]


@dataclass(frozen=True)
class OverloadRow:
    """
    One offered load, all rounds together.

    Parameters
    ----------
    factor
        Offered load / capacity.
    offered_per_s
        Requests per second that were made.
    goodput_per_s
        Answers within the deadline per second, in each round.
    num_requests, num_rejected, num_late, num_failed
        Counts; the rest was answered.
    answered_s, rejected_s
        Median and 99th percentile, of answers from when they were due, and of refusals from
        when they were asked.
    lag_s
        99th percentile of how late the source itself was.
    answered
        More of the answers; ``None`` if there were none.
    """

    factor: float
    offered_per_s: float
    goodput_per_s: tuple[float, ...]
    num_requests: int
    num_rejected: int
    num_late: int
    num_failed: int
    answered_s: tuple[float, float]
    rejected_s: tuple[float, float]
    lag_s: float
    answered: LatencySummary | None = None

    @property
    def mean_goodput_per_s(self) -> float:
        """Over all rounds."""
        return float(np.mean(self.goodput_per_s))


@dataclass(frozen=True)
class OverloadBench:
    """
    Everything that was measured, and where.

    Parameters
    ----------
    model
        Of the zoo.
    deadline_s
        An answer is of use so long after its request was due.
    capacity_per_s
        Of one server, in each round.
    rows
        One per offered load.
    attempts
        At two servers.
    """

    environment: Environment
    model: str
    deadline_s: float
    capacity_per_s: tuple[float, ...]
    rows: tuple[OverloadRow, ...]
    attempts: tuple[Attempts, ...]

    @property
    def peak_per_s(self) -> float:
        """The most that was answered in time, at any offered load."""
        return max(row.mean_goodput_per_s for row in self.rows)

    @property
    def judged(self) -> OverloadRow:
        """The row the goals are about: three times the capacity, or the largest load."""
        rows = {row.factor: row for row in self.rows}
        return rows.get(JUDGED, self.rows[-1])

    @property
    def kept(self) -> float:
        """Goodput at the judged load / peak."""
        return self.judged.mean_goodput_per_s / self.peak_per_s if self.peak_per_s else 0.0


def run_overload_bench(
    folder: Path,
    model: str = "mobilenet_v2",
    duration_s: float = 5.0,
    num_rounds: int = 4,
    factors: Sequence[float] = FACTORS,
    listener: Listener = lambda text: None,
    *,
    num_sessions: int = NUM_SESSIONS,
) -> OverloadBench:
    """
    Offer a server more and more, in turns, and count at the clients.

    In each round the capacity is measured anew, then every load is offered once, by a
    process of its own: Poisson arrivals that do not wait for answers.

    Parameters
    ----------
    folder
        Where the model goes.
    model
        Name in the zoo; one image goes in.
    duration_s
        Of one load in one round.
    num_rounds
        At least one.
    factors
        Loads, as multiples of the capacity.
    listener
        Told what happens, line by line.
    num_sessions
        Of ours, at two servers.
    """
    path = write(model, folder / f"{model}.onnx")
    graph = load_graph(ModelFile.open(path))
    with ServerProcess([str(path)]) as server:
        deadline_s = max(_DEADLINE_TIMES * _whole_s(server), _LEAST_DEADLINE_S)
        with LoadProcess(_target(graph, (server.address,))) as source:
            rounds = [
                _round(source, duration_s, deadline_s, factors, number, listener)
                for number in range(num_rounds)
            ]
        listener("two servers in a list")
        with ServerProcess([str(path)]) as other:
            addresses = (server.address, other.address)
            rate_per_s = JUDGED * sum(capacity for capacity, _ in rounds) / num_rounds
            attempts = (
                _source_attempts(graph, addresses, rate_per_s, deadline_s, 2 * duration_s),
                overloaded_sessions(path, addresses, 2 * duration_s, num_sessions),
            )
    loads = zip(*(each for _, each in rounds), strict=True)
    return OverloadBench(
        read_environment(
            providers=_PROVIDERS,
            num_threads=1,
            malloc_kept=keep_freed_memory(),
            emulated_slowdown=1.0,
        ),
        model,
        deadline_s,
        tuple(capacity for capacity, _ in rounds),
        tuple(_row(factor, each, duration_s) for factor, each in zip(factors, loads, strict=True)),
        attempts,
    )


def _round(
    source: LoadProcess,
    duration_s: float,
    deadline_s: float,
    factors: Sequence[float],
    number: int,
    listener: Listener,
) -> tuple[float, list[Load]]:
    source.offer(LoadOrder(_WARM_UP_S, _NO_DEADLINE_S, num_at_once=_AT_ONCE[0]))
    capacity_per_s = max(
        len(source.offer(LoadOrder(duration_s, _NO_DEADLINE_S, num_at_once=each)).answered_s)
        / duration_s
        for each in _AT_ONCE
    )
    listener(f"round {number + 1}: {capacity_per_s:.0f} answers/s are the capacity")
    loads = []
    for index, factor in enumerate(factors):
        order = LoadOrder(
            duration_s, deadline_s, factor * capacity_per_s, seed=100 * number + index
        )
        loads.append(source.offer(order))
        goodput_per_s = len(loads[-1].answered_s) / duration_s
        listener(f"  {factor:g} x: {goodput_per_s:.0f} answers/s in time")
    return capacity_per_s, loads


def _row(factor: float, loads: Sequence[Load], duration_s: float) -> OverloadRow:
    num_requests = sum(load.num_requests for load in loads)
    answered_s = [took_s for load in loads for took_s in load.answered_s]
    return OverloadRow(
        factor,
        num_requests / (duration_s * len(loads)),
        tuple(len(load.answered_s) / duration_s for load in loads),
        num_requests,
        sum(len(load.rejected_s) for load in loads),
        sum(load.num_late for load in loads),
        sum(load.num_failed for load in loads),
        _median_and_p99(answered_s),
        _median_and_p99([took_s for load in loads for took_s in load.rejected_s]),
        _median_and_p99([lag_s for load in loads for lag_s in load.lag_s])[1],
        summarise(answered_s) if answered_s else None,
    )


def _median_and_p99(times_s: Sequence[float]) -> tuple[float, float]:
    if not times_s:
        return 0.0, 0.0
    median_s, p99_s = np.percentile(times_s, [50, 99])
    return float(median_s), float(p99_s)


def _source_attempts(
    graph: Graph,
    addresses: tuple[str, ...],
    rate_per_s: float,
    deadline_s: float,
    duration_s: float,
) -> Attempts:
    with LoadProcess(_target(graph, addresses)) as source:
        source.offer(LoadOrder(_WARM_UP_S, _NO_DEADLINE_S, num_at_once=1))
        load = source.offer(LoadOrder(duration_s, deadline_s, rate_per_s))
    refused = len(load.rejected_s) / max(load.num_attempts, 1)
    return Attempts("open load", load.num_requests, load.num_attempts, refused, 0)


def _whole_s(server: ServerProcess) -> float:
    return next(float(each["whole_s"]) for each in server.events if each["event"] == "model")


def _target(graph: Graph, addresses: tuple[str, ...]) -> Target:
    (name,) = graph.inputs
    dims = tuple(int(size) for size in graph.values[name].shape or ())
    return Target(addresses, graph.name, graph.sha256, name, dims)
