"""The monitor of NVIDIA's boards, in copied trees of files."""

from pathlib import Path

import pytest
from tests.profiling.sensor_trees import AGX_ORIN, HWMON, ORIN_NX, planted

from cutpoint.exceptions import SensorError
from cutpoint.profiling.ina3221 import ina3221_sensor


def test_the_rail_that_feeds_the_module_is_all_of_it(tmp_path: Path) -> None:
    """Five volts times an ampere; the rails behind it are not counted again."""
    sensor = ina3221_sensor(planted(tmp_path, ORIN_NX))
    assert sensor is not None
    assert sensor.name == "INA3221 VDD_IN"
    assert sensor.power_w == pytest.approx(5.0)


def test_rails_side_by_side_are_added_up(tmp_path: Path) -> None:
    """Over both chips, but for channels that are off or lead nowhere."""
    sensor = ina3221_sensor(planted(tmp_path, AGX_ORIN))
    assert sensor is not None
    assert sensor.name == "INA3221 VDD_GPU_SOC, VDD_CPU_CV, VIN_SYS_5V0"
    assert sensor.power_w == pytest.approx(2.0 + 1.0 + 3.0)


def test_power_is_integrated_between_readings(tmp_path: Path) -> None:
    """As a trapezium: 5 W for two seconds, then rising to 10 W within one."""
    sensor = ina3221_sensor(planted(tmp_path, ORIN_NX))
    assert sensor is not None
    assert sensor.read_j(100.0) == 0.0
    assert sensor.read_j(102.0) == pytest.approx(10.0)
    (tmp_path / HWMON / "hwmon1/curr1_input").write_text("2000\n")
    assert sensor.read_j(103.0) == pytest.approx(17.5)
    assert sensor.read_j(102.5) == pytest.approx(17.5)


def test_a_channel_without_a_label_counts(tmp_path: Path) -> None:
    """Boards whose device tree names nothing are measured all the same."""
    files = {
        f"{HWMON}/hwmon0/name": "ina3221",
        f"{HWMON}/hwmon0/in2_input": "12000",
        f"{HWMON}/hwmon0/curr2_input": "500",
    }
    sensor = ina3221_sensor(planted(tmp_path, files))
    assert sensor is not None
    assert (sensor.name, sensor.power_w) == ("INA3221 channel 2", pytest.approx(6.0))


def test_a_rail_that_is_lost_is_told_by_its_file(tmp_path: Path) -> None:
    """A driver that is taken away meanwhile makes no figure up."""
    sensor = ina3221_sensor(planted(tmp_path, ORIN_NX))
    assert sensor is not None
    sensor.read_j(0.0)
    (tmp_path / HWMON / "hwmon1/in1_input").unlink()
    with pytest.raises(SensorError, match="in1_input"):
        sensor.read_j(1.0)


def test_a_machine_without_one_has_none(tmp_path: Path) -> None:
    """No folder, other chips only, and a chip that cannot be read."""
    assert ina3221_sensor(tmp_path) is None
    others = {f"{HWMON}/hwmon0/name": "coretemp", f"{HWMON}/hwmon0/in1_input": "1"}
    assert ina3221_sensor(planted(tmp_path, others)) is None
    switched_off = {path: text for path, text in ORIN_NX.items() if "curr" not in path}
    assert ina3221_sensor(planted(tmp_path, switched_off)) is None
