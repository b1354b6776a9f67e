"""What a server's load and a device's speed truly are, over time."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cutpoint.records import LoadConditions
from cutpoint.simulation.steps import Steps

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LoadSchedule:
    """
    Waiting and slow-down of a server, over time.

    Parameters
    ----------
    phases
        Pairs ``(duration_s, load)``, the first from time 0. Unless `repeat`, the last one lasts
        for ever.
    repeat
        Whether the phases begin anew after the last one.

    Raises
    ------
    ValueError
        As `Steps`.
    """

    phases: tuple[tuple[float, LoadConditions], ...]
    repeat: bool = False

    def __post_init__(self) -> None:
        self._steps  # noqa: B018 - bad phases are said where they were given

    @classmethod
    def constant(cls, load: LoadConditions) -> "LoadSchedule":
        """Give one load for ever."""
        return cls(phases=((math.inf, load),))

    def at(self, t_s: float) -> LoadConditions:
        """Give the load at a time."""
        return self.phases[self._steps.index_at(t_s)][1]

    def waits_s_at(self, t_s: Floats) -> Floats:
        """Give the waiting at each time of an array, of its shape."""
        return self._waits_s[self._steps.indices_at(t_s)]

    def slowdowns_at(self, t_s: Floats) -> Floats:
        """Give the slow-down at each time of an array, of its shape."""
        return self._slowdowns[self._steps.indices_at(t_s)]

    @cached_property
    def _steps(self) -> Steps:
        return Steps([each for each, _ in self.phases], repeat=self.repeat, what="load schedule")

    @cached_property
    def _waits_s(self) -> Floats:
        return np.array([load.wait_s for _, load in self.phases])

    @cached_property
    def _slowdowns(self) -> Floats:
        return np.array([load.slowdown for _, load in self.phases])


@dataclass(frozen=True)
class SlowdownSchedule:
    """
    How many times as long as profiled a device takes, over time.

    Parameters
    ----------
    phases
        Pairs ``(duration_s, slowdown)``, the first from time 0. Unless `repeat`, the last one
        lasts for ever.
    repeat
        Whether the phases begin anew after the last one.

    Raises
    ------
    ValueError
        As `Steps`, or if a slow-down is not above 0 and finite.
    """

    phases: tuple[tuple[float, float], ...]
    repeat: bool = False

    def __post_init__(self) -> None:
        self._steps  # noqa: B018 - as above
        for number, (_, slowdown) in enumerate(self.phases):
            if not 0 < slowdown < math.inf:
                raise ValueError(
                    f"phase {number} of a slow-down schedule: {slowdown} is not above 0 and finite"
                )

    @classmethod
    def constant(cls, slowdown: float) -> "SlowdownSchedule":
        """Give one slow-down for ever."""
        return cls(phases=((math.inf, slowdown),))

    def at(self, t_s: float) -> float:
        """Give the slow-down at a time."""
        return self.phases[self._steps.index_at(t_s)][1]

    def slowdowns_at(self, t_s: Floats) -> Floats:
        """Give the slow-down at each time of an array, of its shape."""
        return self._slowdowns[self._steps.indices_at(t_s)]

    @cached_property
    def _steps(self) -> Steps:
        durations_s = [each for each, _ in self.phases]
        return Steps(durations_s, repeat=self.repeat, what="slow-down schedule")

    @cached_property
    def _slowdowns(self) -> Floats:
        return np.array([slowdown for _, slowdown in self.phases])
