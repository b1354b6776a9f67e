"""The load of a server that is not ours, where it tells statistics: as Triton does."""

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from threading import Lock
from typing import Any

import grpc

from cutpoint.estimation import Cumulative, StatisticsLoad, StatisticsSnapshot, chained_load
from cutpoint.records import LoadReport
from cutpoint.wire.protocol import messages

_log = logging.getLogger(__name__)

_TIMEOUT_S = 1.0
_IDLE_BYTES_PER_S, _IDLE_S = 800.0, 0.5
"""What asking may cost while nothing is offloaded, and how often it is asked then at most."""

_BUSY_S = 0.25
"""And while something is: no more often, ..."""

_SHARE = 0.01
"""... and as often as the questions and answers are this share of what is sent."""

_CALL_BYTES = 120
"""Of a question and its answer, beside what they say: what HTTP/2 and gRPC put around them."""

_FRESH_S = 3.0
"""What was told longer ago is believed of no answer."""

_NO_ANSWER = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
)
"""Any other code is the server's word: it tells nothing of this model."""

_NS_PER_S = 1e9
_MOST_STEPS = 64
"""Of an ensemble that is looked into."""


class ForeignLoad:
    """
    Asks for the statistics of the models that requests run through; thread-safe.

    Triton's statistics of an ensemble do not tell what its models' requests waited for: the
    models are asked for one by one, and told together. A server without the extension is asked
    once; what it tells that cannot be true is not believed.

    Parameters
    ----------
    stub
        Of the server.
    model
        Name of the whole model: it is looked at while nothing is offloaded.
    clock
        Gives the session's time in seconds.
    on_load
        Told each report, on gRPC's thread.
    """

    def __init__(
        self,
        stub: Any,
        model: str,
        *,
        clock: Callable[[], float],
        on_load: Callable[[LoadReport], None],
    ) -> None:
        self._stub = stub
        self._model = self._asked = model
        self._clock = clock
        self._on_load = on_load
        self._lock = Lock()
        self._steps: dict[str, tuple[str, ...]] = {}
        self._learned: dict[str, StatisticsLoad] = {}
        self._is_told = True
        self._polled_at_s = float("-inf")
        self._sent_bytes = self._cost_bytes = 0
        self._latest: LoadReport | None = None

    def __repr__(self) -> str:
        return f"<ForeignLoad of {self._asked}: {self._latest}>"

    def follow(self, names: Iterable[str]) -> None:
        """Find out of which models a model or tail is made, where that is not known yet."""
        asked = [
            (name, self._stub.ModelConfig.future(_config_of(name), timeout=_TIMEOUT_S))
            for name in names
            if name not in self._steps
        ]
        for name, call in asked:
            steps = _steps_of(name, call)
            if steps is not None:
                with self._lock:
                    self._steps[name] = steps

    def asked(self, name: str, size_bytes: int) -> None:
        """Take note that a model is sent a request of so many bytes."""
        with self._lock:
            self._asked = name
            self._sent_bytes += size_bytes

    def told(self, at_s: float) -> LoadReport | None:
        """Give what was told last, unless that is long ago."""
        latest = self._latest
        return latest if latest is not None and at_s - latest.at_s <= _FRESH_S else None

    def idle_s(self, name: str) -> float:
        """Give what executing a model takes at least, as seen: slow-downs are told by it."""
        with self._lock:
            learned = [self._learned.get(each) for each in self.models_of(name)]
        return sum(each.idle_s or 0.0 for each in learned if each is not None)

    def poll(self) -> None:
        """Ask, if it is time to: the answers come on another thread."""
        now_s = self._clock()
        with self._lock:
            if not self._is_told or not self._is_due(now_s):
                return
            self._polled_at_s, self._sent_bytes = now_s, 0
            models = self.models_of(self._asked)
            watched = tuple(dict.fromkeys((*models, *self.models_of(self._model))))
        _Round(watched, models, self._took).ask(self._stub)

    def _is_due(self, now_s: float) -> bool:
        passed_s = now_s - self._polled_at_s
        if passed_s < _BUSY_S:
            return False
        if passed_s >= max(_IDLE_S, self._cost_bytes / _IDLE_BYTES_PER_S):
            return True
        return self._sent_bytes * _SHARE >= self._cost_bytes > 0

    def models_of(self, name: str) -> tuple[str, ...]:
        """Give the models that requests for one run through; itself where nothing else is known."""
        return self._steps.get(name, (name,))

    def _took(self, models: Sequence[str], responses: dict[str, Any], size_bytes: int) -> None:
        """Take the answers of a round; a model that gave none says nothing."""
        at_s = self._clock()
        with self._lock:
            self._cost_bytes = size_bytes
            if any(each is None for each in responses.values()):
                self._is_told = False
                _log.info("the server of %s tells no statistics", self._model)
                return
            reports = {}
            for name, response in responses.items():
                snapshot = _snapshot(name, response, at_s)
                learned = self._learned.setdefault(name, StatisticsLoad())
                report = None if snapshot is None else learned.observe(snapshot)
                if report is not None:
                    reports[name] = report
            chain = [name for name in models if name in reports]
            if not chain:
                return
            idle_s = [self._learned[name].idle_s for name in chain]
            report = chained_load([reports[name] for name in chain], idle_s)
            self._latest = report
        self._on_load(report)


class _Round:
    """Questions that are answered together."""

    def __init__(
        self,
        watched: Sequence[str],
        models: Sequence[str],
        done: Callable[[Sequence[str], dict[str, Any], int], None],
    ) -> None:
        self._watched = watched
        self._models = models
        self._done = done
        self._lock = Lock()
        self._num_left = len(watched)
        self._responses: dict[str, Any] = {}
        self._size_bytes = 0

    def ask(self, stub: Any) -> None:
        for name in self._watched:
            request = messages.ModelStatisticsRequest(name=name)
            try:
                call = stub.ModelStatistics.future(request, timeout=_TIMEOUT_S)
            except ValueError:  # gRPC's word for a channel that was closed meanwhile
                return
            size_bytes = request.ByteSize() + _CALL_BYTES
            call.add_done_callback(partial(self._answered, name, size_bytes))

    def _answered(self, name: str, size_bytes: int, call: Any) -> None:
        try:
            response = call.result()
            size_bytes += response.ByteSize()
        except grpc.RpcError as error:
            response = None if error.code() == grpc.StatusCode.UNIMPLEMENTED else _NOTHING
        except grpc.FutureCancelledError:
            response = _NOTHING
        with self._lock:
            self._responses[name] = response
            self._size_bytes += size_bytes
            self._num_left -= 1
            if self._num_left:
                return
        self._done(self._models, self._responses, self._size_bytes)


_NOTHING = messages.ModelStatisticsResponse()


def _config_of(name: str) -> Any:
    return messages.ModelConfigRequest(name=name)


def _steps_of(name: str, call: Any) -> tuple[str, ...] | None:
    """Give the models of an ensemble, itself where it is none; ``None`` for no answer at all."""
    try:
        config = call.result().config
    except grpc.FutureCancelledError:
        return None
    except grpc.RpcError as error:
        return None if error.code() in _NO_ANSWER else (name,)
    steps = tuple(dict.fromkeys(step.model_name for step in config.ensemble_scheduling.step))
    return steps if 0 < len(steps) <= _MOST_STEPS else (name,)


def _snapshot(name: str, response: Any, at_s: float) -> StatisticsSnapshot | None:
    """Read what a server told of a model: of several versions of that which ran last."""
    told = [each for each in response.model_stats if each.name == name]
    if not told:
        return None
    stats = max(told, key=lambda each: int(each.last_inference))
    return StatisticsSnapshot(
        at_s,
        _cumulative(stats.inference_stats.queue),
        _computed(stats.inference_stats),
        stats.inference_count,
        stats.execution_count,
        tuple((each.batch_size, _computed(each)) for each in stats.batch_stats),
    )


def _computed(stats: Any) -> Cumulative:
    """
    Give how often a model computed, and how long that took.

    With the time of handing tensors to the backend and back, which Triton tells beside
    compute_infer: to and from a backend in a process of its own it was up to a fourth of all.
    """
    parts = (stats.compute_input, stats.compute_infer, stats.compute_output)
    return Cumulative(stats.compute_infer.count, sum(part.ns for part in parts) / _NS_PER_S)


def _cumulative(duration: Any) -> Cumulative:
    return Cumulative(duration.count, duration.ns / _NS_PER_S)
