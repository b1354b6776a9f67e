"""The pre-norm encoder block of vision transformers, attention spelled out node by node."""

from cutpoint.lab.zoo.net import Net
from cutpoint.lab.zoo.nets.blocks import Activation


def encoder_block(
    net: Net, x: str, heads: int, mlp_ratio: int, activation: Activation, eps: float
) -> str:
    """
    Add a transformer block over the second to last axis.

    Parameters
    ----------
    net
        Net to extend.
    x
        Tokens: any leading axes, then tokens, then features.
    heads
        Attention heads; divides the features.
    mlp_ratio
        Hidden features of the MLP by features of a token.
    activation
        Of the MLP's hidden features.
    eps
        Small number in the layer norms.

    References
    ----------
    Vaswani et al., "Attention Is All You Need", NeurIPS 2017, section 3.2; norms first
    as in Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021, section 3.1.
    """
    features = net.shape(x)[-1]
    with net.scope("attention"):
        x = net.add(x, _attention(net, net.layer_norm(x, eps=eps), heads))
    with net.scope("mlp"):
        hidden = net.layer_norm(x, eps=eps)
        with net.scope("fc1"):
            hidden = activation(net.linear(hidden, mlp_ratio * features))
        with net.scope("fc2"):
            return net.add(x, net.linear(hidden, features))


def _attention(net: Net, x: str, heads: int) -> str:
    *lead, tokens, features = net.shape(x)
    axis = len(lead)  # of the tokens; afterwards come heads, then features of one head
    kept = range(axis)
    by_head = (*lead, tokens, heads, features // heads)
    tokens_last = (*kept, axis + 1, axis + 2, axis)
    heads_first = (*kept, axis + 1, axis, axis + 2)
    with net.scope("qkv"):
        split = net.split(net.linear(x, 3 * features), [features] * 3, axis=axis + 1)
        query, key, value = (net.reshape(part, by_head) for part in split)
    scores = net.matmul(net.transpose(query, heads_first), net.transpose(key, tokens_last))
    weights = net.softmax(net.scale(scores, (features // heads) ** -0.5))
    mixed = net.matmul(weights, net.transpose(value, heads_first))
    # The same permutation swaps heads and tokens back.
    joined = net.reshape(net.transpose(mixed, heads_first), (*lead, tokens, features))
    with net.scope("projection"):
        return net.linear(joined, features)
