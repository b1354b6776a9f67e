"""GPT-2 with few channels (Radford et al. 2019): its classifier is its embedding."""

from tests.exporters.architecture import LENGTHS, TEXT, Architecture, masked_text
from tests.exporters.plain import OfText
from transformers import GPT2Config, GPT2LMHeadModel


def build() -> Architecture:
    """Give it with random weights."""
    config = GPT2Config(
        vocab_size=100,
        n_embd=32,
        n_layer=2,
        n_head=4,
        n_positions=64,
        bos_token_id=0,
        eos_token_id=0,
        use_cache=False,
    )
    return Architecture(
        OfText(GPT2LMHeadModel(config), "logits"),
        masked_text,
        ("logits",),
        TEXT,
        {"batch": 2, "sequence": 17},
        LENGTHS,
    )
