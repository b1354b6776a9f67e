"""What happens around the device during the demo: rates of the link, and the server's death."""

from dataclasses import dataclass

from cutpoint.units import format_bandwidth, from_mbit_per_s


@dataclass(frozen=True)
class Phase:
    """
    A stretch of the demo.

    Parameters
    ----------
    bandwidth_bytes_per_s
        Of the link, both ways.
    num_rounds
        How often every policy runs.
    server
        ``"up"``, ``"killed"`` (with SIGKILL, in the middle of an inference of the first
        round) or ``"restarted"``.
    """

    bandwidth_bytes_per_s: float
    num_rounds: int
    server: str = "up"

    @property
    def title(self) -> str:
        """For people."""
        rate = format_bandwidth(self.bandwidth_bytes_per_s)
        return rate if self.server == "up" else f"{rate}, server {self.server}"


FAST, MIDDLE, SLOW, NARROW = (from_mbit_per_s(rate) for rate in (400.0, 20.0, 1.0, 10.0))

SCENARIO = (
    Phase(FAST, 6),
    Phase(MIDDLE, 6),
    Phase(SLOW, 5),
    Phase(NARROW, 6),
    Phase(FAST, 4),
    Phase(FAST, 5, "killed"),
    Phase(FAST, 6, "restarted"),
)
ONE_WAY_DELAY_S = 0.005
