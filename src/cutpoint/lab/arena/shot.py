"""One inference of one contender, with what decides whether it counts."""

from dataclasses import dataclass

from cutpoint.lab.arena.place import Place
from cutpoint.records import DEVICE, InferenceRecord, LegRun

MOST_CONTENTION = 1.1
"""Wall time / CPU time of a leg: beyond it something else held the core meanwhile."""


@dataclass(frozen=True)
class Spot:
    """
    A place as it is written down: without its schedules.

    Parameters
    ----------
    link, position_s, load
        As those of a `Place`.
    """

    link: str
    position_s: float
    load: float

    @classmethod
    def of(cls, place: Place) -> "Spot":
        """Give the spot of a place."""
        return cls(place.link, place.position_s, place.load)


@dataclass(frozen=True)
class Shot:
    """
    One inference in a comparison.

    Parameters
    ----------
    contender
        Whose.
    spot
        Where.
    example
        Number of the picture.
    round
        Number of the round; all shots of a round are to be compared with each other.
    record
        Everything the session knows of it.
    contention_device, contention_server
        Wall time / CPU time of what ran there, intended pauses left out; ``None`` where nothing
        did or the CPU time is not known.
    is_equal
        Whether the outputs equal the uncut model's; ``None`` where codecs may change them.
    """

    contender: str
    spot: Spot
    example: int
    round: int
    record: InferenceRecord
    contention_device: float | None = None
    contention_server: float | None = None
    is_equal: bool | None = None

    @property
    def latency_s(self) -> float:
        """Inputs given -> outputs ready."""
        return self.record.latency_s

    @property
    def is_kept(self) -> bool:
        """Whether it counts: on neither host did something else hold the core."""
        known = (self.contention_device, self.contention_server)
        return all(each is None or each <= MOST_CONTENTION for each in known)

    @property
    def is_as_planned(self) -> bool:
        """Whether the answer came from where it was planned to come from."""
        return self.record.fallback_reason is None


def contention_at(record: InferenceRecord, is_device: bool) -> float | None:
    """
    Give the wall time / CPU time of what a record says ran on one side.

    Returns
    -------
    float or None
        Of all its legs there; ``None`` where there is none, or one whose CPU time is not known.
    """
    legs = [leg for leg in record.legs if (leg.host == DEVICE) == is_device]
    if not legs or any(not leg.cpu_s for leg in legs):
        return None
    return sum(map(_awake_s, legs)) / sum(leg.cpu_s or 0.0 for leg in legs)


def _awake_s(leg: LegRun) -> float:
    return leg.duration_s - leg.stretched_s
