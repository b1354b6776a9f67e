"""
Inception v3 of Szegedy et al. (2016), CVPR, table 1.

"Rethinking the Inception Architecture for Computer Vision": factorised convolutions
side by side; channels inside the blocks as in torchvision, without the auxiliary
classifier, which only training uses.
"""

from cutpoint.lab.zoo.architecture import Architecture
from cutpoint.lab.zoo.net import Net, Padding, Pair
from cutpoint.lab.zoo.nets.blocks import classified

_EPS = 1e-3

_ROW, _COLUMN = (1, 7), (7, 1)
"""Kernels that a 7 x 7 is factorised into (section 3.2)."""


def inception_v3() -> Architecture:
    """Eleven blocks of up to four branches, on 299 x 299 pixels."""
    net = Net("inception_v3", (3, 299, 299))
    with net.scope("stem"):
        x = _stem(net)
    for block_idx, pool_channels in enumerate((32, 64, 64)):
        with net.scope(f"mixed_5.{block_idx}"):
            x = _block_35(net, x, pool_channels)
    with net.scope("mixed_6.0"):
        x = _reduction_17(net, x)
    for block_idx, channels in enumerate((128, 160, 160, 192), start=1):
        with net.scope(f"mixed_6.{block_idx}"):
            x = _block_17(net, x, channels)
    with net.scope("mixed_7.0"):
        x = _reduction_8(net, x)
    for block_idx in (1, 2):
        with net.scope(f"mixed_7.{block_idx}"):
            x = _block_8(net, x)
    return classified(net, x)


def _stem(net: Net) -> str:
    x = _conv(net, net.input, 32, 3, 2, padding=0)
    x = _conv(net, x, 32, 3, padding=0)
    x = net.max_pool(_conv(net, x, 64, 3), 3, 2)
    x = _conv(net, x, 80)
    return net.max_pool(_conv(net, x, 192, 3, padding=0), 3, 2)


def _block_35(net: Net, x: str, pool_channels: int) -> str:
    """Add the paper's figure 5."""
    direct = _conv(net, x, 64)
    single = _conv(net, _conv(net, x, 48), 64, 5)
    double = _conv(net, _conv(net, _conv(net, x, 64), 96, 3), 96, 3)
    return net.concat([direct, single, double, _pooled(net, x, pool_channels)])


def _reduction_17(net: Net, x: str) -> str:
    """Halve 35 x 35 by convolutions and a pool side by side (figure 10)."""
    single = _conv(net, x, 384, 3, 2, padding=0)
    double = _conv(net, _conv(net, _conv(net, x, 64), 96, 3), 96, 3, 2, padding=0)
    return net.concat([single, double, net.max_pool(x, 3, 2)])


def _block_17(net: Net, x: str, channels: int) -> str:
    """Add the paper's figure 6, with n = 7."""
    direct = _conv(net, x, 192)
    single = _conv(net, _conv(net, _conv(net, x, channels), channels, _ROW), 192, _COLUMN)
    double = _conv(net, x, channels)
    for kernel in (_COLUMN, _ROW, _COLUMN):
        double = _conv(net, double, channels, kernel)
    double = _conv(net, double, 192, _ROW)
    return net.concat([direct, single, double, _pooled(net, x, 192)])


def _reduction_8(net: Net, x: str) -> str:
    single = _conv(net, _conv(net, x, 192), 320, 3, 2, padding=0)
    double = _conv(net, _conv(net, _conv(net, x, 192), 192, _ROW), 192, _COLUMN)
    double = _conv(net, double, 192, 3, 2, padding=0)
    return net.concat([single, double, net.max_pool(x, 3, 2)])


def _block_8(net: Net, x: str) -> str:
    """Add the paper's figure 7: branches that fork once more."""
    direct = _conv(net, x, 320)
    single = _forked(net, _conv(net, x, 384))
    double = _forked(net, _conv(net, _conv(net, x, 448), 384, 3))
    return net.concat([direct, *single, *double, _pooled(net, x, 192)])


def _forked(net: Net, x: str) -> list[str]:
    return [_conv(net, x, 384, kernel) for kernel in ((1, 3), (3, 1))]


def _pooled(net: Net, x: str, channels: int) -> str:
    return _conv(net, net.avg_pool(x, 3, 1, padding=1), channels)


def _conv(
    net: Net, x: str, channels: int, kernel: Pair = 1, stride: int = 1, padding: Padding = None
) -> str:
    x = net.conv(x, channels, kernel, stride, padding)
    return net.relu(net.batch_norm(x, eps=_EPS, shifted=True))
