"""What a batch takes, from the few sizes that were timed."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping

from cutpoint.records import Sample


class BatchTimes:
    """
    Seconds by size of the batch: between measured sizes on a straight line.

    Beyond the largest one that was timed nothing more is saved: twice as much takes
    twice as long. A piece smaller than one takes its share.

    Parameters
    ----------
    measured
        Seconds by size; size 1 is among them.
    """

    def __init__(self, measured: Mapping[int, float]) -> None:
        self.sizes = tuple(sorted(measured))
        self._times_s = tuple(measured[size] for size in self.sizes)
        if not self.sizes or self.sizes[0] != 1:
            raise ValueError(f"batches of {self.sizes} were timed: one of 1 is needed")

    def __repr__(self) -> str:
        pairs = zip(self.sizes, self._times_s, strict=True)
        return f"<BatchTimes {', '.join(f'{size}: {time_s:.3g} s' for size, time_s in pairs)}>"

    @property
    def measured(self) -> dict[int, float]:
        """Seconds by size, as they were timed."""
        return dict(zip(self.sizes, self._times_s, strict=True))

    def time_s(self, size: float) -> float:
        """Give what a batch of this size takes, in requests like the one that was timed."""
        if size <= 1:
            return self._times_s[0] * size
        if size >= self.sizes[-1]:
            return self._times_s[-1] * size / self.sizes[-1]
        above = bisect_left(self.sizes, size)
        low, high = self.sizes[above - 1], self.sizes[above]
        low_s, high_s = self._times_s[above - 1], self._times_s[above]
        return low_s + (high_s - low_s) * (size - low) / (high - low)


def batch_times(samples: Iterable[Sample]) -> dict[str, BatchTimes]:
    """
    Give the times of segments by their ids: the quickest of their runs.

    What is compared are sizes that were timed one after the other, and what disturbs a run
    only makes it longer. A segment that was timed alone only is taken to save nothing.
    """
    runs: dict[str, dict[int, list[float]]] = {}
    for sample in samples:
        if sample.kind == "segment":
            sizes = runs.setdefault(sample.subject, {})
            sizes.setdefault(sample.batch, []).append(sample.duration_s)
    return {
        segment: BatchTimes({size: min(times) for size, times in sizes.items()})
        for segment, sizes in runs.items()
        if 1 in sizes
    }
