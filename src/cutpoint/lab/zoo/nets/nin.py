"""
Network in Network of Lin et al. (2014), "Network In Network", ICLR: the ImageNet net.

Layers as in ``nin_imagenet`` of the Caffe model zoo, which the authors published.
"""

from cutpoint.lab.zoo.architecture import Architecture
from cutpoint.lab.zoo.net import Net
from cutpoint.lab.zoo.nets.blocks import IMAGENET_CLASSES


def nin() -> Architecture:
    """Four blocks of one convolution and two of 1 x 1, then an average per class."""
    net = Net("nin", (3, 224, 224))
    with net.scope("block1"):
        x = _block(net, net.input, (96, 96, 96), kernel=11, stride=4, padding=0)
        x = net.max_pool(x, 3, 2, ceil=True)
    with net.scope("block2"):
        x = net.max_pool(_block(net, x, (256, 256, 256), kernel=5), 3, 2, ceil=True)
    with net.scope("block3"):
        x = net.max_pool(_block(net, x, (384, 384, 384), kernel=3), 3, 2, ceil=True)
    with net.scope("block4"):
        x = _block(net, x, (1024, 1024, IMAGENET_CLASSES), kernel=3)
    return net.graph({"logits": net.flatten(net.global_avg_pool(x))})


def _block(
    net: Net,
    x: str,
    widths: tuple[int, int, int],
    kernel: int,
    stride: int = 1,
    padding: int | None = None,
) -> str:
    first, *rest = widths
    x = net.relu(net.conv(x, first, kernel, stride, padding, bias=True))
    for width in rest:
        x = net.relu(net.conv(x, width, bias=True))
    return x
