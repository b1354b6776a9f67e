"""See what codecs do to a model on feeds of its user: bytes by value, errors by cut."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost.calibration import (
    CALIBRATION_FORMAT_VERSION,
    CalibratedRow,
    CalibratedValue,
    Calibration,
)
from cutpoint.cost.output_error import has_classes
from cutpoint.cost.tolerance import LARGEST_ERROR, MEASURES, TOP1, Measure, Tolerance
from cutpoint.exceptions import CodecError, FeedError
from cutpoint.execution import Segments
from cutpoint.graph import Arrays, Cut, Segment, checked_feed, server_only, sizes_of
from cutpoint.profiling.steps import ProgressCallback, Steps
from cutpoint.wire.codecs import Codec
from cutpoint.wire.tensors import TensorSpec

Range = tuple[float, float]

_log = logging.getLogger(__name__)


def calibrate(
    segments: Segments,
    codecs: Sequence[Codec],
    feeds: Sequence[Mapping[str, Any]],
    *,
    tolerance: Tolerance | None = None,
    fixes_ranges: bool = False,
    progress: ProgressCallback | None = None,
) -> Calibration:
    """
    Encode the crossing values of every cut with every codec, and compute the rest on what is left.

    The errors are of the model's outputs, in the measures ``top1`` (where an output has
    classes) and ``l2``, and in that of a tolerance with a measure of its own.

    Parameters
    ----------
    segments
        The model, held at the cuts that are wanted; server-only is always among them.
    codecs
        To try; each is used for the values it takes.
    feeds
        Inputs like those of later, one at least.
    tolerance
        Whose measure is taken beside the two.
    fixes_ranges
        Whether codecs that quantise are to take one range of each value, seen over all feeds,
        instead of each array's own.
    progress
        Told of every feed.

    Raises
    ------
    FeedError
        If there are no feeds, or one is not the model's; says which.
    ToleranceError
        If the tolerance cannot judge the outputs.
    """
    checked = checked_feeds(segments, feeds)
    steps = Steps(progress, len(checked) * (2 if fixes_ranges else 1))
    ranges = _ranges(segments, checked, steps) if fixes_ranges else {}
    trials = _Trials(segments, codecs, ranges)
    for i, feed in enumerate(checked):
        values = _exact_values(segments, feed, i)
        if not i:
            trials.measures = _measures(segments.outputs_of(values), tolerance)
        trials.add(values)
        steps.advance("calibrating")
    return Calibration(
        format_version=CALIBRATION_FORMAT_VERSION,
        model_sha256=segments.graph.sha256,
        model_name=segments.graph.name,
        num_feeds=len(checked),
        sizes=dict(sizes_of(segments.graph, checked[0])),
        values=trials.calibrated_values(),
        rows=trials.calibrated_rows(),
        ranges=ranges,
    )


@dataclass
class _Sizes:
    """Bytes of one value under one codec, summed over feeds."""

    raw_bytes: float = 0.0
    sent_bytes: float = 0.0
    num: int = 0


@dataclass
class _Travelled:
    """One value of one feed under one codec, as it arrives."""

    array: NDArray[np.generic]
    is_exact: bool


@dataclass
class _Trials:
    """What was seen of every cut and codec so far."""

    segments: Segments
    codecs: Sequence[Codec]
    ranges: Mapping[str, Range]
    measures: Mapping[str, Measure] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._cuts = (server_only(self.segments.graph), *self.segments.cuts)
        self._last_cut = {name: cut for cut in self._cuts for name in cut.crossing}
        self._sizes: dict[tuple[str, str], _Sizes] = {}
        self._rows: dict[tuple[Cut, str], dict[str, list[float]]] = {}
        self._lossless = {codec.name for codec in self.codecs if codec.is_lossless}

    def add(self, exact: Arrays) -> None:
        """Try everything on the exact values of one feed."""
        outputs = self.segments.outputs_of(exact)
        arrived: dict[str, dict[str, _Travelled]] = {codec.name: {} for codec in self.codecs}
        tried: set[str] = set()
        for cut in self._cuts:
            new = {name: exact[name] for name in cut.crossing if name not in tried}
            tried.update(new)
            for each in self.codecs:
                arrived[each.name].update(self._sent(new, each))
            seen: list[tuple[Arrays, dict[str, float]]] = []
            for codec, sent in arrived.items():
                taken = {name: sent[name] for name in cut.crossing if name in sent}
                if not taken:
                    continue
                found = self._rows.setdefault((cut, codec), {})
                if codec in self._lossless:
                    continue
                errors = self._errors(cut, taken, exact, seen)
                for measure in self.measures:
                    error = errors[measure] if errors else self._of(outputs, outputs, measure)
                    found.setdefault(measure, []).append(min(error, LARGEST_ERROR))
            # All cuts' values under all codecs at a time would be many times the model's memory.
            for name in cut.crossing:
                if self._last_cut[name] == cut:
                    for sent in arrived.values():
                        sent.pop(name, None)

    def calibrated_values(self) -> tuple[CalibratedValue, ...]:
        """Give the bytes found, as means."""
        return tuple(
            CalibratedValue(value, codec, each.raw_bytes / each.num, each.sent_bytes / each.num)
            for (value, codec), each in self._sizes.items()
        )

    def calibrated_rows(self) -> tuple[CalibratedRow, ...]:
        """Give the errors found."""
        return tuple(
            CalibratedRow(
                cut=cut.id,
                crossing=cut.crossing,
                codec=codec,
                is_lossless=codec in self._lossless,
                errors={measure: tuple(each) for measure, each in errors.items()},
            )
            for (cut, codec), errors in self._rows.items()
        )

    def _sent(self, values: Arrays, codec: Codec) -> dict[str, _Travelled]:
        """Encode and decode what the codec takes."""
        sent = {}
        for name, array in values.items():
            if not isinstance(array, np.ndarray):
                continue
            spec = TensorSpec.of(name, array)
            if not codec.takes(spec):
                continue
            travelled, sent_bytes = _travelled(self._ranged(codec, name), spec, array)
            found = self._sizes.setdefault((name, codec.name), _Sizes())
            found.raw_bytes += spec.size_bytes or 0
            found.sent_bytes += sent_bytes
            found.num += 1
            sent[name] = travelled
        return sent

    def _ranged(self, codec: Codec, name: str) -> Codec:
        with_range: Callable[..., Codec] | None = getattr(codec, "with_range", None)
        if with_range is None or name not in self.ranges:
            return codec
        return with_range(*self.ranges[name])

    def _errors(
        self,
        cut: Cut,
        arrived: Mapping[str, _Travelled],
        exact: Arrays,
        seen: list[tuple[Arrays, dict[str, float]]],
    ) -> dict[str, float]:
        """
        Give the errors of one feed by measure; nothing where all arrived as it was.

        Parameters
        ----------
        seen
            What other codecs made of the same values, and its errors: computed once.
        """
        if all(each.is_exact for each in arrived.values()):
            return {}
        changed = {name: each.array for name, each in arrived.items()}
        for before, errors in seen:
            if _is_same(before, changed):
                return errors
        outputs = self._behind(cut, exact, changed)
        wanted = self.segments.outputs_of(exact)
        errors = {each: self._of(wanted, outputs, each) for each in self.measures}
        seen.append((changed, errors))
        return errors

    def _of(self, wanted: Arrays, outputs: Arrays, measure: str) -> float:
        if len(outputs) < len(wanted):
            return LARGEST_ERROR
        found = self.measures[measure](wanted, outputs)
        return found if found >= 0 else LARGEST_ERROR

    def _behind(self, cut: Cut, exact: Arrays, changed: Arrays) -> Arrays:
        """Compute what lies behind a cut from what arrived there; none where it cannot be."""
        # As on a server: what crosses and nothing else, beside outputs that the head has made.
        names = (*cut.crossing, *self.segments.graph.outputs)
        values = {name: exact[name] for name in names if name in exact}
        try:
            _run(self.segments, self.segments.tail_of(cut), values | changed, values)
        except Exception as error:  # a class per status, none of them public
            _log.warning("behind the cut at %s: %s", list(cut.crossing), error)
            return {}
        return self.segments.outputs_of(values)


def checked_feeds(segments: Segments, feeds: Sequence[Mapping[str, Any]]) -> list[Arrays]:
    """
    Give feeds as arrays of the model's types.

    Raises
    ------
    FeedError
        If there are none, or one is not the model's; says which.
    """
    if not feeds:
        raise FeedError("nothing to calibrate with: give one feed at least")
    return [_checked(segments, feed, i) for i, feed in enumerate(feeds)]


def _checked(segments: Segments, feed: Mapping[str, Any], number: int) -> Arrays:
    if not isinstance(feed, Mapping):
        raise FeedError(f"feed {number + 1} to calibrate with is {type(feed).__name__}, no dict")
    try:
        return checked_feed(segments.graph, feed)
    except FeedError as error:
        raise FeedError(f"feed {number + 1} to calibrate with: {error}") from error


def _exact_values(segments: Segments, feed: Arrays, number: int) -> Arrays:
    values = dict(feed)
    try:
        _run(segments, segments.segments, values, values)
    except Exception as error:  # a class per status, none of them public
        raise FeedError(
            f"feed {number + 1} to calibrate with: {segments.graph.name!r} does not run on it "
            f"({error})"
        ) from error
    return values


def _run(
    segments: Segments, parts: Sequence[Segment], values: Arrays, results: dict[str, Any]
) -> None:
    """Run parts, unstretched where a slower device is emulated: nothing is timed here."""
    known = dict(values)
    for segment in parts:
        made = segments.session_of(segment).run(known)
        found = dict(zip(segment.outputs, made, strict=True))
        known.update(found)
        results.update(found)


def _travelled(
    codec: Codec, spec: TensorSpec, array: NDArray[np.generic]
) -> tuple[_Travelled, int]:
    """Give what arrives, and its bytes; what cannot be encoded travels as it is."""
    try:
        raw = b"".join(codec.blocks(array))
    except CodecError:
        return _Travelled(array, is_exact=True), spec.size_bytes or 0
    if codec.is_lossless:
        return _Travelled(array, is_exact=True), len(raw)
    return _Travelled(codec.decode(spec, raw), is_exact=False), len(raw)


def _is_same(one: Arrays, other: Arrays) -> bool:
    return one.keys() == other.keys() and all(
        np.array_equal(one[name], other[name]) for name in one
    )


def _measures(outputs: Arrays, tolerance: Tolerance | None) -> dict[str, Measure]:
    """Give the measures to take; a class is looked for where there are classes."""
    found = dict(MEASURES)
    if not any(has_classes(array) for array in outputs.values()):
        del found[TOP1]
    if tolerance is not None:
        tolerance.check_judges(outputs)
        found.setdefault(tolerance.name, tolerance.error)
    return found


def _ranges(segments: Segments, feeds: Sequence[Arrays], steps: Steps) -> dict[str, Range]:
    """Give the least and greatest element of every crossing value of floats, over all feeds."""
    cuts = (server_only(segments.graph), *segments.cuts)
    names = tuple(dict.fromkeys(name for cut in cuts for name in cut.crossing))
    found: dict[str, Range] = {}
    for i, feed in enumerate(feeds):
        values = _exact_values(segments, feed, i)
        for name in names:
            array: Any = values[name]
            if not isinstance(array, np.ndarray) or array.dtype.kind != "f" or not array.size:
                continue
            low, high = float(array.min()), float(array.max())
            if np.isfinite(low) and np.isfinite(high):
                before = found.get(name, (low, high))
                found[name] = (min(before[0], low), max(before[1], high))
        steps.advance("looking for ranges")
    return found
