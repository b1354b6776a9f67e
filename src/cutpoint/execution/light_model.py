"""An ONNX file read without its weights: those stay in the file and are referred to."""

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import onnx
from google.protobuf.message import DecodeError

from cutpoint.exceptions import ModelError, UnsafeModelError
from cutpoint.execution.model_file import ModelFile
from cutpoint.execution.scopes import scopes_of, tensors_of
from cutpoint.execution.tensor_sizes import tensor_bytes

LIGHT_BYTES = 4096
"""Tensors up to this size are read: sizes and axes are among them, which inference looks at."""

_GRAPH, _INITIALIZER, _RAW_DATA = 7, 5, 9
"""Numbers of fields, in a model, in its graph and in a tensor."""

_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
_MOST_BITS = 70

_Buffer = mmap.mmap | bytes


class DataRange(NamedTuple):
    """
    Where the bytes of a tensor lie.

    Parameters
    ----------
    path
        The data file, or the model file itself.
    offset, length
        In bytes.
    """

    path: Path
    offset: int
    length: int


class _Field(NamedTuple):
    """A field as it is written: where it begins, and where what it holds begins and ends."""

    number: int
    kind: int
    begin: int
    start: int
    end: int


def light_model(file: ModelFile, *, reads_small: bool = True) -> onnx.ModelProto:
    """
    Parse a model file, its weights left where they are.

    Weights of more than `LIGHT_BYTES` refer to their place in the file, in the same way as
    external data do. So a model of any size takes little memory. One that is given as bytes
    is in memory already and is parsed as it is.

    Parameters
    ----------
    reads_small
        Whether smaller weights in data files are read.

    Raises
    ------
    ModelError
        If the file is not an ONNX model, is damaged, or a data file is missing.
    UnsafeModelError
        If a data file is not in the model's folder.
    """
    try:
        model = _parsed(file)
    except (DecodeError, OSError, ValueError, IndexError) as error:
        where = "the model given as bytes" if isinstance(file.source, bytes) else file.source
        raise ModelError(
            f"{where} is not an ONNX model, or is cut short ({error}): "
            "check the file, or export it again"
        ) from error
    if reads_small and isinstance(file.source, str):
        _read_small_tensors(model, Path(file.source).parent)
    return model


def external_tensors(model: onnx.ModelProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    """Give the tensors whose data lie in a file, anywhere in a model, with where they are."""
    for scope in scopes_of(model):
        for where, tensor in tensors_of(scope):
            if tensor.data_location == onnx.TensorProto.EXTERNAL:
                yield where, tensor


def data_range(tensor: onnx.TensorProto, folder: Path, where: str) -> DataRange:
    """
    Give the place of a tensor's data.

    Raises
    ------
    ModelError
        If it is none, or shorter than the tensor.
    UnsafeModelError
        If the file is not in the folder.
    """
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = Path(entries.get("location", ""))
    if location.is_absolute() or ".." in location.parts or not location.parts:
        raise UnsafeModelError(
            f"{where}: data file {str(location)!r} is not in the model's folder: put it there, "
            "and export the model again"
        )
    path, length = folder / location, tensor_bytes(tensor, where)
    try:
        offset, size_bytes = int(entries.get("offset") or 0), path.stat().st_size
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{where}: data file {str(location)!r} cannot be read ({error}): it belongs beside "
            "the model"
        ) from error
    if offset < 0 or offset + length > size_bytes:
        raise ModelError(
            f"{where}: {length} bytes at {offset} of {str(location)!r} ({size_bytes} bytes) are "
            "not there: copy or export it again"
        )
    return DataRange(path, offset, length)


def _parsed(file: ModelFile) -> onnx.ModelProto:
    if isinstance(file.source, bytes):
        return onnx.ModelProto.FromString(file.source)
    with (
        Path(file.source).open("rb") as opened,
        mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as buffer,
    ):
        return _without_weights(buffer, Path(file.source).name)


def _without_weights(buffer: _Buffer, location: str) -> onnx.ModelProto:
    rest, graphs = [], []
    for field in _fields(buffer, 0, len(buffer)):
        if (field.number, field.kind) == (_GRAPH, _BYTES):
            graphs.append(field)
        else:
            rest.append(buffer[field.begin : field.end])
    model = onnx.ModelProto.FromString(b"".join(rest))
    for graph in graphs:  # written in several pieces, they are one
        kept, weights = [], []
        for field in _fields(buffer, graph.start, graph.end):
            is_heavy = field.number == _INITIALIZER and field.end - field.start > LIGHT_BYTES
            if is_heavy and field.kind == _BYTES:
                weights.append(_light_tensor(buffer, field, location))
            else:
                kept.append(buffer[field.begin : field.end])
        model.graph.MergeFromString(b"".join(kept))
        model.graph.initializer.extend(weights)
    if not graphs:
        raise DecodeError("it has no graph")
    return model


def _light_tensor(buffer: _Buffer, tensor: _Field, location: str) -> onnx.TensorProto:
    kept, raw = [], None
    for field in _fields(buffer, tensor.start, tensor.end):
        is_raw = (field.number, field.kind) == (_RAW_DATA, _BYTES)
        if is_raw and field.end - field.start > LIGHT_BYTES:
            raw = field
        else:
            kept.append(buffer[field.begin : field.end])
    light = onnx.TensorProto.FromString(b"".join(kept))
    if raw is not None:
        refer(light, location, raw.start, raw.end - raw.start)
    return light


def refer(tensor: onnx.TensorProto, location: str, offset: int, length: int) -> None:
    """Let a tensor's data be a range of a file."""
    tensor.ClearField("raw_data")
    del tensor.external_data[:]
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", offset), ("length", length)):
        tensor.external_data.add(key=key, value=str(value))


def _fields(buffer: _Buffer, position: int, end: int) -> Iterator[_Field]:
    """Give the fields of a message, as protobuf writes them."""
    while position < end:
        begin = position
        tag, position = _varint(buffer, position)
        number, kind, start = tag >> 3, tag & 7, position
        if kind == _VARINT:
            _, position = _varint(buffer, position)
        elif kind == _BYTES:
            length, start = _varint(buffer, position)
            position = start + length
        elif kind in (_FOUR_BYTES, _EIGHT_BYTES):
            position += 4 if kind == _FOUR_BYTES else 8
        else:
            raise DecodeError(f"field {number} is of kind {kind}, which is none")
        if position > end:
            raise DecodeError(f"field {number} ends behind what it is in")
        yield _Field(number, kind, begin, start, position)


def _varint(buffer: _Buffer, position: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, _MOST_BITS, 7):
        byte = buffer[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position
    raise DecodeError("a number does not end")


def _read_small_tensors(model: onnx.ModelProto, folder: Path) -> None:
    for where, tensor in external_tensors(model):
        source = data_range(tensor, folder, where)
        if source.length > LIGHT_BYTES:
            continue
        with source.path.open("rb") as opened:
            opened.seek(source.offset)
            tensor.raw_data = opened.read(source.length)
        tensor.ClearField("external_data")
        tensor.ClearField("data_location")
