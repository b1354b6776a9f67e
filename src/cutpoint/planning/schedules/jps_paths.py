"""Lines of a DAG by duplication, for Algorithm 3 of JPS."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

import numpy as np

from cutpoint.cost import CostTable, head_rows, stages
from cutpoint.planning.cuts.ancestry import ancestors, members, successors
from cutpoint.planning.problem import Problem
from cutpoint.records import Conditions

MAX_PATHS = 256
"""Most paths that are cut one by one; their number doubles with every branch."""


@dataclass(frozen=True)
class Line:
    """
    Cuts of one path, from the input to its end.

    Parameters
    ----------
    heads
        Per cut, what the device must run for it, as a bit mask of the table's blocks.
    compute_s, send_s
        f and g of the path alone: duplicated blocks count in each path.
    """

    heads: tuple[int, ...]
    compute_s: tuple[float, ...]
    send_s: tuple[float, ...]


def lines_of(problem: Problem, conditions: Conditions, max_paths: int = MAX_PATHS) -> list[Line]:
    """
    Give the independent paths of a DAG with its shared blocks duplicated [1]_, Algorithm 3.

    Parameters
    ----------
    conditions
        As the planner's setting sees them.
    max_paths
        A DAG with more is one line, of the prefixes of its topological order.

    References
    ----------
    .. [1] Duan, Y., Wu, J. (2021). Joint Optimization of DNN Partition and Scheduling for
           Mobile Cloud Computing. *ICPP*. Algorithm 3.
    """
    if _num_paths(problem.table) > max_paths:
        return [_prefixes(problem, conditions)]
    send = _Sending(problem, conditions)
    needed = ancestors(problem.table.predecessors)
    seconds = (conditions.device_slowdown * problem.table.device_s).tolist()
    lines = []
    for path in _paths(problem.table):
        compute_s, send_s = [0.0], [send.seconds(None, path[0])]
        for block, after in zip(path, (*path[1:], None), strict=True):
            compute_s.append(compute_s[-1] + seconds[block])
            send_s.append(0.0 if after is None else send.seconds(block, after))
        heads = (0, *(needed[block] for block in path))
        lines.append(Line(heads, tuple(compute_s), tuple(send_s)))
    return lines


def _prefixes(problem: Problem, conditions: Conditions) -> Line:
    table = problem.table
    heads = tuple((1 << count) - 1 for count in range(table.num_blocks + 1))
    rows = head_rows(table, heads, problem.limits)
    seconds = stages(rows, conditions)
    send_s = np.where(rows.is_allowed | ~rows.is_offloaded, seconds.link_s, inf)
    return Line(heads, tuple(seconds.device_s.tolist()), tuple(send_s.tolist()))


class _Sending:
    """Seconds of sending what one block hands to another; infinite if that may not leave."""

    def __init__(self, problem: Problem, conditions: Conditions) -> None:
        self._conditions = conditions
        self._bytes: dict[tuple[int | None, int], float] = {}
        may_leave = problem.limits.may_leave(problem.table)
        for value, is_free in zip(problem.table.values, may_leave, strict=True):
            for consumer in value.consumers:
                arc = (value.producer, consumer)
                size_bytes = value.size_bytes if is_free else inf
                self._bytes[arc] = self._bytes.get(arc, 0.0) + size_bytes

    def seconds(self, source: int | None, target: int) -> float:
        link, size_bytes = self._conditions.link, self._bytes.get((source, target), 0.0)
        if link is None or not self._conditions.is_server_usable or size_bytes == inf:
            return inf
        return link.message_up_s + size_bytes / link.bandwidth_up_bytes_per_s


def _starts(table: CostTable) -> list[int]:
    """Give the blocks that take an input, or nothing."""
    fed = {block for value in table.values if value.producer is None for block in value.consumers}
    return [block for block, needed in enumerate(table.predecessors) if not needed or block in fed]


def _num_paths(table: CostTable) -> int:
    counts = [0] * table.num_blocks
    following = successors(table.predecessors)
    for block in reversed(range(table.num_blocks)):
        counts[block] = sum(counts[after] for after in members(following[block])) or 1
    return sum(counts[block] for block in _starts(table))


def _paths(table: CostTable) -> Iterator[tuple[int, ...]]:
    following = successors(table.predecessors)
    open_paths: list[tuple[int, ...]] = [(block,) for block in _starts(table)]
    while open_paths:
        path = open_paths.pop()
        if following[path[-1]]:
            open_paths += [(*path, after) for after in members(following[path[-1]])]
        else:
            yield path
