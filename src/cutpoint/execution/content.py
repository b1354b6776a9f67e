"""What a model consists of, file by file: its digest, and whether it is still the same."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cutpoint.exceptions import UnsafeModelError
from cutpoint.execution.file_state import FileState, is_still
from cutpoint.execution.model_file import ModelFile, read_digest


@dataclass(frozen=True)
class Content:
    """
    A model's content at the time it was hashed.

    Parameters
    ----------
    sha256
        Digest hosts agree by: of the file, and of the data files it refers to.
    states
        Of each file when its hashing began; none of a model given as bytes.
    """

    sha256: str
    states: Mapping[Path, FileState]

    def check_unchanged(self) -> None:
        """
        Refuse files that are not those that were hashed.

        To be called after others have read them by their names. It finds a file that was
        exchanged or written to meanwhile, not one whose owner hides that.

        Raises
        ------
        UnsafeModelError
            Naming the file.
        """
        for path, state in self.states.items():
            if not is_still(path, state):
                raise UnsafeModelError(f"{path} changed while it was being loaded: load it again")


def content_of(file: ModelFile, locations: Iterable[str]) -> Content:
    """
    Hash a model and its data files.

    Parameters
    ----------
    locations
        Of the data files, as the model names them, sorted; none if it was given as bytes.

    Raises
    ------
    ModelError
        If one cannot be read.
    """
    if isinstance(file.source, bytes):
        return Content(file.sha256, {})
    path = Path(file.source)
    sha256, seen = file.sha256, file.seen
    if seen is None:
        sha256, seen = read_digest(path)
    states = {path: seen}
    digest = hashlib.sha256(sha256.encode())
    for location in locations:
        data = path.parent / location
        data_sha256, states[data] = read_digest(data)
        digest.update(f"\n{location} {data_sha256}".encode())
    return Content(digest.hexdigest() if len(states) > 1 or locations else sha256, states)
