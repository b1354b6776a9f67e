"""What models a repository has: segments and ensembles of them, or every tail by itself."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from cutpoint.exceptions import InvalidCutError
from cutpoint.execution import Segments
from cutpoint.execution.batch_axis import BatchAxis, batch_axis
from cutpoint.graph import Cut, Graph, Segment, server_only
from cutpoint.server.triton.model_config import Backend, Step
from cutpoint.server.triton.part import TritonPart, by_name, part_of
from cutpoint.server.triton.tensor import TritonTensor
from cutpoint.wire.names import DIGITS, TailName

Layout = Literal["segments", "tails"]


@dataclass(frozen=True)
class TritonEnsemble:
    """
    Models that Triton runs one after the other.

    Parameters
    ----------
    name
        It is served under.
    inputs, outputs
        Its tensors.
    steps
        Its models, in the order in which they can run.
    """

    name: str
    inputs: tuple[TritonTensor, ...]
    outputs: tuple[TritonTensor, ...]
    steps: tuple[Step, ...]


@dataclass
class LaidOut:
    """
    The models of a repository.

    Parameters
    ----------
    parts
        Those that are run.
    ensembles
        Those put together.
    tails
        Names of the tails, by cut.
    left_out
        Why a tail is not among them, by cut.
    """

    parts: list[TritonPart] = field(default_factory=list)
    ensembles: list[TritonEnsemble] = field(default_factory=list)
    tails: dict[Cut, str] = field(default_factory=dict)
    left_out: dict[Cut, str] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """Of all models, in the order in which they can be loaded."""
        return [part.name for part in self.parts] + [each.name for each in self.ensembles]


def lay_out_segments(
    graph: Graph, segments: Segments, backend: Backend, *, is_batching: bool
) -> LaidOut:
    """
    Give each segment as a model, the whole and each tail as an ensemble.

    So weights are held once, and requests that enter at different cuts meet in the segments
    that they share.

    Parameters
    ----------
    segments
        Of the cuts; their batches are found already if there are to be any.

    Raises
    ------
    InvalidCutError
        If a tensor between two segments is nothing that Triton passes on.
    """
    axis = batch_axis(graph) if is_batching else None
    laid_out = LaidOut()
    held: dict[str, TritonPart] = {}
    for segment in segments.segments:
        found = axis if segment.id in segments.batches else None
        name = f"{graph.name}.{graph.sha256[:DIGITS]}.segment-{segment.id}"
        held[segment.id] = part_of(graph, _with_constants(graph, segment), name, backend, found)
    laid_out.parts.extend(held.values())
    for cut in (server_only(graph), *segments.cuts):
        parts = [held[segment.id] for segment in segments.tail_of(cut)]
        name = _name_of(graph, cut)
        laid_out.ensembles.append(_ensemble(name, parts, _taken(graph, cut), _given(graph, cut)))
        if cut.placement == "split":
            laid_out.tails[cut] = name
    return laid_out


def lay_out_tails(
    graph: Graph, segments: Segments, backend: Backend, *, is_batching: bool
) -> LaidOut:
    """
    Give the whole and each tail as a model of its own, which holds all of its weights.

    Parameters
    ----------
    segments
        As for `lay_out_segments`.

    Raises
    ------
    InvalidCutError
        If an input or output of the whole is nothing that Triton passes on.
    """
    axis = batch_axis(graph) if is_batching else None
    laid_out = LaidOut()
    for cut in (server_only(graph), *segments.cuts):
        found = _axis_of(segments, cut, axis)
        tail = Segment(cut.id, 0, tuple(_taken(graph, cut)), tuple(_given(graph, cut)))
        name = _name_of(graph, cut)
        laid_out.parts.append(part_of(graph, tail, name, backend, found))
        if cut.placement == "split":
            laid_out.tails[cut] = name
    return laid_out


def why_none(graph: Graph, cut: Cut, backend: Backend) -> str:
    """Tell why Triton cannot have a tail; empty if it can."""
    tail = Segment(cut.id, 0, cut.crossing, tuple(_given(graph, cut)))
    try:
        part_of(graph, tail, _name_of(graph, cut), backend, None)
    except InvalidCutError as error:
        return str(error)
    return ""


def _axis_of(segments: Segments, cut: Cut, axis: BatchAxis | None) -> BatchAxis | None:
    """Give the batch's axis if all that a tail is made of runs several requests as one."""
    ids: Collection[str] = segments.batches
    return axis if all(each.id in ids for each in segments.tail_of(cut)) else None


def _ensemble(
    name: str, parts: Sequence[TritonPart], taken: Iterable[str], given: Iterable[str]
) -> TritonEnsemble:
    known = by_name(parts)
    given = tuple(given)
    made = {each.name for part in parts for each in part.outputs}
    for each in given:
        if each not in made:
            raise InvalidCutError(
                f"output {each!r} is an input as it came, which no ensemble gives"
            )
    steps = tuple(_step(part, parts, given) for part in parts)
    needed = {each for part in parts for each in part.taken}
    taken = tuple(each for each in taken if each in needed)
    return TritonEnsemble(name, _of(known, taken), _of(known, given), steps)


def _step(part: TritonPart, parts: Sequence[TritonPart], given: Collection[str]) -> Step:
    """Give a step: of what it makes, what others or the caller need; the rest Triton refuses."""
    needed = {name for other in parts for name in other.taken} | set(given)
    made = tuple(each.name for each in part.outputs if each.name in needed)
    return Step(part.name, part.taken, made)


def _of(known: Mapping[str, TritonTensor], names: Iterable[str]) -> tuple[TritonTensor, ...]:
    return tuple(known[name] for name in names)


def _with_constants(graph: Graph, segment: Segment) -> Segment:
    """Let the segment that makes the last output give those that depend on weights alone, too."""
    made = [name for name in graph.outputs if name not in graph.constants]
    if not graph.constants or not made or made[-1] not in segment.outputs:
        return segment
    outputs = (*segment.outputs, *graph.constants)
    return Segment(segment.id, segment.nodes, segment.inputs, outputs)


def _name_of(graph: Graph, cut: Cut) -> str:
    if cut.placement == "server":
        return graph.name
    return str(TailName(graph.name, graph.sha256, cut.id))


def _taken(graph: Graph, cut: Cut) -> Iterable[str]:
    return graph.inputs if cut.placement == "server" else cut.crossing


def _given(graph: Graph, cut: Cut) -> Iterable[str]:
    return graph.outputs if cut.placement == "server" else cut.returned
