"""What a session knows of codecs: what each makes of its values, and where it may not be used."""

from collections.abc import Collection, Mapping, Sequence
from threading import Lock

from cutpoint.client.codec_choice import CodecChoice
from cutpoint.client.codec_survey import CodecSurvey
from cutpoint.cost import CodecSpeed, Coding
from cutpoint.cost.calibration import Calibration
from cutpoint.cost.tolerance import L2, Tolerance
from cutpoint.graph import Graph
from cutpoint.records import RAW

_AS_MUCH = 1 - 1e-6


class CodecBook:
    """
    Gives planning its codecs, and strikes those that lose too much.

    Thread-safe: inferences ask while a check withdraws.

    Parameters
    ----------
    choice
        What the caller allows.
    survey
        What the codecs were seen to do.
    """

    def __init__(self, choice: CodecChoice, survey: CodecSurvey) -> None:
        self.tolerance: Tolerance | None = choice.tolerance
        self._survey = survey
        self._names = tuple(codec.name for codec in choice.codecs)
        self._lossless = {RAW, *(codec.name for codec in choice.codecs if codec.is_lossless)}
        self._errors = _errors(survey.calibration, choice.tolerance)
        self._withdrawn: frozenset[tuple[str, str]] = frozenset()
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"<CodecBook {', '.join(self._names)}: {len(self._withdrawn)} withdrawn>"

    @property
    def lossy(self) -> tuple[str, ...]:
        """Names of the codecs that lose something."""
        return tuple(name for name in self._names if name not in self._lossless)

    @property
    def ranges(self) -> Mapping[tuple[str, str], tuple[float, float]]:
        """Fixed ranges, by value and codec."""
        return self._survey.ranges

    def is_lossy(self, codec: str) -> bool:
        """Tell whether a codec loses something; one that is not this session's may."""
        return codec not in self._lossless

    def codings(
        self, graph: Graph, speeds: Mapping[str, CodecSpeed], codecs: Collection[str]
    ) -> Sequence[Coding]:
        """
        Give the codecs that both hosts have, with what they make of a graph's values.

        Parameters
        ----------
        graph
            As it is bound.
        speeds
            How fast the server decodes; a codec it does not tell of is taken to be decoded as
            fast as it is encoded here.
        codecs
            Names of those the server decodes; ``jpeg`` stands for every quality.
        """
        shared = (name for name in self._names if _is_among(name, codecs))
        found = (self._coding(graph, name, _speed_of(name, speeds)) for name in shared)
        return tuple(coding for coding in found if coding is not None)

    def is_struck(self, cut: str, codec: str) -> bool:
        """Tell whether a codec may not be used at a cut."""
        if codec == RAW:
            return False
        if codec not in self._names or (cut, codec) in self._withdrawn:
            return True
        if codec in self._lossless:
            return False
        error = self._errors.get((cut, codec))
        return error is None or self.tolerance is None or not self.tolerance.allows(error)

    def calibrated_error(self, cut: str, codecs: Sequence[str]) -> float | None:
        """
        Give what codecs did to the outputs at a cut when calibrated.

        0 if they lose nothing; ``None`` if nothing is encoded, or that is not known.
        """
        if not codecs:
            return None
        for codec in codecs:
            if codec not in self._lossless:
                return self._errors.get((cut, codec))
        return 0.0

    def withdraw(self, cut: str, codec: str) -> tuple[str, ...]:
        """
        Use a codec at a cut no more, nor any that lost as much there when calibrated.

        Returns
        -------
        tuple of str
            The codecs that might have been used until now, the given one first.
        """
        with self._lock:
            as_lossy = self._as_lossy(cut, codec)
            now = [name for name in self._names if name in as_lossy]
            now = [name for name in now if not self.is_struck(cut, name)]
            self._withdrawn |= {(cut, name) for name in as_lossy}
        return tuple(sorted(now, key=lambda name: name != codec))

    def _as_lossy(self, cut: str, codec: str) -> set[str]:
        limit = self._loss(cut, codec)
        if not limit:
            return {codec}
        losses = {name: self._loss(cut, name) or 0.0 for name in self.lossy}
        return {codec, *(name for name, loss in losses.items() if loss >= limit * _AS_MUCH)}

    def _loss(self, cut: str, codec: str) -> float | None:
        """Give the mean change of the outputs: finer than what a tolerance tells of a codec."""
        calibration = self._survey.calibration
        row = None if calibration is None else calibration.row(cut, codec)
        errors = () if row is None else row.errors.get(L2, ())
        return sum(errors) / len(errors) if errors else None

    def _coding(self, graph: Graph, name: str, decoding: CodecSpeed | None) -> Coding | None:
        encoding = self._survey.speeds.get(name)
        sent_bytes = self._survey.sent_bytes(name, graph)
        if encoding is None or not sent_bytes:
            return None
        raw_bytes = {value: graph.values[value].size_bytes for value in sent_bytes}
        return Coding(
            name,
            sent_bytes,
            _times_s(encoding, raw_bytes, sent_bytes),
            _times_s(decoding or encoding, raw_bytes, sent_bytes),
        )


def _errors(
    calibration: Calibration | None, tolerance: Tolerance | None
) -> dict[tuple[str, str], float]:
    """Give the calibrated error by cut and codec: every inference asks for one."""
    if calibration is None or tolerance is None:
        return {}
    return {
        (row.cut, row.codec): tolerance.summary(row.errors[tolerance.name])
        for row in calibration.rows
        if row.errors.get(tolerance.name)
    }


def _times_s(
    speed: CodecSpeed, raw_bytes: Mapping[str, float], sent_bytes: Mapping[str, float]
) -> dict[str, float]:
    return {
        value: max(speed.time_s(raw_bytes[value], sent), 0.0) for value, sent in sent_bytes.items()
    }


def _speed_of(name: str, speeds: Mapping[str, CodecSpeed]) -> CodecSpeed | None:
    """Give the speed of a codec, of another setting of it where that alone is known."""
    family = name.partition(":")[0]
    alike = (speed for each, speed in speeds.items() if each.partition(":")[0] == family)
    return speeds.get(name) or next(alike, None)


def _is_among(name: str, codecs: Collection[str]) -> bool:
    return name in codecs or name.partition(":")[0] in codecs
