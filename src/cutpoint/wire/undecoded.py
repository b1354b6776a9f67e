"""A tensor that has come whole and is not decoded yet."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cutpoint.wire.codecs.codec import Buffer, Codec
from cutpoint.wire.tensors import TensorSpec


@dataclass(frozen=True, eq=False)
class Undecoded:
    """
    Encoded bytes, and what makes an array of them.

    Parameters
    ----------
    spec
        What they are to become.
    codec
        Decodes them.
    raw
        As they came.
    """

    spec: TensorSpec
    codec: Codec
    raw: Buffer

    def __repr__(self) -> str:
        return f"<Undecoded {self.spec.name!r} {self.spec} as {self.codec.name}>"

    @property
    def encoded_bytes(self) -> int:
        """Bytes that came."""
        return len(self.raw)

    @property
    def raw_bytes(self) -> int:
        """Bytes of the array they become."""
        return self.spec.size_bytes or 0

    def decode(self) -> NDArray[np.generic]:
        """
        Give the array.

        Raises
        ------
        RemoteProtocolError
            If the bytes are not what encoding an array of this type and shape gives.
        """
        return self.codec.decode(self.spec, self.raw)
