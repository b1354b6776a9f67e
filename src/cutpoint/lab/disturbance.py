"""What delays single pieces on an emulated link: jitter, and losses that TCP repairs.

Pure: seeded, and without a clock.
"""

import math
from dataclasses import dataclass

import numpy as np

RETRANSMISSION_S = 0.2
"""Linux's least time before TCP sends again: what a loss costs whatever comes behind it."""


@dataclass(frozen=True)
class Disturbance:
    """
    How unevenly a link delivers.

    Parameters
    ----------
    jitter_s
        Each piece takes up to this much longer, evenly distributed.
    loss
        Share of pieces that are lost once: each arrives `RETRANSMISSION_S` later, and
        whatever is behind it on its connection waits for it.

    Raises
    ------
    ValueError
        If the jitter is negative or not finite, or the loss is no share.
    """

    jitter_s: float = 0.0
    loss: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.jitter_s < math.inf:
            raise ValueError(f"jitter_s must be at least 0 and finite, got {self.jitter_s}")
        if not 0 <= self.loss < 1:
            raise ValueError(f"loss must be at least 0 and below 1, got {self.loss}")

    def extra_s(self, rng: np.random.Generator) -> float:
        """Give what the next piece takes beyond the link's delay."""
        jitter_s = float(rng.uniform(0.0, self.jitter_s)) if self.jitter_s else 0.0
        is_lost = self.loss > 0 and bool(rng.random() < self.loss)
        return jitter_s + (RETRANSMISSION_S if is_lost else 0.0)
