"""
DeiT of Touvron et al. (2021), "Training data-efficient image transformers", ICML, table 1.

A vision transformer (Dosovitskiy et al., ICLR 2021, section 3.1) without convolutions
but for the cutting of patches: every cut between two blocks crosses one value of one size.
"""

from cutpoint.lab.zoo.architecture import Architecture
from cutpoint.lab.zoo.net import Net
from cutpoint.lab.zoo.nets.blocks import IMAGENET_CLASSES
from cutpoint.lab.zoo.nets.transformer import encoder_block

_FEATURES = 192
_DEPTH = 12
_HEADS = 3
_MLP_RATIO = 4
_PATCH = 16
_EPS = 1e-6


def deit_tiny() -> Architecture:
    """192 features, without distillation token: twelve blocks on 197 tokens."""
    net = Net("deit_tiny", (3, 224, 224))
    with net.scope("embedding"):
        x = _embedding(net)
    for block_idx in range(_DEPTH):
        with net.scope(f"blocks.{block_idx}"):
            x = encoder_block(net, x, _HEADS, _MLP_RATIO, net.gelu, _EPS)
    with net.scope("head"):
        x = net.layer_norm(x, eps=_EPS)
        class_token = net.flatten(net.slice(x, 0, 1, axis=1))
        logits = net.linear(class_token, IMAGENET_CLASSES)
    return net.graph({"logits": logits})


def _embedding(net: Net) -> str:
    """Make one token of each patch, put the class token before them and add their places."""
    maps = net.conv(net.input, _FEATURES, _PATCH, _PATCH, padding=0, bias=True)
    batch, _, rows, columns = net.shape(maps)
    tokens = net.transpose(net.reshape(maps, (batch, _FEATURES, rows * columns)), (0, 2, 1))
    class_token = net.parameter((1, 1, _FEATURES), "class_token")
    places = net.parameter((1, 1 + rows * columns, _FEATURES), "position_embedding")
    return net.add(net.concat([class_token, tokens]), places)
