"""One line that tells a server's load."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.wire.load_text import ToldLoad, read, written

TIMES = st.none() | st.floats(0, 1000)
LOADS = st.builds(
    ToldLoad,
    at_s=st.floats(0, 1e9),
    age_s=st.floats(0, 1000),
    wait_s=TIMES,
    slowdown=st.none() | st.floats(1e-3, 1e5),
    batch=st.none() | st.floats(1, 64),
    num_pending=st.none() | st.integers(0, 10_000),
    execution_s=st.dictionaries(st.integers(1, 64), st.floats(1e-6, 10), max_size=8).map(
        lambda found: tuple(sorted(found.items()))
    ),
)


def test_a_line_is_short_and_can_be_read_by_eye():
    """Names, units and no more digits than tell anything: less than a hundred bytes."""
    load = ToldLoad(812.4031, 0.01234567, 0.001234, 1.0412345, 1.25, 2, ((1, 0.0123456), (4, 0.03)))
    text = written(load)
    assert text == (
        "at_s=812.403100 age_s=0.012346 wait_s=0.001234 k=1.0412 batch=1.25 pending=2 "
        "run_s=1:0.012346,4:0.03"
    )
    assert len(text) < 120


@given(LOADS)
def test_what_is_written_is_read(load):
    """To the digits that are told."""
    told = read(written(load))
    assert told is not None
    assert told.num_pending == load.num_pending
    assert [batch for batch, _ in told.execution_s] == [batch for batch, _ in load.execution_s]
    for name in ("at_s", "age_s", "wait_s", "slowdown", "batch"):
        meant = getattr(load, name)
        got = getattr(told, name)
        assert got is None if meant is None else got == pytest.approx(meant, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("told", [None, 3.0, math.nan, True, "", "x" * 2000, b"k=1"])
def test_what_is_no_line_is_nothing(told):
    """A number, a flag, no words, or far too many."""
    assert read(told) is None


@pytest.mark.parametrize("value", ["-1", "nan", "inf", "-inf", "1e300", "x", "", "1e", "0x10"])
def test_a_word_that_cannot_be_true_counts_as_not_told(value):
    """The others stand."""
    told = read(f"at_s=1 wait_s={value} k={value} batch={value} pending={value} run_s=1:{value}")
    assert told == ToldLoad(at_s=1.0)
    assert read(f"wait_s={value} k=2").slowdown == 2.0


def test_figures_of_the_future_are_none():
    """Who measured them after telling them did not measure."""
    assert read("at_s=5 age_s=-3600 wait_s=9 k=9 pending=3") == ToldLoad(at_s=5.0, num_pending=3)


def test_words_of_newer_servers_are_passed_over():
    """As parameters are that nobody knows."""
    assert read("gpu=0.9 k=2 wait_s=0.5 nonsense") == ToldLoad(slowdown=2.0, wait_s=0.5)


@given(st.text(max_size=300) | st.text(alphabet="=:, 0123456789e+-.nanifkwpt_s", max_size=300))
def test_nothing_that_is_told_raises(text):
    """Whatever it is, what is read of it can be reckoned with."""
    told = read(text)
    if told is not None:
        for each in (told.age_s, told.wait_s, told.slowdown, told.batch, told.num_pending):
            assert each is None or (math.isfinite(each) and each >= 0)
        assert all(batch > 0 and 0 < run_s <= 86_400 for batch, run_s in told.execution_s)
