"""Values as they are: no copy, no loss."""

import sys
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cutpoint.wire.codecs.codec import Buffer
from cutpoint.wire.tensors import TensorSpec, to_array, to_bytes


class Raw:
    """An array's own bytes, little-endian, in row order; a contiguous one is not copied."""

    name = "raw"
    is_lossless = True

    def __repr__(self) -> str:
        return "<Raw>"

    def takes(self, spec: TensorSpec) -> bool:
        """Tell whether arrays of this type and shape can be encoded: all can."""
        return True

    def blocks(self, array: NDArray[np.generic]) -> Iterator[Buffer]:
        """Yield the array's own memory, in one piece."""
        if array.flags.c_contiguous and array.dtype.isbuiltin == 1 and array.dtype != np.object_:
            yield array.reshape(-1).view(np.uint8).data
        else:
            yield to_bytes(array)

    def decode(self, spec: TensorSpec, raw: Buffer) -> NDArray[np.generic]:
        """
        Give the array that these bytes are, without a copy.

        Raises
        ------
        RemoteProtocolError
            If there are more or fewer bytes than the shape needs, or they are no text.
        """
        return to_array(spec, raw)

    def most_bytes(self, spec: TensorSpec) -> int:
        """Give the size; texts have none that is known: the receiver's own limit holds."""
        return sys.maxsize if spec.size_bytes is None else spec.size_bytes

    def most_error(self, array: NDArray[np.generic]) -> float:
        """Give 0."""
        return 0.0
