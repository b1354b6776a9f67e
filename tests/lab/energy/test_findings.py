"""From what policies chose to what is claimed of it, on made-up tables and links."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.lab.arena.shots import shot

from cutpoint.cost import POWER_PROFILES, CutTable
from cutpoint.graph import Cut, Graph
from cutpoint.lab.energy import case as case_module
from cutpoint.lab.energy.campaign import MEASURED_ON
from cutpoint.lab.energy.case import CUTPOINT, ORACLE, SOONEST, EnergyCase, EnergyRun
from cutpoint.lab.energy.findings import (
    DEVICES,
    Cell,
    cells_of,
    claims,
    result_rows,
    summed_ratios,
)
from cutpoint.lab.energy.text import figure_of, told
from cutpoint.lab.traces import Trace
from cutpoint.policies import Fixed
from cutpoint.records import LoadConditions
from cutpoint.simulation.rate_schedule import RateSchedule

STEPS = Trace("steps", RateSchedule(((4.0, 4e6), (4.0, 2e4), (4.0, 5e5)), repeat=True))


@pytest.fixture
def case(table_of: Callable[..., CutTable]) -> EnergyCase:
    """Give a net that is soonest on the server over a good link, and here over a poor one."""
    table = table_of(
        (0.3, 0, 0, 0, 0), (0, 0.3, 0.03, 150_000, 4_000), (0.1, 0.2, 0.02, 40_000, 4_000)
    )
    return EnergyCase("made up", STEPS, table, LoadConditions(wait_s=0.1))


@pytest.mark.parametrize("device", DEVICES)
def test_nobody_is_thriftier_than_who_knows_everything(case: EnergyCase, device: str) -> None:
    """Of none of its rows, on no device; and all ran the same inferences."""
    runs = {run.policy: run for run in case.runs(POWER_PROFILES[device])}
    assert {CUTPOINT, SOONEST, "device-only", "dads", "diamond"} <= runs.keys()
    for run in runs.values():
        assert len(run.energy_j) == len(runs[ORACLE].energy_j)
        # Floats and pixels cross at the same cuts but for the input, where floats are more.
        assert np.all(run.energy_j >= runs[ORACLE].energy_j - 1e-9)


def test_saving_joules_saves_joules(case: EnergyCase) -> None:
    """Beside the same policy that wants to be soon, over all devices together."""
    runs = [case.runs(POWER_PROFILES[device]) for device in DEVICES]
    found = [{run.policy: run.mean_j for run in each} for each in runs]
    assert sum(each[CUTPOINT] for each in found) <= sum(each[SOONEST] for each in found)


def test_published_schemes_see_the_graph(
    case: EnergyCase, graph_of: Callable[..., Graph], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it LoADPart has no regression and ANS none of its seven numbers."""
    asked: list[Graph] = []

    class Watching(Fixed):
        def candidates(self, graph: Graph) -> Sequence[Cut]:
            asked.append(graph)
            return ()

    monkeypatch.setattr(case_module, "PUBLISHED", {"neurosurgeon": lambda: Watching("device")})
    monkeypatch.setattr(case_module, "THRIFTY", ())
    graph = graph_of("(float[1,4] x) => (float[1,4] y) { y = Relu(x) }")
    EnergyCase("made up", STEPS, case.table, LoadConditions(), graph).runs(
        POWER_PROFILES[DEVICES[0]]
    )
    assert asked == [graph]


def test_who_has_a_target_of_energy_is_given_it(case: EnergyCase) -> None:
    """Neurosurgeon saves joules where it is told to, beside itself for time; both are others."""
    cells = cells_of([case])
    for cell in cells:
        names = [run.policy for run in cell.runs]
        assert names.count("neurosurgeon") == names.count("neurosurgeon, energy") == 1
    thrifty, soon = (
        sum(cell.mean_j(name) for cell in cells)
        for name in ("neurosurgeon, energy", "neurosurgeon")
    )
    assert thrifty <= soon
    claim = claims([_spoilt(cells[0], "neurosurgeon, energy"), *cells[1:]], ())[0]
    assert not claim.holds


def test_what_was_not_measured_is_not_claimed_to_hold(case: EnergyCase) -> None:
    """Where no inference of cutpoint counts, the claim is there and fails."""
    power = POWER_PROFILES[MEASURED_ON]
    dads = shot("dads", 0.1)
    dads = replace(dads, record=replace(dads.record, energy_j=0.1 * power.compute_w))
    found = claims(cells_of([case]), [dads])
    (measured,) = [claim for claim in found if claim.name.startswith("real clock: joules")]
    assert not measured.holds


def test_claims_are_of_the_worst_run(case: EnergyCase) -> None:
    """A run in which another is thriftier is named, and breaks the claim."""
    cells = cells_of([case])
    assert len(cells) == len(DEVICES)
    spoilt = [_spoilt(cells[0], "neurosurgeon"), *cells[1:]]
    claim = claims(spoilt, ())[0]
    assert not claim.holds
    assert cells[0].name in claim.name
    assert "neurosurgeon" in claim.name
    assert summed_ratios(spoilt)[DEVICES[0]] == (pytest.approx(claim.value), "neurosurgeon")


def test_the_report_is_of_all_runs(case: EnergyCase, tmp_path: Path) -> None:
    """A row for each policy and device, with joules; words, sources and a picture."""
    cells = cells_of([case])
    rows = result_rows(cells, (), 0)
    assert len(rows) == sum(len(cell.runs) for cell in cells)
    assert all(row.energy_j is not None and row.energy_j > 0 for row in rows)
    text = told(cells, ())
    assert all(POWER_PROFILES[device].source in text for device in DEVICES)
    figure_of(cells).draw(tmp_path / "energy.png")
    assert (tmp_path / "energy.png").stat().st_size > 0


def _spoilt(cell: Cell, thriftiest: str) -> Cell:
    runs = [
        EnergyRun(run.policy, run.energy_j / 10, run.latency_s) if run.policy == thriftiest else run
        for run in cell.runs
    ]
    return Cell(cell.case, cell.device, tuple(runs))
