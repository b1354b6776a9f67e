"""The one energy objective: the only place where joules are computed from parts.

::

    E = idle * T                                     the whole inference, by the wall
      + (compute - idle) * computing                 head, encoding, and a tail or race here
      + (send - idle) * sending + per byte * s       first byte handed to the link -> last there
      + (receive - idle) * receiving + per byte * s_out

Computing and sending draw side by side: whatever one of them draws beyond idling adds to the
other. Where nothing overlaps this is the sum of each part by its watts.
"""

from dataclasses import dataclass
from math import inf
from typing import overload

import numpy as np

from cutpoint.cost.cost_table import Column
from cutpoint.cost.latency import UNUSABLE_S, Prediction
from cutpoint.cost.power import PowerProfile
from cutpoint.cost.rows import Rows
from cutpoint.records import Conditions, Parts


@dataclass(frozen=True)
class Activity:
    """
    What the device did during one inference; the times may overlap.

    Parameters
    ----------
    duration_s
        Inputs given -> outputs ready.
    computing_s
        How long of that it computed, whether it sent meanwhile or not.
    sending_s
        How long values were on their way up, all attempts together.
    receiving_s
        How long outputs were on their way down.
    sent_bytes, received_bytes
        Payload that was moved.
    """

    duration_s: float
    computing_s: float
    sending_s: float = 0.0
    receiving_s: float = 0.0
    sent_bytes: float = 0.0
    received_bytes: float = 0.0


def activity_j(activity: Activity, power: PowerProfile) -> float:
    """
    Give what an inference cost the device: its power, integrated over what it did.

    Returns
    -------
    float
        Joules. Only the device is counted: while the tail runs on the server, it idles.
    """
    idle_w = power.idle_w
    return (
        idle_w * activity.duration_s
        + (power.compute_w - idle_w) * activity.computing_s
        + (power.send_w - idle_w) * activity.sending_s
        + (power.receive_w - idle_w) * activity.receiving_s
        + power.send_w_per_bytes_per_s * activity.sent_bytes
        + power.receive_w_per_bytes_per_s * activity.received_bytes
    )


@overload
def energy_j(parts: Parts, power: PowerProfile, conditions: Conditions) -> float: ...


@overload
def energy_j(parts: Prediction, power: PowerProfile, conditions: Conditions) -> Column: ...


def energy_j(
    parts: Parts | Prediction, power: PowerProfile, conditions: Conditions
) -> float | Column:
    """
    Give what an inference, or each row of a prediction, costs the device, one part after another.

    The rate at which it sends is the bandwidth of `conditions`, except during the
    fixed time of a message, when nothing moves. After an offload that was lost, the
    tail ran on the device and counts as computing, what was lost as sending.

    Parameters
    ----------
    parts
        Predicted or measured.
    power
        Of the device.
    conditions
        Under which the parts were predicted.

    Returns
    -------
    float or array
        Joules; infinite where the latency is. Shape ``(n_rows,)`` for a prediction.

    Notes
    -----
    Parts do not tell what overlapped, nor what a race computed: the joules of an inference that
    has ended are `activity_j` of what it did, `InferenceRecord.energy_j`.
    """
    columns = [
        np.asarray(getattr(parts, f"{each}_s"), dtype=float)
        for each in ("head", "encode", "upload", "wait", "tail", "download")
    ]
    head_s, encode_s, upload_s, wait_s, tail_s, download_s = columns
    lost_s = parts.lost_s if isinstance(parts, Parts) else 0.0
    # A lost offload is the only way for a tail to run on the device.
    tail_w = power.compute_w if lost_s > 0 else power.idle_w
    with np.errstate(invalid="ignore"):  # no watts for ever: settled below
        joules = (
            power.compute_w * (head_s + encode_s)
            + power.send_w * (upload_s + lost_s)
            + power.receive_w * download_s
            + power.idle_w * wait_s
            + tail_w * tail_s
            + _of_bytes_j(upload_s, download_s, power, conditions)
        )
    joules = np.where(np.isinf(parts.latency_s), inf, joules)
    return float(joules) if isinstance(parts, Parts) else joules


def moved_energy_j(prediction: Prediction, rows: Rows, power: PowerProfile) -> Column:
    """
    Give what rows cost the device whose bytes are known, at whatever rates they were moved.

    Parameters
    ----------
    prediction
        Parts of every row, or of every row at many moments. Shape ``(..., n_rows)``.
    rows
        What each of them moves.

    Returns
    -------
    array
        Joules, as `activity_j` counts them; infinite where the latency is. Shape as the parts.
    """
    idle_w = power.idle_w
    with np.errstate(invalid="ignore"):  # no watts for ever: settled below
        joules = (
            idle_w * prediction.latency_s
            + (power.compute_w - idle_w) * (prediction.head_s + prediction.encode_s)
            + (power.send_w - idle_w) * prediction.upload_s
            + (power.receive_w - idle_w) * prediction.download_s
            + power.send_w_per_bytes_per_s * rows.up_bytes
            + power.receive_w_per_bytes_per_s * rows.down_bytes
        )
    found: Column = np.where(np.isinf(prediction.latency_s), inf, joules)
    return found


def energy_weights(
    conditions: Conditions, power: PowerProfile
) -> tuple[float, float, float, float, float]:
    """
    Give what each of the `row_terms` weighs now in joules, as `condition_weights` does in seconds.

    The joules of a row are linear in the same five terms as its latency::

        [g * compute, send * a + idle * W + receive * a_down, send / B + per byte, idle * k,
         receive / B_down + per byte]

    A server that cannot be used makes offloading weigh `UNUSABLE_S`, which no energy is.
    """
    link, load = conditions.link, conditions.load
    device_w = conditions.device_slowdown * power.compute_w
    if link is None or conditions.unavailable is not None:
        return (device_w, UNUSABLE_S, 0.0, 0.0, 0.0)
    up, down = link.bandwidth_up_bytes_per_s, link.bandwidth_down_bytes_per_s
    return (
        device_w,
        power.send_w * link.message_up_s
        + power.idle_w * load.wait_s
        + power.receive_w * link.message_down_s,
        power.send_w / up + (power.send_w_per_bytes_per_s if up < inf else 0.0),
        power.idle_w * load.slowdown,
        power.receive_w / down + (power.receive_w_per_bytes_per_s if down < inf else 0.0),
    )


def _of_bytes_j(
    upload_s: Column, download_s: Column, power: PowerProfile, conditions: Conditions
) -> Column:
    """Give the joules that the rates add: as many per byte moved."""
    link = conditions.link
    if link is None:
        return np.zeros_like(upload_s)
    sent = _moved_bytes(upload_s, link.message_up_s, link.bandwidth_up_bytes_per_s)
    received = _moved_bytes(download_s, link.message_down_s, link.bandwidth_down_bytes_per_s)
    return power.send_w_per_bytes_per_s * sent + power.receive_w_per_bytes_per_s * received


def _moved_bytes(time_s: Column, message_s: float, bandwidth_bytes_per_s: float) -> Column:
    # Over an unlimited link nothing takes time, and how much moved is not known.
    if bandwidth_bytes_per_s == inf:
        return np.zeros_like(time_s)
    return np.maximum(time_s - message_s, 0.0) * bandwidth_bytes_per_s
