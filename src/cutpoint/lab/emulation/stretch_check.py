"""How much slower a stretched device is than it says."""

import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.graph import sample_feed

_UNSTRETCHED = 1.0 + 1e-9
"""One thread and its CPU time read, as with any factor, and nothing to sleep."""

_LEAST_RUNS = 4


@dataclass(frozen=True)
class StretchRun:
    """
    One net on a device stretched by one factor.

    Parameters
    ----------
    model, factor
        Which.
    plain_cpu_s
        Median CPU time of the net on this machine, unstretched and back to back.
    latency_s
        Of each stretched inference, by the clock.
    cpu_s
        CPU time of each of those.
    """

    model: str
    factor: float
    plain_cpu_s: float
    latency_s: tuple[float, ...]
    cpu_s: tuple[float, ...]

    @property
    def reached(self) -> float:
        """Median of latency / CPU time of the same inference: the factor as it came out."""
        pairs = zip(self.latency_s, self.cpu_s, strict=True)
        return statistics.median(latency_s / cpu_s for latency_s, cpu_s in pairs)

    @property
    def error(self) -> float:
        """What came out / what was asked, minus one."""
        return self.reached / self.factor - 1

    @property
    def coldness(self) -> float:
        """How much more CPU time an inference takes after so much sleep: caches are cold."""
        return statistics.median(self.cpu_s) / self.plain_cpu_s


def stretch_runs(
    name: str, path: Path, factors: tuple[float, ...], budget_s: float
) -> tuple[StretchRun, ...]:
    """
    Run a model on devices stretched by several factors.

    Parameters
    ----------
    name, path
        Of the model.
    factors
        Above 1.
    budget_s
        For each factor; at least four inferences are run, and a factor that four do not fit
        into is left out.

    Returns
    -------
    tuple of StretchRun
        One per factor.
    """
    graph = load_graph(ModelFile.open(path))
    feed = sample_feed(graph)
    segments = Segments(graph, (), slowdown=_UNSTRETCHED)
    segments.warm_up(feed)

    def run() -> tuple[float, float]:
        began_s = time.perf_counter()
        execution = segments.run(segments.segments, feed)
        return time.perf_counter() - began_s, sum(each.cpu_s for each in execution.runs)

    plain_cpu_s = statistics.median(cpu_s for _, cpu_s in [run() for _ in range(10)])
    found = []
    for factor in factors:
        num = min(int(budget_s / (plain_cpu_s * factor)), 40)
        if num < _LEAST_RUNS:
            continue
        segments.slowdown = factor
        # The first sleep has none before it to make up for.
        taken = [run() for _ in range(num + 1)][1:]
        latency_s, cpu_s = zip(*taken, strict=True)
        found.append(StretchRun(name, factor, plain_cpu_s, latency_s, cpu_s))
    return tuple(found)
