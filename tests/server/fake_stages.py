"""Stages that run nothing: of made-up times, or held until they are let go."""

from collections.abc import Callable, Hashable, Sequence
from threading import Event

from cutpoint.cost.batch_times import BatchTimes
from cutpoint.graph import Arrays


class MadeUpStage:
    """
    A stage of stated times that notes what it ran.

    Parameters
    ----------
    name
        Of the value it makes.
    times_s
        Seconds by size of the batch; of one only, it runs nobody together.
    advance
        Told what each run takes.
    """

    def __init__(
        self,
        name: str,
        times_s: dict[int, float],
        advance: Callable[[float], None] = lambda _: None,
    ) -> None:
        self.name = name
        self.times = BatchTimes(times_s)
        self.batches: list[int] = []
        self._advance = advance

    def __repr__(self) -> str:
        return f"<MadeUpStage {self.name}>"

    @property
    def can_batch(self) -> bool:
        """Whether times of batches are stated."""
        return len(self.times.sizes) > 1

    def kin(self, values: Arrays) -> Hashable | None:
        """Give what requests have in common: what a test calls so."""
        return values.get("kin", "all") if self.can_batch else None

    def time_s(self, size: float) -> float:
        """Give the stated time."""
        return self.times.time_s(size)

    def run(self, batch: Sequence[Arrays], is_stopped: Callable[[], bool]) -> list[Arrays]:
        """Make a number for each: one more than what it was fed."""
        self.batches.append(len(batch))
        self._advance(self.time_s(len(batch)))
        return [{"x": values["x"] + 1} for values in batch]


class GateStage(MadeUpStage):
    """A stage that runs until it is let go."""

    def __init__(self, name: str = "gate", time_s: float = 0.0) -> None:
        super().__init__(name, {1: time_s})
        self.began = Event()
        self.opened = Event()

    def run(self, batch: Sequence[Arrays], is_stopped: Callable[[], bool]) -> list[Arrays]:
        """Wait for the gate."""
        self.began.set()
        assert self.opened.wait(30)
        return super().run(batch, is_stopped)
