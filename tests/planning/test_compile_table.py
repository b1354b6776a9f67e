from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.cost import Coding, CutTable, HostCosts, row_terms
from cutpoint.graph import DEVICE_ONLY, SERVER_ONLY, Cut, Graph, cut_at
from cutpoint.planning import compile_table

TEXT = """(float[1,4] x, float[1,8] z) => (float[1,8] early, float[1,4] y)
    <float[8,2] w = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}>
    { early = Relu(z) b = MatMul(early, w) c = ReduceMax(x) y2 = Add(b, c)
    y = Concat<axis = 1>(y2, y2) }"""


@pytest.fixture
def graph(graph_of: Callable[..., Graph]) -> Graph:
    """Give two inputs of 16 and 32 bytes, an output of the head and one of the tail."""
    return graph_of(TEXT)


@pytest.fixture
def cuts(graph: Graph) -> list[Cut]:
    """Give two splits, the later first."""
    return [cut_at(graph, ["b", "c"]), cut_at(graph, ["early", "x"])]


def costs_of(cuts: list[Cut], whole_s: float) -> HostCosts:
    """Give made-up costs: the first split leaves a quarter behind it, the second three."""
    late, early = (cut.id for cut in cuts)
    head = {DEVICE_ONLY: 1.0, SERVER_ONLY: 0.0, late: 0.75, early: 0.25}
    return HostCosts(
        whole_s,
        {cut: whole_s * share for cut, share in head.items()},
        {cut: whole_s * (1 - share) for cut, share in head.items()},
        frozenset(),
    )


@pytest.fixture
def table(graph: Graph, cuts: list[Cut]) -> CutTable:
    """Compile the table of a device of 8 s and a server of 4 s."""
    return compile_table(graph, cuts, costs_of(cuts, 8.0), costs_of(cuts, 4.0))


def test_rows_are_the_ends_and_the_cuts_as_given(table: CutTable, cuts: list[Cut]) -> None:
    """Device-only and server-only come first, then the cuts in the order given."""
    ids = [DEVICE_ONLY, SERVER_ONLY, *(cut.id for cut in cuts)]
    assert ids == [cut.id for cut in table.cuts]


def test_times_come_from_their_host(table: CutTable) -> None:
    """Heads and what a fallback costs are the device's, tails the server's."""
    assert table.head_s.tolist() == [8.0, 0.0, 6.0, 2.0]
    assert table.rest_s.tolist() == [0.0, 8.0, 2.0, 6.0]
    assert table.tail_s.tolist() == [0.0, 4.0, 1.0, 3.0]
    assert table.encode_s.tolist() == [0.0] * 4


def test_bytes_are_what_crosses_and_comes_back(table: CutTable) -> None:
    """Crossing values go up raw; only the outputs the tail makes come down."""
    assert table.up_bytes.tolist() == [0.0, 48.0, 12.0, 48.0]
    assert table.down_bytes.tolist() == [0.0, 48.0, 16.0, 16.0]


def test_without_splits_the_ends_remain(graph: Graph, cuts: list[Cut]) -> None:
    """A model that is not worth cutting still has its two ends."""
    table = compile_table(graph, [], costs_of(cuts, 8.0), costs_of(cuts, 4.0))
    assert np.array_equal([False, True], table.is_offloaded)


def coding(name: str, encode_s: float = 0.0, decode_s: float = 0.0, **sent: float) -> Coding:
    """Give a codec of some values, each encoded and decoded in the same time."""
    return Coding(name, sent, dict.fromkeys(sent, encode_s), dict.fromkeys(sent, decode_s))


def keys_of(table: CutTable) -> list[tuple[tuple[str, ...], str]]:
    """Give what crosses in each row but device-only, and as what."""
    return [
        (cut.crossing, codec) for cut, codec in zip(table.cuts[1:], table.codecs[1:], strict=True)
    ]


def compiled(graph: Graph, cuts: list[Cut], *codings: Coding, **options: Any) -> CutTable:
    """Compile the table of the same hosts with codecs."""
    hosts = costs_of(cuts, 8.0), costs_of(cuts, 4.0)
    return compile_table(graph, cuts, *hosts, codings=codings, **options)


def test_a_codec_is_a_row_behind_the_raw_one(graph: Graph, cuts: list[Cut]) -> None:
    """Each cut, server-only too, has a row for each codec that takes one of its values."""
    table = compiled(graph, cuts, coding("half", 1.0, b=2, x=8), coding("picture", 2.0, z=4))
    assert keys_of(table) == [
        (("x", "z"), "raw"),
        (("x", "z"), "half"),
        (("x", "z"), "picture"),
        (("b", "c"), "raw"),
        (("b", "c"), "half"),
        (("early", "x"), "raw"),
        (("early", "x"), "half"),
    ]


def test_what_a_codec_does_not_take_travels_raw_beside_it(graph: Graph, cuts: list[Cut]) -> None:
    """A row names the codec of each value, and has the bytes and seconds of just these."""
    table = compiled(graph, cuts, coding("half", 0.25, 0.125, b=2))
    row = table.find(cuts[0].id, "half")
    assert row is not None
    assert table.codecs_of(row) == ("half", "raw")
    assert table.up_bytes[row] == 2 + 4
    assert table.encode_s[row] == 0.25
    assert table.tail_s[row] == 1.0 + 0.125
    assert (table.head_s[row], table.rest_s[row], table.down_bytes[row]) == (6.0, 2.0, 16.0)


def test_a_codec_that_nothing_speaks_for_is_no_row(graph: Graph, cuts: list[Cut]) -> None:
    """Of one cut a codec is left out that sends no less and takes no less than another row."""
    dear, cheap = coding("dear", 1.0, 1.0, b=4), coding("cheap", 0.5, 1.0, b=4)
    useless, equal = coding("useless", 0.1, b=8), coding("equal", 0.5, 1.0, b=4)
    small = coding("small", 2.0, 2.0, b=1)
    table = compiled(graph, cuts, dear, cheap, useless, equal, small)
    assert [key for key in keys_of(table) if key[0] == ("b", "c")] == [
        (("b", "c"), "raw"),
        (("b", "c"), "cheap"),
        (("b", "c"), "small"),
    ]
    everything = compiled(graph, cuts, dear, cheap, useless, equal, small, keeps_dominated=True)
    assert sum(key[0] == ("b", "c") for key in keys_of(everything)) == 6


def test_raw_stays_even_where_a_codec_costs_nothing(graph: Graph, cuts: list[Cut]) -> None:
    """A cut can always be had raw, whatever beats it."""
    table = compiled(graph, cuts, coding("free", b=1))
    assert table.find(cuts[0].id) is not None
    assert table.find(cuts[0].id, "free") is not None


def test_struck_rows_are_left_out(graph: Graph, cuts: list[Cut]) -> None:
    """A codec may be struck at one cut and not at another; server-only stays raw at least."""
    half = coding("half", 1.0, b=1, early=1, x=1)
    struck = {(cuts[0].id, "half"), (cuts[1].id, "raw"), (SERVER_ONLY, "raw")}
    table = compiled(graph, cuts, half, is_struck=lambda *pair: pair in struck)
    assert keys_of(table) == [
        (("x", "z"), "raw"),
        (("x", "z"), "half"),
        (("b", "c"), "raw"),
        (("early", "x"), "half"),
    ]


@given(data=st.data())
def test_no_row_left_out_could_have_been_the_best(data: st.DataObject, graph_of: Any) -> None:
    """Whatever link, load and slow-down weigh, the best of all rows is in the table."""
    graph = graph_of(TEXT)
    cuts = [cut_at(graph, ["b", "c"]), cut_at(graph, ["early", "x"])]
    numbers = st.floats(0, 8).map(lambda number: round(number, 1))
    codings = [
        Coding(
            f"codec{number}",
            data.draw(st.dictionaries(st.sampled_from(["b", "c", "early", "x", "z"]), numbers)),
            *(
                data.draw(st.fixed_dictionaries(dict.fromkeys(["b", "c", "early", "x"], numbers)))
                for _ in range(2)
            ),
        )
        for number in range(data.draw(st.integers(1, 5)))
    ]
    weights = data.draw(st.lists(st.floats(0, 10), min_size=5, max_size=5))
    few = row_terms(compiled(graph, cuts, *codings)) @ weights
    every = row_terms(compiled(graph, cuts, *codings, keeps_dominated=True)) @ weights
    assert few.min() == every.min()
