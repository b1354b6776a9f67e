"""
EfficientNets of Tan and Le (2019), "EfficientNet: Rethinking Model Scaling", ICML, table 1.

One small net, scaled in depth, width and resolution together (section 3.3); padding
and the epsilons of the batch norms as in torchvision.
"""

import math

from cutpoint.lab.zoo.architecture import Architecture
from cutpoint.lab.zoo.net import Net
from cutpoint.lab.zoo.nets.blocks import classified, conv_norm, divisible, squeeze_excite

_STAGES = (
    # expansion, kernel, stride of the first block, channels, blocks (table 1)
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)

_STEM_CHANNELS = 32


def efficientnet_b4() -> Architecture:
    """380 x 380 pixels, 1.4 times as wide and 1.8 times as deep as B0."""
    return _efficientnet(Net("efficientnet_b4", (3, 380, 380)), 1.4, 1.8, eps=1e-5)


def efficientnet_b5() -> Architecture:
    """456 x 456 pixels, 1.6 times as wide and 2.2 times as deep as B0."""
    return _efficientnet(Net("efficientnet_b5", (3, 456, 456)), 1.6, 2.2, eps=1e-3)


def efficientnet_b6() -> Architecture:
    """528 x 528 pixels, 1.8 times as wide and 2.6 times as deep as B0."""
    return _efficientnet(Net("efficientnet_b6", (3, 528, 528)), 1.8, 2.6, eps=1e-3)


def _efficientnet(net: Net, width_factor: float, depth_factor: float, eps: float) -> Architecture:
    """Scale the channels and the blocks of every stage of B0."""
    with net.scope("stem"):
        stem_channels = divisible(_STEM_CHANNELS * width_factor)
        x = conv_norm(net, net.input, stem_channels, 3, 2, activation=net.silu, eps=eps)
    for stage_idx, (expansion, kernel, stride, channels, blocks) in enumerate(_STAGES, start=1):
        out_channels = divisible(channels * width_factor)
        for block_idx in range(math.ceil(blocks * depth_factor)):
            with net.scope(f"stages.{stage_idx}.{block_idx}"):
                block_stride = stride if block_idx == 0 else 1
                x = _mbconv(net, x, out_channels, expansion, kernel, block_stride, eps)
    with net.scope("head"):
        x = conv_norm(net, x, 4 * net.channels(x), activation=net.silu, eps=eps)
    return classified(net, x)


def _mbconv(
    net: Net, x: str, out_channels: int, expansion: int, kernel: int, stride: int, eps: float
) -> str:
    """Add an inverted bottleneck: widen, filter each channel, weigh the channels, narrow."""
    shortcut, in_channels = x, net.channels(x)
    is_residual = stride == 1 and in_channels == out_channels
    expanded = divisible(in_channels * expansion)
    if expanded != in_channels:
        with net.scope("expand"):
            x = conv_norm(net, x, expanded, activation=net.silu, eps=eps)
    with net.scope("depthwise"):
        x = conv_norm(
            net, x, expanded, kernel, stride, groups=expanded, activation=net.silu, eps=eps
        )
    x = squeeze_excite(net, x, max(1, in_channels // 4), net.silu, net.sigmoid)
    with net.scope("project"):
        x = conv_norm(net, x, out_channels, eps=eps, residual=is_residual)
    return net.add(x, shortcut) if is_residual else x
