"""Schedules of any DAG: two heuristics, and the exact one where few vertices send."""

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush

from cutpoint.cost.flow_shop import makespan
from cutpoint.planning.cuts.ancestry import ancestors, members, successors
from cutpoint.planning.schedules.johnson import johnson_key

MAX_FREE = 12
"""Most vertices that send for which an exact order is looked for."""

_State = tuple[float, float, tuple[int, ...]]
"""When the device is done, when the link is done, and in which order the vertices sent."""


def greedy_order(
    compute_s: Sequence[float], send_s: Sequence[float], predecessors: Sequence[int]
) -> tuple[int, ...]:
    """
    Sort topologically; of the vertices that are ready the first in Johnson's order [1]_.

    Parameters
    ----------
    compute_s, send_s
        Seconds of each vertex on the device, and of what it sends on the link.
    predecessors
        Per vertex, in topological order, those it needs directly, as a bit mask.

    Notes
    -----
    Reconstruction: the paper's abstract says that general DAGs are sorted topologically
    by a heuristic; by which key is unknown.

    References
    ----------
    .. [1] Duan, Y., Wu, J. (2021). Computation Offloading Scheduling for Deep Neural
           Network Inference in Mobile Computing. *IEEE/ACM IWQoS*. General DAGs.
    """
    following = successors(predecessors)
    missing = [needed.bit_count() for needed in predecessors]
    ready: list[tuple[tuple[int, float], int]] = []
    for vertex, count in enumerate(missing):
        if not count:
            heappush(ready, (johnson_key(compute_s[vertex], send_s[vertex]), vertex))
    order = []
    while ready:
        _, vertex = heappop(ready)
        order.append(vertex)
        for after in members(following[vertex]):
            missing[after] -= 1
            if not missing[after]:
                heappush(ready, (johnson_key(compute_s[after], send_s[after]), after))
    return tuple(order)


def closure_order(
    compute_s: Sequence[float], send_s: Sequence[float], predecessors: Sequence[int]
) -> tuple[int, ...]:
    """
    Run again and again the vertex that sends, with what it still needs, first by Johnson.

    Parameters
    ----------
    compute_s, send_s
        Seconds of each vertex on the device, and of what it sends on the link.
    predecessors
        Per vertex, in topological order, those it needs directly, as a bit mask.

    Returns
    -------
    tuple of int
        Optimal where one vertex sends or none; a heuristic elsewhere. What nothing that
        is sent needs runs last.
    """
    needed = ancestors(predecessors)
    waiting = {vertex for vertex, sent_s in enumerate(send_s) if sent_s > 0}
    done = 0
    order: list[int] = []
    while waiting:
        closures = {vertex: list(members(needed[vertex] & ~done)) for vertex in waiting}

        keys = {
            vertex: johnson_key(sum(compute_s[v] for v in closure), sum(send_s[v] for v in closure))
            for vertex, closure in closures.items()
        }
        best = min(waiting, key=lambda vertex: (keys[vertex], vertex))
        order += closures[best]
        done |= needed[best]
        waiting.difference_update(closures[best])
    return (*order, *members((1 << len(predecessors)) - 1 & ~done))


def exact_order(
    compute_s: Sequence[float],
    send_s: Sequence[float],
    predecessors: Sequence[int],
    link_free_at_s: float = 0.0,
) -> tuple[int, ...]:
    """
    Give an order of the least makespan, by branch and bound over which vertex sends next.

    Parameters
    ----------
    compute_s, send_s
        Seconds of each vertex on the device, and of what it sends on the link.
    predecessors
        Per vertex, in topological order, those it needs directly, as a bit mask.
    link_free_at_s
        When the link is done with what it had before.

    Notes
    -----
    What sends nothing runs just before the first that needs it: later never hurts, as it
    holds up no transfer. So an order of the senders is a schedule. Of two orders of the
    same senders the device is done at the same time, and the one whose link is done
    first dominates; at most ``2 ** n`` states are kept for n senders.
    """
    heuristic = closure_order(compute_s, send_s, predecessors)
    jobs = list(zip(compute_s, send_s, strict=True))
    limit_s = makespan([jobs[vertex] for vertex in heuristic], link_free_at_s)
    if limit_s <= max(sum(compute_s), link_free_at_s + sum(send_s)):
        return heuristic
    needed = ancestors(predecessors)
    senders = sum(1 << vertex for vertex, sent_s in enumerate(send_s) if sent_s > 0)
    states: dict[int, _State] = {0: (0.0, link_free_at_s, ())}
    for _ in range(senders.bit_count()):
        grown: dict[int, _State] = {}
        for done, (computed_s, link_s, sent) in states.items():
            left_s = sum(send_s[vertex] for vertex in members(senders & ~done))
            if max(link_s, computed_s) + left_s >= limit_s:
                continue  # what is left to send takes that long by itself
            for vertex in _next_senders(senders, needed, done):
                at_s = computed_s + sum(compute_s[v] for v in members(needed[vertex] & ~done))
                sent_s = max(link_s, at_s) + send_s[vertex]
                known = grown.get(done | needed[vertex])
                if known is None or sent_s < known[1]:
                    grown[done | needed[vertex]] = (at_s, sent_s, (*sent, vertex))
        states = grown
    finished = [state for state in states.values() if state[1] < limit_s]
    if not finished:
        return heuristic
    return _unfolded(min(finished, key=lambda state: state[1])[2], needed)


def _next_senders(senders: int, needed: Sequence[int], done: int) -> Iterator[int]:
    """Yield the senders that no other one must precede any more."""
    for vertex in members(senders & ~done):
        if needed[vertex] & senders & ~done == 1 << vertex:
            yield vertex


def _unfolded(sent: Sequence[int], needed: Sequence[int]) -> tuple[int, ...]:
    """Put before each sender what it still needs, and what nothing needs at the end."""
    done = 0
    order: list[int] = []
    for vertex in sent:
        order += members(needed[vertex] & ~done)
        done |= needed[vertex]
    return (*order, *members((1 << len(needed)) - 1 & ~done))
