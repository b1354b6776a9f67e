"""What encoding or decoding takes on one host, folded from its samples."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import exp, log, log2
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cutpoint.records import Sample

_SIZE_REACH, _RATIO_REACH = 1.0, 0.1
"""What counts as one step away: in doublings of the raw size, and of encoded bytes per raw byte.
Time per byte changes slowly with the size and quickly with the ratio: what compresses better has
more repetitions, and those are quick to write and slow to find."""

_NEAREST = 0.02
"""Squared steps below which all samples count as equally near."""


@dataclass(frozen=True)
class SeenTime:
    """
    One sample beside the line.

    Parameters
    ----------
    log_raw, log_ratio
        Binary logarithms of its raw bytes, and of its encoded bytes per raw byte.
    log_factor
        Natural logarithm of what it took over what the line says.
    """

    log_raw: float
    log_ratio: float
    log_factor: float


@dataclass(frozen=True)
class CodecSpeed:
    """
    Seconds of one codec on one host, in one direction: a line, corrected by what was seen.

    Parameters
    ----------
    fixed_s
        Per value.
    s_per_raw_byte, s_per_encoded_byte
        Beside that.
    seen
        Samples; none leaves the line.
    """

    fixed_s: float = 0.0
    s_per_raw_byte: float = 0.0
    s_per_encoded_byte: float = 0.0
    seen: tuple[SeenTime, ...] = ()

    def time_s(self, raw_bytes: float, encoded_bytes: float) -> float:
        """Give what one value takes."""
        line_s = (
            self.fixed_s + self.s_per_raw_byte * raw_bytes + self.s_per_encoded_byte * encoded_bytes
        )
        if not self.seen or min(raw_bytes, encoded_bytes) <= 0:
            return line_s
        log_raw, log_ratio = log2(raw_bytes), log2(encoded_bytes / raw_bytes)
        told, total = 0.0, 0.0
        for each in self.seen:
            weight = _weight(log_raw - each.log_raw, log_ratio - each.log_ratio)
            told += weight * each.log_factor
            total += weight
        return line_s * exp(told / total)


def codec_speeds(
    samples: Iterable[Sample], kind: Literal["encode", "decode"]
) -> dict[str, CodecSpeed]:
    """
    Fold samples into the speed of each codec by name.

    A line in raw and encoded bytes with no negative term and the least relative error is laid
    through the samples. What they deviate from it corrects it, the more the nearer they are
    (inverse distance weighting).
    """
    by_codec: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        if sample.kind == kind and sample.duration_s > 0:
            by_codec[sample.subject].append(sample)
    return {name: _speed(found) for name, found in by_codec.items()}


def _weight(size_steps: float, ratio_steps: float) -> float:
    """Tell how much a sample says about a value so far away (inverse distance weighting)."""
    squared = (size_steps / _SIZE_REACH) ** 2 + (ratio_steps / _RATIO_REACH) ** 2
    return 1.0 / (_NEAREST + squared) ** 2


def _speed(samples: Sequence[Sample]) -> CodecSpeed:
    line = CodecSpeed(*_line(samples))
    seen = tuple(
        SeenTime(
            log2(sample.size_bytes),
            log2(sample.encoded_bytes / sample.size_bytes),
            log(sample.duration_s / line.time_s(sample.size_bytes, sample.encoded_bytes)),
        )
        for sample in samples
        if sample.size_bytes > 0 and sample.encoded_bytes > 0
    )
    return CodecSpeed(line.fixed_s, line.s_per_raw_byte, line.s_per_encoded_byte, seen)


def _line(samples: Sequence[Sample]) -> tuple[float, float, float]:
    """Give the terms of the line, least squares of relative errors, none negative."""
    terms = np.array([[1.0, each.size_bytes, each.encoded_bytes] for each in samples])
    # Relative to what was measured, the wanted line is 1 everywhere.
    relative = terms / np.array([[each.duration_s] for each in samples])
    best, best_error = np.zeros(3), float("inf")
    for num in (1, 2, 3):
        for columns in combinations(range(3), num):
            found = _least_squares(relative, columns)
            error = float(np.sum((relative @ found - 1.0) ** 2))
            if found.min() >= 0 and error < best_error:
                best, best_error = found, error
    fixed_s, s_per_raw_byte, s_per_encoded_byte = best.tolist()
    return fixed_s, s_per_raw_byte, s_per_encoded_byte


def _least_squares(relative: NDArray[np.float64], columns: tuple[int, ...]) -> NDArray[np.float64]:
    chosen = relative[:, list(columns)]
    # Columns differ by orders of magnitude: seconds, and seconds per byte.
    scale = np.linalg.norm(chosen, axis=0)
    scale[scale == 0] = 1.0
    found = np.zeros(relative.shape[1])
    solution, *_ = np.linalg.lstsq(chosen / scale, np.ones(len(relative)))
    found[list(columns)] = solution / scale
    return found
