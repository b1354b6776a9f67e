"""From shots to rows of a report: which count, how fast they were, who was faster."""

from collections.abc import Sequence

import numpy as np

from cutpoint.lab.arena.shot import Shot
from cutpoint.lab.experiments.form import Clock, Regret, ResultRow, interval, summarise

MOST_DROPPED = 0.8
"""Where more than this share does not count, what is left is no result."""

_RESAMPLES = 2000


def kept(shots: Sequence[Shot]) -> tuple[Shot, ...]:
    """Give those that count."""
    return tuple(shot for shot in shots if shot.is_kept)


def share_dropped(shots: Sequence[Shot]) -> float:
    """Give the share that does not count; 0 of none."""
    return 1 - len(kept(shots)) / len(shots) if shots else 0.0


def result_row(
    shots: Sequence[Shot],
    *,
    model: str,
    link: str,
    load: str,
    policy: str,
    clock: Clock = "real",
    regret: Regret | None = None,
    note: str = "",
    seed: int = 0,
) -> ResultRow | None:
    """
    Sum up the shots of one policy.

    Returns
    -------
    ResultRow or None
        ``None`` where too many were dropped, or there were none.
    """
    counted = kept(shots)
    if not counted or share_dropped(shots) > MOST_DROPPED:
        return None
    num_alone = sum(not shot.is_as_planned for shot in counted)
    alone = f"{num_alone} of {len(counted)} finished by the device" if num_alone else ""
    return ResultRow(
        model=model,
        link=link,
        load=load,
        policy=policy,
        clock=clock,
        n=len(counted),
        latency_s=summarise([shot.latency_s for shot in counted], seed),
        regret=regret,
        num_dropped=len(shots) - len(counted),
        note="; ".join(each for each in (note, alone) if each),
    )


def ratio_of_means(
    given: Sequence[Shot], reference: Sequence[Shot], seed: int = 0
) -> tuple[float, tuple[float, float]] | None:
    """
    Compare two contenders over the rounds in which both count.

    Returns
    -------
    tuple or None
        Mean latency of the one over that of the other, and the 95 % interval of that (bootstrap
        over rounds); ``None`` if there is no such round.
    """
    pairs = _paired(given, reference)
    if not len(pairs):
        return None
    rng = np.random.default_rng(seed)
    drawn = pairs[rng.integers(0, len(pairs), (_RESAMPLES, len(pairs)))].mean(axis=1)
    mean = pairs.mean(axis=0)
    return float(mean[0] / mean[1]), interval(drawn[:, 0] / drawn[:, 1])


def _paired(given: Sequence[Shot], reference: Sequence[Shot]) -> np.ndarray:
    """Give latencies of rounds that both ran and that count. Shape ``(n_rounds, 2)``."""
    of_reference = {shot.round: shot.latency_s for shot in kept(reference)}
    pairs = [
        (shot.latency_s, of_reference[shot.round])
        for shot in kept(given)
        if shot.round in of_reference
    ]
    return np.array(pairs, float).reshape(-1, 2)
