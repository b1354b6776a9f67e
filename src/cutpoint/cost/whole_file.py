"""Files that are written whole or not at all, and read up to a size that makes sense."""

import os
from pathlib import Path
from uuid import uuid4

MOST_BYTES = 64 << 20
"""Of a file of measurements: the largest of a real model is a hundredth of it."""

_PIECE_BYTES = 1 << 18


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """
    Write a file so that whoever reads it sees all of it or the old one, after a crash too.

    Parameters
    ----------
    path
        File to write, in a folder that exists; an existing file is replaced.

    Raises
    ------
    OSError
        If it cannot be written; the old file is as it was, and no part of the new one is left.
    """
    target = Path(path)
    # In the same folder, because a rename is atomic only within one file system.
    unfinished = target.parent / f".{target.name}.{uuid4().hex}.part"
    try:
        with unfinished.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def read_bounded(path: str | os.PathLike[str], most_bytes: int = MOST_BYTES) -> bytes:
    """
    Read a file of a sensible size.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If there is more in it.
    """
    content = bytearray()
    with Path(path).open("rb") as file:
        # Piece by piece: room is made for as much as is asked for, whatever comes.
        while piece := file.read(_PIECE_BYTES):
            content += piece
            if len(content) > most_bytes:
                raise ValueError(f"it has more than {most_bytes} bytes")
    return bytes(content)


def _sync_folder(folder: Path) -> None:
    """Make the new name last; where folders cannot be synced the rename has to do."""
    try:
        opened = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(opened)
    except OSError:
        return
    finally:
        os.close(opened)
