"""GhostNet's modules (Han et al. 2020): half of the channels made cheaply of the other half."""

import torch
from tests.exporters.architecture import Architecture, image
from torch import Tensor, nn


class _Ghost(nn.Module):
    def __init__(self, width_in: int, width: int, *, is_active: bool) -> None:
        super().__init__()
        half = width // 2
        active = nn.ReLU if is_active else nn.Identity
        self.primary = nn.Sequential(nn.Conv2d(width_in, half, 1), nn.BatchNorm2d(half), active())
        self.cheap = nn.Sequential(
            nn.Conv2d(half, half, 3, 1, 1, groups=half), nn.BatchNorm2d(half), active()
        )

    def forward(self, picture: Tensor) -> Tensor:
        first = self.primary(picture)
        return torch.cat([first, self.cheap(first)], 1)


class _Bottleneck(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.expand = _Ghost(width, 2 * width, is_active=True)
        self.squeeze = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(2 * width, 4, 1), nn.ReLU(),
            nn.Conv2d(4, 2 * width, 1), nn.Hardsigmoid(),
        )  # fmt: skip
        self.project = _Ghost(2 * width, width, is_active=False)

    def forward(self, picture: Tensor) -> Tensor:
        wide = self.expand(picture)
        return picture + self.project(wide * self.squeeze(wide))


def build() -> Architecture:
    """Give it with random weights."""
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(), _Bottleneck(8),
        nn.MaxPool2d(2), _Bottleneck(8), nn.Dropout(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(8, 10),
    )  # fmt: skip
    return Architecture(net.eval(), image("input", 32), ("logits",))
