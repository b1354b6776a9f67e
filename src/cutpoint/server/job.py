"""A job: one admitted request on its way through the stages of its tail."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field

from cutpoint.graph import Arrays
from cutpoint.server.decode_step import DecodeStep
from cutpoint.server.stage import Stage


def _nobody(*_: object) -> None:
    """Tell nobody."""


@dataclass(eq=False)
class Job:
    """
    One admitted request.

    Parameters
    ----------
    stages
        What it has to go through, in order.
    values
        Fed at first; what was made is added on the way.
    is_cancelled
        Whether nobody wants the answer any more.
    on_ended
        Told once, outside of any lock: the job, and why there is no answer (``None`` if
        there is).
    on_started
        Told when it is taken out of the queue first.
    remaining_s
        Seconds until its answer is of no use, from when it is admitted.
    size
        How large it is beside the request the stages were timed with.
    is_expected
        Whether the stages' times say anything about a request like this.
    kept
        Names of values still needed after each stage; ``None`` keeps all.
    decoding
        To be done before the first stage; ``None`` if nothing came encoded, or it is done.
    wait_s, tail_s, decode_s, batch_sum
        How long it waited, ran and was decoded, and with how many it ran in each stage, added up.
    cpu_s
        CPU time of the worker that ran and decoded it, others of its batches included; noted by
        the worker itself.
    """

    stages: Sequence[Stage]
    values: Arrays
    is_cancelled: Callable[[], bool] = bool
    on_ended: Callable[["Job", BaseException | None], None] = _nobody
    on_started: Callable[[], None] = _nobody
    remaining_s: float | None = None
    size: float = 1.0
    is_expected: bool = True
    kept: Sequence[frozenset[str]] | None = None
    decoding: DecodeStep | None = None

    wait_s: float = 0.0
    tail_s: float = 0.0
    decode_s: float = 0.0
    cpu_s: float = 0.0
    batch_sum: int = 0

    number: int = field(default=-1, init=False)
    position: int = field(default=0, init=False)
    deadline_s: float | None = field(default=None, init=False)
    queued_at_s: float = field(default=0.0, init=False)
    held_s: float = field(default=0.0, init=False)
    has_begun: bool = field(default=False, init=False)
    has_told: bool = field(default=False, init=False)
    kin: Hashable | None = field(default=None, init=False)
    _left_s: tuple[float, ...] = field(default=(), init=False, repr=False)
    _decoding_s: float = field(default=0.0, init=False, repr=False)

    def __post_init__(self) -> None:
        left = [0.0]
        for stage in reversed(self.stages):
            left.append(left[-1] + stage.time_s(self.size))
        self._left_s = tuple(reversed(left))
        self._decoding_s = 0.0
        if self.decoding is not None:
            self._decoding_s = self.decoding.expected_s
            self.values = {**self.values, **self.decoding.promised()}
        self._find_kin()

    @property
    def stage(self) -> Stage:
        """What comes next."""
        return self.stages[self.position]

    @property
    def is_through(self) -> bool:
        """Whether nothing is left to run."""
        return self.position >= len(self.stages)

    @property
    def undecoded_s(self) -> float:
        """What is to be decoded yet takes this long on the idle server."""
        return 0.0 if self.decoding is None else self.decoding.expected_s

    @property
    def left_s(self) -> float:
        """What is left takes this long on the idle server, alone."""
        return self._left_s[self.position] + self.undecoded_s

    @property
    def whole_s(self) -> float:
        """All of it takes this long on the idle server, alone."""
        return self._left_s[0] + self._decoding_s

    @property
    def batch(self) -> float:
        """Requests that ran together, mean over its stages; 0 if none ran."""
        return self.batch_sum / self.position if self.position else 0.0

    def left_behind_s(self, stages: int) -> float:
        """Give what is left after so many more stages, before which all is decoded."""
        return self._left_s[min(self.position + stages, len(self.stages))]

    def decoded(self, arrays: Arrays, took_s: float) -> None:
        """Take what was encoded for what it is; only now is it known whom it may run with."""
        self.values = {**self.values, **arrays}
        self.decode_s += took_s
        self.decoding = None
        self._find_kin()

    def advance(self, made: Arrays, took_s: float, together: int) -> None:
        """Go on to the next stage."""
        self.values = {**self.values, **made}
        if self.kept is not None:
            kept = self.kept[self.position]
            self.values = {name: each for name, each in self.values.items() if name in kept}
        self.tail_s += took_s
        self.batch_sum += together
        self.position += 1
        self._find_kin()

    def _find_kin(self) -> None:
        self.kin = None
        if not self.is_through and self.stage.can_batch:
            self.kin = self.stage.kin(self.values)
