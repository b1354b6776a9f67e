"""Whether outputs are the expected ones, within the tolerance of a test."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

BFLOAT16_RTOL = 2**-6
"""Two units in its last place, as ONNX's own runner of the suite allows."""

FLOAT16_RTOL = 2**-9
"""The same of float16, allowed where one crosses: uncut, ONNX Runtime keeps float32 there."""


def assert_alike(expected: Sequence[Any], actual: Sequence[Any], rtol: float, atol: float) -> None:
    """
    Compare outputs as ONNX's own runner of the suite does: type, shape, then values.

    Raises
    ------
    AssertionError
        At the first that differs.
    """
    assert len(expected) == len(actual), f"{len(actual)} outputs, expected {len(expected)}"
    for position, (wanted, given) in enumerate(zip(expected, actual, strict=True)):
        if wanted is None or given is None:
            assert wanted is given, f"output {position}: {given!r}, expected {wanted!r}"
        elif isinstance(wanted, list):
            assert isinstance(given, list), f"output {position}: {type(given)}, expected a list"
            assert_alike(wanted, given, rtol, atol)
        else:
            _assert_same_array(f"output {position}", np.asarray(wanted), given, rtol, atol)


def _assert_same_array(
    name: str, wanted: NDArray[Any], given: NDArray[Any], rtol: float, atol: float
) -> None:
    assert wanted.shape == given.shape, f"{name}: shape {given.shape}, expected {wanted.shape}"
    if wanted.dtype.kind in "OSU":
        np.testing.assert_array_equal(given, wanted, err_msg=name)
        return
    assert wanted.dtype == given.dtype, f"{name}: {given.dtype}, expected {wanted.dtype}"
    if wanted.dtype.isbuiltin != 1:
        # NumPy cannot compare these with a tolerance; float64 holds each of them exactly.
        if wanted.dtype.name == "bfloat16":
            rtol = max(rtol, BFLOAT16_RTOL)
        wanted, given = wanted.astype(np.float64), given.astype(np.float64)
    np.testing.assert_allclose(given, wanted, rtol=rtol, atol=atol, err_msg=name)
