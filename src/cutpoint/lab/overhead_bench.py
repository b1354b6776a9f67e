"""What cutpoint costs beside what it stands on: ONNX Runtime here, a bare client there."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from cutpoint.client.engine import Hold
from cutpoint.client.session import InferenceSession
from cutpoint.execution.runtime import keep_freed_memory, onnxruntime_module, quiet_options
from cutpoint.graph import Arrays
from cutpoint.lab.equivalence import is_equal
from cutpoint.lab.experiments.form import LatencySummary, summarise
from cutpoint.lab.held_memory import held_memory_bytes
from cutpoint.lab.link_process import LinkProcess
from cutpoint.lab.paired_ratio import PairedRatio, measure_in_turn, paired_ratio
from cutpoint.lab.reference_client import ReferenceClient
from cutpoint.lab.server_process import ServerProcess
from cutpoint.lab.zoo import sample_images, write
from cutpoint.profiling import read_environment
from cutpoint.records import Environment

MODELS = ("squeezenet", "mobilenet_v2", "resnet18")
_PROVIDERS = ("CPUExecutionProvider",)
_WIDEST = 0.02
_WARM_UP = 10
_SLOW_BYTES_PER_S = 20e3
"""A link so slow that every policy computes here, beside a server that is there."""

_READY_S = 60.0

Listener = Callable[[str], None]


@dataclass(frozen=True)
class OverheadRow:
    """
    One model run one way, beside what it is compared with.

    Parameters
    ----------
    model
        Of the zoo.
    way
        ``whole`` and ``segments``: here, however the model is held; ``server``: all of it there.
    reference
        ``session`` of ONNX Runtime, or the faster of ``unary`` and ``stream``.
    ratio
        Thread CPU time where it runs here, latency where it runs there.
    taken, reference_taken
        Of the runs that the ratio is of.
    memory_bytes, reference_memory_bytes
        Resident, of a process that holds the model this way; 0 where it runs there.
    num_wrong
        Answers that differ from ONNX Runtime's.
    num_elsewhere
        Answers that came from elsewhere than this way says: late ones of a busy server.
    """

    model: str
    way: str
    reference: str
    ratio: PairedRatio
    taken: LatencySummary
    reference_taken: LatencySummary
    memory_bytes: int
    reference_memory_bytes: int
    num_wrong: int
    num_elsewhere: int


@dataclass(frozen=True)
class OverheadBench:
    """Everything that was measured, and where."""

    environment: Environment
    rows: tuple[OverheadRow, ...]


def run_overhead_bench(
    folder: Path,
    models: Sequence[str] = MODELS,
    num_pairs: int = 1000,
    most_times: int = 4,
    listener: Listener = lambda text: None,
) -> OverheadBench:
    """
    Run each model here and there, by cutpoint and by what it stands on, in turns.

    Pairs are added while the 95 % interval of a ratio is wider than 0.02.

    Parameters
    ----------
    folder
        Where the models go.
    models
        Names in the zoo.
    num_pairs
        At least.
    most_times
        So many times as many at most.
    listener
        Told what happens, line by line.
    """
    malloc_kept = keep_freed_memory()
    pairs = (num_pairs, most_times * num_pairs)
    rows: list[OverheadRow] = []
    for name in models:
        path = write(name, folder / f"{name}.onnx")
        with ExitStack() as stack:
            bed = _TestBed(path, stack)
            for way in ("whole", "segments"):
                listener(f"{name}: here, held as {way}")
                rows.append(_here(name, way, bed, pairs))
            listener(f"{name}: on the server")
            rows.append(_there(name, bed, pairs))
    environment = read_environment(
        providers=_PROVIDERS, num_threads=1, malloc_kept=malloc_kept, emulated_slowdown=1.0
    )
    return OverheadBench(environment, tuple(rows))


class _TestBed:
    """A model, what it is fed, a server of it, and what the device alone answers."""

    def __init__(self, path: Path, stack: ExitStack) -> None:
        self.path = path
        self._stack = stack
        self.server = stack.enter_context(ServerProcess([str(path)]))
        self.onnxruntime = onnxruntime_module().InferenceSession(
            str(path), quiet_options(1), _PROVIDERS
        )
        (given,) = self.onnxruntime.get_inputs()
        _, channels, height, width = given.shape
        self.feed: Arrays = {given.name: sample_images(1, height, width, 0, channels)}
        self.expected = self.onnxruntime.run(None, self.feed)

    def session(self, address: str, policy: str, hold: Hold) -> InferenceSession:
        """Give a session of ours that is connected."""
        session = InferenceSession(
            self.path, quiet_options(1), _PROVIDERS, server=address, policy=policy, hold=hold
        )
        try:
            session.wait_until_ready(_READY_S)
        except BaseException:
            session.close()
            raise
        return session

    def slow_link(self) -> str:
        """Give the address of the server behind a link that nothing is worth sending over."""
        link = LinkProcess(self.server.address, up_bytes_per_s=_SLOW_BYTES_PER_S)
        return self._stack.enter_context(link).address

    @cached_property
    def reference_bytes(self) -> int:
        """Memory that ONNX Runtime's own session takes."""
        return held_memory_bytes(self.path, "session")

    def is_right(self, outputs: Sequence[Any]) -> bool:
        """Compare with ONNX Runtime's own answer."""
        return all(map(is_equal, outputs, self.expected))


class _Lane:
    """One way to the answer: takes the time of a run, and looks at its answer afterwards."""

    def __init__(
        self, clock: Callable[[], float], run: Callable[[], Sequence[Any]], bed: _TestBed
    ) -> None:
        self._clock = clock
        self._run = run
        self._bed = bed
        self.num_wrong = 0

    def take(self) -> float:
        """Run once; gives what it took."""
        began_s = self._clock()
        outputs = self._run()
        took_s = self._clock() - began_s
        self.num_wrong += not self._bed.is_right(outputs)
        return took_s


class _SessionLane(_Lane):
    """A session of ours; it is noted where its answers come from."""

    def __init__(
        self, clock: Callable[[], float], session: InferenceSession, wanted: str, bed: _TestBed
    ) -> None:
        super().__init__(clock, partial(session.run, None, bed.feed), bed)
        self._session = session
        self._wanted = wanted
        self.num_elsewhere = 0

    def take(self) -> float:
        """Run once; gives what it took."""
        took_s = super().take()
        record = self._session.last_record
        self.num_elsewhere += record is None or record.placement != self._wanted
        return took_s


def _here(name: str, way: Hold, bed: _TestBed, pairs: tuple[int, int]) -> OverheadRow:
    """Compare a session that computes here, beside a server, with ONNX Runtime's."""
    with closing(bed.session(bed.slow_link(), "cutpoint", way)) as session:
        ours = _SessionLane(time.thread_time, session, "device", bed)
        reference = _Lane(time.thread_time, partial(bed.onnxruntime.run, None, bed.feed), bed)
        taken = _measured((ours, reference), pairs)
    held = held_memory_bytes(bed.path, way), bed.reference_bytes
    return _row(name, way, "session", (taken[0], taken[1]), held, ours)


def _there(name: str, bed: _TestBed, pairs: tuple[int, int]) -> OverheadRow:
    """Compare a session that sends every input to the server with a client that does no more."""
    with (
        closing(bed.session(bed.server.address, "server", "segments")) as session,
        ReferenceClient(bed.server.address, name) as client,
    ):
        ours = _SessionLane(time.perf_counter, session, "server", bed)
        lanes = (
            ours,
            _Lane(time.perf_counter, lambda: list(client.unary(bed.feed).values()), bed),
            _Lane(time.perf_counter, lambda: list(client.streamed(bed.feed).values()), bed),
        )
        taken = _measured(lanes, pairs)
    faster = min((1, 2), key=lambda index: paired_ratio(taken[index], taken[0]).ratio)
    reference = {1: "unary", 2: "stream"}[faster]
    return _row(name, "server", reference, (taken[0], taken[faster]), (0, 0), ours)


def _row(
    name: str,
    way: str,
    reference: str,
    taken: tuple[list[float], list[float]],
    memory_bytes: tuple[int, int],
    ours: _SessionLane,
) -> OverheadRow:
    return OverheadRow(
        model=name,
        way=way,
        reference=reference,
        ratio=paired_ratio(*taken),
        taken=summarise(taken[0]),
        reference_taken=summarise(taken[1]),
        memory_bytes=memory_bytes[0],
        reference_memory_bytes=memory_bytes[1],
        num_wrong=ours.num_wrong,
        num_elsewhere=ours.num_elsewhere,
    )


def _measured(lanes: Sequence[_Lane], pairs: tuple[int, int]) -> list[list[float]]:
    runs = [lane.take for lane in lanes]
    for _ in range(_WARM_UP):
        for run in runs:
            run()
    return measure_in_turn(runs, pairs[0], _is_narrow, pairs[1])


def _is_narrow(taken: list[list[float]]) -> bool:
    return all(paired_ratio(taken[0], other).width <= _WIDEST for other in taken[1:])
