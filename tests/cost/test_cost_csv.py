from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.cost import CostTable, CostValue, cost_table_from_csv, cost_table_to_csv
from cutpoint.exceptions import CostError
from cutpoint.testing.tables import SHAPES, Shape, random_shape

HEADER = "name,device_s,server_s,output_bytes"
CHAIN = f"{HEADER}\ninput,0,0,100\nconv1,0.2,0.1,50\nconv2,0.4,0.3,8\n"

amounts = st.floats(0, 1e15)


def plain(table: CostTable) -> tuple[object, ...]:
    """Give what a table holds, to compare."""
    return (
        table.name,
        table.blocks,
        table.host_s.tolist(),
        set(table.values),
        None if table.memory_bytes is None else table.memory_bytes.tolist(),
    )


@st.composite
def tables(draw: st.DrawFn) -> CostTable:
    """Draw a table that CSV can hold: one input, one value per block, named as it."""
    num = draw(st.integers(1, 7))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    shape: Shape = random_shape(rng, num)
    letters = st.text("abcXYZ019_/.:,;\"'é", min_size=1, max_size=5)
    names = draw(st.lists(letters, min_size=num + 1, max_size=num + 1, unique=True))
    fed = {consumer for consumers in shape for consumer in consumers}
    roots = {block for block in range(num) if block not in fed}
    roots |= draw(st.sets(st.integers(0, num - 1)))
    values = [CostValue(names[0], draw(amounts), None, tuple(sorted(roots)))]
    values += [
        CostValue(name, draw(amounts), block, tuple(consumers), is_output=not consumers)
        for block, (name, consumers) in enumerate(zip(names[1:], shape, strict=True))
    ]
    column = st.lists(amounts, min_size=num, max_size=num)
    return CostTable(
        name="table",
        blocks=tuple(names[1:]),
        host_s=np.array(draw(st.lists(column, min_size=2, max_size=4))),
        values=tuple(values),
        memory_bytes=draw(st.none() | column.map(np.array)),
    )


@given(table=tables())
def test_what_is_written_is_read(table: CostTable) -> None:
    """Every table that is written comes back as it was, to the last bit."""
    assert plain(cost_table_from_csv(cost_table_to_csv(table))) == plain(table)


def test_a_chain_needs_no_more_than_four_columns() -> None:
    """Each layer comes after the row before; the first row is the input, the last the output."""
    table = cost_table_from_csv(CHAIN, "paper")
    assert plain(table) == (
        "paper",
        ("conv1", "conv2"),
        [[0.2, 0.4], [0.1, 0.3]],
        {
            CostValue("input", 100, None, (0,)),
            CostValue("conv1", 50, 0, (1,)),
            CostValue("conv2", 8, 1, (), is_output=True),
        },
        None,
    )


def test_branches_are_told_by_what_they_come_after() -> None:
    """Comments and empty lines are skipped, empty cells of `after` mean the row before."""
    text = """
# Table 2, "as printed"
after,name,device_s,server_s,server2_s,output_bytes,memory_bytes
,data,,,,100
,a,4,3,2,10,64
a,b,1,1,1,20
a data,c,1,1,1,30,32

b c, d ,1,1,1,40,
"""
    table = cost_table_from_csv(text)
    assert table.blocks == ("a", "b", "c", "d")
    assert table.num_hosts == 3
    assert table.memory.tolist() == [64, 0, 32, 0]
    consumers = {value.name: value.consumers for value in table.values}
    assert consumers == {"data": (0, 2), "a": (1, 2), "b": (3,), "c": (3,), "d": ()}


def test_the_documented_example_is_read() -> None:
    """What the documentation shows is a table of two branches."""
    lines = (cost_table_from_csv.__doc__ or "").split("::", 1)[1].split("The first row")[0]
    table = cost_table_from_csv("\n".join(line.strip() for line in lines.splitlines()))
    assert table.blocks == ("conv1", "branch_a", "branch_b", "concat")
    assert sorted(table.arcs()) == [(0, 1), (0, 2), (1, 3), (2, 3)]


def test_rows_stand_in_any_order() -> None:
    """A layer may be listed before those it needs."""
    text = f"{HEADER},after\ninput,0,0,9\nlast,3,3,3,first\nfirst,1,1,1,input\n"
    assert cost_table_from_csv(text).blocks == ("first", "last")


def test_spreadsheets_are_understood() -> None:
    """Carriage returns, quotes, spaces around cells and rows of commas do not matter."""
    text = CHAIN.replace(",", " , ").replace("conv1 ", '"conv 1"').replace("\n", "\r\n")
    assert cost_table_from_csv(text + ",,,\r\n").blocks == ("conv 1", "conv2")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "empty"),
        ("# nothing\n\n", "empty"),
        ("name,device_s,output_bytes\n", "no column 'server_s'"),
        ("name;device_s;server_s;output_bytes\n", "separated by commas"),
        (CHAIN.replace("server_s", "server_s,server_s"), "two columns are named 'server_s'"),
        (CHAIN.replace("output_bytes", "output_bytes,behind"), "unknown column 'behind'"),
        (CHAIN.replace("output_bytes", "output_bytes,server3_s"), "unknown column 'server3_s'"),
        (HEADER, "no layers"),
        (f"{HEADER}\ninput,0,0,100\n", "no layers"),
        (f"{HEADER}\nconv1,0.2,0.1,50\nconv2,1,1,1", "line 2 .conv1.: the first row stands for"),
        (CHAIN.replace("100", ""), "line 2 .input.: output_bytes is ''"),
        (CHAIN.replace("0.1", "fast"), "line 3 .conv1.: server_s is 'fast'"),
        (CHAIN.replace("0.1", ""), "line 3 .conv1.: server_s is ''"),
        (CHAIN.replace("0.1", "-1"), "line 3 .conv1.: server_s is '-1'"),
        (CHAIN.replace("0.1", "NaN"), "line 3 .conv1.: server_s is 'NaN'"),
        (CHAIN.replace("0.1", "1e999"), "line 3 .conv1.: server_s is '1e999'"),
        (CHAIN.replace("0.1", "0.1 ms"), "without its unit"),
        (CHAIN.replace("50", "1,000"), "line 3 has 5 cells for 4 columns"),
        (CHAIN.replace("conv2,0.4,0.3,8", "conv2,0.4"), "line 4 .conv2.: server_s is ''"),
        (CHAIN.replace("conv2", ""), "line 4 .no name.: the layer has no name"),
        (CHAIN.replace("conv2", "conv1"), "two rows are named 'conv1'"),
        (CHAIN.replace("conv2", "input"), "two rows are named 'input'"),
        (CHAIN + '"open,1,1,1', "quotes"),
        (f"{HEADER},after\ninput,0,0,1\na,1,1,1,b", "line 3 .a.: it comes after 'b'"),
        (f"{HEADER},after\ninput,0,0,1\na,1,1,1,input input", "after 'input' twice"),
        (f"{HEADER},after\ninput,0,0,1,a\na,1,1,1", "leave `after` empty"),
        (f"{HEADER},after\ninput,0,0,1\na,1,1,1,a", "circle .'a' -> 'a'"),
        (f"{HEADER},after\ninput,0,0,1\na,1,1,1,b\nb,1,1,1,", "circle .'[ab]' -> '[ab]' -> "),
        (f"{HEADER},memory_bytes\ninput,0,0,1\na,1,1,1,x", "memory_bytes is 'x'"),
    ],
)
def test_a_damaged_file_is_refused(text: str, match: str) -> None:
    """Whatever is wrong is told with the file, the line and the column."""
    with pytest.raises(CostError, match=r"^table\.csv") as caught:
        cost_table_from_csv(text, source="table.csv")
    assert caught.match(match)


@given(data=st.data())
def test_no_damage_raises_anything_else(data: st.DataObject) -> None:
    """A file with a few letters changed is read, or refused as a cost error."""
    text = list(CHAIN)
    for _ in range(data.draw(st.integers(1, 3))):
        letter = data.draw(st.sampled_from('",\n\r#\0 -1aé') | st.characters())
        text[data.draw(st.integers(0, len(text) - 1))] = letter
    with suppress(CostError):
        cost_table_from_csv("".join(text))


def with_value(table: CostTable, index: int, **changes: object) -> CostTable:
    """Give a table with one value changed."""
    values = list(table.values)
    values[index] = replace(values[index], **changes)
    return replace(table, values=tuple(values))


@pytest.mark.parametrize(
    ("match", "changes"),
    [
        ("one value, named as the block", {1: {"name": "features"}}),
        ("used by blocks", {1: {"is_output": True}}),
        ("by nobody", {2: {"is_output": False}}),
        ("a block needs nothing", {1: {"consumers": (), "is_output": True}}),
        ("may not cross", {1: {"may_cross": False}}),
        ("a #", {0: {"name": "#input"}}),
        ("a space", {0: {"name": "the input"}}),
        ("is empty", {0: {"name": ""}}),
        ("cannot be printed", {0: {"name": "in\u200bput"}}),
    ],
)
def test_values_csv_cannot_hold_are_not_written(
    match: str, changes: dict[int, dict[str, object]]
) -> None:
    """A table whose values would not come back as they are is refused, and JSON named."""
    table = cost_table_from_csv(CHAIN)
    for index, each in changes.items():
        table = with_value(table, index, **each)
    with pytest.raises(CostError, match=rf"{match}.*as JSON"):
        cost_table_to_csv(table)


def test_tables_csv_cannot_hold_are_not_written() -> None:
    """More inputs, more values of a block, and a digest have no place in CSV."""
    table = cost_table_from_csv(CHAIN)
    mask = (*table.values, CostValue("mask", 1, None, (1,)))
    more = (*table.values, CostValue("more", 1, 0, (1,)))
    refused = {
        "one input": replace(table, values=mask),
        "one value, named as the block": replace(table, values=more),
        "digest": replace(table, sha256="ab" * 32),
    }
    for match, each in refused.items():
        with pytest.raises(CostError, match=rf"{match}.*as JSON"):
            cost_table_to_csv(each)


def test_shapes_are_written() -> None:
    """Every named shape with a value per block can be a CSV, outputs on the way included."""
    for shape in SHAPES.values():
        names = [f"b{block}" for block in range(len(shape))]
        fed = {consumer for consumers in shape for consumer in consumers}
        roots = tuple(block for block in range(len(shape)) if block not in fed)
        values = [CostValue("x", 1.0, None, roots)]
        values += [
            CostValue(names[block], 1.0, block, tuple(sorted(uses)), is_output=not uses)
            for block, uses in enumerate(shape)
        ]
        table = CostTable("table", tuple(names), np.ones((2, len(shape))), tuple(values))
        assert plain(cost_table_from_csv(cost_table_to_csv(table))) == plain(table)
