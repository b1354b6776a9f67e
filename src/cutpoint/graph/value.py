"""A value: a named array that nodes produce and consume."""

from dataclasses import dataclass
from math import prod

import numpy as np


@dataclass(frozen=True)
class Value:
    """
    A named array in the graph.

    Parameters
    ----------
    name
        As in the model file.
    dtype
        NumPy's name of the element type; ``None`` for what is not a numeric tensor.
    shape
        Every dimension bound; ``None`` where the shape is not known.
    producer
        Index of the node that makes it; ``None`` for a model input.
    consumers
        Indices of the nodes that use it.
    """

    name: str
    dtype: str | None
    shape: tuple[int, ...] | None
    producer: int | None
    consumers: tuple[int, ...]

    @property
    def can_travel(self) -> bool:
        """Whether its size is known, so that it may cross a cut."""
        return self.dtype is not None and self.shape is not None

    @property
    def size_bytes(self) -> int:
        """Bytes of the raw array; 0 where the shape is not known."""
        if self.dtype is None or self.shape is None:
            return 0
        return prod(self.shape) * np.dtype(self.dtype).itemsize
