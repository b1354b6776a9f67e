"""
A detector that looks at three resolutions: a feature pyramid over MobileNetV3.

Backbone of Howard et al. (2019), "Searching for MobileNetV3", ICCV; pyramid of Lin et
al. (2017), "Feature Pyramid Networks for Object Detection", CVPR, section 3; outputs per
anchor as in Redmon and Farhadi (2018), "YOLOv3", section 2. This combination of the
three was never published: it stands for the shape that detectors have.
"""

from cutpoint.lab.zoo.architecture import Architecture
from cutpoint.lab.zoo.net import Net
from cutpoint.lab.zoo.nets.mobilenet_v3 import LARGE, bottlenecks

_LEVELS = {8: 5, 16: 11, 32: 14}
"""Stride of each level, and the last bottleneck of that stride."""

_CHANNELS = 128

_OUTPUTS = 3 * (4 + 1 + 80)
"""Three anchors, each with a box, one objectness and a score per class of COCO."""


def fpn_detector() -> Architecture:
    """
    Three outputs, ``stride8``, ``stride16`` and ``stride32``.

    Once the backbone has passed stride 8, every cut is crossed by a value of each
    level left behind, and the way back down the pyramid makes cuts that do not nest.
    """
    net = Net("fpn_detector", (3, 320, 320))
    with net.scope("backbone"):
        features = bottlenecks(net, LARGE)
    levels = {stride: features[row_idx] for stride, row_idx in _LEVELS.items()}
    outputs = {stride: _head(net, x, stride) for stride, x in _pyramid(net, levels).items()}
    return net.graph({f"stride{stride}": outputs[stride] for stride in sorted(outputs)})


def _pyramid(net: Net, levels: dict[int, str]) -> dict[int, str]:
    """Add to each level what the coarser ones saw, the coarsest first."""
    merged: dict[int, str] = {}
    coarser = ""
    for stride in sorted(levels, reverse=True):
        with net.scope(f"pyramid.{stride}"):
            x = net.conv(levels[stride], _CHANNELS, bias=True)
            if coarser:
                _, _, height, width = net.shape(x)
                x = net.add(x, net.resize(coarser, height, width))
            merged[stride], coarser = net.conv(x, _CHANNELS, 3, bias=True), x
    return merged


def _head(net: Net, x: str, stride: int) -> str:
    with net.scope(f"head.{stride}"):
        hidden = net.relu(net.batch_norm(net.conv(x, _CHANNELS, 3)))
        return net.conv(hidden, _OUTPUTS, bias=True)
