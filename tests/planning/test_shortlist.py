from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from cutpoint.graph import Cut, Graph, cut_at, device_only, server_only
from cutpoint.planning import MAX_SEGMENTS, mean_regret, non_dominated, shortlist

Write = Callable[..., Graph]

CHAINS = st.integers(2, 9).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 100), min_size=n, max_size=n),
        st.lists(st.integers(0, 100), min_size=n + 1, max_size=n + 1),
    )
)
"""Operations of the nodes, bytes of the input and of each node's value."""


def inner_cuts(graph: Graph) -> list[Cut]:
    """Give every cut of a chain but the two ends."""
    return [cut_at(graph, node.outputs) for node in graph.nodes[:-1]]


def cost(graph: Graph, cut: Cut) -> tuple[float, int]:
    """Give a cut's operations on the device and its bytes."""
    return graph.flops(cut.head), graph.size_bytes(cut.crossing)


def is_beaten(graph: Graph, cut: Cut, others: Sequence[Cut]) -> bool:
    """Tell whether another cut is no worse in both and better in one."""
    flops, size_bytes = cost(graph, cut)
    return any(
        f <= flops and s <= size_bytes and (f, s) != (flops, size_bytes)
        for f, s in (cost(graph, other) for other in others)
    )


def best_s(graph: Graph, cuts: Sequence[Cut]) -> NDArray[np.float64]:
    """Give the best latency over a dense grid of bandwidths and servers no slower than here."""
    rows = np.array([cost(graph, cut) for cut in (device_only(graph), server_only(graph), *cuts)])
    head, sent = rows[:, :1, np.newaxis], rows[:, 1:, np.newaxis]
    tail = graph.flops(graph.all_nodes) - head
    speed_up = np.geomspace(1, 1e3, 25)[:, np.newaxis]
    per_byte = np.concatenate([[0.0], np.geomspace(1e-4, 1e4, 100)])
    latency_s = (
        head[..., np.newaxis]
        + tail[..., np.newaxis] / speed_up
        + (sent[..., np.newaxis] * per_byte)
    )
    return np.min(latency_s, axis=0)


@given(chain=CHAINS)
def test_no_kept_cut_is_beaten(chain: tuple[list[int], list[int]], chain_of: Write) -> None:
    """What is kept is beaten by no other cut and by neither end, and no two cost the same."""
    graph = chain_of(*chain)
    cuts = inner_cuts(graph)
    kept = non_dominated(graph, cuts)
    ends = [device_only(graph), server_only(graph)]
    assert not any(is_beaten(graph, cut, [*cuts, *ends]) for cut in kept)
    assert len(kept) == len({cost(graph, cut) for cut in kept})


@given(chain=CHAINS)
def test_what_is_dropped_is_matched(chain: tuple[list[int], list[int]], chain_of: Write) -> None:
    """A dropped cut is beaten by what is kept or an end, or costs the same as one of them."""
    graph = chain_of(*chain)
    cuts = inner_cuts(graph)
    kept = non_dominated(graph, cuts)
    stay = [*kept, device_only(graph), server_only(graph)]
    costs = [cost(graph, cut) for cut in stay]
    for cut in cuts:
        if cut not in kept:
            assert cost(graph, cut) in costs or is_beaten(graph, cut, stay)


@given(chain=CHAINS)
def test_the_best_of_every_condition_is_kept(
    chain: tuple[list[int], list[int]], chain_of: Write
) -> None:
    """With room enough, no bandwidth and no server is answered later for having dropped cuts."""
    graph = chain_of(*chain)
    cuts = inner_cuts(graph)
    kept = shortlist(graph, cuts, limit=len(cuts))
    np.testing.assert_allclose(best_s(graph, cuts), best_s(graph, kept), rtol=1e-12)


def test_equal_cuts_keep_the_first(chain_of: Write) -> None:
    """Of cuts that cost the same, the earlier is kept."""
    graph = chain_of([10, 0, 10], [100, 5, 5, 1])
    cuts = inner_cuts(graph)
    assert non_dominated(graph, cuts) == (cuts[0],)
    assert non_dominated(graph, cuts[::-1]) == (cuts[1],)


def test_a_cut_that_sends_no_less_than_the_input_is_dropped(chain_of: Write) -> None:
    """Server-only beats a cut that computes here and sends as much."""
    graph = chain_of([10, 10, 10], [100, 100, 99, 1])
    assert shortlist(graph, inner_cuts(graph)) == tuple(inner_cuts(graph)[1:])


@given(chain=CHAINS, limit=st.integers(0, 4))
def test_the_limit_holds_and_the_order_stays(
    chain: tuple[list[int], list[int]], limit: int, chain_of: Write
) -> None:
    """A shortlist holds as many as it may of the cuts that count, in the order given."""
    graph = chain_of(*chain)
    cuts = inner_cuts(graph)
    worth = non_dominated(graph, cuts)
    kept = shortlist(graph, cuts, limit)
    assert len(kept) == min(limit, len(worth))
    assert kept == tuple(cut for cut in worth if cut in kept)


@given(chain=CHAINS)
def test_the_cut_least_missed_goes(chain: tuple[list[int], list[int]], chain_of: Write) -> None:
    """Where one cut too many is left, that one goes whose loss costs least."""
    graph = chain_of(*chain)
    worth = non_dominated(graph, inner_cuts(graph))
    if not worth:
        return
    kept = shortlist(graph, worth, limit=len(worth) - 1)
    losses = [
        mean_regret(graph, [cut for cut in worth if cut != left_out], worth) for left_out in worth
    ]
    assert mean_regret(graph, kept, worth) == min(losses)


@given(chain=CHAINS, data=st.data())
def test_regret_is_zero_without_loss_and_grows_with_it(
    chain: tuple[list[int], list[int]], data: st.DataObject, chain_of: Write
) -> None:
    """Nothing dropped costs nothing; each cut dropped costs the same or more."""
    graph = chain_of(*chain)
    among = inner_cuts(graph)
    kept, before = data.draw(st.permutations(among)), 0.0
    while kept:
        regret = mean_regret(graph, kept, among)
        assert regret == 0.0 if len(kept) == len(among) else regret >= before
        kept, before = kept[1:], regret


def test_a_good_cut_is_missed(chain_of: Write) -> None:
    """Dropping a cut that shrinks the values early costs something; dropping a bad one nothing."""
    graph = chain_of([10, 10, 80], [1000, 5000, 10, 1])
    bad, good = inner_cuts(graph)
    assert mean_regret(graph, [good], [bad, good]) == 0.0
    assert mean_regret(graph, [bad], [bad, good]) > 0.01


def test_regret_is_relative_to_the_best(chain_of: Write) -> None:
    """
    Regret is the mean over the grid of the latency chosen over the best, minus one.

    Worked out by hand: bandwidths over six decades at which sending the input takes as
    long as the device, servers 2, 8 and 32 times faster.
    """
    graph = chain_of([10, 90], [1000, 10, 1])
    losses = []
    for speed_up in (2, 8, 32):
        for send_input in 10 ** np.linspace(-3, 3, 61):
            ends = min(1.0, 1 / speed_up + send_input)
            cut = 0.1 + 0.9 / speed_up + 0.01 * send_input
            losses.append(ends / min(ends, cut) - 1)
    cuts = inner_cuts(graph)
    assert mean_regret(graph, [], cuts) == pytest.approx(np.mean(losses))


def test_a_model_without_operations_has_no_cut_worth_holding(chain_of: Write) -> None:
    """Where the device computes nothing, device-only beats every cut."""
    graph = chain_of([0, 0, 0], [100, 50, 20, 1])
    assert shortlist(graph, inner_cuts(graph)) == ()


def test_by_default_the_segments_stay_few(chain_of: Write) -> None:
    """Thirty cuts that all count are cut down to what gives twelve segments."""
    graph = chain_of([1] * 31, list(range(1000, 1000 - 32 * 30, -30)))
    cuts = inner_cuts(graph)
    assert non_dominated(graph, cuts) == tuple(cuts)
    assert len(shortlist(graph, cuts)) == MAX_SEGMENTS - 1 == 11
