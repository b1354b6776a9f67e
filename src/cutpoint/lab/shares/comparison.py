"""The reference's figures found anew, one assumption after the other made real."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import exp

import numpy as np

from cutpoint.lab.shares.contenders import JPEG, UINT8, Assumptions, Contenders
from cutpoint.lab.shares.grid import IDLE_SERVER, LOADED_SERVER, WIDE, Grid
from cutpoint.lab.shares.measured_net import SAME, SERVERS, MeasuredNet
from cutpoint.lab.shares.reference_figures import (
    BY_BANDWIDTH,
    COLUMNS,
    IN_COMMON,
    JPEG_BYTES,
    PLACES,
    RELATIVE_TO,
    SHRUNK,
    WIDE_FIGURES,
    Column,
    WideFigures,
)
from cutpoint.lab.shares.tally import Latencies, Tally
from cutpoint.records import RAW


@dataclass(frozen=True)
class Step:
    """
    One way to count.

    Parameters
    ----------
    name
        For people.
    assumptions
        On codecs and pictures.
    has_answers
        Whether the outputs take time on their way back.
    is_of_all
        Whether all nets count, or only those in common.
    """

    name: str
    assumptions: Assumptions
    has_answers: bool
    is_of_all: bool = False

    def on(self, grid: Grid) -> Grid:
        """Give a grid with answers as this step has them."""
        return replace(grid, has_answers=self.has_answers)

    def counts(self, net: MeasuredNet) -> bool:
        """Tell whether a net counts."""
        return self.is_of_all or net.name in IN_COMMON


_FREE = Assumptions(has_codec_times=False, has_preparation=False, jpeg_bytes=JPEG_BYTES)
_REAL = Assumptions()

STEPS = (
    Step("as there", _FREE, has_answers=False),
    Step("codecs take time", replace(_FREE, has_codec_times=True), has_answers=False),
    Step("pixels become floats, real JPEGs", _REAL, has_answers=False),
    Step("answers return", _REAL, has_answers=True),
    Step("all nets", _REAL, has_answers=True, is_of_all=True),
)
"""Each is the one before it and one thing more."""

_FIRST, _LAST_IN_COMMON = STEPS[0], STEPS[-2]


@dataclass(frozen=True)
class WideRow:
    """Published figures, and what each step finds."""

    published: WideFigures
    steps: tuple[Tally, ...]


@dataclass(frozen=True)
class ColumnRow:
    """
    One bandwidth and column.

    Parameters
    ----------
    published
        Relative latency, and share at which a split is best.
    steps
        The same, as each step finds them.
    """

    bandwidth_mbit_per_s: float
    column: Column
    published: tuple[float, float]
    steps: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class ShrunkRow:
    """
    Shares at which a split is best, with values behind a Relu made smaller.

    Parameters
    ----------
    published
        With uint8 and with JPEG input.
    first, real
        The same as the first step finds it, and the last of the nets in common.
    """

    shrink: float
    published: tuple[float, float]
    first: tuple[float, float]
    real: tuple[float, float]


@dataclass(frozen=True)
class PlaceRow:
    """Where each column runs soonest: a letter each for device, split and full offload."""

    model: str
    published: str
    first: str
    real: str


@dataclass(frozen=True)
class Comparison:
    """
    Everything that could be held against the reference.

    Parameters
    ----------
    wide, columns, shrunk, places
        Its tables.
    most
        By net in common, the most that a split gains anywhere in `wide`, as counted there.
    """

    wide: tuple[WideRow, ...]
    columns: tuple[ColumnRow, ...]
    shrunk: tuple[ShrunkRow, ...]
    places: tuple[PlaceRow, ...]
    most: Mapping[str, float]


class Comparing:
    """Adds up one net after the other."""

    def __init__(self) -> None:
        self._wide: defaultdict[tuple[WideFigures, str], Tally] = defaultdict(Tally)
        self._columns: defaultdict[tuple[float, Column, str], Tally] = defaultdict(Tally)
        self._logs: defaultdict[tuple[float, Column, str], float] = defaultdict(float)
        self._shrunk: defaultdict[tuple[float, str, str], Tally] = defaultdict(Tally)
        self._places: dict[tuple[str, str], str] = {}
        self._most: dict[str, float] = {}

    def add(self, net: MeasuredNet) -> None:
        """Count a net where it counts."""
        known: dict[Assumptions, Contenders] = {}

        def contenders_of(assumptions: Assumptions) -> Contenders:
            if assumptions not in known:
                known[assumptions] = Contenders(net, assumptions)
            return known[assumptions]

        for step in (step for step in STEPS if step.counts(net)):
            self._add_wide(step, contenders_of(step.assumptions))
            real_pictures = replace(step.assumptions, jpeg_bytes=None)
            contenders = contenders_of(real_pictures)
            self._add_columns(step, contenders)
            if step in (_FIRST, _LAST_IN_COMMON):
                for shrink, *_ in SHRUNK:
                    shrunk = replace(real_pictures, relu_shrink=shrink)
                    self._add_shrunk(step, shrink, contenders_of(shrunk))
                if net.name in PLACES:
                    self._places[net.name, step.name] = places(contenders, step)

    def result(self) -> Comparison:
        """Give what was found."""
        return Comparison(
            tuple(
                WideRow(each, tuple(self._wide[each, step.name] for step in STEPS))
                for each in WIDE_FIGURES
            ),
            tuple(
                self._column_row(bandwidth, column, published)
                for bandwidth, figures in BY_BANDWIDTH.items()
                for column, published in zip(COLUMNS, figures, strict=True)
            ),
            tuple(self._shrunk_row(*figures) for figures in SHRUNK),
            tuple(
                PlaceRow(
                    model,
                    published,
                    self._places[model, _FIRST.name],
                    self._places[model, _LAST_IN_COMMON.name],
                )
                for model, published in PLACES.items()
                if (model, _FIRST.name) in self._places
            ),
            dict(self._most),
        )

    def _add_wide(self, step: Step, contenders: Contenders) -> None:
        grid = step.on(WIDE)
        for each in WIDE_FIGURES:
            column = Column(each.coding, each.codec)
            tally = _latencies(contenders, each.server, column, grid).tally
            self._wide[each, step.name] += tally
            if step is _FIRST:
                model = contenders.net.name
                self._most[model] = max(self._most.get(model, 1.0), tally.most)

    def _add_columns(self, step: Step, contenders: Contenders) -> None:
        grid = step.on(IDLE_SERVER)
        for server in SERVERS:
            usual = _latencies(contenders, server, RELATIVE_TO, grid)
            for column in COLUMNS:
                found = _latencies(contenders, server, column, grid)
                logs = np.log(found.best_s / usual.best_s)
                for at, bandwidth in enumerate(BY_BANDWIDTH):
                    key = (bandwidth, column, step.name)
                    self._columns[key] += found.at(at).tally
                    self._logs[key] += float(logs[at].sum())

    def _add_shrunk(self, step: Step, shrink: float, contenders: Contenders) -> None:
        grid = step.on(LOADED_SERVER)
        for coding in (UINT8, JPEG):
            for server in SERVERS:
                found = _latencies(contenders, server, Column(coding, "uint8+zstd"), grid)
                self._shrunk[shrink, coding, step.name] += found.tally

    def _column_row(
        self, bandwidth: float, column: Column, published: tuple[float, float]
    ) -> ColumnRow:
        steps = []
        for step in STEPS:
            tally = self._columns[bandwidth, column, step.name]
            log = self._logs[bandwidth, column, step.name]
            steps.append((exp(log / max(tally.num_points, 1)), tally.best))
        return ColumnRow(bandwidth, column, published, tuple(steps))

    def _shrunk_row(self, shrink: float, pixels: float, jpeg: float) -> ShrunkRow:
        first, real = (
            (
                self._shrunk[shrink, UINT8, step.name].best,
                self._shrunk[shrink, JPEG, step.name].best,
            )
            for step in (_FIRST, _LAST_IN_COMMON)
        )
        return ShrunkRow(shrink, (pixels, jpeg), first, real)


def places(contenders: Contenders, step: Step) -> str:
    """Give where each column runs soonest, at 20 Mbit/s on a device of 5 x and an idle server."""
    grid = step.on(IDLE_SERVER)
    at = (list(BY_BANDWIDTH).index(20), grid.device_slowdowns.index(5.0), 0, 0)
    letters = ""
    for column in COLUMNS:
        here = _latencies(contenders, SAME, column, grid).at(*at)
        letters += "dsf"[int(np.argmin([here.device_s, here.split_s, here.server_s]))]
    return letters


def _latencies(contenders: Contenders, server: str, column: Column, grid: Grid) -> Latencies:
    codecs = tuple(dict.fromkeys((RAW, column.codec)))
    return contenders.latencies(server, column.coding, codecs, grid)
