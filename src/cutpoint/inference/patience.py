"""How long the device waits for the server before it goes on alone."""

from cutpoint.records import Parts

_TIMES_PREDICTED = 3.0
_LEAST_S = 0.1
"""Answers of a few milliseconds vary by more than their own size."""

_TIMES_UPLOAD, _UPLOAD_MARGIN_S = 1.5, 0.02
"""An upload this much longer than predicted is another link than the one planned for."""

_TIMES_REST = 1.1
"""Waiting must cost this much more than the tail here: giving up wastes what was sent."""


def patience_s(
    predicted: Parts,
    rest_s: float,
    deadline_s: float | None,
    times_predicted: float | None = None,
) -> float:
    """
    Give the time to wait for the server, from the moment the sending begins.

    As far beyond what was predicted as this server's answers ever are. Where that is not
    known yet, three times what was predicted (a gross miss, not jitter), and at least as long
    as the device itself needs for the rest, below which giving up gains little. With a
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
    times_predicted
        How many times what is predicted an answer may take and still be on its way, from how
        late they were; ``None`` where that is not known.
    """
    on_server_s = predicted.latency_s - predicted.head_s - predicted.encode_s
    if times_predicted is None:
        patience = max(_TIMES_PREDICTED * on_server_s, on_server_s + max(rest_s, _LEAST_S))
    else:
        patience = max(times_predicted * on_server_s, on_server_s + _LEAST_S)
    if deadline_s is None:
        return patience
    to_spare_s = deadline_s - predicted.head_s - predicted.encode_s - rest_s
    return patience if to_spare_s < on_server_s else min(patience, to_spare_s)


def is_answer_late(predicted: Parts, elapsed_s: float) -> bool:
    """
    Tell whether a server that lost a race is grossly late, which is no mere bad luck.

    Parameters
    ----------
    predicted
        Parts of the plan.
    elapsed_s
        Since the sending began.
    """
    on_server_s = predicted.latency_s - predicted.head_s - predicted.encode_s
    return elapsed_s > max(_TIMES_PREDICTED * on_server_s, on_server_s + _LEAST_S)


def is_upload_hopeless(
    predicted: Parts, elapsed_s: float, remaining_s: float, rest_s: float
) -> bool:
    """
    Tell whether an upload is to be given up for the tail here.

    It is where it goes grossly beyond what was predicted, and seeing it through, with all that
    follows it, would take clearly longer than the tail on the device. Both: a plan that sends
    though the device is faster is the policy's will, and an upload that is late but nearly
    there is seen through.

    Parameters
    ----------
    predicted
        Parts of the plan.
    elapsed_s
        Since the sending began.
    remaining_s
        What is left of the upload will take at least this long at the rate now seen.
    rest_s
        What the tail takes on the device.
    """
    if elapsed_s + remaining_s < _TIMES_UPLOAD * predicted.upload_s + _UPLOAD_MARGIN_S:
        return False
    after_s = predicted.wait_s + predicted.tail_s + predicted.download_s
    return remaining_s + after_s > _TIMES_REST * rest_s + _LEAST_S
