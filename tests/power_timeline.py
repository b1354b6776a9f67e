"""An integrator of power over time that knows nothing of parts: what joules are checked by."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from cutpoint.cost import PowerProfile

Span = tuple[float, float]


@dataclass
class PowerTimeline:
    """Spans of time in which a device did something; any of them may overlap."""

    power: PowerProfile
    computing: list[Span] = field(default_factory=list)
    sending: list[Span] = field(default_factory=list)
    receiving: list[Span] = field(default_factory=list)
    sent_bytes: float = 0.0
    received_bytes: float = 0.0

    def watts_at(self, at_s: float) -> float:
        """Give what it draws at a moment: idling, and what each thing it does adds."""
        power = self.power
        watts = power.idle_w
        for spans, busy_w in (
            (self.computing, power.compute_w),
            (self.sending, power.send_w),
            (self.receiving, power.receive_w),
        ):
            if any(begin <= at_s < end for begin, end in spans):
                watts += busy_w - power.idle_w
        return (
            watts
            + self._rate_at(at_s, self.sending, self.sent_bytes) * power.send_w_per_bytes_per_s
            + self._rate_at(at_s, self.receiving, self.received_bytes)
            * power.receive_w_per_bytes_per_s
        )

    def joules(self, begin_s: float, end_s: float, num_steps: int = 20_000) -> float:
        """Give the integral of the watts by the midpoint rule, on a grid."""
        step_s = (end_s - begin_s) / num_steps
        return step_s * sum(
            self.watts_at(begin_s + (index + 0.5) * step_s) for index in range(num_steps)
        )

    def exact_joules(self, begin_s: float, end_s: float) -> float:
        """
        Give the same where it only changes at the ends of spans: nothing falls between.

        Bytes that were moved in no time are counted, too.
        """
        spans = (*self.computing, *self.sending, *self.receiving)
        ends = {begin_s, end_s, *(at_s for span in spans for at_s in span)}
        edges = sorted(each for each in ends if begin_s <= each <= end_s)
        over_time_j = sum(
            (later - sooner) * self.watts_at((sooner + later) / 2)
            for sooner, later in pairwise(edges)
        )
        return over_time_j + self._of_instant_bytes_j()

    def _of_instant_bytes_j(self) -> float:
        moved = (
            (self.sending, self.sent_bytes, self.power.send_w_per_bytes_per_s),
            (self.receiving, self.received_bytes, self.power.receive_w_per_bytes_per_s),
        )
        return sum(
            size_bytes * per_byte_j
            for spans, size_bytes, per_byte_j in moved
            if sum(end - begin for begin, end in spans) <= 0
        )

    @staticmethod
    def _rate_at(at_s: float, spans: Sequence[Span], size_bytes: float) -> float:
        if not any(begin <= at_s < end for begin, end in spans):
            return 0.0
        return size_bytes / sum(end - begin for begin, end in spans)
