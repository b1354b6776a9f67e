"""A world on a made-up clock: link, load and device as they truly are."""

import math
from dataclasses import dataclass
from functools import cached_property

from cutpoint.records import Conditions, LinkConditions, LoadConditions, LoadReport
from cutpoint.simulation.load_schedule import LoadSchedule, SlowdownSchedule
from cutpoint.simulation.rate_curve import RateCurve
from cutpoint.simulation.rate_schedule import RateSchedule

IDLE = LoadSchedule.constant(LoadConditions())
AS_PROFILED = SlowdownSchedule.constant(1.0)
WINDOW_S = 0.1
"""Over which a true rate is a mean: that of the phases of a recorded trace."""

NOTHING_PASSES = "nothing passes the link"


@dataclass(frozen=True)
class World:
    """
    What one device, its link and its server are like, at every time.

    Parameters
    ----------
    up, down
        Rate of the link, device to server and back.
    delay_up_s, delay_down_s
        All that a message takes whatever its size: the ``a`` of ``a + s/B``, each way.
    load
        Waiting and slow-down that a request meets which reaches the server.
    device
        Slow-down that a head meets which begins, beside the times of the table.

    Raises
    ------
    ValueError
        If a delay is negative or not finite.
    """

    up: RateSchedule
    down: RateSchedule
    delay_up_s: float = 0.0
    delay_down_s: float = 0.0
    load: LoadSchedule = IDLE
    device: SlowdownSchedule = AS_PROFILED

    def __post_init__(self) -> None:
        for delay_s in (self.delay_up_s, self.delay_down_s):
            if not 0 <= delay_s < math.inf:
                raise ValueError(f"a delay of {delay_s} s: it is at least 0 and finite")

    @cached_property
    def up_curve(self) -> RateCurve:
        """The way up, summed up."""
        return RateCurve(self.up)

    @cached_property
    def down_curve(self) -> RateCurve:
        """The way down, summed up."""
        return RateCurve(self.down)


def true_conditions(world: World, at_s: float, window_s: float = WINDOW_S) -> Conditions:
    """
    Give what is true at a time, as a policy would be told it.

    Parameters
    ----------
    window_s
        From then on, over which the rates are means; 0 for the rates of that instant.

    Returns
    -------
    Conditions
        Without a link where nothing passes within the window, up or down.
    """
    up, down = (_mean_rate(curve, at_s, window_s) for curve in (world.up_curve, world.down_curve))
    is_dead = up <= 0 or down <= 0
    link = None
    if not is_dead:
        link = LinkConditions(up, down, world.delay_up_s, world.delay_down_s)
    return Conditions(
        link, world.load.at(at_s), world.device.at(at_s), NOTHING_PASSES if is_dead else None
    )


def polled_load(world: World, at_s: float) -> LoadReport:
    """
    Give what the server tells of its load to who asks for nothing else.

    It tells what its latest requests met; where nobody loads it there are none, and it tells that
    its queue is empty.
    """
    load = world.load.at(at_s)
    if load == LoadConditions():
        return LoadReport(at_s, num_pending=0, is_polled=True)
    return LoadReport(at_s, wait_s=load.wait_s, slowdown=load.slowdown, is_polled=True)


def _mean_rate(curve: RateCurve, at_s: float, window_s: float) -> float:
    if window_s <= 0:
        return curve.rate_at(at_s)
    return (curve.carried_bytes(at_s + window_s) - curve.carried_bytes(at_s)) / window_s
