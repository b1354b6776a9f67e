"""Whether the parts of a split, one after the other, compute what the whole model does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cutpoint.exceptions import FeedError, ModelError
from cutpoint.execution.original import Original
from cutpoint.execution.plain_session import PlainSession
from cutpoint.execution.whole_run import WholeRun, whole_run
from cutpoint.graph import Sizes, sizes_of

_MOST_DIFFERENCE = 1e-3
"""Of the largest element. The same kernels run on both sides, so it is 0 nearly always."""

_MOST_HALF_DIFFERENCE = 0.05
"""Where half precision is computed: uncut, ONNX Runtime keeps float32 between such nodes."""

_HALVES = frozenset({"float16", "bfloat16"})


@dataclass(frozen=True)
class Comparison:
    """
    What came of running the whole and its parts on the same inputs.

    Parameters
    ----------
    largest_difference
        Between two elements of an output, as a share of its largest one; of what is no
        number, the share of elements that differ. ``None`` if nothing was compared.
    sizes
        What the inputs bound open dimensions to.
    why_not
        Why nothing was compared; empty if it was.
    coded_difference
        As `largest_difference`, of parts that encode what crosses; ``None`` without a codec.
    """

    largest_difference: float | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)
    why_not: str = ""
    coded_difference: float | None = None


class Compared(NamedTuple):
    """
    A comparison, and what it was made on.

    Parameters
    ----------
    comparison
        What came of it.
    whole
        What the model was fed, and what it made of it; ``None`` if nothing was compared.
    values
        What the parts were fed and made, by name.
    """

    comparison: Comparison
    whole: WholeRun | None = None
    values: Mapping[str, Any] = {}


def compare(
    original: Original,
    parts: Sequence[Path],
    *,
    sizes: Sizes | None = None,
    feed: Mapping[str, Any] | None = None,
    options: Any = None,
) -> Comparison:
    """
    Run the whole model, then its parts, each on what those before it made.

    They are held one after the other, with ONNX Runtime's optimisations off: what it would
    fuse across the cut rounds otherwise.

    Parameters
    ----------
    parts
        Files, in the order in which they run.
    sizes, feed
        As for `whole_run`.
    options
        Session options with whatever custom operators the model needs.

    Raises
    ------
    ModelError
        If the parts compute something else, or one cannot be loaded or run.
    FeedError
        If the inputs given do not suit the model.
    """
    return compared(original, parts, sizes=sizes, feed=feed, options=options).comparison


def compared(
    original: Original,
    parts: Sequence[Path],
    *,
    sizes: Sizes | None = None,
    feed: Mapping[str, Any] | None = None,
    options: Any = None,
) -> Compared:
    """Do as `compare`, and give what was run besides."""
    try:
        session = PlainSession(original.file.source, options)
    except Exception as error:  # ONNX Runtime raises a class per status, none of them public
        why_not = f"ONNX Runtime cannot load the whole model ({error})"
        return Compared(Comparison(why_not=why_not))
    try:
        whole = whole_run(session, original.graph, feed=feed, sizes=sizes)
    except FeedError as error:
        if feed is not None:
            raise
        why_not = f"made-up inputs do not suit it, give some ({error})"
        return Compared(Comparison(why_not=why_not))
    del session
    values = dict(whole.feed)
    for part in parts:
        values.update(run_part(original, part, values, options))
    largest = largest_difference(original, whole.outputs, values)
    if largest is None:
        why_not = "the model draws random numbers, others in every run"
        return Compared(Comparison(why_not=why_not))
    tensors = {name: each for name, each in whole.feed.items() if isinstance(each, np.ndarray)}
    return Compared(Comparison(largest, sizes_of(original.graph, tensors)), whole, values)


def largest_difference(
    original: Original, wanted: Mapping[str, Any], given: Mapping[str, Any]
) -> float | None:
    """
    Give the largest difference of outputs that are to be the same, but for rounding.

    Returns
    -------
    float or None
        ``None`` if they differ because the model draws random numbers.

    Raises
    ------
    ModelError
        If they differ otherwise.
    """
    most = _MOST_HALF_DIFFERENCE if _has_halves(original) else _MOST_DIFFERENCE
    largest = 0.0
    for name, each in wanted.items():
        difference = difference_of(each, given[name])
        if difference > most and original.is_random:
            return None
        if difference > most:
            raise ModelError(
                f"output {name!r} of the parts of {original.file.name!r} differs from that of the "
                f"whole by {difference:.3g} of its largest element: do not use them"
            )
        largest = max(largest, difference)
    return largest


def run_part(
    original: Original, part: Path, values: Mapping[str, Any], options: Any
) -> Mapping[str, Any]:
    """
    Run a part by itself.

    Raises
    ------
    ModelError
        If it does not run.
    """
    try:
        return PlainSession(str(part), options).run(values)
    except Exception as error:  # as above
        raise ModelError(
            f"{part.name} of {original.file.name!r} does not run where the whole does: {error}"
        ) from error


def _has_halves(original: Original) -> bool:
    return any(value.dtype in _HALVES for value in original.graph.values.values())


def difference_of(wanted: Any, given: Any) -> float:
    """Give how far apart two outputs are, as a share; infinite for another type or shape."""
    if isinstance(wanted, list) and isinstance(given, list) and len(wanted) == len(given):
        return max(map(difference_of, wanted, given), default=0.0)
    if wanted is None or given is None:
        return 0.0 if wanted is given else float("inf")
    wanted, given = np.asarray(wanted), np.asarray(given)
    if (wanted.dtype, wanted.shape) != (given.dtype, given.shape):
        return float("inf")
    if not wanted.size:
        return 0.0
    if wanted.dtype.kind in "OSUbiu":
        return float(np.mean(wanted != given))
    return _share(wanted.astype(np.float64), given.astype(np.float64))


def _share(wanted: NDArray[np.float64], given: NDArray[np.float64]) -> float:
    finite = np.isfinite(wanted)
    if not np.array_equal(wanted[~finite], given[~finite], equal_nan=True):
        return float("inf")
    largest = np.max(np.abs(wanted[finite]), initial=0.0)
    difference = float(np.max(np.abs(wanted[finite] - given[finite]), initial=0.0))
    return difference / largest if largest else difference
