"""The itinerary of a placement: which leg runs where, and what each message between carries."""

from dataclasses import dataclass

from cutpoint.cost.cost_table import CostTable
from cutpoint.exceptions import CostError


@dataclass(frozen=True)
class Message:
    """
    One message over one link; link i joins host i and host i + 1.

    Parameters
    ----------
    link
        Which link.
    is_up
        Whether it goes away from the device.
    size_bytes
        Of everything it carries.
    """

    link: int
    is_up: bool
    size_bytes: float


@dataclass(frozen=True)
class Itinerary:
    """
    Legs in the order in which they run, and the messages between them.

    Parameters
    ----------
    legs
        Host and blocks of each leg.
    messages
        In order; the last may bring outputs back.
    """

    legs: tuple[tuple[int, tuple[int, ...]], ...]
    messages: tuple[Message, ...]


def itinerary(table: CostTable, placement: tuple[int, ...]) -> Itinerary:
    """
    Follow a placement from the inputs to the outputs on the device.

    The host at work runs all it can before it hands over; a message then carries every
    value that is needed on that side and not there yet. A cut gives two legs and one
    message, a placement that goes back and forth as many as it takes.

    Raises
    ------
    CostError
        If the placement has not one known host per block.
    """
    if len(placement) != table.num_blocks:
        raise CostError(
            f"a placement of {len(placement)} blocks for {table.num_blocks} of {table.name!r}"
        )
    if any(not 0 <= host < table.num_hosts for host in placement):
        raise CostError(f"a placement names a host that {table.name!r} has no costs of")
    walk = _Walk(table, placement)
    walk.run()
    return Itinerary(tuple(walk.legs), tuple(walk.messages))


class _Walk:
    """Where the inference is, what ran, and which host holds which value."""

    def __init__(self, table: CostTable, placement: tuple[int, ...]) -> None:
        self.table = table
        self.placement = placement
        self.legs: list[tuple[int, tuple[int, ...]]] = []
        self.messages: list[Message] = []
        self.done = 0
        self.host = 0
        self.made: list[list[int]] = [[] for _ in self.placement]
        self.holders: list[set[int]] = []
        for index, value in enumerate(self.table.values):
            self.holders.append({0} if value.producer is None else set())
            if value.producer is not None:
                self.made[value.producer].append(index)

    def run(self) -> None:
        """Walk until every block ran and every output is on the device."""
        waiting = [list[int]() for _ in range(self.table.num_hosts)]
        for block, host in enumerate(self.placement):
            waiting[host].append(block)
        while any(waiting):
            ran = self._run_what_is_ready(waiting[self.host])
            if ran:
                waiting[self.host] = [b for b in waiting[self.host] if not self.done >> b & 1]
                self.legs.append((self.host, ran))
            elif self.host not in self._ready_hosts(waiting):
                self._hand_over(min(self._ready_hosts(waiting)))
        outputs = [index for index, value in enumerate(self.table.values) if value.is_output]
        # A server at work answers, though it be with nothing but its being done.
        self._send(0, outputs)

    def _run_what_is_ready(self, waiting: list[int]) -> tuple[int, ...]:
        """Run, in topological order, all blocks of the host at work that need no other host."""
        ran = []
        for block in waiting:
            if self.table.predecessors[block] & ~self.done == 0:
                self.done |= 1 << block
                ran.append(block)
                for value in self.made[block]:
                    self.holders[value].add(self.host)
        return tuple(ran)

    def _ready_hosts(self, waiting: list[list[int]]) -> list[int]:
        needs = self.table.predecessors
        return [
            host
            for host, blocks in enumerate(waiting)
            if any(needs[block] & ~self.done == 0 for block in blocks)
        ]

    def _hand_over(self, target: int) -> None:
        is_up = target > self.host
        needed = []
        for index, value in enumerate(self.table.values):
            undone = {self.placement[c] for c in value.consumers if not self.done >> c & 1}
            if self.holders[index] and any(
                host == target or (host > target) == is_up for host in undone
            ):
                needed.append(index)
        self._send(target, needed)
        self.host = target

    def _send(self, target: int, values: list[int]) -> None:
        """Carry values to a host over the links between, one message each; copies stay behind."""
        links = range(min(self.host, target), max(self.host, target))
        carried = {(link, target > self.host): 0.0 for link in links}
        for index in values:
            holders = self.holders[index]
            if target in holders or not holders:
                continue
            source = min(holders, key=lambda host: abs(host - target))
            for link in range(min(source, target), max(source, target)):
                way = (link, target > source)
                carried[way] = carried.get(way, 0.0) + self.table.values[index].size_bytes
            holders.update(range(min(source, target), max(source, target) + 1))
        self.messages += [Message(link, is_up, size) for (link, is_up), size in carried.items()]
