"""Which codecs a session may use, as its caller says it."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cutpoint.cost.tolerance import Measure, Tolerance, tolerance_named, tolerance_of
from cutpoint.exceptions import CodecError, ConfigurationError, ToleranceError
from cutpoint.execution.quantiser import runtime_quantiser
from cutpoint.profiling.calibration_feeds import Feeds
from cutpoint.records import RAW
from cutpoint.wire.codecs import LOSSLESS, Codec, available_codecs, codec_named

CHECK_RATE = 0.02
"""Share of the inferences with a lossy codec that are computed again."""

ToleranceGiven = str | Tolerance | Measure | None


@dataclass(frozen=True)
class CodecChoice:
    """
    What may be done to values on their way.

    Parameters
    ----------
    codecs
        That may be used, beside raw; each can be had here.
    tolerance
        What lossy ones have to keep; ``None`` where none may be used.
    feeds
        To calibrate them with.
    calibration
        File where that was done; in place of feeds.
    check_rate
        Share of the inferences with a lossy codec that are computed again on the device.
    """

    codecs: tuple[Codec, ...] = ()
    tolerance: Tolerance | None = None
    feeds: Feeds | None = None
    calibration: str | os.PathLike[str] | None = None
    check_rate: float = CHECK_RATE

    @property
    def lossy(self) -> tuple[str, ...]:
        """Names of the codecs that lose something."""
        return tuple(codec.name for codec in self.codecs if not codec.is_lossless)


def codec_choice(
    codecs: str | Sequence[str] | None = None,
    *,
    tolerance: ToleranceGiven = None,
    calibrate: Feeds | None = None,
    calibration: str | os.PathLike[str] | None = None,
    check_rate: float = CHECK_RATE,
) -> CodecChoice:
    """
    Understand what a caller says of codecs.

    Parameters
    ----------
    codecs
        Names, in a sequence or joined by commas; ``"raw"`` alone allows no codec. By default
        those that lose nothing, and with a tolerance every one that is installed.
    tolerance
        See `tolerance_named`; a function is taken by `tolerance_of`.

    Raises
    ------
    CodecError
        If a codec is unknown or not installed, or loses something and no tolerance allows it.
    ToleranceError
        If the tolerance is none, or there is nothing to calibrate with.
    ConfigurationError
        If the rate is no share, or there is too much to calibrate with.
    """
    allowed = _tolerance(tolerance)
    found = _codecs(codecs, allowed)
    if not 0 <= check_rate <= 1:
        raise ConfigurationError(f"check_rate {check_rate}: give a share from 0 to 1")
    if calibrate is not None and calibration is not None:
        raise ConfigurationError("calibrate and calibration were both given: give one of them")
    choice = CodecChoice(found, allowed, calibrate, calibration, check_rate)
    if choice.lossy and calibrate is None and calibration is None:
        raise ToleranceError(
            f"tolerance {allowed} needs inputs to see what codecs do to this model: give a folder "
            "or feeds (calibrate=, --calibrate) or what `cutpoint calibrate` wrote (calibration=, "
            "--calibration)"
        )
    return choice


def codecs_named(names: str | Sequence[str]) -> tuple[Codec, ...]:
    """
    Give codecs by name, each once, raw left out.

    Raises
    ------
    CodecError
        If one is unknown or not installed, or there is no name.
    """
    given: Any = names.split(",") if isinstance(names, str) else names
    listed = tuple(given) if isinstance(given, Iterable) else (given,)
    if not all(isinstance(name, str) for name in listed):
        raise CodecError(f"{names!r} names no codec: give names in a sequence or joined by commas")
    stripped = [name.strip() for name in listed]
    if not stripped or not all(stripped):
        raise CodecError(f"{names!r} names no codec: write raw, or names joined by commas")
    return tuple(_codec(name) for name in dict.fromkeys(stripped) if name != RAW)


def installed_codecs(*, are_lossy: bool) -> tuple[Codec, ...]:
    """Give every codec that can be had here, with or without those that lose something."""
    names = (name for name in available_codecs() if name != RAW)
    return tuple(_codec(name) for name in names if are_lossy or name in LOSSLESS)


def _codec(name: str) -> Codec:
    # What loses nothing never asks for ONNX Runtime's arithmetic, which takes a while to make.
    return codec_named(name) if name in LOSSLESS else codec_named(name, runtime_quantiser())


def _codecs(given: str | Sequence[str] | None, tolerance: Tolerance | None) -> tuple[Codec, ...]:
    if given is None:
        return installed_codecs(are_lossy=tolerance is not None)
    found = codecs_named(given)
    lossy = [codec.name for codec in found if not codec.is_lossless]
    if lossy and tolerance is None:
        raise CodecError(
            f"codec {lossy[0]!r} changes values: say how far the outputs may change "
            "(tolerance=, --tolerance), or take codecs that lose nothing"
        )
    return found


def _tolerance(given: ToleranceGiven) -> Tolerance | None:
    if given is None or isinstance(given, Tolerance):
        return given
    if isinstance(given, str):
        return tolerance_named(given)
    if not callable(given):
        raise ToleranceError(f"tolerance {given!r} is none: give a text, a function or a Tolerance")
    return tolerance_of(given)
