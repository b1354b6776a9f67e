"""Calibrations kept between starts: made again where anything differs."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from cutpoint.cost.calibration import CALIBRATION_FORMAT_VERSION, Calibration
from cutpoint.cost.tolerance import MEASURES, Tolerance
from cutpoint.exceptions import CutpointError
from cutpoint.execution import Segments
from cutpoint.execution.file_cache import FileCache
from cutpoint.execution.runtime import runtime_version
from cutpoint.profiling.calibrate import calibrate, checked_feeds
from cutpoint.profiling.calibration_file import check_calibrated_numbers, check_calibration
from cutpoint.wire.codecs import Codec

_log = logging.getLogger(__name__)


def calibrate_or_recall(
    segments: Segments,
    codecs: Sequence[Codec],
    feeds: Sequence[Mapping[str, Any]],
    cache: FileCache | None,
    *,
    tolerance: Tolerance | None = None,
) -> Calibration:
    """
    Give the calibration of an earlier start with the same feeds, or make and keep it.

    One with a measure of the caller's own is made each time: what a function does cannot be
    seen from its name.

    Parameters
    ----------
    segments, codecs, feeds, tolerance
        As for `calibrate`.
    cache
        Where it is kept; ``None`` always calibrates.

    Raises
    ------
    FeedError, ToleranceError
        As by `calibrate`.
    """
    is_own = tolerance is not None and tolerance.name not in MEASURES
    if cache is None or is_own:
        return calibrate(segments, codecs, feeds, tolerance=tolerance)
    feeds = checked_feeds(segments, feeds)
    key = _key(segments, codecs, feeds)
    kept: Calibration | None = cache.read(key, Calibration)
    is_judged = kept is None or tolerance is None or kept.is_judged(tolerance)
    if kept is not None and is_judged and _is_of(kept, segments, len(feeds)):
        return kept
    made = calibrate(segments, codecs, feeds, tolerance=tolerance)
    cache.write(key, made)
    return made


def _key(
    segments: Segments, codecs: Sequence[Codec], feeds: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    return {
        "what": "calibration",
        "format_version": CALIBRATION_FORMAT_VERSION,
        "sha256": segments.graph.sha256,
        "cuts": [cut.crossing for cut in segments.cuts],
        "codecs": [codec.name for codec in codecs],
        "feeds": _digest(feeds),
        # What codecs give may change with them, and what the model gives with the runtime.
        "cutpoint": version("cutpoint"),
        "runtime": runtime_version(),
        "providers": segments.providers,
    }


def _digest(feeds: Sequence[Mapping[str, Any]]) -> str:
    found = hashlib.sha256()
    for feed in feeds:
        for name in sorted(feed):
            array = np.asarray(feed[name])
            text = array.dtype == object
            content = repr(array.tolist()).encode() if text else array.tobytes()
            found.update(f"{name} {array.dtype} {array.shape} ".encode())
            found.update(content)
    return found.hexdigest()


def _is_of(kept: Calibration, segments: Segments, num_feeds: int) -> bool:
    """Tell whether what was kept is of this model, whatever key it lay under."""
    try:
        check_calibrated_numbers(kept)
        check_calibration(kept, segments.graph)
    except CutpointError as error:
        _log.warning("the calibration kept of %s is passed over: %s", segments.graph.name, error)
        return False
    return kept.num_feeds == num_feeds
