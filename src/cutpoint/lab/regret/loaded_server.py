"""What a loaded server is like, measured: how long requests wait, how much slower it computes."""

import numpy as np

from cutpoint.lab.arena import Arena, FixedRow, Place, Shot, Visit
from cutpoint.lab.arena.rows_seat import ROWS
from cutpoint.records import LoadConditions
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.units import from_mbit_per_s

_FAST = RateSchedule.constant(from_mbit_per_s(400.0))
_NUM_SHOTS = 24


def measure_loaded(arena: Arena, load: float) -> LoadConditions:
    """
    Send pixels to a server that others load, and look at how it fared.

    Parameters
    ----------
    arena
        With a seat for rows.
    load
        Share of the server's capacity.

    Returns
    -------
    LoadConditions
        Mean wait, and mean time of the tail over that of the idle server.
    """
    table = arena.table(ROWS)
    if table is None:
        raise RuntimeError("the session that replays rows has not decided yet: wait until ready")
    row = FixedRow.of(table, 1)
    busy = _answered(arena, row, load)
    idle = _answered(arena, row, 0.0)
    if not busy or not idle:
        return LoadConditions()
    wait_s = float(np.mean([shot.record.measured.wait_s for shot in busy]))
    tails_s = (np.mean([shot.record.measured.tail_s for shot in each]) for each in (busy, idle))
    busy_s, idle_s = (float(each) for each in tails_s)
    return LoadConditions(wait_s=wait_s, slowdown=max(busy_s / idle_s, 1.0))


def _answered(arena: Arena, row: FixedRow, load: float) -> list[Shot]:
    place = Place("fast", _FAST, _FAST, load=load)
    visits = [Visit(place, number, (row,), ()) for number in range(_NUM_SHOTS)]
    shots = (shot for done in arena.rounds(visits) for shot in done)
    return [shot for shot in shots if shot.is_as_planned]
