"""A session whose inputs change under it, and the codec that is withdrawn for it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np

from cutpoint.client.codec_choice import codecs_named
from cutpoint.client.session import InferenceSession
from cutpoint.cost.tolerance import tolerance_named
from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.execution.runtime import quiet_options
from cutpoint.graph import Arrays, cut_at
from cutpoint.lab.digits.data import Pictures, inverted, too_bright
from cutpoint.lab.digits.model import INPUT, OUTPUT
from cutpoint.profiling.calibrate import calibrate
from cutpoint.profiling.calibration_file import save_calibration
from cutpoint.records import RAW

AT = "conv2_pooled"
_MOST_AFTER = 5000
_NUM_WITHOUT = 50
"""Inferences after the withdrawal: exact again, all of them."""

_PATIENCE = 3.0
"""Emulated slow-down: the server is waited for, however busy this machine is."""


@dataclass(frozen=True)
class Shift:
    """
    What changes, and what is watched for it.

    Parameters
    ----------
    name
        In words.
    codec, tolerance
        Of the session.
    fixes_ranges
        Whether values are quantised by the range seen when calibrating.
    changed
        Gives the pictures from then on.
    """

    name: str
    codec: str
    tolerance: str
    fixes_ranges: bool
    changed: Callable[[Pictures], Pictures]


SHIFTS = (
    Shift("the camera's gain is turned up four times", "uint8+zstd", "l2:0.02", True, too_bright),
    Shift("dark digits on light paper", "uint4+zstd", "top1:0.98", False, inverted),
)


@dataclass(frozen=True)
class ShiftRun:
    """
    One session.

    Parameters
    ----------
    shift, codec, tolerance
        What happened, and what was watched.
    check_rate
        Share of the inferences that are computed again.
    before
        Inferences before the shift.
    is_false
        Whether the codec was withdrawn before the shift already.
    until_withdrawn
        Inferences from the shift until it was; ``None`` if it never was.
    checks
        Inferences computed again from the shift until then.
    other_class
        Answers until then whose class is not the exact network's.
    is_exact_after
        Whether every answer after that is the exact network's.
    errors
        Relative L2 of each answer, from a hundred before the shift on; empty if not kept.
    """

    shift: str
    codec: str
    tolerance: str
    check_rate: float
    before: int
    is_false: bool
    until_withdrawn: int | None
    checks: int
    other_class: int
    is_exact_after: bool
    errors: tuple[float, ...]


def calibration_for(path: Path, shift: Shift, pictures: Pictures, target: Path) -> None:
    """Calibrate the codec of a shift, and write that to a file."""
    graph = load_graph(ModelFile.open(path))
    segments = Segments(graph, [cut_at(graph, [AT])])
    feeds = [{INPUT: picture[None]} for picture in pictures]
    codecs = codecs_named(shift.codec)
    save_calibration(calibrate(segments, codecs, feeds, fixes_ranges=shift.fixes_ranges), target)


def run_shift(
    path: Path,
    address: str,
    shift: Shift,
    pictures: Pictures,
    calibration: Path,
    *,
    check_rate: float,
    before: int,
    keeps_errors: bool = False,
) -> ShiftRun:
    """
    Run a session over pictures, change them, and go on until the codec is withdrawn.

    Parameters
    ----------
    path
        Of the network.
    address
        Of a server that holds it.
    before
        Inferences before the shift.
    keeps_errors
        Whether each answer's error is wanted.
    """
    exact = _Exact(path)
    with InferenceSession(
        path,
        server=address,
        policy=f"{AT}@{shift.codec}",
        tolerance=shift.tolerance,
        calibration=calibration,
        check_rate=check_rate,
        slowdown=_PATIENCE,
    ) as session:
        session.wait_until_ready(30.0)
        watch = _Watch(session, exact)
        good, bad = cycle(pictures), cycle(shift.changed(pictures))
        watch.run(good, before)
        is_false, checks_before = bool(session.withdrawn), watch.checks
        watch.begin()
        until = watch.run(bad, _MOST_AFTER, until_withdrawn=True)
        checks, other_class = watch.checks - checks_before, watch.other_class
        watch.begin()
        watch.run(bad, _NUM_WITHOUT)
        return ShiftRun(
            shift=shift.name,
            codec=shift.codec,
            tolerance=str(tolerance_named(shift.tolerance)),
            check_rate=check_rate,
            before=before,
            is_false=is_false,
            until_withdrawn=until if session.withdrawn else None,
            checks=checks,
            other_class=other_class,
            is_exact_after=watch.other_class == 0 and watch.codecs == {RAW},
            errors=tuple(watch.errors[max(before - 100, 0) :]) if keeps_errors else (),
        )


class _Exact:
    """The network as it is, on this device."""

    def __init__(self, path: Path) -> None:
        graph = load_graph(ModelFile.open(path))
        self._segments = Segments(graph, (), options=quiet_options(1))

    def scores(self, feed: Arrays) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        values = self._segments.run(self._segments.segments, feed).values
        return np.asarray(values[OUTPUT], np.float64)


class _Watch:
    """Runs a session, and looks at every answer."""

    def __init__(self, session: InferenceSession, exact: _Exact) -> None:
        self._session = session
        self._exact = exact
        self.errors: list[float] = []
        self.other_class = 0
        self.codecs: set[str] = set()

    @property
    def checks(self) -> int:
        return self._session.num_checked

    def begin(self) -> None:
        self.other_class = 0
        self.codecs = set()

    def run(self, pictures: Iterator[Pictures], most: int, *, until_withdrawn: bool = False) -> int:
        """Run that often, or until a codec is withdrawn; gives how often."""
        for number in range(1, most + 1):
            feed: Arrays = {INPUT: next(pictures)[None]}
            (found,) = self._session.run(None, feed)
            wanted = self._exact.scores(feed)
            self.other_class += int(found.argmax() != wanted.argmax())
            self.errors.append(float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted)))
            record = self._session.last_record
            self.codecs.update(() if record is None else record.codecs)
            if until_withdrawn and self._session.withdrawn:
                return number
        return most
