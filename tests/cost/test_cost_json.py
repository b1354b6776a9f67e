import json
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.cost import CostTable, CostValue, cost_table_from_json, cost_table_to_json
from cutpoint.exceptions import CostError
from cutpoint.testing.tables import SHAPES, random_table

amounts = st.floats(0, 1e15)


@st.composite
def tables(draw: st.DrawFn) -> CostTable:
    """Draw any cost table: names, values nobody uses, two servers, and all."""
    num = draw(st.integers(1, 6))
    names = draw(st.lists(st.text(max_size=5), min_size=num, max_size=num, unique=True))
    titles = draw(st.lists(st.text(max_size=5), max_size=6, unique=True))
    values = []
    for title in titles:
        producer = draw(st.none() | st.integers(0, num - 1))
        later = range(0 if producer is None else producer + 1, num)
        consumers = draw(st.sets(st.sampled_from(later))) if later else set()
        flags = draw(st.tuples(st.booleans(), st.booleans()))
        values.append(CostValue(title, draw(amounts), producer, tuple(sorted(consumers)), *flags))
    column = st.lists(amounts, min_size=num, max_size=num)
    return CostTable(
        name=draw(st.text(max_size=5)),
        blocks=tuple(names),
        host_s=np.array(draw(st.lists(column, min_size=2, max_size=4))),
        values=tuple(values),
        memory_bytes=draw(st.none() | column.map(np.array)),
        sha256=draw(st.text(max_size=5)),
    )


def same(first: CostTable, second: CostTable) -> bool:
    """Tell whether two tables hold the same."""
    if (first.memory_bytes is None) != (second.memory_bytes is None):
        return False
    return (
        (first.name, first.blocks, first.values, first.sha256)
        == (second.name, second.blocks, second.values, second.sha256)
        and np.array_equal(first.host_s, second.host_s)
        and np.array_equal(first.memory, second.memory)
    )


@given(table=tables())
def test_what_is_written_is_read(table: CostTable) -> None:
    """Every table comes back as it was, to the last bit."""
    assert same(cost_table_from_json(cost_table_to_json(table)), table)


def test_blocks_stand_in_any_order() -> None:
    """A file whose blocks are shuffled is the same model in a topological order."""
    rng = np.random.default_rng(5)
    table = random_table(rng, SHAPES["inception block"])
    document = json.loads(cost_table_to_json(table))
    rng.shuffle(document["blocks"])
    read = cost_table_from_json(json.dumps(document))
    by_name = dict(zip(table.blocks, table.host_s.T.tolist(), strict=True))
    assert dict(zip(read.blocks, read.host_s.T.tolist(), strict=True)) == by_name
    arcs = {(table.blocks[a], table.blocks[b]) for a, b in table.arcs()}
    assert {(read.blocks[a], read.blocks[b]) for a, b in read.arcs()} == arcs


SMALL: dict[str, Any] = {
    "format_version": 1,
    "name": "small",
    "hosts": ["device", "server"],
    "blocks": [{"name": "a", "seconds": [2, 1]}, {"name": "b", "seconds": [4, 3]}],
    "values": [
        {"name": "x", "size_bytes": 8, "producer": None, "consumers": ["a"]},
        {"name": "v", "size_bytes": 4, "producer": "a", "consumers": ["b"]},
        {"name": "y", "size_bytes": 2, "producer": "b", "consumers": [], "is_output": True},
    ],
}


def changed(*path: Any, to: Any) -> str:
    """Give the small table with one place changed."""
    document = json.loads(json.dumps(SMALL))
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return json.dumps(document)


def test_a_file_written_by_hand_is_read() -> None:
    """What may be left out is left out: memory, flags, digest."""
    table = cost_table_from_json(json.dumps(SMALL))
    assert table.memory_bytes is None
    assert table.host_s.tolist() == [[2, 4], [1, 3]]
    assert table.values[2] == CostValue("y", 2, 1, (), is_output=True)
    partly = cost_table_from_json(changed("blocks", 1, "memory_bytes", to=7))
    assert partly.memory.tolist() == [0, 7]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "truncated"),
        ("[]", "damaged"),
        ("\0", "damaged"),
        ("[" * 100_000, "damaged"),
        (json.dumps(SMALL)[:-5], "truncated"),
        (json.dumps(SMALL).encode() + b"\xff", "damaged"),
        (changed("format_version", to=2), "layout 2, and this cutpoint reads 1"),
        (changed("format_version", to="1"), "format_version"),
        (changed("name", to=3), r"\$\.name"),
        (changed("colour", to="red"), "colour"),
        (changed("hosts", to=["device"]), "'a' has 2 entries in seconds for 1 hosts"),
        (changed("hosts", to=["pi", "pi"]), "two hosts are named 'pi'"),
        (changed("blocks", to=[]), "value 'x' names the block 'a'"),
        (changed("blocks", 1, "name", to="a"), "two blocks are named 'a'"),
        (changed("blocks", 1, "seconds", to=[1]), "'b' has 1 entries"),
        (changed("blocks", 1, "seconds", to=[1, -1]), "host 1 of block 'b' is -1"),
        (changed("blocks", 1, "seconds", to=[1, "2"]), r"\$\.blocks\[.*\]\.seconds"),
        (changed("blocks", 1, "seconds", to=[1, float("nan")]), "damaged"),
        (changed("blocks", 1, "seconds", to=[1, None]), "null"),
        (changed("blocks", 1, "memory_bytes", to=-1), "memory_bytes of block 'b' is -1"),
        (changed("values", 1, "size_bytes", to=-1), "value 'v' has -1"),
        (changed("values", 1, "name", to="x"), "two values named 'x'"),
        (changed("values", 1, "producer", to="c"), "value 'v' names the block 'c'"),
        (changed("values", 1, "consumers", to=["b", "c"]), "value 'v' names the block 'c'"),
        (changed("values", 1, "consumers", to=["b", "b"]), "consumers of value 'v'"),
        (changed("values", 1, "consumers", to=["a"]), "circle .'a' -> 'a'"),
        (changed("values", 2, "consumers", to=["a"]), "circle .'[ab]' -> '[ab]' -> '[ab]'"),
    ],
)
def test_a_damaged_file_is_refused(text: str | bytes, match: str) -> None:
    """Whatever is wrong is told with the file and the place."""
    with pytest.raises(CostError, match=r"^table\.json") as caught:
        cost_table_from_json(text, "table.json")
    assert caught.match(match)


@given(data=st.data())
def test_no_damage_raises_anything_else(data: st.DataObject) -> None:
    """A file with a few bytes changed is read, or refused as a cost error."""
    content = bytearray(json.dumps(SMALL).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(CostError):
        cost_table_from_json(bytes(content))
