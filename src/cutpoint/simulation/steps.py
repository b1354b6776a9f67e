"""Something that changes by steps: which phase holds at a time."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Steps:
    """
    Phases one after the other, from time 0.

    Parameters
    ----------
    durations_s
        Of each phase. Unless `repeat`, the last one lasts for ever, whatever its duration.
    repeat
        Whether the phases begin anew after the last one.
    what
        What has these phases, for messages.

    Raises
    ------
    ValueError
        If there is no phase, or a duration is not above 0 and finite; ``math.inf`` is fine in
        the last phase of what does not repeat.
    """

    def __init__(self, durations_s: Sequence[float], *, repeat: bool, what: str) -> None:
        if not durations_s:
            raise ValueError(f"a {what} has at least one phase")
        for number, duration_s in enumerate(durations_s):
            is_open = number == len(durations_s) - 1 and not repeat
            if not 0 < duration_s <= (math.inf if is_open else math.nextafter(math.inf, 0)):
                raise ValueError(
                    f"phase {number} of a {what} lasts {duration_s} s: above 0 and finite "
                    "(infinite only in the last phase of one that does not repeat)"
                )
        self.repeat = repeat
        self._starts_s = [0.0, *accumulate(durations_s[:-1])]
        self._cycle_s = math.fsum(durations_s)

    def __repr__(self) -> str:
        return f"<Steps: {len(self._starts_s)} phases>"

    def index_at(self, t_s: float) -> int:
        """Give the phase at a time; one includes its first instant, not its last."""
        offset_s = math.fmod(t_s, self._cycle_s) if self.repeat else t_s
        return bisect_right(self._starts_s, offset_s, 1) - 1  # the first begins at 0

    def indices_at(self, t_s: NDArray[np.float64]) -> NDArray[np.intp]:
        """Give the phase at each time of an array, of its shape; the first one where it is NaN."""
        offset_s = np.fmod(t_s, self._cycle_s) if self.repeat else t_s
        known = np.nan_to_num(offset_s, nan=0.0)
        found: NDArray[np.intp] = np.searchsorted(self._starts_array, known, "right") - 1
        return np.maximum(found, 0)

    @cached_property
    def _starts_array(self) -> NDArray[Any]:
        return np.asarray(self._starts_s)
