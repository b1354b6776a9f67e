"""Data files that a model refers to: inside its own folder, and nothing but plain files."""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PureWindowsPath
from typing import BinaryIO

import onnx

from cutpoint.exceptions import ModelError, UnsafeModelError
from cutpoint.execution.model_file import ModelFile, open_model_file
from cutpoint.execution.scopes import scopes_of, tensors_of
from cutpoint.execution.tensor_sizes import tensor_bytes

_IN_MEMORY = "_ORT_MEM_ADDR_"
"""ONNX Runtime takes the offset of such a location for an address of its own memory."""

_KEYS = frozenset({"location", "offset", "length", "checksum", "basepath"})


_FOLDER = getattr(os, "O_DIRECTORY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_AT_ONCE = getattr(os, "O_NONBLOCK", 0)


def check_external_data(
    model: onnx.ModelProto, file: ModelFile, where: str, *, follows_links: bool = False
) -> None:
    """
    Refuse a model that refers to anything but plain data files of its own folder.

    Parameters
    ----------
    follows_links
        Whether a data file may lie elsewhere if a link in the folder leads there.

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
            found = _status_of(file, location, place, follows_links=follows_links)
            sizes_bytes[location] = found.st_size
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


def open_data_file(
    file: ModelFile, location: str, where: str, *, follows_links: bool = False
) -> BinaryIO:
    """
    Open a data file as `check_external_data` allows it, and nothing that took its place.

    Raises
    ------
    UnsafeModelError
        If it may not be read, or was exchanged just now.
    ModelError
        If it is not there.
    """
    found = _status_of(file, location, where, follows_links=follows_links)
    folder, parts = _folder_of(file, location), location_parts(location, where)
    if follows_links:
        return open_model_file(os.path.join(folder, *parts))
    try:
        opened = _opened_inside(folder, parts)
    except OSError as error:
        raise _outside(where, location, f"it cannot be opened as it was found: {error}") from error
    status = os.fstat(opened)
    if not os.path.samestat(status, found) or not _is_plain(status):
        os.close(opened)
        raise _outside(where, location, "it was exchanged while it was being looked at")
    return os.fdopen(opened, "rb")


def _opened_inside(folder: str, parts: Sequence[str]) -> int:
    """Open a file step by step, so that no link is followed that was made meanwhile."""
    if os.open not in os.supports_dir_fd:  # Windows
        return os.open(os.path.join(folder, *parts), _READ)
    at = os.open(folder, os.O_RDONLY | _FOLDER)
    for part in parts:
        flags = _READ | _AT_ONCE if part is parts[-1] else os.O_RDONLY | _FOLDER
        try:
            inner = os.open(part, flags | _NO_LINK, dir_fd=at)
        finally:
            os.close(at)
        at = inner
    return at


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


def _folder_of(file: ModelFile, location: str) -> str:
    if isinstance(file.source, bytes):
        raise _bytes_with_data([location])
    return os.path.dirname(os.path.abspath(file.source))


def _status_of(
    file: ModelFile, location: str, place: str, *, follows_links: bool
) -> os.stat_result:
    """Give what the system says of a data file, having looked at every folder on the way to it."""
    folder, parts = _folder_of(file, location), location_parts(location, place)
    if follows_links:
        found = _status(os.stat, os.path.join(folder, *parts), location, place)
    else:
        found = _status_within(folder, parts, location, place)
    if not stat.S_ISREG(found.st_mode):
        raise _outside(place, location, "it is not a regular file")
    if not (follows_links or _is_plain(found)):
        raise _outside(place, location, "it has another name elsewhere (a hard link)")
    return found


def _status_within(folder: str, parts: Sequence[str], location: str, place: str) -> os.stat_result:
    for depth, part in enumerate(parts, 1):
        found = _status(os.lstat, os.path.join(folder, *parts[:depth]), location, place)
        if stat.S_ISLNK(found.st_mode):
            raise _outside(place, location, f"{part!r} is a symbolic link")
    return found


def _is_plain(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 1


def location_parts(location: str, place: str) -> tuple[str, ...]:
    """
    Take the way to a data file apart.

    Raises
    ------
    UnsafeModelError
        If it does not stay in the model's folder, or nobody knows where it leads.
    """
    # Windows' reading of a path is the wider one: both slashes, drives and roots.
    windows = PureWindowsPath(location)
    if not windows.parts or "\0" in location or windows.drive or windows.root:
        raise _outside(place, location, "it is not a path relative to the model's folder")
    if ".." in windows.parts or _IN_MEMORY in location:
        raise _outside(place, location, "it leads out of the model's folder")
    if "\\" in location and os.sep != "\\":
        raise _outside(place, location, "a backslash means one thing here and another elsewhere")
    return windows.parts


def _status(
    ask: Callable[[str], os.stat_result], path: str, location: str, place: str
) -> os.stat_result:
    try:
        return ask(path)
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
