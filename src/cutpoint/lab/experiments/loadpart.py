"""LoADPart's grid: knowing of the server's load against not knowing, and cutpoint beside both."""

from collections.abc import Iterator, Mapping, Sequence
from math import nan
from pathlib import Path
from tempfile import TemporaryDirectory

from cutpoint.lab.arena import result_row
from cutpoint.lab.experiments.experiment import Options, Outcome, Stopwatch
from cutpoint.lab.experiments.form import Claim, Regret, ResultRow, at_least, at_most, summarise
from cutpoint.lab.load_series import LoadSeries, measure_series
from cutpoint.lab.loadpart.balance import balanced_factor
from cutpoint.lab.loadpart.cells import (
    AWARE,
    BLIND,
    CUTPOINT,
    FULL,
    LoadCell,
    NetTables,
    average_saving,
    overall_saving,
)
from cutpoint.lab.loadpart.figure import loadpart_figure
from cutpoint.lab.loadpart.measured_nets import NETS, measured_nets
from cutpoint.lab.loadpart.real_cells import RealCell, run_real_cells
from cutpoint.lab.loadpart.text import loadpart_text
from cutpoint.lab.papers.links import link_name
from cutpoint.simulation.exact_run import exact_regret, mean_interval

LEVELS = (0.0, 0.3, 0.5, 0.7, 0.9, 1.0)
LINKS_MBIT_PER_S = (2.0, 8.0, 20.0)

PRINTED_AVERAGE, PRINTED_BEST = 0.142, 0.323
"""Liu et al. (ICDCS 2022), abstract: lower latency on average, and at most."""

_QUICK_NETS = ("squeezenet", "resnet18", "resnet50")
_LOADED = "squeezenet"
"""Whose requests load the server: short ones show more of them in the same time."""

_OTHER, _OTHER_LEVELS = "resnet18", (0.5, 0.9)
_SERIES_S, _QUICK_SERIES_S = 14.0, 4.0
_NUM, _QUICK_NUM = 120, 40
_REAL = ((0.0, 20.0), (0.9, 8.0), (0.9, 20.0))
_REAL_NET, _NUM_ROUNDS = "resnet50", 12


class LoadpartExperiment:
    """
    Six nets, six levels of load, three links.

    Parameters
    ----------
    num_inferences
        Of each policy in each cell; ``None`` for 120, or 40 of a quick run.
    """

    name = "loadpart"
    summary = "LoADPart's nets under growing server load: who knows of it, and who does not."

    def __init__(self, num_inferences: int | None = None) -> None:
        self._num_inferences = num_inferences

    def run(self, options: Options) -> Outcome:
        """
        Measure the nets and the load, compute every cell, and run a few.

        Raises
        ------
        CutpointError
            If a net is not in the zoo, or the server does not become ready.
        """
        watch = Stopwatch(self.name, options)
        names = options.models or (_QUICK_NETS if options.is_quick else NETS)
        with TemporaryDirectory(prefix="cutpoint-loadpart-") as folder:
            repeats = 4 if options.is_quick else 8
            listed = tuple(dict.fromkeys((*names, _LOADED, _OTHER)))
            measured = measured_nets(
                listed, Path(folder), repeats=repeats, seed=options.seed, progress=options.progress
            )
            series = _series({name: each[0].pixels for name, each in measured.items()}, options)
            nets = [measured[name][1] for name in names]
            factor = balanced_factor(nets)
            num = self._num_inferences or (_QUICK_NUM if options.is_quick else _NUM)
            cells = _cells([NetTables.of(net, factor) for net in nets], series[_LOADED], num)
            real: list[RealCell] = []
            if not options.is_quick and _REAL_NET in measured:
                real = run_real_cells(
                    measured[_REAL_NET][0],
                    factor,
                    _REAL,
                    num_rounds=_NUM_ROUNDS,
                    seed=options.seed,
                    progress=options.progress,
                )
        report = watch.report(
            [*_rows(cells, options.seed), *_real_rows(real)],
            list(_claims(cells, real)),
            details=_details(cells, series, factor),
            slowdown=factor,
        )
        text = loadpart_text(nets, factor, series, cells, real)
        return Outcome(report, text, (loadpart_figure(cells),))


def _series(paths: Mapping[str, Path], options: Options) -> dict[str, tuple[LoadSeries, ...]]:
    options.progress.begin("loadpart: load on a real server", 1 if options.is_quick else 2)
    duration_s = _QUICK_SERIES_S if options.is_quick else _SERIES_S
    found = {_LOADED: measure_series(paths[_LOADED], LEVELS, duration_s, options.seed)}
    options.progress.advance(_LOADED)
    if not options.is_quick:
        found[_OTHER] = measure_series(paths[_OTHER], _OTHER_LEVELS, duration_s, options.seed)
        options.progress.advance(_OTHER)
    return found


def _cells(tables: Sequence[NetTables], series: Sequence[LoadSeries], num: int) -> list[LoadCell]:
    return [
        LoadCell(each, level, link, num)
        for each in tables
        for link in LINKS_MBIT_PER_S
        for level in series
    ]


def _rows(cells: Sequence[LoadCell], seed: int) -> Iterator[ResultRow]:
    for cell in cells:
        for policy, run in cell.runs.items():
            regret = exact_regret(run, seed)
            yield ResultRow(
                model=cell.net,
                link=link_name(cell.mbit_per_s),
                load=f"{cell.level:.0%}",
                policy=policy,
                clock="virtual",
                n=len(run.latency_s),
                latency_s=summarise(run.latency_s.tolist(), seed, mean_interval(run, seed)),
                regret=Regret("exact", regret.mean, regret.ci),
            )


def _real_rows(real: Sequence[RealCell]) -> Iterator[ResultRow]:
    for cell in real:
        for policy in (BLIND, AWARE, CUTPOINT):
            row = result_row(
                cell.of(policy),
                model=cell.net,
                link=link_name(cell.mbit_per_s),
                load=f"{cell.level:.0%}",
                policy=policy,
                seed=cell.seed,
            )
            if row is not None:
                yield row


def _claims(cells: Sequence[LoadCell], real: Sequence[RealCell]) -> Iterator[Claim]:
    """Give what is claimed: of latency averaged over all cells, and of the best cell."""
    over = f"over all {len(cells)} cells"
    saved = overall_saving(cells, AWARE)
    yield at_least(f"loadpart's mean latency {over} below load-blind's", saved, PRINTED_AVERAGE)
    best = max(cell.saving(AWARE) for cell in cells)
    yield at_least("the same in the best cell", best, PRINTED_BEST)
    for name in (CUTPOINT, FULL):
        ratio = 1.0 - overall_saving(cells, name, AWARE)
        yield at_most(f"{name}: mean latency {over} / loadpart's", ratio, 1.0)
    for cell in real:
        if cell.level:
            ratio, _ = cell.ratio(AWARE) or (nan, None)  # of no round that counts nothing is known
            where = f"{cell.net}, {cell.level:.0%}, {link_name(cell.mbit_per_s)}"
            yield at_most(f"loadpart / load-blind on the real clock, {where}", ratio, 1.0)


def _details(
    cells: Sequence[LoadCell], series: Mapping[str, Sequence[LoadSeries]], factor: float
) -> dict[str, object]:
    return {
        "device_factor": factor,
        "mean_of_each_cells_saving": {
            name: average_saving(cells, name) for name in (AWARE, CUTPOINT, FULL)
        },
        "load": {
            name: [
                {
                    "level": each.level,
                    "idle_s": each.idle_s,
                    "slowdown": each.mean_slowdown,
                    "waits": each.mean_waits,
                    "num_refused": each.num_refused,
                }
                for each in found
            ]
            for name, found in series.items()
        },
    }
