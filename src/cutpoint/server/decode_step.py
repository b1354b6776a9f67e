"""What a request that came encoded needs before its first stage."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cutpoint.exceptions import RemoteProtocolError
from cutpoint.graph import Arrays
from cutpoint.wire.tensors import TensorSpec
from cutpoint.wire.undecoded import Undecoded


class DecodeStep:
    """
    Decodes the tensors of one request, whose values are ordinary arrays from then on.

    Parameters
    ----------
    undecoded
        To be decoded.
    expected_s
        What that takes on the idle server.
    """

    def __init__(self, undecoded: Sequence[Undecoded], expected_s: float = 0.0) -> None:
        self.expected_s = expected_s
        self._undecoded = tuple(undecoded)

    def __repr__(self) -> str:
        return f"<DecodeStep of {list(self._undecoded)}>"

    def promised(self) -> Arrays:
        """
        Give arrays of the types and shapes that will be; they take no memory.

        Raises
        ------
        RemoteProtocolError
            If no array can have such a shape, though it has no elements.
        """
        return {each.spec.name: _promised(each.spec) for each in self._undecoded}

    def run(self) -> Arrays:
        """
        Give the arrays.

        Raises
        ------
        RemoteProtocolError
            If the bytes of a tensor are not what its codec makes.
        """
        return {each.spec.name: each.decode() for each in self._undecoded}


def _promised(spec: TensorSpec) -> NDArray[np.generic]:
    try:
        return np.broadcast_to(np.zeros((), np.dtype(spec.dtype)), spec.shape or ())
    except ValueError as error:
        raise RemoteProtocolError(f"tensor {spec.name!r} ({spec}) is no array: {error}") from error
