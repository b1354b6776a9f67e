"""Where matplotlib comes in: only when something is drawn."""

import importlib
from typing import Any

from cutpoint.exceptions import MissingDependencyError


def pyplot() -> Any:
    """
    Give pyplot on a canvas without a screen.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    """
    try:
        importlib.import_module("matplotlib").use("Agg")
        return importlib.import_module("matplotlib.pyplot")
    except ImportError as error:
        raise MissingDependencyError(
            "plots need matplotlib: pip install 'cutpoint[lab]'"
        ) from error
