"""What a codec made, as the standard typed tensors that any server of the protocol takes."""

from collections.abc import Iterator
from math import prod
from struct import Struct

import numpy as np

from cutpoint.exceptions import CodecError, LocalProtocolError
from cutpoint.graph.element_types import Shape
from cutpoint.graph.typed_value import FLOAT16, UINT8, typed_tensors
from cutpoint.records import RAW
from cutpoint.wire.chunks import Chunk
from cutpoint.wire.codecs.codec import Buffer
from cutpoint.wire.tensors import TensorSpec

_LAST, _LARGEST = 255, float(np.finfo(np.float32).max)
_HEADS = {8: Struct("<ff"), 16: Struct("<dd")}
"""Before the codes of uint8, by their size: what code 0 stands for, and the step."""


def typed_of(chunk: Chunk) -> Iterator[tuple[TensorSpec, Buffer]]:
    """
    Give the tensors that stand for one, and the bytes of each.

    Parameters
    ----------
    chunk
        A whole tensor in one piece.

    Raises
    ------
    LocalProtocolError
        If its codec is none that standard tensors can stand for.
    CodecError
        If its scale is beyond what a standard tail takes.
    """
    spec, payload = chunk.spec, chunk.payload
    if chunk.codec == RAW:
        yield spec, payload
        return
    if chunk.codec not in (UINT8, FLOAT16):
        raise LocalProtocolError(f"{chunk.codec} of {spec.name!r} is no standard tensor")
    parts = _affine(spec, memoryview(payload)) if chunk.codec == UINT8 else (payload,)
    shape: Shape = spec.shape or ()
    for tensor, raw in zip(typed_tensors(spec.name, chunk.codec), parts, strict=True):
        yield TensorSpec(tensor.name, tensor.dtype, tensor.shape or shape), raw


def _affine(spec: TensorSpec, payload: memoryview) -> tuple[Buffer, ...]:
    """Give codes, scale and zero point, which is a code as zero always has one."""
    size_bytes = len(payload) - prod(spec.shape or ())
    low, step = _HEADS[size_bytes].unpack(payload[:size_bytes])
    if _LAST * step > _LARGEST:  # and so would be what a tail makes of the last code
        raise CodecError(f"steps of {step:g} in {spec.name!r} lead beyond float32: send it raw")
    zero_point = min(max(round(-low / step), 0), _LAST)
    return payload[size_bytes:], np.float32(step).tobytes(), bytes([zero_point])
