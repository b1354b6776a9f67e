"""Rounds: the whole model and its chain of segments, run in turns."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from cutpoint.execution import SegmentRun, Segments
from cutpoint.graph import Arrays
from cutpoint.records import Sample

_QUIET_SHARE = 0.25
"""Share of the rounds that is taken for undisturbed."""

_PROCESSOR = "CPUExecutionProvider"


@dataclass(frozen=True)
class Round:
    """
    One run of the whole, and one of the chain right after it.

    Parameters
    ----------
    whole
        The model in one piece.
    chain
        Its segments, in order.
    unstretched_s
        Wall time of the whole without the sleep that emulates a slower device.
    """

    whole: SegmentRun
    chain: tuple[SegmentRun, ...]
    unstretched_s: float


@dataclass(frozen=True)
class Rounds:
    """
    What a model took, whole and in segments, under the same disturbances.

    Parameters
    ----------
    rounds
        In the order they ran; at least one.
    providers
        Execution providers, as the sessions report them.
    """

    rounds: tuple[Round, ...]
    providers: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.rounds:
            raise ValueError("no round was run: at least one is needed")

    @property
    def excess(self) -> float:
        """
        What the chain costs beyond the whole, relative to it, at the least.

        The lower quartile over the rounds of chain / whole, less 1: in three rounds
        out of four the chain cost more than this above the whole run just before it.
        Disturbances that last longer than a round hit both and cancel, and the more
        the shorter ones spread the ratios, the lower the quartile lies: noise
        makes segments look cheap rather than dear.

        CPU time is compared, which waiting for a core does not enter; wall time where
        an accelerator computes, because the processor only waits for it.
        """
        return float(np.quantile([self._ratio(each) for each in self.rounds], _QUIET_SHARE)) - 1.0

    @property
    def contention(self) -> float:
        """
        Wall time / CPU time of the whole: the median over its quickest quarter of runs.

        On one thread it is 1 unless other work held the core. CPU time is of all
        threads of the process: with several it lies below 1 on a quiet machine, by
        how well they are used, so that only a value above 1 tells anything. With an
        accelerator the processor waits by design; 1 is stated. The sleep that emulates
        a slower device is taken off.
        """
        if self._has_accelerator:
            return 1.0
        quickest = sorted(self.rounds, key=lambda each: each.whole.duration_s)
        quiet = quickest[: max(1, round(len(quickest) * _QUIET_SHARE))]
        # A clock of thread time may be too coarse to see a short run.
        ratios = [each.unstretched_s / each.whole.cpu_s for each in quiet if each.whole.cpu_s > 0]
        return float(np.median(ratios)) if ratios else 1.0

    def samples(self) -> tuple[Sample, ...]:
        """Give every run of the whole, then every run of every segment."""
        whole = (
            Sample("whole", "", each.whole.duration_s, each.whole.cpu_s) for each in self.rounds
        )
        runs = (run for each in self.rounds for run in each.chain)
        segments = (Sample("segment", run.segment, run.duration_s, run.cpu_s) for run in runs)
        return (*whole, *segments)

    @property
    def _has_accelerator(self) -> bool:
        return any(name != _PROCESSOR for name in self.providers)

    def _ratio(self, each: Round) -> float:
        if self._has_accelerator or each.whole.cpu_s <= 0:
            return sum(run.duration_s for run in each.chain) / each.whole.duration_s
        return sum(run.cpu_s for run in each.chain) / each.whole.cpu_s


def rounds_of(
    whole: Segments, chain: Segments, feed: Arrays, num: int, *, is_threaded: bool
) -> Iterator[Round]:
    """
    Run the whole and the chain in turns.

    Parameters
    ----------
    whole
        The model in one segment.
    chain
        The same model in several.
    feed
        The model's inputs.
    num
        Rounds to run; each is run when it is asked for.
    is_threaded
        Whether an operator may use several threads. Then CPU time is that of the
        process: that of the calling thread would miss the others.
    """
    for _ in range(num):
        ((run, process_s),) = _runs(whole, feed)
        unstretched_s = run.duration_s - (whole.slowdown - 1) * run.cpu_s
        chain_runs = _runs(chain, feed)
        if is_threaded:
            run = replace(run, cpu_s=process_s)
            chain_runs = [(replace(part, cpu_s=spent_s), spent_s) for part, spent_s in chain_runs]
        yield Round(run, tuple(part for part, _ in chain_runs), unstretched_s)


def _runs(held: Segments, feed: Arrays) -> list[tuple[SegmentRun, float]]:
    """Run all segments; give each run with the CPU time of all threads meanwhile."""
    values, runs = feed, []
    for segment in held.segments:
        started_s = time.process_time()
        execution = held.run((segment,), values)
        process_s = time.process_time() - started_s
        values = execution.values
        runs.append((execution.runs[0], process_s))
    return runs
