"""What the world is believed to be like now: the link, the load, the device itself."""

from dataclasses import dataclass
from functools import lru_cache
from math import exp, inf
from statistics import NormalDist

from cutpoint.exceptions import CostError


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
    spread
        Standard deviation of the logarithm of met / believed transfer times: how far to trust
        them. 0 where they are taken as they are.

    Raises
    ------
    CostError
        If a bandwidth is not above zero, or a time is negative, infinite or NaN. A
        link that is gone is no link with bandwidth zero: it is ``None``.
    """

    bandwidth_up_bytes_per_s: float
    bandwidth_down_bytes_per_s: float
    message_up_s: float
    message_down_s: float
    spread: float = 0.0

    def __post_init__(self) -> None:
        if not (self.bandwidth_up_bytes_per_s > 0 and self.bandwidth_down_bytes_per_s > 0):
            raise CostError(
                f"a link of {self.bandwidth_up_bytes_per_s} up and "
                f"{self.bandwidth_down_bytes_per_s} bytes/s down: bandwidth is above zero; "
                "a link that is gone is None"
            )
        if not (0 <= self.message_up_s < inf and 0 <= self.message_down_s < inf):
            raise CostError(
                f"a message takes {self.message_up_s} s up and {self.message_down_s} s down: "
                "neither may be negative, infinite or NaN"
            )
        if not 0 <= self.spread < inf:
            raise CostError(
                f"a link whose times spread by {self.spread}: neither negative, infinite nor NaN"
            )

    def pessimistic(self, quantile: float) -> "LinkConditions":
        """
        Give the link as slow as it may be: transfers take no longer in this share of cases.

        Parameters
        ----------
        quantile
            Of transfer times, which spread log-normally about what is believed; 0.5 is the
            middle, which is what is believed.

        Raises
        ------
        CostError
            If it is not between 0 and 1.
        """
        if not 0 < quantile < 1:
            raise CostError(f"a quantile of {quantile}: it lies between 0 and 1")
        slower = exp(self.spread * _standard_quantile(quantile))
        return LinkConditions(
            self.bandwidth_up_bytes_per_s / slower,
            self.bandwidth_down_bytes_per_s / slower,
            self.message_up_s,
            self.message_down_s,
            self.spread,
        )

    @property
    def round_trip_s(self) -> float:
        """Time of an empty message there and back."""
        return self.message_up_s + self.message_down_s


@lru_cache(maxsize=64)
def _standard_quantile(quantile: float) -> float:
    """Give the standard normal distribution's: a policy asks for one and the same each time."""
    return NormalDist().inv_cdf(quantile)


@dataclass(frozen=True)
class LoadConditions:
    """
    One server's load, as believed now.

    Parameters
    ----------
    wait_s
        Time in its queue (additive).
    slowdown
        Execution time / idle execution time, waiting excluded (the ``k``). 0 is the
        free server of some papers.

    Raises
    ------
    CostError
        If either is negative, infinite or NaN.
    """

    wait_s: float = 0.0
    slowdown: float = 1.0

    def __post_init__(self) -> None:
        if not (0 <= self.wait_s < inf and 0 <= self.slowdown < inf):
            raise CostError(
                f"a server with a wait of {self.wait_s} s and load factor {self.slowdown}: "
                "neither may be negative, infinite or NaN"
            )


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
    load_age_s
        How old what is believed of the load is; ``None`` where nothing was heard of it yet.

    Raises
    ------
    CostError
        If the slow-down is not above zero, infinite or NaN.
    """

    link: LinkConditions | None = None
    load: LoadConditions = LoadConditions()
    device_slowdown: float = 1.0
    unavailable: str | None = None
    load_age_s: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.device_slowdown < inf:
            raise CostError(f"device slow-down {self.device_slowdown}: it is above zero and finite")

    def over(self, link: LinkConditions) -> "Conditions":
        """Give the same over another link; made anew, as a decision is of microseconds."""
        return Conditions(link, self.load, self.device_slowdown, self.unavailable, self.load_age_s)

    @property
    def is_server_usable(self) -> bool:
        """Whether a plan may use the server."""
        return self.link is not None and self.unavailable is None
