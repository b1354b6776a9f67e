"""AlexNet of Krizhevsky et al. (2012), NeurIPS, as figure 2 draws it: one tower per GPU."""

from cutpoint.lab.zoo.architecture import Architecture
from cutpoint.lab.zoo.net import Net
from cutpoint.lab.zoo.nets.blocks import IMAGENET_CLASSES

_TOWERS = ("tower1", "tower2")


def alexnet_towers() -> Architecture:
    """
    Two towers side by side, which read each other at the third convolution only.

    The zoo's ``alexnet`` holds the same weights in grouped convolutions, a chain;
    drawn as towers the net has cuts with a node of each.
    """
    net = Net("alexnet_towers", (3, 227, 227))
    fronts = [_front(net, tower) for tower in _TOWERS]
    shared = net.concat(fronts)
    x = net.flatten(net.concat([_back(net, tower, shared) for tower in _TOWERS]))
    for _ in range(2):
        x = net.relu(net.linear(x, 4096))
    return net.graph({"logits": net.linear(x, IMAGENET_CLASSES)})


def _front(net: Net, tower: str) -> str:
    """Convolve twice within the tower."""
    with net.scope(tower):
        x = net.relu(net.conv(net.input, 48, 11, 4, padding=0, bias=True))
        x = net.max_pool(_normalised(net, x), 3, 2)
        x = net.relu(net.conv(x, 128, 5, bias=True))
        return net.max_pool(_normalised(net, x), 3, 2)


def _back(net: Net, tower: str, shared: str) -> str:
    """Convolve what both towers made, then twice within the tower."""
    with net.scope(tower):
        x = net.relu(net.conv(shared, 192, 3, bias=True))
        x = net.relu(net.conv(x, 192, 3, bias=True))
        x = net.relu(net.conv(x, 128, 3, bias=True))
        return net.max_pool(x, 3, 2)


def _normalised(net: Net, x: str) -> str:
    """Normalise over neighbouring channels, with the constants of section 3.3."""
    return net.lrn(x, size=5, alpha=1e-4, beta=0.75, bias=2.0)
