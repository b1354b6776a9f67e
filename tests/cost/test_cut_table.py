from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from cutpoint.cost import CutTable

COLUMNS = ("head_s", "rest_s", "encode_s", "tail_s", "up_bytes", "down_bytes")


@pytest.fixture
def table(table_of: Callable[..., CutTable]) -> CutTable:
    """Give the two ends and two splits."""
    return table_of((4, 0, 0, 0, 0), (0, 4, 1, 64, 4), (1, 3, 0.5, 32, 4), (3, 1, 0.2, 8, 4))


def test_find_by_id(table: CutTable) -> None:
    """A cut's row is found by its id, and no row for what is not there."""
    assert [table.find(cut.id) for cut in table.cuts] == [0, 1, 2, 3]
    assert table.find("elsewhere") is None
    assert table.find(None) is None


def test_all_but_device_only_are_offloaded(table: CutTable) -> None:
    """Every row but device-only uses the server."""
    assert table.is_offloaded.tolist() == [False, True, True, True]


@pytest.mark.parametrize("rows", [[0], [1, 0, 2, 3], [0, 2, 3], [2, 1, 3], []])
def test_the_ends_come_first(rows: list[int], table: CutTable) -> None:
    """A table without device-only and server-only as its first rows is refused."""
    columns = {name: getattr(table, name)[rows] for name in COLUMNS}
    with pytest.raises(ValueError, match="row 0 of a cut table is device-only, row 1 server-only"):
        CutTable(cuts=tuple(table.cuts[row] for row in rows), **columns)


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("shape", [(3,), (4, 1), ()])
def test_columns_have_one_entry_per_row(name: str, shape: tuple[int, ...], table: CutTable) -> None:
    """A column of another length is refused by its name and both shapes."""
    with pytest.raises(ValueError, match=rf"column {name} has shape \(.*expected \(4,\)"):
        replace(table, **{name: np.zeros(shape)})


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("entry", [-1e-9, np.nan, np.inf])
def test_entries_are_finite_and_not_negative(name: str, entry: float, table: CutTable) -> None:
    """A negative, endless or missing entry is refused by its column."""
    column = getattr(table, name).copy()
    column[2] = entry
    with pytest.raises(ValueError, match=f"column {name} has a negative or non-finite entry"):
        replace(table, **{name: column})


@pytest.fixture
def coded(table: CutTable) -> CutTable:
    """Give the ends, one cut raw and as uint8, and server-only as uint8."""
    cuts = (*table.cuts[:3], table.cuts[2])
    return replace(table, cuts=cuts, codecs=("raw", "raw", "raw", "uint8"))


def test_find_by_id_and_codec(coded: CutTable) -> None:
    """A cut has a row per codec; raw is meant where none is named."""
    cut = coded.cuts[2].id
    assert [coded.find(cut), coded.find(cut, "uint8"), coded.find(cut, "zstd")] == [2, 3, None]
    assert coded.rows_of(cut) == (2, 3)
    assert coded.find(None, "uint8") is None
    assert coded.splits == (coded.cuts[2],)


def test_a_codec_takes_all_values_or_those_named(coded: CutTable) -> None:
    """Device-only sends nothing, so nothing has a codec."""
    num = len(coded.cuts[3].crossing)
    assert [len(coded.codecs_of(row)) for row in range(4)] == [0, 1, num, num]
    assert coded.codecs_of(3) == ("uint8",) * num
    none = replace(coded, takes={"uint8": frozenset()})
    assert none.codecs_of(3) == ("raw",) * num


def test_server_only_comes_first_as_it_is(coded: CutTable) -> None:
    """Whoever looks for server-only without a codec finds it in row 1."""
    with pytest.raises(ValueError, match="row 1 of a cut table is server-only raw, not uint8"):
        replace(coded, codecs=("raw", "uint8", "raw", "uint8"))


def test_every_row_has_one_codec(coded: CutTable) -> None:
    """As many codecs as rows."""
    with pytest.raises(ValueError, match="3 codecs for 4 rows"):
        replace(coded, codecs=("raw", "raw", "uint8"))
