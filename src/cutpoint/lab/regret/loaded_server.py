"""What a loaded server is like, measured: how long requests wait, how much slower it computes."""

from dataclasses import dataclass

import numpy as np

from cutpoint.exceptions import ExperimentError
from cutpoint.lab.arena import Arena, FixedRow, Place, Shot, Visit
from cutpoint.lab.arena.rows_seat import ROWS
from cutpoint.records import LoadConditions
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.units import from_mbit_per_s

_FAST = RateSchedule.constant(from_mbit_per_s(400.0))
_NUM_SHOTS = 24


@dataclass(frozen=True)
class LoadedServer:
    """
    What a loaded server is like.

    Parameters
    ----------
    answered
        Mean wait of what it answers, and mean time of the tail over that of the idle server.
    num_asked, num_refused
        Requests sent to it under load, and those that came back unanswered. The exact form has
        no refusals: there the loaded server answers everybody as it answered the others.
    """

    answered: LoadConditions
    num_asked: int
    num_refused: int


def measure_loaded(arena: Arena, load: float) -> LoadedServer:
    """
    Send pixels to a server that others load, and look at how it fared.

    Parameters
    ----------
    arena
        With a seat for rows.
    load
        Share of the server's capacity.

    Raises
    ------
    ExperimentError
        If it answers nothing, loaded or idle.
    """
    table = arena.table(ROWS)
    if table is None:
        raise RuntimeError("the session that replays rows has not decided yet: wait until ready")
    row = FixedRow.of(table, 1)
    busy, num_asked = _answered(arena, row, load)
    idle, _ = _answered(arena, row, 0.0)
    if not busy or not idle:
        raise ExperimentError(
            f"the server answered {len(busy)} of {num_asked} requests at {load:.0%} load and "
            f"{len(idle)} idle: nothing is known of it; run this on a machine with less beside it"
        )
    wait_s = float(np.mean([shot.record.measured.wait_s for shot in busy]))
    tails_s = (np.mean([shot.record.measured.tail_s for shot in each]) for each in (busy, idle))
    busy_s, idle_s = (float(each) for each in tails_s)
    answered = LoadConditions(wait_s=wait_s, slowdown=max(busy_s / idle_s, 1.0))
    return LoadedServer(answered, num_asked, num_asked - len(busy))


def _answered(arena: Arena, row: FixedRow, load: float) -> tuple[list[Shot], int]:
    """Give the inferences that the server answered, and how many there were."""
    place = Place("fast", _FAST, _FAST, load=load)
    visits = [Visit(place, number, (row,), ()) for number in range(_NUM_SHOTS)]
    shots = [shot for done in arena.rounds(visits) for shot in done]
    return [shot for shot in shots if shot.is_as_planned], len(shots)
