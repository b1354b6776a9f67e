"""Swin with few channels (Liu et al. 2021): windows that shift, long shape arithmetic."""

from tests.exporters.architecture import Architecture, image
from tests.exporters.plain import OfPixels
from transformers import SwinConfig, SwinForImageClassification


def build() -> Architecture:
    """Give it with random weights."""
    config = SwinConfig(
        image_size=32,
        patch_size=2,
        embed_dim=12,
        depths=[2, 2],
        num_heads=[2, 4],
        window_size=4,
        num_labels=10,
    )
    net = OfPixels(SwinForImageClassification(config), "logits")
    return Architecture(net, image("pixel_values", 32), ("logits",))
