"""Made-up links that vary like recorded ones, the same on every machine."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from random import Random
from statistics import NormalDist

from cutpoint.lab.traces.mahimahi import BIN_S, PACKET_BYTES
from cutpoint.lab.traces.trace import Trace
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.units import from_mbit_per_s

_BINS_PER_S = round(1 / BIN_S)


@dataclass(frozen=True)
class TraceShape:
    """
    What a made-up trace has in common with a recorded one.

    Parameters
    ----------
    duration_s
        Whole seconds.
    mean_mbit_per_s
        Over all.
    knots_mbit_per_s
        Least, p5, p50, p95 and most of the seconds' means.
    correlation
        Of one second's place in that distribution with the next one's.
    spread, spread_correlation
        Of the tenths of one second around its mean (standard deviation of the logarithm), and
        of one tenth with the next.
    seed
        Of what is drawn.
    """

    duration_s: int
    mean_mbit_per_s: float
    knots_mbit_per_s: tuple[float, float, float, float, float]
    correlation: float
    spread: float
    spread_correlation: float
    seed: int


DRIVING = TraceShape(120, 1.92, (0.0, 0.04, 1.58, 5.01, 12.8), 0.55, 0.6, 0.5, 1)
"""Like AT&T's LTE uplink, recorded in a car in 2016."""

STROLLING = TraceShape(140, 13.35, (0.6, 2.49, 11.78, 27.88, 30.0), 0.93, 0.2, 0.3, 2)
"""Like T-Mobile's LTE uplink: seven times as fast, with ups and downs of half a minute."""


@cache
def default_traces() -> tuple[Trace, ...]:
    """
    Give the traces of the package: ``lte-driving`` and ``lte-strolling``.

    Both are drawn from a fixed seed and match, per second, mean and 5th, 50th and 95th
    percentile of an LTE uplink recorded with Saturator (Winstein, Sivaraman, Balakrishnan:
    Stochastic Forecasts Achieve High Throughput and Low Delay over Cellular Networks, NSDI
    2013), and roughly how soon they change. Nothing is known of the way back.
    """
    return (
        _trace("lte-driving", DRIVING, "AT&T LTE, driving, 2016"),
        _trace("lte-strolling", STROLLING, "T-Mobile LTE, short"),
    )


def synthetic_rates(shape: TraceShape) -> RateSchedule:
    """
    Draw a rate, in steps of `BIN_S` and whole packets.

    The seconds' means are the quantiles of one distribution, put in the order of a first-order
    autoregressive process; so their distribution is met whatever is drawn. Within a second the
    rate varies around its mean log-normally. Only `random.Random.random` is drawn from: its
    sequence is the same for every version of Python.
    """
    rng = Random(shape.seed)
    num = shape.duration_s
    walk = _autoregressive(rng, num, shape.correlation)
    levels = _quantiles(shape)
    ranked = sorted(range(num), key=walk.__getitem__)
    means = [0.0] * num
    for level, second in zip(levels, ranked, strict=True):
        means[second] = level
    noise = _autoregressive(rng, num * _BINS_PER_S, shape.spread_correlation)
    sent_bytes = 0.0
    edges_bytes = [0.0]
    for second, mean in enumerate(means):
        part = noise[second * _BINS_PER_S : (second + 1) * _BINS_PER_S]
        weights = [math.exp(shape.spread * each) for each in part]
        for weight in weights:
            sent_bytes += from_mbit_per_s(mean) * weight / math.fsum(weights)
            # Whole packets, the rest left over for later: slow seconds have gaps, as recorded.
            edges_bytes.append(math.floor(sent_bytes / PACKET_BYTES + 1e-6) * PACKET_BYTES)
    phases = ((BIN_S, (end - start) / BIN_S) for start, end in pairwise(edges_bytes))
    return RateSchedule(tuple(phases), repeat=True)


def _trace(name: str, shape: TraceShape, like: str) -> Trace:
    source = f"synthetic (seed {shape.seed}), matched to a recorded uplink: {like}"
    return Trace(name, synthetic_rates(shape), None, source)


def _autoregressive(rng: Random, num: int, correlation: float) -> list[float]:
    """Draw a standard normal process of the first order."""
    normal = NormalDist()
    drawn = [normal.inv_cdf(rng.random() * (1 - 2e-12) + 1e-12) for _ in range(num)]
    made = [drawn[0]]
    for each in drawn[1:]:
        made.append(correlation * made[-1] + math.sqrt(1 - correlation**2) * each)
    return made


def _quantiles(shape: TraceShape) -> list[float]:
    """Give the seconds' means, rising: through the knots, bent so that their mean is right."""
    low, high = 0.1, 10.0
    for _ in range(60):
        bend = math.sqrt(low * high)
        levels = _bent(shape.knots_mbit_per_s, shape.duration_s, bend)
        if math.fsum(levels) / len(levels) > shape.mean_mbit_per_s:
            low = bend
        else:
            high = bend
    return levels


def _bent(knots: Sequence[float], num: int, bend: float) -> list[float]:
    shares = (0.0, 0.05, 0.5, 0.95, 1.0)
    levels = []
    for index in range(num):
        share = index / (num - 1)
        piece = min(sum(share >= each for each in shares) - 1, len(shares) - 2)
        along = (share - shares[piece]) / (shares[piece + 1] - shares[piece])
        # Only above the median: there the recorded distributions are far from even.
        along **= bend if piece == 2 else 1.0
        levels.append(knots[piece] + along * (knots[piece + 1] - knots[piece]))
    return levels
