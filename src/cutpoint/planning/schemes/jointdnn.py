"""JointDNN's shortest path: segments go to either host, back and forth, each way charged."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from types import MappingProxyType

from cutpoint.cost import CostTable, CostValue, Setting
from cutpoint.planning.cuts.ancestry import members
from cutpoint.planning.cuts.heads import single_value_heads
from cutpoint.planning.evaluate import evaluate
from cutpoint.planning.planner import Goal
from cutpoint.planning.problem import Problem
from cutpoint.planning.result import INFEASIBLE, PlanResult

JOINTDNN_SETTING = Setting(waiting=False, load=False, device_load=False)
"""Compute and both ways of transfer, as [1]_ of `JointDnn`; neither load nor waiting."""


class JointDnn:
    """
    JointDNN's shortest path over device and server copies of each segment [1]_: a reconstruction.

    The graph is a chain of segments between boundaries that one value crosses. Each
    segment runs on either host; changing hosts uploads or downloads the boundary's value
    as a message. Optimal among all placements, those that go back and forth included,
    where every segment is one block; IONN and PerDNN [2]_ take the same path.

    Parameters
    ----------
    setting
        Terms that count. The default is what is known of the paper: compute and both
        ways of transfer, but neither load nor waiting.

    Notes
    -----
    The abstract and a summary were at hand. Unknown: the integer program with its
    battery, server-load and quality constraints, which is not here. The paper charges
    size / bandwidth; the time per message is counted as well, since a path of many
    changes looks too cheap without. Limits are not in the paper: edges that break one
    are left out. Memory caps, which no edge can see, only pick among the path found
    and the paths that change hosts at most once.

    References
    ----------
    .. [1] Eshratifar, A. E., Abrishami, M. S., Pedram, M. (2021). JointDNN: An Efficient
           Training and Inference Engine for Intelligent Mobile Cloud Computing Services.
           *IEEE Transactions on Mobile Computing*, 20(2), 565 - 576.
    .. [2] Jeong, H.-J., Lee, H.-J., Shin, K. Y., Yoo, Y. H., Moon, S.-M. (2020). PerDNN:
           Offloading Deep Neural Network Computations to Pervasive Edge Servers. *IEEE
           ICDCS*, 1055 - 1066.
    """

    name = "jointdnn"
    goal: Goal = "latency"
    exempt: Mapping[str, str] = MappingProxyType(
        {
            "data only moves away from the device": "goes back and forth, both ways charged",
            "finds a plan where there is one": "no edge of its path sees a memory cap",
        }
    )

    def __init__(self, setting: Setting = JOINTDNN_SETTING) -> None:
        self.setting = setting

    def plan(self, problem: Problem) -> PlanResult:
        """Give the shortest path that keeps the limits."""
        segments = segments_of(problem.table)
        paths = [shortest_path(problem, self.setting, segments)]
        if problem.limits.has_memory_caps:
            paths += [
                (0,) * kept + (1,) * (len(segments) - kept)
                for kept in reversed(range(len(segments) + 1))
            ]
        best = INFEASIBLE
        for hosts in paths:
            placement = _placement_of(problem.table, segments, hosts)
            if problem.limits.are_kept(problem.table, placement):
                found = PlanResult("feasible", placement)
                promised_s = evaluate(problem, found, self.setting)
                if best.status == "infeasible" or promised_s < best.promised_s:
                    best = PlanResult("feasible", placement, promised_s)
        is_exact = len(segments) == problem.table.num_blocks
        if best.status == "infeasible" or problem.limits.has_memory_caps or not is_exact:
            return best
        return PlanResult("optimal", best.placement, best.promised_s)


@dataclass(frozen=True)
class Segment:
    """
    The blocks between two boundaries that one value crosses.

    Parameters
    ----------
    blocks
        As a bit mask.
    handed_over
        The value that the next segment needs; ``None`` of the last.
    """

    blocks: int
    handed_over: CostValue | None


def segments_of(table: CostTable) -> tuple[Segment, ...]:
    """Give the chain of segments, first to last."""
    segments: list[Segment] = []
    covered = 0
    for head in sorted(single_value_heads(table), key=int.bit_count):
        if covered & ~head == 0:
            segments.append(Segment(head & ~covered, _crossing(table, head)))
            covered = head
    return (*segments, Segment(table.everything & ~covered, None))


def _placement_of(
    table: CostTable, segments: tuple[Segment, ...], hosts: tuple[int, ...]
) -> tuple[int, ...]:
    placement = [0] * table.num_blocks
    for segment, host in zip(segments, hosts, strict=True):
        for block in members(segment.blocks):
            placement[block] = host
    return tuple(placement)


def _crossing(table: CostTable, head: int) -> CostValue:
    return next(
        value
        for value in table.values
        if value.producer is not None
        and head >> value.producer & 1
        and any(not head >> consumer & 1 for consumer in value.consumers)
    )


_State = tuple[int, bool]
"""Host at work, and whether the server holds an output that the device has yet to get."""

_Hosts = tuple[int, "_Hosts | None"]
"""Host of the last segment, and those of the segments before it."""


def shortest_path(
    problem: Problem, setting: Setting, segments: tuple[Segment, ...]
) -> tuple[int, ...]:
    """Give the host of each segment on the shortest path that breaks no limit but memory caps."""
    edges = _Edges(problem, setting)
    reached: dict[_State, tuple[float, _Hosts | None]] = {(0, False): (0.0, None)}
    before: Segment | None = None
    for segment in segments:
        layer: dict[_State, tuple[float, _Hosts | None]] = {}
        for (host, owes), (spent_s, hosts) in reached.items():
            for target in (0, 1):
                handed = edges.hand_over(before, host, target)
                ran = edges.run(segment, target)
                total_s = spent_s + handed.seconds + ran.seconds
                state = (target, owes or handed.leaves_output or ran.leaves_output)
                if total_s < layer.get(state, (inf, None))[0]:
                    layer[state] = (total_s, (target, hosts))
        reached, before = layer, segment
    ends_s = {state: spent_s + edges.end_s(state) for state, (spent_s, _) in reached.items()}
    hosts = reached[min(ends_s, key=lambda state: (ends_s[state], state))][1]
    path = []
    while hosts is not None:
        path.append(hosts[0])
        hosts = hosts[1]
    return tuple(reversed(path))


@dataclass(frozen=True)
class _Edge:
    """Seconds, infinite if forbidden; and whether an output then waits on the server."""

    seconds: float
    leaves_output: bool = False


class _Edges:
    """
    What the edges of the layered graph weigh.

    Outputs that a segment leaves on the server come back in the last message: their
    bytes weigh where they are made, the message at the end.
    """

    def __init__(self, problem: Problem, setting: Setting) -> None:
        self._table = problem.table
        self._conditions = setting.seen(problem.conditions)
        leaving = zip(problem.table.values, problem.limits.may_leave(problem.table), strict=True)
        self._may_leave = {value.name: may_leave for value, may_leave in leaving}
        self._inputs = [v for v in problem.table.values if v.producer is None and v.consumers]

    def hand_over(self, before: Segment | None, host: int, target: int) -> _Edge:
        """Weigh the edge between two segments; before the first one the device has the inputs."""
        link = self._conditions.link
        if target == host == 0:
            return _Edge(0.0)
        if link is None or not self._conditions.is_server_usable:
            return _Edge(inf)
        values = self._inputs if before is None or before.handed_over is None else [
            before.handed_over
        ]  # fmt: skip
        size_bytes = sum(value.size_bytes for value in values)
        return_s = size_bytes / link.bandwidth_down_bytes_per_s
        if target == host:
            is_output = any(value.is_output for value in values)
            return _Edge(return_s if is_output else 0.0, is_output)
        if target == 0:
            may_cross = all(value.may_cross for value in values)
            return _Edge(link.message_down_s + return_s if may_cross else inf)
        if not all(self._may_leave[value.name] for value in values):
            return _Edge(inf)
        upload_s = link.message_up_s + size_bytes / link.bandwidth_up_bytes_per_s
        return _Edge(upload_s + self._conditions.load.wait_s)

    def run(self, segment: Segment, target: int) -> _Edge:
        """Weigh a segment on a host, and its inner outputs' way back."""
        blocks, conditions = list(members(segment.blocks)), self._conditions
        if target == 0:
            return _Edge(conditions.device_slowdown * float(self._table.device_s[blocks].sum()))
        seconds = conditions.load.slowdown * float(self._table.server_s[blocks].sum())
        outputs = [
            value.size_bytes
            for value in self._table.values
            if value.is_output and value.producer in blocks and value is not segment.handed_over
        ]
        if conditions.link is not None:
            seconds += sum(outputs) / conditions.link.bandwidth_down_bytes_per_s
        return _Edge(seconds, bool(outputs))

    def end_s(self, state: _State) -> float:
        """Give the last message, which a server at work sends though it hold no output."""
        link = self._conditions.link
        return link.message_down_s if link is not None and state != (0, False) else 0.0
