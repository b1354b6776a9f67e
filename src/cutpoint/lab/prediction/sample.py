"""One inference as it was predicted and as it was, and how far apart that is."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from cutpoint.lab.prediction.drawn import Kind, kind_of
from cutpoint.records import RAW, InferenceRecord, Parts

MOST_CONTENTION = 1.1
"""Wall time / CPU time on either host above which other work is to blame, not the prediction."""

LEAST_KEPT_SHARE = 0.2
"""Of the samples of a net: where fewer are kept there is no result."""

PARTS = tuple(field.name for field in fields(Parts))


@dataclass(frozen=True)
class PredictedSample:
    """
    One inference.

    Parameters
    ----------
    link
        Its rate, for people.
    kind
        Of the row that was taken.
    cut, codecs
        Which one.
    predicted, measured
        Seconds of each part.
    contention
        Wall time / CPU time of the worse leg; ``None`` if that is not known.
    fallback_reason
        Why the device finished alone; ``None`` where it did not.
    """

    link: str
    kind: Kind
    cut: str
    codecs: tuple[str, ...]
    predicted: Parts
    measured: Parts
    contention: float | None
    fallback_reason: str | None = None

    @property
    def is_kept(self) -> bool:
        """
        Whether no other work held the cores.

        One that the device finished alone counts: what was predicted of it was far off.
        """
        return self.contention is not None and self.contention <= MOST_CONTENTION

    @property
    def error(self) -> float:
        """Predicted latency over the measured one, minus one."""
        return self.predicted.latency_s / self.measured.latency_s - 1

    def part_error(self, part: str) -> float:
        """Give what the prediction of a part is off, as a share of the whole latency."""
        off_s = float(getattr(self.predicted, part)) - float(getattr(self.measured, part))
        return off_s / self.measured.latency_s


def sample_of(record: InferenceRecord, link: str) -> PredictedSample:
    """Give what a record says of its prediction."""
    codec = next((each for each in record.codecs if each != RAW), RAW)
    return PredictedSample(
        link=link,
        kind=kind_of(record.planned, codec),
        cut=record.cut,
        codecs=record.codecs,
        predicted=record.predicted,
        measured=record.measured,
        contention=record.contention,
        fallback_reason=record.fallback_reason,
    )


@dataclass(frozen=True)
class Spread:
    """
    Errors of many samples.

    Parameters
    ----------
    bias
        Median; above zero where more was predicted than it took.
    median, p95
        Of their absolute values.
    """

    bias: float
    median: float
    p95: float


def spread(errors: Sequence[float]) -> Spread:
    """
    Sum up signed errors.

    Raises
    ------
    ValueError
        If there are none.
    """
    if not errors:
        raise ValueError("no errors to sum up")
    given = np.asarray(errors, float)
    median, p95 = np.percentile(np.abs(given), [50, 95])
    return Spread(float(np.median(given)), float(median), float(p95))
