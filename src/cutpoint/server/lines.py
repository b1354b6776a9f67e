"""The stages that requests go through, for each tail of one model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from weakref import WeakKeyDictionary

from cutpoint.cost.batch_times import BatchTimes
from cutpoint.execution import Segments
from cutpoint.graph import Cut, Graph, Segment
from cutpoint.graph.element_types import Shape
from cutpoint.server.segment_stage import SegmentStage, TailStage
from cutpoint.server.settings import Batching
from cutpoint.server.stage import Stage


@dataclass(frozen=True)
class Line:
    """
    The stages of one tail.

    Parameters
    ----------
    stages
        In the order in which they run.
    kept
        Names of the values still needed after each.
    shapes
        Of what it was timed with, by name; ``None`` where that is not known.
    """

    stages: tuple[Stage, ...]
    kept: tuple[frozenset[str], ...]
    shapes: Mapping[str, Shape | None]

    def size_of(self, given: Mapping[str, Shape]) -> float:
        """Give how many of the requests it was timed with one of these shapes counts for."""
        for name, shape in self.shapes.items():
            if shape and shape[0] and given[name]:
                return float(max(given[name][0], 1) / shape[0])  # an empty one is work too
        return 1.0

    def time_s(self, size: float) -> float:
        """Give what a batch of this size takes on the idle server, as one wherever that is less."""
        return sum(
            min(stage.time_s(size), size * stage.time_s(1))
            if stage.can_batch
            else size * stage.time_s(1)
            for stage in self.stages
        )

    def is_like(self, given: Mapping[str, Shape]) -> bool:
        """Tell whether these shapes differ from those it was timed with in their batch only."""
        return all(
            shape is not None and given[name][1:] == shape[1:]
            for name, shape in self.shapes.items()
        )


@dataclass(frozen=True)
class _Known:
    """What is known of one set of segments; nothing here keeps them in memory."""

    stages: Mapping[str, SegmentStage]
    lines: dict[str, Line]


class Lines:
    """
    Makes lines once for each tail, so that requests of different tails meet in the same stages.

    Thread-safe.

    Parameters
    ----------
    graph
        The model.
    batching
        Which requests may meet.
    """

    def __init__(self, graph: Graph, batching: Batching) -> None:
        self._graph = graph
        self._batching = batching
        self._known: WeakKeyDictionary[Segments, _Known] = WeakKeyDictionary()
        self._lock = Lock()

    def learn(self, segments: Segments, times: Mapping[str, BatchTimes]) -> None:
        """Take segments into use whose times are known."""
        stages = {
            segment.id: SegmentStage(
                self._graph.name,
                segment,
                segments.session_of(segment),
                None if self._batching == "off" else segments.batches.get(segment.id),
                times[segment.id],
            )
            for segment in segments.segments
        }
        with self._lock:
            self._known[segments] = _Known(stages, {})

    def line_of(self, segments: Segments, cut: Cut) -> Line:
        """Give the line of a tail that is a set of these segments."""
        with self._lock:
            known = self._known[segments]
            line = known.lines.get(cut.id)
            if line is None:
                line = known.lines[cut.id] = self._made(known, segments.tail_of(cut))
            return line

    def _made(self, known: _Known, tail: Sequence[Segment]) -> Line:
        stages = tuple(known.stages[segment.id] for segment in tail)
        fed = dict.fromkeys(name for segment in tail for name in segment.inputs)
        made = {name for segment in tail for name in segment.outputs}
        shapes = {name: self._graph.values[name].shape for name in fed if name not in made}
        if self._batching == "tails":
            return Line((TailStage(stages),), (frozenset(self._graph.outputs),), shapes)
        return Line(stages, self._kept(tail), shapes)

    def _kept(self, tail: Sequence[Segment]) -> tuple[frozenset[str], ...]:
        needed = frozenset(self._graph.outputs)
        kept = []
        for segment in reversed(tail):
            kept.append(needed)
            needed |= frozenset(segment.inputs)
        return tuple(reversed(kept))
