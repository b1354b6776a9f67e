from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.records import Parts

NAMES = [field.name for field in fields(Parts)]


def test_the_parts() -> None:
    """The parts of a latency, in the order in which they come."""
    assert NAMES == [
        "head_s",
        "encode_s",
        "upload_s",
        "wait_s",
        "tail_s",
        "download_s",
        "lost_s",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_every_part_counts(name: str) -> None:
    """Each part alone is the whole latency."""
    assert Parts(**{name: 2.5}).latency_s == 2.5


@given(st.lists(st.floats(0, 1e6), min_size=len(NAMES), max_size=len(NAMES)))
def test_parts_add_up(seconds: list[float]) -> None:
    """The latency is the sum of the parts."""
    assert Parts(*seconds).latency_s == pytest.approx(sum(seconds))


def test_no_parts_take_no_time() -> None:
    """An inference of which nothing is known took nothing."""
    assert Parts().latency_s == 0.0
