"""The cost table: what each block takes on each host, and what travels between blocks."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cutpoint.exceptions import CostError
from cutpoint.graph import Grown, grown_sets

Column = NDArray[np.float64]


@dataclass(frozen=True)
class CostValue:
    """
    A value that blocks hand to each other, or that comes in or goes out.

    Parameters
    ----------
    name
        Unique in its table.
    size_bytes
        As it travels.
    producer
        Index of the block that makes it; ``None`` for a model input, which the device has.
    consumers
        Indices of the blocks that use it, ascending.
    is_output
        Whether the device wants it at the end.
    may_cross
        Whether it can travel at all.
    """

    name: str
    size_bytes: float
    producer: int | None
    consumers: tuple[int, ...]
    is_output: bool = False
    may_cross: bool = True


@dataclass(frozen=True)
class Wiring:
    """
    The values that blocks use, as arrays.

    Parameters
    ----------
    used
        Position of each in the table's values. Shape ``(n_used,)``.
    producers
        Block that makes it; the number of blocks stands for an input.
    consumers, starts
        Blocks that use the values, one value after the other, and where each begins.
    sizes
        Bytes.
    returned_bytes
        Per block, bytes of the outputs it makes. Shape ``(n_blocks,)``.
    """

    used: NDArray[np.intp]
    producers: NDArray[np.intp]
    consumers: NDArray[np.intp]
    starts: NDArray[np.intp]
    sizes: Column
    returned_bytes: Column


@dataclass(frozen=True)
class CostTable:
    """
    Seconds per block and host, bytes per value: all that a planner sees of a model.

    Parameters
    ----------
    name
        Of the model.
    blocks
        Names, in a topological order.
    host_s
        Seconds of each block on each idle host. Shape ``(n_hosts, n_blocks)``; host 0
        is the device, 1 the server, 2 (if any) the server behind it.
    values
        What travels.
    memory_bytes
        What a host must hold to run each block. Shape ``(n_blocks,)``; zeros by default.
    sha256
        Hex digest of the model file; empty for costs without a model.

    Raises
    ------
    CostError
        If there is no block, an entry is negative, infinite or NaN, a name is not
        unique, or a value is used before it is made.
    """

    name: str
    blocks: tuple[str, ...]
    host_s: NDArray[np.float64]
    values: tuple[CostValue, ...]
    memory_bytes: Column | None = None
    sha256: str = ""

    def __post_init__(self) -> None:
        if not self.blocks:
            raise CostError(f"cost table {self.name!r} has no blocks: nothing to place")
        if self.host_s.ndim != 2 or self.host_s.shape[1] != len(self.blocks):
            raise CostError(
                f"cost table {self.name!r}: host_s has shape {self.host_s.shape}, expected "
                f"(n_hosts, {len(self.blocks)})"
            )
        if self.host_s.shape[0] < 2:
            raise CostError(f"cost table {self.name!r} needs the device and at least one server")
        for host, row in enumerate(self.host_s):
            self._check_column(f"seconds on host {host}", row)
        if self.memory_bytes is not None:
            self._check_column("memory_bytes", self.memory_bytes)
        self._check_values()

    def _check_column(self, what: str, column: Column) -> None:
        if column.shape != (len(self.blocks),):
            raise CostError(
                f"cost table {self.name!r}: {what} has shape {column.shape}, expected "
                f"({len(self.blocks)},)"
            )
        wrong = np.flatnonzero(~(np.isfinite(column) & (column >= 0)))
        if wrong.size:
            raise CostError(
                f"cost table {self.name!r}: {what} of block {self.blocks[wrong[0]]!r} is "
                f"{column[wrong[0]]}; costs are finite and not negative"
            )

    def _check_values(self) -> None:
        for what, names in (("block", self.blocks), ("value", [v.name for v in self.values])):
            if len(set(names)) != len(names):
                twice = next(name for name in names if list(names).count(name) > 1)
                raise CostError(f"cost table {self.name!r} has two {what}s named {twice!r}")
        for value in self.values:
            if not 0 <= value.size_bytes < np.inf:
                raise CostError(
                    f"cost table {self.name!r}: value {value.name!r} has {value.size_bytes} bytes; "
                    "a size is finite and not negative"
                )
            first = -1 if value.producer is None else value.producer
            if any(not first < consumer < len(self.blocks) for consumer in value.consumers):
                raise CostError(
                    f"cost table {self.name!r}: value {value.name!r} is used by a block that does "
                    "not follow the one that makes it: blocks stand in topological order"
                )

    @property
    def num_blocks(self) -> int:
        """How many blocks."""
        return len(self.blocks)

    @property
    def num_hosts(self) -> int:
        """How many hosts, the device included."""
        return int(self.host_s.shape[0])

    @property
    def device_s(self) -> Column:
        """Seconds of each block on the device. Shape ``(n_blocks,)``."""
        return np.asarray(self.host_s[0])

    @property
    def server_s(self) -> Column:
        """Seconds of each block on the idle server. Shape ``(n_blocks,)``."""
        return np.asarray(self.host_s[1])

    @property
    def everything(self) -> int:
        """All blocks as a bit mask."""
        return (1 << len(self.blocks)) - 1

    @cached_property
    def memory(self) -> Column:
        """Bytes each block needs held. Shape ``(n_blocks,)``."""
        return np.zeros(len(self.blocks)) if self.memory_bytes is None else self.memory_bytes

    @cached_property
    def predecessors(self) -> tuple[int, ...]:
        """Per block, the blocks it needs directly, as a bit mask."""
        masks = [0] * len(self.blocks)
        for value in self.values:
            if value.producer is not None:
                for consumer in value.consumers:
                    masks[consumer] |= 1 << value.producer
        return tuple(masks)

    @cached_property
    def depths(self) -> tuple[int, ...]:
        """Per block, how many blocks the longest way from an input to it has, itself included."""
        depths = [1] * len(self.blocks)
        for source, target in self.arcs():
            depths[target] = max(depths[target], depths[source] + 1)
        return tuple(depths)

    @cached_property
    def wiring(self) -> "Wiring":
        """Who makes and who uses each value that is used, as arrays."""
        used = [index for index, value in enumerate(self.values) if value.consumers]
        counts = [len(self.values[index].consumers) for index in used]
        producers = [self.values[index].producer for index in used]
        made = [v for v in self.values if v.is_output and v.producer is not None]
        return Wiring(
            used=np.array(used, dtype=np.intp),
            # One past the last block stands for the device's inputs.
            producers=np.array([self.num_blocks if p is None else p for p in producers], np.intp),
            consumers=np.array(
                [c for index in used for c in self.values[index].consumers], dtype=np.intp
            ),
            starts=np.cumsum([0, *counts[:-1]], dtype=np.intp)[: len(used)],
            sizes=np.array([self.values[index].size_bytes for index in used]),
            returned_bytes=np.bincount(
                np.array([v.producer for v in made], dtype=np.intp),
                np.array([v.size_bytes for v in made]),
                self.num_blocks,
            ).astype(np.float64),
        )

    @cached_property
    def may_cross(self) -> tuple[bool, ...]:
        """Whether each value can travel at all."""
        return tuple(value.may_cross for value in self.values)

    def grown_heads(self, cap: int) -> Sequence[Grown] | None:
        """
        List every head; ``None`` if there are more than `cap`.

        Blocks of one depth need not each other: a wide level alone has too many heads,
        and is seen before any mask is made. What was listed is kept with the table, for every
        planner and every link that is asked about it.
        """
        if len(self.blocks) > cap or 2 ** min(max(Counter(self.depths).values()), 64) > cap:
            return None
        if cap not in self._listed:
            self._listed[cap] = grown_sets(self.predecessors, cap)
        return self._listed[cap]

    @cached_property
    def _listed(self) -> dict[int, list[Grown] | None]:
        return {}

    def arcs(self) -> Iterator[tuple[int, int]]:
        """Yield (producer, consumer) pairs of blocks, ascending by producer."""
        made = [value for value in self.values if value.producer is not None]
        for value in sorted(made, key=lambda value: value.producer or 0):
            for consumer in value.consumers:
                yield value.producer or 0, consumer


def placement_of(head: int, num_blocks: int) -> tuple[int, ...]:
    """Give host 0 to the blocks of a head and host 1 to the others."""
    return tuple(0 if head >> block & 1 else 1 for block in range(num_blocks))


def head_of(placement: tuple[int, ...]) -> int:
    """Give the blocks on the device as a bit mask."""
    head = 0
    for block, host in enumerate(placement):
        if host == 0:
            head |= 1 << block
    return head
