"""What the codecs stand on: the fewest calls of NumPy, ONNX Runtime, Zstandard and Pillow."""

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

from cutpoint.execution.runtime import onnxruntime_module, quiet_options

_LEVELS = {"uint4": 15, "uint8": 255, "uint8-channel": 255, "uint16": 65535}
_PICTURES: dict[str, dict[str, int]] = {
    "jpeg": {},
    "png": {"compress_level": 1},
    "webp": {"method": 2},
}
"""Forms of pictures, and the settings that the codecs have."""

_ZSTD_LEVEL = 1
_COMPRESSED = "+zstd"
_WORTH = 0.9
"""Whole numbers that compress to more than this share travel as they are."""


@dataclass(frozen=True)
class LibraryCalls:
    """
    One way to do with a library what a codec does to one array.

    Parameters
    ----------
    library
        Which one.
    encode
        Gives whatever the library's own encoding is.
    decode
        Takes that.
    """

    library: str
    encode: Callable[[], Any]
    decode: Callable[[Any], Any]


def library_calls(codec: str, array: NDArray[np.generic]) -> Iterator[LibraryCalls]:
    """
    Yield the ways in which libraries do a codec's work; none for one that stands on none.

    Nothing is checked, no header written, no piece sent ahead: what is left is the library. Of
    two steps each has calls of its own.

    Parameters
    ----------
    codec
        Its name.
    array
        To be encoded.
    """
    family, _, setting = codec.partition(":")
    if family == "float16":
        yield LibraryCalls(
            "NumPy", lambda: array.astype(np.float16), lambda made: made.astype(np.float32)
        )
        yield _by_runtime("float16", array)
    elif family == "zstd":
        yield _compressed(None, array)
    elif family.removesuffix(_COMPRESSED) in _LEVELS:
        for steps in _quantised(family.removesuffix(_COMPRESSED), array):
            yield _compressed(steps, array) if family.endswith(_COMPRESSED) else steps
    elif family in _PICTURES:
        yield _picture(family, int(setting) if setting else None, array)
    elif family == "narrow":
        yield _narrow(array)


def _quantised(name: str, array: NDArray[np.generic]) -> Iterator[LibraryCalls]:
    levels = _LEVELS[name]
    axes = None
    if name == "uint8-channel":
        axes = tuple(axis for axis in range(array.ndim) if axis != 1)
    dtype = np.uint16 if levels > 255 else np.uint8

    def encode() -> tuple[Any, Any, Any]:
        low = array.min(axis=axes, keepdims=True)
        step = (array.max(axis=axes, keepdims=True) - low) / levels
        codes = ((array - low) * (1 / np.where(step == 0, 1, step)) + 0.5).astype(dtype)
        return (_packed(codes) if name == "uint4" else codes), low, step

    def decode(made: tuple[Any, Any, Any]) -> Any:
        codes, low, step = made
        if name == "uint4":
            codes = _unpacked(codes, array)
        return codes * step.astype(np.float32) + low

    yield LibraryCalls("NumPy", encode, decode)
    if name == "uint8":
        yield _by_runtime("uint8", array)


def _packed(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if codes.size % 2:
        return codes.reshape(-1)  # one byte each: what is odd is rare
    return np.bitwise_or(codes.reshape(-1)[0::2], np.left_shift(codes.reshape(-1)[1::2], 4))


def _unpacked(codes: NDArray[np.uint8], array: NDArray[np.generic]) -> NDArray[np.uint8]:
    if codes.size == array.size:
        return codes.reshape(array.shape)
    whole = np.empty(array.size, np.uint8)
    whole[0::2], whole[1::2] = codes & 15, codes >> 4
    return whole.reshape(array.shape)


def _compressed(steps: LibraryCalls | None, array: NDArray[np.generic]) -> LibraryCalls:
    """Add Zstandard to what comes before, or to the array itself."""
    zstandard = importlib.import_module("zstandard")
    compressor = zstandard.ZstdCompressor(level=_ZSTD_LEVEL)
    decompressor = zstandard.ZstdDecompressor()

    def encode() -> tuple[bytes, NDArray[np.generic], Any]:
        codes, *rest = (array,) if steps is None else steps.encode()
        return compressor.compress(np.ascontiguousarray(codes).data), codes, rest

    def decode(made: tuple[bytes, NDArray[np.generic], Any]) -> Any:
        frame, codes, rest = made
        raw = np.frombuffer(decompressor.decompress(frame), codes.dtype).reshape(codes.shape)
        return raw if steps is None else steps.decode((raw, *rest))

    library = "Zstandard" if steps is None else f"{steps.library} and Zstandard"
    return LibraryCalls(library, encode, decode)


def _by_runtime(name: str, array: NDArray[np.generic]) -> LibraryCalls:
    encoder, decoder = _sessions(name)

    def decode(made: list[Any]) -> Any:
        return decoder.run(None, dict(zip("xyz", made, strict=False)))[0]

    return LibraryCalls("ONNX Runtime", lambda: encoder.run(None, {"x": array}), decode)


@cache
def _sessions(name: str) -> tuple[Any, Any]:
    if name == "float16":
        half, single = TensorProto.FLOAT16, TensorProto.FLOAT
        return (
            _session("Cast", (("x", single),), (("y", half),), to=half),
            _session("Cast", (("x", half),), (("y", single),), to=single),
        )
    codes = (("x", TensorProto.UINT8), ("y", TensorProto.FLOAT), ("z", TensorProto.UINT8))
    number = (("n", TensorProto.FLOAT),)
    return (
        _session("DynamicQuantizeLinear", (("x", TensorProto.FLOAT),), codes[:1] + codes[1:]),
        _session("DequantizeLinear", codes, number),
    )


def _session(
    op_type: str,
    inputs: tuple[tuple[str, int], ...],
    outputs: tuple[tuple[str, int], ...],
    **attributes: int,
) -> Any:
    """Make a model of one operator that takes and gives tensors of any shape."""
    given = [helper.make_tensor_value_info(name, kind, None) for name, kind in inputs]
    made = [helper.make_tensor_value_info(f"{name}_", kind, None) for name, kind in outputs]
    node = helper.make_node(op_type, [each.name for each in given], [each.name for each in made])
    node.attribute.extend(helper.make_attribute(*each) for each in attributes.items())
    graph = helper.make_graph([node], op_type, given, made)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return onnxruntime_module().InferenceSession(
        model.SerializeToString(), quiet_options(1), providers=["CPUExecutionProvider"]
    )


def _picture(form: str, quality: int | None, array: NDArray[np.generic]) -> LibraryCalls:
    module = importlib.import_module("PIL.Image")
    pixels = array.reshape(array.shape[-3:])
    settings = {**_PICTURES[form], **({} if quality is None else {"quality": quality})}

    def encode() -> bytes:
        file = BytesIO()
        module.fromarray(pixels).save(file, form, **settings)
        return file.getvalue()

    return LibraryCalls("Pillow", encode, lambda made: np.asarray(module.open(BytesIO(made))))


def _narrow(array: NDArray[np.generic]) -> LibraryCalls:
    def codes_of() -> tuple[Any, Any]:
        low, high = array.min(), array.max()
        return (array - low).astype(np.min_scalar_type(int(high) - int(low))), low

    packed = _compressed(LibraryCalls("NumPy", codes_of, lambda made: made), array)

    def encode() -> tuple[Any, bool]:
        made = packed.encode()
        frame, codes, _ = made
        return made, len(frame) < _WORTH * codes.nbytes

    def decode(given: tuple[Any, bool]) -> Any:
        made, is_packed = given
        _, codes, (low,) = made
        return (packed.decode(made)[0] if is_packed else codes).astype(array.dtype) + low

    return LibraryCalls(packed.library, encode, decode)
