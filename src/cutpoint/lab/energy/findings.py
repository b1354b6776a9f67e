"""From cases and shots to rows and claims of the report."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cutpoint.cost import POWER_PROFILES
from cutpoint.lab.arena import Shot
from cutpoint.lab.energy.campaign import MEASURED_ON
from cutpoint.lab.energy.case import CUTPOINT, ORACLE, SOONEST, WEIGHTED, EnergyCase, EnergyRun
from cutpoint.lab.energy.integral import integrated_j
from cutpoint.lab.experiments.form import Claim, ResultRow, at_most, summarise
from cutpoint.lab.regret.world_of import LOAD_TEXT

DEVICES = (
    "raspberry-pi-4b-wifi",
    "raspberry-pi-4b-lte",
    "jetson-nano-wifi",
    "jetson-orin-nx-wifi",
)
"""What is counted on the virtual clock: the choices of most policies are the same for all."""

OURS = (ORACLE, CUTPOINT, WEIGHTED, SOONEST)
"""No other policies: cutpoint itself with other objectives, and who knows everything."""

JPEG = "server-only jpeg"
"""Decides nothing, and sends what cutpoint's own codecs make: held against it over all runs."""

MOST_OFF = 0.01
"""Of a record's joules from the power that was integrated over its parts."""

_MOST_RATIO = 1.0

_MOST_DROPPED = 0.8

_MOST_MEASURED_RATIO = 1.02
"""On the real clock, where the same row measured twice differs by that much."""


@dataclass(frozen=True)
class Cell:
    """
    Every policy on one net, trace and device.

    Parameters
    ----------
    case
        Net and trace.
    device
        Name of what it draws.
    runs
        The oracle first.
    """

    case: EnergyCase
    device: str
    runs: tuple[EnergyRun, ...]

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.case.model}, {self.case.trace.name}, {self.device}"

    def mean_j(self, policy: str) -> float:
        """Give the mean joules of a policy."""
        return next(run.mean_j for run in self.runs if run.policy == policy)

    @property
    def thriftiest_other(self) -> EnergyRun:
        """Of the published schemes, device-only and server-only the one that costs least."""
        others = [run for run in self.runs if run.policy not in (*OURS, JPEG)]
        return min(others, key=lambda run: run.mean_j)

    @property
    def ratio(self) -> float:
        """Joules of cutpoint over those of the thriftiest other policy."""
        return self.mean_j(CUTPOINT) / self.thriftiest_other.mean_j


def cells_of(cases: Sequence[EnergyCase]) -> list[Cell]:
    """Run everything on the virtual clock."""
    return [
        Cell(case, device, case.runs(POWER_PROFILES[device]))
        for case in cases
        for device in DEVICES
    ]


def measured_j(shots: Sequence[Shot]) -> dict[str, float]:
    """Give mean joules by contender: the mean over all links of those that count at each."""
    found = by_link(shots)
    links = dict.fromkeys(link for link, _ in found)
    return {
        name: float(np.mean([mean_j(found[link, name]) for link in links]))
        for name in dict.fromkeys(name for _, name in found)
        if all((link, name) in found for link in links)
    }


def mean_j(shots: Sequence[Shot]) -> float:
    """Give the mean joules of inferences on the real clock."""
    return float(np.mean([shot.record.energy_j for shot in shots]))


def summed_ratios(cells: Sequence[Cell]) -> dict[str, tuple[float, str]]:
    """Give by device the joules of cutpoint over those of the thriftiest other over all runs."""
    found = {}
    for device in dict.fromkeys(cell.device for cell in cells):
        chosen = [cell for cell in cells if cell.device == device]
        names = [run.policy for run in chosen[0].runs]
        sums = {name: sum(cell.mean_j(name) for cell in chosen) for name in names}
        least = min((name for name in names if name not in OURS), key=sums.__getitem__)
        found[device] = sums[CUTPOINT] / sums[least], least
    return found


def most_off(shots: Sequence[Shot]) -> float:
    """Give how far the joules of a record are at most from the integral over its parts."""
    power = POWER_PROFILES[MEASURED_ON]
    found = [
        abs(shot.record.energy_j / integrated_j(shot.record, power) - 1.0)
        for shot in shots
        if shot.record.energy_j is not None
    ]
    return max(found, default=float("nan"))


def claims(cells: Sequence[Cell], shots: Sequence[Shot]) -> list[Claim]:
    """Give what the experiment shows."""
    worst = max(cells, key=lambda cell: cell.ratio)
    found = [
        at_most(
            "virtual clock: joules of cutpoint under energy over those of the thriftiest published "
            f"scheme or end, worst of {len(cells)} runs ({worst.name}: "
            f"{worst.thriftiest_other.policy})",
            worst.ratio,
            _MOST_RATIO,
        ),
        *(
            at_most(
                f"virtual clock: the same over all runs of {device}, server-only jpeg among the "
                f"others ({least} is the thriftiest)",
                ratio,
                _MOST_RATIO,
            )
            for device, (ratio, least) in summed_ratios(cells).items()
        ),
    ]
    if shots:
        dropped = 1.0 - sum(len(kept) for kept in by_link(shots).values()) / len(shots)
        name = "share of inferences dropped on the real clock: other work held a core"
        found.append(at_most(name, dropped, _MOST_DROPPED))
        found.append(_measured_claim(measured_j(shots)))
        name = f"joules of a record from its power integrated over time, worst of {len(shots)}"
        found.append(at_most(name, most_off(shots), MOST_OFF))
    return found


def _measured_claim(joules: Mapping[str, float]) -> Claim:
    """Give the claim of the real clock, which does not hold where too little was measured."""
    others = {name: found_j for name, found_j in joules.items() if name not in OURS}
    least = min(others, key=others.__getitem__, default="others")
    ratio = joules.get(CUTPOINT, float("nan")) / others.get(least, float("nan"))
    name = f"real clock: joules of cutpoint under energy over those of {least}, the thriftiest"
    return at_most(name, ratio, _MOST_MEASURED_RATIO)


def result_rows(cells: Sequence[Cell], shots: Sequence[Shot], seed: int) -> list[ResultRow]:
    """Give the rows of the virtual clock, then those of the real one."""
    virtual = [_row(cell, run, seed) for cell in cells for run in cell.runs]
    return [*virtual, *_measured_rows(shots, cells[0].case.model, seed)]


def by_link(shots: Sequence[Shot]) -> Mapping[tuple[str, str], list[Shot]]:
    """Give by link and contender what counts: where no other work held a core meanwhile."""
    found: dict[tuple[str, str], list[Shot]] = {}
    for shot in shots:
        if shot.is_kept and shot.record.energy_j is not None:
            found.setdefault((shot.spot.link, shot.contender), []).append(shot)
    return found


def _row(cell: Cell, run: EnergyRun, seed: int) -> ResultRow:
    return ResultRow(
        model=cell.case.model,
        link=cell.case.trace.name,
        load=LOAD_TEXT,
        policy=run.policy,
        clock="virtual",
        n=len(run.latency_s),
        latency_s=summarise(run.latency_s.tolist(), seed),
        energy_j=run.mean_j,
        note=cell.device,
    )


def _measured_rows(shots: Sequence[Shot], model: str, seed: int) -> Iterator[ResultRow]:
    for (link, name), kept in by_link(shots).items():
        asked = [s for s in shots if (s.spot.link, s.contender) == (link, name)]
        yield ResultRow(
            model=model,
            link=link,
            load="idle",
            policy=name,
            clock="real",
            n=len(kept),
            latency_s=summarise([shot.latency_s for shot in kept], seed),
            energy_j=mean_j(kept),
            num_dropped=len(asked) - len(kept),
            note=MEASURED_ON,
        )
