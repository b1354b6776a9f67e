"""Two towers of one set of weights that are compared: two inputs, two outputs."""

import numpy as np
import torch
from tests.exporters.architecture import Architecture, Feed, Sizes
from torch import Tensor, nn


class _Siamese(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tower = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2, padding=1),
            nn.PReLU(8),
            nn.Conv2d(8, 16, 3, stride=2, padding=1),
            nn.GELU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(16, 12),
        )

    def forward(self, left: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
        left, right = self.tower(left), self.tower(right)
        alike = torch.cosine_similarity(left, right)
        return alike, (left - right).abs().sum(1)


def _pair(sizes: Sizes, rng: np.random.Generator) -> Feed:
    shape = (sizes["batch"], 3, 16, 16)
    return {name: rng.standard_normal(shape, dtype=np.float32) for name in ("left", "right")}


def build() -> Architecture:
    """Give it with random weights."""
    return Architecture(
        _Siamese().eval(),
        _pair,
        ("alike", "distance"),
        {"left": {0: "batch"}, "right": {0: "batch"}},
        {"batch": 2},
        ({"batch": 1}, {"batch": 4}),
    )
