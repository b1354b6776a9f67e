"""How fast planning is: a decision on the compiled table, compiling it, and a minimum cut."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from cutpoint.cost import AS_THEY_ARE, CodecRate, CutTable, table_of_nodes
from cutpoint.graph import Cut, Graph
from cutpoint.lab.experiments.form import LatencySummary, summarise
from cutpoint.lab.synthetic import synthetic_table
from cutpoint.lab.zoo import ZOO, graph_of
from cutpoint.planning import Decider, Problem, compile_heads, compiled_table, planner_named
from cutpoint.profiling import read_environment
from cutpoint.records import Conditions, Environment, LinkConditions, LoadConditions

CODECS = (
    AS_THEY_ARE,
    CodecRate("float16", 0.5, 1e-9, 6e-10),
    CodecRate("uint8", 0.25, 3e-10, 1.2e-10),
    CodecRate("uint8+zstd", 0.175, 8e-10, 4e-10),
)
"""Rates near those measured on one core: rows of numbers, whether a codec is there or not."""

SERVERS = ("edge1:8001", "edge2:8001", "edge3:8001")
SIZES = (100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)

_DEVICE_FLOPS_PER_S = 2e10
_SERVER_FLOPS_PER_S = 8e12
_KERNEL_S = 8e-6
_DECISIONS_PER_ROUND = 50
LONGEST_COMPILE_S = 60.0
"""Of a network; the one after it takes about ten times as long."""


@dataclass(frozen=True)
class DecisionRow:
    """
    One model: a decision on its table, and a corrected DADS decision beside it.

    Parameters
    ----------
    model
        Name in the zoo.
    num_nodes, num_rows
        Of the graph, and of the table (cuts x codecs).
    decided
        Reading the conditions of three servers to a `Plan`.
    decide_p90_s
        Its 90th percentile.
    dads
        Building and solving the minimum cut for one server.
    num_decisions, num_dads
        How often each.
    compile_s
        Compiling the table, once.
    """

    model: str
    num_nodes: int
    num_rows: int
    decided: LatencySummary
    decide_p90_s: float
    dads: LatencySummary
    num_decisions: int
    num_dads: int
    compile_s: float

    @property
    def decide_s(self) -> float:
        """Of a decision, the median."""
        return self.decided.p50

    @property
    def dads_s(self) -> float:
        """Of a minimum cut, the median."""
        return self.dads.p50

    @property
    def ratio(self) -> float:
        """How many decisions on the table one minimum cut takes."""
        return self.dads_s / self.decide_s


@dataclass(frozen=True)
class GrowthRow:
    """
    One size of a made-up network.

    Parameters
    ----------
    num_blocks
        Its size.
    num_rows
        Of its table; ``None`` where compiling was left out.
    compile_s, dads_s, decide_s
        As in `DecisionRow`; ``None`` where not measured.
    """

    num_blocks: int
    num_rows: int | None
    compile_s: float | None
    dads_s: float
    decide_s: float | None


@dataclass(frozen=True)
class PlanningBench:
    """Everything that was measured in one run, and where."""

    decisions: tuple[DecisionRow, ...]
    growth: tuple[GrowthRow, ...]
    environment: Environment


def run_planning_bench(
    models: Sequence[str] | None = None,
    sizes: Sequence[int] = SIZES,
    rounds: int = 20,
    listener: Callable[[str], None] = lambda _: None,
) -> PlanningBench:
    """
    Measure planning, table decisions and minimum cuts interleaved round by round.

    Parameters
    ----------
    models
        Names in the zoo; all of it by default.
    sizes
        Blocks of the made-up networks.
    rounds
        Each measures one minimum cut and 50 decisions per model.
    listener
        Told what is measured next.
    """
    decisions = []
    for name in models or tuple(ZOO):
        listener(f"deciding for {name}")
        decisions.append(measure_decisions(graph_of(name), rounds))
    here = read_environment(providers=(), num_threads=1, malloc_kept=False, emulated_slowdown=1.0)
    return PlanningBench(tuple(decisions), tuple(_growth(sizes, rounds, listener)), here)


def measure_decisions(graph: Graph, rounds: int) -> DecisionRow:
    """Measure one model."""
    flops = np.array([node.flops for node in graph.nodes])
    server_s = _KERNEL_S + flops / _SERVER_FLOPS_PER_S
    costs = table_of_nodes(graph, [flops / _DEVICE_FLOPS_PER_S, server_s])
    compile_s = _median_s(lambda: compiled_table(graph, costs, codecs=CODECS), 3)
    table = compiled_table(graph, costs, codecs=CODECS)
    dads = planner_named("dads-light")
    times_s: list[float] = []
    dads_s: list[float] = []
    decide = _decider_of(table)
    for conditions in _conditions(rounds):
        dads_s.append(_took_s(dads.plan, Problem(costs, conditions[0])))
        drawn = _conditions(_DECISIONS_PER_ROUND, seed=len(dads_s))
        times_s += [_took_s(decide, each) for each in drawn]
    return DecisionRow(
        model=graph.name,
        num_nodes=len(graph.nodes),
        num_rows=len(table.cuts),
        decided=summarise(times_s),
        decide_p90_s=float(np.percentile(times_s, 90)),
        dads=summarise(dads_s),
        num_decisions=len(times_s),
        num_dads=len(dads_s),
        compile_s=compile_s,
    )


def _decider_of(table: CutTable) -> Callable[[Sequence[Conditions]], object]:
    return Decider(dict.fromkeys(SERVERS, table)).decide


def _growth(
    sizes: Sequence[int], rounds: int, listener: Callable[[str], None]
) -> Iterable[GrowthRow]:
    dads = planner_named("dads-light")
    is_compiled = True
    for size in sizes:
        listener(f"a network of {size:,} blocks")
        costs = synthetic_table(size)
        few = max(1, min(rounds, 20_000 // size))
        problems = [Problem(costs, each[0]) for each in _conditions(few)]
        dads_s = float(np.median([_took_s(dads.plan, each) for each in problems]))
        if not is_compiled:
            yield GrowthRow(size, None, None, dads_s, None)
            continue
        began_s = time.perf_counter()
        heads = compile_heads(costs)
        compile_s = time.perf_counter() - began_s
        is_compiled = compile_s < LONGEST_COMPILE_S / 10
        yield GrowthRow(size, len(heads.heads), compile_s, dads_s, _decide_s(len(heads.heads)))


def _decide_s(num_rows: int) -> float:
    """Give what deciding takes on a table of so many rows, whatever they are the cuts of."""
    table = made_up_rows(num_rows)
    decide = _decider_of(table)
    return float(np.median([_took_s(decide, each) for each in _conditions(500)]))


def made_up_rows(num_rows: int) -> CutTable:
    """Give a table of as many rows, numbers of no network."""
    columns = np.random.default_rng(num_rows).random((6, num_rows))
    splits = (Cut("split", f"{row:012x}", (f"v{row}",), 1, ("y",)) for row in range(2, num_rows))
    ends = (
        Cut("device", "device-only", (), 1, ()),
        Cut("server", "server-only", ("x",), 0, ("y",)),
    )
    return CutTable((*ends, *splits), *columns)


def _conditions(num: int, seed: int = 0) -> list[list[Conditions]]:
    """Draw conditions of three servers, the device's slow-down alike."""
    rng = np.random.default_rng(seed)

    def drawn(slowdown: float) -> Conditions:
        up, down = 10.0 ** rng.uniform(4.5, 8.0, 2)
        message_s, wait_s = rng.uniform(1e-3, 4e-2), rng.uniform(0, 5e-2)
        link = LinkConditions(float(up), float(down), float(message_s), float(message_s))
        return Conditions(link, LoadConditions(float(wait_s), float(rng.uniform(1, 8))), slowdown)

    return [[drawn(slowdown) for _ in SERVERS] for slowdown in rng.uniform(0.5, 4.0, num).tolist()]


def _took_s(work: Callable[..., object], *arguments: object) -> float:
    began_ns = time.perf_counter_ns()
    work(*arguments)
    return (time.perf_counter_ns() - began_ns) * 1e-9


def _median_s(work: Callable[[], object], repeats: int) -> float:
    return float(np.median([_took_s(work) for _ in range(repeats)]))
