"""From shots to rows of a report: which count, how fast they were, who was faster."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cutpoint.lab.arena.shot import Shot, Spot
from cutpoint.lab.experiments.form import Clock, Regret, ResultRow, interval, summarise

MOST_DROPPED = 0.8
"""Where more than this share does not count, what is left is no result."""

_RESAMPLES = 2000

Floats = NDArray[np.float64]


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
        Mean latency of the one over that of the other, and the 95 % interval of that; ``None`` if
        there is no such round.

    Notes
    -----
    The bootstrap draws places, and at each place its rounds: those of one place are alike, and are
    no places of their own.
    """
    places = _paired(given, reference)
    if not places:
        return None
    rng = np.random.default_rng(seed)
    sums = np.stack([_drawn_sums(pairs, rng) for pairs in places], axis=1)
    chosen = rng.integers(0, len(places), (_RESAMPLES, len(places), 1))
    drawn = np.take_along_axis(sums, chosen, axis=1).sum(axis=1)
    taken_s = np.concatenate(places).sum(axis=0)
    return float(taken_s[0] / taken_s[1]), interval(drawn[:, 0] / drawn[:, 1])


def _paired(given: Sequence[Shot], reference: Sequence[Shot]) -> list[Floats]:
    """Give, place by place, latencies of rounds that both ran and that count. ``(n_rounds, 2)``."""
    of_reference = {shot.round: shot.latency_s for shot in kept(reference)}
    places: dict[Spot, list[tuple[float, float]]] = {}
    for shot in kept(given):
        if shot.round in of_reference:
            pair = shot.latency_s, of_reference[shot.round]
            places.setdefault(shot.spot, []).append(pair)
    return [np.array(pairs, float) for pairs in places.values()]


def _drawn_sums(pairs: Floats, rng: np.random.Generator) -> Floats:
    """Give sums of resampled rounds of one place. Shape ``(n_resamples, 2)``."""
    drawn = pairs[rng.integers(0, len(pairs), (_RESAMPLES, len(pairs)))]
    sums: Floats = drawn.sum(axis=1)
    return sums
