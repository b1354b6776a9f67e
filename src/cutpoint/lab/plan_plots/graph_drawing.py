"""The graph of a plan: blocks in the colours of their hosts, and what travels between them."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from cutpoint.cost import CostTable
from cutpoint.lab.plan_plots.colours import FAINT, HOSTS, INK
from cutpoint.lab.plan_plots.layered_layout import INPUT, Layout, Point
from cutpoint.units import format_size

_HOST_NAMES = ("device", "server", "server behind it")

_MOST_LABELS = 6
"""So many crossing values are named on the drawing."""

_FLAG = 0.75
"""Height of a flag, in blocks."""

_FLAG_COLUMNS = 9
"""How far a flag may reach to a side."""

_LEAST_AREA, _MOST_AREA = 22.0, 240.0
"""Of a block, in points squared."""

_STEPS = np.linspace(0, 1, 12)


def draw_graph(axes: Any, table: CostTable, placement: Sequence[int], layout: Layout) -> None:
    """Draw blocks, arcs and the names of the values that cross between hosts."""
    crossing = _crossing_arcs(table, placement)
    for pair, points in layout.arcs.items():
        is_crossing = pair in crossing
        xs, ys = _smooth(points)
        axes.plot(
            xs,
            ys,
            color=INK if is_crossing else FAINT,
            linewidth=1.8 if is_crossing else 0.8,
            zorder=2 if is_crossing else 1,
            solid_capstyle="round",
        )
    _draw_blocks(axes, table, placement, layout)
    _name_crossing(axes, table, layout, crossing)
    axes.set_xlim(-0.8, layout.num_columns - 0.2)
    axes.set_axis_off()


def _draw_blocks(axes: Any, table: CostTable, placement: Sequence[int], layout: Layout) -> None:
    share = table.device_s / max(float(table.device_s.max()), 1e-12)
    for host, name in enumerate(_HOST_NAMES[: table.num_hosts]):
        blocks = [block for block, where in enumerate(placement) if where == host]
        if not blocks:
            continue
        axes.scatter(
            [layout.points[block][0] for block in blocks],
            [layout.points[block][1] for block in blocks],
            s=[_LEAST_AREA + (_MOST_AREA - _LEAST_AREA) * share[block] for block in blocks],
            color=HOSTS[host],
            edgecolor="white",
            linewidth=0.6,
            label=f"{name}: {len(blocks)} of {table.num_blocks} blocks",
            zorder=3,
        )
    if INPUT in layout.points:
        x, y = layout.points[INPUT]
        axes.scatter([x], [y], s=46, marker="s", color=INK, zorder=3, label="input")


def _crossing_arcs(table: CostTable, placement: Sequence[int]) -> dict[tuple[int | str, int], int]:
    """Give arcs between hosts, and which value each carries."""
    found: dict[tuple[int | str, int], int] = {}
    for index, value in enumerate(table.values):
        source = 0 if value.producer is None else placement[value.producer]
        for consumer in value.consumers:
            if placement[consumer] != source:
                key = INPUT if value.producer is None else value.producer
                found[(key, consumer)] = index
    return found


def _name_crossing(
    axes: Any, table: CostTable, layout: Layout, crossing: dict[tuple[int | str, int], int]
) -> None:
    """Name each crossing value once, on a flag above or below what is drawn there."""
    at: dict[int, Point] = {}
    for pair, carried in crossing.items():
        middle = _middle(layout.arcs[pair])
        at[carried] = max(at.get(carried, middle), middle, key=lambda point: point[1])
    named = sorted(at.items(), key=lambda item: -table.values[item[0]].size_bytes)[:_MOST_LABELS]
    named.sort(key=lambda item: item[1][1])
    low, high = _extent(layout, [x for _, (x, _) in named])
    num_below = len(named) // 2
    for position, (index, point) in enumerate(named):
        is_below = position < num_below
        step = position + 1 if is_below else len(named) - position
        height = low - _FLAG * step if is_below else high + _FLAG * step
        value = table.values[index]
        text = f"{_short(value.name)} ({format_size(value.size_bytes)})"
        # Flags of one side go right and left in turn, so that their lines do not cross.
        to_right = point[0] < _FLAG_COLUMNS or step % 2 == int(point[0] < layout.num_columns / 2)
        _flag(axes, text, point, height, to_right=to_right)
    heights = [y for _, y in layout.points.values()]
    bends = [y for points in layout.arcs.values() for _, y in points]
    top = max([*heights, *bends, high + _FLAG * (len(named) - num_below)])
    bottom = min([*heights, *bends, low - _FLAG * num_below])
    axes.set_ylim(bottom - 0.5, top + 0.5)
    if len(at) > len(named):
        axes.annotate(
            f"and {len(at) - len(named)} more values",
            (0.99, 0.02),
            xycoords="axes fraction",
            ha="right",
            fontsize=8,
            color=INK,
        )


def _extent(layout: Layout, columns: Sequence[float]) -> Point:
    """Give how low and how high the drawing reaches near some columns."""
    first, last = (
        min(columns, default=0.0) - _FLAG_COLUMNS,
        max(columns, default=0.0) + _FLAG_COLUMNS,
    )
    points = [*layout.points.values(), *(p for arc in layout.arcs.values() for p in arc)]
    near = [y for x, y in points if first <= x <= last] or [0.0]
    return min(near), max(near)


def _flag(axes: Any, text: str, point: Point, height: float, *, to_right: bool) -> None:
    axes.annotate(
        text,
        xy=point,
        xytext=(point[0] + (0.3 if to_right else -0.3), height),
        ha="left" if to_right else "right",
        va="center",
        fontsize=8,
        color=INK,
        arrowprops={"arrowstyle": "-", "color": INK, "linewidth": 0.8, "linestyle": ":"},
        bbox={"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": INK, "lw": 0.5},
        zorder=4,
    )


def _middle(points: list[Point]) -> Point:
    xs, ys = _smooth(points)
    half = len(xs) // 2
    return float(xs[half]), float(ys[half])


def _smooth(points: list[Point]) -> tuple[Any, Any]:
    """Join points by curves that leave and arrive level."""
    xs, ys = [], []
    for (x0, y0), (x1, y1) in pairwise(points):
        xs.append(x0 + (x1 - x0) * _STEPS)
        ys.append(y0 + (y1 - y0) * (3 * _STEPS**2 - 2 * _STEPS**3))
    return np.concatenate(xs), np.concatenate(ys)


def _short(name: str, most: int = 44) -> str:
    return name if len(name) <= most else f"...{name[-most + 3 :]}"
