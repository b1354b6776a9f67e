"""Which segments of a model may run several requests as one, and what runs them."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from cutpoint.execution.batch_axis import BatchAxis, batch_axis
from cutpoint.execution.batch_trial import FACTORS, fed_to, is_batchable, trial_feeds
from cutpoint.execution.batched_segment import BatchedSegment
from cutpoint.execution.segment_session import SegmentSession
from cutpoint.graph import Arrays, Graph, Segment

_MOST_EXCESS = 0.03
"""A session that takes any batch may cost a single request this share more, and no more."""

_LEAST_S = 20e-6
"""Less than this is a call's own noise."""

_FEWEST_ROUNDS, _MOST_ROUNDS, _ROUNDS_S = 5, 11, 0.1
"""Rounds of the comparison, and how long they may take beyond the fewest."""

_ENOUGH_EQUAL = 2
"""So many of the fewest rounds without excess settle it: what disturbs a run makes it longer."""

Opener = Callable[[Segment, BatchAxis], SegmentSession | None]
"""Gives a session of a segment that takes any batch; ``None`` if the one there is does."""


def find_batches(
    graph: Graph,
    segments: Sequence[Segment],
    sessions: dict[str, SegmentSession],
    opener: Opener,
    example: Arrays | None = None,
) -> dict[str, BatchedSegment]:
    """
    Find the segments that may run several requests as one.

    A segment may if shape inference says that the batch goes through it along the first axes,
    if requests that differ give what each gives alone when they run as one, if one that is no
    number does not reach another, and if a session that takes any batch is as quick for one
    request as the session that takes only what the file says.

    Parameters
    ----------
    graph
        With every input's dimensions bound.
    segments
        In the order in which they run.
    sessions
        By segment; those that take any batch in place of another are exchanged.
    opener
        Makes the sessions that take any batch.
    example
        Inputs that suit the model; made up by default.

    Returns
    -------
    dict
        By segment; the others run each request by itself.
    """
    axis = batch_axis(graph) if graph.is_bound else None
    if axis is None:
        return {}
    try:
        values = _feeds_that_run(graph, axis, segments, sessions, example)
        return _found(axis, segments, sessions, opener, values)
    except Exception:  # made-up inputs need not suit a model: then nothing is known
        return {}


def _feeds_that_run(
    graph: Graph,
    axis: BatchAxis,
    segments: Sequence[Segment],
    sessions: Mapping[str, SegmentSession],
    example: Arrays | None,
) -> list[Arrays]:
    """Give requests whose integers differ as much in size as the model bears: some are indices."""
    carrying = [
        name for name in graph.inputs if name in axis.rows and _is_whole(graph.values[name].dtype)
    ]
    for factors in FACTORS[:-1] if carrying else ():
        feeds = trial_feeds(graph, example, factors, carrying)
        try:
            for feed in feeds:
                values = dict(feed)
                for segment in segments:
                    made = sessions[segment.id].run(fed_to(segment, values))
                    values.update(zip(segment.outputs, made, strict=True))
        except Exception:  # of ONNX Runtime a class per status: an index out of bounds, say
            continue
        return feeds
    return trial_feeds(graph, example)


def _is_whole(dtype: str | None) -> bool:
    return dtype is not None and dtype.startswith(("int", "uint", "bool"))


def _found(
    axis: BatchAxis,
    segments: Sequence[Segment],
    sessions: dict[str, SegmentSession],
    opener: Opener,
    values: list[Arrays],
) -> dict[str, BatchedSegment]:
    found: dict[str, BatchedSegment] = {}
    for segment in segments:
        alone = [fed_to(segment, each) for each in values]
        session = sessions[segment.id]
        made = [dict(zip(segment.outputs, session.run(each), strict=True)) for each in alone]
        for each, own in zip(values, made, strict=True):
            each.update(own)
        if axis.suits(segment):
            held = _batched(axis, segment, session, opener, alone, made)
            if held is not None:
                found[segment.id] = held
                sessions[segment.id] = held.session
    return found


def _batched(
    axis: BatchAxis,
    segment: Segment,
    session: SegmentSession,
    opener: Opener,
    alone: Sequence[Arrays],
    made: Sequence[Arrays],
) -> BatchedSegment | None:
    try:
        opened = opener(segment, axis)
    except Exception:  # ONNX Runtime may refuse it where the file means what it says
        return None
    held = BatchedSegment(opened or session, segment, axis)
    if not is_batchable(held, alone, made):
        return None
    if opened is not None and _is_slower(opened, session, alone[0]):
        return None
    return held


def _is_slower(
    one: SegmentSession,
    other: SegmentSession,
    feed: Any,
    clock: Callable[[], float] = time.perf_counter,
) -> bool:
    """
    Tell whether a session is slower than another, both in turns.

    It is if it takes more than the other one right beside it in three rounds of four; fewer
    rounds are played where it is not, which is what most segments are.
    """
    took_s: tuple[list[float], list[float]] = ([], [])
    began_s = clock()
    num_equal = 0
    for number in range(_MOST_ROUNDS):
        if number >= _FEWEST_ROUNDS and clock() - began_s > _ROUNDS_S:
            break
        order = ((0, one), (1, other)) if number % 2 else ((1, other), (0, one))
        for index, session in order:
            started_s = clock()
            session.run(feed)
            took_s[index].append(clock() - started_s)
        num_equal += took_s[0][-1] <= (1 + _MOST_EXCESS) * took_s[1][-1]
        if number < _FEWEST_ROUNDS and num_equal == _ENOUGH_EQUAL:
            return False
    opened_s, fixed_s = np.array(took_s)
    excess = float(np.quantile(opened_s / fixed_s, 0.25)) - 1
    return bool(excess > _MOST_EXCESS and opened_s.min() - fixed_s.min() > _LEAST_S)
