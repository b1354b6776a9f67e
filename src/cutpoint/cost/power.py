"""What an inference costs the device in joules."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from types import MappingProxyType
from typing import overload

import msgspec
import numpy as np

from cutpoint.cost.cost_table import Column
from cutpoint.cost.latency import Prediction
from cutpoint.exceptions import CostError, PlannerError
from cutpoint.records import Conditions, Parts


@dataclass(frozen=True)
class PowerProfile:
    """
    What a device draws, in watts, by what it does.

    While it sends, it draws ``send_w + send_w_per_bytes_per_s * bandwidth``; the second
    term amounts to so many joules per byte. Receiving alike.

    Parameters
    ----------
    name
        By which it is chosen.
    compute_w, idle_w
        Of the whole device, computing and waiting.
    send_w, receive_w
        Of the whole device with its radio at work, before any rate is counted.
    source
        Where the figures are from: a paper, a data sheet, a meter.
    send_w_per_bytes_per_s, receive_w_per_bytes_per_s
        What a rate of one byte per second adds.

    Raises
    ------
    CostError
        If a figure is negative, infinite or NaN.
    """

    name: str
    compute_w: float
    idle_w: float
    send_w: float
    receive_w: float
    source: str
    send_w_per_bytes_per_s: float = 0.0
    receive_w_per_bytes_per_s: float = 0.0

    def __post_init__(self) -> None:
        for field in _FIGURES:
            figure = getattr(self, field)
            if not 0 <= figure < inf:
                raise CostError(
                    f"power profile {self.name!r}: {field} is {figure}; "
                    "give watts that are finite and not negative"
                )


_FIGURES = (
    "compute_w",
    "idle_w",
    "send_w",
    "receive_w",
    "send_w_per_bytes_per_s",
    "receive_w_per_bytes_per_s",
)


@overload
def energy_j(parts: Parts, power: PowerProfile, conditions: Conditions) -> float: ...


@overload
def energy_j(parts: Prediction, power: PowerProfile, conditions: Conditions) -> Column: ...


def energy_j(
    parts: Parts | Prediction, power: PowerProfile, conditions: Conditions
) -> float | Column:
    """
    Give what an inference, or each row of a prediction, costs the device.

    ::

        E = compute * (head + encode) + send * upload + receive * download
          + idle * (wait + tail)

    Only the device is counted: while the tail runs on the server, the device idles.
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
    Parts of an overlapped inference hold only what is left of the upload when the
    device is done, so the energy of sending meanwhile is missing; so is that of a race
    run locally after sending.
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


_W_PER_BYTES_PER_S = 1e-3 / (1e6 / 8)
"""One mW per Mbit/s, as papers state it."""

_PI_4B_IDLE_W, _PI_4B_BUSY_W = 2.7, 6.4

_PI_4B_SOURCE = (
    "board: Raspberry Pi 4 B, idle and with all four cores busy, J. Geerling, Pi Dramble, "
    "power consumption benchmarks"
)

_RADIO_SOURCE = (
    "radio: Huang, Qian, Gerber, Mao, Sen, Spatscheck, A Close Examination of Performance and "
    "Power Characteristics of 4G LTE Networks, MobiSys 2012, power model of data transfer"
)


def _pi_4b(
    radio: str, up_mw_per_mbit_s: float, down_mw_per_mbit_s: float, base_mw: float
) -> PowerProfile:
    at_work_w = _PI_4B_IDLE_W + base_mw * 1e-3
    return PowerProfile(
        name=f"raspberry-pi-4b-{radio}",
        compute_w=_PI_4B_BUSY_W,
        idle_w=_PI_4B_IDLE_W,
        send_w=at_work_w,
        receive_w=at_work_w,
        source=f"{_PI_4B_SOURCE}; {_RADIO_SOURCE}",
        send_w_per_bytes_per_s=up_mw_per_mbit_s * _W_PER_BYTES_PER_S,
        receive_w_per_bytes_per_s=down_mw_per_mbit_s * _W_PER_BYTES_PER_S,
    )


_LISTED = (
    _pi_4b("wifi", 283.17, 137.01, 132.86),
    _pi_4b("lte", 438.39, 51.97, 1288.04),
    _pi_4b("3g", 868.98, 122.12, 817.88),
)

POWER_PROFILES: Mapping[str, PowerProfile] = MappingProxyType({each.name: each for each in _LISTED})
"""
Boards with radios, from published figures, by name.

They are sums of two publications, not measurements of one device: the radios sat in
smartphones of 2011-2012, and adding their draw to an idle board's is ours. Every
core is taken to be busy while computing, whatever the model keeps busy. What a radio
draws after the last byte (about eleven seconds on LTE, in the same paper), its waking
up, the signal's strength, heat and an accelerator are not in them. Good for the
order of plans; for a battery's life put a meter to the device and write a file.
"""


class _PowerFile(msgspec.Struct, forbid_unknown_fields=True):
    """The layout of a file: the fields of `PowerProfile`, all checked."""

    name: str
    compute_w: float
    idle_w: float
    send_w: float
    receive_w: float
    source: str
    send_w_per_bytes_per_s: float = 0.0
    receive_w_per_bytes_per_s: float = 0.0


def power_profile(name_or_path: str | os.PathLike[str]) -> PowerProfile:
    """
    Give a power profile.

    Parameters
    ----------
    name_or_path
        A key of `POWER_PROFILES`, or a JSON file with the fields of `PowerProfile`.

    Raises
    ------
    PlannerError
        If there is none of that name and no such file.
    CostError
        If the file is no power profile, or a figure in it is not one.
    """
    text = os.fspath(name_or_path)
    if text in POWER_PROFILES:
        return POWER_PROFILES[text]
    try:
        content = Path(text).read_bytes()
    except (OSError, ValueError) as error:
        raise PlannerError(
            f"no power profile {text!r} ({getattr(error, 'strerror', None) or error}): take one "
            f"of {', '.join(POWER_PROFILES)}, or name a JSON file of the fields of PowerProfile"
        ) from error
    try:
        return PowerProfile(**msgspec.structs.asdict(msgspec.json.decode(content, type=_PowerFile)))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise CostError(
            f"power profile {text} is damaged or is none ({error}): it holds "
            f"{', '.join(_PowerFile.__struct_fields__)}"
        ) from error
