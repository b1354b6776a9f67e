"""Codecs spread over the values of a table: raw first, and each value by itself."""

import numpy as np
import pytest

from cutpoint.cost import (
    AS_IT_IS,
    AS_THEY_ARE,
    NO_LIMITS,
    CodecRate,
    Coding,
    CostTable,
    CostValue,
    coded_rows,
    coded_values,
    crossing_names,
    crossing_sums,
    head_rows,
)
from cutpoint.exceptions import CostError


@pytest.fixture
def table() -> CostTable:
    """Give an input of 8 bytes, a value of 100 that two blocks use, and one of 10."""
    values = (
        CostValue("x", 8.0, None, (0,)),
        CostValue("a", 100.0, 0, (1, 2)),
        CostValue("b", 10.0, 1, (2,)),
        CostValue("y", 4.0, 2, (), is_output=True),
    )
    return CostTable("model", ("A", "B", "C"), np.ones((2, 3)), values)


def test_raw_is_always_the_first(table: CostTable) -> None:
    """Whether or not it is given, under either of its names, once."""
    for given in ((), (AS_THEY_ARE,), (AS_IT_IS,), (AS_IT_IS, AS_THEY_ARE)):
        (raw,) = coded_values(table, given)
        assert (raw.name, raw.sent_bytes.tolist()) == ("raw", [8.0, 100.0, 10.0, 4.0])
        assert not raw.encode_s.any()
        assert not raw.decode_s.any()


def test_a_rate_holds_for_every_value(table: CostTable) -> None:
    """Bytes and seconds are in proportion to the size."""
    half = coded_values(table, [CodecRate("half", 0.5, 1e-3, 2e-3)])[1]
    assert half.sent_bytes.tolist() == [4.0, 50.0, 5.0, 2.0]
    np.testing.assert_allclose(half.encode_s, [0.008, 0.1, 0.01, 0.004])
    np.testing.assert_allclose(half.decode_s, [0.016, 0.2, 0.02, 0.008])
    assert half.takes is None


def test_a_coding_holds_for_the_values_it_names(table: CostTable) -> None:
    """The others are sent as they are, at no cost; a value the table has not changes nothing."""
    coding = Coding("picture", {"x": 2.0, "elsewhere": 1.0}, {"x": 0.5}, {"x": 0.25})
    picture = coded_values(table, [coding])[1]
    assert picture.sent_bytes.tolist() == [2.0, 100.0, 10.0, 4.0]
    assert picture.encode_s.tolist() == [0.5, 0.0, 0.0, 0.0]
    assert picture.decode_s.tolist() == [0.25, 0.0, 0.0, 0.0]
    assert picture.takes == {"x", "elsewhere"}


@pytest.mark.parametrize(
    ("codecs", "match"),
    [
        ((Coding("half"), CodecRate("half")), "'half' is given twice"),
        ((CodecRate("raw", 0.5),), "'raw' sends values as they are"),
        ((Coding("raw", {"x": 1.0}),), "'raw' sends values as they are"),
    ],
)
def test_two_codecs_of_one_name_are_refused(
    codecs: tuple[Coding | CodecRate, ...], match: str, table: CostTable
) -> None:
    """A plan could not tell which is meant; raw is what it says."""
    with pytest.raises(CostError, match=match):
        coded_values(table, codecs)


def test_what_crosses_is_added_up_once(table: CostTable) -> None:
    """A value that two blocks of the tail use is sent once; one that none uses, not at all."""
    heads = [0b000, 0b001, 0b011, 0b111]
    assert [crossing_names(table, head) for head in heads] == [("x",), ("a",), ("a", "b"), ()]
    amounts = np.array([[1.0, 8.0], [2.0, 100.0], [4.0, 10.0], [64.0, 4.0]])
    sums = crossing_sums(table, heads, amounts)
    assert sums.tolist() == [[1.0, 8.0], [2.0, 100.0], [6.0, 110.0], [0.0, 0.0]]


def test_rows_of_heads_under_codecs(table: CostTable) -> None:
    """Each row has its own codec; encoding is the device's, decoding is in the tail."""
    raw, half = coded_values(table, [Coding("half", {"a": 50.0}, {"a": 0.5}, {"a": 0.25})])
    rows = coded_rows(table, [(0b011, half), (0b011, raw), (0b001, half)], NO_LIMITS)
    assert rows.codecs == ("half", "raw", "half")
    assert rows.up_bytes.tolist() == [60.0, 110.0, 50.0]
    assert rows.encode_s.tolist() == [0.5, 0.0, 0.5]
    assert rows.tail_s.tolist() == [1.25, 1.0, 2.25]
    assert rows.head_s.tolist() == [2.0, 2.0, 1.0]
    some = rows.only([2])
    assert (some.codecs, some.encode_s.tolist()) == (("half",), [0.5])


def test_heads_alone_are_raw(table: CostTable) -> None:
    """Where no codec is named nothing is encoded."""
    rows = head_rows(table, [0, 1], NO_LIMITS)
    assert (rows.codecs, rows.encode_s.tolist()) == (("raw", "raw"), [0.0, 0.0])
