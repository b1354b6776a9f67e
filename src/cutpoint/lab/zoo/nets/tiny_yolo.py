"""
Tiny YOLOv2 of Redmon & Farhadi (2017), "YOLO9000: Better, Faster, Stronger", CVPR.

Layers as in darknet's ``yolov2-tiny-voc.cfg``.
"""

from cutpoint.lab.zoo.architecture import Architecture
from cutpoint.lab.zoo.net import Net

_NUM_ANCHORS = 5
_NUM_CLASSES = 20
_BOX = 5
"""Centre, size and confidence."""


def tiny_yolov2() -> Architecture:
    """Nine convolutions in a chain; the output is the raw 13 x 13 grid of boxes."""
    net = Net("tiny_yolov2", (3, 416, 416))
    x = net.input
    for width in (16, 32, 64, 128, 256):
        x = net.max_pool(_convolved(net, x, width), 2)
    # The sixth pooling keeps the grid; darknet pads it below and on the right.
    x = net.max_pool(_convolved(net, x, 512), 2, stride=1, padding="same")
    x = _convolved(net, _convolved(net, x, 1024), 1024)
    grid = net.conv(x, _NUM_ANCHORS * (_BOX + _NUM_CLASSES), bias=True)
    return net.graph({"grid": grid})


def _convolved(net: Net, x: str, width: int) -> str:
    return net.leaky_relu(net.batch_norm(net.conv(x, width, 3)), alpha=0.1)
