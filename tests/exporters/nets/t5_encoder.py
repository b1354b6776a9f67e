"""T5's encoder with few channels (Raffel et al. 2020): positions as buckets of distances."""

from tests.exporters.architecture import LENGTHS, TEXT, Architecture, masked_text
from tests.exporters.plain import OfText
from transformers import T5Config, T5EncoderModel


def build() -> Architecture:
    """Give it with random weights."""
    config = T5Config(
        vocab_size=100,
        d_model=32,
        d_kv=8,
        d_ff=64,
        num_layers=2,
        num_heads=4,
        use_cache=False,
    )
    return Architecture(
        OfText(T5EncoderModel(config), "last_hidden_state"),
        masked_text,
        ("last_hidden_state",),
        TEXT,
        {"batch": 2, "sequence": 17},
        LENGTHS,
    )
