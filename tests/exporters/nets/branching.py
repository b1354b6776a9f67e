"""A net that looks at its input to choose a branch: ``torch.cond``, or a scripted ``if``."""

import warnings

import numpy as np
import torch
from tests.exporters.architecture import Architecture, Feed, Sizes
from torch import Tensor, nn


class Branching(nn.Module):
    """Two ways through the middle, of which a part made early picks one."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.branches = _ByCond()
        self.last = nn.Conv2d(8, 4, 1)

    def forward(self, picture: Tensor) -> Tensor:
        """Compute the map."""
        made = self.stem(picture)
        chosen = self.branches(made, made.mean() - self.stem.bias.mean())
        return self.last(chosen) + made[:, :4]


class _Branches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.bright = nn.Conv2d(8, 8, 3, padding=1)
        self.dark = nn.Conv2d(8, 8, 1)


class _ByCond(_Branches):
    def forward(self, picture: Tensor, mean: Tensor) -> Tensor:
        return torch.cond(
            mean > 0,
            lambda given: self.bright(given).relu(),
            lambda given: self.dark(given).tanh() * 2,
            (picture,),
        )


class _ByScript(_Branches):
    def forward(self, picture: Tensor, mean: Tensor) -> Tensor:
        bright, dark = self.bright, self.dark
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # as long as there is a script
            chosen = torch.jit.script(_chosen)
        return chosen(picture, mean, bright.weight, bright.bias, dark.weight, dark.bias)


def _chosen(
    picture: Tensor,
    mean: Tensor,
    bright_weight: Tensor,
    bright_bias: Tensor,
    dark_weight: Tensor,
    dark_bias: Tensor,
) -> Tensor:
    if bool(mean > 0):
        picture = torch.conv2d(picture, bright_weight, bright_bias, padding=1).relu()
    else:
        picture = torch.conv2d(picture, dark_weight, dark_bias).tanh() * 2
    return picture


def scripted(net: Branching) -> Branching:
    """Give the net for the exporter that traces: a trace alone would keep one branch."""
    branches = _ByScript()
    branches.load_state_dict(net.branches.state_dict())
    net.branches = branches
    return net


def _picture(sizes: Sizes, rng: np.random.Generator) -> Feed:
    """Draw a picture that is bright or dark."""
    light = rng.choice([-1.0, 1.0])
    return {"picture": (light + rng.standard_normal((1, 3, 12, 12))).astype(np.float32)}


def build() -> Architecture:
    """Give it with random weights; with pictures enough to see both branches."""
    return Architecture(Branching().eval(), _picture, ("map",), others=({},) * 4)
