"""One request as the server served it; everything it shows of itself is drawn from these."""

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["ok", "rejected", "late", "cancelled", "failed", "invalid"]
"""How a request ended: answered, or refused by the queue, its deadline, its caller, the runtime,
or before it was queued."""


@dataclass(frozen=True)
class ServedRequest:
    """
    One request: whose, how it ended, and what each part took.

    Parameters
    ----------
    model
        Name of the whole model; empty where the request named none that is served.
    name
        Under which it was asked for: the model's own, or its tail's.
    cut
        Id of the cut it entered at.
    outcome
        How it ended.
    wait_s
        In the queue, before its first segment and between segments.
    tail_s
        In segments.
    other_s
        Copying around them.
    decode_s
        Decoding what came encoded.
    batch
        Requests that ran together, mean over its segments; 0 if none ran.
    received_bytes, sent_bytes
        Of its tensors, and of those of its answer.
    idle_s
        What its tail takes when the server is idle; 0 where that is not known.
    reason
        Why there is no answer, as one of few words: the class of the error. Empty if there is one.
    decoded_bytes
        What its encoded tensors became.
    """

    model: str
    name: str
    cut: str
    outcome: Outcome
    wait_s: float = 0.0
    tail_s: float = 0.0
    other_s: float = 0.0
    batch: float = 0.0
    received_bytes: int = 0
    sent_bytes: int = 0
    idle_s: float = 0.0
    reason: str = ""
    decode_s: float = 0.0
    decoded_bytes: int = 0

    @property
    def latency_s(self) -> float:
        """Request complete -> answer ready."""
        return self.wait_s + self.decode_s + self.tail_s + self.other_s
