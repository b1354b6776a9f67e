"""Shots that nobody took, for what is computed from them."""

from cutpoint.lab.arena.shot import Shot, Spot
from cutpoint.records import Conditions, InferenceRecord, Parts


def shot(
    contender: str,
    latency_s: float,
    *,
    position_s: float = 0.0,
    round_number: int = 0,
    contention: float | None = 1.0,
    reason: str | None = None,
) -> Shot:
    """Give a shot of a latency."""
    record = InferenceRecord(
        request=1,
        at_s=0.0,
        planned="device",
        placement="device",
        cut="device",
        crossing=(),
        server=None,
        predicted=Parts(),
        measured=Parts(head_s=latency_s),
        legs=(),
        sent_bytes=0,
        received_bytes=0,
        fallback_reason=reason,
        conditions=Conditions(),
    )
    spot = Spot("trace", position_s, 0.0)
    return Shot(contender, spot, 0, round_number, record, contention_device=contention)
