"""What the head and tail of each cut take on one host, folded from its profile."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from statistics import median

from cutpoint.exceptions import InvalidCutError, ProfileMismatchError
from cutpoint.graph import (
    DEVICE_ONLY,
    SERVER_ONLY,
    Cut,
    Graph,
    cut_at,
    device_only,
    segments_in,
    segments_of,
    server_only,
)
from cutpoint.records import Profile


@dataclass(frozen=True)
class HostCosts:
    """
    Seconds on one host, by cut id.

    Parameters
    ----------
    whole_s
        The whole model, as this host runs it.
    head_s, tail_s
        By cut id; ``device-only`` and ``server-only`` are among them.
    measured
        Ids of the cuts whose parts were timed as they run; the others are estimated
        from node times scaled to the measured whole.
    sizes
        Of the model's open dimensions they hold for, by name.
    """

    whole_s: float
    head_s: Mapping[str, float]
    tail_s: Mapping[str, float]
    measured: frozenset[str]
    sizes: Mapping[str, int] = field(default_factory=dict)

    def times(self, factor: float) -> "HostCosts":
        """Give the costs of a host that is this much slower."""
        return replace(
            self,
            whole_s=self.whole_s * factor,
            head_s={cut: time_s * factor for cut, time_s in self.head_s.items()},
            tail_s={cut: time_s * factor for cut, time_s in self.tail_s.items()},
        )


def fold(graph: Graph, profile: Profile, cuts: Iterable[Cut]) -> HostCosts:
    """
    Fold a profile's samples into the costs of cuts.

    A cut between measured segments costs their sum (medians of their runs). Any
    other cut is estimated from the nodes' times, which the profile scales to the
    measured whole: raw sums are off by about 25 %, scaled ones by about 2 %. What was
    timed as a batch of several requests is no cost of one, and is passed over.

    Raises
    ------
    ProfileMismatchError
        If the profile is of another model, or has no timing of the whole.
    """
    check_is_of(graph, profile)
    whole_s = _whole_s(profile)
    timed = _SegmentTimes(graph, profile)
    nodes = {
        sample.subject: sample.duration_s for sample in profile.samples if sample.kind == "node"
    }
    stated = {
        sample.subject: sample.duration_s
        for sample in profile.samples
        if sample.kind == "tail" and sample.batch == 1
    }
    head_s, tail_s, measured = {}, {}, set()
    for cut in (device_only(graph), server_only(graph), *cuts):
        known = timed.head_and_tail_s(cut)
        if cut.id in stated:
            known = (max(whole_s - stated[cut.id], 0.0), stated[cut.id])
        if known is not None:
            measured.add(cut.id)
        head_s[cut.id], tail_s[cut.id] = known or _estimated(graph, cut, nodes, whole_s)
    whole_s = head_s[DEVICE_ONLY] if DEVICE_ONLY in measured else tail_s[SERVER_ONLY]
    return HostCosts(whole_s, head_s, tail_s, frozenset(measured), profile.sizes)


def check_is_of(graph: Graph, profile: Profile) -> None:
    """
    Refuse a profile of another model.

    Raises
    ------
    ProfileMismatchError
        If the digests differ.
    """
    if profile.model_sha256 != graph.sha256:
        raise ProfileMismatchError(
            f"the profile is of {profile.model_name!r} ({profile.model_sha256[:12]}), not of "
            f"{graph.name!r} ({graph.sha256[:12]}): run `cutpoint profile` on this file"
        )


def _whole_s(profile: Profile) -> float:
    whole = [
        sample.duration_s
        for sample in profile.samples
        if sample.kind == "whole" and sample.batch == 1
    ]
    if not whole:
        raise ProfileMismatchError(
            f"the profile of {profile.model_name!r} on {profile.host!r} has no timing of the whole "
            "model: run `cutpoint profile` again"
        )
    return median(whole)


class _SegmentTimes:
    """Medians of the segments a profile timed."""

    def __init__(self, graph: Graph, profile: Profile) -> None:
        runs: dict[str, list[float]] = {}
        for sample in profile.samples:
            if sample.kind == "segment" and sample.batch == 1:
                runs.setdefault(sample.subject, []).append(sample.duration_s)
        self._median_s = {segment: median(times) for segment, times in runs.items()}
        cuts = [cut_at(graph, crossing) for crossing in profile.cuts if self._median_s]
        self._segments = segments_of(graph, cuts) if self._median_s else ()

    def head_and_tail_s(self, cut: Cut) -> tuple[float, float] | None:
        if not self._segments or any(s.id not in self._median_s for s in self._segments):
            return None
        try:
            head = {segment.id for segment in segments_in(cut, self._segments)}
        except InvalidCutError:
            return None
        head_s = sum(self._median_s[s.id] for s in self._segments if s.id in head)
        return head_s, sum(self._median_s[s.id] for s in self._segments) - head_s


def _estimated(
    graph: Graph, cut: Cut, nodes: Mapping[str, float], whole_s: float
) -> tuple[float, float]:
    if nodes:
        share = _share(graph, cut, {node.name: nodes.get(node.name, 0.0) for node in graph.nodes})
    else:
        share = _share(graph, cut, {node.name: node.flops for node in graph.nodes})
    return whole_s * share, whole_s * (1 - share)


def _share(graph: Graph, cut: Cut, weights: Mapping[str, float]) -> float:
    total = sum(weights.values())
    head = sum(weights[node.name] for node in graph.nodes if cut.head >> node.index & 1)
    return head / total if total else float(cut.head == graph.all_nodes)
