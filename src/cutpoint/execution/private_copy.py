"""A model's files copied to where nobody else writes, so that what is checked is what is loaded."""

import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from cutpoint.exceptions import ModelError, UnsafeModelError
from cutpoint.execution.external_data import location_parts, open_data_file
from cutpoint.execution.load_limits import LoadLimits
from cutpoint.execution.model_file import ModelFile, described, open_model_file

_CHUNK_BYTES = 1 << 20
_OWN = 0o700


class PrivateCopy:
    """
    A copy of a model in a folder of its own, made file by file.

    Parameters
    ----------
    file
        The model; one that is given as bytes needs no copy.
    folder
        Empty, and nobody else's.
    limits
        What its files may take.
    check_time
        Called between chunks; raises once it takes too long.
    follows_links
        Whether data files may be reached over links; only if somebody vouches for them.
    """

    def __init__(
        self,
        file: ModelFile,
        folder: Path,
        limits: LoadLimits,
        check_time: Callable[[], None],
        *,
        follows_links: bool = False,
    ) -> None:
        self._original = file
        self._folder = folder
        self._limits = limits
        self._check_time = check_time
        self._follows_links = follows_links
        self.file = file if isinstance(file.source, bytes) else self._copied(file, file.source)

    def add_data_files(self, locations: Iterable[str]) -> None:
        """
        Copy data files, once the model was seen to name them.

        Raises
        ------
        UnsafeModelError
            If one is not a plain file of the model's folder, or they are over the limit.
        ModelError
            If one cannot be read or copied.
        """
        where, total_bytes = described(self._original), 0
        for location in locations:
            target = self._folder.joinpath(*location_parts(location, where))
            if target.exists():  # the model itself, or the same place in other words
                continue
            source = open_data_file(
                self._original, location, where, follows_links=self._follows_links
            )
            with source:
                total_bytes += os.fstat(source.fileno()).st_size
                if total_bytes > self._limits.weights_bytes:
                    raise UnsafeModelError(
                        f"{where}: its data files have {total_bytes} bytes or more, over the "
                        f"limit of {self._limits.weights_bytes} (LoadLimits.weights_bytes)"
                    )
                self._write(source, target)

    def _copied(self, file: ModelFile, source: str) -> ModelFile:
        target = self._folder / os.path.basename(os.path.abspath(source))
        with open_model_file(source) as opened:
            sha256 = self._write(opened, target)
        if sha256 != file.sha256:
            raise UnsafeModelError(f"{source} changed after it was opened: open it again")
        return ModelFile(file.name, sha256, str(target), origin=described(file))

    def _write(self, source: BinaryIO, target: Path) -> str:
        """Copy what a file holds now, and give its digest."""
        left_bytes = os.fstat(source.fileno()).st_size
        digest = hashlib.sha256()
        try:
            target.parent.mkdir(mode=_OWN, parents=True, exist_ok=True)
            with target.open("xb") as copy:
                # No further than it was long: it may grow for ever.
                while chunk := source.read(min(left_bytes, _CHUNK_BYTES)):
                    self._check_time()
                    copy.write(chunk)
                    digest.update(chunk)
                    left_bytes -= len(chunk)
        except OSError as error:
            raise ModelError(
                f"{described(self._original)} cannot be copied to be vetted ({error}): there must "
                "be room for it where temporary files go"
            ) from error
        return digest.hexdigest()
