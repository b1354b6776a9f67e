"""How far a rate has moved after a while, from how far it moved before."""

from math import inf, log

_LAGS_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4)
"""Ages of a belief that are told apart."""

_NEXT_S = (*_LAGS_S[1:], inf)
"""What counts for a lag is at least as long, and shorter than the next one."""

_MEMORY = 100
"""Pairs of each lag that count: as many as a minute has at most of the shorter ones."""

_TELLING = 3
"""Pairs before which nothing is said of a lag."""

_MOST_MOVED = 9.0
"""Square of the logarithm of a factor of twenty: what is more was an outage, and no habit."""


class Variability:
    """
    Mean square of the change of a rate's logarithm over time: its structure function.

    Pairs of each lag follow each other without overlap. A longer time is never taken for less
    uncertain than a shorter one.
    """

    def __init__(self) -> None:
        self._marked_s = [-inf] * len(_LAGS_S)
        self._levels = [0.0] * len(_LAGS_S)
        self._moved = [0.0] * len(_LAGS_S)
        self._counts = [0] * len(_LAGS_S)

    def __repr__(self) -> str:
        told = ", ".join(
            f"{lag_s:g} s: {moved:.3g}" for lag_s, moved in zip(_LAGS_S, self._moved, strict=True)
        )
        return f"<Variability: {told}>"

    def observe(self, bytes_per_s: float, at_s: float) -> None:
        """
        Learn from a rate at a time.

        Parameters
        ----------
        bytes_per_s
            As believed after the latest observation.
        """
        level = log(bytes_per_s)
        for index, marked_s in enumerate(self._marked_s):
            age_s = at_s - marked_s
            if age_s < _LAGS_S[index]:
                continue
            if age_s < _NEXT_S[index]:  # else it is a pair of a longer lag
                self._count(index, min((level - self._levels[index]) ** 2, _MOST_MOVED))
            self._marked_s[index], self._levels[index] = at_s, level

    def variance(self, age_s: float) -> float:
        """
        Give the mean square by which the logarithm of a rate has moved after a time.

        Changes with the age at a few ages only; 0 before enough was seen, and for what is
        fresher than the shortest lag.
        """
        most = 0.0
        for lag_s, moved, count in zip(_LAGS_S, self._moved, self._counts, strict=True):
            if lag_s > age_s:
                break
            if count >= _TELLING:
                most = max(most, moved)
        return most

    def _count(self, index: int, moved: float) -> None:
        self._counts[index] += 1
        weight = 1.0 / min(self._counts[index], _MEMORY)
        self._moved[index] += weight * (moved - self._moved[index])
