"""Cut exported files run in parts: what they answer beside what the whole file answers."""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tests.exporters.architecture import Feed

from cutpoint.execution import Segments
from cutpoint.execution.runtime import onnxruntime_module, quiet_options
from cutpoint.graph import Arrays, Cut, Graph, cut_of
from cutpoint.wire.tensors import TensorSpec, to_array, to_bytes

TOLERANCE = 1e-5
"""Largest difference from the whole file, relative to the largest number of an output."""


@dataclass(frozen=True)
class Case:
    """Inputs, and what the whole file answers."""

    feed: Feed
    expected: Arrays


class Whole:
    """
    A file run by ONNX Runtime alone.

    Parameters
    ----------
    path
        Of the file.
    """

    def __init__(self, path: Path) -> None:
        self._session = onnxruntime_module().InferenceSession(
            str(path), quiet_options(), providers=["CPUExecutionProvider"]
        )
        self.outputs = [output.name for output in self._session.get_outputs()]

    def case(self, feed: Feed) -> Case:
        """Give inputs with the answer."""
        known = {each.name for each in self._session.get_inputs()}
        made = self._session.run(None, {name: feed[name] for name in feed if name in known})
        return Case(feed, dict(zip(self.outputs, made, strict=True)))


def prefix_cuts(graph: Graph, most: int, seed: int = 0) -> tuple[Cut, ...]:
    """Draw cuts whose heads are prefixes of topological orders, themselves drawn."""
    rng = random.Random(seed)
    orders = [list(range(len(graph.nodes))), *(_drawn_order(graph, rng) for _ in range(4))]
    found: dict[str, Cut] = {}
    for order in orders:
        cuts = [cut_of(graph, head) for head in _prefixes(order)]
        named = [cut for cut in cuts if cut is not None and cut.placement == "split"]
        for cut in rng.sample(named, min(len(named), most // len(orders))):
            found.setdefault(cut.id, cut)
    return tuple(found.values())


def largest_difference(graph: Graph, cuts: Iterable[Cut], cases: Sequence[Case]) -> float:
    """
    Run each cut alone: head, the crossing values as bytes, tail.

    Returns
    -------
    float
        Over all outputs, relative to the largest number of each; infinite where a shape,
        a type or a whole number differs.
    """
    return max((_difference_at(graph, cut, cases) for cut in cuts), default=0.0)


def difference(given: Arrays, expected: Arrays) -> float:
    """Compare answers, as `largest_difference` says."""
    if list(given) != list(expected):
        return np.inf
    return max(_relative(given[name], wanted) for name, wanted in expected.items())


def _difference_at(graph: Graph, cut: Cut, cases: Sequence[Case]) -> float:
    segments = Segments(graph, [cut])
    return max(difference(joined(segments, cut, case.feed), case.expected) for case in cases)


def joined(segments: Segments, cut: Cut, feed: Feed) -> Arrays:
    """Give the outputs of head and tail; the tail has nothing but the crossing values."""
    head = segments.run(segments.head_of(cut), feed).values
    crossing = {name: _sent(name, head[name]) for name in cut.crossing}
    tail = segments.run(segments.tail_of(cut), crossing).values
    return segments.outputs_of({**head, **tail})


def _sent(name: str, array: np.ndarray) -> np.ndarray:
    return to_array(TensorSpec.of(name, array), bytes(to_bytes(array)))


def _relative(given: np.ndarray, wanted: np.ndarray) -> float:
    if given.shape != wanted.shape or given.dtype != wanted.dtype:
        return np.inf
    if wanted.dtype.kind != "f":
        return 0.0 if np.array_equal(given, wanted) else np.inf
    if not wanted.size:
        return 0.0
    off = float(np.max(np.abs(given.astype(np.float64) - wanted.astype(np.float64))))
    return off / max(float(np.max(np.abs(wanted))), 1e-30) if np.isfinite(off) else np.inf


def _drawn_order(graph: Graph, rng: random.Random) -> list[int]:
    """Draw a topological order."""
    missing = {node.index: bin(graph.ancestors[node.index]).count("1") - 1 for node in graph.nodes}
    ready = [index for index, count in missing.items() if not count]
    order: list[int] = []
    while ready:
        index = ready.pop(rng.randrange(len(ready)))
        order.append(index)
        for other in missing:
            if other != index and graph.ancestors[other] >> index & 1:
                missing[other] -= 1
                if not missing[other]:
                    ready.append(other)
    return order


def _prefixes(order: Sequence[int]) -> Iterator[int]:
    head = 0
    for index in order[:-1]:
        head |= 1 << index
        yield head
