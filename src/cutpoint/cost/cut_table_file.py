"""The compiled table as a file: compiled where there are solvers, used where there are none."""

import math
import os
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from cutpoint.cost.cut_table import CutTable
from cutpoint.cost.whole_file import read_bounded, write_whole
from cutpoint.exceptions import CostError, InvalidCutError
from cutpoint.graph import Cut, Graph, cut_at, device_only, server_only
from cutpoint.records import Placement

FORMAT_VERSION = 2
"""Of what is written: rows of one cut under several codecs, and what each codec takes."""

_READ_VERSIONS = (1, 2)
"""Files of version 1 know of no codec that takes some values and not others."""

_LONGEST_S = 1e6
_MOST_BYTES = float(1 << 50)
"""Beyond these no row was measured: sums and products of them mean nothing any more."""

_COLUMNS = {
    "head_s": _LONGEST_S,
    "rest_s": _LONGEST_S,
    "encode_s": _LONGEST_S,
    "tail_s": _LONGEST_S,
    "up_bytes": _MOST_BYTES,
    "down_bytes": _MOST_BYTES,
}
"""Columns of the file, and the most an entry of each may be."""

_AGAIN = "compile it again with `cutpoint plan MODEL --table FILE`"


@dataclass(frozen=True)
class _Row:
    placement: Placement
    crossing: tuple[str, ...]
    codec: str
    head_s: float
    rest_s: float
    encode_s: float
    tail_s: float
    up_bytes: float
    down_bytes: float


@dataclass(frozen=True)
class _File:
    format_version: int
    model: str
    sha256: str
    gap: float
    is_complete: bool
    is_limited: bool
    may_send_inputs: bool
    rows: tuple[_Row, ...]
    takes: dict[str, tuple[str, ...]] = field(default_factory=dict)


def write_cut_table(table: CutTable, model: str, path: str | os.PathLike[str]) -> None:
    """
    Write a table as JSON; cuts go by the names of their crossing values.

    Parameters
    ----------
    model
        Name of the model, for people; the digest in the table decides.
    path
        An existing file is replaced, whole or not at all.

    Raises
    ------
    CostError
        If the file cannot be written.
    """
    rows = tuple(
        _Row(
            cut.placement,
            cut.crossing,
            table.codecs[index],
            **{name: float(getattr(table, name)[index]) for name in _COLUMNS},
        )
        for index, cut in enumerate(table.cuts)
    )
    file = _File(
        format_version=FORMAT_VERSION,
        model=model,
        sha256=table.sha256,
        gap=table.gap,
        is_complete=table.is_complete,
        is_limited=table.is_limited,
        may_send_inputs=table.may_send_inputs,
        rows=rows,
        takes={codec: tuple(sorted(values)) for codec, values in table.takes.items()},
    )
    content = msgspec.json.format(msgspec.json.encode(file), indent=2) + b"\n"
    try:
        write_whole(path, content)
    except OSError as error:
        raise CostError(
            f"table {path} cannot be written ({error.strerror or error}): "
            "name a file in a folder that exists and is yours"
        ) from error


def read_cut_table(path: str | os.PathLike[str], graph: Graph) -> CutTable:
    """
    Read a table of a graph.

    Raises
    ------
    CostError
        If the file cannot be read, is none of ours, is of another model, or names a cut
        that the graph has not.
    """
    file = _read(path)
    if file.sha256 != graph.sha256:
        raise CostError(
            f"table {path} is of {file.model!r} ({file.sha256[:12]}), not of {graph.name!r} "
            f"({graph.sha256[:12]}): {_AGAIN}"
        )
    try:
        _check(file)
        columns: dict[str, Any] = {
            name: np.array([getattr(row, name) for row in file.rows], dtype=float)
            for name in _COLUMNS
        }
        return CutTable(
            cuts=tuple(_cut(graph, row) for row in file.rows),
            codecs=tuple(row.codec for row in file.rows),
            takes={codec: frozenset(values) for codec, values in file.takes.items()},
            sha256=file.sha256,
            gap=file.gap,
            is_complete=file.is_complete,
            is_limited=file.is_limited,
            may_send_inputs=file.may_send_inputs,
            **columns,
        )
    except (InvalidCutError, ValueError) as error:
        raise CostError(f"table {path} does not fit the model ({error}): {_AGAIN}") from error


def digest_of_cut_table(path: str | os.PathLike[str]) -> str:
    """
    Give the digest of the model a table is of.

    Raises
    ------
    CostError
        If the file cannot be read or is none of ours.
    """
    return _read(path).sha256


def _read(path: str | os.PathLike[str]) -> _File:
    try:
        file = msgspec.json.decode(read_bounded(path), type=_File)
    except OSError as error:
        why = error.strerror or error
        raise CostError(f"table {path} cannot be read ({why}): {_AGAIN}") from error
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise CostError(
            f"table {path} is damaged or is no cut table ({error}): {_AGAIN}"
        ) from error
    if file.format_version not in _READ_VERSIONS:
        raise CostError(
            f"table {path} has layout {file.format_version}, this cutpoint reads "
            f"{' and '.join(map(str, _READ_VERSIONS))}: {_AGAIN}"
        )
    return file


def _check(file: _File) -> None:
    """Refuse what no compiler writes; what is left can make a plan slow, and no answer wrong."""
    if not 0 <= file.gap < math.inf:
        raise ValueError(f"gap is {file.gap}")
    for row in file.rows:
        for name, most in _COLUMNS.items():
            if not 0 <= getattr(row, name) <= most:
                raise ValueError(f"{name} of {list(row.crossing)} is {getattr(row, name)}")
    cuts = [(row.placement, frozenset(row.crossing), row.codec) for row in file.rows]
    if len(set(cuts)) < len(cuts):
        raise ValueError("a cut has two rows of one codec")


def _cut(graph: Graph, row: _Row) -> Cut:
    if row.placement == "device":
        return device_only(graph)
    if row.placement == "server":
        return server_only(graph)
    return cut_at(graph, row.crossing)
