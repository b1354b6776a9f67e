"""Where on the link, and beside how much other load, inferences are compared."""

from dataclasses import dataclass

from cutpoint.simulation.rate_schedule import RateSchedule


@dataclass(frozen=True)
class Place:
    """
    The same for every contender of a round.

    Parameters
    ----------
    link
        Name of the trace, or the rate, for reports.
    up, down
        Rates from the device to the server, and back; ``None`` for no limit.
    position_s
        Where on these schedules an inference begins.
    load
        Of the server by others, as a share of its capacity.
    """

    link: str
    up: RateSchedule | None
    down: RateSchedule | None = None
    position_s: float = 0.0
    load: float = 0.0

    @property
    def is_steady(self) -> bool:
        """Whether the link is the same at every position."""
        schedules = (each for each in (self.up, self.down) if each is not None)
        return all(len(each.phases) == 1 for each in schedules)
