"""An offload of an exact run that the device gives up, as a session does, and finishes alone."""

from dataclasses import replace
from math import inf

import numpy as np

from cutpoint.cost import Activity, PowerProfile, activity_j
from cutpoint.inference.patience import is_upload_hopeless, patience_s
from cutpoint.records import DEVICE, InferenceRecord, LegRun, Parts
from cutpoint.simulation.world import World

_HEARD_FROM_S, _SEEN_S = 0.06, 0.1
"""Nothing can be said of an upload's progress before; its rate is that of so long."""

_LEAST_WATCH_S, _WATCHES = 0.01, 16
"""An upload is looked after so often, or so many times where it is predicted to take longer."""


def given_up_s(record: InferenceRecord, world: World, rest_s: float) -> float | None:
    """
    Give how long after sending began a session goes on alone; ``None`` if it sees it through.

    It does where an upload lags so far that the tail here is sooner, and where its patience ends,
    by the rules of `cutpoint.inference`. What has passed by now is known from acknowledgements.

    Parameters
    ----------
    record
        As the server would have answered in the end.
    rest_s
        What the device takes from the cut on.

    Notes
    -----
    Simplified beside the client: patience does not learn how late answers usually are, and the
    rate of an upload is the mean over the last 0.1 s of acknowledgements.
    """
    parts, predicted = record.measured, record.predicted
    way_s = parts.latency_s - parts.head_s - parts.encode_s
    patience = patience_s(predicted, rest_s, None)
    hopeless = _hopeless_s(record, world, rest_s, min(parts.upload_s, patience))
    if hopeless is not None:
        return hopeless
    return patience if patience < way_s else None


def _hopeless_s(
    record: InferenceRecord, world: World, rest_s: float, until_s: float
) -> float | None:
    """Give when an upload is called off because it lags."""
    parts, predicted = record.measured, record.predicted
    if until_s <= _HEARD_FROM_S:
        return None
    sent_s = record.at_s + parts.head_s + parts.encode_s
    curve, round_trip_s = world.up_curve, world.delay_up_s + world.delay_down_s
    before = curve.carried_bytes(sent_s)
    if parts.upload_s < inf:
        # Counted back from its end: what was carried before may have been a probe ahead of it.
        passed_s = sent_s + parts.upload_s - world.delay_up_s
        before = max(before, curve.carried_bytes(passed_s) - record.sent_bytes)

    def passed_bytes(since_s: float) -> float:
        heard = curve.carried_bytes(sent_s + max(since_s - round_trip_s, 0.0)) - before
        return min(max(heard, 0.0), float(record.sent_bytes))

    watch_s = max(_LEAST_WATCH_S, predicted.upload_s / _WATCHES)
    for since_s in np.arange(_HEARD_FROM_S, until_s, watch_s):
        span_s = min(_SEEN_S, since_s)
        passed = passed_bytes(since_s)
        rate = (passed - passed_bytes(since_s - span_s)) / span_s
        left_bytes = record.sent_bytes - passed
        remaining_s = left_bytes / rate if rate > 0 else inf
        if is_upload_hopeless(predicted, float(since_s), remaining_s, rest_s):
            return float(since_s)
    return None


def finished_alone(
    record: InferenceRecord, lost_s: float, rest_s: float, power: PowerProfile | None = None
) -> InferenceRecord:
    """
    Give the record of an offload that was given up.

    Parameters
    ----------
    record
        As the server would have answered in the end.
    lost_s
        After so long.
    rest_s
        What the device takes from the cut on.
    power
        What the device draws, if its joules are to be counted.
    """
    parts = record.measured
    alone = Parts(parts.head_s, parts.encode_s, tail_s=rest_s, lost_s=lost_s)
    leg = LegRun(DEVICE, "whole" if record.planned == "server" else "tail", rest_s)
    lagged = lost_s < parts.upload_s
    sending_s = min(lost_s, parts.upload_s)
    given_up = replace(
        record,
        placement="device",
        measured=alone,
        legs=(*(each for each in record.legs if each.host == DEVICE), leg),
        fallback_reason="the upload lagged" if lagged else "no answer in time",
        failed_in="upload" if lagged else "compute",
        received_bytes=0,
    )
    if power is None:
        return given_up
    share = sending_s / parts.upload_s if parts.upload_s > 0 else 1.0
    computing_s = parts.head_s + parts.encode_s + rest_s
    sent_bytes = share * record.sent_bytes
    activity = Activity(alone.latency_s, computing_s, sending_s, sent_bytes=sent_bytes)
    return replace(given_up, energy_j=activity_j(activity, power))
