"""A codec that is used no more: what it did to the outputs became too much."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Withdrawal:
    """
    One codec at one cut, withdrawn for the rest of a session.

    Parameters
    ----------
    cut
        Id of the cut.
    crossing
        Names of its crossing values, sorted.
    codec
        Of those that it takes.
    error
        Of the inferences that gave rise to it, in the measure of the tolerance; 1e9 where it is
        infinite.
    calibrated_error
        What it was when calibrated.
    tolerance
        That was broken, as text.
    checks
        Inferences that were computed again on the device at this cut with this codec.
    """

    cut: str
    crossing: tuple[str, ...]
    codec: str
    error: float
    calibrated_error: float | None
    tolerance: str
    checks: int
