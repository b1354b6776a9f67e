"""Counts and durations per model, as Triton's statistics extension tells them."""

import time
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from cutpoint.wire.protocol import messages

_NS_PER_S = 1e9


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
        As the protocol means them.
    last_inference_ms
        Since the epoch.
    """

    success: Tally = field(default_factory=Tally)
    fail: Tally = field(default_factory=Tally)
    queue: Tally = field(default_factory=Tally)
    compute_input: Tally = field(default_factory=Tally)
    compute_infer: Tally = field(default_factory=Tally)
    compute_output: Tally = field(default_factory=Tally)
    last_inference_ms: int = 0


class Statistics:
    """The statistics of every model of one server; thread-safe."""

    def __init__(self) -> None:
        self._models: dict[str, ModelTally] = {}
        self._lock = Lock()

    def succeeded(self, model: str, wait_s: float, tail_s: float, other_s: float) -> None:
        """Count an answer: its wait, its execution, and the copying around it."""
        with self._lock:
            tally = self._models.setdefault(model, ModelTally())
            tally.success.add(wait_s + tail_s + other_s)
            tally.queue.add(wait_s)
            tally.compute_input.add(other_s)
            tally.compute_infer.add(tail_s)
            tally.compute_output.add(0.0)
            tally.last_inference_ms = time.time_ns() // 1_000_000

    def failed(self, model: str, duration_s: float) -> None:
        """Count a request without an answer."""
        with self._lock:
            self._models.setdefault(model, ModelTally()).fail.add(duration_s)

    def message(self, model: str) -> Any:
        """Give one model's statistics as the protocol's message."""
        with self._lock:
            tally = self._models.get(model, ModelTally())
            message = messages.ModelStatistics(
                name=model,
                version="1",
                last_inference=tally.last_inference_ms,
                inference_count=tally.success.count,
                execution_count=tally.success.count,
            )
            stats = message.inference_stats
            for name in ("success", "fail", "queue", "compute_input", "compute_infer"):
                getattr(tally, name).write(getattr(stats, name))
            tally.compute_output.write(stats.compute_output)
            if tally.success.count:
                batch = message.batch_stats.add(batch_size=1)
                tally.compute_input.write(batch.compute_input)
                tally.compute_infer.write(batch.compute_infer)
                tally.compute_output.write(batch.compute_output)
        return message
