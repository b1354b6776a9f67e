"""Counts and durations per model, as Triton's statistics extension tells them."""

import time
from dataclasses import dataclass, field
from math import ceil
from threading import Lock
from typing import Any

from cutpoint.server.served_request import ServedRequest
from cutpoint.wire.protocol import messages

_NS_PER_S = 1e9

_MAX_NAMES = 1024
"""Models and tails that are remembered; those counted first are forgotten first."""


@dataclass
class Tally:
    """
    How often something happened, and how long it took in all.

    Parameters
    ----------
    count
        Times.
    total_s
        Seconds in all.
    """

    count: int = 0
    total_s: float = 0.0

    def add(self, duration_s: float) -> None:
        """Count one more."""
        self.count += 1
        self.total_s += duration_s

    def write(self, duration: Any) -> None:
        """Write into the protocol's message."""
        duration.count = self.count
        duration.ns = int(self.total_s * _NS_PER_S)


@dataclass
class ModelTally:
    """
    Statistics of one model.

    Parameters
    ----------
    success, fail, queue, compute_input, compute_infer, compute_output
        As the protocol means them: of requests.
    batches
        By batch size: answered requests of batches of this size, and their decoding and copying
        and their time in segments, each request's share of its batch.
    last_inference_ms
        Since the epoch.
    """

    success: Tally = field(default_factory=Tally)
    fail: Tally = field(default_factory=Tally)
    queue: Tally = field(default_factory=Tally)
    compute_input: Tally = field(default_factory=Tally)
    compute_infer: Tally = field(default_factory=Tally)
    compute_output: Tally = field(default_factory=Tally)
    batches: dict[int, tuple[Tally, Tally]] = field(default_factory=dict)
    last_inference_ms: int = 0


class Statistics:
    """
    The statistics of every model of one server; thread-safe.

    A request counts once, under the name it asked for. What ran together for several
    requests is one execution: of `n` requests in batches of `b` there were `n / b`, rounded up
    where a batch joined requests of several tails.
    """

    def __init__(self) -> None:
        self._models: dict[str, ModelTally] = {}
        self._lock = Lock()

    def observe(self, request: ServedRequest) -> None:
        """Count one request, whatever its end; one that named nothing served is no model's."""
        if not request.model:
            return
        with self._lock:
            tally = self._tally(request.name)
            if request.outcome != "ok":
                tally.fail.add(request.latency_s)
                return
            tally.success.add(request.latency_s)
            tally.queue.add(request.wait_s)
            tally.compute_input.add(request.other_s + request.decode_s)
            tally.compute_infer.add(request.tail_s)
            tally.compute_output.add(0.0)
            _add_to_batch(tally, request)
            tally.last_inference_ms = time.time_ns() // 1_000_000

    def message(self, model: str, version: str = "1") -> Any:
        """
        Give one model's statistics as the protocol's message.

        Parameters
        ----------
        version
            That is served.
        """
        with self._lock:
            tally = self._models.get(model, ModelTally())
            message = messages.ModelStatistics(
                name=model,
                version=version,
                last_inference=tally.last_inference_ms,
                inference_count=tally.success.count,
            )
            stats = message.inference_stats
            for name in ("success", "fail", "queue", "compute_input", "compute_infer"):
                getattr(tally, name).write(getattr(stats, name))
            tally.compute_output.write(stats.compute_output)
            for size, (copying, running) in sorted(tally.batches.items()):
                _write_batch(message.batch_stats.add(batch_size=size), copying, running)
            message.execution_count = sum(each.compute_infer.count for each in message.batch_stats)
        return message

    def _tally(self, name: str) -> ModelTally:
        tally = self._models.get(name)
        if tally is None:
            while len(self._models) >= _MAX_NAMES:  # of versions that are gone
                del self._models[next(iter(self._models))]
            tally = self._models[name] = ModelTally()
        return tally


def _add_to_batch(tally: ModelTally, request: ServedRequest) -> None:
    size = max(round(request.batch), 1)
    copying, running = tally.batches.setdefault(size, (Tally(), Tally()))
    copying.add(request.other_s + request.decode_s)
    running.add(request.tail_s / size)


def _write_batch(batch: Any, copying: Tally, running: Tally) -> None:
    """Tell of executions where the tallies are of requests."""
    count = ceil(running.count / batch.batch_size)
    Tally(count, copying.total_s).write(batch.compute_input)
    Tally(count, running.total_s).write(batch.compute_infer)
    Tally(count).write(batch.compute_output)
