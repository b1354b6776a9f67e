"""Run segments on this host."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import local
from typing import Any

from cutpoint.exceptions import FeedError, ModelError
from cutpoint.execution.batch_axis import BatchAxis, batch_axis, opened
from cutpoint.execution.batched_segment import BatchedSegment
from cutpoint.execution.batching import find_batches
from cutpoint.execution.runtime import (
    default_providers,
    for_segments,
    onnxruntime_module,
    quiet_options,
)
from cutpoint.execution.segment_session import SegmentSession
from cutpoint.execution.stop import Stop
from cutpoint.execution.weights import weights_folder
from cutpoint.graph import (
    Arrays,
    Cut,
    Graph,
    Segment,
    constant_outputs,
    extract,
    segments_in,
    segments_of,
)


@dataclass(frozen=True)
class SegmentRun:
    """
    One segment's run.

    Parameters
    ----------
    segment
        Id of the segment.
    duration_s, cpu_s
        Wall time with its share of an emulated slow-down, and CPU time of the thread.
    """

    segment: str
    duration_s: float
    cpu_s: float


@dataclass
class Execution:
    """
    Values as they come to be, and what each segment took.

    Parameters
    ----------
    values
        Everything fed or made so far, by name.
    runs
        The segments that ran, in order.
    cpu_s
        CPU time of the thread in all of them.
    stretched_s
        How much of their time an emulated device slept on purpose.
    """

    values: Arrays
    runs: list[SegmentRun] = field(default_factory=list)
    cpu_s: float = 0.0
    stretched_s: float = 0.0

    @property
    def duration_s(self) -> float:
        """Seconds spent in segments."""
        return sum(run.duration_s for run in self.runs)


class Segments:
    """
    A model held once, in pieces whose boundaries are the cuts of a table.

    Thread-safe: a session of ONNX Runtime may be run from several threads.

    Parameters
    ----------
    graph
        The model.
    cuts
        Every cut that may be asked for (device-only and server-only need no boundary).
    options
        Session options of ONNX Runtime; the default has spinning off.
    providers, provider_options
        As for `onnxruntime.InferenceSession`.
    slowdown
        Emulates a slower device: after its segments the thread sleeps ``(slowdown - 1)``
        times the CPU time they took. 1 for a real device.
    """

    def __init__(
        self,
        graph: Graph,
        cuts: Iterable[Cut],
        *,
        options: Any = None,
        providers: Sequence[Any] | None = None,
        provider_options: Sequence[Mapping[str, Any]] | None = None,
        slowdown: float = 1.0,
    ) -> None:
        self.graph = graph
        self.cuts = tuple(cuts)
        self.slowdown = slowdown
        self.segments = segments_of(graph, self.cuts)
        if options is None:
            # The emulation reads the calling thread's CPU time: one thread does the work.
            options = quiet_options(1 if slowdown > 1 else None)
        self._options = options
        self._overslept = local()
        self._constants = constant_outputs(graph)
        self.batches: Mapping[str, BatchedSegment] = {}
        self._providers = default_providers(providers)
        self._provider_options = provider_options
        with for_segments(options, weights_folder(graph)) as lent:
            self._sessions = {part.id: self._session(part, lent) for part in self.segments}

    def __repr__(self) -> str:
        return (
            f"<Segments of {self.graph.name}: {len(self.segments)} [{', '.join(self.providers)}]>"
        )

    @property
    def providers(self) -> tuple[str, ...]:
        """Execution providers as the sessions report them."""
        first = next(iter(self._sessions.values()))
        return tuple(first.session.get_providers())

    def node_args(self) -> tuple[list[Any], list[Any]]:
        """Give ONNX Runtime's descriptions of the model's inputs and outputs."""
        held = [each.session for each in self._sessions.values()]
        inputs = {arg.name: arg for session in held for arg in session.get_inputs()}
        outputs = {arg.name: arg for session in held for arg in session.get_outputs()}
        return (
            [inputs[name] for name in self.graph.inputs if name in inputs],
            [outputs[name] for name in self.graph.outputs if name in outputs],
        )

    def head_of(self, cut: Cut) -> tuple[Segment, ...]:
        """Give the segments that run before a cut, in order."""
        return segments_in(cut, self.segments)

    def tail_of(self, cut: Cut) -> tuple[Segment, ...]:
        """Give the segments that run behind a cut, in order."""
        head = {segment.id for segment in self.head_of(cut)}
        return tuple(segment for segment in self.segments if segment.id not in head)

    def run(
        self,
        segments: Iterable[Segment],
        values: Mapping[str, Any],
        *,
        is_stopped: Callable[[], bool] | None = None,
        run_options: Any = None,
        measures_cpu: bool = True,
        stop: Stop | None = None,
    ) -> Execution:
        """
        Run segments in the order given.

        Parameters
        ----------
        values
            What they need and do not make themselves.
        is_stopped
            Asked between segments; once true, the rest is not run.
        run_options
            ONNX Runtime's, passed to each segment.
        measures_cpu
            Whether the CPU time of each is wanted, too: reading that clock takes two thirds of a
            microsecond.
        stop
            May call it off from another thread, within a segment as well: what was made by then
            is given. Its options take the place of `run_options`.
        """
        if stop is not None:
            is_stopped, run_options = stop.is_told, stop.run_options
        measures_cpu |= self.slowdown > 1
        execution = Execution(dict(values))
        cpu_began_s = 0.0 if measures_cpu else time.thread_time()
        for segment in segments:
            if is_stopped is not None and is_stopped():
                break
            try:
                self._run_one(segment, execution, run_options, measures_cpu)
            except Exception:
                if is_stopped is not None and is_stopped():
                    break  # that is how ONNX Runtime ends what was called off
                raise
        if measures_cpu:
            execution.cpu_s = sum(run.cpu_s for run in execution.runs)
        else:
            execution.cpu_s = time.thread_time() - cpu_began_s
        if self.slowdown > 1:
            execution.stretched_s = (self.slowdown - 1) * execution.cpu_s
            # One sleep for all: between segments it would find the caches cold each time.
            self._sleep(execution.stretched_s, time.sleep if stop is None else stop.sleep)
        return execution

    def warm_up(self, feed: Mapping[str, Any]) -> None:
        """
        Run every segment once, unstretched: first runs take memory and are slow.

        Raises
        ------
        FeedError
            If ONNX Runtime refuses the inputs.
        """
        values: Arrays = dict(feed)
        for segment in self.segments:
            try:
                made = self._sessions[segment.id].run(values)
            except Exception as error:  # a class per status, none of them public
                raise FeedError(
                    f"{self.graph.name!r} does not run on the inputs it is warmed up with: give "
                    f"inputs that suit it ({error})"
                ) from error
            values.update(zip(segment.outputs, made, strict=True))

    def session_of(self, segment: Segment) -> SegmentSession:
        """Give what runs a segment."""
        return self._sessions[segment.id]

    def find_batches(self, example: Arrays | None = None) -> None:
        """
        Find out which segments may run several requests as one; `batches` has them then.

        Parameters
        ----------
        example
            Inputs that suit the model; made up by default.

        Notes
        -----
        Takes about ten runs of the model, and for a moment a second session of one segment
        where the file fixes the batch.
        """
        with for_segments(self._options, weights_folder(self.graph)) as lent:

            def opener(segment: Segment, axis: BatchAxis) -> SegmentSession | None:
                return self._opened(segment, axis, lent)

            self.batches = find_batches(self.graph, self.segments, self._sessions, opener, example)

    def take_batches(self, ids: Collection[str]) -> None:
        """Take batches as they were found for the same graph before, without another trial."""
        axis = batch_axis(self.graph) if ids else None
        if axis is None:
            return
        held = {}
        with for_segments(self._options, weights_folder(self.graph)) as lent:
            for segment in self.segments:
                if segment.id in ids:
                    session = self._opened(segment, axis, lent) or self.session_of(segment)
                    self._sessions[segment.id] = session
                    held[segment.id] = BatchedSegment(session, segment, axis)
        self.batches = held

    def run_together(self, segment: Segment, batch: Sequence[Arrays]) -> list[Arrays]:
        """
        Run a segment for several requests as one; give what is made for each.

        Parameters
        ----------
        batch
            What each has so far; those of a segment in `batches` that are kin.
        """
        return self.batches[segment.id].run(batch)

    def outputs_of(self, values: Mapping[str, Any]) -> Arrays:
        """Give the model's outputs among values, those that need no node included."""
        if self._constants:
            values = {**values, **self._constants}
        return {name: values[name] for name in self.graph.outputs if name in values}

    def _run_one(
        self, segment: Segment, execution: Execution, run_options: Any, measures_cpu: bool
    ) -> None:
        started_s = time.perf_counter()
        cpu_started_s = time.thread_time() if measures_cpu else 0.0
        made = self._sessions[segment.id].run(execution.values, run_options)
        cpu_s = time.thread_time() - cpu_started_s if measures_cpu else 0.0
        duration_s = time.perf_counter() - started_s + (self.slowdown - 1) * cpu_s
        execution.values.update(zip(segment.outputs, made, strict=True))
        execution.runs.append(SegmentRun(segment.id, duration_s, cpu_s))

    def _sleep(self, duration_s: float, sleep: Callable[[float], None]) -> None:
        """Sleep; what a sleep takes too long is taken off the thread's next one."""
        owed_s = getattr(self._overslept, "seconds", 0.0)
        wanted_s = duration_s - owed_s
        began_s = time.perf_counter()
        if wanted_s > 0:
            sleep(wanted_s)
        self._overslept.seconds = max(time.perf_counter() - began_s - wanted_s, 0.0)

    def _session(self, segment: Segment, options: Any) -> SegmentSession:
        return self._loaded(segment, extract(self.graph, segment), options)

    def _opened(self, segment: Segment, axis: BatchAxis, options: Any) -> SegmentSession | None:
        """Give a session that takes any batch; ``None`` if the one that is held does."""
        content = opened(extract(self.graph, segment), axis)
        return None if content is None else self._loaded(segment, content, options)

    def _loaded(self, segment: Segment, content: bytes, options: Any) -> SegmentSession:
        try:
            session = onnxruntime_module().InferenceSession(
                content,
                options,
                providers=self._providers,
                provider_options=self._provider_options,
            )
        except Exception as error:  # a class per status, none of them public
            raise ModelError(
                f"ONNX Runtime cannot load segment {segment.id} of {self.graph.name!r} "
                f"({list(segment.inputs)} -> {list(segment.outputs)}): {error}"
            ) from error
        return SegmentSession(self.graph, segment, session)
