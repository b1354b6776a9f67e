"""
GhostNet of Han et al. (2020), "GhostNet: More Features from Cheap Operations", CVPR, section 3.

Half of the feature maps are cheap filters of the other half; details as in the authors' code.
"""

from typing import NamedTuple

from cutpoint.lab.zoo.architecture import Architecture
from cutpoint.lab.zoo.net import Net
from cutpoint.lab.zoo.nets.blocks import (
    IMAGENET_CLASSES,
    Activation,
    conv_norm,
    divisible,
    squeeze_excite,
)


class _Bottleneck(NamedTuple):
    """One ghost bottleneck; the kernel is that of its depthwise convolution, if it has a stride."""

    kernel: int
    expanded: int
    channels: int
    squeezes: bool
    stride: int


_BOTTLENECKS = (
    _Bottleneck(3, 16, 16, False, 1),
    _Bottleneck(3, 48, 24, False, 2),
    _Bottleneck(3, 72, 24, False, 1),
    _Bottleneck(5, 72, 40, True, 2),
    _Bottleneck(5, 120, 40, True, 1),
    _Bottleneck(3, 240, 80, False, 2),
    _Bottleneck(3, 200, 80, False, 1),
    _Bottleneck(3, 184, 80, False, 1),
    _Bottleneck(3, 184, 80, False, 1),
    _Bottleneck(3, 480, 112, True, 1),
    _Bottleneck(3, 672, 112, True, 1),
    _Bottleneck(5, 672, 160, True, 2),
    _Bottleneck(5, 960, 160, False, 1),
    _Bottleneck(5, 960, 160, True, 1),
    _Bottleneck(5, 960, 160, False, 1),
    _Bottleneck(5, 960, 160, True, 1),
)


def ghostnet() -> Architecture:
    """Width 1.0; each ghost module forks and joins inside a bottleneck that does so too."""
    net = Net("ghostnet", (3, 224, 224))
    with net.scope("stem"):
        x = conv_norm(net, net.input, 16, 3, 2, activation=net.relu)
    for row_idx, row in enumerate(_BOTTLENECKS):
        with net.scope(f"blocks.{row_idx}"):
            x = _bottleneck(net, x, row)
    with net.scope("head.0"):
        x = conv_norm(net, x, _BOTTLENECKS[-1].expanded, activation=net.relu)
    with net.scope("head.1"):
        x = net.relu(net.conv(net.global_avg_pool(x), 1280, bias=True))
    with net.scope("classifier"):
        logits = net.linear(net.flatten(x), IMAGENET_CLASSES)
    return net.graph({"logits": logits})


def _bottleneck(net: Net, x: str, row: _Bottleneck) -> str:
    shortcut = x
    is_residual = row.stride == 1 and net.channels(x) == row.channels
    with net.scope("ghost1"):
        x = _ghost_module(net, x, row.expanded, net.relu)
    if row.stride > 1:
        with net.scope("depthwise"):
            x = conv_norm(net, x, row.expanded, row.kernel, row.stride, groups=row.expanded)
    if row.squeezes:
        squeezed = divisible(row.expanded / 4, 4)
        x = squeeze_excite(net, x, squeezed, net.relu, net.hard_sigmoid)
    with net.scope("ghost2"):
        x = _ghost_module(net, x, row.channels, None, residual=is_residual)
    if not is_residual:
        with net.scope("shortcut"):
            shortcut = _shortcut(net, shortcut, row)
    return net.add(x, shortcut)


def _ghost_module(
    net: Net, x: str, out_channels: int, activation: Activation | None, *, residual: bool = False
) -> str:
    """Compute half of the channels, and filter each of them once more for the other half."""
    half = out_channels // 2
    with net.scope("primary"):
        primary = conv_norm(net, x, half, activation=activation, residual=residual)
    with net.scope("cheap"):
        cheap = conv_norm(
            net, primary, half, 3, groups=half, activation=activation, residual=residual
        )
    return net.concat([primary, cheap])


def _shortcut(net: Net, x: str, row: _Bottleneck) -> str:
    in_channels = net.channels(x)
    with net.scope("depthwise"):
        x = conv_norm(net, x, in_channels, row.kernel, row.stride, groups=in_channels)
    with net.scope("project"):
        return conv_norm(net, x, row.channels)
