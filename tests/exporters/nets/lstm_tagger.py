"""A tagger of a two-way LSTM and a GRU; texts of any length."""

import numpy as np
from tests.exporters.architecture import LENGTHS, Architecture, Feed, Sizes
from torch import Tensor, nn


class _Tagger(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(100, 16)
        self.both_ways = nn.LSTM(16, 12, batch_first=True, bidirectional=True)
        self.forth = nn.GRU(24, 10, batch_first=True)
        self.tag = nn.Linear(10, 7)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        words, _ = self.both_ways(self.embedding(tokens))
        words, last = self.forth(words)
        return self.tag(words), last[0]


def _tokens(sizes: Sizes, rng: np.random.Generator) -> Feed:
    return {"tokens": rng.integers(0, 100, (sizes["batch"], sizes["sequence"]), dtype=np.int64)}


def build() -> Architecture:
    """Give it with random weights; a batch of one, as PyTorch fixes it in a recurrent export."""
    return Architecture(
        _Tagger().eval(),
        _tokens,
        ("tags", "last"),
        {"tokens": {1: "sequence"}},
        {"batch": 1, "sequence": 17},
        tuple({**sizes, "batch": 1} for sizes in LENGTHS),
    )
