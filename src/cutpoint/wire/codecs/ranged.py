"""A codec whose range may be fixed beforehand."""

from typing import Protocol, runtime_checkable

from cutpoint.wire.codecs.codec import Codec


@runtime_checkable
class Ranged(Codec, Protocol):
    """A codec that divides a range: each array's own, or one that was calibrated."""

    def with_range(self, low: float, high: float) -> "Ranged":
        """
        Give the codec of the same name with a fixed range; what lies beyond saturates.

        Raises
        ------
        CodecError
            If this is no range.
        """
        ...
