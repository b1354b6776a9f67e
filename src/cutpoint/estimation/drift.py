"""Whether errors that were rare have become frequent, told from a few of them."""

from cutpoint.exceptions import CostError

_SHIFTS = (0.15, 0.4, 0.8)
"""Shares that are watched for, between the allowed one (0) and all (1), on a scale of powers: for
an allowed share of 1 % they are 2, 6 and 40 %."""

_RUN_LENGTH = 10_000.0
"""Checks until a false alarm, on average at least, where the share is exactly what is allowed."""

_SUSPICION = 3.0
"""Evidence from which to look more closely: one bad check, where few are allowed, gives it."""

_NUM_FIRST = 10
"""Checks of which nothing is known yet."""


class DriftDetector:
    """
    Watches numbers from 0 to 1 whose mean may be so much and no more.

    Parameters
    ----------
    most_share
        What the mean may be.

    Raises
    ------
    CostError
        If that is below 0, or not below 1.

    Notes
    -----
    For each of three means above the allowed one, ``m``, a bet on it: capital grows by
    ``1 + (q - m) (x - m) / (m (1 - m))`` with every number ``x``, which for zeros and ones is the
    likelihood ratio of ``q`` against ``m``, and is never let below 1, so that a long good time does
    not weigh against a bad one. While the mean is ``m`` at most, each factor is 1 at most on
    average, whatever was seen before; so the average of the three capitals is an e-detector
    (J. Shin, A. Ramdas and A. Rinaldo, "E-detectors: a nonparametric framework for sequential
    change detection", New England Journal of Statistics in Data Science, 2023): an alarm at a
    capital of ``A`` comes after ``A`` numbers on average at the soonest, without any assumption
    of how they are distributed. The bets are the betting of I. Waudby-Smith and A. Ramdas
    ("Estimating means of bounded random variables by betting", JRSS B, 2024). Neither text was
    at hand: this is a reconstruction from the known results.

    When to look may depend on all that was seen: no clock and no fixed number of looks is needed.
    """

    def __init__(self, most_share: float) -> None:
        if not 0 <= most_share < 1:
            raise CostError(f"a mean of {most_share} cannot be watched: allow 0 at least, below 1")
        self._allowed = most_share
        self._bets = tuple(most_share ** (1 - shift) for shift in _SHIFTS) if most_share else ()
        self._capital = [1.0] * len(self._bets)
        self._num_seen = 0
        self._has_drifted = False

    def __repr__(self) -> str:
        return f"<DriftDetector: {self.evidence:.3g} after {self._num_seen}>"

    @property
    def evidence(self) -> float:
        """How much speaks for a drift; 1 is nothing."""
        if not self._bets:
            return _RUN_LENGTH if self._has_drifted else 1.0
        return sum(self._capital) / len(self._capital)

    @property
    def has_drifted(self) -> bool:
        """Whether there is enough of it; that is not taken back."""
        return self._has_drifted

    @property
    def is_suspicious(self) -> bool:
        """Whether to look more closely: something speaks for it, or too little was seen yet."""
        return self._num_seen < _NUM_FIRST or self.evidence >= _SUSPICION

    @property
    def is_calm(self) -> bool:
        """Whether nothing speaks for a drift."""
        return all(capital <= 1.0 for capital in self._capital) and not self._has_drifted

    def observe(self, score: float) -> None:
        """
        Learn from one check.

        Parameters
        ----------
        score
            From 0 to 1.
        """
        score = min(max(score, 0.0), 1.0)
        self._num_seen += 1
        if not self._bets:
            self._has_drifted |= score > 0
            return
        allowed = self._allowed
        for i, bet in enumerate(self._bets):
            factor = 1 + (bet - allowed) * (score - allowed) / (allowed * (1 - allowed))
            # Capital that could buy everything need not grow: it has to stay a number.
            self._capital[i] = min(max(self._capital[i] * factor, 1.0), 1e12)
        self._has_drifted |= self.evidence >= _RUN_LENGTH

    def doubt(self) -> None:
        """Look at the next ones closely: something else has drifted."""
        self._num_seen = 0
