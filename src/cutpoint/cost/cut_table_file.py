"""The compiled table as a file: compiled where there are solvers, used where there are none."""

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from cutpoint.cost.cut_table import CutTable
from cutpoint.exceptions import CostError, InvalidCutError
from cutpoint.graph import Cut, Graph, cut_at, device_only, server_only
from cutpoint.records import Placement

FORMAT_VERSION = 1
"""Raised when a file of an older version can no longer be read."""

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


def write_cut_table(table: CutTable, model: str, path: str | os.PathLike[str]) -> None:
    """
    Write a table as JSON; cuts go by the names of their crossing values.

    Parameters
    ----------
    model
        Name of the model, for people; the digest in the table decides.
    """
    columns = ("head_s", "rest_s", "encode_s", "tail_s", "up_bytes", "down_bytes")
    rows = tuple(
        _Row(
            cut.placement,
            cut.crossing,
            table.codecs[index],
            **{name: float(getattr(table, name)[index]) for name in columns},
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
    )
    content = msgspec.json.encode(file)
    Path(path).write_bytes(msgspec.json.format(content, indent=2) + b"\n")


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
        columns = {
            name: np.array([getattr(row, name) for row in file.rows])
            for name in ("head_s", "rest_s", "encode_s", "tail_s", "up_bytes", "down_bytes")
        }
        return CutTable(
            cuts=tuple(_cut(graph, row) for row in file.rows),
            codecs=tuple(row.codec for row in file.rows),
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
        file = msgspec.json.decode(Path(path).read_bytes(), type=_File)
    except OSError as error:
        raise CostError(f"table {path} cannot be read ({error.strerror}): {_AGAIN}") from error
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise CostError(
            f"table {path} is damaged or is no cut table ({error}): {_AGAIN}"
        ) from error
    if file.format_version != FORMAT_VERSION:
        raise CostError(
            f"table {path} has layout {file.format_version}, this cutpoint reads "
            f"{FORMAT_VERSION}: {_AGAIN}"
        )
    return file


def _cut(graph: Graph, row: _Row) -> Cut:
    if row.placement == "device":
        return device_only(graph)
    if row.placement == "server":
        return server_only(graph)
    return cut_at(graph, row.crossing)
