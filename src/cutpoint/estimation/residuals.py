"""By how much one host differs from what is believed of it, as a whole and cut by cut."""

from collections.abc import Sequence
from math import exp, inf, log

import numpy as np
from numpy.typing import NDArray

_HOST_SD, _HOST_FADES_S = 0.3, 5.0
"""What may be wrong of a whole host: its load is told by others, and told anew all the time."""

_CUT_SD, _CUT_FADES_S = 0.5, 60.0
"""What may be wrong of one cut's time: a profile that was measured elsewhere, or hot. It fades, so
that a cut that was left for it is tried again in minutes."""

_NOISE, _TELLING_S = 0.1, 0.0005
"""Of the logarithm of a run's time; a short one is off by so much time for any reason at all."""

_UNSEEN = log(1.25)
"""A surprise by so much more counts at once; beyond it as far as the run before shows it too."""

_BOUND = log(20.0)
_MOST_CUTS = 64

_CALM, _CALM_S = 0.05, 0.5
"""While a cut takes what is believed and no factor says otherwise, one run in so long is enough."""


class Residuals:
    """
    Factors on a host's believed times: one of the host, and one of each of its cuts.

    The logarithm of measured over believed time is taken as the sum of both and noise. All are
    estimated together by a Kalman filter, so that what one cut was blamed for is the host's when
    the next cut shows it, and the reverse. Factors fade to 1 while nothing is seen.

    Notes
    -----
    What is believed comes from estimators that learn from the same runs. One that takes a wrong
    profile of one cut for load tells of a slower host, and of the next run less is left to explain.
    So as far as what is told moves the way that the last run's factors point, it has taken them
    over, and the host's factor gives it back: the cut keeps what it was found to take. A change
    that is not explained so is news of the host, and its factor is as uncertain as that is large.
    """

    def __init__(self) -> None:
        self._place: dict[str, int] = {}
        self._mean = np.zeros(1)
        self._covariance = np.full((1, 1), _HOST_SD**2)
        self._before: dict[str, float] = {}
        self._told = 0.0
        self._latest: int | None = None
        self._at_s = -inf
        self._calm_until_s: dict[str, float] = {}
        self.most = 0.0

    def __repr__(self) -> str:
        found = ", ".join(f"{cut} {self.factor(cut):.2f}" for cut in self._place)
        return f"<Residuals: host {exp(float(self._mean[0])):.2f}; {found}>"

    def observe(
        self, cut: str, duration_s: float, idle_s: float, told: tuple[float, float], at_s: float
    ) -> None:
        """
        Learn from a run on the host.

        Parameters
        ----------
        cut
            Id of the cut whose head or tail it was.
        duration_s, idle_s
            What it took, and takes by the table.
        told
            Slow-down of the host as it was believed when the run was planned, and as it is now:
            what either of them explains is no surprise.
        at_s
            When it was over.
        """
        known = (duration_s, idle_s, *told)
        if not all(0 < each < inf for each in known) or not -inf < at_s < inf:
            return
        ratio = log(duration_s) - log(idle_s)
        found = [min(max(ratio - log(each), -_BOUND), _BOUND) for each in told]
        surprise = 0.0 if found[0] * found[1] < 0 else min(found, key=abs)
        if abs(surprise) < _CALM and at_s < self._calm_until_s.get(cut, -inf):
            self._before[cut] = surprise
            return
        self._age(at_s)
        self._follow(log(told[1]))
        place = self._latest = self._place_of(cut)
        noise = _NOISE**2 + (_TELLING_S / max(idle_s * told[1], 1e-9)) ** 2
        self._update(place, self._witnessed(cut, surprise, place), noise)
        self.most = abs(float(self._mean[0])) + float(np.abs(self._mean[1:]).max())
        self._calm_until_s[cut] = at_s + _CALM_S if self.most < _CALM else -inf

    most: float
    """Bound of the logarithms of all factors, whichever way, when a run was last learnt from."""

    def factor(self, cut: str) -> float:
        """Give what to multiply the believed time of one cut with."""
        place = self._place.get(cut)
        mean = float(self._mean[0]) + (0.0 if place is None else float(self._mean[place]))
        return exp(min(max(mean, -_BOUND), _BOUND))

    def logs(
        self, cuts: Sequence[str], at_s: float, *, counts_host: bool = True
    ) -> NDArray[np.float64]:
        """
        Give the logarithms of the factors of cuts at a time.

        Parameters
        ----------
        counts_host
            Whether the host's own factor counts, or each cut's alone.

        Returns
        -------
        array
            Shape ``(n_cuts,)``.
        """
        self._age(at_s)
        places = [self._place.get(cut, -1) for cut in cuts]
        own: NDArray[np.float64] = np.append(self._mean, 0.0)[places]
        return np.clip(own + self._mean[0] if counts_host else own, -_BOUND, _BOUND)

    def _witnessed(self, cut: str, surprise: float, place: int) -> float:
        """Give a surprise as far as it counts: one that is bad news needs a second witness."""
        expected = float(self._mean[0] + self._mean[place])
        before = self._before.get(cut, -inf)
        self._before[cut] = surprise
        return min(surprise, max(before, expected + _UNSEEN))

    def _place_of(self, cut: str) -> int:
        found = self._place.get(cut)
        if found is not None:
            return found
        if len(self._place) >= _MOST_CUTS:
            self._forget_cuts()
        num = len(self._mean)
        self._mean = np.append(self._mean, 0.0)
        grown = np.zeros((num + 1, num + 1))
        grown[:num, :num] = self._covariance
        grown[num, num] = _CUT_SD**2
        self._covariance = grown
        self._place[cut] = num
        return num

    def _forget_cuts(self) -> None:
        self._place.clear()
        self._before.clear()
        self._calm_until_s.clear()
        self._latest = None
        self._mean, self._covariance = self._mean[:1].copy(), self._covariance[:1, :1].copy()

    def _follow(self, told: float) -> None:
        """Take a change of what is told of the host into account."""
        change, self._told = told - self._told, told
        pointed = float(self._mean[0])
        if self._latest is not None:
            pointed += float(self._mean[self._latest])
        taken = min(abs(change), abs(pointed)) if change * pointed > 0 else 0.0
        self._mean[0] -= taken if change > 0 else -taken
        self._covariance[0, 0] += (abs(change) - taken) ** 2

    def _age(self, at_s: float) -> None:
        """Let all that is known fade to what was known at first."""
        age_s = max(at_s - self._at_s, 0.0) if self._at_s > -inf else 0.0
        self._at_s = max(at_s, self._at_s)
        if age_s > 0:
            kept = np.full(len(self._mean), exp(-age_s / _CUT_FADES_S))
            kept[0] = exp(-age_s / _HOST_FADES_S)
            first = np.full(len(self._mean), _CUT_SD**2)
            first[0] = _HOST_SD**2
            self._mean *= kept
            self._covariance *= np.outer(kept, kept)
            self._covariance.flat[:: len(kept) + 1] += (1 - kept**2) * first

    def _update(self, place: int, seen: float, noise: float) -> None:
        """Move all factors by one observation of ``host + cut`` (the filter's own equations)."""
        shared = self._covariance[0] + self._covariance[place]
        spread = float(shared[0] + shared[place]) + noise
        gain = shared / spread
        self._mean += gain * (seen - float(self._mean[0] + self._mean[place]))
        self._covariance -= np.outer(gain, shared)
