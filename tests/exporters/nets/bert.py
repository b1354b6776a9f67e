"""BERT with few channels (Devlin et al. 2019): two inputs, two outputs, texts of any length."""

from tests.exporters.architecture import LENGTHS, TEXT, Architecture, masked_text
from tests.exporters.plain import OfText
from transformers import BertConfig, BertModel


def build() -> Architecture:
    """Give it with random weights."""
    config = BertConfig(
        vocab_size=100,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    return Architecture(
        OfText(BertModel(config), "last_hidden_state", "pooler_output"),
        masked_text,
        ("last_hidden_state", "pooled"),
        TEXT,
        {"batch": 2, "sequence": 17},
        LENGTHS,
    )
