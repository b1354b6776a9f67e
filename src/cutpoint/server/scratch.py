"""A folder for a server's temporary files, which is swept even if the server is killed."""

import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

try:
    import fcntl
except ImportError:  # Windows: folders of killed servers stay
    fcntl: Any = None  # type: ignore[no-redef]

_PREFIX = "cutpoint-serve-"
_LOCK = "lock"


class Scratch:
    """
    Where temporary files of this process go while the block runs.

    The folder is locked for as long as the process lives; whoever starts next removes
    folders whose lock is free.
    """

    def __init__(self) -> None:
        self.folder: Path | None = None
        self._before: str | None = None
        self._lock: int | None = None

    def __enter__(self) -> "Scratch":  # noqa: PYI034 (Self needs Python 3.11)
        self._before = tempfile.tempdir
        parent = Path(tempfile.gettempdir())
        _sweep(parent)
        self.folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        self._lock = _locked(self.folder)
        tempfile.tempdir = str(self.folder)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the folder, and let temporary files go where they went before."""
        if self.folder is None:
            return
        tempfile.tempdir = self._before
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
        self.folder = self._lock = None


def _locked(folder: Path) -> int | None:
    """Lock a folder; its lock has its name only once it is held, or it would be swept."""
    if fcntl is None:
        return None
    unnamed = folder / f"{_LOCK}.new"
    lock = os.open(unnamed, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    unnamed.rename(folder / _LOCK)
    return lock


def _sweep(parent: Path) -> None:
    """Remove what servers left that were killed."""
    if fcntl is None:
        return
    for folder in parent.glob(f"{_PREFIX}*"):
        try:
            lock = os.open(folder / _LOCK, os.O_RDWR)
        except OSError:
            continue  # another user's, or just being made
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            pass  # its server runs
        finally:
            os.close(lock)
