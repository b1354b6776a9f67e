"""What a loaded server is like, request by request: how long each waits, and how slowly it runs."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from numpy.typing import NDArray

from cutpoint.exceptions import ExperimentError
from cutpoint.lab.background_load import BackgroundLoad, target_of
from cutpoint.lab.one_core import pin
from cutpoint.lab.server_process import ServerProcess
from cutpoint.records import LoadConditions
from cutpoint.simulation.load_schedule import LoadSchedule
from cutpoint.wire.channel import open_channel
from cutpoint.wire.protocol import get_parameters, messages, number, services
from cutpoint.wire.tensors import TensorSpec, to_bytes

SERVER_ARGUMENTS = ("--workers", "16", "--max-waiting", "48", "--max-batch", "1")
"""Requests share the server's one core, as kernels of several processes share an accelerator:
others show in how slowly a request runs, and in a wait only where sixteen run already."""

_TIMEOUT_S = 30.0
_TIMES_IDLE_PAUSE = 6.0
"""Pause between two requests of ours, on average, as a multiple of an idle one: they are to see
the load, not to be it."""

_LEAST_PAUSE_S = 0.02
_IDLE_REQUESTS = 12
_SETTLES_S = 1.0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LoadSeries:
    """
    What requests met at one level of load, one after the other.

    Parameters
    ----------
    level
        Share of the server's capacity that others ask for.
    idle_s
        What the same request takes on the idle server.
    at_s
        When each was sent, from 0. Shape ``(n,)``, as the others.
    wait_s, run_s
        Time in the queue, and running.
    num_refused
        Requests beside these that the server had no room for.
    """

    level: float
    idle_s: float
    at_s: Floats
    wait_s: Floats
    run_s: Floats
    num_refused: int = 0

    @property
    def slowdowns(self) -> Floats:
        """Running time over that on the idle server, 1 at least. Shape ``(n,)``."""
        return np.maximum(self.run_s / self.idle_s, 1.0)

    @property
    def mean_slowdown(self) -> float:
        """Mean of the slow-downs: ``k``."""
        return float(self.slowdowns.mean())

    @property
    def mean_waits(self) -> float:
        """Mean wait in idle requests: ``W / E``."""
        return float(self.wait_s.mean() / self.idle_s)

    def schedule_for(self, idle_s: float) -> LoadSchedule:
        """
        Give the same load of a server whose requests take another time.

        Parameters
        ----------
        idle_s
            Of one request there. Waits and the pace of all changes grow with it: a queue of
            long requests fills and drains as many times as slowly.

        Returns
        -------
        LoadSchedule
            It begins anew after its end.
        """
        scale = idle_s / self.idle_s
        ends_s = np.append(self.at_s[1:], 2 * self.at_s[-1] - self.at_s[-2])
        phases = tuple(
            (float(length_s), LoadConditions(float(wait_s), float(slowdown)))
            for length_s, wait_s, slowdown in zip(
                scale * (ends_s - self.at_s), scale * self.wait_s, self.slowdowns, strict=True
            )
        )
        return LoadSchedule(phases, repeat=True)


def measure_series(
    path: Path, levels: Sequence[float], duration_s: float, seed: int = 0
) -> tuple[LoadSeries, ...]:
    """
    Load a real server with requests for a whole model, and ask it for the same meanwhile.

    Parameters
    ----------
    path
        Of the model.
    levels
        Shares of the capacity, which is measured first.
    duration_s
        Of each level above 0.
    seed
        Of all arrivals.

    Raises
    ------
    ExperimentError
        If it answers fewer than two requests at a level.
    """
    rng = np.random.default_rng(seed)
    with ServerProcess([str(path)], arguments=SERVER_ARGUMENTS) as server:
        pin(server.pid)
        target = target_of(path, server.address, num_connections=8)
        with _Asker(server.address, target.model, _feed_of(target), rng) as asker:
            idle_s = asker.idle_s(_IDLE_REQUESTS)
            with BackgroundLoad(target, deadline_s=_TIMEOUT_S, seed=seed) as load:
                load.measure()
                found = [_level(load, asker, level, idle_s, duration_s) for level in levels]
    return tuple(found)


def _level(
    load: BackgroundLoad, asker: "_Asker", level: float, idle_s: float, duration_s: float
) -> LoadSeries:
    load.set(level)
    if level:
        time.sleep(_SETTLES_S)
    series = asker.series(level, idle_s, duration_s if level else duration_s / 4)
    load.set(0.0)
    asker.idle_s(1)  # what is still queued is finished first
    return series


def _feed_of(target: Any) -> dict[str, NDArray[Any]]:
    return {each.name: np.zeros(each.dims, np.dtype(each.dtype)) for each in target.inputs}


class _Asker:
    """Asks for a whole model, one request after the other, and reads what each met."""

    def __init__(
        self, address: str, model: str, feed: dict[str, NDArray[Any]], rng: np.random.Generator
    ) -> None:
        self._channel = open_channel(address)
        self._stub = services.GRPCInferenceServiceStub(self._channel)
        self._rng = rng
        self._request = messages.ModelInferRequest(model_name=model)
        for name, array in feed.items():
            spec = TensorSpec.of(name, array)
            self._request.inputs.add(name=name, datatype=spec.datatype, shape=spec.dims)
            self._request.raw_input_contents.append(bytes(to_bytes(array)))

    def __enter__(self) -> "_Asker":  # noqa: PYI034 (Self needs Python 3.11)
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()

    def idle_s(self, count: int) -> float:
        """Give the median running time of some requests, one after the other."""
        found = (self._ask() for _ in range(count))
        return float(np.median([met[1] for met in found if met is not None]))

    def series(self, level: float, idle_s: float, duration_s: float) -> LoadSeries:
        """Ask again and again, with pauses at random."""
        pause_s = max(_TIMES_IDLE_PAUSE * idle_s, _LEAST_PAUSE_S)
        began_s, refused = time.perf_counter(), 0
        at_s: list[float] = []
        met: list[tuple[float, float]] = []
        while (now_s := time.perf_counter() - began_s) < duration_s or len(met) < 2:
            found = self._ask()
            if found is None:
                refused += 1
            else:
                at_s.append(now_s)
                met.append(found)
            if refused > 1000:
                raise ExperimentError(
                    f"the server refused {refused} requests at {level:.0%} load: nothing is known"
                )
            time.sleep(float(self._rng.exponential(pause_s)))
        wait_s, run_s = np.array(met).T
        return LoadSeries(level, idle_s, np.array(at_s) - at_s[0], wait_s, run_s, refused)

    def _ask(self) -> tuple[float, float] | None:
        """Give wait and running time of one request; ``None`` if there was no room for it."""
        try:
            response = self._stub.ModelInfer(self._request, timeout=_TIMEOUT_S)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
                return None
            raise
        parameters = get_parameters(response.parameters)
        return number(parameters, "wait_s"), number(parameters, "tail_s")
