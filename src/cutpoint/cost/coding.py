"""One codec as planning sees it: bytes and seconds by value, and no codec at all."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import inf

from cutpoint.exceptions import CostError
from cutpoint.records import RAW


@dataclass(frozen=True)
class Coding:
    """
    What one codec makes of each value.

    Parameters
    ----------
    name
        Of the codec, as a plan names it.
    sent_bytes
        By value, encoded. A value that is not named travels as it is, at no cost.
    encode_s, decode_s
        By value, on the idle device and on the idle server.

    Raises
    ------
    CostError
        If a number is negative, infinite or NaN.
    """

    name: str
    sent_bytes: Mapping[str, float] = field(default_factory=dict)
    encode_s: Mapping[str, float] = field(default_factory=dict)
    decode_s: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for numbers in (self.sent_bytes, self.encode_s, self.decode_s):
            for value, number in numbers.items():
                if not 0 <= number < inf:
                    raise CostError(f"codec {self.name!r} of value {value!r}: {number} is no cost")

    def takes_any(self, crossing: Iterable[str]) -> bool:
        """Tell whether any of these values is encoded."""
        return any(value in self.sent_bytes for value in crossing)


AS_IT_IS = Coding(RAW)
"""Raw bytes: nothing saved, nothing spent."""
