"""Estimators of a server's load on a made-up clock, under steps of load."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import log
from typing import Protocol

import numpy as np

from cutpoint.estimation import (
    Cumulative,
    LoadEstimator,
    LoadFactor,
    MonitoredLoad,
    StatisticsLoad,
    StatisticsSnapshot,
)
from cutpoint.lab.estimators.verdict import Verdict, lags_s
from cutpoint.records import LoadConditions, LoadReport

STEP_S = 10.0
NUM_STEPS = 12
TAIL_S = 0.01
"""Idle; what is foretold is this tail's waiting and computing."""

_EVERY_S = 0.2
_REQUESTS_A_POLL = 2
_SPREAD = 0.15
"""Of the logarithms of what single requests take about their mean."""


@dataclass(frozen=True)
class LoadSetting:
    """
    A server that is idle and loaded by turns.

    Parameters
    ----------
    name
        For people.
    loaded
        What a request meets then, on average.
    """

    name: str
    loaded: LoadConditions


SETTINGS = (
    LoadSetting("k 1, 5 by turns", LoadConditions(0.0, 5.0)),
    LoadSetting("W 0, 20 ms by turns", LoadConditions(0.02, 1.0)),
)


class LoadSense(Protocol):
    """What learns from reports, and says what is believed."""

    def observe(self, report: LoadReport) -> None:
        """Learn."""
        ...

    def conditions(self, at_s: float) -> LoadConditions:
        """Say."""
        ...


class OwnLoad:
    """The session's own estimator, told as with an answer."""

    def __init__(self) -> None:
        self._load = LoadEstimator()

    def observe(self, report: LoadReport) -> None:
        """Learn from an answer."""
        tail_s = TAIL_S * (report.slowdown or 1.0)
        self._load.observe(report.wait_s or 0.0, tail_s, TAIL_S, report.at_s)

    def conditions(self, at_s: float) -> LoadConditions:
        """Say what is believed."""
        return self._load.conditions(at_s)


class PolledStatistics:
    """Triton's statistics of the same requests, polled now and then, as its clients see them."""

    def __init__(self) -> None:
        self._counted = StatisticsLoad(TAIL_S)
        self._believed = MonitoredLoad()
        self._num = 0
        self._queue_s = self._run_s = 0.0

    def observe(self, report: LoadReport) -> None:
        """Let the server count a request, and look at its counts after every second one."""
        self._num += 1
        self._queue_s += report.wait_s or 0.0
        self._run_s += TAIL_S * (report.slowdown or 1.0)
        if self._num % _REQUESTS_A_POLL == 0:
            told = self._counted.observe(self._snapshot(report.at_s))
            if told is not None:
                self._believed.observe(told)

    def conditions(self, at_s: float) -> LoadConditions:
        """Say what is believed."""
        return self._believed.conditions(at_s)

    def _snapshot(self, at_s: float) -> StatisticsSnapshot:
        queue, run = (Cumulative(self._num, total_s) for total_s in (self._queue_s, self._run_s))
        return StatisticsSnapshot(at_s, queue, run, self._num, self._num, ((1, run),))


ESTIMATORS: Mapping[str, Callable[[], LoadSense]] = {
    "cutpoint": OwnLoad,
    "neurosurgeon K": lambda: LoadFactor(window=1),
    "loadpart k": LoadFactor,
    "loadpart-followon k, W": lambda: LoadFactor(counts_wait=True),
    "diamond W + E(b)": MonitoredLoad,
    "triton statistics": PolledStatistics,
}


def load_verdicts(setting: LoadSetting, seed: int) -> Iterator[Verdict]:
    """Judge every estimator of load by the same requests: five a second, as they are answered."""
    for name, make in ESTIMATORS.items():
        yield _judged(name, make(), setting, np.random.default_rng(seed))


def _judged(
    name: str, estimator: LoadSense, setting: LoadSetting, rng: np.random.Generator
) -> Verdict:
    at_s, off_s, off_log = [], [], []
    for tick in range(1, int(NUM_STEPS * STEP_S / _EVERY_S)):
        now_s = tick * _EVERY_S
        true = setting.loaded if int(now_s / STEP_S) % 2 else LoadConditions()
        believed = estimator.conditions(now_s)
        true_s = true.wait_s + true.slowdown * TAIL_S
        predicted_s = max(believed.wait_s + believed.slowdown * TAIL_S, 1e-9)
        at_s.append(now_s)
        off_s.append(abs(predicted_s - true_s))
        off_log.append(abs(log(predicted_s / true_s)))
        met_k, met_w = np.exp(rng.normal(0.0, _SPREAD, 2))
        slowdown, wait_s = float(true.slowdown * met_k), float(true.wait_s * met_w)
        run_s = ((1, slowdown * TAIL_S),)
        estimator.observe(LoadReport(now_s, 0.0, wait_s, slowdown, run_s, 1.0))
    steps_s = [STEP_S * step for step in range(1, NUM_STEPS)]
    return Verdict(name, setting.name, tuple(off_s), tuple(off_log), lags_s(at_s, off_log, steps_s))
