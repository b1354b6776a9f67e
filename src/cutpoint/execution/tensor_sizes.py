"""Whether the tensors of a model file are as large as they say."""

import math
from collections.abc import Iterable, Sequence

import onnx
import onnx_ir as ir

from cutpoint.exceptions import ModelError, UnsafeModelError
from cutpoint.execution.load_limits import LoadLimits
from cutpoint.execution.scopes import scopes_of, sparse_of, tensors_of

_MOST_BYTES = 2**63 - 1
"""Sizes beyond it overflow the integers that runtimes count in."""

_COMPLEX = frozenset({onnx.TensorProto.COMPLEX64, onnx.TensorProto.COMPLEX128})
_SMALLEST_BITS = 8


def check_tensors(model: onnx.ModelProto, limits: LoadLimits, where: str) -> None:
    """
    Refuse tensors whose sizes are negative, overflow, or are not those of their data.

    Raises
    ------
    ModelError
        If a size is none, or the data are of another size.
    UnsafeModelError
        If all weights together are over the limit, or an input's size overflows.
    """
    total_bytes = 0
    for scope in scopes_of(model):
        for name, tensor in tensors_of(scope):
            total_bytes += _checked_bytes(tensor, f"{where}: {name}")
        for sparse in sparse_of(scope):
            # ONNX Runtime holds it dense.
            total_bytes += _bytes_of(sparse.dims, sparse.values.data_type, f"{where}: sparse")
        if total_bytes > limits.weights_bytes:
            raise UnsafeModelError(
                f"{where}: its weights take {total_bytes} bytes, over the limit of "
                f"{limits.weights_bytes}: raise LoadLimits.weights_bytes if that is meant"
            )
    for value in model.graph.input:
        _check_input(value, where)


def tensor_bytes(tensor: onnx.TensorProto, where: str) -> int:
    """
    Give the bytes a tensor's type and sizes come to; 0 for text, whose size is its own.

    Raises
    ------
    ModelError
        If a size is negative, the product overflows, or the type is unknown.
    """
    return _bytes_of(tensor.dims, tensor.data_type, where)


def _checked_bytes(tensor: onnx.TensorProto, where: str) -> int:
    size_bytes = tensor_bytes(tensor, where)
    if tensor.HasField("segment"):
        raise ModelError(f"{where} is stored in segments, which nothing reads: export again")
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        return size_bytes
    if tensor.HasField("raw_data") and tensor.data_type != onnx.TensorProto.STRING:
        given, wanted = len(tensor.raw_data), {size_bytes}
    else:
        given = _num_given(tensor)
        wanted = _num_wanted(tensor)
    if given not in wanted:
        raise ModelError(
            f"{where}: sizes {list(tensor.dims)} do not agree with its data ({given} given, "
            f"{min(wanted)} wanted): the file is damaged; copy or export it again"
        )
    return size_bytes


def _num_given(tensor: onnx.TensorProto) -> int:
    lists: Iterable[Sequence[object]] = (
        tensor.float_data, tensor.int32_data, tensor.int64_data, tensor.uint64_data,
        tensor.double_data, tensor.string_data,
    )  # fmt: skip
    return sum(len(each) for each in lists)


def _num_wanted(tensor: onnx.TensorProto) -> set[int]:
    """Give how many entries a list of the tensor may have: small types may be packed."""
    num_elements = math.prod(tensor.dims)
    if tensor.data_type == onnx.TensorProto.STRING:
        return {num_elements}
    if tensor.data_type in _COMPLEX:
        return {2 * num_elements}
    bits = ir.DataType(tensor.data_type).bitwidth
    packed = math.ceil(num_elements * bits / _SMALLEST_BITS) if bits < _SMALLEST_BITS else None
    return {num_elements} if packed is None else {num_elements, packed}


def _bytes_of(sizes: Iterable[int], data_type: int, where: str) -> int:
    sizes = tuple(sizes)
    if any(size < 0 for size in sizes):
        raise ModelError(f"{where}: sizes {list(sizes)} are negative: export the model again")
    is_text = data_type == onnx.TensorProto.STRING
    bits = _SMALLEST_BITS if is_text else _bits_of(data_type, where)
    size_bytes = -(-math.prod(sizes) * bits // 8)
    if size_bytes > _MOST_BYTES or math.prod(size for size in sizes if size) > _MOST_BYTES:
        raise ModelError(f"{where}: the product of sizes {list(sizes)} overflows: export it again")
    return 0 if is_text else size_bytes


def _bits_of(data_type: int, where: str) -> int:
    try:
        return int(ir.DataType(data_type).bitwidth)
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(
            f"{where}: element type {data_type} is none that is known: export the model again"
        ) from error


def _check_input(value: onnx.ValueInfoProto, where: str) -> None:
    kind = value.type.tensor_type
    sizes = [each.dim_value for each in kind.shape.dim if each.HasField("dim_value")]
    if any(size < 0 for size in sizes):
        raise ModelError(
            f"{where}: input {value.name!r} has sizes {sizes}: a size that varies has a name "
            "or none, it is not negative; export the model again"
        )
    if math.prod(size for size in sizes if size) > _MOST_BYTES // 16:
        raise UnsafeModelError(f"{where}: input {value.name!r} of sizes {sizes} fits no memory")
