"""MobileNetV2 of Sandler et al. (2018), "MobileNetV2: Inverted Residuals ...", CVPR, table 2."""

from cutpoint.lab.zoo.architecture import Architecture
from cutpoint.lab.zoo.net import Net
from cutpoint.lab.zoo.nets.blocks import classified

_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Expansion, width, number of blocks and first stride of each stage: t, c, n and s."""


def mobilenet_v2() -> Architecture:
    """Inverted residual blocks with linear ends."""
    net = Net("mobilenet_v2", (3, 224, 224))
    with net.scope("stem"):
        x = net.relu6(net.batch_norm(net.conv(net.input, 32, 3, 2)))
    for stage_idx, (expansion, width, depth, first_stride) in enumerate(_STAGES):
        for block_idx in range(depth):
            with net.scope(f"stage{stage_idx + 1}.{block_idx}"):
                stride = 1 if block_idx else first_stride
                x = _inverted_residual(net, x, expansion, width, stride)
    with net.scope("head"):
        x = net.relu6(net.batch_norm(net.conv(x, 1280)))
    return classified(net, x)


def _inverted_residual(net: Net, x: str, expansion: int, width: int, stride: int) -> str:
    hidden = expansion * net.channels(x)
    is_residual = stride == 1 and width == net.channels(x)
    y = x if expansion == 1 else net.relu6(net.batch_norm(net.conv(x, hidden)))
    y = net.relu6(net.batch_norm(net.conv(y, hidden, 3, stride, groups=hidden)))
    y = net.batch_norm(net.conv(y, width), residual=is_residual)
    return net.add(y, x) if is_residual else y
