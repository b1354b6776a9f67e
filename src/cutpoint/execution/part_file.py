"""A part of a model as a file of its own, written without holding its weights."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, NamedTuple

import onnx

from cutpoint.exceptions import ModelError
from cutpoint.execution.light_model import DataRange, data_range, external_tensors, refer

_GRAPH, _INITIALIZER, _RAW_DATA = 7, 5, 9
"""Numbers of fields, in a model, in its graph and in a tensor."""

_MOST_BYTES = 2**31 - 1
"""Protobuf reads no larger message."""

_CHUNK_BYTES = 1 << 20
_ALIGNMENT_BYTES = 4096
"""So that a runtime may map each tensor of a data file by itself."""


@dataclass(frozen=True)
class PartFile:
    """
    A part on disk.

    Parameters
    ----------
    path
        The model file.
    data
        Its data file; ``None`` if the weights are in the model file.
    size_bytes
        Of both.
    inputs, outputs
        What the part takes and gives, by name.
    num_nodes
        Nodes of its main graph.
    """

    path: Path
    data: Path | None
    size_bytes: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    num_nodes: int


class _Apart(NamedTuple):
    """A tensor whose data are in a file, and where."""

    tensor: onnx.TensorProto
    source: DataRange


def write_part(
    part: onnx.ModelProto, source: Path | None, path: Path, *, is_apart: bool = False
) -> PartFile:
    """
    Write a part with its weights, which are copied from file to file.

    Parameters
    ----------
    part
        Its weights may refer to files; is changed.
    source
        Folder of these files; ``None`` if all weights are in the part.
    path
        The file to write; its data file, if any, gets the same name and ``.data``.
    is_apart
        Whether such weights go into the data file. They do in any case if a model file
        could not hold them.

    Raises
    ------
    ModelError
        If a file that is referred to is not there, or too short.
    """
    apart = _apart(part, source)
    size_bytes = part.ByteSize() + sum(each.source.length for each in apart)
    is_apart = bool(apart) and (is_apart or size_bytes > _MOST_BYTES)
    data = path.with_name(f"{path.name}.data") if is_apart else None
    weights = {weight.name for weight in part.graph.initializer}
    inputs = tuple(value.name for value in part.graph.input if value.name not in weights)
    outputs = tuple(value.name for value in part.graph.output)
    num_nodes = len(part.graph.node)
    if data is None:
        _write_whole(part, apart, path)
    else:
        _write_data(apart, data)
        path.write_bytes(part.SerializeToString())
    size_bytes = sum(each.stat().st_size for each in (path, data) if each is not None)
    return PartFile(path, data, size_bytes, inputs, outputs, num_nodes)


def placed(part: PartFile, folder: Path) -> PartFile:
    """Put a part into a folder, its data file first; that of an older one goes."""
    (folder / f"{part.path.name}.data").unlink(missing_ok=True)
    for path in (part.data, part.path):
        if path is not None:
            path.replace(folder / path.name)
    data = None if part.data is None else folder / part.data.name
    return replace(part, path=folder / part.path.name, data=data)


def _apart(part: onnx.ModelProto, source: Path | None) -> list[_Apart]:
    if source is None:
        return []
    return [_Apart(t, data_range(t, source, where)) for where, t in external_tensors(part)]


def _write_data(apart: Sequence[_Apart], data: Path) -> None:
    """Write the data file; what several tensors share is written once."""
    places: dict[DataRange, int] = {}
    with data.open("xb") as file:
        for each in apart:
            if each.source not in places:
                file.seek(-(-file.tell() // _ALIGNMENT_BYTES) * _ALIGNMENT_BYTES)
                places[each.source] = file.tell()
                _copy(each.source, file)
            refer(each.tensor, data.name, places[each.source], each.source.length)


def _write_whole(part: onnx.ModelProto, apart: Sequence[_Apart], path: Path) -> None:
    """
    Write the model with the weights in it.

    As protobuf would, but that the weights, which it would copy twice, go straight from
    file to file: a message is preceded by its length, so lengths are summed up first.
    """
    weights = [(_opened(each), each.source) for each in apart]
    moved = {each.tensor.name for each in apart}
    kept = [weight for weight in part.graph.initializer if weight.name not in moved]
    graph = onnx.GraphProto()
    graph.CopyFrom(part.graph)
    del graph.initializer[:]
    graph.initializer.extend(kept)
    inner = graph.SerializeToString()
    part.ClearField("graph")
    length = len(inner) + sum(len(begun) + source.length for begun, source in weights)
    with path.open("xb") as file:
        file.write(part.SerializeToString())
        file.write(_header(_GRAPH, length))
        file.write(inner)
        for begun, source in weights:
            file.write(begun)
            _copy(source, file)


def _opened(apart: _Apart) -> bytes:
    """Give an initializer as it is written, up to its data."""
    tensor = onnx.TensorProto()
    tensor.CopyFrom(apart.tensor)
    tensor.ClearField("external_data")
    tensor.ClearField("data_location")
    length = apart.source.length
    begun = tensor.SerializeToString() + _header(_RAW_DATA, length)
    return _header(_INITIALIZER, len(begun) + length) + begun


def _header(number: int, length: int) -> bytes:
    """Give what precedes a field of so many bytes."""
    return bytes((number << 3 | 2,)) + _varint(length)


def _varint(number: int) -> bytes:
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*written, number))


def _copy(source: DataRange, target: BinaryIO) -> None:
    left = source.length
    with source.path.open("rb") as file:
        file.seek(source.offset)
        while left:
            chunk = file.read(min(left, _CHUNK_BYTES))
            if not chunk:
                raise ModelError(f"data file {source.path} became shorter: copy it again")
            target.write(chunk)
            left -= len(chunk)
