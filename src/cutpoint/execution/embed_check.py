"""Whether a model that preprocesses its pictures itself answers as the original does."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx

from cutpoint.exceptions import FeedError, ModelError
from cutpoint.execution.comparison import difference_of
from cutpoint.execution.embedding import Embedding
from cutpoint.execution.made_up_pictures import made_up_pictures
from cutpoint.execution.model_file import ModelFile
from cutpoint.execution.original import Original
from cutpoint.execution.plain_session import PlainSession
from cutpoint.graph import Graph, Sizes, bind, checked_feed, sample_feed, sizes_of

_MOST_DIFFERENCE = 1e-3
"""Of an output's largest element: one multiplication and one addition round otherwise."""

_MOST_HALF_DIFFERENCE = 0.05
"""Where the model computes in half precision."""

_HALVES = frozenset({"float16", "bfloat16"})

_BATCHES = (2, 1)
_EDGES = (64, 224)
"""What open sizes of pictures are tried with."""


@dataclass(frozen=True)
class EmbedCheck:
    """
    What came of running both models on the same pictures.

    Parameters
    ----------
    largest_difference
        Between two elements of an output, as a share of its largest one. ``None`` if nothing
        was compared.
    largest_levels
        Between the model's input as the graph and as NumPy makes it, in levels of 0 to 255.
    pictures
        Shapes of the pictures.
    sizes
        What the last inputs bound open dimensions to.
    why_not
        Why nothing was compared; empty if it was.
    """

    largest_difference: float | None = None
    largest_levels: float | None = None
    pictures: tuple[tuple[int, ...], ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    why_not: str = ""


class _Run(NamedTuple):
    """
    What the written model is fed, and what the original made of the same.

    Parameters
    ----------
    feed
        Pictures and all else.
    outputs
        Of the original, on pixels as NumPy makes them.
    outputs_of_same
        Of the original, on pixels as the graph makes them.
    levels
        What these pixels differ by.
    """

    feed: Mapping[str, Any]
    outputs: Mapping[str, Any]
    outputs_of_same: Mapping[str, Any]
    levels: float


def check_embedded(
    original: Original,
    path: Path,
    nodes: onnx.ModelProto,
    embedding: Embedding,
    *,
    sizes: Sizes | None = None,
    feed: Mapping[str, Any] | None = None,
    options: Any = None,
) -> EmbedCheck:
    """
    Run the original on what NumPy makes of pictures, and the written model on the pictures.

    Both with ONNX Runtime's optimisations off, one after the other. Where frames of any size
    are resized, with several sizes; a byte that is rounded another way may then change an
    answer by more than is allowed otherwise, so answers are held against those of the original
    on the very same bytes as well, and the bytes against NumPy's.

    Parameters
    ----------
    original
        The model.
    path
        What was written.
    nodes
        What is new in it, by itself.
    embedding
        What that is to do.
    sizes
        Binds open dimensions of the written model; those left open are tried with a few sizes.
    feed
        Inputs of the written model; made up by default.
    options
        Session options with whatever custom operators the model needs.

    Raises
    ------
    ModelError
        If the preprocessing, or an answer, is further off than rounding can be.
    FeedError
        If the inputs given do not suit the model.
    """
    graph = Original(ModelFile.open(path)).graph
    try:
        session = PlainSession(original.file.source, options)
    except Exception as error:  # ONNX Runtime raises a class per status, none of them public
        return EmbedCheck(why_not=f"ONNX Runtime cannot load the model ({error})")
    series = _made_up(graph, embedding, sizes or {}) if feed is None else _given(graph, feed)
    try:
        runs = _original_runs(session, PlainSession(nodes.SerializeToString()), series, embedding)
    except FeedError as error:
        if feed is not None:
            raise
        return EmbedCheck(why_not=f"made-up inputs do not suit it, give some ({error})")
    del session
    largest = _largest_difference(original, path, runs, embedding, options)
    if largest is None:
        return EmbedCheck(why_not="the model draws random numbers, others in every run")
    tensors = {name: each for name, each in runs[-1].feed.items() if isinstance(each, np.ndarray)}
    return EmbedCheck(
        largest_difference=largest,
        largest_levels=max(run.levels for run in runs),
        pictures=tuple(np.shape(run.feed[embedding.picture]) for run in runs),
        sizes=sizes_of(graph, tensors),
    )


def _given(graph: Graph, feed: Mapping[str, Any]) -> Iterator[Sequence[Mapping[str, Any]]]:
    are_tensors = all(graph.values[name].can_travel for name in graph.inputs)
    yield [checked_feed(graph, feed) if are_tensors else feed]


def _original_runs(
    session: PlainSession,
    nodes: PlainSession,
    series: Iterator[Sequence[Mapping[str, Any]]],
    embedding: Embedding,
) -> list[_Run]:
    """Run the original on the first series of feeds that it runs on."""
    failures = []
    for feeds in series:
        tried = _tried(session, nodes, feeds, embedding)
        if isinstance(tried, list):
            return tried
        failures.append(tried)
    why = failures[0] if failures else "an input is no tensor, or of no known shape"
    raise FeedError(f"the model does not run on these inputs: {why}")


def _tried(
    session: PlainSession,
    nodes: PlainSession,
    feeds: Sequence[Mapping[str, Any]],
    embedding: Embedding,
) -> list[_Run] | Exception:
    try:
        return [_run_original(session, nodes, feed, embedding) for feed in feeds]
    except ModelError:
        raise
    except Exception as error:  # as above
        return error


def _run_original(
    session: PlainSession, nodes: PlainSession, feed: Mapping[str, Any], embedding: Embedding
) -> _Run:
    pictures, name = feed[embedding.picture], embedding.target.name
    by_graph = nodes.run({embedding.picture: pictures})[name]
    levels = embedding.levels_between(pictures, by_graph)
    outputs = same = session.run({**feed, name: embedding.made_of(pictures)})
    if embedding.preprocessing.size is not None:
        same = session.run({**feed, name: by_graph})
    return _Run(feed, outputs, same, levels)


def _largest_difference(
    original: Original, path: Path, runs: Sequence[_Run], embedding: Embedding, options: Any
) -> float | None:
    has_halves = any(value.dtype in _HALVES for value in original.graph.values.values())
    most = _MOST_HALF_DIFFERENCE if has_halves else _MOST_DIFFERENCE
    largest = 0.0
    try:
        session = PlainSession(str(path), options)
        made = [session.run(run.feed) for run in runs]
    except Exception as error:  # as above
        raise ModelError(
            f"{original.file.name!r} with its preprocessing in the graph does not run where it "
            f"runs without: {error}"
        ) from error
    for run, given in zip(runs, made, strict=True):
        for name, wanted in run.outputs_of_same.items():
            difference = difference_of(wanted, given[name])
            if difference > most and original.is_random:
                return None
            if difference > most:
                raise ModelError(
                    f"output {name!r} of {original.file.name!r} with its preprocessing in the "
                    f"graph differs by {difference:.3g} of its largest element from what it is "
                    f"with that done before, more than {most:g}: nothing was written"
                )
            largest = max(largest, difference_of(run.outputs[name], given[name]))
    return float(largest)


def _made_up(
    graph: Graph, embedding: Embedding, sizes: Sizes
) -> Iterator[Sequence[Mapping[str, Any]]]:
    """Make up series of inputs; each holds all frames that are to be compared."""
    if not all(graph.values[name].can_travel for name in graph.inputs):
        return
    axes = {
        each.name: embedding.layout[each.position]
        for each in graph.dimensions
        if each.input == embedding.picture
    }
    open_ = {each.name for each in graph.dimensions} - set(sizes)
    for batch in _BATCHES if open_ else _BATCHES[:1]:
        for frames in _series(embedding, bool(open_)):
            feeds: list[Mapping[str, Any]] = []
            for height, width in frames:
                edges = {"h": height, "w": width}
                made_up = {name: edges.get(axes.get(name, ""), batch) for name in open_}
                feeds.append(_feed(bind(graph, {**sizes, **made_up}), embedding, len(feeds)))
            yield feeds


def _series(embedding: Embedding, is_open: bool) -> Iterator[list[tuple[int, int]]]:
    if embedding.preprocessing.size is not None and is_open:
        width, height = embedding.preprocessing.size
        yield [
            (2 * height + 3, 3 * width + 1),  # both smaller
            (height // 2 + 1, width + 5),  # one larger, one smaller
            (height, width),
        ]
        return
    for edge in _EDGES if is_open else _EDGES[:1]:
        yield [(edge, edge)]


def _feed(graph: Graph, embedding: Embedding, seed: int) -> Mapping[str, Any]:
    shape = graph.values[embedding.picture].shape
    assert shape is not None
    return {
        **sample_feed(graph),
        embedding.picture: made_up_pictures(shape, embedding.layout, seed),
    }
