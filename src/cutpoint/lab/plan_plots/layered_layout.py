"""Where blocks go on a drawing: columns by depth, few crossings, straight chains."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from cutpoint.cost import CostTable
from cutpoint.lab.plan_plots.libraries import networkx

_SWEEPS = 24
"""Times the order in the columns, then the heights, are improved from both sides."""

_BEND_SIZE = 0.6
"""Height that an arc takes where it passes a column; a block takes one."""

_BLOCK_WEIGHT = 5.0
"""An arc gives way to a block as this to one."""

_TO_THE_AXIS = 0.97
"""Keeps what no neighbour holds from drifting."""

INPUT = "input"
"""Key of what stands for the model's inputs."""

Point = tuple[float, float]
Key = int | str | tuple[int, int, int]
"""A block, the input, or a bend of arc (source, target) in a column."""


@dataclass(frozen=True)
class Layout:
    """
    Points of blocks, and the bends of arcs between them.

    Parameters
    ----------
    points
        By block; `INPUT` stands for the inputs.
    arcs
        Per (source, target), the points an arc passes, its ends included.
    num_columns, num_rows
        How wide and how high, in blocks.
    """

    points: dict[int | str, Point]
    arcs: dict[tuple[int | str, int], list[Point]]
    num_columns: int
    num_rows: float


def layered_layout(table: CostTable) -> Layout:
    """
    Lay a table's blocks out from left to right by depth.

    Arcs over several columns bend at a point of their own in each, so that they pass
    beside the blocks between (Sugiyama's scheme): networkx' multipartite layout places
    columns whose order was improved by mean neighbours; then the heights are drawn
    towards those of the neighbours, so that chains are straight.
    """
    column: dict[int | str, int] = {INPUT: 0}
    column.update(enumerate(table.depths))
    arcs = _arcs(table)
    columns: list[list[Key]] = [[] for _ in range(max(table.depths) + 1)]
    for key, depth in column.items():
        columns[depth].append(key)
    chains: dict[tuple[int | str, int], list[Key]] = {}
    for source, target in arcs:
        bends = range(column[source] + 1, column[target])
        index = -1 if isinstance(source, str) else source
        chain: list[Key] = [source, *((index, target, depth) for depth in bends), target]
        for bend in chain[1:-1]:
            columns[column[source] + chain.index(bend)].append(bend)
        chains[(source, target)] = chain
    links = [pair for chain in chains.values() for pair in pairwise(chain)]
    _order(columns, links)
    graph = networkx().DiGraph(links)
    placed = networkx().multipartite_layout(graph, subset_key=dict(enumerate(columns)), scale=1)
    order = [sorted(keys, key=lambda key: float(placed[key][1])) for keys in columns]
    heights = _heights(order, links)
    point = {
        key: (float(number), heights[key]) for number, keys in enumerate(order) for key in keys
    }
    spread = np.ptp(list(heights.values())) if heights else 0.0
    return Layout(
        points={key: point[key] for key in (INPUT, *range(table.num_blocks)) if key in point},
        arcs={pair: [point[key] for key in chain] for pair, chain in chains.items()},
        num_columns=len(columns),
        num_rows=float(spread) + 1,
    )


def _arcs(table: CostTable) -> list[tuple[int | str, int]]:
    found: dict[tuple[int | str, int], None] = {}
    for value in table.values:
        for consumer in value.consumers:
            found[(INPUT if value.producer is None else value.producer, consumer)] = None
    return list(found)


def _neighbours(links: list[tuple[Key, Key]]) -> tuple[dict[Key, list[Key]], dict[Key, list[Key]]]:
    before: dict[Key, list[Key]] = {}
    after: dict[Key, list[Key]] = {}
    for source, target in links:
        before.setdefault(target, []).append(source)
        after.setdefault(source, []).append(target)
    return before, after


def _order(columns: list[list[Key]], links: list[tuple[Key, Key]]) -> None:
    """Sort each column by the mean place of its neighbours, forwards and backwards in turn."""
    before, after = _neighbours(links)
    for sweep in range(_SWEEPS):
        forwards = sweep % 2 == 0
        near = before if forwards else after
        for keys in columns if forwards else columns[::-1]:
            place = {
                key: (index + 0.5) / len(each) - 0.5
                for each in columns
                for index, key in enumerate(each)
            }
            mean = {
                key: float(np.mean([place[other] for other in near.get(key, [key])]))
                for key in keys
            }
            keys.sort(key=mean.__getitem__)


def _heights(columns: list[list[Key]], links: list[tuple[Key, Key]]) -> dict[Key, float]:
    """Draw every key towards its neighbours' heights, and keep the keys of a column apart."""
    before, after = _neighbours(links)
    heights = {
        key: index - (len(keys) - 1) / 2 for keys in columns for index, key in enumerate(keys)
    }
    for sweep in range(_SWEEPS):
        forwards = sweep % 2 == 0
        for keys in columns if forwards else columns[::-1]:
            if len(keys) == 1:  # all ways lead through it: the axis of the drawing
                heights[keys[0]] = 0.0
                continue
            wanted = []
            for key in keys:
                near = [*before.get(key, []), *after.get(key, [])]
                middle = float(np.median([heights[other] for other in near] or [0.0]))
                wanted.append(_TO_THE_AXIS * middle)
            heights.update(zip(keys, _apart(keys, wanted), strict=True))
    return heights


def _apart(keys: list[Key], wanted: list[float]) -> list[float]:
    """Give the heights nearest to those wanted (least squares) at which nothing overlaps."""
    sizes = [_BEND_SIZE if isinstance(key, tuple) else 1.0 for key in keys]
    offsets = [0.0]
    for below, above in pairwise(sizes):
        offsets.append(offsets[-1] + (below + above) / 2)
    groups: list[tuple[float, float, int]] = []  # height, weight, how many
    for size, height, offset in zip(sizes, wanted, offsets, strict=True):
        groups.append((height - offset, 1.0 if size < 1 else _BLOCK_WEIGHT, 1))
        while len(groups) > 1 and groups[-2][0] > groups[-1][0]:
            (low, light, many), (high, heavy, more) = groups[-2:]
            height = (low * light + high * heavy) / (light + heavy)
            groups[-2:] = [(height, light + heavy, many + more)]
    flat = [height for height, _, num in groups for _ in range(num)]
    return [height + offset for height, offset in zip(flat, offsets, strict=True)]
