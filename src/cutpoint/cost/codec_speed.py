"""What encoding or decoding takes on one host, folded from its samples."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from cutpoint.records import Sample


@dataclass(frozen=True)
class CodecSpeed:
    """
    Seconds of one codec on one host, in one direction, as a line.

    Parameters
    ----------
    fixed_s
        Per value.
    s_per_raw_byte, s_per_encoded_byte
        Beside that.
    """

    fixed_s: float = 0.0
    s_per_raw_byte: float = 0.0
    s_per_encoded_byte: float = 0.0

    def time_s(self, raw_bytes: float, encoded_bytes: float) -> float:
        """Give what one value takes."""
        return (
            self.fixed_s + self.s_per_raw_byte * raw_bytes + self.s_per_encoded_byte * encoded_bytes
        )


def codec_speeds(
    samples: Iterable[Sample], kind: Literal["encode", "decode"]
) -> dict[str, CodecSpeed]:
    """Fold samples into the speed of each codec by name."""
    raise NotImplementedError
