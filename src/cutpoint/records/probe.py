"""Messages that are sent for nothing but to learn of the link."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ProbeRequest:
    """
    Probes that a policy asks for, one after the other: each is answered before the next leaves.

    Parameters
    ----------
    sizes_bytes
        Payload of each; 0 for one that only asks for the load.
    """

    sizes_bytes: tuple[int, ...]


@dataclass(frozen=True)
class ProbeSample:
    """
    One probe that was answered.

    Parameters
    ----------
    at_s
        When the answer came, on the session's clock.
    size_bytes
        Of its payload.
    duration_s
        From handing it over to its answer: round trip, bytes, and the server's part of it.
    """

    at_s: float
    size_bytes: int
    duration_s: float
