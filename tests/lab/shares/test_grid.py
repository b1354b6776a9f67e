"""Grids hold every mix once, and weigh rows as the objective does."""

import numpy as np
import pytest

from cutpoint.cost import predict
from cutpoint.lab.shares.grid import IDLE_SERVER, LOADED_SERVER, USUAL_LINKS, WIDE, Grid, grid_of
from cutpoint.lab.shares.plain_rows import PlainRows

ROWS = PlainRows(
    head_s=np.array([0.1, 0.0, 0.02]),
    encode_s=np.array([0.0, 0.001, 0.002]),
    tail_s=np.array([0.0, 0.01, 0.008]),
    up_bytes=np.array([0.0, 1e5, 2e4]),
    down_bytes=np.array([0.0, 4e3, 4e3]),
    is_offloaded=np.array([False, True, True]),
    num_values=np.array([0, 1, 1]),
)


@pytest.mark.parametrize(
    ("grid", "num_points"),
    [(USUAL_LINKS, 630), (WIDE, 1170), (IDLE_SERVER, 8), (LOADED_SERVER, 16)],
)
def test_a_grid_has_every_mix_once(grid: Grid, num_points: int) -> None:
    """As many points as mixes, no two alike, the bandwidth slowest."""
    assert len(grid.conditions) == num_points == np.prod(grid.shape)
    assert len(set(grid.conditions)) == num_points
    links = [each.link.bandwidth_up_bytes_per_s for each in grid.conditions if each.link]
    assert links == sorted(links)


@pytest.mark.parametrize("has_answers", [True, False])
def test_latencies_are_those_of_the_objective(has_answers: bool) -> None:
    """Every row at every point takes what `predict` says; without answers nothing comes back."""
    usual = grid_of((1, 10, 100), (1.0, 20.0), (1.0, 5.0), (0.002, 0.08))
    grid = Grid(*(getattr(usual, name) for name in _FIELDS), has_answers=has_answers)
    found = ROWS.latency_s(grid)
    for point, conditions in enumerate(grid.conditions):
        assert found[point] == pytest.approx(predict(ROWS, conditions).latency_s)
    link = grid.conditions[0].link
    assert link is not None
    back_s = 4e3 / link.bandwidth_up_bytes_per_s
    assert found[0, 1] == pytest.approx(0.001 + 0.002 + 1e5 / 125e3 + 0.01 + back_s * has_answers)


def test_more_head_is_slowed_with_the_device() -> None:
    """What the device does first takes its slow-down."""
    grid = grid_of((10,), (1.0, 20.0), (1.0,), (0.002,))
    more = ROWS.with_more_head(0.003).latency_s(grid) - ROWS.latency_s(grid)
    assert more == pytest.approx(np.array([[0.003] * 3, [0.06] * 3]))


_FIELDS = (
    "bandwidths_bytes_per_s", "device_slowdowns", "server_slowdowns", "round_trips_s",
)  # fmt: skip
