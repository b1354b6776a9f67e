"""What codecs make of a model's own values: bytes by value, and what that does to the outputs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from cutpoint.cost.tolerance import Tolerance
from cutpoint.graph import Graph
from cutpoint.records import RAW

CALIBRATION_FORMAT_VERSION = 1
"""Raised when a file of an older version can no longer be read."""


@dataclass(frozen=True)
class CalibratedValue:
    """
    One value under one codec.

    Parameters
    ----------
    value, codec
        By name.
    raw_bytes, sent_bytes
        As it is and as it travels: means over the feeds.
    """

    value: str
    codec: str
    raw_bytes: float
    sent_bytes: float


@dataclass(frozen=True)
class CalibratedRow:
    """
    One cut under one codec.

    Parameters
    ----------
    cut
        Its id.
    crossing
        Names of its crossing values.
    codec
        Of those values that it takes; the others travel as they are.
    is_lossless
        Whether the codec gives every bit back; then there are no errors.
    errors
        By measure: one for each feed, of the model's outputs.
    """

    cut: str
    crossing: tuple[str, ...]
    codec: str
    is_lossless: bool = False
    errors: dict[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Calibration:
    """
    What codecs do to one model, seen on feeds of its user.

    Parameters
    ----------
    format_version
        Of this layout.
    model_sha256, model_name
        Of the file it was made with.
    num_feeds
        How many it was made with.
    sizes
        What the open dimensions were bound to, in the first feed.
    values, rows
        What was found; a value that a codec does not take is not among its values.
    ranges
        By value: the least and greatest element of all feeds, where codecs that quantise were to
        take those instead of each array's own.
    """

    format_version: int
    model_sha256: str
    model_name: str
    num_feeds: int
    sizes: dict[str, int] = field(default_factory=dict)
    values: tuple[CalibratedValue, ...] = ()
    rows: tuple[CalibratedRow, ...] = ()
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def codecs(self) -> tuple[str, ...]:
        """Names of the codecs it knows, in the order of its rows."""
        return tuple(dict.fromkeys(row.codec for row in self.rows))

    def row(self, cut: str, codec: str) -> CalibratedRow | None:
        """Give what is known of a cut under a codec."""
        return self._by_cut_and_codec.get((cut, codec))

    def sent_bytes(self, codec: str, graph: Graph) -> dict[str, float]:
        """
        Give the encoded size of every value that a codec takes, at the sizes of a graph.

        Parameters
        ----------
        graph
            Of the same model; at other sizes than calibrated, the ratio is what is kept.
        """
        found = {}
        for known in self._by_codec.get(codec, ()):
            value = graph.values.get(known.value)
            if value is None:
                continue
            at = value.size_bytes if value.size_bytes > 0 else known.raw_bytes
            found[known.value] = known.sent_bytes * at / max(known.raw_bytes, 1.0)
        return found

    def error(self, cut: str, codec: str, tolerance: Tolerance | None) -> float | None:
        """Give the error of a cut under a codec in a tolerance's measure, if that is known."""
        row = self.row(cut, codec)
        if codec == RAW or (row is not None and row.is_lossless):
            return 0.0
        if row is None or tolerance is None or not row.errors.get(tolerance.name):
            return None
        return tolerance.summary(row.errors[tolerance.name])

    def is_judged(self, tolerance: Tolerance) -> bool:
        """Tell whether errors are known in a tolerance's measure, if there are any."""
        lossy = [row for row in self.rows if not row.is_lossless]
        return not lossy or any(row.errors.get(tolerance.name) for row in lossy)

    def is_struck(self, cut: str, codec: str, tolerance: Tolerance | None) -> bool:
        """
        Tell whether a codec may not be used at a cut.

        Parameters
        ----------
        tolerance
            ``None`` allows no loss at all; what was not calibrated is struck.
        """
        row = self.row(cut, codec)
        if codec == RAW or (row is not None and row.is_lossless):
            return False
        if row is None or tolerance is None:
            return True
        return not tolerance.is_kept(row.errors.get(tolerance.name, ()))

    @cached_property
    def _by_cut_and_codec(self) -> Mapping[tuple[str, str], CalibratedRow]:
        return {(row.cut, row.codec): row for row in self.rows}

    @cached_property
    def _by_codec(self) -> Mapping[str, list[CalibratedValue]]:
        found: dict[str, list[CalibratedValue]] = {}
        for each in self.values:
            found.setdefault(each.codec, []).append(each)
        return found
