"""RAPL: the energy counters of Intel's and AMD's processors, as Linux's powercap shows them."""

import re
from collections.abc import Sequence
from pathlib import Path

from cutpoint.exceptions import SensorError
from cutpoint.profiling.sensor_file import is_readable, sensor_number, sensor_text

_FOLDER = "sys/class/powercap"

_ZONE = re.compile(r"intel-rapl:\d+(:\d+)?")
"""A package, or a part of one; AMD's processors go by the same name."""

_PLATFORM = "psys"
"""The zone of the whole machine, where there is one: the others are in it."""

_BESIDE_PACKAGE = "dram"
"""The one part that its package does not contain: cores and graphics are in theirs."""

_JOULES = 1e-6


class RaplSensor:
    """
    Adds up the counters of some zones.

    A counter goes back to zero at its own limit, ``max_energy_range_uj``; it has to be read at
    least once before it does so again, which at a hundred watts takes some forty minutes [1]_.

    Parameters
    ----------
    zones
        Folders of zones, none of which is within another.

    References
    ----------
    .. [1] The Linux kernel, Power Capping Framework, ``Documentation/power/powercap``.
    """

    def __init__(self, zones: Sequence[Path]) -> None:
        self.zones = tuple(zones)
        self._last_uj: list[int] = []
        self._total_uj = 0

    def __repr__(self) -> str:
        return f"<RaplSensor of {self.name}>"

    @property
    def name(self) -> str:
        """The zones by the names that they give themselves."""
        return "RAPL " + ", ".join(sensor_text(zone / "name") or zone.name for zone in self.zones)

    def read_j(self, at_s: float) -> float:
        """
        Give the joules drawn since the first reading; the time does not matter.

        Raises
        ------
        SensorError
            If a counter cannot be read, or went back and tells no limit.
        """
        now_uj = [sensor_number(zone / "energy_uj") for zone in self.zones]
        for zone, now, last in zip(self.zones, now_uj, self._last_uj or now_uj, strict=True):
            self._total_uj += now - last + (self._range_uj(zone) if now < last else 0)
        self._last_uj = now_uj
        return self._total_uj * _JOULES

    def _range_uj(self, zone: Path) -> int:
        found = sensor_number(zone / "max_energy_range_uj")
        if found <= 0:
            raise SensorError(
                f"sensor {zone} went back, and says that it counts to {found} uJ: "
                "measure without it"
            )
        return found


def rapl_sensor(root: Path = Path("/")) -> RaplSensor | None:
    """
    Give the sensor of all packages, with their memory; of the whole machine where there is one.

    Parameters
    ----------
    root
        Where the file system begins; another folder only in tests.

    Returns
    -------
    RaplSensor or None
        ``None`` where there is none that may be read: since 2020 that takes a privilege.
    """
    folder = root / _FOLDER
    try:
        found = sorted(path for path in folder.iterdir() if _ZONE.fullmatch(path.name))
    except OSError:
        return None
    zones = [zone for zone in found if is_readable(zone / "energy_uj")]
    named = {zone: sensor_text(zone / "name") for zone in zones}
    whole = [zone for zone in zones if named[zone] == _PLATFORM]
    counted = whole or [
        zone for zone in zones if zone.name.count(":") == 1 or named[zone] == _BESIDE_PACKAGE
    ]
    return RaplSensor(counted) if counted else None
