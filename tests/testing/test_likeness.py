from typing import Any

import ml_dtypes
import numpy as np
import pytest

from cutpoint.testing.likeness import assert_alike

ONE = np.array([1.0], np.float32)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ([ONE], [ONE * np.float32(1.0009)]),
        ([np.array(["a"], object)], [np.array(["a"], object)]),
        ([[ONE, ONE]], [[ONE, ONE]]),
        ([None], [None]),
        ([np.array([1], ml_dtypes.int4)], [np.array([1], ml_dtypes.int4)]),
        ([np.array([1], ml_dtypes.bfloat16)], [np.array([1.0078125], ml_dtypes.bfloat16)]),
    ],
)
def test_what_is_alike(expected: list[Any], actual: list[Any]) -> None:
    """Arrays within the tolerance, equal texts, lists and nothing are as expected."""
    assert_alike(expected, actual, 1e-3, 1e-7)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ([ONE], []),
        ([ONE], [ONE * np.float32(1.002)]),
        ([ONE], [ONE.astype(np.float64)]),
        ([ONE], [ONE.reshape(1, 1)]),
        ([ONE], [None]),
        ([None], [ONE]),
        ([np.array(["a"], object)], [np.array(["b"], object)]),
        ([[ONE, ONE]], [[ONE, 2 * ONE]]),
        ([[ONE, ONE]], [[ONE]]),
        ([[ONE]], [ONE]),
        ([np.array([1], ml_dtypes.int4)], [np.array([2], ml_dtypes.int4)]),
        ([np.array([1], ml_dtypes.bfloat16)], [np.array([1.0625], ml_dtypes.bfloat16)]),
    ],
)
def test_what_differs(expected: list[Any], actual: list[Any]) -> None:
    """Another number, type, shape, text, length or kind is not."""
    with pytest.raises(AssertionError):
        assert_alike(expected, actual, 1e-3, 1e-7)
