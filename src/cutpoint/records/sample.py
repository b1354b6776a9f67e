"""A sample: one measured timing. A profile run and a live inference yield the same type."""

from dataclasses import dataclass
from typing import Literal

from cutpoint.exceptions import ProfileError

SampleKind = Literal[
    "whole", "sending", "segment", "node",
    "head", "tail", "wait", "upload", "message", "encode", "decode",
]  # fmt: skip
"""What was timed; ``whole``, ``sending`` (the whole, while the host sends), ``segment``, ``node``,
``encode`` and ``decode`` come from profiles, the rest from runs."""


@dataclass(frozen=True)
class Sample:
    """
    One measured timing.

    Parameters
    ----------
    kind
        What sort of thing was timed.
    subject
        Which: a segment's id, a node's name, a cut's id, a codec's name; empty for the whole
        model.
    duration_s
        By the clock of the host it ran on. Finite, not negative.
    cpu_s
        CPU time of the process meanwhile; ``None`` where it is not known. Wall time
        far above it means that something else held the cores.
    size_bytes
        Bytes moved, for transfers; of the raw value, for encoding and decoding.
    batch
        Requests that ran as one.
    encoded_bytes
        What the raw bytes were encoded as, for encoding and decoding.
    """

    kind: SampleKind
    subject: str
    duration_s: float
    cpu_s: float | None = None
    size_bytes: int = 0
    batch: int = 1
    encoded_bytes: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.duration_s < float("inf"):
            raise ProfileError(
                f"sample of {self.kind} {self.subject!r}: {self.duration_s} is not a duration; "
                "measure again"
            )
        if self.batch < 1:
            raise ProfileError(
                f"sample of {self.kind} {self.subject!r}: a batch of {self.batch} is none; "
                "measure again"
            )
