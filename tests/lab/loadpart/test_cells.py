"""LoADPart's grid on a made-up net."""

import numpy as np
import pytest

from cutpoint.cost import predict
from cutpoint.lab.load_series import LoadSeries
from cutpoint.lab.loadpart.balance import BALANCED_MBIT_PER_S, balanced_factor
from cutpoint.lab.loadpart.cells import (
    AWARE,
    BLIND,
    CUTPOINT,
    FULL,
    ORACLE,
    LoadCell,
    NetTables,
    average_saving,
    overall_saving,
)
from cutpoint.lab.papers.links import link_conditions
from cutpoint.lab.papers.paper_net import PaperNet

_NUM = 20


def _series(level: float, slowdown: float) -> LoadSeries:
    at_s = np.arange(0.0, 1.0, 0.1)
    return LoadSeries(level, 0.01, at_s, np.zeros(10), np.full(10, 0.01 * slowdown))


@pytest.fixture(scope="module")
def cells(net: PaperNet) -> list[LoadCell]:
    """Give cells at an idle server and one that takes forty times as long."""
    tables = NetTables.of(net, 4.0)
    series = _series(0.0, 1.0), _series(0.9, 40.0)
    return [LoadCell(tables, each, mbit, _NUM) for each in series for mbit in (8.0, 20.0)]


def test_the_middle_net_is_balanced_at_the_middle_link(net: PaperNet) -> None:
    """Device-only takes what server-only takes there; another net of three changes nothing."""
    factor = balanced_factor([net])
    found = predict(net.raw_table(factor, ()), link_conditions(BALANCED_MBIT_PER_S)).latency_s
    assert found[0] == pytest.approx(found[1], rel=1e-6)
    assert balanced_factor([net, net, net]) == factor


def test_nobody_beats_the_oracle_of_the_same_rows(cells: list[LoadCell]) -> None:
    """It takes the row that truly is the soonest; cutpoint with codecs has more of them."""
    for cell in cells:
        for name, run in cell.runs.items():
            assert name == FULL or run.mean_s >= cell.mean_s(ORACLE) - 1e-12


def test_who_knows_of_the_load_leaves_a_loaded_server(cells: list[LoadCell]) -> None:
    """Load-blind goes on sending; idle, both do the same."""
    idle, busy = cells[1], cells[3]
    assert (idle.level, busy.level, busy.mbit_per_s) == (0.0, 0.9, 20.0)
    assert idle.saving(AWARE) == pytest.approx(0.0, abs=0.01)  # the polls take link time
    assert np.all(busy.runs[BLIND].rows != 0)
    assert busy.runs[AWARE].rows[-1] == 0
    assert busy.saving(AWARE) > 0.3
    assert busy.saving(CUTPOINT) > 0.3


def test_load_blind_is_told_the_link_and_never_the_load(cells: list[LoadCell]) -> None:
    """It decides under load as at the idle server."""
    assert cells[1].runs[BLIND].rows.tolist() == cells[3].runs[BLIND].rows.tolist()
    assert cells[3].runs[BLIND].probe_bytes == 0
    assert cells[3].runs[AWARE].probe_bytes > 0


def test_savings_are_of_the_mean_and_the_mean_of_shares(cells: list[LoadCell]) -> None:
    """Two averages, which differ where long cells save more than short ones."""
    chosen = [cells[1], cells[3]]
    shares = [cell.saving(AWARE) for cell in chosen]
    assert average_saving(chosen, AWARE) == pytest.approx(np.mean(shares))
    blind_s, aware_s = (sum(cell.mean_s(name) for cell in chosen) for name in (BLIND, AWARE))
    assert overall_saving(chosen, AWARE) == pytest.approx(1 - aware_s / blind_s)
