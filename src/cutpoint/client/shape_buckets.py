"""The buckets of sizes a session has met, each planned by itself."""

from collections.abc import Sequence
from dataclasses import replace
from statistics import median
from threading import Lock

from cutpoint.client.shape_bucket import ShapeBucket
from cutpoint.client.table_rules import Codings, IsStruck, TableRules, never_struck, no_codings
from cutpoint.cost import HostCosts, fold, scaled_costs
from cutpoint.graph import DEVICE_ONLY, Arrays, Cut, Graph, Sizes, bind, sizes_of
from cutpoint.graph.size_bucket import Bucket, bucket_of, distance
from cutpoint.records import Profile

_MOST_BUCKETS = 64
"""Buckets that are remembered; the oldest goes first."""

_MOST_BOUND = 8
"""Bound graphs that are kept besides: those of profiles and servers come again and again."""


class ShapeBuckets:
    """
    Gives the bucket of a feed, made when it is first met.

    Parameters
    ----------
    graph
        Bound to the first sizes.
    cuts
        Those this device holds.
    profiles
        Of this device, one at least; the one nearest to a bucket's sizes is scaled to them.
    holds_whole
        Whether device-only runs the whole model beside the segments.
    may_send_inputs, codings, is_struck, keeps_dominated
        What goes into every table; see `TableRules`.
    """

    def __init__(
        self,
        graph: Graph,
        cuts: Sequence[Cut],
        profiles: Sequence[Profile],
        *,
        holds_whole: bool,
        may_send_inputs: bool,
        codings: Codings = no_codings,
        is_struck: IsStruck = never_struck,
        keeps_dominated: bool = False,
    ) -> None:
        self._graph = graph
        self._cuts = cuts
        self._profiles = profiles
        self._holds_whole = holds_whole
        self._rules = TableRules(
            may_send_inputs=may_send_inputs,
            codings=codings,
            is_struck=is_struck,
            keeps_dominated=keeps_dominated,
        )
        self._met: dict[Bucket, ShapeBucket] = {}
        self._bound: dict[tuple[tuple[str, int], ...], Graph] = {}
        self._lock = Lock()
        self._first = self._at(graph.sizes)

    def __repr__(self) -> str:
        return f"<ShapeBuckets of {self._graph.name}: {len(self._met)} met>"

    def of(self, feed: Arrays) -> ShapeBucket:
        """Give the bucket of a feed; a model without open dimensions has one."""
        return self._at(sizes_of(self._graph, feed)) if self._graph.sizes else self._first

    def outdate(self) -> None:
        """
        Compile every table anew when it is next asked for; from any thread.

        To be called after what `codings` or `is_struck` tell has changed.
        """
        self._rules.outdate()

    def _at(self, sizes: Sizes) -> ShapeBucket:
        key = bucket_of(sizes)
        found = self._met.get(key)
        if found is not None:
            return found
        made = self._made(key, sizes)  # not under the lock: it takes a while
        with self._lock:
            while len(self._met) >= _MOST_BUCKETS:
                del self._met[next(iter(self._met))]
            return self._met.setdefault(key, made)

    def _made(self, key: Bucket, sizes: Sizes) -> ShapeBucket:
        # At the sizes of the first feed, not at round ones: some models take only these.
        graph = self._bound_at(sizes)
        return ShapeBucket(
            key,
            graph,
            self._cuts,
            self._device_costs(graph),
            bound_at=self._bound_at,
            rules=self._rules,
        )

    def _bound_at(self, sizes: Sizes) -> Graph:
        """Bind the graph; sizes that hosts were measured at are asked for by every bucket."""
        if dict(sizes) == dict(self._graph.sizes):
            return self._graph
        key = tuple(sorted(sizes.items()))
        found = self._bound.get(key)
        if found is None:
            found = bind(self._graph, sizes)
            with self._lock:
                while len(self._bound) >= _MOST_BOUND:
                    del self._bound[next(iter(self._bound))]
                self._bound[key] = found
        return found

    def _device_costs(self, graph: Graph) -> HostCosts:
        """Fold the nearest profile, at the sizes of the graph."""
        profile = min(self._profiles, key=lambda each: distance(each.sizes, graph.sizes))
        if dict(profile.sizes) == dict(graph.sizes):
            return self._folded(profile, graph)
        measured_at = self._bound_at(profile.sizes)
        return scaled_costs(self._folded(profile, measured_at), measured_at, graph, self._cuts)

    def _folded(self, profile: Profile, graph: Graph) -> HostCosts:
        """Fold a profile; device-only costs what the whole takes, where that is held."""
        costs = fold(graph, profile, self._cuts)
        if not self._holds_whole:
            return costs
        whole = (sample.duration_s for sample in profile.samples if sample.kind == "whole")
        return replace(costs, head_s={**costs.head_s, DEVICE_ONLY: median(whole)})
