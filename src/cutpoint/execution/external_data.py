"""Data files that a model refers to: inside its own folder, and nothing but plain files."""

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath

import onnx

from cutpoint.exceptions import ModelError, UnsafeModelError
from cutpoint.execution.model_file import ModelFile, file_digest
from cutpoint.execution.scopes import scopes_of, tensors_of
from cutpoint.execution.tensor_sizes import tensor_bytes

_IN_MEMORY = "_ORT_MEM_ADDR_"
"""ONNX Runtime takes the offset of such a location for an address of its own memory."""

_KEYS = frozenset({"location", "offset", "length", "checksum", "basepath"})


def check_external_data(model: onnx.ModelProto, file: ModelFile, where: str) -> None:
    """
    Refuse a model that refers to anything but plain data files of its own folder.

    Raises
    ------
    UnsafeModelError
        If a location is absolute, leads out of the folder or over a symbolic link, is no
        regular file or has a second name, or the model was given as bytes.
    ModelError
        If the file is not there, or too short for the tensor.
    """
    sizes_bytes: dict[str, int] = {}
    for name, tensor in _external_tensors(model):
        place = f"{where}: {name}"
        entries = _entries(tensor, place)
        location = entries["location"]
        if location not in sizes_bytes:
            sizes_bytes[location] = _contained_bytes(file, location, place)
        _check_range(entries, tensor_bytes(tensor, place), sizes_bytes[location], place)


def external_locations(model: onnx.ModelProto) -> tuple[str, ...]:
    """Give the data files a model refers to, anywhere in it, in the order of their names."""
    return tuple(
        sorted(
            {
                entry.value
                for _, tensor in _external_tensors(model)
                for entry in tensor.external_data
                if entry.key == "location"
            }
        )
    )


def content_digest(file: ModelFile, model: onnx.ModelProto) -> str:
    """
    Give the digest hosts agree by: of the file, and of the data files it refers to.

    Raises
    ------
    ModelError
        If a data file cannot be read, or the model was given as bytes and has some.
    """
    locations = external_locations(model)
    if not locations:
        return file.sha256
    if isinstance(file.source, bytes):
        raise _bytes_with_data(list(locations))
    digest = hashlib.sha256(file.sha256.encode())
    for location in locations:
        path = Path(file.source).parent / location
        digest.update(f"\n{location} {file_digest(path)}".encode())
    return digest.hexdigest()


def data_bytes(file: ModelFile, model: onnx.ModelProto) -> int:
    """Give the bytes of the data files of a model that was found to keep to its folder."""
    if isinstance(file.source, bytes):
        return 0
    folder = Path(file.source).parent
    return sum((folder / location).stat().st_size for location in external_locations(model))


def _external_tensors(model: onnx.ModelProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    for scope in scopes_of(model):
        for name, tensor in tensors_of(scope):
            if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
                yield name, tensor


def _entries(tensor: onnx.TensorProto, place: str) -> dict[str, str]:
    entries = {entry.key: entry.value for entry in tensor.external_data}
    if "location" not in entries or len(entries) != len(tensor.external_data):
        raise ModelError(f"{place}: names no data file, or names two: export the model again")
    if tensor.data_location != onnx.TensorProto.EXTERNAL or not entries.keys() <= _KEYS:
        raise ModelError(
            f"{place}: its reference to a data file is none that is known "
            f"({sorted(entries)}): export the model again"
        )
    return entries


def _contained_bytes(file: ModelFile, location: str, place: str) -> int:
    """Give the size of a data file, having looked at every folder on the way to it."""
    if isinstance(file.source, bytes):
        raise _bytes_with_data([location])
    parts = _parts(location, place)
    path = os.path.dirname(os.path.abspath(file.source))
    found = None
    for part in parts:
        path = os.path.join(path, part)
        found = _status(path, location, place)
        if stat.S_ISLNK(found.st_mode):
            raise _outside(place, location, f"{part!r} is a symbolic link")
    assert found is not None
    if not stat.S_ISREG(found.st_mode):
        raise _outside(place, location, "it is not a regular file")
    if found.st_nlink > 1:
        raise _outside(place, location, "it has another name elsewhere (a hard link)")
    return found.st_size


def _parts(location: str, place: str) -> tuple[str, ...]:
    # Windows' reading of a path is the wider one: both slashes, drives and roots.
    windows = PureWindowsPath(location)
    if not location or "\0" in location or windows.drive or windows.root:
        raise _outside(place, location, "it is not a path relative to the model's folder")
    if ".." in windows.parts or _IN_MEMORY in location:
        raise _outside(place, location, "it leads out of the model's folder")
    if "\\" in location and os.sep != "\\":
        raise _outside(place, location, "a backslash means one thing here and another elsewhere")
    return windows.parts


def _status(path: str, location: str, place: str) -> os.stat_result:
    try:
        return os.lstat(path)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{place}: data file {location!r} cannot be read ({error}): it belongs beside the model"
        ) from error


def _check_range(entries: dict[str, str], wanted_bytes: int, has_bytes: int, place: str) -> None:
    try:
        offset_bytes = int(entries.get("offset") or 0)
        length_bytes = int(entries.get("length") or wanted_bytes)
    except ValueError as error:
        raise ModelError(f"{place}: offset or length is no number: export it again") from error
    if offset_bytes < 0 or length_bytes < 0:
        raise ModelError(f"{place}: offset {offset_bytes} or length {length_bytes} is negative")
    if length_bytes != wanted_bytes or offset_bytes + length_bytes > has_bytes:
        raise ModelError(
            f"{place}: {wanted_bytes} bytes are wanted; {length_bytes} at {offset_bytes} of "
            f"{entries['location']!r} ({has_bytes} bytes) are not those: copy or export it again"
        )


def _outside(place: str, location: str, why: str) -> UnsafeModelError:
    return UnsafeModelError(
        f"{place}: data file {location!r} is refused, because {why}: keep data files as plain "
        "files in the model's folder"
    )


def _bytes_with_data(locations: list[str]) -> UnsafeModelError:
    return UnsafeModelError(
        f"the model given as bytes keeps weights in {locations}: give its path instead"
    )
