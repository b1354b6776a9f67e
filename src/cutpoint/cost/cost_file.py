"""Cost tables in files: published times per layer can be planned without a model."""

import os
from pathlib import Path

from cutpoint.cost.cost_csv import cost_table_from_csv, cost_table_to_csv
from cutpoint.cost.cost_json import cost_table_from_json, cost_table_to_json
from cutpoint.cost.cost_table import CostTable
from cutpoint.exceptions import CostError

_SUFFIXES = (".json", ".csv")


def read_cost_table(path: str | os.PathLike[str]) -> CostTable:
    """
    Read a cost table.

    Parameters
    ----------
    path
        Ends in ``.json`` (see `cost_table_from_json`) or ``.csv`` (see
        `cost_table_from_csv`; the table is named as the file).

    Raises
    ------
    CostError
        If the file cannot be read, has another suffix, or is no cost table.
    """
    source = Path(path)
    suffix = _suffix(source)
    try:
        content = source.read_bytes()
    except OSError as error:
        raise CostError(
            f"cost table {source} cannot be read ({error.strerror or error}): "
            "name a file that is there and yours to read"
        ) from error
    if suffix == ".json":
        return cost_table_from_json(content, f"cost table {source}")
    try:
        text = content.decode("utf-8-sig")  # spreadsheets put a mark in front
    except UnicodeDecodeError as error:
        raise CostError(
            f"cost table {source} is not in UTF-8 ({error.reason} at byte {error.start}): "
            "save it as CSV in UTF-8"
        ) from error
    return cost_table_from_csv(text, source.stem, f"cost table {source}")


def write_cost_table(table: CostTable, path: str | os.PathLike[str]) -> None:
    """
    Write a cost table; an existing file is replaced.

    Parameters
    ----------
    path
        Ends in ``.json``, which holds everything, or ``.csv``, which holds plain tables.

    Raises
    ------
    CostError
        If the file cannot be written, has another suffix, or CSV cannot hold the table.
    """
    target = Path(path)
    if _suffix(target) == ".json":
        content = cost_table_to_json(table)
    else:
        content = cost_table_to_csv(table).encode()
    try:
        target.write_bytes(content)
    except OSError as error:
        raise CostError(
            f"cost table {target} cannot be written ({error.strerror or error}): "
            "name a file in a folder that exists and is yours"
        ) from error


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise CostError(
            f"cost table {path}: its layout is told by its suffix; end its name in "
            f"{' or '.join(_SUFFIXES)}"
        )
    return suffix
