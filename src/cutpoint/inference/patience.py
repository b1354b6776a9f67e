"""How long the device waits for the server before it goes on alone."""

from cutpoint.records import Parts

_TIMES_PREDICTED = 3.0
_LEAST_S = 0.1
"""Answers of a few milliseconds vary by more than their own size."""


def patience_s(predicted: Parts, rest_s: float, deadline_s: float | None) -> float:
    """
    Give the time to wait for the server, from the moment the sending begins.

    Three times what was predicted (a gross miss, not jitter); at least as long as
    the device itself needs for the rest, below which giving up gains nothing. With a
    deadline, early enough that the device can still finish by it; where the device
    could not, even if it gave up before the answer is due, the deadline is the
    server's alone to keep, and giving up early would help nobody.

    Parameters
    ----------
    predicted
        Parts of the plan.
    rest_s
        What the tail takes on the device.
    deadline_s
        Wanted latency of the whole inference; ``None`` for soonest.
    """
    on_server_s = predicted.latency_s - predicted.head_s - predicted.encode_s
    patience = max(_TIMES_PREDICTED * on_server_s, on_server_s + max(rest_s, _LEAST_S))
    if deadline_s is None:
        return patience
    to_spare_s = deadline_s - predicted.head_s - predicted.encode_s - rest_s
    return patience if to_spare_s < on_server_s else min(patience, to_spare_s)
