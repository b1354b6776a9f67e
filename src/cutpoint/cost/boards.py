"""Boards whose figures are published, each with a radio."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from cutpoint.cost.power import PowerProfile

_W_PER_BYTES_PER_S = 1e-3 / (1e6 / 8)
"""One mW per Mbit/s, as papers state it."""


class _Board(NamedTuple):
    """What a board draws, idle and at work."""

    name: str
    idle_w: float
    busy_w: float
    source: str


class _Radio(NamedTuple):
    """What a radio draws at work, and what each rate adds."""

    name: str
    base_mw: float
    up_mw_per_mbit_s: float
    down_mw_per_mbit_s: float


_BOARDS = (
    _Board(
        "raspberry-pi-4b", 2.7, 6.4,
        "board: Raspberry Pi 4 B, idle and with all four cores busy, J. Geerling, Pi Dramble, "
        "power consumption benchmarks",
    ),
    _Board(
        # 0.154 mWh per frame, at 12.34 frames per second: 0.154e-3 * 3600 * 12.34 W.
        "jetson-nano", 1.4, 6.84,
        "board: NVIDIA Jetson Nano; at work the product of the energy and the rate of frames of "
        "YOLOv5n, Machado, Matic, de Lemos, Ihianle, Adama, Estimating the Power Consumption of "
        "Heterogeneous Devices when performing AI Inference, arXiv:2207.06150, 2022, abstract; "
        "idle what its own monitor reads on the rail POM_5V_IN with CPUs at 102 MHz and 3 to 6 %, "
        "a line of tegrastats (1388 mW) that programs which read it are tested with: no "
        "publication, and without the carrier board",
    ),
    _Board(
        "jetson-orin-nx", 4.6, 16.9,
        "board: NVIDIA Jetson Orin NX 16GB in its mode of 25 W, idle and with eight CPU threads "
        "and tensor cores busy, read from the module's own INA3221 on the rail VDD_IN, ARK "
        "Electronics, ark_jetson_kernel, docs/power.md, 2026: without the carrier board",
    ),
)  # fmt: skip

_RADIO_SOURCE = (
    "radio: Huang, Qian, Gerber, Mao, Sen, Spatscheck, A Close Examination of Performance and "
    "Power Characteristics of 4G LTE Networks, MobiSys 2012, power model of data transfer"
)

_RADIOS = (
    _Radio("wifi", 132.86, 283.17, 137.01),
    _Radio("lte", 1288.04, 438.39, 51.97),
    _Radio("3g", 817.88, 868.98, 122.12),
)


def _with(board: _Board, radio: _Radio) -> PowerProfile:
    at_work_w = board.idle_w + radio.base_mw * 1e-3
    return PowerProfile(
        name=f"{board.name}-{radio.name}",
        compute_w=board.busy_w,
        idle_w=board.idle_w,
        send_w=at_work_w,
        receive_w=at_work_w,
        source=f"{board.source}; {_RADIO_SOURCE}",
        send_w_per_bytes_per_s=radio.up_mw_per_mbit_s * _W_PER_BYTES_PER_S,
        receive_w_per_bytes_per_s=radio.down_mw_per_mbit_s * _W_PER_BYTES_PER_S,
    )


_LISTED = tuple(_with(board, radio) for board in _BOARDS for radio in _RADIOS)

POWER_PROFILES: Mapping[str, PowerProfile] = MappingProxyType({each.name: each for each in _LISTED})
"""
Boards with radios, from published figures, by name.

They are sums of two publications, not measurements of one device: the radios sat in
smartphones of 2011-2012, and adding their draw to an idle board's is ours. The Raspberry Pi's
figures are of its CPU, all cores busy, whatever the model keeps busy; those of the Jetsons are of
CPU and GPU together, at work as the source says, and a model that runs on their CPU alone draws
less. What a radio draws after the last byte (about eleven seconds on LTE, in the same paper), its
waking up, the signal's strength and heat are not in them. Good for the order of plans; for a
battery's life put a meter to the device and write a file.
"""
