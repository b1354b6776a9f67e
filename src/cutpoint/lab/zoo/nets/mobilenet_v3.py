"""
MobileNetV3 of Howard et al. (2019), "Searching for MobileNetV3", ICCV, tables 1 and 2.

Squeezed channels are rounded to a multiple of 8, as in torchvision.
"""

from typing import NamedTuple

from cutpoint.lab.zoo.architecture import Architecture
from cutpoint.lab.zoo.net import Net
from cutpoint.lab.zoo.nets.blocks import (
    IMAGENET_CLASSES,
    conv_norm,
    divisible,
    squeeze_excite,
)

_EPS = 1e-3


class Bottleneck(NamedTuple):
    """
    One row of tables 1 and 2.

    Parameters
    ----------
    kernel
        Height and width of the depthwise kernel.
    expanded
        Channels inside.
    channels
        Channels that come out.
    squeezes
        Whether the channels are weighed.
    nonlinearity
        ``relu`` or ``hard_swish``.
    stride
        Stride of the depthwise convolution.
    """

    kernel: int
    expanded: int
    channels: int
    squeezes: bool
    nonlinearity: str
    stride: int


LARGE = (
    Bottleneck(3, 16, 16, False, "relu", 1),
    Bottleneck(3, 64, 24, False, "relu", 2),
    Bottleneck(3, 72, 24, False, "relu", 1),
    Bottleneck(5, 72, 40, True, "relu", 2),
    Bottleneck(5, 120, 40, True, "relu", 1),
    Bottleneck(5, 120, 40, True, "relu", 1),
    Bottleneck(3, 240, 80, False, "hard_swish", 2),
    Bottleneck(3, 200, 80, False, "hard_swish", 1),
    Bottleneck(3, 184, 80, False, "hard_swish", 1),
    Bottleneck(3, 184, 80, False, "hard_swish", 1),
    Bottleneck(3, 480, 112, True, "hard_swish", 1),
    Bottleneck(3, 672, 112, True, "hard_swish", 1),
    Bottleneck(5, 672, 160, True, "hard_swish", 2),
    Bottleneck(5, 960, 160, True, "hard_swish", 1),
    Bottleneck(5, 960, 160, True, "hard_swish", 1),
)
"""Table 1."""

SMALL = (
    Bottleneck(3, 16, 16, True, "relu", 2),
    Bottleneck(3, 72, 24, False, "relu", 2),
    Bottleneck(3, 88, 24, False, "relu", 1),
    Bottleneck(5, 96, 40, True, "hard_swish", 2),
    Bottleneck(5, 240, 40, True, "hard_swish", 1),
    Bottleneck(5, 240, 40, True, "hard_swish", 1),
    Bottleneck(5, 120, 48, True, "hard_swish", 1),
    Bottleneck(5, 144, 48, True, "hard_swish", 1),
    Bottleneck(5, 288, 96, True, "hard_swish", 2),
    Bottleneck(5, 576, 96, True, "hard_swish", 1),
    Bottleneck(5, 576, 96, True, "hard_swish", 1),
)
"""Table 2."""


def mobilenet_v3_large() -> Architecture:
    """15 bottlenecks (table 1)."""
    return _mobilenet_v3(Net("mobilenet_v3_large", (3, 224, 224)), LARGE, hidden=1280)


def mobilenet_v3_small() -> Architecture:
    """11 bottlenecks (table 2)."""
    return _mobilenet_v3(Net("mobilenet_v3_small", (3, 224, 224)), SMALL, hidden=1024)


def _mobilenet_v3(net: Net, rows: tuple[Bottleneck, ...], hidden: int) -> Architecture:
    x = bottlenecks(net, rows)[-1]
    with net.scope("head"):
        x = conv_norm(net, x, 6 * net.channels(x), activation=net.hard_swish, eps=_EPS)
    # The "efficient last stage" of section 5.1: the pooled features are widened, not the maps.
    with net.scope("classifier.0"):
        x = net.hard_swish(net.linear(net.flatten(net.global_avg_pool(x)), hidden))
    with net.scope("classifier.1"):
        logits = net.linear(x, IMAGENET_CLASSES)
    return net.graph({"logits": logits})


def bottlenecks(net: Net, rows: tuple[Bottleneck, ...]) -> list[str]:
    """Add stem and bottlenecks, and give what comes out of each bottleneck."""
    with net.scope("stem"):
        x = conv_norm(net, net.input, 16, 3, 2, activation=net.hard_swish, eps=_EPS)
    outputs = []
    for row_idx, row in enumerate(rows):
        with net.scope(f"blocks.{row_idx}"):
            x = _bottleneck(net, x, row)
        outputs.append(x)
    return outputs


def _bottleneck(net: Net, x: str, row: Bottleneck) -> str:
    shortcut, in_channels = x, net.channels(x)
    is_residual = row.stride == 1 and in_channels == row.channels
    activation = {"relu": net.relu, "hard_swish": net.hard_swish}[row.nonlinearity]
    if row.expanded != in_channels:
        with net.scope("expand"):
            x = conv_norm(net, x, row.expanded, activation=activation, eps=_EPS)
    with net.scope("depthwise"):
        x = conv_norm(
            net,
            x,
            row.expanded,
            row.kernel,
            row.stride,
            groups=row.expanded,
            activation=activation,
            eps=_EPS,
        )
    if row.squeezes:
        x = squeeze_excite(net, x, divisible(row.expanded // 4), net.relu, net.hard_sigmoid)
    with net.scope("project"):
        x = conv_norm(net, x, row.channels, eps=_EPS, residual=is_residual)
    return net.add(x, shortcut) if is_residual else x
