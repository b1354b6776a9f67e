"""What tells that a file is still the one it was."""

import os
from pathlib import Path
from typing import NamedTuple


class FileState(NamedTuple):
    """
    What the system says of a file, cheap to ask for again.

    Parameters
    ----------
    device, inode
        Which file it is: another one of the same name has others.
    size_bytes
        Its size.
    changed_ns
        When its content was last written to.
    """

    device: int
    inode: int
    size_bytes: int
    changed_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> "FileState":
        """Give the state that a system call told."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def is_still(path: Path, state: FileState) -> bool:
    """Tell whether a file of this name is there and in this state."""
    try:
        return FileState.of(path.stat()) == state
    except OSError:
        return False
