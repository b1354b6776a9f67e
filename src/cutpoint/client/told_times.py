"""What a server says its part of an answer took, where that can be true."""

from collections.abc import Mapping
from typing import NamedTuple

from cutpoint.exceptions import RemoteProtocolError
from cutpoint.wire.protocol import Parameter, number

_CLOCKS_DIFFER, _CLOCK_STEP_S = 1.01, 0.001
"""Two hosts' seconds are not quite the same."""


class ToldTimes(NamedTuple):
    """
    Times of one answer, by its server's clock.

    Parameters
    ----------
    wait_s, tail_s, decode_s
        In the queue, in segments, and decoding.
    cpu_s
        CPU time of both; ``None`` where it is not told.
    idle_s
        What the tail takes on the idle server; 0 where it is not told.
    """

    wait_s: float
    tail_s: float
    decode_s: float = 0.0
    cpu_s: float | None = None
    idle_s: float = 0.0


def told_times(parameters: Mapping[str, Parameter], away_s: float) -> ToldTimes:
    """
    Read the times that ride on an answer.

    Parameters
    ----------
    away_s
        From sending the request to its answer.

    Raises
    ------
    RemoteProtocolError
        If they are none, or together longer than the whole request took: what is learned from
        them would steer later requests. The answer itself is none the worse for it.
    """
    if "tail_s" not in parameters:
        raise RemoteProtocolError("tells no times")
    most_s = away_s * _CLOCKS_DIFFER + _CLOCK_STEP_S
    wait_s, tail_s, decode_s = (
        _told_s(parameters, key, most_s) for key in ("wait_s", "tail_s", "decode_s")
    )
    if wait_s + tail_s + decode_s > most_s:
        raise RemoteProtocolError(
            f"says it took {wait_s + tail_s + decode_s:g} of the {away_s:g} s that the request took"
        )
    cpu_s = _told_s(parameters, "cpu_s", most_s) if "cpu_s" in parameters else None
    idle_s = min(_told_s(parameters, "idle_s", float("inf")), max(away_s, tail_s))
    return ToldTimes(wait_s, tail_s, decode_s, cpu_s, idle_s)


def _told_s(parameters: Mapping[str, Parameter], key: str, most_s: float) -> float:
    told_s = number(parameters, key)
    if not 0 <= told_s <= most_s:
        raise RemoteProtocolError(f"says that {key} was {told_s:g}")
    return told_s
