"""A few of the planned points on the real clock: the best of each kind, in turns."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from cutpoint.lab.advising.planned import GRID, VALUES, PlannedNet
from cutpoint.lab.prediction.bed import Bed
from cutpoint.lab.prediction.sample import LEAST_KEPT_SHARE, PredictedSample
from cutpoint.lab.shares.contenders import CODEC_SETS, JPEG, UINT8
from cutpoint.records import RAW, Placement
from cutpoint.units import mbit_per_s

KINDS: tuple[Placement, ...] = ("device", "server", "split")

CONFIRMED = (UINT8, JPEG)
"""Ways of the input that are confirmed."""

_VALUES = tuple(codec for codec in CODEC_SETS[VALUES] if codec != RAW)
"""None beside those that are planned with: pixels under zstd would be another way of the input."""

_CODECS = {UINT8: _VALUES, JPEG: (*_VALUES, "jpeg:90")}

_SHARE_WANTED, _MOST_TIMES = 0.7, 3
"""Share of the rounds whose inferences are to count, and times as many rounds for that at most."""

_TIE = 0.05
"""Two that differ by less are equally good."""


@dataclass(frozen=True)
class Point:
    """
    One net, link and way of the input, planned and measured.

    Parameters
    ----------
    model, coding
        Which.
    mbit_per_s, device
        Link and device factor.
    planned_s, measured_s
        Latency of the best of each of `KINDS`; of what was measured the median, ``None`` where
        too few were kept.
    samples
        Everything that was measured, by kind.
    """

    model: str
    coding: str
    mbit_per_s: float
    device: float
    planned_s: tuple[float, ...]
    measured_s: tuple[float | None, ...]
    samples: tuple[tuple[PredictedSample, ...], ...]

    @property
    def planned_best(self) -> Placement:
        """Kind that was planned to be best."""
        return KINDS[self.planned_s.index(min(self.planned_s))]

    @property
    def is_confirmed(self) -> bool:
        """Whether that is best on the real clock, or as good as the best; not if one is unknown."""
        known_s = [each for each in self.measured_s if each is not None]
        if len(known_s) < len(KINDS):
            return False
        return known_s[KINDS.index(self.planned_best)] <= (1 + _TIE) * min(known_s)


def confirm(net: PlannedNet, coding: str, rounds: int, seed: int) -> Point:
    """
    Run the best of each kind in turns, at the link where a split is planned to gain most.

    Parameters
    ----------
    net
        As it was planned.
    coding
        One of `CONFIRMED`.
    rounds
        Inferences of each kind.
    seed
        Of the pictures.
    """
    planned = net.latencies[coding].at(*net.place)
    rate, device = GRID.bandwidths_bytes_per_s[net.place[0]], GRID.device_slowdowns[net.place[1]]
    with (
        TemporaryDirectory(prefix="cutpoint-advise-") as folder,
        Bed(
            net.model,
            Path(folder),
            seed,
            rate,
            slowdown=device,
            codecs=_CODECS[coding],
            more_cuts=[net.crossing] if net.crossing else [],
        ) as bed,
    ):
        samples = _in_turns(bed, rate, rounds)
    return Point(
        net.model,
        coding,
        mbit_per_s(rate),
        device,
        tuple(float(each) for each in (planned.device_s, planned.server_s, planned.split_s)),
        tuple(_middle_s(each) for each in samples),
        samples,
    )


def _in_turns(bed: Bed, rate: float, rounds: int) -> tuple[tuple[PredictedSample, ...], ...]:
    bed.settle(rate)
    bed.policy.within = 1.0
    taken: tuple[list[PredictedSample], ...] = tuple([] for _ in KINDS)
    for number in range(_MOST_TIMES * rounds):
        if number >= rounds and all(_num_kept(each) >= _SHARE_WANTED * rounds for each in taken):
            break
        for kind, samples in zip(KINDS, taken, strict=True):
            bed.policy.placements = frozenset((kind,))
            samples.append(bed.take(number))
    return tuple(tuple(each) for each in taken)


def _num_kept(samples: Sequence[PredictedSample]) -> int:
    return sum(sample.is_kept for sample in samples)


def _middle_s(samples: Sequence[PredictedSample]) -> float | None:
    if _num_kept(samples) < max(LEAST_KEPT_SHARE * len(samples), 1):
        return None
    return median(sample.measured.latency_s for sample in samples if sample.is_kept)
