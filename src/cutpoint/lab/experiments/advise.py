"""Where splitting pays at all: every net over links and devices, a few points confirmed."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from cutpoint.exceptions import CutpointError
from cutpoint.execution.quantiser import runtime_quantiser
from cutpoint.lab.advising.confirmed import CONFIRMED, KINDS, Point, confirm
from cutpoint.lab.advising.figure import draw_advice
from cutpoint.lab.advising.planned import DELAY_S, GRID, USUAL_DEVICE, PlannedNet, planned_net
from cutpoint.lab.advising.text import advice_text, verdict_text
from cutpoint.lab.experiments.experiment import Options, Outcome, Stopwatch
from cutpoint.lab.experiments.form import Claim, Figure, ResultRow, at_least, summarise
from cutpoint.lab.shares.contenders import CODECS, JPEG, PICTURE_CODECS, UINT8, Contenders
from cutpoint.lab.shares.host_times import time_preparation
from cutpoint.lab.shares.measured_net import Effort, measure_net
from cutpoint.lab.zoo import ZOO
from cutpoint.records import RAW
from cutpoint.units import from_mbit_per_s
from cutpoint.wire.codecs import codec_named

QUICK_MODELS = ("squeezenet", "mobilenet_v2", "resnet18")
"""Their points are those confirmed on the real clock."""

_SHOWN_MBIT_PER_S = (1, 5, 20, 100)
_EFFORT = Effort(num_pictures=2, repeats=4, codecs_s=0.5, attempts=2)
_QUICK_EFFORT = Effort(num_pictures=1, repeats=3, codecs_s=0.3, attempts=1)


class AdviseExperiment:
    """
    Compute where splits pay for every net of the zoo, and confirm some of it.

    Parameters
    ----------
    rounds
        Inferences of each kind at each point that is confirmed; none confirms nothing.
    """

    name = "advise"
    summary = "Where splitting pays at all, over nets, links and devices."

    def __init__(self, rounds: int = 15) -> None:
        self._rounds = rounds

    def run(self, options: Options) -> Outcome:
        """Do it."""
        watch = Stopwatch(self.name, options)
        models = options.models or (QUICK_MODELS if options.is_quick else tuple(ZOO))
        nets = _planned(models, options)
        points, notes = self._confirmed(nets, options)
        rows = [row for net in nets for row in _planned_rows(net)]
        rows += [row for point in points for row in _measured_rows(point, options.seed)]
        report = watch.report(
            rows,
            self._claims(points, len(notes)),
            details={
                "verdicts": {net.model: verdict_text(net) for net in nets},
                "savings": [each for net in nets for each in net.verdicts.values()],
                "delay_s": DELAY_S,
            },
            notes=notes,
        )
        figure = Figure(
            self.name,
            "What splitting saves",
            "The most that a split saves over the better of device-only and server-only, over "
            "devices 1 to 50 times slower than this machine and an idle server.",
            lambda path: draw_advice(nets, path),
        )
        return Outcome(report, advice_text(nets, points), (figure,))

    def _confirmed(
        self, nets: Sequence[PlannedNet], options: Options
    ) -> tuple[list[Point], list[str]]:
        chosen = [net for net in nets if net.model in QUICK_MODELS] or list(nets[:1])
        wanted = [(net, coding) for net in chosen for coding in CONFIRMED] if self._rounds else []
        options.progress.begin("confirming", len(wanted))
        points, notes = [], []
        for net, coding in wanted:
            try:
                points.append(confirm(net, coding, self._rounds, options.seed))
            except CutpointError as error:
                notes.append(f"{net.model}, input {coding}: {error}")
                options.progress.note(notes[-1])
            options.progress.advance(f"{net.model}, input {coding}")
        return points, notes

    def _claims(self, points: Sequence[Point], num_failed: int) -> list[Claim]:
        if not points and not num_failed:
            return []
        name = (
            "points at which the best kind by plan is within 5 % of the best by the clock, at least"
        )
        confirmed = sum(point.is_confirmed for point in points)
        return [at_least(name, confirmed, len(points) + num_failed)]


def _planned(models: Sequence[str], options: Options) -> list[PlannedNet]:
    codecs = [codec_named(name, runtime_quantiser()) for name in CODECS if name != RAW]
    pictures = [codec_named(name) for name in dict.fromkeys(PICTURE_CODECS.values())]
    effort = _QUICK_EFFORT if options.is_quick else _EFFORT
    options.progress.begin("measuring nets", len(models))
    prepare_s = time_preparation()
    nets = []
    for name in models:
        options.progress.advance(name)
        with TemporaryDirectory(prefix="cutpoint-advise-") as folder:
            net = measure_net(
                name, Path(folder), codecs, pictures, prepare_s, effort, lambda _: None
            )
        nets.append(planned_net(Contenders(net)))
    return nets


def _planned_rows(net: PlannedNet) -> list[ResultRow]:
    """Give the ends and the best split on one device, as they are planned."""
    place = GRID.device_slowdowns.index(USUAL_DEVICE)
    rows = []
    for mbit in _SHOWN_MBIT_PER_S:
        at = (GRID.bandwidths_bytes_per_s.index(from_mbit_per_s(mbit)), place, 0, 0)
        pixels, jpeg = (net.latencies[coding].at(*at) for coding in (UINT8, JPEG))
        latencies_s = {
            "device-only": pixels.device_s,
            "server-only uint8": pixels.server_s,
            "server-only jpeg": jpeg.server_s,
            "best split": pixels.split_s,
        }
        for policy, latency_s in latencies_s.items():
            if np.isfinite(latency_s):
                latency = summarise([float(latency_s)])
                link = f"{mbit} Mbit/s"
                rows.append(ResultRow(net.model, link, "idle", policy, "planned", 1, latency))
    return rows


def _measured_rows(point: Point, seed: int) -> list[ResultRow]:
    rows = []
    names = {"device": "device-only", "server": "best server-only", "split": "best split"}
    for kind, samples in zip(KINDS, point.samples, strict=True):
        kept = [sample.measured.latency_s for sample in samples if sample.is_kept]
        if kept:
            rows.append(
                ResultRow(
                    point.model,
                    f"{point.mbit_per_s:g} Mbit/s",
                    "idle",
                    f"{names[kind]}, input {point.coding}",
                    "real",
                    len(kept),
                    summarise(kept, seed),
                    num_dropped=len(samples) - len(kept),
                )
            )
    return rows
