"""The calibration file: written whole or not at all, read strictly, checked against the model."""

import os
from pathlib import Path

import msgspec

from cutpoint.cost.calibration import (
    CALIBRATION_FORMAT_VERSION,
    CalibratedRow,
    CalibratedValue,
    Calibration,
)
from cutpoint.cost.tolerance import LARGEST_ERROR
from cutpoint.cost.whole_file import read_bounded, write_whole
from cutpoint.exceptions import ProfileError, ProfileMismatchError
from cutpoint.graph import SERVER_ONLY, Graph, cut_id

_AGAIN = "run `cutpoint calibrate` again"

_MOST_BYTES = float(1 << 50)
_LARGEST_NUMBER = 3.5e38
_LARGEST_SIZE = 1 << 40
_MOST_FEEDS = 1 << 20
"""What nothing measured gives: beyond it sums and products mean nothing any more."""


class _Header(msgspec.Struct):
    """What every version of the file has."""

    format_version: int


def save_calibration(calibration: Calibration, path: str | os.PathLike[str]) -> None:
    """
    Write a calibration as JSON, so that a reader sees the whole file or the old one.

    Raises
    ------
    ProfileError
        If the file cannot be written.
    """
    target = Path(path)
    content = msgspec.json.encode(calibration) + b"\n"
    try:
        write_whole(target, content)
    except OSError as error:
        raise ProfileError(
            f"calibration {target} cannot be written ({error.strerror or error}): "
            "name a file in a folder that exists and is yours"
        ) from error


def load_calibration(path: str | os.PathLike[str]) -> Calibration:
    """
    Read a calibration.

    Raises
    ------
    ProfileError
        If the file is not there, cut short, no calibration, or holds a number that is none.
    ProfileMismatchError
        If another version of cutpoint wrote it in another layout.
    """
    source = Path(path)
    try:
        content = read_bounded(source)
    except OSError as error:
        raise ProfileError(
            f"calibration {source} cannot be read ({error.strerror or error}): "
            "run `cutpoint calibrate` to write one"
        ) from error
    except ValueError as error:
        raise ProfileError(f"calibration {source} is none ({error}): {_AGAIN}") from error
    try:
        _check_version(content, source)
        calibration = msgspec.json.decode(content, type=Calibration)
        check_calibrated_numbers(calibration)
    except ProfileMismatchError:
        raise
    except (msgspec.MsgspecError, ValueError, ProfileError, RecursionError) as error:
        raise ProfileError(
            f"calibration {source} is damaged or is none ({error}): {_AGAIN}"
        ) from error
    return calibration


def _check_version(content: bytes, source: Path) -> None:
    version = msgspec.json.decode(content, type=_Header).format_version
    if version != CALIBRATION_FORMAT_VERSION:
        raise ProfileMismatchError(
            f"calibration {source} has layout {version}, this cutpoint reads "
            f"{CALIBRATION_FORMAT_VERSION}: {_AGAIN}"
        )


def check_calibration(calibration: Calibration, graph: Graph) -> None:
    """
    Refuse a calibration of another model.

    Raises
    ------
    ProfileMismatchError
        If the file's digest differs, or a value is none of the graph's.
    """
    of = f"the calibration of {calibration.model_name!r}"
    if calibration.model_sha256 != graph.sha256:
        raise ProfileMismatchError(
            f"{of} is of the file {calibration.model_sha256[:12]}, not {graph.sha256[:12]}: "
            f"{_AGAIN} on this file"
        )
    named = {each.value for each in calibration.values} | set(calibration.ranges)
    unknown = sorted(named - graph.values.keys())
    if unknown:
        raise ProfileMismatchError(
            f"{of} knows the value {unknown[0]!r}, which {graph.name!r} has not: {_AGAIN}"
        )


def check_calibrated_numbers(calibration: Calibration) -> None:
    """
    Refuse what no calibration gives.

    Raises
    ------
    ProfileError
        Naming the number.
    """
    _check("number of feeds", calibration.num_feeds, _MOST_FEEDS, least=1)
    for name, size in calibration.sizes.items():
        _check(f"size of dimension {name!r}", size, _LARGEST_SIZE)
    for value, (low, high) in calibration.ranges.items():
        _check(f"range of {value!r}", high, _LARGEST_NUMBER, least=-_LARGEST_NUMBER)
        _check(f"range of {value!r}", low, high, least=-_LARGEST_NUMBER)
    for each in calibration.values:
        _check_value(each)
    for row in calibration.rows:
        _check_row(row, calibration.num_feeds)


def _check_value(known: CalibratedValue) -> None:
    what = f"size of value {known.value!r} as {known.codec}"
    _check(what, known.raw_bytes, _MOST_BYTES)
    _check(what, known.sent_bytes, _MOST_BYTES)


def _check_row(row: CalibratedRow, num_feeds: int) -> None:
    where = f"cut {row.cut!r} with {row.codec}"
    if row.cut not in (SERVER_ONLY, cut_id(row.crossing)):
        raise ProfileError(f"{where} is not the cut at {list(row.crossing)}")
    for measure, errors in row.errors.items():
        if len(errors) != num_feeds:
            raise ProfileError(f"{where} has {len(errors)} errors of {num_feeds} feeds")
        for error in errors:
            _check(f"{measure} of {where}", error, LARGEST_ERROR)


def _check(what: str, number: float, most: float, least: float = 0.0) -> None:
    if not least <= number <= most:
        raise ProfileError(f"{what} is {number}, not between {least:g} and {most:g}")
