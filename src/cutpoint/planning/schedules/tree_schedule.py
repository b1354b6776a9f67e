"""The schedule of trees: composite jobs, the smallest key merged into its parent."""

from collections.abc import Sequence
from heapq import heapify, heappop, heappush

from cutpoint.exceptions import PlannerError
from cutpoint.planning.cuts.ancestry import is_single, successors
from cutpoint.planning.schedules.johnson import johnson_key

Job = tuple[float, float]
"""Seconds on the device and on the link."""


def concatenate(first: Job, second: Job) -> Job:
    """
    Give the one job that behaves as two in a row.

    Notes
    -----
    Whatever comes before and after, a sequence with the composite ends when the one with
    both does, less the time in which both machines were busy with the two at once.
    """
    return (
        first[0] + max(0.0, second[0] - first[1]),
        second[1] + max(0.0, first[1] - second[0]),
    )


def is_out_forest(predecessors: Sequence[int]) -> bool:
    """Tell whether every vertex needs at most one other."""
    return all(map(is_single, predecessors))


def is_in_forest(predecessors: Sequence[int]) -> bool:
    """Tell whether every vertex is needed by at most one other."""
    return all(map(is_single, successors(predecessors)))


def tree_order(
    compute_s: Sequence[float], send_s: Sequence[float], predecessors: Sequence[int]
) -> tuple[int, ...]:
    """
    Order trees of either direction optimally [1]_; any vertex may send.

    Parameters
    ----------
    compute_s, send_s
        Seconds of each vertex on the device, and of what it sends on the link.
    predecessors
        Per vertex, in topological order, those it needs directly, as a bit mask.

    Raises
    ------
    PlannerError
        If the DAG is neither a forest of out-trees nor one of in-trees.

    Notes
    -----
    Reconstruction: of the paper only the abstract was available. It names an optimal
    layer-wise scheduler for tree-structured DAGs and not how it is built; composite
    jobs are the known way for two machines in series [2]_, [3]_, and are held against
    brute force. Whether the paper means trees of both directions is unknown.

    References
    ----------
    .. [1] Duan, Y., Wu, J. (2021). Computation Offloading Scheduling for Deep Neural
           Network Inference in Mobile Computing. *IEEE/ACM IWQoS*. Layer-wise scheduler.
    .. [2] Kurisu, T. (1976). Two-machine scheduling under required precedence among jobs.
           *Journal of the Operations Research Society of Japan*, 19(1), 1 - 13.
    .. [3] Monma, C. L., Sidney, J. B. (1979). Sequencing with series-parallel precedence
           constraints. *Mathematics of Operations Research*, 4(3), 215 - 224.
    """
    if is_out_forest(predecessors):
        return _out_forest_order(compute_s, send_s, predecessors)
    if is_in_forest(predecessors):
        # An in-tree is the out-tree of the shop run backwards: the link first, then the device.
        return _out_forest_order(send_s, compute_s, successors(predecessors))[::-1]
    raise PlannerError("a schedule of trees needs trees: use the general one")


def _out_forest_order(
    compute_s: Sequence[float], send_s: Sequence[float], parents: Sequence[int]
) -> tuple[int, ...]:
    """Merge the composite of the smallest key into its parent's until the root is left [1]_."""
    root = len(parents)
    jobs: list[Job] = [*zip(compute_s, send_s, strict=True), (0.0, 0.0)]
    parent = [mask.bit_length() - 1 if mask else root for mask in parents]
    chains = _Chains(root + 1)
    waiting = [(johnson_key(*jobs[vertex]), vertex) for vertex in range(root)]
    heapify(waiting)
    while waiting:
        key, vertex = heappop(waiting)
        if chains.leader(vertex) != vertex or key != johnson_key(*jobs[vertex]):
            continue  # merged meanwhile, or grown and pushed again
        # Layer-wise scheduler of [1] (reconstruction): p <- p;v.
        above = chains.leader(parent[vertex])
        jobs[above] = concatenate(jobs[above], jobs[vertex])
        chains.append(above, vertex)
        if above != root:
            heappush(waiting, (johnson_key(*jobs[above]), above))
    return chains.listed(root)[1:]


class _Chains:
    """Sequences that are joined end to end, found by any member."""

    def __init__(self, count: int) -> None:
        self._leaders = list(range(count))
        self._lasts = list(range(count))
        self._following: list[int | None] = [None] * count

    def leader(self, vertex: int) -> int:
        """Give the first of the chain a vertex is in."""
        while self._leaders[vertex] != vertex:
            self._leaders[vertex] = self._leaders[self._leaders[vertex]]
            vertex = self._leaders[vertex]
        return vertex

    def append(self, first: int, second: int) -> None:
        """Put the chain that begins with `second` behind the one that begins with `first`."""
        self._leaders[second] = first
        self._following[self._lasts[first]] = second
        self._lasts[first] = self._lasts[second]

    def listed(self, first: int) -> tuple[int, ...]:
        """Give a chain's members from its first on."""
        found, vertex = [], self._following[first]
        while vertex is not None:
            found.append(vertex)
            vertex = self._following[vertex]
        return (first, *found)
