"""The counters of processors, in copied trees of files."""

from pathlib import Path

import pytest
from tests.profiling.sensor_trees import (
    LAPTOP,
    RAPL,
    TWO_SOCKETS,
    WHOLE_MACHINE,
    planted,
)

from cutpoint.exceptions import SensorError
from cutpoint.profiling.rapl import rapl_sensor


def _count(root: Path, zone: str, energy_uj: int) -> None:
    (root / RAPL / zone / "energy_uj").write_text(f"{energy_uj}\n")


def test_a_package_is_counted_once(tmp_path: Path) -> None:
    """Cores and graphics are in it already; joules are those since the first reading."""
    sensor = rapl_sensor(planted(tmp_path, LAPTOP))
    assert sensor is not None
    assert sensor.name == "RAPL package-0"
    assert sensor.read_j(0.0) == 0.0
    _count(tmp_path, "intel-rapl:0", 7_500_000)
    _count(tmp_path, "intel-rapl:0:0", 99_000_000)
    assert sensor.read_j(1.0) == pytest.approx(2.5)


def test_packages_and_their_memory_are_added_up(tmp_path: Path) -> None:
    """Each socket by itself, and what is in neither."""
    sensor = rapl_sensor(planted(tmp_path, TWO_SOCKETS))
    assert sensor is not None
    assert sensor.name == "RAPL package-0, dram, package-1, dram"
    sensor.read_j(0.0)
    for index, zone in enumerate(sensor.zones):
        _count(tmp_path, zone.name, 1_000_000 + 10**index)
    assert sensor.read_j(1.0) == pytest.approx(1111e-6)


def test_the_whole_machine_goes_before_its_parts(tmp_path: Path) -> None:
    """The package is in it, and not counted beside it."""
    sensor = rapl_sensor(planted(tmp_path, WHOLE_MACHINE))
    assert sensor is not None
    assert sensor.name == "RAPL psys"


def test_a_counter_that_starts_over_goes_on(tmp_path: Path) -> None:
    """At its own limit, however often: what was drawn never gets less."""
    sensor = rapl_sensor(planted(tmp_path, LAPTOP))
    assert sensor is not None
    range_uj = int(LAPTOP[f"{RAPL}/intel-rapl:0/max_energy_range_uj"])
    _count(tmp_path, "intel-rapl:0", range_uj - 1_000_000)
    sensor.read_j(0.0)
    for lap in range(1, 4):
        _count(tmp_path, "intel-rapl:0", 500_000)
        assert sensor.read_j(float(lap)) == pytest.approx(1.5 + (lap - 1) * range_uj * 1e-6)
        _count(tmp_path, "intel-rapl:0", range_uj - 1_000_000)
        assert sensor.read_j(float(lap)) == pytest.approx(lap * range_uj * 1e-6)


@pytest.mark.parametrize("range_text", ["0", "-5", "", "much"])
def test_a_counter_that_goes_back_without_a_limit_tells_nothing(
    tmp_path: Path, range_text: str
) -> None:
    """It is said by its file: a guess would be worse than no figure."""
    sensor = rapl_sensor(planted(tmp_path, LAPTOP))
    assert sensor is not None
    sensor.read_j(0.0)
    (tmp_path / RAPL / "intel-rapl:0/max_energy_range_uj").write_text(range_text)
    _count(tmp_path, "intel-rapl:0", 1)
    with pytest.raises(SensorError, match="intel-rapl:0"):
        sensor.read_j(1.0)


@pytest.mark.parametrize("text", ["", "many", "1.5", "\xff"])
def test_what_is_no_number_is_no_sensor(tmp_path: Path, text: str) -> None:
    """Found out before anything is measured by it."""
    planted(tmp_path, LAPTOP)
    for zone in (tmp_path / RAPL).iterdir():
        (zone / "energy_uj").write_text(text, encoding="latin-1")
    assert rapl_sensor(tmp_path) is None


def test_a_machine_without_one_has_none(tmp_path: Path) -> None:
    """No folder, an empty one, and zones that may not be read are all the same."""
    assert rapl_sensor(tmp_path) is None
    (tmp_path / RAPL).mkdir(parents=True)
    assert rapl_sensor(tmp_path) is None
    (tmp_path / RAPL / "intel-rapl:0/energy_uj").mkdir(parents=True)
    assert rapl_sensor(tmp_path) is None
