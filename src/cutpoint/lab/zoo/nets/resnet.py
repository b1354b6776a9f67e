"""
ResNets of He et al. (2016), "Deep Residual Learning for Image Recognition", CVPR, table 1.

The stride of a bottleneck is in its 3 x 3 convolution, as in torchvision ("v1.5").
"""

from cutpoint.lab.zoo.architecture import Architecture
from cutpoint.lab.zoo.net import Net
from cutpoint.lab.zoo.nets.blocks import classified

_WIDTHS = (64, 128, 256, 512)
_EXPANSION = 4


def resnet18() -> Architecture:
    """18 layers, basic blocks."""
    return _resnet("resnet18", (2, 2, 2, 2), is_bottleneck=False)


def resnet101() -> Architecture:
    """101 layers, bottlenecks."""
    return _resnet("resnet101", (3, 4, 23, 3), is_bottleneck=True)


def resnet152() -> Architecture:
    """152 layers, bottlenecks."""
    return _resnet("resnet152", (3, 8, 36, 3), is_bottleneck=True)


def _resnet(name: str, depths: tuple[int, ...], is_bottleneck: bool) -> Architecture:
    net = Net(name, (3, 224, 224))
    with net.scope("stem"):
        x = net.relu(net.batch_norm(net.conv(net.input, 64, 7, 2)))
        x = net.max_pool(x, 3, 2, padding=1)
    block = _bottleneck if is_bottleneck else _basic_block
    for stage_idx, (width, depth) in enumerate(zip(_WIDTHS, depths, strict=True)):
        for block_idx in range(depth):
            with net.scope(f"layer{stage_idx + 1}.{block_idx}"):
                x = block(net, x, width, stride=2 if stage_idx and not block_idx else 1)
    return classified(net, x)


def _basic_block(net: Net, x: str, width: int, stride: int) -> str:
    y = net.relu(net.batch_norm(net.conv(x, width, 3, stride)))
    return _joined(net, x, net.conv(y, width, 3), stride)


def _bottleneck(net: Net, x: str, width: int, stride: int) -> str:
    y = net.relu(net.batch_norm(net.conv(x, width)))
    y = net.relu(net.batch_norm(net.conv(y, width, 3, stride)))
    return _joined(net, x, net.conv(y, width * _EXPANSION), stride)


def _joined(net: Net, x: str, branch: str, stride: int) -> str:
    """Add the branch to its input, or to a projection of it where the shape changes."""
    is_projected = net.shape(x) != net.shape(branch)
    branch = net.batch_norm(branch, residual=not is_projected)
    if is_projected:
        with net.scope("projection"):
            x = net.batch_norm(net.conv(x, net.channels(branch), stride=stride))
    return net.relu(net.add(branch, x))
