"""Simulate many devices and servers: the same policies, estimators and inference machine."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from cutpoint.records import InferenceRecord
from cutpoint.simulation.connection import SimulatedConnection
from cutpoint.simulation.device import SimulatedDevice, Told
from cutpoint.simulation.scenario import BackgroundSpec, DeviceSpec, Scenario
from cutpoint.simulation.server import Job, SimulatedServer
from cutpoint.simulation.shared_lane import SharedLane
from cutpoint.simulation.virtual_clock import VirtualClock


@dataclass(frozen=True)
class SimulationResult:
    """
    What happened.

    Parameters
    ----------
    by_device
        Records of each device, in order.
    arrived_s
        When the input of each of them came: before it began, where the device was at work.
    num_refused
        Requests that each server had no room for.
    """

    by_device: dict[str, tuple[InferenceRecord, ...]]
    arrived_s: dict[str, tuple[float, ...]]
    num_refused: dict[str, int]

    @property
    def records(self) -> tuple[InferenceRecord, ...]:
        """Of all devices, one device after the other."""
        return tuple(record for records in self.by_device.values() for record in records)

    def of(self, device: str) -> tuple[InferenceRecord, ...]:
        """Give the records of one device."""
        return self.by_device[device]


def simulate(
    scenario: Scenario, until_s: float, seed: int = 0, told: Told | None = None
) -> SimulationResult:
    """
    Let everything happen that happens before a time.

    Parameters
    ----------
    until_s
        Inferences that have not ended by then are not among the records.
    seed
        Everything random is drawn from it: the same one gives the same records.
    told
        Told every event of every inference with the actions that it led to.

    Notes
    -----
    The kernel is SimPy. What is simplified beside the client and the server is said at
    `Learner`, `SimulatedConnection`, `SimulatedDrive` and `SimulatedServer`.
    """
    return _Simulation(scenario, seed, told).run(until_s)


@contextmanager
def _uncollected() -> Iterator[None]:
    """
    Look for no garbage meanwhile: to search all records for it takes half of the time.

    None is left: what an inference consists of refers to itself in no circle when it has ended.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():
            gc.freeze()  # and back: all records are old then, without having been looked through
            gc.unfreeze()
        if was_enabled:
            gc.enable()


class _Simulation:
    """One simulation under way."""

    def __init__(self, scenario: Scenario, seed: int, told: Told | None) -> None:
        self._clock = VirtualClock()
        self._lanes: dict[str, tuple[SharedLane, SharedLane]] = {}
        self._servers = {spec.name: SimulatedServer(self._clock, spec) for spec in scenario.servers}
        sources = np.random.SeedSequence(seed).spawn(
            len(scenario.devices) + len(scenario.background)
        )
        rngs = [np.random.default_rng(source) for source in sources]
        self._devices = {
            spec.name: self._device(spec, rng, told)
            for spec, rng in zip(scenario.devices, rngs, strict=False)
        }
        for load, rng in zip(scenario.background, rngs[len(scenario.devices) :], strict=True):
            _Background(self._clock, self._servers[load.server], load, rng)

    def run(self, until_s: float) -> SimulationResult:
        with _uncollected():
            self._clock.run(until=until_s)
        devices = self._devices
        return SimulationResult(
            {name: tuple(device.records) for name, device in devices.items()},
            {
                name: tuple(device.arrived_s[: len(device.records)])
                for name, device in devices.items()
            },
            {name: server.num_refused for name, server in self._servers.items()},
        )

    def _device(
        self, spec: DeviceSpec, rng: np.random.Generator, told: Told | None
    ) -> SimulatedDevice:
        up, down = self._lanes_of(spec)
        connection = SimulatedConnection(
            spec.server, spec.world, self._servers[spec.server], up, down, rng
        )
        return SimulatedDevice(self._clock, spec, connection, rng, told)

    def _lanes_of(self, spec: DeviceSpec) -> tuple[SharedLane, SharedLane]:
        """Give the lanes of a link; a name that was not seen yet begins a new one."""
        name = f"of {spec.name}" if spec.link is None else f"link {spec.link}"
        if name not in self._lanes:
            up, down = spec.world.up_curve, spec.world.down_curve
            self._lanes[name] = SharedLane(self._clock, up), SharedLane(self._clock, down)
        return self._lanes[name]


class _Background:
    """Requests of others, at random, whatever becomes of them."""

    def __init__(
        self,
        clock: VirtualClock,
        server: SimulatedServer,
        spec: BackgroundSpec,
        rng: np.random.Generator,
    ) -> None:
        self._clock = clock
        self._server = server
        self._spec = spec
        self._rng = rng
        if spec.rate_per_s > 0:
            clock.later(spec.from_s, self._wait)

    def _wait(self, _: Any) -> None:
        self._clock.later(float(self._rng.exponential(1.0 / self._spec.rate_per_s)), self._come)

    def _come(self, _: Any) -> None:
        if self._clock.now_s > self._spec.to_s:
            return
        if not self._server.is_dead and self._server.retry_after_s() is None:
            self._server.submit(Job(self._spec.service_s, deadline_s=inf))
        self._wait(None)
