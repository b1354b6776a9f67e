"""What Triton's statistics predict of a request, beside what requests took."""

import time
from dataclasses import dataclass
from statistics import fmean, median
from threading import Event
from typing import Any, NamedTuple

import tritonclient.grpc as triton_client
from tritonclient.utils import np_to_triton_dtype

from cutpoint.client.foreign_load import ForeignLoad
from cutpoint.estimation import MonitoredLoad
from cutpoint.exceptions import ConnectError
from cutpoint.graph import Arrays
from cutpoint.records import LoadReport
from cutpoint.wire.channel import open_channel
from cutpoint.wire.protocol import services

_WINDOW_S = 1.0
"""Requests of one window are predicted from what was told before it, and averaged: one of them
waits from nothing to a whole execution, by chance."""

_CALIBRATED, _APART_S = 24, 0.03
_POLLED_S = 0.25
_HEARD_S = 5.0
_MOST_LOOKS = 50

_SENT_BYTES = 1 << 20
"""As if so much were sent between two polls: the watch is to see all there is to see."""


_PARTS = ("queue", "compute_input", "compute_infer", "compute_output")
_NS_PER_S = 1e9


@dataclass(frozen=True)
class Window:
    """
    A second of requests.

    Parameters
    ----------
    num_callers
        Others' requests under way meanwhile.
    predicted_s
        ``W + E(b)`` by what was told before it began.
    measured_s
        Mean of what its requests took at the server.
    num_requests
        How many.
    """

    num_callers: int
    predicted_s: float
    measured_s: float
    num_requests: int

    @property
    def error(self) -> float:
        """Relative to what was measured."""
        return abs(self.predicted_s / self.measured_s - 1)


class _Spent(NamedTuple):
    """What the models that a request runs through did so far."""

    num_models: int
    num_executed: int
    seconds: float


class Watch:
    """
    A client of Triton's own kind that asks for one model, and the estimator that watches it.

    Parameters
    ----------
    address
        Of the Triton.
    model
        Name of the model.
    feed
        Its inputs.
    """

    def __init__(self, address: str, model: str, feed: Arrays) -> None:
        self._client = triton_client.InferenceServerClient(address)
        self._model = model
        self._inputs = [_input(name, array) for name, array in feed.items()]
        self._monitored = MonitoredLoad()
        self._channel = open_channel(address)
        stub = services.GRPCInferenceServiceStub(self._channel)
        self._load = ForeignLoad(stub, model, clock=time.perf_counter, on_load=self._take)
        self._load.follow((model,))
        self._overhead_s = 0.0
        self._polled_at_s = 0.0
        self._began_at_s = float("inf")
        self._predicted_s = 0.0
        self._heard = Event()
        self._taken_s: list[float] = []
        self.windows: list[Window] = []

    def close(self) -> None:
        """Hang up."""
        self._client.close()
        self._channel.close()

    def calibrate(self) -> None:
        """
        Find out on the idle server what a request takes beside waiting and being executed.

        That is the wire, and what Triton does about each model of an ensemble: of one client's
        requests, as far apart as they come later, the statistics tell the rest.

        Raises
        ------
        ConnectError
            If the server tells no statistics.
        """
        self._asked_s()
        self._poll()
        self._overhead_s = max(median(self._alone_s() for _ in range(_CALIBRATED)), 0.0)
        self._heard.clear()
        self._poll()
        if not self._heard.wait(_HEARD_S):
            raise ConnectError("Triton tells no statistics of its models")

    def request(self, num_callers: int) -> None:
        """Ask once, and count it to the present window; end that if its time is over."""
        now_s = time.perf_counter()
        if now_s - self._polled_at_s >= _POLLED_S:
            self._poll()
        if now_s - self._began_at_s >= _WINDOW_S:
            self._end_window(num_callers)
        if self._began_at_s == float("inf"):
            self._begin_window()
        self._taken_s.append(self._asked_s())

    def forget(self) -> None:
        """Drop the present window: the load is about to change in the middle of it."""
        self._taken_s.clear()
        self._began_at_s = float("inf")

    def _poll(self) -> None:
        self._polled_at_s = time.perf_counter()
        self._load.asked(self._model, _SENT_BYTES)
        self._load.poll()

    def _take(self, report: LoadReport) -> None:
        self._monitored.observe(report)
        self._heard.set()

    def _begin_window(self) -> None:
        self._began_at_s = time.perf_counter()
        idle_s = self._load.idle_s(self._model)
        self._predicted_s = self._monitored.predicted_s(idle_s, self._began_at_s)

    def _end_window(self, num_callers: int) -> None:
        if len(self._taken_s) > 1:
            measured_s = max(fmean(self._taken_s) - self._overhead_s, 1e-6)
            self.windows.append(
                Window(num_callers, self._predicted_s, measured_s, len(self._taken_s))
            )
        self.forget()

    def _asked_s(self) -> float:
        began_s = time.perf_counter()
        self._client.infer(self._model, self._inputs)
        return time.perf_counter() - began_s

    def _alone_s(self) -> float:
        """Ask once, alone, and give what the statistics do not tell of that very request."""
        time.sleep(_APART_S)
        before = self._spent()
        took_s = self._asked_s()
        now = self._spent()
        for _ in range(_MOST_LOOKS):  # it is counted a moment after it is answered
            if now.num_executed >= before.num_executed + before.num_models:
                break
            now = self._spent()
        return took_s - (now.seconds - before.seconds)

    def _spent(self) -> _Spent:
        """Give how long requests waited before the models and were executed by them so far."""
        steps = set(self._load.models_of(self._model))
        told = self._client.get_inference_statistics().model_stats
        stats = [each.inference_stats for each in told if each.name in steps]
        spent_ns = sum(getattr(each, part).ns for each in stats for part in _PARTS)
        num_executed = sum(each.compute_infer.count for each in stats)
        return _Spent(len(stats), num_executed, spent_ns / _NS_PER_S)


def _input(name: str, array: Any) -> Any:
    tensor = triton_client.InferInput(name, array.shape, np_to_triton_dtype(array.dtype))
    tensor.set_data_from_numpy(array)
    return tensor
