"""Whether requests that run as one get what each would get alone: found out by running them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from cutpoint.execution.batched_segment import BatchedSegment
from cutpoint.graph import Arrays, Graph, Segment, sample_feed

_TOLERANCE = 1e-5
"""Largest difference, as a share of the request's own largest element."""

_SCALES = (1.0, 8.0, 0.125)
"""Requests of different magnitudes: what is scaled by the largest of a batch gives itself away."""

FACTORS = ((1, 101, 0), (1, 3, 0), (1, 3, 1), (1, 1, 1))
"""The same of integers, the most telling first: an index of 101 suits most models, not all."""

_POISONED = 1


def trial_feeds(
    graph: Graph,
    example: Arrays | None = None,
    factors: Sequence[int] = FACTORS[-1],
    carrying: Collection[str] = (),
) -> list[Arrays]:
    """
    Make up requests that differ from each other, in size of numbers too.

    Parameters
    ----------
    example
        Inputs that suit the model; others are made of them. Made up by default.
    factors
        Of the integers of each request.
    carrying
        Names of the inputs whose integers are multiplied: those that carry the batch.
    """
    feeds = []
    for number, (scale, factor) in enumerate(zip(_SCALES, factors, strict=True)):
        own = sample_feed(graph, number) if example is None else _turned(example, number)
        feeds.append(
            {
                name: _multiplied(array, factor) if name in carrying else array
                for name, array in ((name, _scaled(array, scale)) for name, array in own.items())
            }
        )
    return feeds


def is_batchable(held: BatchedSegment, alone: Sequence[Arrays], made: Sequence[Arrays]) -> bool:
    """
    Run requests as one, and again with one that is no number, and compare.

    Parameters
    ----------
    held
        The segment.
    alone
        What each request feeds it.
    made
        What each got from it alone.
    """
    if len({held.kin(values) for values in alone}) != 1 or held.kin(alone[0]) is None:
        return False
    try:
        together = held.run(alone)
        poisoned = [*alone]
        poisoned[_POISONED] = {name: _poison(value) for name, value in alone[_POISONED].items()}
        others = held.run(poisoned) if held.kin(poisoned[_POISONED]) is not None else together
    except Exception:  # of ONNX Runtime a class per status, or what came cannot be taken apart
        return False
    return all(map(_are_equal, together, made)) and all(
        _are_equal(given, wanted)
        for number, (given, wanted) in enumerate(zip(others, made, strict=True))
        if number != _POISONED
    )


def fed_to(segment: Segment, values: Mapping[str, Any]) -> Arrays:
    """Give what a segment takes of the values there are."""
    return {name: values[name] for name in segment.inputs}


def _are_equal(given: Arrays, wanted: Arrays) -> bool:
    return all(_is_equal(given[name], value) for name, value in wanted.items())


def _is_equal(given: Any, wanted: Any) -> bool:
    if not isinstance(given, np.ndarray) or not isinstance(wanted, np.ndarray):
        return False
    if (given.dtype, given.shape) != (wanted.dtype, wanted.shape):
        return False
    if given.dtype.kind not in "fc" and not _is_foreign_float(given):
        return bool(np.array_equal(given, wanted))
    one, other = given.astype(np.complex128), wanted.astype(np.complex128)
    finite = np.isfinite(other)
    if not np.array_equal(one[~finite], other[~finite], equal_nan=True):
        return False
    difference = np.max(np.abs(one[finite] - other[finite]), initial=0.0)
    return bool(difference <= _TOLERANCE * np.max(np.abs(other[finite]), initial=0.0))


def _poison(value: Any) -> Any:
    if isinstance(value, np.ndarray) and _is_float(value):
        return np.full_like(value, np.nan)
    return value


def _scaled(array: Any, scale: float) -> Any:
    if not _is_float(array):
        return array
    return (array.astype(np.float64) * scale).astype(array.dtype)


def _multiplied(array: Any, factor: int) -> Any:
    """Multiply integers; of truth values all become true, or none."""
    if factor == 1 or array.dtype.kind not in "biu":
        return array
    if array.dtype.kind == "b" or not factor:
        return np.full_like(array, factor > 0)
    # None becomes larger than those that suit the model: some are sizes of what is made.
    largest = max(int(array.max(initial=0)), factor)
    return np.minimum(array, array.dtype.type(largest // factor)) * array.dtype.type(factor)


def _turned(example: Arrays, number: int) -> Arrays:
    return {
        name: np.roll(array, number, axis=-1) if array.ndim else array
        for name, array in example.items()
    }


def _is_float(array: Any) -> bool:
    return array.dtype.kind == "f" or _is_foreign_float(array)


def _is_foreign_float(array: Any) -> bool:
    return str(array.dtype).startswith(("bfloat", "float"))
