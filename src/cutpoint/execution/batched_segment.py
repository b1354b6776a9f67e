"""A segment that runs several requests as one: their values put together, its own taken apart."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutpoint.execution.batch_axis import BatchAxis
from cutpoint.execution.segment_session import SegmentSession
from cutpoint.graph import Arrays, Segment

_MOST_FIXED_BYTES = 4096
"""Values that do not carry the batch are compared whenever requests meet: no larger ones."""

Array = NDArray[Any]


class BatchedSegment:
    """
    Runs a segment for several requests at once.

    Parameters
    ----------
    session
        Takes any batch.
    segment
        What it runs.
    axis
        Which values carry the batch; suits the segment.
    """

    def __init__(self, session: SegmentSession, segment: Segment, axis: BatchAxis) -> None:
        self.session = session
        self._outputs = segment.outputs
        self._carried = tuple(name for name in segment.inputs if name in axis.rows)
        self._fixed = tuple(name for name in segment.inputs if name in axis.fixed)
        self._grown = frozenset(name for name in segment.outputs if name in axis.rows)

    def __repr__(self) -> str:
        return f"<BatchedSegment {list(self._carried)} -> {list(self._outputs)}>"

    def kin(self, values: Mapping[str, Any]) -> Hashable | None:
        """
        Give what requests must have in common to run as one; ``None`` if this one cannot.

        That is: the types, every dimension but the batch, and whatever does not carry it.
        """
        carried = [values[name] for name in self._carried]
        if any(not isinstance(each, np.ndarray) or each.ndim == 0 for each in carried):
            return None
        lead = carried[0].shape[0]
        if lead == 0:
            return None
        fixed = [values[name] for name in self._fixed]
        if any(not _is_small(each) for each in fixed):
            return None
        # Some values have several rows for each of another (tokens of a sentence).
        like = tuple((each.dtype.str, each.shape[0] / lead, each.shape[1:]) for each in carried)
        return like, tuple((each.dtype.str, each.shape, each.tobytes()) for each in fixed)

    def run(self, batch: Sequence[Mapping[str, Any]]) -> list[Arrays]:
        """
        Run requests that are kin; give what is made for each.

        Raises
        ------
        ValueError
            If what was made cannot be taken apart again.
        """
        merged: Arrays = {name: batch[0][name] for name in self._fixed}
        for name in self._carried:
            merged[name] = joined([values[name] for values in batch])
        made = dict(zip(self._outputs, self.session.run(merged), strict=True))
        lead = self._carried[0]
        rows = [values[lead].shape[0] for values in batch]
        taken: list[Arrays] = [{} for _ in batch]
        for name, array in made.items():
            if name in self._grown:
                for own, piece in zip(taken, parted(array, rows), strict=True):
                    own[name] = piece
            else:
                for own in taken:
                    own[name] = array
        return taken


def joined(arrays: Sequence[Array]) -> Array:
    """Put arrays one behind the other; what lies so in memory already is not copied."""
    if len(arrays) == 1:
        return arrays[0]
    base = arrays[0].base
    if isinstance(base, np.ndarray) and _are_pieces(arrays, base):
        return base
    return np.concatenate(arrays)


def parted(array: Array, rows: Sequence[int]) -> list[Array]:
    """
    Take an array apart again.

    Parameters
    ----------
    rows
        Of each request, in whatever value they are counted by: each gets its share.

    Raises
    ------
    ValueError
        If the array's rows cannot be shared out so.
    """
    total = sum(rows)
    num, rest = divmod(array.shape[0], total) if array.ndim and total else (0, 1)
    if rest:
        raise ValueError(f"a batch of {list(rows)} rows came out as {array.shape}")
    ends = np.cumsum(rows) * num
    return [array[end - each * num : end] for end, each in zip(ends.tolist(), rows, strict=True)]


def _are_pieces(arrays: Sequence[Array], base: Array) -> bool:
    """Tell whether arrays are all of another, row by row and in order."""
    if not base.flags.c_contiguous or base.ndim != arrays[0].ndim or base.size == 0:
        return False
    place = base.__array_interface__["data"][0]
    for array in arrays:
        if array.base is not base or array.shape[1:] != base.shape[1:] or not array.size:
            return False
        if array.dtype != base.dtype or array.__array_interface__["data"][0] != place:
            return False
        place += array.nbytes
    return bool(sum(array.shape[0] for array in arrays) == base.shape[0])


def _is_small(value: Any) -> bool:
    return (
        isinstance(value, np.ndarray)
        and not value.dtype.hasobject
        and (value.nbytes <= _MOST_FIXED_BYTES)
    )
