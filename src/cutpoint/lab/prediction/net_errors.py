"""What the samples of one net say of its predictions."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cutpoint.lab.prediction.sample import (
    LEAST_KEPT_SHARE,
    PARTS,
    PredictedSample,
    Spread,
    spread,
)


@dataclass(frozen=True)
class NetErrors:
    """
    Errors of one net's predictions.

    Parameters
    ----------
    model
        Its name.
    slowdown
        Of the emulated device.
    num_samples, num_kept, num_fallbacks
        Inferences, those that count, and those that the device had to finish.
    latency
        Of predicted latencies, relative.
    parts
        Of each part, as shares of the latency.
    links, kinds
        Of latencies, by link and by kind of row.
    """

    model: str
    slowdown: float
    num_samples: int
    num_kept: int
    num_fallbacks: int
    latency: Spread
    parts: Mapping[str, Spread]
    links: Mapping[str, Spread]
    kinds: Mapping[str, Spread]

    @property
    def share_dropped(self) -> float:
        """Share of the samples that do not count."""
        return 1 - self.num_kept / self.num_samples


def net_errors(model: str, slowdown: float, samples: Sequence[PredictedSample]) -> NetErrors | None:
    """
    Sum up the samples of one net.

    Returns
    -------
    NetErrors or None
        ``None`` where too few samples are kept: that is no result.
    """
    kept = [sample for sample in samples if sample.is_kept]
    if len(kept) < max(LEAST_KEPT_SHARE * len(samples), 1):
        return None
    return NetErrors(
        model=model,
        slowdown=slowdown,
        num_samples=len(samples),
        num_kept=len(kept),
        num_fallbacks=sum(sample.fallback_reason is not None for sample in samples),
        latency=spread([sample.error for sample in kept]),
        parts={part: spread([each.part_error(part) for each in kept]) for part in PARTS},
        links=_by(kept, lambda sample: sample.link),
        kinds=_by(kept, lambda sample: sample.kind),
    )


def _by(
    samples: Sequence[PredictedSample], key: Callable[[PredictedSample], str]
) -> dict[str, Spread]:
    groups: defaultdict[str, list[float]] = defaultdict(list)
    for sample in samples:
        groups[key(sample)].append(sample.error)
    return {name: spread(errors) for name, errors in groups.items()}
