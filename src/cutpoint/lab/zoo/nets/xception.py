"""Xception of Chollet (2017), "Xception: Deep Learning with Depthwise ...", CVPR, figure 5."""

from cutpoint.lab.zoo.architecture import Architecture
from cutpoint.lab.zoo.net import Net
from cutpoint.lab.zoo.nets.blocks import classified

_NUM_MIDDLE_BLOCKS = 8


def xception() -> Architecture:
    """Separable convolutions in twelve residual blocks."""
    net = Net("xception", (3, 299, 299))
    with net.scope("entry"):
        x = net.relu(net.batch_norm(net.conv(net.input, 32, 3, 2, padding=0)))
        x = net.relu(net.batch_norm(net.conv(x, 64, 3, padding=0)))
    with net.scope("entry.0"):
        # The one block that begins with a convolution: its input went through Relu already.
        y = net.relu(_separable(net, x, 128))
        x = _down(net, x, _separable(net, y, 128))
    for block_idx, width in enumerate((256, 728)):
        with net.scope(f"entry.{block_idx + 1}"):
            x = _down(net, x, _branch(net, x, (width, width)))
    for block_idx in range(_NUM_MIDDLE_BLOCKS):
        with net.scope(f"middle.{block_idx}"):
            x = net.add(_branch(net, x, (728, 728, 728), residual=True), x)
    with net.scope("exit"):
        x = _down(net, x, _branch(net, x, (728, 1024)))
        x = net.relu(_separable(net, x, 1536))
        x = net.relu(_separable(net, x, 2048))
    return classified(net, x)


def _branch(net: Net, x: str, widths: tuple[int, ...], residual: bool = False) -> str:
    for conv_idx, width in enumerate(widths):
        is_last = conv_idx == len(widths) - 1
        x = _separable(net, net.relu(x), width, residual=residual and is_last)
    return x


def _separable(net: Net, x: str, width: int, residual: bool = False) -> str:
    """Convolve each channel, mix them, normalise; nothing between the two convolutions."""
    x = net.conv(x, net.channels(x), 3, groups=net.channels(x))
    return net.batch_norm(net.conv(x, width), residual=residual)


def _down(net: Net, x: str, branch: str) -> str:
    """Halve the size of the branch, and add a projection of its input."""
    with net.scope("projection"):
        x = net.batch_norm(net.conv(x, net.channels(branch), stride=2))
    return net.add(net.max_pool(branch, 3, 2, padding=1), x)
