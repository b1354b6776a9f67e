"""What an encoding costs and saves, as numbers: planning sees no codec."""

from dataclasses import dataclass
from math import inf

from cutpoint.exceptions import CostError
from cutpoint.records import RAW


@dataclass(frozen=True)
class CodecRate:
    """
    One encoding of crossing values.

    Parameters
    ----------
    name
        As a plan names it.
    ratio
        Bytes sent / bytes of the raw value.
    encode_s_per_byte, decode_s_per_byte
        Seconds per raw byte, on the idle device and on the idle server.

    Raises
    ------
    CostError
        If a number is negative, infinite or NaN.
    """

    name: str
    ratio: float = 1.0
    encode_s_per_byte: float = 0.0
    decode_s_per_byte: float = 0.0

    def __post_init__(self) -> None:
        for number in (self.ratio, self.encode_s_per_byte, self.decode_s_per_byte):
            if not 0 <= number < inf:
                raise CostError(f"codec {self.name!r}: {number} is no rate")


AS_THEY_ARE = CodecRate(RAW)
"""Raw bytes: nothing saved, nothing spent."""
