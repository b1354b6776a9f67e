"""A file with an array per input."""

from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from cutpoint.exceptions import FeedError
from cutpoint.graph import Arrays


def read_inputs(path: Path) -> Arrays:
    """
    Read what ``numpy.savez`` wrote.

    Raises
    ------
    FeedError
        If the file is not there, or is none such.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, TypeError, AttributeError, EOFError, BadZipFile) as error:
        raise FeedError(f"inputs {path}: {error}; write them with numpy.savez") from error
