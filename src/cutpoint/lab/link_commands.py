"""What an emulated link in a process of its own is told, a line each.

::

    rate UP DOWN            none: no limit, 0bit/s: an outage
    schedule NAME JSON      keep a rate over time: {"phases": [[SECONDS, BYTES_PER_S], ...],
                            "repeat": true}
    play UP DOWN SECONDS    empty the link, and go on with kept rates, by name (none: no
                            limit), from so far behind their beginning; answered by a line
    delay UP DOWN           one way
    partition up|down|both  bytes stop, connections stay, new ones hang
    heal                    end a partition or a stall
    stall DURATION          deliver nothing for so long
    disturb JITTER LOSS     delay pieces unevenly; lose this share of them once
    reset                   reset every connection
    quit
"""

import json
import math
import sys
from collections.abc import Callable, Iterable
from typing import Literal, Protocol, get_args

import msgspec

from cutpoint.lab.disturbance import Disturbance
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.units import parse_bandwidth, parse_duration

Side = Literal["up", "down", "both"]


class Link(Protocol):
    """What obeys; see `cutpoint.lab.proxy.LinkProxy`."""

    def set_rate(self, up_bytes_per_s: float | None, down_bytes_per_s: float | None) -> None:
        """Change the rates."""

    def play(self, up: RateSchedule | None, down: RateSchedule | None, position_s: float) -> None:
        """Empty the link and go on with rates from a position."""

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


def obey(
    link: Link, lines: Iterable[str], answer: Callable[[str], None] = lambda text: None
) -> None:
    """
    Do what the lines say, up to ``quit`` or their end; one that is none is said so.

    Parameters
    ----------
    answer
        Given one line of JSON for each ``play``: ``{"played": SECONDS}`` once that is done, or
        ``{"error": "..."}``.
    """
    schedules: dict[str, RateSchedule | None] = {"none": None}
    for line in lines:
        if line.split() == ["quit"]:
            return
        try:
            match line.split():
                case ["schedule", name, text]:
                    schedules[name] = parse_schedule(text)
                case ["play", up, down, position]:
                    answer(_played(link, schedules, up, down, position))
                case _:
                    _do(link, line)
        except ValueError as error:
            sys.stderr.write(f"{error}\n")
            sys.stderr.flush()


class _Written(msgspec.Struct):
    """A schedule as it is written: JSON knows no infinity."""

    phases: tuple[tuple[float | None, float], ...]
    repeat: bool = False


def schedule_text(schedule: RateSchedule) -> str:
    """Write a schedule without a space in it; a phase without an end has ``null`` for a length."""
    phases = tuple(
        (None if math.isinf(duration_s) else duration_s, bandwidth)
        for duration_s, bandwidth in schedule.phases
    )
    return msgspec.json.encode(_Written(phases, schedule.repeat)).decode()


def parse_schedule(text: str) -> RateSchedule:
    """
    Read what `schedule_text` wrote.

    Raises
    ------
    ValueError
        If it is no schedule.
    """
    written = msgspec.json.decode(text, type=_Written)
    phases = tuple(
        (math.inf if duration_s is None else duration_s, bandwidth)
        for duration_s, bandwidth in written.phases
    )
    return RateSchedule(phases, written.repeat)


def parse_rate(text: str) -> float | None:
    """
    Read a rate; ``none`` is no limit.

    Raises
    ------
    UnitError
        If it is neither.
    """
    return None if text.lower() == "none" else parse_bandwidth(text)


def _played(
    link: Link, schedules: dict[str, RateSchedule | None], up: str, down: str, position: str
) -> str:
    """Play, and give the answer; whoever asked waits for it, so an error is one too."""
    try:
        link.play(schedules[up], schedules[down], float(position))
    except KeyError as error:
        return json.dumps({"error": f"no schedule is kept by the name {error.args[0]!r}"})
    except ValueError as error:
        return json.dumps({"error": str(error)})
    return json.dumps({"played": float(position)})


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
                f"not a command: {line.strip()[:80]!r}; write rate UP DOWN, schedule NAME JSON, "
                "play UP DOWN SECONDS, delay UP DOWN, partition SIDE, heal, stall DURATION, "
                "disturb JITTER LOSS, reset or quit"
            )
