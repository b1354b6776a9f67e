"""What is told of joules: those that were counted, and those that a sensor of this machine saw."""

from collections.abc import Sequence
from statistics import mean

from cutpoint.cli.output import err, out
from cutpoint.profiling.energy_meter import EnergyMeter
from cutpoint.records import InferenceRecord


def tell_counted(records: Sequence[InferenceRecord], power: str | None) -> None:
    """Say what inferences cost on average, by a power profile; nothing where there is none."""
    counted = [record.energy_j for record in records if record.energy_j is not None]
    if counted:
        out.print(f"{mean(counted):.3g} J an inference, by power profile {power}", markup=False)


def tell_measured(meter: EnergyMeter) -> None:
    """Say what a sensor saw, everything else on this machine included; nothing without one."""
    if meter.problem is not None:
        err.print(f"note: no joules were measured: {meter.problem}", markup=False)
    if meter.sensor is None or meter.energy_j is None:
        return
    out.print(
        f"measured {meter.energy_j:.3g} J in {meter.duration_s:.1f} s, {meter.power_w or 0:.3g} W "
        f"on average: {meter.sensor.name}, and whatever else ran",
        markup=False,
    )
