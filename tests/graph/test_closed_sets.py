"""Listing closed sets, judged by trying every set."""

from hypothesis import given
from hypothesis import strategies as st

from cutpoint.graph import closed_sets


@st.composite
def dags(draw: st.DrawFn, most: int = 10) -> list[int]:
    """Draw, per vertex in topological order, a bit mask of those before it that it needs."""
    count = draw(st.integers(0, most))
    return [draw(st.integers(0, (1 << vertex) - 1)) for vertex in range(count)]


def by_trying(predecessors: list[int]) -> set[int]:
    """Give every set that holds all that its members need."""
    return {
        members
        for members in range(1 << len(predecessors))
        if all(
            needed & ~members == 0
            for vertex, needed in enumerate(predecessors)
            if members >> vertex & 1
        )
    }


@given(predecessors=dags())
def test_all_are_listed_once(predecessors: list[int]) -> None:
    """The list holds each closed set, the empty and the full one too, and none twice."""
    listed = closed_sets(predecessors, 1 << 10)
    assert listed is not None
    assert len(listed) == len(set(listed))
    assert set(listed) == by_trying(predecessors)


@given(predecessors=dags(), cap=st.integers(1, 100))
def test_the_cap_is_the_largest_number_listed(predecessors: list[int], cap: int) -> None:
    """As many as the cap are given, one more is too many."""
    count = len(by_trying(predecessors))
    listed = closed_sets(predecessors, cap)
    assert (listed is None) == (count > cap)
    assert listed is None or len(listed) == count
    assert len(closed_sets(predecessors, count)) == count
    assert closed_sets(predecessors, count - 1) is None


def test_a_hundred_side_by_side_are_refused_at_once() -> None:
    """No list is begun that cannot end: 2 to the hundredth sets, in one level or behind one."""
    assert closed_sets([0] * 100, 1_000_000) is None
    assert closed_sets([0, *[1] * 100], 1_000_000) is None


def test_a_chain_of_thousands_is_listed() -> None:
    """Depth costs no recursion: a chain of n vertices has n + 1 closed sets."""
    chain = [0, *(1 << vertex for vertex in range(2999))]
    assert closed_sets(chain, 10_000) == [(1 << count) - 1 for count in range(3001)]
