"""The blocks of one head as jobs of a two-machine flow shop."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from cutpoint.cost import CostTable, upload_s_by_block
from cutpoint.cost.flow_shop import makespan
from cutpoint.planning.cuts.ancestry import ancestors, members
from cutpoint.records import Conditions, LinkConditions


@dataclass(frozen=True)
class DeviceJobs:
    """
    What the device computes and the link sends for one head.

    Parameters
    ----------
    blocks
        Indices in the table, ascending. The other columns count them from zero.
    compute_s, send_s
        Seconds of each on the device, and of what it sends.
    predecessors
        Per block, those it needs directly, as a bit mask.
    link_free_at_s
        When the inputs that the tail needs have left: they leave first.
    """

    blocks: tuple[int, ...]
    compute_s: tuple[float, ...]
    send_s: tuple[float, ...]
    predecessors: tuple[int, ...]
    link_free_at_s: float

    @cached_property
    def bound_s(self) -> float:
        """No order ends before this; one that is reached if one block sends or none."""
        needed = ancestors(self.predecessors)
        senders = [job for job, sent_s in enumerate(self.send_s) if sent_s > 0]
        if not senders:
            return max(sum(self.compute_s), self.link_free_at_s)
        needed_by_all = 0
        for sender in senders:
            needed_by_all |= needed[sender]
        first_s = min(self._computed_s(needed[sender]) for sender in senders)
        return max(
            sum(self.compute_s),
            max(self.link_free_at_s, first_s) + sum(self.send_s),
            self._computed_s(needed_by_all) + min(self.send_s[sender] for sender in senders),
        )

    def makespan_s(self, order: Sequence[int]) -> float:
        """Give when the last value has left, and the device is done."""
        jobs = [(self.compute_s[job], self.send_s[job]) for job in order]
        return makespan(jobs, self.link_free_at_s)

    def _computed_s(self, mask: int) -> float:
        return sum(self.compute_s[job] for job in members(mask))


def device_jobs(table: CostTable, head: int, conditions: Conditions) -> DeviceJobs:
    """
    Give the jobs of a closed head.

    Parameters
    ----------
    conditions
        As the planner's setting sees them; without a link nothing is sent, so only all
        on the device makes sense.
    """
    blocks = tuple(members(head))
    position = {block: index for index, block in enumerate(blocks)}
    send_s = _send_s(table, head, conditions.link)
    seconds = table.device_s.tolist()
    return DeviceJobs(
        blocks=blocks,
        compute_s=tuple(conditions.device_slowdown * seconds[block] for block in blocks),
        send_s=tuple(send_s.get(block, 0.0) for block in blocks),
        predecessors=tuple(
            sum(1 << position[source] for source in members(table.predecessors[block]))
            for block in blocks
        ),
        link_free_at_s=send_s.get(None, 0.0),
    )


def _send_s(table: CostTable, head: int, link: LinkConditions | None) -> dict[int | None, float]:
    if link is None or head == table.everything:
        return {}
    return upload_s_by_block(table, head, link)
