"""What is told of joules, counted and measured."""

import json
from pathlib import Path

import pytest
from tests.profiling.sensor_trees import LAPTOP, ORIN_NX, planted

from cutpoint.cli.energy_lines import tell_measured
from cutpoint.exceptions import SensorError
from cutpoint.profiling.energy_meter import EnergyMeter
from cutpoint.profiling.energy_sensor import energy_sensor


def test_a_sensor_is_told_by_its_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With what it saw, and that it saw everything else, too."""
    with EnergyMeter(energy_sensor(planted(tmp_path, ORIN_NX))) as meter:
        pass
    tell_measured(meter)
    told = " ".join(capsys.readouterr().out.split())
    assert "INA3221 VDD_IN" in told
    assert "5 W on average" in told


def test_without_a_sensor_nothing_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """No figure, and no word about its absence either."""
    with EnergyMeter(None) as meter:
        pass
    tell_measured(meter)
    assert capsys.readouterr() == ("", "")


def test_a_sensor_that_failed_is_a_note(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By its reason, on the other stream: there is no figure to print."""
    with EnergyMeter(energy_sensor(planted(tmp_path, LAPTOP))) as meter:
        meter.problem, meter.energy_j = SensorError("sensor x is gone"), None
    tell_measured(meter)
    found = capsys.readouterr()
    assert found.out == ""
    assert "sensor x is gone" in found.err


def test_records_count_joules_where_it_is_said_what_is_drawn(
    cutpoint, served, six_convs: Path
) -> None:
    """With --power every record has its own; they are those of the device, alone or not."""
    arguments = ("run", six_convs, "--server", served.address, "-n", 4, "--json")
    told = cutpoint(*arguments, "--power", "jetson-nano-wifi", "--objective", "energy")
    assert told.code == 0
    records = [json.loads(line) for line in told.out.splitlines()]
    for record in records:
        latency_s = sum(record["measured"].values())
        assert 1.4 * latency_s <= record["energy_j"] * (1 + 1e-9)
    told = cutpoint(*arguments)
    assert all(json.loads(line)["energy_j"] is None for line in told.out.splitlines())


def test_joules_cannot_be_saved_unknown(cutpoint, six_convs: Path) -> None:
    """An objective of joules without --power is refused before anything begins."""
    told = cutpoint("run", six_convs, "--server", "127.0.0.1:1", "--objective", "energy")
    assert told.code != 0
    assert "needs a power profile" in " ".join(told.err.split())


@pytest.mark.parametrize("objective", ["energy", "weighted:0.5"])
def test_a_plan_is_made_for_joules(cutpoint, six_convs: Path, objective: str) -> None:
    """By the power profile that is named, which the document names as well."""
    told = cutpoint(
        "plan", six_convs, "--link", "10Mbit/s,10ms", "--objective", objective,
        "--power", "jetson-orin-nx-wifi", "--json",
    )  # fmt: skip
    assert told.code == 0, told.err
    found = json.loads(told.out)["objective"]
    assert found["name"] == objective.partition(":")[0]
    assert found["power"] == "jetson-orin-nx-wifi"
