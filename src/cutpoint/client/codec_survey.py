"""What codecs do to a model's values on this device, seen before the first inference."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cutpoint.client.codec_choice import CodecChoice
from cutpoint.cost import CodecSpeed, codec_speeds
from cutpoint.cost.calibration import Calibration
from cutpoint.exceptions import CodecError, ToleranceError
from cutpoint.execution import Segments
from cutpoint.execution.file_cache import FileCache
from cutpoint.graph import SERVER_ONLY, Arrays, Graph
from cutpoint.profiling.calibration_feeds import read_feeds
from cutpoint.profiling.calibration_file import check_calibration, load_calibration
from cutpoint.profiling.kept_calibration import calibrate_or_recall
from cutpoint.profiling.kept_codec_times import codec_times_or_recall, values_to_time
from cutpoint.profiling.made_up_values import with_pictures
from cutpoint.records import SampleKind
from cutpoint.wire.codecs import Codec
from cutpoint.wire.tensors import TensorSpec

_log = logging.getLogger(__name__)

_WANTED: tuple[SampleKind, ...] = ("encode",)


@dataclass(frozen=True)
class CodecSurvey:
    """
    What was seen.

    Parameters
    ----------
    speeds
        Of encoding here, by codec.
    ratios
        Bytes sent / raw bytes of one feed, by codec and value: of codecs that lose nothing.
    calibration
        What is known beside that; goes before the ratios.
    ranges
        Fixed ranges, by value and codec.
    """

    speeds: Mapping[str, CodecSpeed] = field(default_factory=dict)
    ratios: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    calibration: Calibration | None = None
    ranges: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict)

    def sent_bytes(self, codec: str, graph: Graph) -> dict[str, float]:
        """Give the encoded size of every value that a codec takes, at the sizes of a graph."""
        found = {
            value: ratio * graph.values[value].size_bytes
            for value, ratio in self.ratios.get(codec, {}).items()
        }
        if self.calibration is not None:
            found.update(self.calibration.sent_bytes(codec, graph))
        return found


def survey_codecs(
    segments: Segments,
    choice: CodecChoice,
    feed: Arrays,
    *,
    is_made_up: bool,
    cache: FileCache | None,
) -> CodecSurvey:
    """
    Calibrate if that is asked for, encode the values of one feed, and time the codecs.

    Parameters
    ----------
    segments
        The model, warm, held at the cuts that are wanted.
    feed
        Inputs of the model.
    is_made_up
        Whether nobody gave them: made-up integers say nothing of how real ones compress.
    cache
        Where times and calibration are kept between starts; ``None`` for nowhere.

    Raises
    ------
    FeedError, ToleranceError
        If the caller's feeds or tolerance do not suit the model.
    ProfileError
        If the calibration cannot be read or is of another model.
    """
    calibration = _calibration(segments, choice, cache)
    if not choice.codecs:
        return CodecSurvey(calibration=calibration)
    values = _crossing_values(segments, feed)
    lossless = [codec for codec in choice.codecs if codec.is_lossless]
    telling = {
        name: array
        for name, array in values.items()
        if not is_made_up or name not in feed or array.dtype.kind == "f"
    }
    if calibration is not None:
        _tell_struck(calibration, choice)
    timed = values_to_time(with_pictures(values.values()) if is_made_up else values.values())
    samples = codec_times_or_recall(
        choice.codecs, timed, cache, slowdown=segments.slowdown, kinds=_WANTED
    )
    return CodecSurvey(
        speeds=codec_speeds(samples, "encode"),
        ratios={codec.name: _ratios(codec, telling) for codec in lossless},
        calibration=calibration,
        ranges=_ranges(calibration, choice.codecs),
    )


def _calibration(
    segments: Segments, choice: CodecChoice, cache: FileCache | None
) -> Calibration | None:
    if choice.calibration is not None:
        found = load_calibration(choice.calibration)
        check_calibration(found, segments.graph)
        if choice.lossy and choice.tolerance and not found.is_judged(choice.tolerance):
            raise ToleranceError(
                f"calibration {choice.calibration} has no errors in the measure of tolerance "
                f"{choice.tolerance}: run `cutpoint calibrate` with --tolerance {choice.tolerance}"
            )
        return found
    if choice.feeds is None:
        return None
    feeds = read_feeds(choice.feeds, segments.graph)
    return calibrate_or_recall(segments, choice.codecs, feeds, cache, tolerance=choice.tolerance)


def _crossing_values(segments: Segments, feed: Arrays) -> Arrays:
    """Run once, unstretched; give what may be sent of it."""
    values: dict[str, Any] = dict(feed)
    for segment in segments.segments:
        made = segments.session_of(segment).run(values)
        values.update(zip(segment.outputs, made, strict=True))
    crossing = dict.fromkeys(name for cut in segments.cuts for name in cut.crossing)
    names = dict.fromkeys((*segments.graph.inputs, *crossing))
    return {name: values[name] for name in names if isinstance(values.get(name), np.ndarray)}


def _ratios(codec: Codec, values: Arrays) -> dict[str, float]:
    ratios = {}
    for name, array in values.items():
        spec = TensorSpec.of(name, array)
        if not spec.size_bytes or not codec.takes(spec):
            continue
        try:
            ratios[name] = sum(map(len, codec.blocks(array))) / spec.size_bytes
        except CodecError:
            continue
    return ratios


def _ranges(
    calibration: Calibration | None, codecs: Sequence[Codec]
) -> dict[tuple[str, str], tuple[float, float]]:
    fixed = {} if calibration is None else calibration.ranges
    ranged = [codec.name for codec in codecs if hasattr(codec, "with_range")]
    return {(value, name): each for value, each in fixed.items() for name in ranged}


def _tell_struck(calibration: Calibration, choice: CodecChoice) -> None:
    lossy = [row for row in calibration.rows if row.codec in choice.lossy]
    kept = [row for row in lossy if not calibration.is_struck(row.cut, row.codec, choice.tolerance)]
    if lossy and not kept:
        _log.warning("no codec keeps the tolerance %s at any cut: none is used", choice.tolerance)
    for row in lossy:
        if row not in kept:
            where = row.cut if row.cut == SERVER_ONLY else ", ".join(row.crossing)
            error = calibration.error(row.cut, row.codec, choice.tolerance)
            _log.info("%s at %s is struck: its error is %s", row.codec, where, error)
