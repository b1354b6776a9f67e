"""INA3221: the monitor of voltages and currents on NVIDIA's boards, as Linux's hwmon shows it."""

from pathlib import Path
from typing import NamedTuple

from cutpoint.profiling.sensor_file import is_readable, sensor_number, sensor_text

_FOLDER = "sys/class/hwmon"

_CHANNELS = (1, 2, 3)
"""The chip has three; what the driver numbers above them are sums and shunts."""

_INPUTS = ("VDD_IN", "POM_5V_IN")
"""Rails through which all of a module is fed: what is behind them is in them."""

_NOT_CONNECTED = "NC"

_WATTS = 1e-3 * 1e-3
"""Of millivolts times milliamperes."""


class Rail(NamedTuple):
    """One channel of one chip."""

    folder: Path
    channel: int
    label: str

    @property
    def power_w(self) -> float:
        """
        What goes through it now.

        Raises
        ------
        SensorError
            If it cannot be read.
        """
        voltage_mv = sensor_number(self.folder / f"in{self.channel}_input")
        current_ma = sensor_number(self.folder / f"curr{self.channel}_input")
        return voltage_mv * current_ma * _WATTS


class Ina3221Sensor:
    """
    Integrates the power of some rails over time, as a trapezium between two readings.

    It knows nothing of what happens between them: read it every few tens of milliseconds.

    Parameters
    ----------
    rails
        None of which feeds another.
    """

    def __init__(self, rails: tuple[Rail, ...]) -> None:
        self.rails = rails
        self._last: tuple[float, float] | None = None
        self._total_j = 0.0

    def __repr__(self) -> str:
        return f"<Ina3221Sensor of {self.name}>"

    @property
    def name(self) -> str:
        """The rails by their labels."""
        return "INA3221 " + ", ".join(rail.label for rail in self.rails)

    @property
    def power_w(self) -> float:
        """What goes through all rails now."""
        return sum(rail.power_w for rail in self.rails)

    def read_j(self, at_s: float) -> float:
        """
        Give the joules drawn since the first reading.

        Raises
        ------
        SensorError
            If a rail cannot be read.
        """
        power_w = self.power_w
        if self._last is not None:
            last_s, last_w = self._last
            self._total_j += max(at_s - last_s, 0.0) * (last_w + power_w) / 2
        self._last = at_s, power_w
        return self._total_j


def ina3221_sensor(root: Path = Path("/")) -> Ina3221Sensor | None:
    """
    Give the sensor of the rail that feeds the module; of all rails where none is known to.

    Parameters
    ----------
    root
        Where the file system begins; another folder only in tests.

    Returns
    -------
    Ina3221Sensor or None
        ``None`` where there is no such chip, or none of its channels can be read.
    """
    try:
        folders = sorted((root / _FOLDER).iterdir())
    except OSError:
        return None
    chips = [folder for folder in folders if sensor_text(folder / "name").startswith("ina3221")]
    rails = [rail for chip in chips for rail in _rails_of(chip)]
    whole = [rail for rail in rails if rail.label in _INPUTS]
    chosen = tuple(whole[:1] or rails)
    return Ina3221Sensor(chosen) if chosen else None


def _rails_of(chip: Path) -> list[Rail]:
    """Give the channels that are connected, switched on and can be read."""
    found = []
    for channel in _CHANNELS:
        label = sensor_text(chip / f"in{channel}_label") or f"channel {channel}"
        is_off = sensor_text(chip / f"in{channel}_enable") == "0" or label == _NOT_CONNECTED
        files = (chip / f"in{channel}_input", chip / f"curr{channel}_input")
        if not is_off and all(map(is_readable, files)):
            found.append(Rail(chip, channel, label))
    return found
