"""Sessions with different policies in turn on one Triton, whose load others change."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from math import nan
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np

from cutpoint.client.session import InferenceSession
from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.execution.runtime import quiet_options
from cutpoint.graph import Arrays, Graph, sample_feed
from cutpoint.lab.link_process import LinkProcess
from cutpoint.lab.triton_bench.callers_process import CallersProcess
from cutpoint.lab.triton_bench.watch import Watch, Window
from cutpoint.lab.triton_process import TritonInstallation, TritonProcess
from cutpoint.lab.zoo import write
from cutpoint.planning import cuts_to_hold
from cutpoint.profiling.quick import time_segments
from cutpoint.records import Profile
from cutpoint.server.triton import ExportSettings, export_repository
from cutpoint.server.triton.export import default_cuts

MODEL = "squeezenet"
POLICIES = ("device", "server", "diamond", "loadpart-followon", "cutpoint")
POWER = "raspberry-pi-4b-wifi"
DEVICE_TIMES = 6.0
"""How many times as slow as this machine the device is."""

UP_BYTES_PER_S, DELAY_S = 25e6, 0.002
"""Of each session's link: 200 Mbit/s, so that the server's load decides."""

_CUTS = 2
_READY_S = 60.0
_WARM_UPS = 3


@dataclass(frozen=True)
class BenchSettings:
    """
    What is run.

    Parameters
    ----------
    instances
        Copies of each model, one Triton after the other.
    callers
        Requests under way from the generator, phase after phase.
    phase_s
        How long a phase lasts.
    policies
        Names of those that take turns.
    """

    instances: tuple[int, ...] = (1, 2, 3, 4)
    callers: tuple[int, ...] = (0, 3, 8, 1, 8, 0)
    phase_s: float = 7.0
    policies: tuple[str, ...] = POLICIES


@dataclass(frozen=True)
class TritonShot:
    """
    One inference of a session.

    Parameters
    ----------
    policy
        Of the session.
    num_instances, num_callers
        Of the Triton, and of the generator.
    phase
        Number of the phase.
    latency_s, energy_j
        Of the record.
    placement
        Where it ran in the end.
    planned
        Where it was to run.
    is_right
        Whether it gave what the device alone gives.
    """

    policy: str
    num_instances: int
    num_callers: int
    phase: int
    latency_s: float
    energy_j: float
    placement: str
    planned: str
    is_right: bool


@dataclass
class TritonBench:
    """
    What was measured.

    Parameters
    ----------
    settings
        What was run.
    device_s, bytes_up
        What the whole model takes on the device, and its input.
    shots
        Of the sessions.
    windows
        Predicted and measured times of a request, by instances.
    """

    settings: BenchSettings
    device_s: float
    bytes_up: int
    shots: list[TritonShot] = field(default_factory=list)
    windows: dict[int, list[Window]] = field(default_factory=dict)

    def of(
        self, policy: str, num_instances: int | None = None, num_callers: int | None = None
    ) -> list[TritonShot]:
        """Give the shots of a policy, at some instances or callers alone where these are given."""
        return [
            shot
            for shot in self.shots
            if shot.policy == policy
            and num_instances in (None, shot.num_instances)
            and num_callers in (None, shot.num_callers)
        ]

    def share_offloaded(self, policy: str, num_instances: int, num_callers: int) -> float:
        """Give the share of inferences that a policy planned to offload; NaN of none."""
        shots = self.of(policy, num_instances, num_callers)
        return fmean(shot.planned != "device" for shot in shots) if shots else nan

    def error(self, num_instances: int) -> float:
        """Give the median relative error of ``W + E(b)``."""
        return median(each.error for each in self.windows[num_instances])


def run_triton_bench(
    folder: Path,
    installation: TritonInstallation,
    settings: BenchSettings,
    listener: Callable[[str], None] = lambda text: None,
) -> TritonBench:
    """
    Run every policy on one Triton after the other.

    Raises
    ------
    CutpointError
        If Triton or a session does not start.
    """
    path = write(MODEL, folder / f"{MODEL}.onnx")
    graph = load_graph(ModelFile.open(path))
    feed = sample_feed(graph)
    profile = _profile(graph, feed)
    whole = [each.duration_s for each in profile.samples if each.kind == "whole"]
    bench = TritonBench(settings, float(np.median(whole)), sum(a.nbytes for a in feed.values()))
    for num_instances in settings.instances:
        listener(f"Triton with {num_instances} instances of each model")
        repository = folder / f"models-{num_instances}"
        wanted = ExportSettings(backend="python", num_instances=num_instances, num_threads=1)
        export_repository(graph, repository, default_cuts(graph, _CUTS), wanted)
        with ExitStack() as stack:
            triton = stack.enter_context(TritonProcess(repository, installation=installation))
            stage = _Stage(bench, path, feed, profile, triton.address, num_instances)
            stage.open(stack)
            stage.run()
    return bench


class _Stage:
    """One Triton, the sessions, the watch and the generator."""

    def __init__(
        self,
        bench: TritonBench,
        path: Path,
        feed: Arrays,
        profile: Profile,
        address: str,
        num_instances: int,
    ) -> None:
        self._bench = bench
        self._path = path
        self._feed = feed
        self._profile = profile
        self._address = address
        self._num_instances = num_instances
        self._sessions: dict[str, InferenceSession] = {}
        self._expected: list[Any] = []

    def open(self, stack: ExitStack) -> None:
        """Connect everybody while the Triton is idle."""
        alone = InferenceSession(self._path, quiet_options(1), ["CPUExecutionProvider"])
        self._expected = alone.run(None, self._feed)
        self._watch = Watch(self._address, MODEL, self._feed)
        stack.callback(self._watch.close)
        self._watch.calibrate()
        for name in self._bench.settings.policies:
            self._sessions[name] = self._opened(name, stack)
        for session in self._sessions.values():
            session.wait_until_ready(_READY_S)
            for _ in range(_WARM_UPS):
                session.run(None, self._feed)
        self._callers = stack.enter_context(CallersProcess(self._address, MODEL))

    def run(self) -> None:
        """Let the sessions take turns through all phases."""
        settings = self._bench.settings
        for phase, num_callers in enumerate(settings.callers):
            self._watch.forget()
            self._callers.set(num_callers)
            until_s = time.perf_counter() + settings.phase_s
            number = 0
            while time.perf_counter() < until_s:
                self._watch.request(num_callers)
                for name in _turned(settings.policies, number):
                    self._bench.shots.append(self._shot(name, phase, num_callers))
                    self._watch.request(num_callers)
                number += 1
        self._callers.set(0)
        self._bench.windows[self._num_instances] = list(self._watch.windows)

    def _opened(self, policy: str, stack: ExitStack) -> InferenceSession:
        link = LinkProcess(
            self._address,
            delay_s=DELAY_S,
            up_bytes_per_s=UP_BYTES_PER_S,
            down_bytes_per_s=UP_BYTES_PER_S,
        )
        stack.enter_context(link)
        session = InferenceSession(
            self._path,
            quiet_options(1),
            server=link.address,
            policy=policy,
            profile=self._profile,
            slowdown=DEVICE_TIMES,
            power=POWER,
        )
        stack.callback(session.close)
        return session

    def _shot(self, policy: str, phase: int, num_callers: int) -> TritonShot:
        session = self._sessions[policy]
        outputs = session.run(None, self._feed)
        record = session.last_record
        if record is None:
            raise RuntimeError("a session with a server records every inference")
        return TritonShot(
            policy,
            self._num_instances,
            num_callers,
            phase,
            record.latency_s,
            record.energy_j or 0.0,
            record.placement,
            record.planned,
            all(
                np.allclose(given, wanted, rtol=1e-3, atol=1e-4)
                for given, wanted in zip(outputs, self._expected, strict=True)
            ),
        )


def _turned(names: Sequence[str], number: int) -> tuple[str, ...]:
    shift = number % len(names)
    return (*names[shift:], *names[:shift])


def _profile(graph: Graph, feed: Arrays) -> Profile:
    segments = Segments(graph, cuts_to_hold(graph), options=quiet_options(1), slowdown=DEVICE_TIMES)
    return time_segments(segments, feed=feed, repeats=6, warm_up=2)
