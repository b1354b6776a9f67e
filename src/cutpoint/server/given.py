"""What a request brought: arrays, and tensors that are to be decoded first."""

from collections.abc import Mapping
from dataclasses import dataclass

from cutpoint.graph import Arrays
from cutpoint.graph.element_types import Shape
from cutpoint.wire.undecoded import Undecoded


@dataclass(frozen=True, eq=False)
class Given:
    """
    The tensors of a request.

    Parameters
    ----------
    arrays
        By name, as they came.
    undecoded
        The others.
    """

    arrays: Arrays
    undecoded: tuple[Undecoded, ...] = ()

    @property
    def shapes(self) -> Mapping[str, Shape]:
        """Of every tensor, by name."""
        shapes = {name: array.shape for name, array in self.arrays.items()}
        return {**shapes, **{each.spec.name: each.spec.shape or () for each in self.undecoded}}

    @property
    def received_bytes(self) -> int:
        """Bytes that came."""
        return _bytes_of(self.arrays) + sum(each.encoded_bytes for each in self.undecoded)

    @property
    def decoded_bytes(self) -> int:
        """Bytes that the encoded tensors become."""
        return sum(each.raw_bytes for each in self.undecoded)

    @property
    def fed_bytes(self) -> int:
        """Bytes of the arrays, once all are decoded."""
        return _bytes_of(self.arrays) + self.decoded_bytes


def _bytes_of(arrays: Arrays) -> int:
    return sum(array.nbytes for array in arrays.values())
