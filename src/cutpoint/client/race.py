"""The device's side of a race: the tail on a thread of its own, until it is done or called off."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock, current_thread
from typing import Any

from cutpoint.client.encoded_inputs import EncodedInputs
from cutpoint.client.offload import Offload
from cutpoint.execution import Segments
from cutpoint.execution.stop import Stop
from cutpoint.graph import Arrays, Segment
from cutpoint.inference import Event, PatienceEnded, TailDone

_MOST_THREADS = 64
_NAME = "cutpoint-race"


class RaceThreads:
    """
    Threads on which tails are raced; begun when there is a first one.

    A session that is run from several threads races on several. A tail that was called off ends
    before its next operator: until then the inference behind it shares the device with it.
    """

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._running: dict[Future[None], Stop] = {}
        self._lock = Lock()
        self._is_closed = False

    def __repr__(self) -> str:
        return f"<RaceThreads: {len(self._running)} run>"

    @property
    def is_winding_down(self) -> bool:
        """Whether something that was called off still runs."""
        if not self._running:
            return False
        with self._lock:
            return any(stop.is_told() for stop in self._running.values())

    def submit(self, work: Callable[[], None], stop: Stop) -> "Future[None]":
        """Run something that may be called off beside everything else; once closed, right here."""
        with self._lock:
            future = None if self._is_closed else self._begun(work, stop)
        if future is None:  # the inference that is under way while its session is closed
            future = Future()
            work()
            future.set_result(None)
        else:
            future.add_done_callback(self._ended)
        return future

    def close(self) -> None:
        """Wait for those that were called off, and end the threads."""
        with self._lock:
            self._is_closed, pool = True, self._pool
        if pool is not None:
            # An unclosed session is collected on any thread, one of these among them.
            pool.shutdown(wait=not current_thread().name.startswith(_NAME))

    def _begun(self, work: Callable[[], None], stop: Stop) -> "Future[None]":
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_MOST_THREADS, thread_name_prefix=_NAME)
        future = self._pool.submit(work)
        self._running[future] = stop
        return future

    def _ended(self, future: "Future[None]") -> None:
        with self._lock:
            self._running.pop(future, None)


@dataclass(frozen=True)
class Finished:
    """
    A tail that was computed to its end.

    Parameters
    ----------
    values
        All there are.
    decode_s
        Of that, turning files into pixels, which the server would have done.
    """

    values: Arrays
    decode_s: float


class Race:
    """
    One tail that the device computes while a server is asked for the same.

    It may begin before the request leaves: its end is kept until somebody asks for it.

    Parameters
    ----------
    clock
        Gives the session's time in seconds.
    run_options
        ONNX Runtime's, of the caller.
    """

    def __init__(self, clock: Callable[[], float], run_options: Any) -> None:
        self.error: BaseException | None = None
        self.finished: Finished | None = None
        self._clock = clock
        self._stop = Stop(run_options)
        self._lock = Lock()
        self._offload: Offload | None = None
        self._ended: Event | None = None
        self._future: Future[None] | None = None

    def __repr__(self) -> str:
        return f"<Race with {self._offload!r}>"

    def tell_to(self, offload: Offload) -> None:
        """Let the end be told where the server's words come in as well."""
        with self._lock:
            self._offload = offload
            if self._ended is not None:
                offload.tell(self._ended)

    def wait(self) -> Event | None:
        """Wait for the end, where there is no request that it could be told with."""
        if self._future is not None:
            self._future.result()
        return self._ended

    def begin(
        self,
        threads: RaceThreads,
        segments: Segments,
        tail: tuple[Segment, ...],
        values: Mapping[str, Any],
        inputs: EncodedInputs | None,
    ) -> None:
        """
        Begin.

        Parameters
        ----------
        tail
            What to run of the segments.
        values
            What it starts from.
        inputs
            Those that came as files and are not decoded yet; ``None`` if there are none.
        """

        def work() -> None:
            try:
                self._run(segments, tail, values, inputs)
            except Exception as error:  # the caller's to raise: it is its inference
                self.error = error
                # Wakes who waits, and asks the inference for nothing.
                self._end(PatienceEnded(self._clock()))

        self._future = threads.submit(work, self._stop)

    def stop(self) -> None:
        """Call it off."""
        self._stop.tell()

    def _run(
        self,
        segments: Segments,
        tail: tuple[Segment, ...],
        values: Mapping[str, Any],
        inputs: EncodedInputs | None,
    ) -> None:
        decode_s = 0.0
        if inputs is not None:
            began_s = self._clock()
            values = {**values, **inputs.decoded()}
            if segments.slowdown > 1:
                self._stop.sleep((segments.slowdown - 1) * (self._clock() - began_s))
            decode_s = self._clock() - began_s
        ran = segments.run(tail, values, measures_cpu=False, stop=self._stop)
        if self._stop.is_told():
            return
        self.finished = Finished(ran.values, decode_s)
        # Of decoding no CPU time is known: it is not said to have taken any.
        cpu_s = None if decode_s else ran.cpu_s
        tail_s = decode_s + ran.duration_s
        self._end(TailDone(self._clock(), tail_s, cpu_s, ran.stretched_s))

    def _end(self, event: Event) -> None:
        with self._lock:
            self._ended = event
            if self._offload is not None:
                self._offload.tell(event)
