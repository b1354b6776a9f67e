"""The path-wise schedule against all orders."""

import logging
from dataclasses import replace

import numpy as np
import pytest
from tests.planning.flow_shops import drawn, random_paths

from cutpoint.exceptions import PlannerError
from cutpoint.planning.schedules.path_schedule import path_order, paths_of, sends_from_ends

_log = logging.getLogger(__name__)
_NUM_DRAWN = 400


def test_optimal_where_ends_alone_send() -> None:
    """On 400 drawn sets of paths that send from their ends, no order is better."""
    rng = np.random.default_rng(0)
    for _ in range(_NUM_DRAWN):
        shop = drawn(rng, random_paths(rng, int(rng.integers(1, 8))), 1.0)
        ends = [path[-1] for path in paths_of(shop.predecessors) or []]
        send_s = [each if vertex in ends else 0.0 for vertex, each in enumerate(shop.send_s)]
        shop = replace(shop, send_s=send_s)
        assert sends_from_ends(shop.send_s, shop.predecessors)
        assert shop.gap_of(path_order) == 0.0


def test_a_heuristic_where_others_send_too() -> None:
    """With transfers inside the paths it is optimal on most of 400, and says that it may not be."""
    rng = np.random.default_rng(1)
    gaps = []
    for _ in range(_NUM_DRAWN):
        shop = drawn(rng, random_paths(rng, int(rng.integers(2, 8))), 1.0)
        gaps.append(shop.gap_of(path_order))
        assert gaps[-1] == 0.0 or not sends_from_ends(shop.send_s, shop.predecessors)
    optimal = sum(gap == 0.0 for gap in gaps)
    _log.info(
        "path as one job, inner transfers: %d of 400, worst +%.1f %%", optimal, 100 * max(gaps)
    )
    assert 200 < optimal < _NUM_DRAWN
    assert max(gaps) < 0.6


def test_paths_are_told_apart() -> None:
    """Paths are listed from first vertex to end; a fork or a join is none."""
    assert paths_of([0, 0, 0b1, 0b10, 0b100]) == [[0, 2, 4], [1, 3]]
    assert paths_of([0, 0b1, 0b1]) is None
    assert paths_of([0, 0, 0b11]) is None


def test_other_dags_are_refused() -> None:
    """A fork raises, and the message says what to use."""
    with pytest.raises(PlannerError, match="use the general one"):
        path_order([1.0] * 3, [1.0] * 3, [0, 0b1, 0b1])
