"""Plots of plans: the grids behind them, the layout of the graph, and files that are pictures."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cutpoint.cost import NO_LIMITS, CostTable, head_rows
from cutpoint.exceptions import MissingDependencyError
from cutpoint.lab.plan_plots import PlottedPlan, best_cut_map, plot_plan, plot_savings, savings
from cutpoint.lab.plan_plots.best_cut_map import NOTHING
from cutpoint.lab.plan_plots.colours import split_colours
from cutpoint.lab.plan_plots.layered_layout import INPUT, layered_layout
from cutpoint.planning.objective import Objective
from cutpoint.records import Conditions, LinkConditions
from cutpoint.testing.tables import SHAPES, cost_table

LATENCY = Objective("latency")
LINK = Conditions(LinkConditions(1e6, 2e6, 0.01, 0.01))


def _table(name: str = "inception block") -> CostTable:
    shape = SHAPES[name]
    num = len(shape)
    return cost_table(shape, [1.0] * num, [0.1] * num, [1e5] * num, 1e6)


def _chain_rows():
    table = _table("chain")
    return head_rows(table, [0b1111, 0, 0b1, 0b11], NO_LIMITS)


def test_the_map_shows_the_best_row_everywhere() -> None:
    """Every point of the fine grid is what choosing there gives, also where cells meet."""
    rows = _chain_rows()
    found = best_cut_map(rows, LATENCY, LINK, (1e4, 1e8), (0.5, 16.0))
    assert found.rows.shape == (len(found.loads), len(found.bandwidths_bytes_per_s))
    assert {0, 1, 2} <= set(np.unique(found.rows).tolist())
    up = rows.up_bytes / found.bandwidths_bytes_per_s[:, None]
    down = rows.down_bytes / (2 * found.bandwidths_bytes_per_s[:, None])
    fixed = rows.head_s + 0.02 * rows.is_offloaded + up + down
    for row, load in list(zip(found.rows, found.loads, strict=True))[::16]:
        latency_s = fixed + load * rows.tail_s
        assert latency_s[np.arange(len(row)), row] == pytest.approx(latency_s.min(axis=1))


def test_the_map_says_where_nothing_is_allowed() -> None:
    """A deadline that no row keeps leaves no row."""
    late = Objective("deadline", 0.001)
    found = best_cut_map(_chain_rows(), late, LINK, (1e4, 1e8), (1.0, 16.0))
    assert set(np.unique(found.rows).tolist()) == {NOTHING}


def test_savings_are_shares_of_the_better_end() -> None:
    """What is saved is told against both ends, the server's with its input as coded."""
    bandwidths, loads = np.geomspace(1e5, 1e7, 9), np.array([1.0, 4.0])
    raw = savings(_chain_rows(), LATENCY, LINK, bandwidths, loads, ("float32", 1e6))
    small = savings(_chain_rows(), LATENCY, LINK, bandwidths, loads, ("jpeg", 1e4))
    assert raw.share.shape == (2, 9)
    assert (small.share <= raw.share + 1e-12).all()
    # 1 s on the device, 0.1 MB and 0.3 s behind it, against 1 MB and 0.4 s.
    at_1e6 = (1.0 + 0.02 + 0.1 + 0.05 + 0.3) / min(4.0, 0.02 + 1.0 + 0.05 + 0.4)
    assert raw.share[0, 4] == pytest.approx(max(1 - at_1e6, 0.0))
    most, bandwidth, load = raw.largest
    assert most == raw.share.max()
    assert raw.share[loads == load, bandwidths == bandwidth] == most
    assert raw.mean >= 0.05
    assert 0 < raw.share_of_conditions < 1
    assert raw.range_at(0) is not None
    assert small.share_of_conditions == 0
    assert (small.mean, small.range_at(0)) == (0.0, None)


def test_only_a_split_will_do_counts_as_everything() -> None:
    """Where no end keeps a deadline and a split does, all is saved; where none does, nothing."""
    objective = Objective("deadline", 1.8)
    found = savings(
        _chain_rows(), objective, LINK, np.array([1e4, 5e5]), np.array([1.0]), ("float32", 1e6)
    )
    assert found.share.tolist() == [[0.0, 1.0]]


@pytest.mark.parametrize("name", SHAPES)
def test_every_block_has_a_place_of_its_own(name: str) -> None:
    """Blocks stand right of what they need, apart from each other, and arcs join them."""
    table = _table(name)
    layout = layered_layout(table)
    points = layout.points
    assert set(points) == {INPUT, *range(table.num_blocks)}
    assert len({(x, round(y, 3)) for x, y in points.values()}) == len(points)
    for (source, target), line in layout.arcs.items():
        assert points[source][0] < points[target][0]
        assert (line[0], line[-1]) == (points[source], points[target])
        assert len(line) == points[target][0] - points[source][0] + 1
    for first in range(table.num_blocks):
        for other in range(first):
            if points[first][0] == points[other][0]:
                assert abs(points[first][1] - points[other][1]) >= 1 - 1e-9


def test_a_chain_is_drawn_straight() -> None:
    """Nothing bends that need not."""
    assert {y for _, y in layered_layout(_table("chain")).points.values()} == {0.0}


def test_splits_have_colours_of_their_own() -> None:
    """However many there are, within reason."""
    for num in (0, 1, 2, 12, 40):
        assert len(set(split_colours(num))) == num


@pytest.mark.parametrize(
    ("suffix", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
)
def test_a_plan_is_drawn(tmp_path: Path, suffix: str, magic: bytes) -> None:
    """The suffix tells the format; three hosts and cuts of several values are drawn alike."""
    table = _table()
    table = replace(table, host_s=np.vstack([table.host_s, table.host_s[1] / 10]))
    heads = [table.everything, 0, 0b1, 0b11111]
    rows = head_rows(table, heads, NO_LIMITS)
    best = best_cut_map(rows, LATENCY, LINK, (1e4, 1e8), (0.5, 16.0))
    shown = PlottedPlan(
        table=table,
        title="a plan",
        map_title="the map",
        graph_title="the graph",
        best=best,
        names=["device-only", "server-only", "v0 (100 KB)", "v0, v1, and a long one " * 4],
        asked=[(1e6, 1.0), (1e7, 2.0)],
        placement=(0, 0, 0, 0, 1, 1, 1, 1, 2),
    )
    path = tmp_path / f"plan.{suffix}"
    plot_plan(shown, path)
    assert path.read_bytes().startswith(magic)


@pytest.mark.parametrize("loads", [[1.0], [1.0, 2.0, 4.0]])
def test_savings_are_drawn(tmp_path: Path, loads: list[float]) -> None:
    """One map per coding, also of one load alone."""
    found = [
        savings(_chain_rows(), LATENCY, LINK, np.geomspace(1e5, 1e7, 5), np.array(loads), coding)
        for coding in (("float32", 1e6), ("jpeg", 1e4))
    ]
    plot_savings("what is saved", found, tmp_path / "savings.png")
    assert (tmp_path / "savings.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("missing", ["matplotlib", "networkx"])
def test_a_missing_package_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, missing: str
) -> None:
    """Drawing without what draws says what to install."""
    table = _table("chain")
    best = best_cut_map(_chain_rows(), LATENCY, LINK, (1e6, 1e7), (1.0, 2.0))
    shown = PlottedPlan(table, "", "", "", best, [""] * 4, [], (0, 0, 1, 1))
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingDependencyError, match=r"cutpoint\[lab\]"):
        plot_plan(shown, tmp_path / "plan.png")
