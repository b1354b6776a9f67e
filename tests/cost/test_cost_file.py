from pathlib import Path

import pytest

from cutpoint.cost import cost_table_from_csv, read_cost_table, write_cost_table
from cutpoint.exceptions import CostError

CHAIN = "name,device_s,server_s,output_bytes\ninput,0,0,100\nconv1,0.2,0.1,50\nconv2,0.4,0.3,8\n"


@pytest.mark.parametrize("suffix", [".json", ".csv", ".JSON"])
def test_the_suffix_tells_the_layout(suffix: str, tmp_path: Path) -> None:
    """A table is read from either file as it was written; a CSV's name is the file's."""
    table = cost_table_from_csv(CHAIN, "paper")
    path = tmp_path / f"paper{suffix}"
    write_cost_table(table, path)
    write_cost_table(table, str(path))
    read = read_cost_table(str(path))
    assert (read.name, read.blocks, read.values) == ("paper", table.blocks, table.values)
    assert read.host_s.tolist() == table.host_s.tolist()
    assert path.read_bytes().startswith(b"name," if suffix == ".csv" else b"{")


def test_a_mark_in_front_does_not_matter(tmp_path: Path) -> None:
    """Spreadsheets write a byte order mark, which is no part of the first column's name."""
    path = tmp_path / "paper.csv"
    path.write_bytes(b"\xef\xbb\xbf" + CHAIN.encode())
    assert read_cost_table(path).blocks == ("conv1", "conv2")


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("table.txt", b"", r"end its name in \.json or \.csv"),
        ("table.csv", b"name,device_s\n", "no column 'server_s'"),
        ("table.csv", "é".encode("latin-1"), "UTF-8"),
        ("table.json", b"{", "damaged"),
    ],
)
def test_a_wrong_file_is_refused(name: str, content: bytes, match: str, tmp_path: Path) -> None:
    """What is wrong is told with the path of the file."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CostError, match=name) as caught:
        read_cost_table(path)
    assert caught.match(match)


def test_a_place_that_is_none_is_refused(tmp_path: Path) -> None:
    """A file that is not there, or cannot be written, is a cost error with its path."""
    table = cost_table_from_csv(CHAIN)
    with pytest.raises(CostError, match=r"absent\.json cannot be read .No such file"):
        read_cost_table(tmp_path / "absent.json")
    with pytest.raises(CostError, match=r"table\.csv cannot be written .No such file"):
        write_cost_table(table, tmp_path / "absent" / "table.csv")
    with pytest.raises(CostError, match=r"end its name in \.json or \.csv"):
        write_cost_table(table, tmp_path / "table.xlsx")
