"""How long the device waits for the server before it goes on alone."""

from cutpoint.records import Parts

_TIMES_PREDICTED = 3.0
_LEAST_S = 0.1
"""Answers of a few milliseconds vary by more than their own size."""


def patience_s(predicted: Parts, rest_s: float, deadline_s: float | None) -> float:
    """
    Give the time to wait for the server, from the moment the sending begins.

    Three times what was predicted (a gross miss, not jitter); at least as long as
    the device itself needs for the rest, below which giving up gains nothing; and
    early enough that the device can still finish by the deadline.

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
    spent_s = predicted.head_s + predicted.encode_s
    return max(min(patience, deadline_s - spent_s - rest_s), 0.0)
