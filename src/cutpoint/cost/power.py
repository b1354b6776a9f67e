"""What a device draws by what it does."""

from dataclasses import dataclass
from math import inf

from cutpoint.exceptions import CostError


@dataclass(frozen=True)
class PowerProfile:
    """
    What a device draws, in watts, by what it does.

    While it sends, it draws ``send_w + send_w_per_bytes_per_s * bandwidth``; the second
    term amounts to so many joules per byte. Receiving alike.

    Parameters
    ----------
    name
        By which it is chosen.
    compute_w, idle_w
        Of the whole device, computing and waiting.
    send_w, receive_w
        Of the whole device with its radio at work, before any rate is counted.
    source
        Where the figures are from: a paper, a data sheet, a meter.
    send_w_per_bytes_per_s, receive_w_per_bytes_per_s
        What a rate of one byte per second adds.

    Raises
    ------
    CostError
        If a figure is negative, infinite or NaN.
    """

    name: str
    compute_w: float
    idle_w: float
    send_w: float
    receive_w: float
    source: str
    send_w_per_bytes_per_s: float = 0.0
    receive_w_per_bytes_per_s: float = 0.0

    def __post_init__(self) -> None:
        for field in _FIGURES:
            figure = getattr(self, field)
            if not 0 <= figure < inf:
                raise CostError(
                    f"power profile {self.name!r}: {field} is {figure}; "
                    "give watts that are finite and not negative"
                )


_FIGURES = (
    "compute_w",
    "idle_w",
    "send_w",
    "receive_w",
    "send_w_per_bytes_per_s",
    "receive_w_per_bytes_per_s",
)
