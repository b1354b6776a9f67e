"""The meter: which sensor it takes, and what it says when that fails."""

from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from tests.profiling.sensor_trees import LAPTOP, ORIN_NX, planted

from cutpoint.exceptions import SensorError
from cutpoint.profiling.energy_meter import EnergyMeter
from cutpoint.profiling.energy_sensor import energy_sensor


class _Steady:
    """Draws so many watts, and tells when it has been read so often."""

    name = "made up"

    def __init__(self, power_w: float, fails_after: int | None = None) -> None:
        self._power_w = power_w
        self._fails_after = fails_after
        self._num_read = 0
        self.is_enough = Event()

    def read_j(self, at_s: float) -> float:
        self._num_read += 1
        if self._num_read >= 5:
            self.is_enough.set()
        if self._fails_after is not None and self._num_read > self._fails_after:
            raise SensorError("sensor made up is gone")
        return self._power_w * at_s


def _clock() -> Callable[[], float]:
    seconds = iter(range(10, 10_000_000))
    return lambda: float(next(seconds))


def test_the_boards_monitor_goes_before_the_processors(tmp_path: Path) -> None:
    """It sees more; where there is only one, that is taken, and where there is none, none."""
    assert energy_sensor(tmp_path) is None
    planted(tmp_path, LAPTOP)
    processor = energy_sensor(tmp_path)
    assert processor is not None
    assert processor.name.startswith("RAPL")
    planted(tmp_path, ORIN_NX)
    board = energy_sensor(tmp_path)
    assert board is not None
    assert board.name.startswith("INA3221")


def test_joules_are_those_of_the_block() -> None:
    """What was drawn before it is not counted, and the block is read in between."""
    sensor = _Steady(3.0)
    with EnergyMeter(sensor, every_s=0.0, clock=_clock()) as meter:
        assert sensor.is_enough.wait(10)
    assert meter.duration_s > 0
    assert meter.energy_j == pytest.approx(3.0 * meter.duration_s)
    assert meter.power_w == pytest.approx(3.0)


def test_a_sensor_that_fails_claims_nothing() -> None:
    """Half a figure would be a wrong one; what is measured goes on."""
    sensor = _Steady(3.0, fails_after=4)
    with EnergyMeter(sensor, every_s=0.0, clock=_clock()) as meter:
        assert sensor.is_enough.wait(10)
    assert (meter.energy_j, meter.power_w) == (None, None)
    assert "gone" in str(meter.problem)


def test_a_machine_without_a_sensor_is_measured_in_seconds_only() -> None:
    """Nothing is read, no thread is started, and nothing is claimed."""
    with EnergyMeter(None) as meter:
        pass
    assert (meter.energy_j, meter.power_w, meter.problem) == (None, None, None)
