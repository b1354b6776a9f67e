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

_SAME = 0.01
"""What is told of the host and changes by less is told anew when it is more."""

_BOUND = log(20.0)
_MOST_CUTS = 64

_CALM, _CALM_S = 0.05, 0.5
_CALM_LEAST, _CALM_MOST = exp(-_CALM), exp(_CALM)
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
        self._mean = [0.0]
        self._covariance = [[_HOST_SD**2]]  # lists: of a handful of cuts, numpy would take longer
        self._before: dict[str, float] = {}
        self._known: set[str] = set()
        self._told = 0.0
        self._latest: int | None = None
        self._at_s = -inf
        self._calm_until_s: dict[str, float] = {}
        self.most = 0.0

    def __repr__(self) -> str:
        found = ", ".join(f"{cut} {self.factor(cut):.2f}" for cut in self._place)
        return f"<Residuals: host {exp(self._mean[0]):.2f}; {found}>"

    def observe(
        self, cut: str, duration_s: float, idle_s: float, told: tuple[float, float], at_s: float
    ) -> float:
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

        Returns
        -------
        float
            By how much the logarithm of the cut's factor moved.
        """
        then, now = told
        believed_s = idle_s * now
        if (
            at_s < self._calm_until_s.get(cut, -inf)
            and _CALM_LEAST * believed_s < duration_s < _CALM_MOST * believed_s < inf
        ):
            self._before[cut] = duration_s / believed_s - 1.0  # its logarithm, nearly
            return 0.0
        is_known = 0 < duration_s < inf and 0 < idle_s < inf and 0 < then < inf and 0 < now < inf
        if not (is_known and -inf < at_s < inf):
            return 0.0
        surprise = _surprise(log(duration_s) - log(idle_s), log(then), log(now))
        before = self._log_of(cut)
        self._age(at_s)
        self._follow(log(now))
        place = self._latest = self._place_of(cut)
        noise = _NOISE**2 + (_TELLING_S / max(idle_s * now, 1e-9)) ** 2
        seen = self._witnessed(cut, surprise, place)
        self._suspect_host(cut, surprise, seen)
        self._update(place, seen, noise)
        self._bound()
        self._calm_until_s[cut] = at_s + _CALM_S if self.most < _CALM else -inf
        return self._log_of(cut) - before

    most: float
    """Bound of the logarithms of all factors, whichever way, when a run was last learnt from."""

    def follow(self, told: float, at_s: float) -> None:
        """
        Take note of what is told of the host now, lest it counts twice beside what runs showed.

        Parameters
        ----------
        told
            Slow-down of the host.
        at_s
            Now.
        """
        if not 0 < told < inf or not -inf < at_s < inf:
            return
        if abs(log(told) - self._told) < _SAME:
            return
        self._age(at_s)
        self._follow(log(told))
        self._bound()

    def factor(self, cut: str) -> float:
        """Give what to multiply the believed time of one cut with."""
        return exp(self._log_of(cut))

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
        mean, place = [*self._mean, 0.0], self._place
        host = mean[0] if counts_host else 0.0
        found = [host + mean[place.get(cut, -1)] for cut in cuts]
        return np.array([min(max(each, -_BOUND), _BOUND) for each in found])

    def _log_of(self, cut: str) -> float:
        place = self._place.get(cut)
        mean = self._mean[0] + (0.0 if place is None else self._mean[place])
        return min(max(mean, -_BOUND), _BOUND)

    def _witnessed(self, cut: str, surprise: float, place: int) -> float:
        """Give a surprise as far as it counts: one that is bad news needs a second witness."""
        expected = self._mean[0] + self._mean[place]
        before = self._before.get(cut, -inf)
        self._before[cut] = surprise
        return min(surprise, max(before, expected + _UNSEEN))

    def _suspect_host(self, cut: str, surprise: float, seen: float) -> None:
        """Hold the host to blame where a cut that took what was believed takes longer now."""
        expected = self._mean[0] + self._mean[self._place[cut]]
        if surprise <= expected + _UNSEEN:
            self._known.add(cut)
        elif cut in self._known:
            self._covariance[0][0] += (seen - expected) ** 2

    def _bound(self) -> None:
        host, *cuts = self._mean
        self.most = abs(host) + (max(max(cuts), -min(cuts)) if cuts else 0.0)

    def _place_of(self, cut: str) -> int:
        found = self._place.get(cut)
        if found is not None:
            return found
        if len(self._place) >= _MOST_CUTS:
            self._forget_cuts()
        num = self._place[cut] = len(self._mean)
        self._mean.append(0.0)
        for row in self._covariance:
            row.append(0.0)
        self._covariance.append([0.0] * num + [_CUT_SD**2])
        return num

    def _forget_cuts(self) -> None:
        self._place.clear()
        self._before.clear()
        self._known.clear()
        self._calm_until_s.clear()
        self._latest = None
        self._mean, self._covariance = self._mean[:1], [self._covariance[0][:1]]

    def _follow(self, told: float) -> None:
        """Take a change of what is told of the host into account."""
        change, self._told = told - self._told, told
        pointed = self._mean[0]
        if self._latest is not None:
            pointed += self._mean[self._latest]
        taken = min(abs(change), abs(pointed)) if change * pointed > 0 else 0.0
        self._mean[0] -= taken if change > 0 else -taken
        self._covariance[0][0] += (abs(change) - taken) ** 2

    def _age(self, at_s: float) -> None:
        """Let all that is known fade to what was known at first."""
        age_s, self._at_s = at_s - self._at_s, max(at_s, self._at_s)
        if not 0 < age_s < inf:
            return
        host, cut = exp(-age_s / _HOST_FADES_S), exp(-age_s / _CUT_FADES_S)
        first, *rest = self._mean
        self._mean = [host * first, *[cut * each for each in rest]]
        of_host, *of_cuts = self._covariance
        mixed, own, regained = host * cut, cut * cut, (1 - cut * cut) * _CUT_SD**2
        variance = host * host * of_host[0] + (1 - host * host) * _HOST_SD**2
        of_host[:] = [mixed * each for each in of_host]
        of_host[0] = variance
        for place, row in enumerate(of_cuts, 1):
            row[:] = [own * each for each in row]
            row[0] = of_host[place]
            row[place] += regained

    def _update(self, place: int, seen: float, noise: float) -> None:
        """Move all factors by one observation of ``host + cut`` (the filter's own equations)."""
        mean, rows = self._mean, self._covariance
        shared = [host + cut for host, cut in zip(rows[0], rows[place], strict=True)]
        spread = shared[0] + shared[place] + noise
        off = seen - (mean[0] + mean[place])
        gains = [each / spread for each in shared]
        self._mean = [each + gain * off for each, gain in zip(mean, gains, strict=True)]
        self._covariance = [
            [each - gain * common for each, common in zip(row, shared, strict=True)]
            for row, gain in zip(rows, gains, strict=True)
        ]


def _surprise(ratio: float, then: float, now: float) -> float:
    """Give what neither of two slow-downs explains of a run; all are logarithms."""
    first = min(max(ratio - then, -_BOUND), _BOUND)
    second = min(max(ratio - now, -_BOUND), _BOUND)
    if first * second < 0:
        return 0.0
    return first if abs(first) <= abs(second) else second
