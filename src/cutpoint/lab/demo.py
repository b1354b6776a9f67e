"""The main job in two minutes: one model, two machines, a link that changes, a server that dies."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer

import numpy as np

from cutpoint.client.session import InferenceSession
from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.execution.runtime import keep_freed_memory, quiet_options
from cutpoint.graph import Arrays, Graph
from cutpoint.lab.contestant import Contestant
from cutpoint.lab.scenario import ONE_WAY_DELAY_S, SCENARIO, Phase
from cutpoint.lab.server_process import ServerProcess
from cutpoint.lab.zoo import sample_images, write
from cutpoint.planning import cuts_to_hold
from cutpoint.profiling.quick import time_segments
from cutpoint.records import InferenceRecord, Profile

POLICIES = (("cutpoint", "cutpoint"), ("device-only", "device"), ("server-only", "server"))
_NUM_IMAGES = 4
_KILL_AFTER_S = 0.012
"""Into an offloaded inference of a fast link: while it is under way."""

_RESUME_TIMEOUT_S = 20.0

Listener = Callable[[str], None]


@dataclass(frozen=True)
class Entry:
    """One inference of the demo: whose, in which phase, and its record."""

    policy: str
    phase: int
    at_s: float
    record: InferenceRecord


@dataclass
class DemoResult:
    """
    Everything the demo measured.

    Parameters
    ----------
    model, sha256
        What was run.
    slowdown
        Factor by which the device was slowed.
    device_whole_s
        What the whole model takes on the slowed device.
    scenario
        The phases.
    entries
        Every inference, in order.
    num_equal
        Outputs that equal the uncut model's.
    resumed_after_s
        Server ready -> first offloaded answer; ``None`` if it never came back.
    """

    model: str
    sha256: str
    slowdown: float
    device_whole_s: float
    scenario: tuple[Phase, ...]
    entries: list[Entry] = field(default_factory=list)
    num_equal: int = 0
    resumed_after_s: float | None = None

    def of(self, policy: str) -> list[InferenceRecord]:
        """Give the records of one policy."""
        return [entry.record for entry in self.entries if entry.policy == policy]

    def mean_s(self, policy: str) -> float:
        """Give the mean latency of one policy."""
        return float(np.mean([record.latency_s for record in self.of(policy)]))


def run_demo(
    folder: Path,
    *,
    model: str = "squeezenet",
    slowdown: float | None = None,
    device_s: float = 0.3,
    scenario: Sequence[Phase] = SCENARIO,
    listener: Listener = lambda text: None,
) -> DemoResult:
    """
    Run every policy over the scenario, interleaved, each on a link of its own.

    Parameters
    ----------
    folder
        Where the model goes.
    model
        A model of the zoo.
    slowdown
        Of the device; ``None`` chooses it so that the whole model takes `device_s`.
    listener
        Told what happens, line by line.
    """
    path = write(model, folder / f"{model}.onnx")
    graph = load_graph(ModelFile.open(path))
    factor = slowdown or _factor_for(graph, device_s)
    profile = _device_profile(graph, factor)
    whole_s = _whole_s(profile)
    result = DemoResult(model, graph.sha256, factor, whole_s, tuple(scenario))
    listener(
        f"{model}: float32 input and values, device slowed {factor:g} x "
        f"({whole_s * 1e3:.0f} ms for the whole model), round trip {2e3 * ONE_WAY_DELAY_S:.0f} ms"
    )
    with ExitStack() as stack:
        server = stack.enter_context(ServerProcess([str(path)]))
        contestants = [
            Contestant(
                name,
                policy,
                str(path),
                server.address,
                profile=profile,
                slowdown=factor,
                delay_s=ONE_WAY_DELAY_S,
                bandwidth_bytes_per_s=scenario[0].bandwidth_bytes_per_s,
            )
            for name, policy in POLICIES
        ]
        for contestant in contestants:
            stack.callback(contestant.close)
        for contestant in contestants:
            contestant.session.wait_until_ready(30.0)
        _Demo(result, server, contestants, _examples(path, graph), listener).run()
    return result


class _Demo:
    """The demo under way."""

    def __init__(
        self,
        result: DemoResult,
        server: ServerProcess,
        contestants: Sequence[Contestant],
        examples: Sequence[tuple[Arrays, Arrays]],
        listener: Listener,
    ) -> None:
        self._result = result
        self._server = server
        self._contestants = contestants
        self._examples = examples
        self._listener = listener
        self._began_s = time.perf_counter()
        self._rounds: Iterator[int] = iter(range(1_000_000))
        self._last_decision = ""

    def run(self) -> None:
        for number, phase in enumerate(self._result.scenario):
            self._listener(f"-- link {phase.title}")
            for contestant in self._contestants:
                contestant.set_bandwidth(phase.bandwidth_bytes_per_s)
            if phase.server == "restarted":
                self._restart(number)
            for round_of_phase in range(phase.num_rounds):
                kills = phase.server == "killed" and round_of_phase == 0
                self._round(number, kills=kills)
        self._result.num_equal = sum(contestant.num_equal for contestant in self._contestants)

    def _round(self, phase: int, *, kills: bool = False) -> None:
        """Run every policy once, in an order that turns from round to round."""
        index = next(self._rounds)
        feed, expected = self._examples[index % len(self._examples)]
        # The first to run is in the middle of its offload when the server dies.
        shift = 0 if kills else index % len(self._contestants)
        timer = Timer(_KILL_AFTER_S, self._server.kill)
        if kills:
            timer.start()
        for contestant in (*self._contestants[shift:], *self._contestants[:shift]):
            record = contestant.run(feed, expected)
            at_s = time.perf_counter() - self._began_s
            self._result.entries.append(Entry(contestant.name, phase, at_s, record))
            if contestant is self._contestants[0]:
                self._tell(record)
        if kills:
            timer.join()

    def _restart(self, phase: int) -> None:
        """Start the server again; the device goes on meanwhile."""
        self._server.start()
        while not self._server.is_ready:
            self._round(phase)
        ready_s = time.perf_counter()
        while time.perf_counter() - ready_s < _RESUME_TIMEOUT_S:
            self._round(phase)
            record = self._contestants[0].records[-1]
            if record.placement != "device":
                self._result.resumed_after_s = time.perf_counter() - ready_s
                return

    def _tell(self, record: InferenceRecord) -> None:
        where: str = record.placement
        if where == "split":
            where = f"split at {', '.join(record.crossing)}"
        alone = f"   (alone: {record.fallback_reason})" if record.fallback_reason else ""
        decision = where + alone
        if decision != self._last_decision:
            self._last_decision = decision
            at_s = time.perf_counter() - self._began_s
            self._listener(f"   {at_s:6.1f} s  {record.latency_s * 1e3:6.0f} ms  {decision}")


def _factor_for(graph: Graph, device_s: float) -> float:
    """Give the factor at which the whole model takes `device_s`, pauses and all."""
    undisturbed_s = _whole_s(time_segments(Segments(graph, (), options=quiet_options(1))))
    first = max(device_s / undisturbed_s, 1.0)
    # A processor that sleeps between runs finds its caches cold: measured as it will run.
    return float(max(round(first * device_s / _whole_s(_device_profile(graph, first))), 1))


def _whole_s(profile: Profile) -> float:
    return float(np.median([s.duration_s for s in profile.samples if s.kind == "whole"]))


def _device_profile(graph: Graph, slowdown: float) -> Profile:
    cuts = cuts_to_hold(graph)
    segments = Segments(graph, cuts, options=quiet_options(1), slowdown=slowdown)
    return time_segments(segments, malloc_kept=keep_freed_memory())


def _examples(path: Path, graph: Graph) -> list[tuple[Arrays, Arrays]]:
    """Give a few images with the uncut model's outputs, by ONNX Runtime itself."""
    session = InferenceSession(path, quiet_options(1), ["CPUExecutionProvider"])
    (name,) = graph.inputs
    _, _, height, width = graph.values[name].shape or (1, 3, 224, 224)
    images = sample_images(_NUM_IMAGES, height, width, seed=1)
    examples = []
    for image in images:
        feed: Arrays = {name: image[np.newaxis]}
        outputs = session.run(list(graph.outputs), feed)
        examples.append((feed, dict(zip(graph.outputs, outputs, strict=True))))
    return examples
