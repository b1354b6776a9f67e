"""Links as they are written on the command line: ``5.85Mbit/s,20ms``."""

from cutpoint.exceptions import UnitError
from cutpoint.records import LinkConditions
from cutpoint.units import format_bandwidth, format_duration, parse_bandwidth, parse_duration

DEFAULT_LINKS = ("1Mbit/s,10ms", "5Mbit/s,10ms", "20Mbit/s,10ms", "100Mbit/s,10ms", "1Gbit/s,10ms")
"""Planned for where no link is asked about."""

DEFAULT_LINK_BEHIND = "1Gbit/s,10ms"
"""Between the server and the one behind it."""


def parse_link(text: str) -> LinkConditions:
    """
    Read ``BANDWIDTH,ROUND_TRIP[,DOWN_BANDWIDTH]``.

    Half of the round trip is the fixed time of a message, each way.

    Raises
    ------
    UnitError
        If a part is missing or has no unit, or a bandwidth is zero.
    """
    parts = text.split(",")
    if len(parts) not in (2, 3):
        raise UnitError(
            f"link {text!r}: write BANDWIDTH,ROUND_TRIP or BANDWIDTH,ROUND_TRIP,DOWN_BANDWIDTH, "
            "for example 5.85Mbit/s,20ms"
        )
    message_s = parse_duration(parts[1]) / 2
    return LinkConditions(
        bandwidth_up_bytes_per_s=usable_bandwidth(parts[0]),
        bandwidth_down_bytes_per_s=usable_bandwidth(parts[-1] if len(parts) == 3 else parts[0]),
        message_up_s=message_s,
        message_down_s=message_s,
    )


def usable_bandwidth(text: str) -> float:
    """
    Read a bandwidth through which something comes.

    Raises
    ------
    UnitError
        If it is zero, or none.
    """
    bandwidth_bytes_per_s = parse_bandwidth(text)
    if not 0 < bandwidth_bytes_per_s < float("inf"):
        raise UnitError(f"bandwidth {text!r}: nothing comes through; write more than zero")
    return bandwidth_bytes_per_s


def format_link(link: LinkConditions) -> str:
    """Give a link for people: ``5.85 Mbit/s, 20.0 ms``."""
    rate = format_bandwidth(link.bandwidth_up_bytes_per_s)
    if link.bandwidth_down_bytes_per_s != link.bandwidth_up_bytes_per_s:
        rate += f" up, {format_bandwidth(link.bandwidth_down_bytes_per_s)} down"
    return f"{rate}, {format_duration(link.round_trip_s)}"
