"""MobileNetV2 with few channels (Sandler et al. 2018): inverted residuals, clipped Relu."""

from tests.exporters.architecture import Architecture, image
from tests.exporters.plain import OfPixels
from transformers import MobileNetV2Config, MobileNetV2ForImageClassification


def build() -> Architecture:
    """Give it with random weights."""
    config = MobileNetV2Config(
        image_size=64,
        depth_multiplier=0.25,
        num_labels=10,
    )
    net = OfPixels(MobileNetV2ForImageClassification(config), "logits")
    return Architecture(net, image("pixel_values", 64), ("logits",))
