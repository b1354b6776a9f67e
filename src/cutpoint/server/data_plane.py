"""What the server does, whichever door a request came in by."""

import time
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Event

from cutpoint.exceptions import ModelMismatchError
from cutpoint.graph import Arrays
from cutpoint.server.catalog import Catalog, Endpoint
from cutpoint.server.statistics import Statistics
from cutpoint.server.work_queue import WorkQueue
from cutpoint.wire.protocol import Parameter


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
    """

    outputs: Arrays
    wait_s: float
    tail_s: float
    idle_s: float
    pending: int

    def parameters(self) -> dict[str, Parameter]:
        """Give the load report that rides with the answer."""
        return {
            "wait_s": self.wait_s,
            "tail_s": self.tail_s,
            "idle_s": self.idle_s,
            "pending": self.pending,
        }


class DataPlane:
    """
    Takes requests that are checked already and computes their answers.

    Parameters
    ----------
    catalog
        The models.
    queue
        Where requests wait.
    """

    def __init__(self, catalog: Catalog, queue: WorkQueue) -> None:
        self.catalog = catalog
        self.queue = queue
        self.statistics = Statistics()

    def endpoint(self, name: str, sha256: str | None = None) -> Endpoint:
        """
        Give what a request asks for.

        Parameters
        ----------
        sha256
            Digest of the device's model file; ``None`` from a client that does not tell.

        Raises
        ------
        ModelError
            If nothing by this name is ready.
        ModelMismatchError
            If the device holds another file.
        """
        endpoint = self.catalog.resolve(name)
        held = endpoint.model.graph.sha256
        if sha256 and sha256 != held:
            raise ModelMismatchError(
                f"the device's {name!r} is {sha256[:12]}, the server's is {held[:12]}: "
                "give both sides the same file"
            )
        return endpoint

    def submit(
        self,
        endpoint: Endpoint,
        arrays: Arrays,
        cancelled: Event,
        remaining_s: float | None = None,
    ) -> "Future[Reply]":
        """
        Queue a request.

        Raises
        ------
        OverloadedError
            If the queue is full.
        """

        def work(wait_s: float) -> Reply:
            return self._compute(endpoint, arrays, cancelled, wait_s)

        return self.queue.submit(work, remaining_s)

    def _compute(
        self, endpoint: Endpoint, arrays: Arrays, cancelled: Event, wait_s: float
    ) -> Reply:
        name, model, cut = endpoint
        started_s = time.perf_counter()
        try:
            outputs, tail_s = model.run(cut, arrays, cancelled.is_set)
        except Exception:
            self.statistics.failed(name, time.perf_counter() - started_s)
            raise
        other_s = max(time.perf_counter() - started_s - tail_s, 0.0)
        self.statistics.succeeded(name, wait_s, tail_s, other_s)
        wanted = {spec.name: outputs[spec.name] for spec in model.outputs_of(cut)}
        idle_s = model.idle_like_s(cut, arrays, tail_s)
        return Reply(wanted, wait_s, tail_s, idle_s, self.queue.pending)
