"""Time that passes only by what happens: the kernel of the simulation, on SimPy."""

from collections.abc import Callable
from heapq import heappop, heappush
from math import inf
from typing import Any

from simpy import Environment
from simpy.core import EmptySchedule
from simpy.events import NORMAL, Event

Then = Callable[[Any], None]
"""What is called when a time has come; its argument is SimPy's and of no use here."""


class _Alarm(Event):
    """SimPy's timeout, reduced to what is called: ten and more pass for every inference."""

    _ok = True
    _value = None


_new_alarm = _Alarm.__new__  # SimPy's constructor keeps what nobody asks an alarm for


class VirtualClock(Environment):
    """
    Calls back at times to come, in their order; those of one time in the order of the asking.

    Notes
    -----
    Callbacks on SimPy's timeouts and no generator processes: an inference is a state machine
    already, and a process per inference would cost as much as all of the rest of it.

    Attributes
    ----------
    now_s
        Seconds since the simulation began; no property, for it is asked for everywhere.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def __repr__(self) -> str:
        return f"<VirtualClock at {self.now_s:.6f} s>"

    def step(self) -> None:
        """Let the next thing happen: SimPy's step, without what only its processes need."""
        try:
            self._now, _, _, event = heappop(self._queue)
        except IndexError:
            raise EmptySchedule from None
        self.now_s = self._now
        for then in event.callbacks or ():
            then(event)

    def later(self, delay_s: float, then: Then) -> None:
        """Call back after a time; never, if that is infinite."""
        if delay_s < inf:
            alarm = _new_alarm(_Alarm)
            alarm.callbacks = [then]
            heappush(self._queue, (self._now + delay_s, NORMAL, next(self._eid), alarm))
