"""Algorithm 2 of JPS: two neighbouring cuts of a line and their ratio, as printed."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

_MANY = 1e15
"""Ratios are cut here: no one has more jobs, and larger floats are no counts."""


@dataclass(frozen=True)
class CutPair:
    """
    What Algorithm 2 returns.

    Parameters
    ----------
    right
        Index of ``l*``; ``l* - 1`` is the one before.
    ratio
        Jobs at ``l* - 1`` for each at ``l*``. Zero where ``l* - 1`` does not exist, and
        below zero where ``l*`` is not what the paper takes it for: see `cut_pair`.
    """

    right: int
    ratio: int

    def counts(self, num_jobs: int) -> tuple[int, int]:
        """
        Give how many jobs run at ``l* - 1`` and at ``l*``.

        Notes
        -----
        Print gives only the ratio. The share of ``l*``, one job in ``ratio + 1``, is
        rounded to the nearest count, halves up: so the paper's example of two jobs is
        mixed, and a few jobs do not pay for the ratio of many.
        """
        if self.ratio <= 0:
            return 0, num_jobs
        share = self.ratio + 1
        num_right = (2 * num_jobs + share) // (2 * share)
        return num_jobs - num_right, num_right


def clustered(send_s: Sequence[float]) -> list[int]:
    """
    Give the cuts that are left when growing layers are merged with what follows [1]_.

    A cut that sends more than one before it is never useful: it computes no less. What is
    left falls.

    References
    ----------
    .. [1] Duan, Y., Wu, J. (2021). Joint Optimization of DNN Partition and Scheduling for
           Mobile Cloud Computing. *ICPP*. Virtual blocks.
    """
    kept = [0]
    for cut in range(1, len(send_s)):
        if send_s[cut] <= send_s[kept[-1]]:
            kept.append(cut)
    return kept


def cut_pair(compute_s: Sequence[float], send_s: Sequence[float]) -> CutPair:
    """
    Search for the left-most cut that computes no less than it sends [1]_, Algorithm 2.

    Parameters
    ----------
    compute_s, send_s
        f and g of each cut of a clustered line: the former does not fall, the latter
        does not grow.

    Notes
    -----
    Three cases are not in print, and are left as the search leaves them. If the first cut
    is ``l*``, there is no ``l* - 1``: all jobs run at ``l*``. If the ratio is floored to
    zero, all run at ``l*`` as well, even where a mix is better. If every cut sends longer
    than it computes, the search ends at the last without having looked at it; the ratio
    is negative and all jobs run there.

    References
    ----------
    .. [1] Duan, Y., Wu, J. (2021). Joint Optimization of DNN Partition and Scheduling for
           Mobile Cloud Computing. *ICPP*. Algorithm 2.
    """
    left, right = 0, len(compute_s) - 1
    while left < right:
        middle = (left + right) // 2
        if compute_s[middle] < send_s[middle]:
            left = middle + 1
        else:
            right = middle
    if left == 0:
        return CutPair(0, 0)
    # Algorithm 2 of [1]: #(l* - 1) : #(l*) = floor((f(l*) - g(l*)) / (g(l* - 1) - f(l* - 1))).
    over_s, under_s = compute_s[left] - send_s[left], send_s[left - 1] - compute_s[left - 1]
    return CutPair(left, floor(min(over_s / under_s, _MANY)))
