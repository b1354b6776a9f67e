"""What Triton is told of a tensor that a model takes or gives."""

from typing import NamedTuple

import onnx

from cutpoint.exceptions import InvalidCutError
from cutpoint.execution.element_types import numpy_name
from cutpoint.graph import TEXT
from cutpoint.graph.value import Value
from cutpoint.wire.datatypes import datatype_of, is_standard

ANY_SIZE = -1


class TritonTensor(NamedTuple):
    """
    A tensor by the words of a model's configuration.

    Parameters
    ----------
    name
        As in the model file.
    kind
        Of its elements, for example ``TYPE_FP32``.
    dims
        Of all dimensions, the batch included; -1 for one of any size.
    """

    name: str
    kind: str
    dims: tuple[int, ...]

    def without_batch(self) -> "TritonTensor":
        """Give what it is where Triton adds the first dimension by itself."""
        return self._replace(dims=self.dims[1:])


def described(info: onnx.ValueInfoProto, value: Value | None, *, has_bf16: bool) -> TritonTensor:
    """
    Describe a tensor as its file does, and where that says less, as the graph does.

    Parameters
    ----------
    value
        The same in the graph; ``None`` if it has none.
    has_bf16
        Whether whoever runs the model knows bfloat16.

    Raises
    ------
    InvalidCutError
        If Triton has no word for it: a type it does not know, or no dimension at all.
    """
    tensor = info.type.tensor_type
    dtype = numpy_name(tensor.elem_type) if tensor.elem_type else value and value.dtype
    if not dtype or not is_standard(dtype) or (dtype == "bfloat16" and not has_bf16):
        raise InvalidCutError(f"{info.name!r} is of type {dtype}: Triton cannot pass it on")
    if tensor.HasField("shape"):
        dims = tuple(
            each.dim_value if each.HasField("dim_value") else ANY_SIZE for each in tensor.shape.dim
        )
    elif value is not None and value.open_shape is not None:
        dims = value.open_shape
    else:
        raise InvalidCutError(
            f"how many dimensions {info.name!r} has, nobody knows before it runs: Triton wants to"
        )
    if not dims or 0 in dims:
        raise InvalidCutError(f"{info.name!r} is of shape {list(dims)}: Triton cannot pass it on")
    word = "STRING" if dtype == TEXT else datatype_of(dtype)
    return TritonTensor(info.name, f"TYPE_{word}", dims)
