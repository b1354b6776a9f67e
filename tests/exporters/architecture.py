"""An architecture: a net of PyTorch with random weights, and what its exporters are told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Feed = dict[str, NDArray[np.generic]]
Sizes = Mapping[str, int]


@dataclass(frozen=True)
class Architecture:
    """
    A net that both exporters take.

    Parameters
    ----------
    net
        Module of PyTorch in evaluation mode; its answer is a tensor or a tuple of them.
    feed
        Makes the inputs by name, in the order of the net's arguments, for sizes of the
        open dimensions and a source of randomness.
    outputs
        Names of what it answers.
    dynamic
        Per input, names of the open dimensions by position.
    sizes
        At which it is exported, and bound by cutpoint.
    others
        At which the same export must answer too.
    """

    net: Any
    feed: Callable[[Sizes, np.random.Generator], Feed]
    outputs: tuple[str, ...]
    dynamic: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    sizes: Sizes = field(default_factory=dict)
    others: tuple[Sizes, ...] = ()

    @property
    def named_sizes(self) -> Sizes:
        """The sizes of what is open in an export."""
        open_ = {name for axes in self.dynamic.values() for name in axes.values()}
        return {name: size for name, size in self.sizes.items() if name in open_}

    def sample(self, seed: int, sizes: Sizes | None = None) -> Feed:
        """Draw inputs."""
        return self.feed(self.sizes if sizes is None else sizes, np.random.default_rng(seed))


def image(name: str, side: int, batch: str | None = None) -> Callable[..., Feed]:
    """Give what draws one image, or as many as an open dimension says."""

    def draw(sizes: Sizes, rng: np.random.Generator) -> Feed:
        count = sizes[batch] if batch else 1
        return {name: rng.standard_normal((count, 3, side, side), dtype=np.float32)}

    return draw


def masked_text(sizes: Sizes, rng: np.random.Generator) -> Feed:
    """Draw token ids, and a mask that hides the end of the first text."""
    shape = (sizes["batch"], sizes["sequence"])
    mask = np.ones(shape, np.int64)
    mask[0, -max(1, shape[1] // 4) :] = 0
    return {"input_ids": rng.integers(1, 90, shape, dtype=np.int64), "attention_mask": mask}


TEXT = {name: {0: "batch", 1: "sequence"} for name in ("input_ids", "attention_mask")}
"""The open dimensions of token ids and their mask."""

LENGTHS = ({"batch": 1, "sequence": 5}, {"batch": 3, "sequence": 11}, {"batch": 2, "sequence": 29})
"""Sizes at which a net of texts must answer as well."""
