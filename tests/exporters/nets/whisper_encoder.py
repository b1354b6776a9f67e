"""Whisper's encoder with few channels (Radford et al. 2023): convolutions, then attention."""

import numpy as np
from tests.exporters.architecture import Architecture, Feed, Sizes
from tests.exporters.plain import OfSound
from transformers import WhisperConfig
from transformers.models.whisper.modeling_whisper import WhisperEncoder


def _spectrogram(sizes: Sizes, rng: np.random.Generator) -> Feed:
    return {"input_features": rng.standard_normal((sizes["batch"], 16, 64), dtype=np.float32)}


def build() -> Architecture:
    """Give it with random weights."""
    config = WhisperConfig(
        vocab_size=100,
        pad_token_id=0,
        bos_token_id=0,
        eos_token_id=0,
        decoder_start_token_id=0,
        num_mel_bins=16,
        d_model=32,
        encoder_layers=2,
        encoder_attention_heads=4,
        encoder_ffn_dim=64,
        max_source_positions=32,
    )
    return Architecture(
        OfSound(WhisperEncoder(config), "last_hidden_state"),
        _spectrogram,
        ("last_hidden_state",),
        {"input_features": {0: "batch"}},
        {"batch": 2},
        ({"batch": 1}, {"batch": 3}),
    )
