"""Whether parts with a codec in them compute what those without compute, but for what it loses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutpoint.exceptions import ModelError
from cutpoint.execution.comparison import (
    Comparison,
    compared,
    difference_of,
    largest_difference,
    run_part,
)
from cutpoint.execution.original import Original
from cutpoint.graph import Sizes
from cutpoint.graph.typed_value import FLOAT16, typed_tensors

_LARGEST_HALF, _HALF_ROUNDING, _LEAST_HALF = 65504.0, 2.0**-11, 2.0**-25
_ROUNDING, _HALVES = 1e-5, {"float16": 2.0**-10, "bfloat16": 2.0**-7}
"""Of float32, and of types of less precision, beside what the codec loses."""

_NOTHING = 1e-36
"""Near the least normal number a scale is 0, as is all that it stands for."""


@dataclass(frozen=True)
class TypedParts:
    """
    Files of a head that encodes and a tail that decodes.

    Parameters
    ----------
    codec
        What it does.
    values
        Names of the values that are encoded.
    head, tail
        The files.
    """

    codec: str
    values: tuple[str, ...]
    head: Path
    tail: Path


def compare_typed(
    original: Original,
    exact: Sequence[Path],
    typed: TypedParts,
    *,
    sizes: Sizes | None = None,
    feed: Mapping[str, Any] | None = None,
    options: Any = None,
) -> Comparison:
    """
    Run the whole, the parts without the codec, and those with it.

    How much a model makes of a small error nobody knows before, so no bound is put on that:
    what crosses must be decoded to within the codec's own bound, and the tail must make of it
    what the tail without the codec makes of the same numbers.

    Parameters
    ----------
    exact
        Head and tail that send the values as they are.
    typed
        Those with the codec.
    sizes, feed, options
        As for `compare`.

    Raises
    ------
    ModelError
        If parts compute something else, or one cannot be loaded or run.
    FeedError
        If the inputs given do not suit the model.
    """
    comparison, whole, values = compared(original, exact, sizes=sizes, feed=feed, options=options)
    if whole is None:
        return comparison
    sent = {**values, **run_part(original, typed.head, whole.feed, options)}
    decoded = {name: _decoded(original, typed, values[name], name, sent) for name in typed.values}
    wanted = run_part(original, exact[-1], {**values, **decoded}, options)
    given = run_part(original, typed.tail, sent, options)
    largest_difference(original, wanted, given)
    answers = {**sent, **given}
    differences = [difference_of(each, answers[name]) for name, each in whole.outputs.items()]
    return replace(comparison, coded_difference=float(max(differences, default=0.0)))


def _decoded(
    original: Original,
    typed: TypedParts,
    value: NDArray[np.generic],
    name: str,
    sent: Mapping[str, Any],
) -> NDArray[np.generic]:
    """Decode as the tail is to, and see that it is within the codec's bound."""
    wanted = value.astype(np.float64)
    tensors = [sent[tensor.name] for tensor in typed_tensors(name, typed.codec)]
    if typed.codec == FLOAT16:
        wanted = np.clip(wanted, -_LARGEST_HALF, _LARGEST_HALF)
    if not np.all(np.isfinite(wanted)):
        raise ModelError(
            f"value {name!r} of {original.file.name!r} has elements that are no finite numbers: "
            f"{typed.codec} cannot carry them; cut elsewhere, or send it as it is"
        )
    if typed.codec == FLOAT16:
        found = tensors[0].astype(value.dtype)
        most = np.abs(wanted) * _HALF_ROUNDING + _LEAST_HALF
    else:
        numbers, scale, zero_point = tensors
        steps = numbers.astype(np.float32) - zero_point.astype(np.float32)
        found = (steps * scale).astype(value.dtype)
        most = np.full(wanted.shape, float(scale[0]) / 2)
    error = np.abs(found.astype(np.float64) - wanted)
    rounding = _HALVES.get(str(value.dtype), _ROUNDING)
    allowed = most * (1 + _ROUNDING) + rounding * np.max(np.abs(wanted), initial=0.0) + _NOTHING
    if np.any(error > allowed):
        raise ModelError(
            f"value {name!r} of {original.file.name!r} comes out of {typed.codec} wrong by "
            f"{np.max(error):.3g}: do not use these parts"
        )
    return np.asarray(found)
