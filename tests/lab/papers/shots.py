"""Inferences that nobody ran."""

from cutpoint.lab.arena import Shot
from cutpoint.lab.arena.shot import Spot
from cutpoint.records import Conditions, InferenceRecord, Parts


def shot(
    contender: str,
    latency_s: float,
    *,
    link: str = "1.1 Mbit/s",
    number: int = 0,
    contention: float = 1.0,
    fallback: str | None = None,
) -> Shot:
    """Give one inference of a contender."""
    record = InferenceRecord(
        request=number + 1,
        at_s=float(number),
        planned="server",
        placement="server" if fallback is None else "device",
        cut="server-only",
        crossing=("p",),
        server="edge:1",
        predicted=Parts(upload_s=latency_s),
        measured=Parts(upload_s=latency_s),
        legs=(),
        sent_bytes=1,
        received_bytes=1,
        fallback_reason=fallback,
        conditions=Conditions(),
        codecs=("jpeg:90",),
    )
    spot = Spot(link, 0.0, 0.0)
    return Shot(contender, spot, 0, number, record, contention_server=contention)
