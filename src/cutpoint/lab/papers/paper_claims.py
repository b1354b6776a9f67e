"""What a published table is held to: printed cells are reached, and every cell is won."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from cutpoint.lab.arena import ratio_of_means
from cutpoint.lab.experiments.form import Claim, at_least, at_most
from cutpoint.lab.papers.cells import Cell, Entry
from cutpoint.lab.papers.choices import CUTPOINT, DEVICE_ONLY_POLICY, EXACT, ORACLE
from cutpoint.lab.papers.printed_dads import NETS, SPEEDUPS

MOST_ABOVE_BEST = 1.02
"""Latency of cutpoint / that of the best other policy."""

MOST_APART = 0.10
"""Of the two clocks, in a cell that was confirmed."""

FEWEST_PAIRS = 5
"""Rounds in which two policies count: fewer say nothing of two per cent."""

_TIE = 1e-9


def claims_of(
    cells: Iterable[Cell], confirmed: Sequence[tuple[Cell, Entry]], most_s: float
) -> tuple[Claim, ...]:
    """
    Give the claims of a run.

    Parameters
    ----------
    confirmed
        Cells that take longer than `most_s`, and what of them ran on the real clock all the same.
    """
    listed = tuple(cells)
    return (
        *(claim for cell in listed for claim in _printed(cell)),
        *(best_claim(cell, NETS[cell.net], "virtual clock") for cell in listed),
        *(claim for cell in listed for claim in _best_for_real(cell)),
        *(_agreement(cell, entry, most_s) for cell, entry in confirmed),
    )


def best_others(cell: Cell) -> tuple[Entry, ...]:
    """Give the best policies beside cutpoint on the virtual clock: more than one in a tie."""
    others = [each for each in cell.entries if each.policy not in (CUTPOINT, EXACT, ORACLE)]
    best_s = min(each.virtual_s for each in others)
    return tuple(each for each in others if each.virtual_s <= best_s * (1 + _TIE))


def _printed(cell: Cell) -> Iterator[Claim]:
    printed = SPEEDUPS.get((cell.net, cell.mbit_per_s))
    if printed is None:
        return
    name = f"edge-only / cutpoint, {NETS[cell.net]} at {cell.link}, at least as printed"
    yield at_least(f"{name} (virtual clock)", cell.speedup(CUTPOINT, DEVICE_ONLY_POLICY), printed)
    real = cell.real_speedup(CUTPOINT, DEVICE_ONLY_POLICY)
    if real is not None:
        yield at_least(f"{name} (real clock)", real, printed)


def best_claim(cell: Cell, net: str, clock: str) -> Claim:
    """Claim that cutpoint is no slower than the best other policy, which is named."""
    best = best_others(cell)
    names = " = ".join(each.policy for each in best)
    return at_most(
        f"cutpoint / best other ({names}), {net} at {cell.link} ({clock})",
        cell.entry(CUTPOINT).virtual_s / best[0].virtual_s,
        MOST_ABOVE_BEST,
    )


def _best_for_real(cell: Cell) -> Iterator[Claim]:
    own = cell.entry(CUTPOINT)
    others = [each for each in cell.entries if each.policy not in (CUTPOINT, EXACT, ORACLE)]
    ran = [each for each in others if len(each.counted) >= FEWEST_PAIRS]
    if len(own.counted) < FEWEST_PAIRS or not ran:
        return
    best = min(ran, key=lambda each: np.median([shot.latency_s for shot in each.counted]))
    met = {shot.round for shot in own.counted} & {shot.round for shot in best.counted}
    ratio = ratio_of_means(own.counted, best.counted)
    if ratio is not None and len(met) >= FEWEST_PAIRS:
        yield at_most(
            f"cutpoint / best other ({best.policy}), {NETS[cell.net]} at {cell.link} (real clock, "
            "lower end of the 95 % interval)",
            ratio[1][0],
            MOST_ABOVE_BEST,
        )


def _agreement(cell: Cell, entry: Entry, most_s: float) -> Claim:
    real_s = entry.real_s
    apart = float("nan") if real_s is None else abs(real_s / entry.virtual_s - 1)
    return at_most(
        f"real and virtual clock apart, {NETS[cell.net]} {entry.way} at {cell.link} (over "
        f"{most_s:g} s)",
        apart,
        MOST_APART,
    )
