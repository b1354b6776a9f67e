"""Linux's Landlock: from here on, this process opens only the files it was given."""

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET = 444
_ADD_RULE = 445
_RESTRICT_SELF = 446
"""System calls, the same numbers on every architecture that has them."""

_VERSION_FLAG = 1
_PATH_BENEATH = 1
_SET_NO_NEW_PRIVILEGES = 38

_READ = 1 << 0 | 1 << 2 | 1 << 3  # execute, read file, read folder
_OF_FILES = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14  # execute, write, read, truncate
_ALL_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
_NEWEST_RIGHTS = (1 << 16) - 1
_TCP = 1 << 0 | 1 << 1  # bind, connect
_FIRST_WITH_TCP = 4


def restrict(readable: Iterable[Path], writable: Iterable[Path]) -> bool:
    """
    Forbid this thread, and threads and processes it starts, all other files and TCP.

    Files that are open stay open. It cannot be undone.

    Parameters
    ----------
    readable, writable
        Folders with all in them, or files. What does not exist is left out.

    Returns
    -------
    bool
        Whether it holds: ``False`` where the system has no Landlock.
    """
    try:
        library = ctypes.CDLL(None, use_errno=True)
        version = library.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION_FLAG)
    except (OSError, AttributeError, TypeError):
        return False
    if version < 1:
        return False
    rights = _ALL_RIGHTS.get(version, _NEWEST_RIGHTS)
    attributes = struct.pack("=Q", rights)
    if version >= _FIRST_WITH_TCP:
        attributes += struct.pack("=Q", _TCP)
    ruleset = library.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if ruleset < 0:
        return False
    try:
        for path in readable:
            _allow(library, ruleset, path, rights & _READ)
        for path in writable:
            _allow(library, ruleset, path, rights)
        library.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        return bool(library.syscall(_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _allow(library: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        allowed = rights if path.is_dir() else rights & _OF_FILES
        rule = struct.pack("=Qi", allowed, opened)
        library.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0)
    finally:
        os.close(opened)
