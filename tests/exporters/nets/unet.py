"""U-Net of three levels (Ronneberger et al. 2015): values that skip over the middle."""

import torch
from tests.exporters.architecture import Architecture, image
from torch import Tensor, nn


def _twice(width_in: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(width_in, width, 3, padding=1),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Conv2d(width, width, 3, padding=1),
        nn.BatchNorm2d(width),
        nn.ReLU(),
    )


class _UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList([_twice(3, 8), _twice(8, 16), _twice(16, 24)])
        self.middle = _twice(24, 32)
        self.widen = nn.ModuleList(
            nn.ConvTranspose2d(2 * width, width, 2, stride=2) if width != 24
            else nn.Sequential(nn.Upsample(scale_factor=2.0), nn.Conv2d(32, 24, 1))
            for width in (24, 16, 8)
        )  # fmt: skip
        self.narrow = nn.ModuleList([_twice(48, 16 * 2), _twice(32, 16), _twice(16, 8)])
        self.mask = nn.Conv2d(8, 2, 1)

    def forward(self, picture: Tensor) -> Tensor:
        skipped = []
        for block in self.down:
            picture = block(picture)
            skipped.append(picture)
            picture = nn.functional.max_pool2d(picture, 2)
        picture = self.middle(picture)
        for widen, block in zip(self.widen, self.narrow, strict=True):
            picture = block(torch.cat([widen(picture), skipped.pop()], 1))
        return self.mask(picture)


def build() -> Architecture:
    """Give it with random weights."""
    return Architecture(_UNet().eval(), image("picture", 32), ("mask",))
