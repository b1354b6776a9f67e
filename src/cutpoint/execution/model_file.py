"""A model as it is given: a file or bytes, and its identity."""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from cutpoint.exceptions import ModelError

_CHUNK_BYTES = 1 << 20
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_NAME = 64


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
    """

    name: str
    sha256: str
    source: str | bytes

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
            return cls(_served_name(name or "model"), digest, path_or_bytes)
        path = Path(os.fspath(path_or_bytes))
        return cls(_served_name(name or path.stem), file_digest(path), str(path))


def file_digest(path: Path) -> str:
    """
    Give the hex SHA-256 of a file.

    Raises
    ------
    ModelError
        If it is not there or cannot be read.
    """
    digest = hashlib.sha256()
    is_endless = path.exists() and not (path.is_file() or path.is_dir())
    if is_endless:  # a pipe or a device
        raise ModelError(f"model file {path}: it is not a regular file")
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    except OSError as error:
        raise ModelError(f"model file {path}: {error.strerror or error}") from error
    return digest.hexdigest()


def _served_name(text: str) -> str:
    return _NOT_IN_NAMES.sub("_", text)[:_LONGEST_NAME] or "model"
