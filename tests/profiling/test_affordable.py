"""Dropping cuts until their segments are cheap."""

import pytest

from cutpoint.graph import Cut, Graph
from cutpoint.planning import mean_regret
from cutpoint.profiling import MAX_EXCESS, affordable


def test_cheap_cuts_all_stay(graph: Graph, cuts: tuple[Cut, ...]) -> None:
    """At the limit nothing is dropped, after one measurement."""
    asked = []
    kept = affordable(graph, cuts, lambda some: asked.append(some) or MAX_EXCESS)
    assert kept == (cuts, ())
    assert asked == [cuts]


@pytest.mark.parametrize("num_kept", [0, 1, 2, 3])
def test_the_least_missed_goes_first(graph: Graph, cuts: tuple[Cut, ...], num_kept: int) -> None:
    """Each cut dropped raises the mean regret no more than any other would have."""
    kept, dropped = affordable(graph, cuts, lambda some: float(len(some) > num_kept))
    assert len(kept) == num_kept
    assert {*kept, *dropped} == {*cuts}
    left = list(cuts)
    for cut in dropped:
        regrets = {
            other.id: mean_regret(graph, [each for each in left if each != other], left)
            for other in left
        }
        assert regrets[cut.id] == min(regrets.values())
        left.remove(cut)
    assert kept == tuple(left)


def test_no_cut_is_not_measured(graph: Graph, cuts: tuple[Cut, ...]) -> None:
    """However dear, the search ends without cuts after one measurement per cut."""
    asked: list[int] = []
    kept, dropped = affordable(graph, cuts, lambda some: asked.append(len(some)) or 1.0)
    assert kept == ()
    assert len(dropped) == len(cuts)
    assert asked == list(range(len(cuts), 0, -1))
