"""ViT with few channels (Dosovitskiy et al. 2021); the batch is open."""

from tests.exporters.architecture import Architecture, image
from tests.exporters.plain import OfPixels
from transformers import ViTConfig, ViTForImageClassification


def build() -> Architecture:
    """Give it with random weights."""
    config = ViTConfig(
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=64,
        image_size=32,
        patch_size=8,
        num_labels=10,
    )
    return Architecture(
        OfPixels(ViTForImageClassification(config), "logits"),
        image("pixel_values", 32, "batch"),
        ("logits",),
        {"pixel_values": {0: "batch"}},
        {"batch": 2},
        ({"batch": 1}, {"batch": 7}),
    )
