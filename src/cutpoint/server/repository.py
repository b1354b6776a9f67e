"""Where models come from: files that are named, and a folder ``<model>/<version>/model.onnx``."""

import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cutpoint.exceptions import ModelError
from cutpoint.execution import ModelFile
from cutpoint.execution.file_state import FileState
from cutpoint.execution.model_file import file_bytes, served_name

_log = logging.getLogger(__name__)

MODEL_FILE = "model.onnx"
DIGEST_SUFFIX = ".sha256"

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_VERSION = re.compile(r"[1-9][0-9]{0,17}")
_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
_LONGEST_DIGEST_FILE = 4096
_MOST_ENTRIES = 10_000
"""Entries of one folder that are looked at: something else was named by mistake."""


@dataclass(frozen=True)
class Offer:
    """
    A version of a model on disk.

    Parameters
    ----------
    name
        It is served under.
    version
        Of the model; a file that is named has 1.
    path
        Of the model file.
    states
        Of each file it is made of: another version, or one that is still being written, has
        others.
    problem
        Why it cannot be served; empty if nothing is known against it.
    """

    name: str
    version: int
    path: Path
    states: tuple[tuple[str, FileState], ...]
    problem: str = ""


@dataclass(frozen=True)
class Listing:
    """
    What is on disk.

    Parameters
    ----------
    offers
        Versions by name, the highest first.
    problems
        Why a folder that looks like a model is none, by its name.
    """

    offers: Mapping[str, tuple[Offer, ...]]
    problems: Mapping[str, str]


class Repository:
    """
    Lists models on disk, as often as it is asked.

    Parameters
    ----------
    files
        Models that are named one by one.
    folder
        Of models; ``None`` for none.

    Raises
    ------
    ModelError
        If two files would be served under one name.
    """

    def __init__(self, files: Sequence[str | Path] = (), folder: str | Path | None = None) -> None:
        self._files = tuple(Path(file) for file in files)
        self._folder = None if folder is None else Path(folder)
        self._passed_over: frozenset[str] = frozenset()
        names = [served_name(path.stem) for path in self._files]
        for name in names:
            if names.count(name) > 1:
                raise ModelError(
                    f"two files are named {name!r}: rename one, devices ask by this name"
                )

    def __repr__(self) -> str:
        return f"<Repository: {len(self._files)} files, folder {self._folder}>"

    def listing(self) -> Listing:
        """
        Look at the disk.

        Raises
        ------
        ModelError
            If the folder, or that of a file that is named, cannot be read.
        """
        try:
            return self._listing()
        except OSError as error:  # no permission, a disk that is gone: what is served goes on
            raise ModelError(f"models on disk: {error}") from error

    def _listing(self) -> Listing:
        offers: dict[str, list[Offer]] = {}
        problems: dict[str, str] = {}
        for path in self._files:
            if path.exists():
                offers[served_name(path.stem)] = [_offer_of(path)]
        if self._folder is not None:
            self._list_folder(self._folder, offers, problems)
        ordered = {
            name: tuple(sorted(each, key=lambda offer: -offer.version))
            for name, each in offers.items()
        }
        return Listing(ordered, problems)

    def _list_folder(
        self, folder: Path, offers: dict[str, list[Offer]], problems: dict[str, str]
    ) -> None:
        passed_over: set[str] = set()
        try:
            root = folder.resolve(strict=True)
            entries = _entries(root)
        except OSError as error:
            raise ModelError(f"repository {folder}: {error.strerror or error}") from error
        for entry in entries:
            if not _NAME.fullmatch(entry.name) or entry.name.startswith(".") or not entry.is_dir():
                passed_over.add(entry.name)
                continue
            name = served_name(entry.name)
            if name in offers:
                problems[entry.name] = (
                    f"{entry} would be served as {name!r}, as another is: rename one"
                )
                continue
            try:
                found = list(_versions(root, entry, name, passed_over))
            except OSError as error:
                problems[name] = f"{entry} cannot be read: {error.strerror or error}"
                continue
            if found:
                offers[name] = found
            else:
                problems[name] = f"no version of it has a {MODEL_FILE}: {entry}/1/{MODEL_FILE}"
        self._tell_passed_over(folder, frozenset(passed_over))

    def _tell_passed_over(self, folder: Path, names: frozenset[str]) -> None:
        """Warn once of entries that are no models; a look every second is not to fill a log."""
        new = sorted(names - self._passed_over)
        self._passed_over = names
        if new:
            _log.warning(
                "repository %s: passed over, for they are no MODEL/VERSION: %s",
                folder,
                ", ".join(ascii(each) for each in new[:20]),
            )


def check_digest(offer: Offer) -> None:
    """
    Compare a model file with the digest beside it, if there is one.

    Raises
    ------
    ModelError
        If they do not match, or the digest cannot be read.
    """
    beside = offer.path.with_name(offer.path.name + DIGEST_SUFFIX)
    if not beside.is_file():
        return
    try:
        with beside.open("rb") as opened:
            words = opened.read(_LONGEST_DIGEST_FILE).decode("ascii", "replace").split()
    except OSError as error:
        raise ModelError(f"{beside} cannot be read: {error.strerror or error}") from error
    if not words or not _DIGEST.fullmatch(words[0]):
        raise ModelError(f"{beside} has no digest: write the 64 hex digits of `sha256sum`")
    file_bytes(ModelFile(offer.name, "", str(offer.path)))
    found = ModelFile.open(offer.path).sha256
    if found != words[0].lower():
        raise ModelError(
            f"{offer.path} is {found[:12]}, and {beside.name} says {words[0][:12].lower()}: copy "
            "the model again, or its digest"
        )


def _versions(root: Path, model: Path, name: str, passed_over: set[str]) -> Iterator[Offer]:
    for entry in _entries(model):
        if not _VERSION.fullmatch(entry.name) or not entry.is_dir():
            # A note beside the versions is as welcome as in other servers' repositories.
            if not entry.is_file() or entry.name.startswith("."):
                passed_over.add(f"{model.name}/{entry.name}")
            continue
        path = entry / MODEL_FILE
        if not path.exists() and not path.is_symlink():
            continue  # it is being copied, or made of something else
        states, problem = _states_within(root, entry)
        yield Offer(name, int(entry.name), path, states, problem)


def _states_within(root: Path, folder: Path) -> tuple[tuple[tuple[str, FileState], ...], str]:
    """Give the states of all files of a version, and why it cannot be served."""
    states: list[tuple[str, FileState]] = []
    for parent, folders, names in os.walk(folder):
        # A link to a folder is not walked into, and yet files are found through it.
        linked = [name for name in folders if Path(parent, name).is_symlink()]
        for name in sorted((*names, *linked)):
            path = Path(parent) / name
            try:
                if not path.resolve(strict=True).is_relative_to(root):
                    return (), f"{path} leads out of the repository: copy what it leads to"
                states.append((str(path.relative_to(folder)), FileState.of(path.stat())))
            except OSError as error:
                return tuple(states), f"{path}: {error.strerror or error}"
        if len(states) > _MOST_ENTRIES:
            return (), f"{folder} has more than {_MOST_ENTRIES} files: is it a model?"
    if not folder.resolve().is_relative_to(root):
        return (), f"{folder} leads out of the repository: copy what it leads to"
    return tuple(sorted(states)), ""


def _offer_of(path: Path) -> Offer:
    """Give the offer of a file that was named, with the data files that bear its name."""
    states = []
    with os.scandir(path.parent) as entries:
        for entry in entries:
            if entry.name.startswith(path.name) and entry.is_file():
                with suppress(FileNotFoundError):  # renamed since, as copies are that are whole
                    states.append((entry.name, FileState.of(entry.stat())))
    return Offer(served_name(path.stem), 1, path, tuple(sorted(states)))


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())[:_MOST_ENTRIES]
