"""A folder of things that may be made again: it saves time and can do no harm."""

import hashlib
import logging
import os
import stat
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec

_log = logging.getLogger(__name__)

_FOLDER = "cutpoint"
"""Below the folder that is named: ours alone, whoever may write to that one."""

_OWN_FOLDER, _OWN_FILE = 0o700, 0o600
_ENTRY, _PART = ".entry", ".part"
_MAGIC = b"cutpoint cache 1\n"
_DIGEST_BYTES = 64
_LEFT_OVER_S = 600.0
"""What is still being written so long after it was begun, by the file system's clock, never will
be finished."""

MOST_BYTES = 256 << 20
"""Of a folder; what was written first goes first."""

MOST_ENTRY_BYTES = 16 << 20
"""Of one entry; a larger file is none of ours."""


class _Body(msgspec.Struct, frozen=True):
    """What an entry holds; the key says of what, because a file may be copied or renamed."""

    key: msgspec.Raw
    content: msgspec.Raw


class FileCache:
    """
    Keeps JSON documents by key, each in a file that proves itself.

    An entry that is damaged, cut short, of another key or of another version is no entry: it is
    deleted, said once, and made again. Where nothing can be written (a full disk, a folder that is
    read-only or somebody else's) that is said once and all goes on without. Processes may share
    a folder: entries are renamed into place.

    Parameters
    ----------
    folder
        Where; made if it is not there. Entries lie in a folder of their own below it, which
        nobody else may enter.
    most_bytes
        Of all entries.
    """

    def __init__(self, folder: str | os.PathLike[str], most_bytes: int = MOST_BYTES) -> None:
        self.folder = Path(folder) / _FOLDER
        self._most_bytes = most_bytes
        self._told: set[str] = set()
        self._handle: int | None = None
        try:
            self._handle = _opened(self.folder)
            weakref.finalize(self, os.close, self._handle)
        except (OSError, NotImplementedError, AttributeError) as error:  # the last on Windows
            self._tell("cannot be used", str(error))

    def __repr__(self) -> str:
        return f"<FileCache {self.folder}{'' if self._handle is not None else ', off'}>"

    def read(self, key: Any, kind: type[Any]) -> Any:
        """
        Give what is kept under a key, or ``None``.

        Parameters
        ----------
        key
            Anything msgspec writes as JSON.
        kind
            Type of the content; what is not of it is no entry.
        """
        if self._handle is None:
            return None
        wanted = _encoded(key)
        name = _name_of(wanted)
        try:
            raw = _read(self._handle, name)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._tell("cannot be read", str(error))
            return None
        try:
            return msgspec.json.decode(_checked(raw, wanted), type=kind)
        except Exception as error:  # a type of the caller's may raise what it likes
            self._drop(name, error)
            return None

    def write(self, key: Any, content: Any) -> None:
        """Keep something under a key, if that can be done; an older entry is replaced."""
        if self._handle is None:
            return
        wanted = _encoded(key)
        try:
            raw = _sealed(wanted, _encoded(content))
            _write(self._handle, _name_of(wanted), raw)
            _make_room(self._handle, self._most_bytes, _name_of(wanted))
        except (OSError, ValueError) as error:
            self._tell("cannot be written", str(error))

    def _drop(self, name: str, why: Exception) -> None:
        self._tell("had a damaged entry", f"{name}: {why}")
        with suppress(OSError):  # gone, or it cannot be: it is checked whenever it is read
            os.unlink(name, dir_fd=self._handle)

    def _tell(self, what: str, why: str) -> None:
        """Say it once: what cannot be done now will be tried again, and not told again."""
        level = logging.DEBUG if what in self._told else logging.WARNING
        self._told.add(what)
        _log.log(level, "cache %s %s (%s): all goes on without", self.folder, what, why)


def _opened(folder: Path) -> int:
    """Make a folder of our own and open it; entries are reached through the handle alone."""
    folder.parent.mkdir(mode=_OWN_FOLDER, parents=True, exist_ok=True)
    with suppress(FileExistsError):  # whose it is is seen below
        folder.mkdir(mode=_OWN_FOLDER)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    found = os.fstat(handle)
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        os.close(handle)
        raise PermissionError(
            f"{folder} must be yours and nobody else's: chmod 700, or name another"
        )
    return handle


def _encoded(content: Any) -> bytes:
    return msgspec.json.encode(content, order="deterministic")


def _name_of(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest() + _ENTRY


def _sealed(key: bytes, content: bytes) -> bytes:
    body = msgspec.json.encode(_Body(msgspec.Raw(key), msgspec.Raw(content)))
    if len(body) > MOST_ENTRY_BYTES:
        raise ValueError(f"an entry of {len(body)} bytes is too large")
    return _MAGIC + hashlib.sha256(body).hexdigest().encode() + body


def _checked(raw: bytes, key: bytes) -> bytes:
    """Give the content of an entry that is whole and of this key."""
    seal, body = raw[: len(_MAGIC) + _DIGEST_BYTES], raw[len(_MAGIC) + _DIGEST_BYTES :]
    if seal != _MAGIC + hashlib.sha256(body).hexdigest().encode():
        raise ValueError("its digest is of something else")
    found = msgspec.json.decode(body, type=_Body)
    if bytes(found.key) != key:
        raise ValueError("it is of another key")
    return bytes(found.content)


def _read(folder: int, name: str) -> bytes:
    # Not blocking, because something else than a file may go by the name.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with open(os.open(name, flags, dir_fd=folder), "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(f"{name} is no file")
        return file.read(min(facts.st_size, 2 * MOST_ENTRY_BYTES))


def _write(folder: int, name: str, raw: bytes) -> None:
    """Write so that a reader, after a crash too, finds the whole entry or the old one."""
    unfinished = f"{uuid4().hex}{_PART}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with open(os.open(unfinished, flags, _OWN_FILE, dir_fd=folder), "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        os.rename(unfinished, name, src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)
    except OSError:
        with suppress(OSError):  # it was never there, or is removed as a left-over later
            os.unlink(unfinished, dir_fd=folder)
        raise


def _make_room(folder: int, most_bytes: int, newest: str) -> None:
    """Delete what was written first until the rest fits, and what never was finished."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.endswith((_ENTRY, _PART)):
                continue
            with suppress(FileNotFoundError):  # another process makes room too
                facts = entry.stat(follow_symlinks=False)
                found.append((facts.st_mtime, entry.name, facts.st_size))
    now_s = max((at_s for at_s, name, _ in found if name == newest), default=0.0)
    total_bytes = sum(size for _, _, size in found)
    for at_s, name, size in sorted(found):
        is_left_over = name.endswith(_PART) and now_s - at_s > _LEFT_OVER_S
        if name != newest and (total_bytes > most_bytes or is_left_over):
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)
            total_bytes -= size
