"""Drawn flow shops with precedence on the device, and their best order by trying all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

from cutpoint.cost.flow_shop import makespan

Order = Callable[[Sequence[float], Sequence[float], Sequence[int]], tuple[int, ...]]


@dataclass(frozen=True)
class Shop:
    """Seconds on the device and on the link, and who needs whom as bit masks."""

    compute_s: list[float]
    send_s: list[float]
    predecessors: list[int]
    link_free_at_s: float = 0.0

    def makespan_s(self, order: Sequence[int]) -> float:
        """Give what an order takes, after checking that it is one."""
        done = 0
        for vertex in order:
            assert not self.predecessors[vertex] & ~done, "before something it needs"
            done |= 1 << vertex
        assert done == (1 << len(self.predecessors)) - 1, "not every vertex once"
        assert len(order) == len(self.predecessors), "a vertex twice"
        jobs = [(self.compute_s[vertex], self.send_s[vertex]) for vertex in order]
        return makespan(jobs, self.link_free_at_s)

    def gap_of(self, schedule: Order) -> float:
        """Give by which share a schedule takes longer than the best order."""
        order = schedule(self.compute_s, self.send_s, self.predecessors)
        best_s = self.least_makespan_s()
        return self.makespan_s(order) / best_s - 1 if best_s else 0.0

    def least_makespan_s(self) -> float:
        """Try every order."""
        return self._least_s(0, 0.0, self.link_free_at_s)

    def _least_s(self, done: int, computed_s: float, sent_s: float) -> float:
        if done == (1 << len(self.predecessors)) - 1:
            return max(computed_s, sent_s)
        least_s = inf
        for vertex, needed in enumerate(self.predecessors):
            if done >> vertex & 1 or needed & ~done:
                continue
            at_s = computed_s + self.compute_s[vertex]
            free_s = max(sent_s, at_s) + self.send_s[vertex] if self.send_s[vertex] else sent_s
            least_s = min(least_s, self._least_s(done | 1 << vertex, at_s, free_s))
        return least_s


def drawn(
    rng: np.random.Generator, predecessors: Sequence[int], share_of_senders: float = 0.7
) -> Shop:
    """Draw whole seconds; a share of the vertices sends something, often inputs do as well."""
    count = len(predecessors)
    sends = rng.random(count) < share_of_senders
    return Shop(
        rng.integers(0, 20, count).astype(float).tolist(),
        (sends * rng.integers(1, 20, count)).astype(float).tolist(),
        list(predecessors),
        float(rng.choice([0, 0, rng.integers(1, 20)])),
    )


def random_paths(rng: np.random.Generator, num_blocks: int) -> list[int]:
    """Draw independent paths whose vertices are numbered alternately."""
    masks, ends = [], [-1] * int(rng.integers(1, 5))
    for vertex in range(num_blocks):
        path = int(rng.integers(len(ends)))
        masks.append(1 << ends[path] if ends[path] >= 0 else 0)
        ends[path] = vertex
    return masks


def random_out_tree(rng: np.random.Generator, num_blocks: int) -> list[int]:
    """Draw a tree in which every vertex but the first needs one before it."""
    return [0, *(1 << int(rng.integers(vertex)) for vertex in range(1, num_blocks))]


def random_in_tree(rng: np.random.Generator, num_blocks: int) -> list[int]:
    """Draw a tree in which every vertex but the last is needed by one after it."""
    masks = [0] * num_blocks
    for vertex in range(num_blocks - 1):
        masks[int(rng.integers(vertex + 1, num_blocks))] |= 1 << vertex
    return masks


def random_dag(rng: np.random.Generator, num_blocks: int) -> list[int]:
    """Draw a DAG in which each earlier vertex is needed with probability 0.3."""
    return [
        sum(1 << source for source in range(vertex) if rng.random() < 0.3)
        for vertex in range(num_blocks)
    ]
