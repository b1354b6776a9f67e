"""A link's rate over time, with a name."""

import math
from dataclasses import dataclass

from cutpoint.exceptions import TraceError
from cutpoint.simulation.rate_schedule import RateSchedule


@dataclass(frozen=True)
class Trace:
    """
    What a link carried, or might have, over some time; begun anew when it is over.

    Parameters
    ----------
    name
        For reports.
    up
        From the device to the server, in bytes per second; repeats.
    down
        Back; ``None`` where nothing is known of it, and no limit is played.
    source
        Where it comes from, for people.

    Raises
    ------
    TraceError
        If a rate does not repeat, or one carries nothing at all.
    """

    name: str
    up: RateSchedule
    down: RateSchedule | None = None
    source: str = ""

    def __post_init__(self) -> None:
        for way, schedule in (("up", self.up), ("down", self.down)):
            if schedule is None:
                continue
            if not schedule.repeat:
                raise TraceError(f"trace {self.name!r}: {way} must repeat, to be longer than a run")
            if not any(bandwidth for _, bandwidth in schedule.phases):
                raise TraceError(f"trace {self.name!r}: {way} carries nothing at all")

    @property
    def schedule(self) -> RateSchedule:
        """The rate from the device to the server."""
        return self.up

    @property
    def duration_s(self) -> float:
        """One cycle of `up`, in seconds."""
        return math.fsum(duration_s for duration_s, _ in self.up.phases)

    @property
    def mean_bytes_per_s(self) -> float:
        """Of `up`, over one cycle."""
        sent_bytes = math.fsum(duration_s * bandwidth for duration_s, bandwidth in self.up.phases)
        return sent_bytes / self.duration_s
