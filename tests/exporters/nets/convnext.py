"""ConvNeXt with few channels (Liu et al. 2022): layer norms whose weights are all equal."""

from tests.exporters.architecture import Architecture, image
from tests.exporters.plain import OfPixels
from transformers import ConvNextConfig, ConvNextForImageClassification


def build() -> Architecture:
    """Give it with random weights."""
    config = ConvNextConfig(
        hidden_sizes=[8, 16, 24, 32],
        depths=[1, 1, 2, 1],
        num_labels=10,
    )
    net = OfPixels(ConvNextForImageClassification(config), "logits")
    return Architecture(net, image("pixel_values", 64), ("logits",))
