"""Groups of nodes that several families of nets are made of."""

from collections.abc import Callable

from cutpoint.lab.zoo.architecture import Architecture
from cutpoint.lab.zoo.net import Net

IMAGENET_CLASSES = 1000

Activation = Callable[[str], str]
"""A method of `Net` that takes a value and gives the activated one."""


def divisible(channels: float, divisor: int = 8) -> int:
    """
    Round a number of channels to a multiple of ``divisor``, at most a tenth down.

    Parameters
    ----------
    channels
        What a width factor gave.
    divisor
        8 in all MobileNets and EfficientNets, 4 in GhostNet.
    """
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


def conv_norm(
    net: Net,
    x: str,
    out_channels: int,
    kernel: int = 1,
    stride: int = 1,
    *,
    groups: int = 1,
    activation: Activation | None = None,
    eps: float = 1e-5,
    residual: bool = False,
) -> str:
    """
    Add a convolution without bias, its batch norm and, where given, an activation.

    Parameters
    ----------
    net
        Net to extend.
    x
        Value to start from.
    out_channels
        Channels of the convolution.
    kernel
        Height and width of its kernel; padded to keep the size at stride 1.
    stride
        Its stride.
    groups
        Its groups; the number of channels for a depthwise convolution.
    activation
        What follows the batch norm.
    eps
        Small number in the batch norm.
    residual
        Whether this ends a branch that is added to its own input.
    """
    x = net.conv(x, out_channels, kernel, stride, groups=groups)
    x = net.batch_norm(x, eps=eps, residual=residual)
    return x if activation is None else activation(x)


def squeeze_excite(
    net: Net, x: str, squeezed: int, activation: Activation, gate: Activation
) -> str:
    """
    Weigh the channels by a gate computed from their means (Hu et al., CVPR 2018, section 3).

    Parameters
    ----------
    net
        Net to extend.
    x
        Feature maps.
    squeezed
        Channels between the two small convolutions.
    activation
        What follows the first of them.
    gate
        What maps the second's output to weights in 0..1.
    """
    with net.scope("se"):
        mean = net.global_avg_pool(x)
        hidden = activation(net.conv(mean, squeezed, bias=True))
        weights = gate(net.conv(hidden, net.channels(x), bias=True))
        return net.mul(x, weights)


def classified(net: Net, x: str) -> Architecture:
    """Average feature maps over their area, end in one logit per ImageNet class."""
    with net.scope("classifier"):
        logits = net.linear(net.flatten(net.global_avg_pool(x)), IMAGENET_CLASSES)
    return net.graph({"logits": logits})
