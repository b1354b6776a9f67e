"""A one-stage detector's head on two scales: classes, boxes and the best boxes."""

import torch
from tests.exporters.architecture import Architecture, image
from torch import Tensor, nn


class _Detector(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 12, 3, 2, 1), nn.SiLU(), nn.Conv2d(12, 16, 3, 2, 1))
        self.coarse = nn.Sequential(nn.Hardswish(), nn.Conv2d(16, 16, 3, 2, 1))
        self.classes = nn.ModuleList(nn.Conv2d(16, 5, 1) for _ in range(2))
        self.boxes = nn.ModuleList(nn.Conv2d(16, 4, 1) for _ in range(2))

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        fine = self.stem(picture)
        coarse = self.coarse(fine)
        fine = fine + nn.functional.interpolate(coarse, scale_factor=2.0, mode="bilinear")
        scales = (fine, coarse)
        classes = torch.cat([f(s).flatten(2) for f, s in zip(self.classes, scales, strict=True)], 2)
        boxes = torch.cat([f(s).flatten(2) for f, s in zip(self.boxes, scales, strict=True)], 2)
        scores, labels = classes.sigmoid().max(1)
        best, places = scores.topk(8, 1)
        chosen = boxes.transpose(1, 2).gather(1, places[:, :, None].expand(-1, -1, 4))
        return best, labels.gather(1, places), chosen, coarse


def build() -> Architecture:
    """Give it with random weights."""
    outputs = ("scores", "labels", "boxes", "features")
    return Architecture(_Detector().eval(), image("picture", 64), outputs)
