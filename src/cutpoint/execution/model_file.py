"""A model as it is given: a file or bytes, and its identity."""

import errno
import hashlib
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from cutpoint.exceptions import ModelError
from cutpoint.execution.file_state import FileState

_CHUNK_BYTES = 1 << 20
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_NAME = 64

_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_AT_ONCE = getattr(os, "O_NONBLOCK", 0)
"""Opening a pipe that nobody writes to would wait for ever."""


@dataclass(frozen=True)
class ModelFile:
    """
    A model file and what hosts agree on about it.

    Parameters
    ----------
    name
        By which it is served: letters, digits, ``_`` and ``-``.
    sha256
        Hex digest of the file's bytes.
    source
        Path of the file, or its bytes.
    origin
        What messages call it, if it is a copy.
    seen
        State of the file when its digest was taken; ``None`` if that is not known.
    """

    name: str
    sha256: str
    source: str | bytes
    origin: str | None = None
    seen: FileState | None = field(default=None, compare=False, repr=False)

    @classmethod
    def open(
        cls, path_or_bytes: str | bytes | os.PathLike[str], name: str | None = None
    ) -> "ModelFile":
        """
        Identify a model.

        Raises
        ------
        ModelError
            If the file is not there or cannot be read.
        """
        if isinstance(path_or_bytes, bytes):
            digest = hashlib.sha256(path_or_bytes).hexdigest()
            return cls(served_name(name or "model"), digest, path_or_bytes)
        path = Path(os.fspath(path_or_bytes))
        sha256, seen = read_digest(path)
        return cls(served_name(name or path.stem), sha256, str(path), seen=seen)


def described(file: ModelFile) -> str:
    """Say which file, for messages."""
    if file.origin is not None:
        return file.origin
    return "the model given as bytes" if isinstance(file.source, bytes) else str(file.source)


def file_bytes(file: ModelFile) -> int:
    """
    Give the size of a model file.

    Raises
    ------
    ModelError
        If it is not there, or no regular file.
    """
    if isinstance(file.source, bytes):
        return len(file.source)
    try:
        status = os.stat(file.source)
    except (OSError, ValueError) as error:
        raise ModelError(f"model file {described(file)}: {error}") from error
    if not stat.S_ISREG(status.st_mode):
        raise ModelError(f"{described(file)} is not an ONNX model: it is not a regular file")
    return status.st_size


def open_model_file(path: str | os.PathLike[str]) -> BinaryIO:
    """
    Open a file to read it.

    Raises
    ------
    ModelError
        If it is not there, cannot be read, or is no regular file.
    """
    try:
        opened = os.open(path, _READ | _AT_ONCE)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ModelError(f"model file {os.fspath(path)}: {why}") from error
    mode = os.fstat(opened).st_mode
    if not stat.S_ISREG(mode):
        os.close(opened)
        why = os.strerror(errno.EISDIR) if stat.S_ISDIR(mode) else "it is not a regular file"
        raise ModelError(f"model file {os.fspath(path)}: {why}")
    return os.fdopen(opened, "rb")


def read_digest(path: Path) -> tuple[str, FileState]:
    """
    Give the hex SHA-256 of a file, and its state before it was read.

    Raises
    ------
    ModelError
        If it is not there, cannot be read, or is no regular file.
    """
    digest = hashlib.sha256()
    with open_model_file(path) as opened:
        seen = FileState.of(os.fstat(opened.fileno()))
        try:
            while chunk := opened.read(_CHUNK_BYTES):
                digest.update(chunk)
        except OSError as error:
            raise ModelError(f"model file {path}: {error.strerror or error}") from error
    return digest.hexdigest(), seen


def served_name(text: str) -> str:
    """Give the name a model is served under, for a file of this name."""
    return _NOT_IN_NAMES.sub("_", text)[:_LONGEST_NAME] or "model"
