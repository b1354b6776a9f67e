"""Stages that run on ONNX Runtime: one segment, or the segments of a whole tail."""

from collections.abc import Callable, Hashable, Sequence

from cutpoint.cost.batch_times import BatchTimes
from cutpoint.exceptions import CutpointError, RemoteExecutionError
from cutpoint.execution.batched_segment import BatchedSegment
from cutpoint.execution.segment_session import SegmentSession
from cutpoint.graph import Arrays, Segment
from cutpoint.server.turns import LEAST_GAIN


class SegmentStage:
    """
    One segment of a model, the same for every request that comes to it.

    Parameters
    ----------
    model
        Whose, for messages.
    segment
        What runs.
    session
        Runs it for one request.
    batched
        Runs it for several as one; ``None`` if that may not be.
    times
        What it takes on the idle server.
    """

    def __init__(
        self,
        model: str,
        segment: Segment,
        session: SegmentSession,
        batched: BatchedSegment | None,
        times: BatchTimes,
    ) -> None:
        self.segment = segment
        self._model = model
        self._session = session
        self._batched = batched
        self._times = times

    def __repr__(self) -> str:
        return f"<SegmentStage {self.segment.id} of {self._model}>"

    @property
    def can_batch(self) -> bool:
        """Whether several requests may run as one."""
        return self._batched is not None

    def kin(self, values: Arrays) -> Hashable | None:
        """Give what requests must have in common to run as one; ``None`` if this one cannot."""
        return None if self._batched is None else self._batched.kin(values)

    def time_s(self, size: float) -> float:
        """Give what a batch of this size takes on the idle server."""
        return self._times.time_s(size)

    def pays(self, num: int) -> bool:
        """Tell whether so many run quicker as one than one by one."""
        alone_s = num * self._times.time_s(1)
        return self.can_batch and self._times.time_s(num) <= (1 - LEAST_GAIN) * alone_s

    def run(self, batch: Sequence[Arrays], is_stopped: Callable[[], bool]) -> list[Arrays]:
        """
        Run for each of a batch; several run as one.

        Raises
        ------
        RemoteExecutionError
            If ONNX Runtime failed.
        """
        try:
            if self._batched is None or len(batch) == 1:
                return [self._run_alone(values) for values in batch]
            return self._batched.run(batch)
        except CutpointError:
            raise
        except Exception as error:  # ONNX Runtime raises a class per status, none public
            raise RemoteExecutionError(f"{self._model}: {error}") from error

    def _run_alone(self, values: Arrays) -> Arrays:
        return dict(zip(self.segment.outputs, self._session.run(values), strict=True))


class TailStage:
    """
    All segments of one tail as one stage: requests meet where they enter, or not at all.

    Parameters
    ----------
    stages
        Of the segments, in order.
    """

    def __init__(self, stages: Sequence[SegmentStage]) -> None:
        self._stages = tuple(stages)

    def __repr__(self) -> str:
        return f"<TailStage of {len(self._stages)}>"

    @property
    def can_batch(self) -> bool:
        """Whether several requests may run as one in the first segment."""
        return bool(self._stages) and self._stages[0].can_batch

    def kin(self, values: Arrays) -> Hashable | None:
        """Give what requests must have in common to run as one; ``None`` if this one cannot."""
        return self._stages[0].kin(values) if self._stages else None

    def time_s(self, size: float) -> float:
        """Give what a batch of this size takes on the idle server."""
        return sum(
            min(stage.time_s(size), size * stage.time_s(1))
            if stage.can_batch
            else size * stage.time_s(1)
            for stage in self._stages
        )

    def run(self, batch: Sequence[Arrays], is_stopped: Callable[[], bool]) -> list[Arrays]:
        """
        Run the segments one after the other; what is left is not run once it is stopped.

        Raises
        ------
        RemoteExecutionError
            If ONNX Runtime failed.
        """
        values = [dict(each) for each in batch]
        for stage in self._stages:
            if is_stopped():
                break
            for each, made in zip(values, self._made(stage, values, is_stopped), strict=True):
                each.update(made)
        return values

    @staticmethod
    def _made(
        stage: SegmentStage, values: list[Arrays], is_stopped: Callable[[], bool]
    ) -> list[Arrays]:
        if len(values) > 1 and stage.pays(len(values)):
            kin = {stage.kin(each) for each in values}
            if len(kin) == 1 and None not in kin:
                return stage.run(values, is_stopped)
        return [stage.run([each], is_stopped)[0] for each in values]
