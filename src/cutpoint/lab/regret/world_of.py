"""The world of the regret experiment: a trace, and a server that others load for a third of it."""

from cutpoint.lab.traces import Trace
from cutpoint.records import LoadConditions
from cutpoint.simulation.load_schedule import LoadSchedule
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.simulation.world import World
from cutpoint.units import from_mbit_per_s

LOAD = 0.9
"""Of the server in the middle third of each cycle of a trace, as a share of its capacity."""

LOAD_TEXT = "0-90-0 %"

DELAY_S = 0.005
"""One way."""

_MESSAGE_S = 0.002
"""What a message takes each way beside the delay of the link: two processes and an interpreter."""

_UNLIMITED = RateSchedule.constant(from_mbit_per_s(1000.0))


def load_at(trace: Trace, position_s: float) -> float:
    """Give the share of the server's capacity that others take at a position of a trace."""
    third = (position_s % trace.duration_s) / trace.duration_s * 3
    return LOAD if 1 <= third < 2 else 0.0


def world_of(trace: Trace, busy: LoadConditions) -> World:
    """
    Give the world of a trace on the virtual clock.

    Parameters
    ----------
    busy
        What the server is like while it is loaded; else it is idle.
    """
    third_s, idle = trace.duration_s / 3, LoadConditions()
    phases = ((third_s, idle), (third_s, busy), (third_s, idle))
    return World(
        up=trace.up,
        down=_UNLIMITED if trace.down is None else trace.down,
        delay_up_s=DELAY_S + _MESSAGE_S,
        delay_down_s=DELAY_S + _MESSAGE_S,
        load=LoadSchedule(phases=phases, repeat=True),
    )
