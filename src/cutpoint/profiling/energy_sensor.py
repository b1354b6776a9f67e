"""What tells how many joules this machine has drawn, where something does."""

from pathlib import Path
from typing import Protocol

from cutpoint.profiling.ina3221 import ina3221_sensor
from cutpoint.profiling.rapl import rapl_sensor


class EnergySensor(Protocol):
    """Counts joules from when it is first read."""

    @property
    def name(self) -> str:
        """What it measures, and of what, for people."""
        ...

    def read_j(self, at_s: float) -> float:
        """
        Give the joules drawn since the first reading.

        Parameters
        ----------
        at_s
            Now, in seconds of any clock that does not go back.

        Raises
        ------
        SensorError
            If it cannot be read any more, or what it gives is no figure.
        """
        ...


def energy_sensor(root: Path = Path("/")) -> EnergySensor | None:
    """
    Give what measures this machine best; ``None`` where nothing can be read.

    A monitor at the power input (INA3221) before the processor's own counter (RAPL): it sees
    memory and the rest of the module, too.

    Parameters
    ----------
    root
        Where the file system begins; another folder only in tests.
    """
    return ina3221_sensor(root) or rapl_sensor(root)
