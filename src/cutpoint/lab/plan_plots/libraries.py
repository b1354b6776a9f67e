"""The packages that draw, loaded only when something is drawn."""

import importlib
from typing import Any

from cutpoint.exceptions import MissingDependencyError


def pyplot() -> Any:
    """
    Give matplotlib's pyplot, drawing into files.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    """
    try:
        matplotlib = importlib.import_module("matplotlib")
    except ImportError as error:
        raise MissingDependencyError(
            "plots need matplotlib: pip install 'cutpoint[lab]'"
        ) from error
    matplotlib.use("Agg")
    return importlib.import_module("matplotlib.pyplot")


def networkx() -> Any:
    """
    Give networkx.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    """
    try:
        return importlib.import_module("networkx")
    except ImportError as error:
        raise MissingDependencyError(
            "drawing a graph needs networkx: pip install 'cutpoint[lab]'"
        ) from error
