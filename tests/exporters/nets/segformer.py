"""SegFormer with few channels (Xie et al. 2021): four scales meet in one map."""

from tests.exporters.architecture import Architecture, image
from tests.exporters.plain import OfPixels
from transformers import SegformerConfig, SegformerForSemanticSegmentation


def build() -> Architecture:
    """Give it with random weights."""
    config = SegformerConfig(
        depths=[1, 1, 1, 1],
        hidden_sizes=[8, 16, 16, 32],
        num_attention_heads=[1, 2, 2, 4],
        decoder_hidden_size=16,
        num_labels=5,
    )
    net = OfPixels(SegformerForSemanticSegmentation(config), "logits")
    return Architecture(net, image("pixel_values", 64), ("logits",))
