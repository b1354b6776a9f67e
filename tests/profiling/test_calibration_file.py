import json
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from tests.mutated_files import mutated

from cutpoint.cost.calibration import CalibratedRow, CalibratedValue, Calibration
from cutpoint.exceptions import CutpointError, ProfileError, ProfileMismatchError
from cutpoint.graph import Graph, cut_id
from cutpoint.profiling.calibration_file import (
    check_calibration,
    load_calibration,
    save_calibration,
)


@pytest.fixture
def calibration(graph: Graph) -> Calibration:
    """Give a calibration of the chain."""
    return Calibration(
        format_version=1,
        model_sha256=graph.sha256,
        model_name=graph.name,
        num_feeds=2,
        sizes={"n": 1},
        values=(CalibratedValue("pool0", "uint8", 1024.0, 264.5),),
        rows=(
            CalibratedRow(
                cut_id(["pool0"]), ("pool0",), "uint8", errors={"l2": (0.25, 1e9), "top1": (0, 1)}
            ),
            CalibratedRow("server-only", ("image",), "zstd", is_lossless=True),
        ),
        ranges={"pool0": (-1.5, 2.0)},
    )


def test_what_is_written_is_read(calibration: Calibration, tmp_path: Path, graph: Graph) -> None:
    """Every number of it, and it is of its model."""
    path = tmp_path / "c.json"
    save_calibration(calibration, path)
    found = load_calibration(path)
    assert found == calibration
    check_calibration(found, graph)


def changed(calibration: Calibration, **changes: object) -> bytes:
    """Write a calibration with something changed that the types would not let be."""
    document = json.loads(msgspec.json.encode(calibration))
    for where, what in changes.items():
        *path, last = where.split("__")
        inner = document
        for step in path:
            inner = inner[int(step) if step.isdigit() else step]
        inner[last] = what
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"format_version": 2}, ProfileMismatchError),
        ({"num_feeds": 0}, ProfileError),
        ({"num_feeds": 3}, ProfileError),
        ({"sizes": {"n": -1}}, ProfileError),
        ({"values__0__sent_bytes": -1.0}, ProfileError),
        ({"values__0__raw_bytes": 1e300}, ProfileError),
        ({"values__0__sent_bytes": None}, ProfileError),
        ({"rows__0__errors__l2": [0.1, -0.1]}, ProfileError),
        ({"rows__0__errors__l2": [0.1, 1e10]}, ProfileError),
        ({"rows__0__errors__l2": [0.1]}, ProfileError),
        ({"rows__0__cut": "0123456789ab"}, ProfileError),
        ({"rows__0__crossing": ["pool1"]}, ProfileError),
        ({"ranges__pool0": [2.0, 1.0]}, ProfileError),
        ({"ranges__pool0": [0.0, 1e39]}, ProfileError),
        ({"ranges__pool0": [0.0]}, ProfileError),
    ],
)
def test_what_nothing_gives_is_refused(
    calibration: Calibration, tmp_path: Path, changes: dict, error: type[Exception]
) -> None:
    """A number that is none, of too many feeds, of another cut, of another layout."""
    path = tmp_path / "c.json"
    path.write_bytes(changed(calibration, **changes))
    with pytest.raises(error, match="calibrat"):
        load_calibration(path)


def test_a_file_that_is_not_there_or_too_large_is_refused(
    calibration: Calibration, tmp_path: Path
) -> None:
    """So is a folder to write into that is none."""
    with pytest.raises(ProfileError, match=r"cannot be read.*cutpoint calibrate"):
        load_calibration(tmp_path / "missing")
    with pytest.raises(ProfileError, match="cannot be written"):
        save_calibration(calibration, tmp_path / "missing" / "c.json")
    with (tmp_path / "large").open("wb") as file:
        file.truncate((64 << 20) + 1)
    with pytest.raises(ProfileError, match="is none"):
        load_calibration(tmp_path / "large")


def test_a_damaged_file_is_a_typed_error_or_still_a_calibration(
    calibration: Calibration, tmp_path: Path
) -> None:
    """Whatever is done to its bytes."""
    path = tmp_path / "c.json"
    save_calibration(calibration, path)
    num_refused = 0
    whole = path.read_bytes()
    for _, content in mutated(whole, whole[::-1], 300, seed=1):
        path.write_bytes(content)
        try:
            load_calibration(path)
        except CutpointError:
            num_refused += 1
    assert num_refused > 100


def test_a_calibration_of_another_model_is_refused(calibration: Calibration, graph: Graph) -> None:
    """By the digest of the file, and by values it does not have."""
    with pytest.raises(ProfileMismatchError, match="is of the file cdcdcdcdcdcd"):
        check_calibration(replace(calibration, model_sha256="cd" * 32), graph)
    foreign = replace(calibration, values=(CalibratedValue("other", "uint8", 1.0, 1.0),))
    with pytest.raises(ProfileMismatchError, match="'other', which 'conv_chain' has not"):
        check_calibration(foreign, graph)
