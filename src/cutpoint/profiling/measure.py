"""Measure a model on this host: whole, in segments, and node by node."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from cutpoint.execution import Segments
from cutpoint.execution.node_times import node_times_s
from cutpoint.execution.runtime import quiet_options
from cutpoint.graph import Arrays, Cut, Graph, sample_feed
from cutpoint.planning import cuts_to_hold
from cutpoint.profiling.affordable import MAX_EXCESS, affordable
from cutpoint.profiling.environment import read_environment
from cutpoint.profiling.rounds import Rounds, rounds_of
from cutpoint.profiling.sending import sending_samples
from cutpoint.profiling.steps import ProgressCallback, Steps
from cutpoint.records import FORMAT_VERSION, Environment, Profile, Sample

_SCREENING_ROUNDS = 5
"""Rounds while looking for affordable cuts; what is kept is measured in full afterwards."""


def measure(
    graph: Graph,
    *,
    cuts: Sequence[Cut] | None = None,
    options: Any = None,
    providers: Sequence[Any] | None = None,
    provider_options: Sequence[Mapping[str, Any]] | None = None,
    num_threads: int | None = None,
    slowdown: float = 1.0,
    repeats: int = 10,
    warm_up: int = 2,
    feed: Arrays | None = None,
    progress: ProgressCallback | None = None,
    malloc_kept: bool = False,
) -> Profile:
    """
    Measure a model on this host.

    The whole model and the chain of its segments run in turns, so that what disturbs
    one disturbs the other. If the segments cost more than 5 % CPU time beyond the
    whole, and the difference stands out of the noise (see `Rounds.excess`) twice, the
    cut that is missed least is dropped and the rest is measured again, and so on.

    Parameters
    ----------
    cuts
        Cuts to hold the model at, all kept whatever they cost; ``None`` for the
        shortlist of its candidates.
    options, providers, provider_options
        As for `Segments`.
    num_threads
        Threads inside one operator, where no options are given; ``None`` leaves ONNX
        Runtime's default.
    slowdown
        Emulates a slower device, at least 1.
    repeats
        Timed runs of the whole and of the chain, at least 1.
    warm_up
        Runs of each before them, not negative.
    feed
        The model's inputs; made up by default.
    progress
        Told how many steps are done, of how many, and what is done now.
    malloc_kept
        Whether this process keeps freed memory; stated in the profile.

    Raises
    ------
    ModelError
        If ONNX Runtime cannot load the model or a segment.
    ValueError
        If a number is outside its domain, or options come with a number of threads.

    Notes
    -----
    Holds the model's prepared weights twice, whole and in segments. Takes
    ``warm_up + repeats`` rounds of two runs; where cuts must be dropped, as many again
    and ``warm_up + 5`` for each screening, of which there are at most as many as cuts
    listed. A boundary costs 0.05-0.5 ms, so that happens to quick models only.
    """
    if slowdown < 1 or repeats < 1 or warm_up < 0:
        raise ValueError(
            f"slowdown {slowdown}, repeats {repeats}, warm_up {warm_up}: "
            "expected at least 1, 1 and 0"
        )
    if options is not None and num_threads is not None:
        raise ValueError("num_threads is given beside options: set it in the options")
    bench = _Bench(
        graph=graph,
        feed=sample_feed(graph) if feed is None else feed,
        options=quiet_options(num_threads) if options is None else options,
        providers=providers,
        provider_options=provider_options,
        slowdown=slowdown,
        warm_up=warm_up,
        steps=Steps(progress, warm_up + repeats + 1),
    )
    kept, dropped, rounds = _measured_at(bench, cuts, repeats)
    return Profile(
        format_version=FORMAT_VERSION,
        model_sha256=graph.sha256,
        model_name=graph.name,
        host=platform.node(),
        environment=bench.environment(rounds, malloc_kept=malloc_kept),
        cuts=tuple(cut.crossing for cut in kept),
        samples=(
            *rounds.samples(),
            *bench.sending_samples(kept, rounds),
            *bench.node_samples(rounds),
        ),
        contention=rounds.contention,
        dropped_cuts=tuple(cut.crossing for cut in dropped),
        sizes=dict(graph.sizes),
    )


@dataclass(frozen=True)
class _Bench:
    """A model and everything its measurements share."""

    graph: Graph
    feed: Arrays
    options: Any
    providers: Sequence[Any] | None
    provider_options: Sequence[Mapping[str, Any]] | None
    slowdown: float
    warm_up: int
    steps: Steps

    @property
    def num_threads(self) -> int:
        return int(self.options.intra_op_num_threads)

    def rounds(self, cuts: Sequence[Cut], num: int, what: str) -> Rounds:
        self.steps.announce(what)
        whole, chain = self._held(()), self._held(cuts)
        is_threaded = self.num_threads != 1
        timed = []
        for each in rounds_of(whole, chain, self.feed, self.warm_up + num, is_threaded=is_threaded):
            timed.append(each)
            self.steps.advance(what)
        return Rounds(tuple(timed[self.warm_up :]), whole.providers)

    def screened(self, cuts: Sequence[Cut], repeats: int) -> float:
        """Measure what segments cost beyond the whole, in few rounds."""
        num, what = min(repeats, _SCREENING_ROUNDS), "fewer segments"
        self.steps.announce(what, more=self.warm_up + num)
        return self.rounds(cuts, num, what).excess

    def node_samples(self, rounds: Rounds) -> tuple[Sample, ...]:
        """Scale the nodes' times to the whole; none if all are below the profiler's tick."""
        self.steps.announce("nodes")
        raw_s = node_times_s(self.graph, self.feed, self.options)
        self.steps.advance("nodes")
        whole_s = _whole_s(rounds)
        total_s = sum(raw_s.values())
        if total_s == 0:
            return ()
        return tuple(
            Sample("node", name, time_s * whole_s / total_s) for name, time_s in raw_s.items()
        )

    def sending_samples(self, cuts: Sequence[Cut], rounds: Rounds) -> tuple[Sample, ...]:
        """Time the chain while this host sends, as it does in a race."""
        chain = self._held(cuts)
        chain.warm_up(self.feed)
        return sending_samples(chain, self.feed, _whole_s(rounds))

    def environment(self, rounds: Rounds, *, malloc_kept: bool) -> Environment:
        return read_environment(
            providers=rounds.providers,
            num_threads=self.num_threads,
            malloc_kept=malloc_kept,
            emulated_slowdown=self.slowdown,
        )

    def _held(self, cuts: Sequence[Cut]) -> Segments:
        return Segments(
            self.graph,
            cuts,
            options=self.options,
            providers=self.providers,
            provider_options=self.provider_options,
            slowdown=self.slowdown,
        )


def _whole_s(rounds: Rounds) -> float:
    return median(each.whole.duration_s for each in rounds.rounds)


def _measured_at(
    bench: _Bench, cuts: Sequence[Cut] | None, repeats: int
) -> tuple[tuple[Cut, ...], tuple[Cut, ...], Rounds]:
    what = "whole and segments"
    if cuts is not None:
        given = (cut for cut in cuts if cut.placement == "split")
        kept = tuple(sorted(given, key=lambda cut: cut.head.bit_count()))
        return kept, (), bench.rounds(kept, repeats, what)
    listed = cuts_to_hold(bench.graph)
    rounds = bench.rounds(listed, repeats, what)
    # An emulated device sleeps between runs and finds its caches cold: what its segments
    # cost beside its whole says nothing about a real device's.
    is_emulated = bench.slowdown > 1
    if not listed or is_emulated or rounds.excess <= MAX_EXCESS:
        return listed, (), rounds
    # Asked again about all of them first: a finding must hold twice to drop a cut.
    kept, dropped = affordable(bench.graph, listed, lambda some: bench.screened(some, repeats))
    if dropped:
        bench.steps.announce(what, more=bench.warm_up + repeats)
        rounds = bench.rounds(kept, repeats, what)
    return kept, dropped, rounds
