"""The links of published tables, as conditions and as worlds."""

from collections.abc import Iterable, Mapping

from cutpoint.exceptions import ExperimentError
from cutpoint.records import Conditions, LinkConditions
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.simulation.world import World
from cutpoint.units import from_mbit_per_s

DELAY_S = 0.005
"""One way, of every link: the papers print uplinks and no round trips."""


_PIECE_S, _LEAST_PIECE_BYTES, _FRAME_BYTES = 0.005, 1024, 162
"""Uploads leave in pieces of 5 ms of link time, 1 KB at least, each in a frame of its own: 148
bytes of names and positions and 14 of gRPC and HTTP/2, counted on a picture's upload."""


def payload_rate(rate_bytes_per_s: float) -> float:
    """
    Give what a link that carries so much carries of values: the rest is frames.

    13 % of a link of 1.6 Mbit/s or less are frames, 4 % of 5.85 and 1 % of 18.88 Mbit/s.
    """
    piece_bytes = max(_PIECE_S * rate_bytes_per_s, _LEAST_PIECE_BYTES)
    return rate_bytes_per_s * piece_bytes / (piece_bytes + _FRAME_BYTES)


def link_name(mbit_per_s: float) -> str:
    """Name an uplink for people and for reports."""
    return f"{mbit_per_s:g} Mbit/s"


def link_conditions(
    mbit_per_s: float, delay_s: float = DELAY_S, *, is_framed: bool = False
) -> Conditions:
    """
    Give an idle server behind a link that is as quick on the way back.

    Parameters
    ----------
    is_framed
        Whether the link carries the frames of uploads as well, as an emulated one does.
    """
    rate = from_mbit_per_s(mbit_per_s)
    up = payload_rate(rate) if is_framed else rate
    return Conditions(LinkConditions(up, rate, delay_s, delay_s))


def links_of(
    uplinks_mbit_per_s: Iterable[float], *, is_framed: bool = False
) -> Mapping[str, Conditions]:
    """Give the conditions of several uplinks by their names."""
    return {
        link_name(each): link_conditions(each, is_framed=is_framed) for each in uplinks_mbit_per_s
    }


def world_of(conditions: Conditions) -> World:
    """
    Give a world in which conditions are true for ever.

    Raises
    ------
    ExperimentError
        If there is no link.
    """
    link = conditions.link
    if link is None:
        raise ExperimentError("a world of a published table has a link: its conditions have none")
    return World(
        RateSchedule.constant(link.bandwidth_up_bytes_per_s),
        RateSchedule.constant(link.bandwidth_down_bytes_per_s),
        link.message_up_s,
        link.message_down_s,
    )
