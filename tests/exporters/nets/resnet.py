"""ResNet-18's plan with few channels (He et al. 2016); the batch is open."""

from tests.exporters.architecture import Architecture, image
from tests.exporters.plain import OfPixels
from transformers import ResNetConfig, ResNetForImageClassification


def build() -> Architecture:
    """Give it with random weights."""
    config = ResNetConfig(
        embedding_size=8,
        hidden_sizes=[8, 16, 24, 32],
        depths=[2, 2, 2, 2],
        layer_type="basic",
        num_labels=10,
    )
    return Architecture(
        OfPixels(ResNetForImageClassification(config), "logits"),
        image("pixel_values", 64, "batch"),
        ("logits",),
        {"pixel_values": {0: "batch"}},
        {"batch": 2},
        ({"batch": 1}, {"batch": 5}),
    )
