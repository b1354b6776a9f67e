"""How long it takes to put the two parts of a cut together as models of their own."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cutpoint.graph import Cut, Graph, candidate_cuts, extract, segments_of
from cutpoint.lab.experiments.form import LatencySummary, summarise
from cutpoint.lab.zoo import ZOO, graph_of
from cutpoint.profiling import read_environment
from cutpoint.records import Environment

Listener = Callable[[str], None]

_WORTH_A_ROW = 100
"""Nodes from which a net is among the defaults."""


@dataclass(frozen=True)
class ExtractionRow:
    """
    One net.

    Parameters
    ----------
    model, num_nodes
        The net as it is written, not optimised.
    first_s
        Head and tail of one cut of a graph nothing was extracted from before.
    further
        Head and tail of further cuts.
    slowest_s
        Of them.
    num_cuts
        How many were timed.
    """

    model: str
    num_nodes: int
    first_s: float
    further: LatencySummary
    slowest_s: float
    num_cuts: int

    @property
    def median_s(self) -> float:
        """Of further cuts."""
        return self.further.p50


@dataclass(frozen=True)
class ExtractionBench:
    """Everything that was measured, and where."""

    environment: Environment
    rows: tuple[ExtractionRow, ...]


def run_extraction_bench(
    models: Sequence[str] | None = None,
    num_cuts: int = 20,
    listener: Listener = lambda text: None,
) -> ExtractionBench:
    """
    Extract both parts of several cuts of each net.

    Weights are referred to and never read, so nets without weights do.

    Parameters
    ----------
    models
        Names of the zoo; ``None`` for all of a hundred nodes or more.
    num_cuts
        Cuts per net, evenly among its candidates.
    listener
        Told what is measured now.
    """
    rows = []
    for name in models or sorted(ZOO):
        graph = graph_of(name)
        if models or len(graph.nodes) >= _WORTH_A_ROW:
            listener(f"{name}: {len(graph.nodes)} nodes")
            rows.append(_row(name, graph, num_cuts))
    environment = read_environment(
        providers=(), num_threads=1, malloc_kept=False, emulated_slowdown=1.0
    )
    return ExtractionBench(environment, tuple(sorted(rows, key=lambda row: row.num_nodes)))


def _row(name: str, graph: Graph, num_cuts: int) -> ExtractionRow:
    found = candidate_cuts(graph)
    chosen = [found[i * len(found) // num_cuts] for i in range(min(num_cuts, len(found)))]
    first_s, *times_s = (_extraction_s(graph, cut) for cut in (*chosen[:1], *chosen))
    return ExtractionRow(
        name,
        len(graph.nodes),
        first_s,
        summarise(times_s),
        max(times_s),
        len(times_s),
    )


def _extraction_s(graph: Graph, cut: Cut) -> float:
    # Bound graphs share what was written; a graph read anew has nothing written yet.
    began_s = time.perf_counter()
    for segment in segments_of(graph, [cut]):
        extract(graph, segment)
    return time.perf_counter() - began_s
