"""What the world is believed to be like now: the link, the load, the device itself."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LinkConditions:
    """
    One link, as believed now.

    Parameters
    ----------
    bandwidth_up_bytes_per_s, bandwidth_down_bytes_per_s
        Sustained rate, device -> server and back.
    message_up_s, message_down_s
        Fixed time of one message, each way (the ``a`` of ``a + s/B``).
    """

    bandwidth_up_bytes_per_s: float
    bandwidth_down_bytes_per_s: float
    message_up_s: float
    message_down_s: float

    @property
    def round_trip_s(self) -> float:
        """Time of an empty message there and back."""
        return self.message_up_s + self.message_down_s


@dataclass(frozen=True)
class LoadConditions:
    """
    One server's load, as believed now.

    Parameters
    ----------
    wait_s
        Time in its queue (additive).
    slowdown
        Execution time / idle execution time, waiting excluded (the ``k``).
    """

    wait_s: float = 0.0
    slowdown: float = 1.0


@dataclass(frozen=True)
class Conditions:
    """
    Everything a decision may look at.

    Parameters
    ----------
    link, load
        Of the server; ``None`` while it cannot be used.
    device_slowdown
        Device's execution time / profiled time (heat, other work; the ``g``).
    unavailable
        Why the server cannot be used now; ``None`` when it can.
    """

    link: LinkConditions | None = None
    load: LoadConditions = LoadConditions()
    device_slowdown: float = 1.0
    unavailable: str | None = None

    @property
    def is_server_usable(self) -> bool:
        """Whether a plan may use the server."""
        return self.link is not None and self.unavailable is None
