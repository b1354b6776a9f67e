"""What an emulated link in a process of its own is told, a line each.

::

    rate UP DOWN            none: no limit, 0bit/s: an outage
    delay UP DOWN           one way
    partition up|down|both  bytes stop, connections stay, new ones hang
    heal                    end a partition or a stall
    stall DURATION          deliver nothing for so long
    disturb JITTER LOSS     delay pieces unevenly; lose this share of them once
    reset                   reset every connection
    quit
"""

import sys
from collections.abc import Iterable
from typing import Literal, Protocol, get_args

from cutpoint.lab.disturbance import Disturbance
from cutpoint.units import parse_bandwidth, parse_duration

Side = Literal["up", "down", "both"]


class Link(Protocol):
    """What obeys; see `cutpoint.lab.proxy.LinkProxy`."""

    def set_rate(self, up_bytes_per_s: float | None, down_bytes_per_s: float | None) -> None:
        """Change the rates."""

    def set_delay(self, up_s: float, down_s: float) -> None:
        """Change the delays."""

    def partition(self, side: Side) -> None:
        """Stop the bytes."""

    def heal(self) -> None:
        """Let them go on."""

    def stall(self, duration_s: float) -> None:
        """Stop them for a time."""

    def disturb(self, disturbance: Disturbance) -> None:
        """Delay pieces unevenly."""

    def reset_connections(self) -> None:
        """Reset every connection."""


def obey(link: Link, lines: Iterable[str]) -> None:
    """Do what the lines say, up to ``quit`` or their end; one that is none is said so."""
    for line in lines:
        if line.split() == ["quit"]:
            return
        try:
            _do(link, line)
        except ValueError as error:
            sys.stderr.write(f"{error}\n")
            sys.stderr.flush()


def parse_rate(text: str) -> float | None:
    """
    Read a rate; ``none`` is no limit.

    Raises
    ------
    UnitError
        If it is neither.
    """
    return None if text.lower() == "none" else parse_bandwidth(text)


def _do(link: Link, line: str) -> None:
    match line.split():
        case ["rate", up, down]:
            link.set_rate(parse_rate(up), parse_rate(down))
        case ["delay", up, down]:
            link.set_delay(parse_duration(up), parse_duration(down))
        case ["partition", side] if side in get_args(Side):
            link.partition(side)  # type: ignore[arg-type]
        case ["heal"]:
            link.heal()
        case ["stall", duration]:
            link.stall(parse_duration(duration))
        case ["disturb", jitter, loss]:
            link.disturb(Disturbance(parse_duration(jitter), float(loss)))
        case ["reset"]:
            link.reset_connections()
        case []:
            pass
        case _:
            raise ValueError(
                f"not a command: {line.strip()!r}; write rate UP DOWN, delay UP DOWN, "
                "partition SIDE, heal, stall DURATION, disturb JITTER LOSS, reset or quit"
            )
