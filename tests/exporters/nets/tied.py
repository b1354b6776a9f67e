"""A language net whose classifier is its embedding, with layers that share all their weights."""

import numpy as np
from tests.exporters.architecture import LENGTHS, Architecture, Feed, Sizes
from torch import Tensor, nn


class _Tied(nn.Module):
    """ALBERT's sharing (Lan et al. 2020): one layer, used three times."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(40, 24)
        self.norm = nn.LayerNorm(24)
        self.layer = nn.Sequential(nn.Linear(24, 48), nn.GELU(), nn.Linear(48, 24))
        self.norms = nn.ModuleList(nn.LayerNorm(24) for _ in range(3))
        self.classifier = nn.Linear(24, 40, bias=False)
        self.classifier.weight = self.embedding.weight

    def forward(self, tokens: Tensor) -> Tensor:
        words = self.norm(self.embedding(tokens))
        for norm in self.norms:
            words = norm(words + self.layer(words).cumsum(1))
        return self.classifier(words)


def _tokens(sizes: Sizes, rng: np.random.Generator) -> Feed:
    return {"tokens": rng.integers(0, 40, (sizes["batch"], sizes["sequence"]), dtype=np.int64)}


def build() -> Architecture:
    """Give it with random weights."""
    return Architecture(
        _Tied().eval(),
        _tokens,
        ("logits",),
        {"tokens": {0: "batch", 1: "sequence"}},
        {"batch": 2, "sequence": 17},
        LENGTHS,
    )
