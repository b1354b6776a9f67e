"""Traces as tables of rates."""

from pathlib import Path

import pytest

from cutpoint.exceptions import TraceError
from cutpoint.lab.traces.rate_csv import read_rate_csv


def _read(folder: Path, text: str):
    path = folder / "link.csv"
    path.write_text(text)
    return read_rate_csv(path)


def test_units_are_in_the_header(tmp_path: Path) -> None:
    """Columns may come in any order; a rate holds until the next line's time."""
    up, down = _read(
        tmp_path, "down_kbit_per_s, up_Mbit_per_s,seconds\n800,8,0\n1600,0,1.5\n0,16,2\n"
    )
    assert up.phases == ((1.5, 1e6), (0.5, 0.0), (0.5, 2e6))
    assert down is not None
    assert down.phases == ((1.5, 1e5), (0.5, 2e5), (0.5, 0.0))
    assert up.repeat
    assert down.repeat


def test_the_way_back_may_be_missing(tmp_path: Path) -> None:
    """Without a column for it nothing is said of it; bytes need no conversion."""
    up, down = _read(tmp_path, "seconds,up_bytes_per_s\n0,1000\n1,3000\n")
    assert up.phases == ((1.0, 1000.0), (1.0, 3000.0))
    assert down is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"link\.csv: is empty"),
        ("seconds,up\n0,1\n1,1\n", "line 1: column 'up' has no unit"),
        ("seconds,up_mbps\n0,1\n1,1\n", "column 'up_mbps' is none that is known"),
        ("seconds,up_bit_per_s,up_kbit_per_s\n", "column 'up_kbit_per_s' is twice there"),
        ("seconds,up_bit_per_s,rain\n", "column 'rain' is none that is known"),
        ("seconds,down_bit_per_s\n0,1\n", "no column for 'up'"),
        ("up_bit_per_s\n0\n", "no column for 'seconds'"),
        ("seconds,up_bit_per_s\n0,1\n1,many\n", "line 3: up_bit_per_s is 'many'"),
        ("seconds,up_bit_per_s\n0,1\n1,-1\n", "line 3: up_bit_per_s is '-1'"),
        ("seconds,up_bit_per_s\n0,1\n1,inf\n", "line 3: up_bit_per_s is 'inf'"),
        ("seconds,up_bit_per_s\n0,1\n1\n", "line 3: up_bit_per_s is ''"),
        ("seconds,up_bit_per_s\n1,1\n2,1\n", "line 2: the first time must be 0"),
        ("seconds,up_bit_per_s\n0,1\n\n2,1\n2,3\n", "line 5: 2.0 s is not after the line above"),
        ("seconds,up_bit_per_s\n0,1\n", "fewer than two lines"),
    ],
)
def test_what_does_not_belong_is_named(text: str, message: str, tmp_path: Path) -> None:
    """The error names file, line and column."""
    with pytest.raises(TraceError, match=message):
        _read(tmp_path, text)


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """Missing files and bytes that are no text are told as bad lines are."""
    (tmp_path / "noise.csv").write_bytes(b"\xff\xfe\xfa")
    for name in ("noise.csv", "gone.csv"):
        with pytest.raises(TraceError, match="cannot be read as CSV"):
            read_rate_csv(tmp_path / name)
