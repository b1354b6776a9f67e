"""The figures that these shares are held against: an earlier measurement of twenty nets."""

from collections.abc import Mapping
from dataclasses import dataclass

from cutpoint.lab.shares.contenders import FLOAT32, JPEG, UINT8
from cutpoint.lab.shares.measured_net import GPU_LIKE, SAME
from cutpoint.records import RAW

IN_COMMON = (
    "alexnet", "deit_tiny", "densenet121", "fpn_detector", "ghostnet", "hrnet_w18_small",
    "inception_v1", "inception_v2", "mobilenet_v2", "mobilenet_v3_small", "mobilevit_xxs",
    "resnet18", "resnet50", "shufflenet", "squeezenet", "vgg19", "zfnet512",
)  # fmt: skip
"""Nets that both have. The reference has efficientnet_b0, a U-Net and a DETR beside them, all
with weights of its own; the zoo has thirteen others."""

JPEG_BYTES = 20e3
"""Of every picture, whatever its size."""


@dataclass(frozen=True)
class WideFigures:
    """
    Over 0.1 to 1000 Mbit/s, six devices, five loads, three round trips.

    Parameters
    ----------
    coding
        How the input travels.
    codec
        How values do.
    server
        Kind of server.
    best
        Share of the points at which a split is best.
    over_1, over_5
        By more than 1 % and 5 %.
    most
        Largest gain of a split over the better end.
    """

    coding: str
    codec: str
    server: str
    best: float
    over_1: float
    over_5: float
    most: float


WIDE_FIGURES = (
    WideFigures(FLOAT32, RAW, SAME, 0.065, 0.062, 0.054, 2.16),
    WideFigures(FLOAT32, RAW, GPU_LIKE, 0.100, 0.098, 0.086, 2.44),
    WideFigures(UINT8, RAW, SAME, 0.008, 0.007, 0.005, 0.87),
    WideFigures(UINT8, RAW, GPU_LIKE, 0.013, 0.011, 0.007, 0.88),
    WideFigures(UINT8, "uint8", SAME, 0.066, 0.064, 0.052, 2.29),
    WideFigures(UINT8, "uint8", GPU_LIKE, 0.103, 0.099, 0.084, 2.54),
    WideFigures(JPEG, "uint8", SAME, 0.002, 0.002, 0.001, 0.27),
    WideFigures(JPEG, "uint8", GPU_LIKE, 0.003, 0.003, 0.002, 0.29),
)
"""Section 5 of the reference. Codecs took no time there, and a value always took the codec."""

USELESS = ("densenet121", "inception_v1", "inception_v2", "resnet18", "resnet50", "vgg19")
"""Nets in common of which no split gained over 5 % anywhere in section 5."""


@dataclass(frozen=True)
class Column:
    """
    One way of coding input and values.

    Parameters
    ----------
    coding
        Of the input.
    codec
        Of the values.
    """

    coding: str
    codec: str

    def __str__(self) -> str:
        return f"{self.coding} in, {self.codec} values"


COLUMNS = (
    Column(FLOAT32, RAW),
    Column(UINT8, RAW),
    Column(UINT8, "float16"),
    Column(UINT8, "uint8"),
    Column(UINT8, "uint8+zstd"),
    Column(JPEG, "uint8+zstd"),
)
"""Of section 8 of the reference."""

RELATIVE_TO = COLUMNS[1]
"""What its latencies are relative to."""

BY_BANDWIDTH: Mapping[float, tuple[tuple[float, float], ...]] = {
    1: ((1.09, 0.00), (1, 0.00), (1.00, 0.05), (0.97, 0.12), (0.93, 0.31), (0.43, 0.02)),
    5: ((1.49, 0.18), (1, 0.09), (0.94, 0.24), (0.87, 0.30), (0.82, 0.55), (0.31, 0.04)),
    20: ((1.87, 0.30), (1, 0.05), (0.96, 0.22), (0.90, 0.30), (0.87, 0.39), (0.43, 0.00)),
    100: ((1.73, 0.30), (1, 0.00), (1.00, 0.02), (0.98, 0.12), (0.98, 0.15), (0.78, 0.00)),
}
"""By Mbit/s and column: relative latency (geometric mean), and share at which a split is best;
both kinds of server, devices of 5 and 20 x, 10 ms round trip, an idle server."""

SHRUNK: tuple[tuple[float, float, float], ...] = (
    (1.0, 0.34, 0.003),
    (2.2, 0.44, 0.015),
    (4.0, 0.53, 0.036),
)
"""How much better values behind a Relu compress than measured; share of points at which a split
is best with uint8 and with JPEG input, uint8+zstd values, server as fast or five times slower."""

PLACES: Mapping[str, str] = {
    "squeezenet": "ddsssf", "mobilenet_v2": "ddsssf", "mobilenet_v3_small": "dddddd",
    "ghostnet": "dddssf", "resnet18": "dfffff", "resnet50": "ffffff", "inception_v1": "dfffff",
    "densenet121": "ffffff", "deit_tiny": "sfsssf", "mobilevit_xxs": "ddsssf",
    "hrnet_w18_small": "sfffsf", "fpn_detector": "ddsssf",
}  # fmt: skip
"""Where each column runs soonest at 20 Mbit/s on a device of 5 x: device, split, or full offload;
server of the same kind, 10 ms round trip."""
