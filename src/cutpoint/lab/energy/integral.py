"""The power of a device over the time of one record, added up moment by moment."""

from collections.abc import Iterator
from itertools import pairwise

from cutpoint.cost import PowerProfile
from cutpoint.records import InferenceRecord, Parts

_STEPS = 2_000


def integrated_j(record: InferenceRecord, power: PowerProfile, num_steps: int = _STEPS) -> float:
    """
    Lay the parts of a record end to end, and integrate what the device draws over them.

    This knows the parts of a record and what each draws, and nothing of how `energy_j` came about;
    what overlapped (bytes that left while it encoded) a record does not tell.

    Parameters
    ----------
    num_steps
        Of the midpoint rule.

    Returns
    -------
    float
        Joules; bytes are added for what they cost each.
    """
    spans = list(_spans(record, power))
    ends_s = [0.0]
    for duration_s, _ in spans:
        ends_s.append(ends_s[-1] + duration_s)
    drawn = list(zip(pairwise(ends_s), (watts for _, watts in spans), strict=True))
    step_s = ends_s[-1] / num_steps
    moments = ((index + 0.5) * step_s for index in range(num_steps))
    joules = step_s * sum(_watts_at(drawn, at_s) for at_s in moments)
    return (
        joules
        + power.send_w_per_bytes_per_s * record.sent_bytes
        + power.receive_w_per_bytes_per_s * record.received_bytes
    )


def _watts_at(drawn: list[tuple[tuple[float, float], float]], at_s: float) -> float:
    return next((watts for (begin, end), watts in drawn if begin <= at_s < end), 0.0)


def _spans(record: InferenceRecord, power: PowerProfile) -> Iterator[tuple[float, float]]:
    """Give how long each part took, and the watts of it."""
    measured: Parts = record.measured
    is_here = record.placement == "device"
    raced_w = power.compute_w - power.idle_w if record.race and not is_here else 0.0
    yield measured.head_s, power.compute_w
    yield measured.encode_s, power.compute_w
    yield measured.lost_s, power.send_w
    yield measured.upload_s, power.send_w + raced_w
    yield measured.wait_s, power.idle_w + raced_w
    yield measured.tail_s, (power.compute_w if is_here else power.idle_w) + raced_w
    yield measured.download_s, power.receive_w + raced_w
