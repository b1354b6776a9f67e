"""The table's file: written whole or not at all, and refused where its numbers cannot be."""

import errno
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cutpoint.cost import CutTable, digest_of_cut_table, read_cut_table, write_cut_table
from cutpoint.cost.whole_file import read_bounded
from cutpoint.exceptions import CostError
from cutpoint.graph import Graph, candidate_cuts, device_only, server_only


@pytest.fixture(scope="module")
def graph(graph_of) -> Graph:
    """Give a chain of three."""
    text = """(float[4] x) => (float[4] y) {
        a = Relu (x)
        b = Tanh (a)
        y = Abs (b)
    }"""
    made: Graph = graph_of(text)
    return made


@pytest.fixture
def table(graph: Graph) -> CutTable:
    """Give a table of all its cuts."""
    cuts = (device_only(graph), server_only(graph), *candidate_cuts(graph))
    cuts = tuple({cut.id: cut for cut in cuts}.values())
    column = np.arange(1.0, len(cuts) + 1)
    return CutTable(cuts, column, column, column * 0, column, column, column, sha256=graph.sha256)


@pytest.fixture
def path(table: CutTable, tmp_path: Path) -> Path:
    """Give the file of it."""
    write_cut_table(table, "model", tmp_path / "table.json")
    return tmp_path / "table.json"


def test_what_is_written_is_read(table: CutTable, graph: Graph, path: Path) -> None:
    """Rows, cuts and digest come back, and nothing else is in the folder."""
    again = read_cut_table(path, graph)
    assert again.cuts == table.cuts
    np.testing.assert_array_equal(again.head_s, table.head_s)
    assert digest_of_cut_table(path) == graph.sha256
    assert [each.name for each in path.parent.iterdir()] == ["table.json"]


@pytest.mark.parametrize(
    ("edit", "match"),
    [
        ({"head_s": -1e-9}, "head_s"),
        ({"tail_s": 1e7}, "tail_s"),
        ({"rest_s": 1e308}, "rest_s"),
        ({"encode_s": None}, "encode_s"),
        ({"up_bytes": 1e18}, "up_bytes"),
        ({"down_bytes": "1"}, "down_bytes"),
        ({"placement": "elsewhere"}, "placement"),
        ({"placement": "device"}, "two rows"),
        ({"crossing": ["nothing"]}, "nothing"),
        ({"crossing": []}, "does not fit the model"),
    ],
)
def test_a_row_that_cannot_be_is_refused(
    graph: Graph, path: Path, edit: dict[str, Any], match: str
) -> None:
    """The error names the file and what is wrong in it."""
    document = json.loads(path.read_text())
    document["rows"][2] |= edit
    if edit.get("placement") == "device":
        document["rows"][2]["crossing"] = []
    path.write_text(json.dumps(document))
    with pytest.raises(CostError, match=rf"table\.json.*{match}.*compile it again"):
        read_cut_table(path, graph)


@pytest.mark.parametrize("edit", [{"gap": -1.0}, {"gap": 1e999}, {"rows": []}, {"sha256": 3}])
def test_a_table_that_cannot_be_is_refused(graph: Graph, path: Path, edit: dict[str, Any]) -> None:
    """So are a gap that is none, and a table without rows."""
    path.write_text(json.dumps(json.loads(path.read_text()) | edit))
    with pytest.raises(CostError, match=r"table\.json"):
        read_cut_table(path, graph)


def test_a_failed_write_keeps_the_old_table(
    table: CutTable, graph: Graph, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk is full the old file stays, no part of the new one, and the error says so."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CostError, match=r"table\.json cannot be written \(No space left"):
        write_cut_table(table, "other", path)
    monkeypatch.undo()
    assert read_cut_table(path, graph).cuts == table.cuts
    assert len(list(path.parent.iterdir())) == 1


def test_a_folder_that_is_not_there_is_named(table: CutTable, tmp_path: Path) -> None:
    """A place that cannot be written is an error of ours."""
    with pytest.raises(CostError, match=r"none/table\.json cannot be written"):
        write_cut_table(table, "model", tmp_path / "none/table.json")


def test_no_more_is_read_than_makes_sense(tmp_path: Path) -> None:
    """A file of any size is read up to a bound, to the byte."""
    (tmp_path / "file").write_bytes(b"x" * 100)
    assert len(read_bounded(tmp_path / "file", 100)) == 100
    with pytest.raises(ValueError, match="more than 99 bytes"):
        read_bounded(tmp_path / "file", 99)


@pytest.fixture
def coded(table: CutTable) -> CutTable:
    """Give the table with its last cut twice, the second time under a codec of one value."""
    rows = [*range(len(table.cuts)), len(table.cuts) - 1]
    columns = {name: getattr(table, name)[rows] for name in ("head_s", "rest_s", "up_bytes")}
    return replace(
        table,
        cuts=tuple(table.cuts[row] for row in rows),
        encode_s=np.array([0.0] * (len(rows) - 1) + [0.25]),
        tail_s=table.tail_s[rows],
        down_bytes=table.down_bytes[rows],
        codecs=("raw",) * (len(rows) - 1) + ("uint8+zstd",),
        takes={"uint8+zstd": frozenset({"b", "a"})},
        **columns,
    )


def test_codecs_come_back(coded: CutTable, graph: Graph, tmp_path: Path) -> None:
    """A cut under two codecs, what each takes, and what encoding costs."""
    path = tmp_path / "coded.json"
    write_cut_table(coded, "model", path)
    again = read_cut_table(path, graph)
    assert (again.cuts, again.codecs, again.takes) == (coded.cuts, coded.codecs, coded.takes)
    np.testing.assert_array_equal(again.encode_s, coded.encode_s)


def test_a_cut_twice_under_one_codec_is_refused(
    coded: CutTable, graph: Graph, tmp_path: Path
) -> None:
    """Which of the two would be meant nobody could say."""
    path = tmp_path / "coded.json"
    write_cut_table(replace(coded, codecs=("raw",) * len(coded.cuts)), "model", path)
    with pytest.raises(CostError, match=r"coded\.json.*two rows of one codec"):
        read_cut_table(path, graph)


def test_a_table_from_before_codecs_is_read(table: CutTable, graph: Graph, path: Path) -> None:
    """Files of the first layout say nothing of what codecs take; all their rows are raw."""
    document = json.loads(path.read_text())
    assert document["format_version"] == 2
    del document["takes"]
    path.write_text(json.dumps(document | {"format_version": 1}))
    again = read_cut_table(path, graph)
    assert (again.cuts, again.codecs, again.takes) == (table.cuts, table.codecs, {})


def test_a_table_of_a_later_layout_is_refused(graph: Graph, path: Path) -> None:
    """The versions that are read are named."""
    path.write_text(path.read_text().replace('"format_version": 2', '"format_version": 3'))
    with pytest.raises(CostError, match="layout 3, this cutpoint reads 1 and 2"):
        read_cut_table(path, graph)
