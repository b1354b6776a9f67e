"""The simulator beside the real clock: does it say what a session then does, and how fast is it."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.execution.runtime import keep_freed_memory, quiet_options
from cutpoint.graph import Graph
from cutpoint.lab.experiments.experiment import Options, Outcome, Stopwatch
from cutpoint.lab.experiments.form import (
    Claim,
    Figure,
    LatencySummary,
    ResultRow,
    at_least,
    at_most,
    summarise,
)
from cutpoint.lab.plotting import pyplot
from cutpoint.lab.server_process import ServerProcess
from cutpoint.lab.two_clocks import (
    MOST_CONTENTION,
    MOST_DROPPED,
    RealRun,
    Stage,
    by_phase,
    device_of,
    on_the_real_clock,
    on_the_virtual_clock,
)
from cutpoint.lab.zoo import sample_images, write
from cutpoint.planning import cuts_to_hold
from cutpoint.profiling.quick import time_segments
from cutpoint.records import InferenceRecord, Profile
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.simulation.scenario import Scenario, ServerSpec
from cutpoint.simulation.simulator import simulate
from cutpoint.units import from_mbit_per_s

POLICIES = (("cutpoint", "cutpoint"), ("server-only float32", "server"), ("device-only", "device"))

_STEPS_MBIT_PER_S = (50.0, 20.0, 10.0, 5.0, 20.0)
"""From a link on which the server does all to one on which little is sent, and up again."""

_LINK = "50-20-10-5-20 Mbit/s"
_ONE_WAY_DELAY_S = 0.005
_DEVICE_S = 0.3
"""What the whole model takes on the device: its factor is chosen so."""

_STEP_S, _QUICK_STEP_S = 6.0, 4.0
_MODELS, _QUICK_MODELS = ("squeezenet", "resnet18"), ("squeezenet",)
_NUM_IMAGES = 4

_CLOSE, _LEAST_PER_S = 0.05, 10_000.0
_NUM_DEVICES, _SIMULATED_S, _ROUNDS = 20, 60.0, 5
"""For the speed: so many devices for so long, the best of so many times."""


@dataclass(frozen=True)
class Pair:
    """
    One policy on one model, on both clocks.

    Parameters
    ----------
    model, policy
        Names for people.
    stage, run
        What it ran on, and how that went on the real clock.
    virtual
        What the simulator says of it.
    """

    model: str
    policy: str
    stage: Stage
    run: RealRun
    virtual: tuple[InferenceRecord, ...]

    @property
    def deviation(self) -> float:
        """Virtual mean latency over the real one, minus one; not a number without a real one."""
        return _mean_s(self.virtual) / _mean_s(self.run.kept) - 1.0


class SimulationExperiment:
    """
    A scenario that both clocks can play, and a crowd that only the virtual one can.

    Parameters
    ----------
    step_s
        How long each rate of the link lasts; ``None`` for 6 s, or 4 s of a quick run.
    """

    name = "simulation"
    summary = "The simulator beside the real clock, and how fast it is."

    def __init__(self, step_s: float | None = None) -> None:
        self._step_s = step_s

    def run(self, options: Options) -> Outcome:
        """
        Play the scenario on both clocks, then simulate a crowd.

        Raises
        ------
        CutpointError
            If a server does not become ready.
        """
        watch = Stopwatch(self.name, options)
        models = _QUICK_MODELS if options.is_quick else _MODELS
        options.progress.begin("both clocks", len(models) * len(POLICIES) + 1)
        pairs: list[Pair] = []
        with tempfile.TemporaryDirectory(prefix="cutpoint-simulation-") as folder:
            for model in models:
                for pair in self._pairs(model, Path(folder), options):
                    pairs.append(pair)
                    options.progress.advance(f"{pair.model}, {pair.policy}")
        per_s = _speed(pairs[0], options.seed)
        options.progress.advance("speed")
        report = watch.report(
            _rows(pairs, options.seed),
            _claims(pairs, per_s),
            details={
                "simulated_per_s": per_s,
                "pairs": [_details(pair) for pair in pairs],
            },
            notes=(
                "the virtual world has the message time, the device's and the server's speed and "
                "the wait that the very session met (medians by rate): all the rest is compared",
                "inferences during which other work held the cores (wall over CPU time above "
                f"{MOST_CONTENTION}) do not count; where that leaves less than "
                f"{1 - MOST_DROPPED:.0%}, there is no result",
            ),
        )
        return Outcome(report, _text(pairs, per_s), (_figure(pairs),))

    def _pairs(self, model: str, folder: Path, options: Options) -> Iterator[Pair]:
        step_s = self._step_s or (_QUICK_STEP_S if options.is_quick else _STEP_S)
        path = write(model, folder / f"{model}.onnx")
        with ServerProcess([str(path)]) as server:
            stage = _stage(path, server.address, step_s, options.seed)
            for name, policy in POLICIES:
                run = on_the_real_clock(stage, policy)
                yield Pair(model, name, stage, run, on_the_virtual_clock(stage, run, policy))


def _stage(path: Path, server: str, step_s: float, seed: int) -> Stage:
    graph = load_graph(ModelFile.open(path))
    first = max(_DEVICE_S / _whole_s(_profile(graph, 1.0)), 1.0)
    factor = max(round(first * _DEVICE_S / _whole_s(_profile(graph, first))), 1)
    (name,) = graph.inputs
    _, _, height, width = graph.values[name].shape or (1, 3, 224, 224)
    images = sample_images(_NUM_IMAGES, height, width, seed=seed + 1)
    return Stage(
        path,
        graph,
        server,
        _profile(graph, factor),
        factor,
        RateSchedule(tuple((step_s, from_mbit_per_s(rate)) for rate in _STEPS_MBIT_PER_S)),
        _ONE_WAY_DELAY_S,
        step_s * len(_STEPS_MBIT_PER_S),
        tuple({name: image[np.newaxis]} for image in images),
    )


def _profile(graph: Graph, slowdown: float) -> Profile:
    segments = Segments(graph, cuts_to_hold(graph), options=quiet_options(1), slowdown=slowdown)
    return time_segments(segments, malloc_kept=keep_freed_memory())


def _whole_s(profile: Profile) -> float:
    return float(np.median([s.duration_s for s in profile.samples if s.kind == "whole"]))


def _mean_s(records: Sequence[InferenceRecord]) -> float:
    return float(np.mean([record.latency_s for record in records])) if records else float("nan")


def _speed(pair: Pair, seed: int) -> float:
    """Give simulated inferences per second of processor time: a crowd on that pair's table."""
    best = 0.0
    for _ in range(_ROUNDS):
        devices = tuple(
            device_of(pair.stage, pair.run, "cutpoint", f"device {number}")
            for number in range(_NUM_DEVICES)
        )
        scenario = Scenario(devices, (ServerSpec(num_workers=_NUM_DEVICES),))
        began_s = time.process_time()
        result = simulate(scenario, _SIMULATED_S, seed)
        best = max(best, len(result.records) / (time.process_time() - began_s))
    return best


def _claims(pairs: Sequence[Pair], per_s: float) -> list[Claim]:
    deviations = [
        at_most(
            f"{pair.model}, {pair.policy}: mean latency, virtual beside real, off by",
            abs(pair.deviation),
            _CLOSE,
        )
        for pair in pairs
    ]
    speed = at_least("inferences simulated per second in one process", per_s, _LEAST_PER_S)
    return [*deviations, speed]


def _rows(pairs: Sequence[Pair], seed: int) -> list[ResultRow]:
    rows = []
    for pair in pairs:
        row = partial(ResultRow, pair.model, _LINK, "idle", pair.policy)
        dropped = len(pair.run.records) - len(pair.run.kept)
        if pair.run.kept:
            rows.append(row("real", *_summed_up(pair.run.kept, seed), num_dropped=dropped))
        rows.append(row("virtual", *_summed_up(pair.virtual, seed)))
    return rows


def _summed_up(records: Sequence[InferenceRecord], seed: int) -> tuple[int, LatencySummary]:
    return len(records), summarise([record.latency_s for record in records], seed)


def _details(pair: Pair) -> dict[str, object]:
    by_step = [
        {
            "mbit_per_s": rate,
            "real_s": _mean_or_none(real),
            "virtual_s": _mean_or_none(virtual),
            "num_real": len(real),
            "num_virtual": len(virtual),
        }
        for rate, real, virtual in _by_step(pair)
    ]
    return {
        "model": pair.model,
        "policy": pair.policy,
        "device_factor": pair.stage.slowdown,
        "message_s": pair.run.message_s,
        "device_slowdowns": pair.run.slowdowns,
        "server_loads": pair.run.loads,
        "deviation": pair.deviation if pair.run.kept else None,
        "steps": by_step,
    }


def _by_step(
    pair: Pair,
) -> list[tuple[float, list[InferenceRecord], list[InferenceRecord]]]:
    """Give the inferences that began at each rate of the link, those that count."""
    schedule, first_s = pair.stage.schedule, pair.run.records[0].at_s
    real = by_phase(pair.run.kept, schedule, first_s)
    return list(zip(_STEPS_MBIT_PER_S, real, by_phase(pair.virtual, schedule, 0.0), strict=True))


def _mean_or_none(records: Sequence[InferenceRecord]) -> float | None:
    return _mean_s(records) if records else None


def _text(pairs: Sequence[Pair], per_s: float) -> str:
    lines = [
        "A session runs one inference after the other over an emulated link whose rate goes "
        f"{_LINK}; the device is slowed so that the whole model takes {_DEVICE_S * 1e3:.0f} ms. "
        "The simulator is given the table that the very session decided with, the schedule of "
        "the link, and what a message, the device and the server took beside it (medians of "
        "that session); policies, estimators and the state machine of an inference are the same "
        "classes on both clocks.",
        "",
        "| model | policy | real: mean | n | dropped | virtual: mean | n | off by |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {pair.model} | {pair.policy} | {_mean_s(pair.run.kept) * 1e3:.1f} ms "
        f"| {len(pair.run.kept)} | {len(pair.run.records) - len(pair.run.kept)} "
        f"| {_mean_s(pair.virtual) * 1e3:.1f} ms "
        f"| {len(pair.virtual)} | {pair.deviation:+.1%} |"
        for pair in pairs
    ]
    lines += [
        "",
        f"{_NUM_DEVICES} such devices for {_SIMULATED_S:.0f} s, each with a link and a worker of "
        f"its own: {per_s:,.0f} inferences per second of processor time (best of {_ROUNDS}).",
    ]
    return "\n".join(lines)


def _figure(pairs: Sequence[Pair]) -> Figure:
    first = [pair for pair in pairs if pair.model == pairs[0].model]

    def draw(path: Path) -> None:
        plt = pyplot()
        figure, axes = plt.subplots(len(first), 1, sharex=True, figsize=(8, 2.2 * len(first)))
        for axis, pair in zip(np.atleast_1d(axes), first, strict=True):
            begun_s = pair.run.records[0].at_s
            for records, label, style, start_s in (
                (pair.run.records, "real", "o", begun_s),
                (pair.virtual, "virtual", "-", 0.0),
            ):
                at_s = [record.at_s - start_s for record in records]
                latency_ms = [record.latency_s * 1e3 for record in records]
                axis.plot(at_s, latency_ms, style, label=label, markersize=3, alpha=0.8)
            axis.set_title(pair.policy, fontsize=9)
            axis.set_ylabel("ms")
            axis.set_yscale("log")
        np.atleast_1d(axes)[0].legend(fontsize=8)
        np.atleast_1d(axes)[-1].set_xlabel(f"s, link {_LINK}")
        figure.tight_layout()
        figure.savefig(path)
        plt.close(figure)

    return Figure(
        "simulation",
        "One scenario on two clocks",
        f"{first[0].model}: every inference of the session (dots), and what the simulator says.",
        draw,
    )
