"""
HRNet of Wang et al. (2021), "Deep High-Resolution Representation Learning", TPAMI 43(10).

Branches of several resolutions run side by side and exchange features again and again
(section 3); the small net of the authors' HRNet-Image-Classification, as in timm.
"""

from cutpoint.lab.zoo.architecture import Architecture
from cutpoint.lab.zoo.net import Net
from cutpoint.lab.zoo.nets.blocks import classified, conv_norm

_STAGE_CHANNELS = ((16, 32), (16, 32, 64), (16, 32, 64, 128))
"""Channels of each branch, from the finest to the coarsest, in stages 2 to 4."""

_BLOCKS = 2
"""Basic blocks of each branch before the branches exchange."""

_HEAD_CHANNELS = (32, 64, 128, 256)
"""Bottleneck channels with which the head widens each branch."""

_EXPANSION = 4
"""What comes out of a bottleneck, by what it holds inside."""


def hrnet_w18_small() -> Architecture:
    """
    HRNet-W18-C-Small-v1, up to four branches.

    From stage 2 to the head several values cross every cut, and cuts through
    different branches do not contain each other.
    """
    net = Net("hrnet_w18_small", (3, 224, 224))
    with net.scope("stem.0"):
        x = conv_norm(net, net.input, 64, 3, 2, activation=net.relu)
    with net.scope("stem.1"):
        x = conv_norm(net, x, 64, 3, 2, activation=net.relu)
    with net.scope("stages.1"):
        branches = [_bottleneck(net, x, 32)]
    for stage_idx, channels in enumerate(_STAGE_CHANNELS, start=2):
        with net.scope(f"stages.{stage_idx}"):
            branches = _transition(net, branches, channels)
            branches = _exchange(net, [_branch(net, *each) for each in enumerate(branches)])
    return classified(net, _head(net, branches))


def _transition(net: Net, branches: list[str], channels: tuple[int, ...]) -> list[str]:
    """Fit the branches to the stage's channels, and derive the new one from the coarsest."""
    fitted = []
    for branch_idx, wanted in enumerate(channels):
        is_new = branch_idx == len(branches)
        x = branches[-1] if is_new else branches[branch_idx]
        if is_new or net.channels(x) != wanted:
            with net.scope(f"transition.{branch_idx}"):
                x = conv_norm(net, x, wanted, 3, 2 if is_new else 1, activation=net.relu)
        fitted.append(x)
    return fitted


def _branch(net: Net, branch_idx: int, x: str) -> str:
    for block_idx in range(_BLOCKS):
        with net.scope(f"branches.{branch_idx}.{block_idx}"):
            x = _basic_block(net, x)
    return x


def _exchange(net: Net, branches: list[str]) -> list[str]:
    """Give each branch the sum of all branches, brought to its resolution and channels."""
    fused = []
    for to_idx in range(len(branches)):
        with net.scope(f"fuse.{to_idx}"):
            total = _brought(net, branches, 0, to_idx)
            for from_idx in range(1, len(branches)):
                total = net.add(total, _brought(net, branches, from_idx, to_idx))
            fused.append(net.relu(total))
    return fused


def _brought(net: Net, branches: list[str], from_idx: int, to_idx: int) -> str:
    """Bring one branch to the resolution and channels of another."""
    x = branches[from_idx]
    _, out_channels, height, width = net.shape(branches[to_idx])
    if from_idx == to_idx:
        return x
    with net.scope(f"from.{from_idx}"):
        if from_idx > to_idx:
            return net.resize(conv_norm(net, x, out_channels), height, width, "nearest")
        for step_idx in range(from_idx, to_idx - 1):
            with net.scope(f"down.{step_idx}"):
                x = conv_norm(net, x, net.channels(x), 3, 2, activation=net.relu)
        with net.scope(f"down.{to_idx - 1}"):
            return conv_norm(net, x, out_channels, 3, 2)


def _head(net: Net, branches: list[str]) -> str:
    """Widen the branches and add them up from the finest to the coarsest."""
    with net.scope("head.0"):
        x = _bottleneck(net, branches[0], _HEAD_CHANNELS[0])
    for branch_idx in range(1, len(branches)):
        with net.scope(f"head.{branch_idx}"):
            wide = _bottleneck(net, branches[branch_idx], _HEAD_CHANNELS[branch_idx])
            with net.scope("down"):
                x = net.add(wide, _biased_conv(net, x, net.channels(wide), 3, 2))
    with net.scope("head.final"):
        return _biased_conv(net, x, 2048, 1, 1)


def _biased_conv(net: Net, x: str, out_channels: int, kernel: int, stride: int) -> str:
    # The authors left the bias on before these batch norms; the published count has it.
    x = net.conv(x, out_channels, kernel, stride, bias=True)
    return net.relu(net.batch_norm(x))


def _basic_block(net: Net, x: str) -> str:
    shortcut, channels = x, net.channels(x)
    with net.scope("conv1"):
        x = conv_norm(net, x, channels, 3, activation=net.relu)
    with net.scope("conv2"):
        x = conv_norm(net, x, channels, 3, residual=True)
    return net.relu(net.add(x, shortcut))


def _bottleneck(net: Net, x: str, channels: int) -> str:
    shortcut, out_channels = x, _EXPANSION * channels
    with net.scope("conv1"):
        x = conv_norm(net, x, channels, activation=net.relu)
    with net.scope("conv2"):
        x = conv_norm(net, x, channels, 3, activation=net.relu)
    with net.scope("conv3"):
        x = conv_norm(net, x, out_channels)
    # No bottleneck of this net has as many channels going in as coming out.
    with net.scope("shortcut"):
        shortcut = conv_norm(net, shortcut, out_channels)
    return net.relu(net.add(x, shortcut))
