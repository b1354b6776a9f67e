"""
GoogLeNet of Szegedy et al. (2015), "Going Deeper with Convolutions", CVPR, table 1.

As in torchvision: batch norms, 3 x 3 in place of 5 x 5, no auxiliary classifiers.
The zoo's ``inception_v1`` is the Caffe net, with 5 x 5 and without batch norms.
"""

from cutpoint.lab.zoo.architecture import Architecture
from cutpoint.lab.zoo.net import Net
from cutpoint.lab.zoo.nets.blocks import classified

_STAGES = (
    ("3a", 64, (96, 128), (16, 32), 32),
    ("3b", 128, (128, 192), (32, 96), 64),
    ("4a", 192, (96, 208), (16, 48), 64),
    ("4b", 160, (112, 224), (24, 64), 64),
    ("4c", 128, (128, 256), (24, 64), 64),
    ("4d", 112, (144, 288), (32, 64), 64),
    ("4e", 256, (160, 320), (32, 128), 128),
    ("5a", 256, (160, 320), (32, 128), 128),
    ("5b", 384, (192, 384), (48, 128), 128),
)
"""Widths of each module: 1 x 1, reduction and 3 x 3, reduction and "5 x 5", pooling."""

_POOLED_AFTER = {"3b": 3, "4e": 2}
"""Kernel of the pooling after a module."""


def googlenet() -> Architecture:
    """Nine modules of four branches."""
    net = Net("googlenet", (3, 224, 224))
    with net.scope("stem"):
        x = net.max_pool(_convolved(net, net.input, 64, 7, 2), 3, 2, ceil=True)
        x = _convolved(net, _convolved(net, x, 64), 192, 3)
        x = net.max_pool(x, 3, 2, ceil=True)
    for name, direct, middle, far, pooled in _STAGES:
        with net.scope(f"inception{name}"):
            x = _module(net, x, direct, middle, far, pooled)
        if name in _POOLED_AFTER:
            x = net.max_pool(x, _POOLED_AFTER[name], 2, ceil=True)
    return classified(net, x)


def _module(
    net: Net, x: str, direct: int, middle: tuple[int, int], far: tuple[int, int], pooled: int
) -> str:
    branches = [_convolved(net, x, direct)]
    for reduced, width in (middle, far):
        branches.append(_convolved(net, _convolved(net, x, reduced), width, 3))
    branches.append(_convolved(net, net.max_pool(x, 3, 1, padding=1, ceil=True), pooled))
    return net.concat(branches)


def _convolved(net: Net, x: str, width: int, kernel: int = 1, stride: int = 1) -> str:
    x = net.conv(x, width, kernel, stride)
    return net.relu(net.batch_norm(x, eps=1e-3, shifted=True))
