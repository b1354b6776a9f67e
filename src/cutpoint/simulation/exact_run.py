"""A policy on the virtual clock: what its choices truly cost, beside the best row each time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf, nan

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost import CutTable, PowerProfile, moved_energy_j
from cutpoint.planning import LATENCY, Objective
from cutpoint.policies import Hedge, Hedging, Policy, Situation
from cutpoint.records import Conditions, InferenceRecord, Parts, Plan
from cutpoint.simulation.belief import BELIEFS, Belief, BeliefName, Setting
from cutpoint.simulation.exact import exact_parts, exact_prediction
from cutpoint.simulation.exact_fallback import finished_alone, given_up_s
from cutpoint.simulation.exact_race import raced_record
from cutpoint.simulation.senses import Senses, told_load
from cutpoint.simulation.virtual_record import virtual_record
from cutpoint.simulation.world import WINDOW_S, World

Floats = NDArray[np.float64]

SERVER = "edge:8001"
"""What the server of an exact run is called in its plans."""

_RESAMPLES = 2000
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class ExactRun:
    """
    What one policy chose, and what that truly took.

    Parameters
    ----------
    policy
        Its name.
    positions_s
        When its inferences began. Shape ``(n,)``, as all arrays here.
    rows, latency_s
        The row that was taken, and what it truly took.
    oracle_rows, oracle_s
        The row that truly was the soonest there, and what that took.
    probe_bytes
        What the policy sent for nothing but to learn; what the session itself sends for its
        estimates does not count here.
    energy_j
        What each cost the device; ``None`` where no power profile was given.
    """

    policy: str
    positions_s: Floats
    rows: NDArray[np.intp]
    latency_s: Floats
    oracle_rows: NDArray[np.intp]
    oracle_s: Floats
    probe_bytes: int = 0
    energy_j: Floats | None = None

    @property
    def mean_s(self) -> float:
        """Mean latency."""
        return float(self.latency_s.mean())

    @property
    def num_switches(self) -> int:
        """How often another row was taken than the time before."""
        return int(np.count_nonzero(np.diff(self.rows)))

    @property
    def regret(self) -> float:
        """Mean latency over the oracle's, minus one."""
        return float(self.latency_s.mean() / self.oracle_s.mean()) - 1.0


@dataclass(frozen=True)
class ExactRegret:
    """
    Regret with its uncertainty.

    Parameters
    ----------
    mean
        Mean latency over the oracle's, minus one.
    ci
        Ends of its 95 % interval.
    """

    mean: float
    ci: tuple[float, float]


class ExactReplay:
    """
    Positions on a trace, each with what every row truly takes there.

    Parameters
    ----------
    table
        The rows.
    world
        As it truly is.
    positions_s
        When inferences begin; each is alone in the world.
    window_s
        Over which the true rates are means that a policy is told.

    Raises
    ------
    ValueError
        If there is no position, or they do not ascend from 0.
    """

    def __init__(
        self,
        table: CutTable,
        world: World,
        positions_s: Sequence[float] | Floats,
        window_s: float = WINDOW_S,
    ) -> None:
        positions = np.asarray(positions_s, float)
        if not positions.size or positions[0] < 0 or np.any(np.diff(positions) < 0):
            raise ValueError("positions are times from 0 on that ascend, at least one")
        self.table = table
        self.world = world
        self.positions_s = positions
        self._setting = Setting(table, world, positions, window_s)
        self._prediction = exact_prediction(table, world, positions)
        self.latency_s = self._prediction.latency_s

    def __repr__(self) -> str:
        num_positions, num_rows = self.latency_s.shape
        return f"<ExactReplay: {num_rows} rows at {num_positions} positions>"

    @cached_property
    def oracle_rows(self) -> NDArray[np.intp]:
        """The soonest row at each position; ties go to the earlier one. Shape ``(n,)``."""
        found: NDArray[np.intp] = self.latency_s.argmin(axis=1)
        return found

    @cached_property
    def oracle_s(self) -> Floats:
        """What the soonest row takes at each position. Shape ``(n,)``."""
        found: Floats = self.latency_s.min(axis=1)
        return found

    def energy_j(self, power: PowerProfile) -> Floats:
        """Give what each row costs the device at each position. Shape ``(n, n_rows)``."""
        return moved_energy_j(self._prediction, self.table, power)

    @cached_property
    def best_fixed_row(self) -> int:
        """The one row with the least mean over all positions."""
        return int(self.latency_s.mean(axis=0).argmin())

    def fixed(self, row: int, name: str | None = None) -> ExactRun:
        """Give the run that takes one row at every position."""
        rows = np.full(len(self.positions_s), row, np.intp)
        return self._run_of(name or f"row {row}", rows)

    def oracle(self) -> ExactRun:
        """Give the run of the oracle, whose regret is 0."""
        return self._run_of("oracle", self.oracle_rows)

    def run(
        self,
        policy: Policy,
        belief: BeliefName | Belief = "late",
        *,
        hedge: Hedge = "off",
        is_told_only: bool = False,
        gives_up: bool = False,
        objective: Objective = LATENCY,
        power: PowerProfile | None = None,
    ) -> ExactRun:
        """
        Let a policy decide at every position.

        Parameters
        ----------
        policy
            A new one: it remembers. One that cuts at values by name has been asked for its
            candidates before, as a session does. One with estimators of its own is asked for
            probes, which take link time, and hears of them and of the server's load (`Senses`).
        belief
            What it is told: ``"met"`` (what the soonest offload there truly meets), ``"met late"``
            (the same of one position earlier), ``"true"`` (means over the window), ``"late"`` (the
            same of one position earlier), ``"causal"`` (means over the window that ends now),
            ``"estimated"``, or an object that says.
        hedge
            When the device computes on after sending; the answer is then whichever is first.
        is_told_only
            Whether the policy learns nothing by itself: neither of its inferences nor of probes.
        gives_up
            Whether the device goes on alone where an offload lags, as a session does; else every
            row that was taken is seen through, however long it takes.
        objective
            What the policy is to make small, if it can be told.
        power
            What the device draws, if its joules are to be counted; those of a race and of probes
            are not.

        Notes
        -----
        An inference teaches when it has ended: at thirty a second several are under way.
        """
        believed = BELIEFS[belief](self._setting) if isinstance(belief, str) else belief
        rows = np.empty(len(self.positions_s), np.intp)
        latency_s = np.empty(len(rows))
        energy_j = np.full(len(rows), nan)
        hedging = Hedging(power=power)
        senses = Senses(policy, self.world, SERVER, float(self.positions_s[0]), hedging.observe)
        for index, at_s in enumerate(self.positions_s.tolist()):
            if not is_told_only:
                senses.until(at_s)
            conditions = believed.conditions(index)
            situation = Situation(
                at_s, self.table, conditions, SERVER, hedge=hedge, objective=objective
            )
            plan = hedging.decided(policy, situation)
            row = self.table.find(plan.cut, plan.codec) or 0
            parts = self._parts(index, row, senses.free_s)
            record = self._record(index, plan, row, parts, conditions, power)
            if gives_up:
                record = self._given_up(record, row, power)
            believed.observe(index, row, parts, record)
            senses.end(record)
            energy_j[index] = nan if record.energy_j is None else record.energy_j
            rows[index], latency_s[index] = row, record.latency_s
        if not is_told_only:
            senses.finish()
        run = self._run_of(policy.name, rows, latency_s)
        spent_j = None if power is None else energy_j
        return replace(run, probe_bytes=senses.sent_bytes, energy_j=spent_j)

    def _parts(self, index: int, row: int, free_s: float) -> Parts:
        found = self._prediction
        begun_s = float(self.positions_s[index])
        if begun_s + float(found.head_s[index, row] + found.encode_s[index, row]) < free_s:
            return exact_parts(self.table, self.world, begun_s, row, free_s)
        return Parts(
            head_s=float(found.head_s[index, row]),
            encode_s=float(found.encode_s[index, row]),
            upload_s=float(found.upload_s[index, row]),
            wait_s=float(found.wait_s[index, row]),
            tail_s=float(found.tail_s[index, row]),
            download_s=float(found.download_s[index, row]),
        )

    def _record(
        self,
        index: int,
        plan: Plan,
        row: int,
        parts: Parts,
        conditions: Conditions,
        power: PowerProfile | None,
    ) -> InferenceRecord:
        at_s, table = float(self.positions_s[index]), self.table
        record = virtual_record(index + 1, at_s, plan, parts, conditions, table, row, power)
        if plan.races:
            rest_s = self.world.device.at(at_s) * float(table.rest_s[row])
            record = raced_record(record, rest_s, power)
        if record.placement == "device" or not parts.latency_s < inf:
            return record
        told = told_load(parts, float(table.tail_s[row]), at_s + parts.latency_s)
        return replace(record, load=told)

    def _given_up(
        self, record: InferenceRecord, row: int, power: PowerProfile | None
    ) -> InferenceRecord:
        """Give what a session makes of an inference: one that lags is finished by the device."""
        if record.server is None or record.race is not None:
            return record
        rest_s = self.world.device.at(record.at_s) * float(self.table.rest_s[row])
        lost_s = given_up_s(record, self.world, rest_s)
        if lost_s is None:
            return record
        return replace(finished_alone(record, lost_s, rest_s, power), load=None)

    def _run_of(
        self, policy: str, rows: NDArray[np.intp], latency_s: Floats | None = None
    ) -> ExactRun:
        if latency_s is None:
            latency_s = self.latency_s[np.arange(len(rows)), rows]
        return ExactRun(policy, self.positions_s, rows, latency_s, self.oracle_rows, self.oracle_s)


def exact_run(
    policy: Policy,
    table: CutTable,
    world: World,
    positions_s: Sequence[float] | Floats,
    belief: BeliefName | Belief = "late",
    window_s: float = WINDOW_S,
) -> ExactRun:
    """Give what a policy's choices truly take; for several policies make one `ExactReplay`."""
    return ExactReplay(table, world, positions_s, window_s).run(policy, belief)


def exact_regret(run: ExactRun, seed: int = 0) -> ExactRegret:
    """
    Give the mean regret of a run with its interval; the oracle is drawn with the policy.

    Notes
    -----
    Positions side by side see the same stretch of the trace: whole blocks of them are drawn,
    ``sqrt(n)`` each, round the end (the circular block bootstrap of D. N. Politis and
    J. P. Romano, "A circular block-resampling procedure for stationary data", 1992; from
    memory).
    """
    taken_s, best_s = _drawn_sums((run.latency_s, run.oracle_s), seed)
    return ExactRegret(run.regret, _interval(taken_s / best_s - 1.0))


def mean_interval(run: ExactRun, seed: int = 0) -> tuple[float, float]:
    """Give the 95 % interval of a run's mean latency, drawn in blocks like its regret."""
    (taken_s,) = _drawn_sums((run.latency_s,), seed)
    num, block = _blocks(len(run.positions_s))
    return _interval(taken_s / (num * block))


def _blocks(num_positions: int) -> tuple[int, int]:
    """Give how many blocks are drawn, and of how many positions each."""
    block = max(round(num_positions**0.5), 1)
    return -(-num_positions // block), block


def _drawn_sums(columns: Sequence[Floats], seed: int) -> list[Floats]:
    """Give sums over the same drawn blocks of each column. Shape ``(n_resamples,)``."""
    num_positions = len(columns[0])
    num, block = _blocks(num_positions)
    starts = np.random.default_rng(seed).integers(0, num_positions, (_RESAMPLES, num))
    return [_block_sums(each, block)[starts].sum(1) for each in columns]


def _interval(drawn: Floats) -> tuple[float, float]:
    tail = (1 - _CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(low), float(high)


def _block_sums(values: Floats, block: int) -> Floats:
    """Give the sum of the block that begins at each place, round the end."""
    summed = np.concatenate([[0.0], np.cumsum(np.concatenate([values, values[:block]]))])
    sums: Floats = summed[block : block + len(values)] - summed[: len(values)]
    return sums
