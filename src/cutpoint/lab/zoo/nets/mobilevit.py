"""
MobileViT of Mehta and Rastegari (2022), ICLR, section 3.1 and table 4.

"MobileViT: Light-weight, General-purpose, and Mobile-friendly Vision Transformer": a
small convolutional net with transformers between its convolutions; epsilons as in timm.
"""

from cutpoint.lab.zoo.architecture import Architecture
from cutpoint.lab.zoo.net import Net
from cutpoint.lab.zoo.nets.blocks import classified, conv_norm
from cutpoint.lab.zoo.nets.transformer import encoder_block

_EXPANSION = 2
_HEADS = 4
_MLP_RATIO = 2
_EPS = 1e-5

_PATCH = 2
"""Height and width of a patch, in pixels of the feature maps."""

_STAGES = (
    # channels, features of a token, transformer blocks: table 4, column XXS
    (48, 64, 2),
    (64, 80, 4),
    (80, 96, 3),
)


def mobilevit_xxs() -> Architecture:
    """1.3 M weights: nine transformer blocks on tokens of 64 to 96 features."""
    net = Net("mobilevit_xxs", (3, 256, 256))
    with net.scope("stem"):
        x = conv_norm(net, net.input, 16, 3, 2, activation=net.silu)
    for block_idx, (channels, stride) in enumerate([(16, 1), (24, 2), (24, 1), (24, 1)]):
        with net.scope(f"blocks.{block_idx}"):
            x = _inverted_residual(net, x, channels, stride)
    for stage_idx, (channels, features, depth) in enumerate(_STAGES):
        with net.scope(f"stages.{stage_idx}"):
            x = _inverted_residual(net, x, channels, 2)
            x = _mobilevit_block(net, x, features, depth)
    with net.scope("head"):
        x = conv_norm(net, x, 320, activation=net.silu)
    return classified(net, x)


def _inverted_residual(net: Net, x: str, out_channels: int, stride: int) -> str:
    shortcut, expanded = x, _EXPANSION * net.channels(x)
    is_residual = stride == 1 and net.channels(x) == out_channels
    with net.scope("expand"):
        x = conv_norm(net, x, expanded, activation=net.silu)
    with net.scope("depthwise"):
        x = conv_norm(net, x, expanded, 3, stride, groups=expanded, activation=net.silu)
    with net.scope("project"):
        x = conv_norm(net, x, out_channels, residual=is_residual)
    return net.add(x, shortcut) if is_residual else x


def _mobilevit_block(net: Net, x: str, features: int, depth: int) -> str:
    """Let pixels at the same place of all patches attend to each other, and fold the maps back."""
    shortcut, channels = x, net.channels(x)
    with net.scope("local"):
        x = conv_norm(net, x, channels, 3, activation=net.silu)
        x = net.conv(x, features)
    shape = net.shape(x)
    x = _unfold(net, x)
    for block_idx in range(depth):
        with net.scope(f"transformer.{block_idx}"):
            x = encoder_block(net, x, _HEADS, _MLP_RATIO, net.silu, _EPS)
    with net.scope("norm"):
        x = _fold(net, net.layer_norm(x, eps=_EPS), shape)
    with net.scope("project"):
        x = conv_norm(net, x, channels, activation=net.silu)
    with net.scope("fuse"):
        return conv_norm(net, net.concat([shortcut, x]), channels, 3, activation=net.silu)


def _unfold(net: Net, x: str) -> str:
    """Turn maps into batch, place in the patch, patch, features."""
    batch, features, height, width = net.shape(x)
    rows, columns = height // _PATCH, width // _PATCH
    x = net.reshape(x, (batch, features, rows, _PATCH, columns, _PATCH))
    x = net.transpose(x, (0, 3, 5, 2, 4, 1))
    return net.reshape(x, (batch, _PATCH * _PATCH, rows * columns, features))


def _fold(net: Net, x: str, shape: tuple[int, ...]) -> str:
    """Turn what `_unfold` gave back into maps."""
    batch, features, height, width = shape
    rows, columns = height // _PATCH, width // _PATCH
    x = net.reshape(x, (batch, _PATCH, _PATCH, rows, columns, features))
    return net.reshape(net.transpose(x, (0, 5, 3, 1, 4, 2)), shape)
