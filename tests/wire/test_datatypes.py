"""Names of element types on the wire."""

import numpy as np
import pytest
from tritonclient.utils import triton_to_np_dtype

from cutpoint.wire.datatypes import datatype_of, dtype_of, is_standard

STANDARD = [
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "float32", "float64",
]  # fmt: skip


@pytest.mark.parametrize("dtype", STANDARD)
def test_what_the_protocol_names_has_its_name(dtype: str) -> None:
    """Any client of the protocol reads the same type."""
    assert np.dtype(triton_to_np_dtype(datatype_of(dtype))) == np.dtype(dtype)
    assert is_standard(dtype)


@pytest.mark.parametrize(
    ("dtype", "datatype"), [("bfloat16", "BF16"), ("object", "BYTES"), ("float16", "FP16")]
)
def test_names_that_are_not_numpys(dtype: str, datatype: str) -> None:
    """The protocol's own words for what NumPy calls otherwise."""
    assert (datatype_of(dtype), dtype_of(datatype), is_standard(dtype)) == (datatype, dtype, True)


@pytest.mark.parametrize("dtype", ["int4", "uint4", "int2", "float8_e4m3fn", "float4_e2m1fn"])
def test_what_the_protocol_lacks_goes_by_its_own_name(dtype: str) -> None:
    """Two peers agree; no other server knows it."""
    assert (dtype_of(datatype_of(dtype)), is_standard(dtype)) == (dtype, False)
