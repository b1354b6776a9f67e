"""What the server does, whichever door a request came in by."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Event

from cutpoint.exceptions import (
    CutpointError,
    DeadlineExceededError,
    ModelMismatchError,
    OverloadedError,
    RemoteProtocolError,
)
from cutpoint.graph import Arrays
from cutpoint.server.callers import caller
from cutpoint.server.cancellation import Cancellation
from cutpoint.server.catalog import Catalog, Endpoint
from cutpoint.server.coming import Coming
from cutpoint.server.decode_step import DecodeStep
from cutpoint.server.fair_shares import FairShares
from cutpoint.server.given import Given
from cutpoint.server.job import Job
from cutpoint.server.known_codecs import KnownCodecs
from cutpoint.server.load_monitor import LoadMonitor
from cutpoint.server.methods import log_bug
from cutpoint.server.scheduler import Scheduler
from cutpoint.server.served_request import Outcome, ServedRequest
from cutpoint.server.statistics import Statistics
from cutpoint.wire.names import shown
from cutpoint.wire.protocol import Parameter
from cutpoint.wire.undecoded import Undecoded


@dataclass(frozen=True)
class Reply:
    """
    An answer and what it took.

    Parameters
    ----------
    outputs
        By name, in the order in which the endpoint declares them.
    wait_s, tail_s
        In the queue, and in segments.
    idle_s
        What the tail takes when the server is idle.
    pending
        Requests that run or wait, as the answer leaves.
    batch
        Requests that ran together, mean over its segments.
    other_s
        Copying around the segments.
    decode_s
        Decoding what came encoded.
    cpu_s
        CPU time of the worker in both; 0 where nothing ran.
    """

    outputs: Arrays
    wait_s: float
    tail_s: float
    idle_s: float
    pending: int
    batch: float = 1.0
    other_s: float = 0.0
    decode_s: float = 0.0
    cpu_s: float = 0.0

    def parameters(self) -> dict[str, Parameter]:
        """Give the load report that rides with the answer."""
        told: dict[str, Parameter] = {
            "wait_s": self.wait_s,
            "tail_s": self.tail_s,
            "cpu_s": self.cpu_s,
            "idle_s": self.idle_s,
            "pending": self.pending,
            "batch": self.batch,
        }
        if self.decode_s:
            told["decode_s"] = self.decode_s
        return told


class DataPlane:
    """
    Takes requests that are checked already and computes their answers.

    Parameters
    ----------
    catalog
        The models.
    queue
        Where requests wait.
    codecs
        In which tensors may come; all that are installed by default.
    """

    def __init__(
        self, catalog: Catalog, queue: Scheduler, codecs: KnownCodecs | None = None
    ) -> None:
        self.codecs = codecs or KnownCodecs()
        self.catalog = catalog
        self.queue = queue
        self.statistics = Statistics()
        self._shares = FairShares()
        self._coming = Coming()
        self.load = LoadMonitor(lambda: queue.pending)
        self.observers: list[Callable[[ServedRequest], None]] = [
            self.load.observe,
            self.statistics.observe,
        ]

    def refused(self, name: str, error: CutpointError) -> None:
        """Note a request that was refused before it was queued."""
        outcome, reason = _outcome_of(error, "invalid"), type(error).__name__
        try:
            endpoint = self.catalog.resolve(name)
        except CutpointError:  # nobody's
            self._tell(ServedRequest("", name, "", outcome, reason=reason))
            return
        model, cut = endpoint.model.name, endpoint.cut.id
        self._tell(ServedRequest(model, name, cut, outcome, reason=reason))

    def check_room(self) -> Callable[[], None]:
        """
        Refuse what would be refused if it came now, without queueing it.

        Returns
        -------
        function
            To be called when the request has come, or will not: until then, though not for
            long, its place is kept.

        Raises
        ------
        OverloadedError
            If the queue is full, or the caller had more than its share while others were turned
            away; says when to try again.
        """
        who, now_s = caller(), time.perf_counter()
        self._shares.check(who, now_s)
        try:
            self.queue.check_room(self._coming.count(now_s))
        except OverloadedError:
            self._shares.turned_away(who, now_s)
            raise
        return self._coming.expect(now_s)

    def endpoint(self, name: str, sha256: str | None = None, version: str = "") -> Endpoint:
        """
        Give what a request asks for.

        Parameters
        ----------
        sha256
            Digest of the device's model file; ``None`` from a client that does not tell.
        version
            Of the model; empty for whichever is served.

        Raises
        ------
        NotReadyError
            If it is being loaded again, or the server ends.
        ModelError
            If nothing by this name is ready.
        ModelMismatchError
            If the device holds another file.
        """
        endpoint = self.catalog.ready(name, version)
        held = endpoint.model.graph.sha256
        if sha256 and sha256 != held:
            raise ModelMismatchError(
                f"the device's {shown(name)} is {sha256[:12]}, the server's is {held[:12]}: "
                "give both sides the same file"
            )
        return endpoint

    def submit(
        self,
        endpoint: Endpoint,
        arrays: Arrays,
        cancelled: Event,
        remaining_s: float | None = None,
        on_started: Callable[[], None] | None = None,
        undecoded: Sequence[Undecoded] = (),
    ) -> "Future[Reply]":
        """
        Queue a request.

        Parameters
        ----------
        cancelled
            Set when nobody wants the answer any more; a `Cancellation` frees its place at once,
            any other event when the queue is next looked at.
        remaining_s
            Seconds until its answer is of no use.
        on_started
            Called on a worker's thread when its first segment begins.
        undecoded
            Tensors that came encoded: decoded first, on a worker.

        Raises
        ------
        OverloadedError
            If the queue is full, the model is not in memory, or the server is stopping.
        """
        future: Future[Reply] = Future()
        future.set_running_or_notify_cancel()  # only `cancelled` stops it
        given = Given(arrays, tuple(undecoded))
        release = endpoint.model.hold(endpoint.cut)
        began_s = time.perf_counter()

        def ended(job: Job, error: BaseException | None) -> None:
            release()
            total_s = time.perf_counter() - began_s
            self._answer(future, endpoint, given, job, error, total_s)

        try:
            job = _job(endpoint, given, cancelled, ended, on_started, remaining_s)
            self.queue.submit(job)
            self._shares.took(caller(), job.whole_s, began_s)
        except BaseException as error:
            release()
            if isinstance(error, OverloadedError):
                self._turned_down(endpoint, given, error)
            raise
        if isinstance(cancelled, Cancellation):
            cancelled.listen(self.queue.look)
        return future

    def _turned_down(self, endpoint: Endpoint, given: Given, error: OverloadedError) -> None:
        self._tell(
            ServedRequest(
                endpoint.model.name,
                endpoint.name,
                endpoint.cut.id,
                "rejected",
                received_bytes=given.received_bytes,
                reason=type(error).__name__,
            )
        )

    def _answer(
        self,
        future: "Future[Reply]",
        endpoint: Endpoint,
        given: Given,
        job: Job,
        error: BaseException | None,
        total_s: float,
    ) -> None:
        """Answer one request, and tell of it first: who has its answer finds it counted."""
        reply = None
        if error is None:
            try:
                reply = self._reply(endpoint, given, job, total_s)
            except Exception as wrong:  # a value that is not there, say: its caller has to know
                error = wrong
        outcome: Outcome = "ok"
        if error is not None:
            outcome = "cancelled" if job.is_cancelled() else _outcome_of(error, "failed")
        self._tell(
            ServedRequest(
                endpoint.model.name,
                endpoint.name,
                endpoint.cut.id,
                outcome,
                job.wait_s,
                job.tail_s,
                _other_s(job, total_s),
                job.batch,
                given.received_bytes,
                _size_bytes(reply.outputs) if reply else 0,
                reply.idle_s if reply else 0.0,
                "" if error is None else type(error).__name__,
                job.decode_s,
                given.decoded_bytes if reply else 0,
            )
        )
        if reply is not None:
            future.set_result(reply)
        else:
            future.set_exception(error)

    def _reply(self, endpoint: Endpoint, given: Given, job: Job, total_s: float) -> Reply:
        _, model, cut = endpoint
        return Reply(
            model.answer_of(cut, job.values),
            job.wait_s,
            job.tail_s,
            model.idle_like_s(cut, given.fed_bytes, job.tail_s),
            self.queue.pending,
            job.batch,
            _other_s(job, total_s),
            job.decode_s,
            job.cpu_s,
        )

    def _tell(self, request: ServedRequest) -> None:
        for observer in self.observers:
            _told(observer, request)


def _job(
    endpoint: Endpoint,
    given: Given,
    cancelled: Event,
    ended: Callable[[Job, BaseException | None], None],
    on_started: Callable[[], None] | None,
    remaining_s: float | None,
) -> Job:
    line = endpoint.model.line_of(endpoint.cut)
    shapes = given.shapes
    return Job(
        line.stages,
        given.arrays,
        cancelled.is_set,
        ended,
        on_started or _nothing,
        remaining_s,
        line.size_of(shapes),
        line.is_like(shapes),
        line.kept,
        _decoding(endpoint, given),
    )


def _decoding(endpoint: Endpoint, given: Given) -> DecodeStep | None:
    """Give what goes before the stages, if anything came encoded."""
    if not given.undecoded:
        return None
    return DecodeStep(given.undecoded, endpoint.model.decoding.time_s(given.undecoded))


def _other_s(job: Job, total_s: float) -> float:
    return max(total_s - job.wait_s - job.decode_s - job.tail_s, 0.0)


def _size_bytes(arrays: Arrays) -> int:
    return sum(array.nbytes for array in arrays.values())


def _nothing() -> None:
    """Tell nobody."""


def _told(observer: Callable[[ServedRequest], None], request: ServedRequest) -> None:
    try:
        observer(request)
    except Exception as error:  # whoever counts must not cost an answer
        log_bug(error)


def _outcome_of(error: BaseException | None, otherwise: Outcome) -> Outcome:
    if isinstance(error, OverloadedError):
        return "rejected"
    if isinstance(error, DeadlineExceededError):
        return "late"
    return "invalid" if isinstance(error, RemoteProtocolError) else otherwise
