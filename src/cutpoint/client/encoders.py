"""How crossing values are encoded on this device."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cutpoint.exceptions import CodecError
from cutpoint.execution.quantiser import runtime_quantiser
from cutpoint.records import RAW
from cutpoint.wire.codecs import LOSSLESS, Codec, Ranged, codec_named
from cutpoint.wire.encoded import Encoded
from cutpoint.wire.tensors import TensorSpec

Ranges = Mapping[tuple[str, str], tuple[float, float]]
"""Least and largest element by value and codec, where calibration has fixed them."""


class Encoders:
    """
    Gives what encodes a value by a codec's name.

    Parameters
    ----------
    ranges
        Fixed ranges; a value and codec without one take that of each array.
    slowdown
        Of the device that is emulated: encoding takes so many times as long.
    """

    def __init__(self, ranges: Ranges | None = None, slowdown: float = 1.0) -> None:
        self.slowdown = slowdown
        self._ranges = dict(ranges or {})
        self._known: dict[tuple[str, str], Codec] = {}

    def __repr__(self) -> str:
        return f"<Encoders: {len(self._ranges)} fixed ranges>"

    def encoded(self, name: str, array: NDArray[np.generic], codec_name: str) -> Encoded:
        """
        Give the value to be encoded; nothing of it is made yet, unless it travels as it is.

        Raises
        ------
        CodecError
            If there is no such codec, or it does not take this array.
        MissingDependencyError
            If what it needs is not installed.
        """
        if codec_name == RAW:
            return Encoded.raw(name, array)
        codec = self._codec(name, codec_name)
        spec = TensorSpec.of(name, array)
        if not codec.takes(spec):
            raise CodecError(
                f"codec {codec_name!r} does not take value {name!r} {spec}: send it raw"
            )
        return Encoded.by(codec, name, array)

    def _codec(self, name: str, codec_name: str) -> Codec:
        key = name, codec_name
        found = self._known.get(key)
        if found is None:
            # Made at its first use, which takes a while: not for what never asks for it.
            quantiser = None if codec_name in LOSSLESS else runtime_quantiser()
            found = codec_named(codec_name, quantiser)
            fixed = self._ranges.get(key)
            if fixed is not None:
                found = _with_range(found, *fixed)
            self._known[key] = found
        return found


def _with_range(codec: Codec, low: float, high: float) -> Codec:
    if not isinstance(codec, Ranged):
        raise CodecError(f"codec {codec.name!r} has no range to fix: calibrate without one")
    return codec.with_range(low, high)
