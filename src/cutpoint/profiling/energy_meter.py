"""Reads a sensor beside whatever is measured."""

import time
from collections.abc import Callable
from threading import Event, Thread
from types import TracebackType

from cutpoint.exceptions import SensorError
from cutpoint.profiling.energy_sensor import EnergySensor

_EVERY_S = 0.02
"""Short beside what is measured, long beside reading: an I2C transfer takes a millisecond."""


class EnergyMeter:
    """
    Counts joules while its block runs, by a thread that reads a sensor again and again.

    Parameters
    ----------
    sensor
        ``None`` counts nothing.
    every_s
        Time between two readings.
    clock
        Gives seconds.

    Examples
    --------
    >>> with EnergyMeter(None) as meter:
    ...     pass
    >>> meter.energy_j is None
    True
    """

    def __init__(
        self,
        sensor: EnergySensor | None,
        every_s: float = _EVERY_S,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.sensor = sensor
        self.energy_j: float | None = None
        self.duration_s = 0.0
        self.problem: SensorError | None = None
        self._every_s = every_s
        self._clock = clock
        self._began_s = self._before_j = 0.0
        self._is_over = Event()
        self._thread: Thread | None = None

    def __repr__(self) -> str:
        return f"<EnergyMeter of {self.sensor!r}: {self.energy_j} J in {self.duration_s} s>"

    def __enter__(self) -> "EnergyMeter":  # noqa: PYI034 (Self needs Python 3.11)
        if self.sensor is not None:
            self._read(self.sensor)
            self._began_s, self._before_j = self.duration_s, self.energy_j or 0.0
            self.duration_s, self.energy_j = 0.0, None
            self._thread = Thread(target=self._go_on, args=(self.sensor,), name="energy meter")
            self._thread.daemon = True
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_over.set()
        if self.sensor is not None and self._thread is not None:
            self._thread.join()
            self._read(self.sensor)

    @property
    def power_w(self) -> float | None:
        """Mean draw; ``None`` where nothing was measured."""
        if self.energy_j is None or not self.duration_s:
            return None
        return self.energy_j / self.duration_s

    def _go_on(self, sensor: EnergySensor) -> None:
        while self.problem is None and not self._is_over.wait(self._every_s):
            self._read(sensor)

    def _read(self, sensor: EnergySensor) -> None:
        """Take one reading; a sensor that fails once is left alone, and nothing is claimed."""
        if self.problem is not None:
            return
        at_s = self._clock()
        try:
            self.energy_j = sensor.read_j(at_s) - self._before_j
            self.duration_s = at_s - self._began_s
        except SensorError as problem:
            self.problem, self.energy_j = problem, None
