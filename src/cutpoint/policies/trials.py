"""What was not seen for long is tried again, at a bounded cost."""

import numpy as np
from numpy.typing import NDArray

_SHARE = 0.01
"""Of the time that inferences are predicted to take, so much may be spent on trials."""

_MOST_SAVED = 3.0
"""Inferences whose time may be saved up for one trial."""

_SEEN_S = 10.0
"""What was taken so short a time ago need not be tried."""

_MISSED_S = 3.0
"""What is told of a link that only probes have crossed for so long may be far off."""

_MOST_ROWS = 1024


class Trials:
    """
    What may be spent on inferences that are carried out to learn from them.

    A server's slow-down is not seen while everything runs on the device, so one that was left for
    its load would be kept away from by what it was then; what tiny probes say of a link is little
    beside a transfer; and while one cut is all that runs, a wrong profile of it looks like a slow
    host. Every decision earns a share of what it is predicted to take, once it was learnt from, and
    a trial costs what it is believed to lose.
    """

    def __init__(self) -> None:
        self._saved = self._earned = self._most = 0.0
        self._offloaded_s: float | None = None
        self._taken_s: dict[str, float] = {}

    def __repr__(self) -> str:
        return f"<Trials: {self._saved:.3g} saved>"

    def took(self, cut: str, cost: float, at_s: float, *, is_offloaded: bool) -> None:
        """Take note of a decision that costs so much by the objective, and of its share."""
        if len(self._taken_s) >= _MOST_ROWS:
            self._taken_s.clear()
        self._taken_s[cut] = at_s
        if is_offloaded or self._offloaded_s is None:
            self._offloaded_s = at_s
        self._earned, self._most = _SHARE * cost, _MOST_SAVED * cost

    def crossed(self, at_s: float) -> None:
        """Take note of an inference that was sent, whoever answered it."""
        if self._offloaded_s is not None:
            self._offloaded_s = max(self._offloaded_s, at_s)

    def learnt(self) -> None:
        """Put by the share of a decision whose inference has ended."""
        self._saved = min(self._saved + self._earned, self._most)

    def is_offload_missed(self, at_s: float) -> bool:
        """Tell whether nothing was offloaded for long, or ever since the first decision."""
        return self._offloaded_s is not None and at_s - self._offloaded_s > _MISSED_S

    def unseen(self, cuts: tuple[str, ...], at_s: float) -> NDArray[np.bool_]:
        """Tell which cuts were not taken lately. Shape ``(n_cuts,)``."""
        latest = (self._taken_s.get(cut) for cut in cuts)
        return np.array([each is None or at_s - each > _SEEN_S for each in latest])

    def spend(self, loss: float) -> bool:
        """Pay what a trial is believed to lose, if there is enough."""
        if loss > self._saved:
            return False
        self._saved -= max(loss, 0.0)
        return True
