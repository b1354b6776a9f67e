"""A value: a named array that nodes produce and consume."""

from dataclasses import dataclass
from typing import Literal

from cutpoint.graph.element_types import TEXT, Shape, raw_bytes

Kind = Literal["tensor", "sequence", "optional", "sparse tensor", "unknown"]

ANY = -1
"""A dimension of an open shape that may be of another size in every call."""


@dataclass(frozen=True)
class Value:
    """
    A named array in the graph.

    Parameters
    ----------
    name
        As in the model file.
    dtype
        NumPy's name of the element type (``object`` for text); ``None`` for what is not
        a tensor or of no known type.
    shape
        Every dimension bound; ``None`` where the shape is not known before it runs.
    producer
        Index of the node that makes it; ``None`` for a model input.
    consumers
        Indices of the nodes that use it.
    open_shape
        What every call has in common: -1 for a dimension that varies, ``None`` where not
        even the rank is known. The shape itself where nothing varies.
    expected_bytes
        Bytes seen in a trial run, where the shape does not tell them.
    kind
        What it is, where it is no tensor.
    """

    name: str
    dtype: str | None
    shape: Shape | None
    producer: int | None
    consumers: tuple[int, ...]
    open_shape: Shape | None
    expected_bytes: int | None = None
    kind: Kind = "tensor"

    @property
    def can_travel(self) -> bool:
        """Whether it is a tensor of a known type, so that it may cross a cut."""
        return self.dtype is not None

    @property
    def has_known_size(self) -> bool:
        """Whether its bytes are known before it is made, so that a plan may count on them."""
        return self._shape_bytes is not None or self.expected_bytes is not None

    @property
    def size_bytes(self) -> int:
        """Bytes of the raw array, or as many as a trial run made; 0 where neither is known."""
        size_bytes = self._shape_bytes
        return (self.expected_bytes or 0) if size_bytes is None else size_bytes

    @property
    def _shape_bytes(self) -> int | None:
        if self.dtype is None or self.dtype == TEXT or self.shape is None:
            return None
        return raw_bytes(self.dtype, self.shape)
