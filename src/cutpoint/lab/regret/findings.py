"""From cases to rows and claims of the report."""

from collections.abc import Sequence
from math import nan

import numpy as np

from cutpoint.lab.experiments.form import Claim, Regret, ResultRow, at_least, at_most, summarise
from cutpoint.lab.regret.exact import (
    ALWAYS,
    CUTPOINT,
    ESTIMATED,
    ORACLE,
    RACING,
    ExactCase,
    Run,
)
from cutpoint.lab.regret.measured import MeasuredCase
from cutpoint.lab.regret.world_of import LOAD_TEXT
from cutpoint.policies import PUBLISHED
from cutpoint.simulation.exact_run import exact_regret, mean_interval

MOST_REGRET, MOST_ESTIMATED = 0.03, 0.05
"""Told the truth one sample late, and by its own estimates."""

MOST_RATIO = 1.02
"""Upper end of the interval of the latency ratio to a published policy, on the real clock."""

_UNKNOWN = nan, (nan, nan)
_ROUNDING_S = 1e-9
_MOST_DROPPED = 0.8


def result_rows(
    cases: Sequence[ExactCase], measured: Sequence[MeasuredCase], seed: int
) -> list[ResultRow]:
    """Give the rows of the exact form, then those of the measured one."""
    exact = [_row(case, run, seed) for case in cases for run in case.runs]
    return [*exact, *(row for each in measured for row in each.result_rows())]


def claims(
    cases: Sequence[ExactCase], measured: Sequence[MeasuredCase], *, compares: bool = True
) -> list[Claim]:
    """
    Give what the experiment shows.

    Parameters
    ----------
    compares
        Whether the intervals of measured ratios are narrow enough to be claimed.
    """
    found = []
    for link in dict.fromkeys(case.trace.name for case in cases):
        of_link = [case for case in cases if case.trace.name == link]
        found += [
            _regret_claim(of_link, *claimed)
            for claimed in (
                (CUTPOINT, "true conditions known one sample (33 ms) late", MOST_REGRET),
                (ESTIMATED, "by its own estimates", MOST_ESTIMATED),
                (RACING, "by its own estimates, hedge auto", MOST_ESTIMATED),
                (ALWAYS, "by its own estimates, hedge always", MOST_ESTIMATED),
            )
        ]
    ahead_s = min(_ahead_of_oracle_s(case) for case in cases)
    # Of the instrument, not of policies: the oracle is the least of rows that all choose from.
    name = "least latency of any policy less the oracle's at the same position, exact (s)"
    found.append(at_least(name, ahead_s, -_ROUNDING_S))
    for each in measured:
        name = f"share of inferences dropped on {each.case.trace.name} on the real clock"
        found.append(at_most(name, each.share_dropped, _MOST_DROPPED))
        name = f"places of {each.case.trace.name} with a measured oracle, at least"
        found.append(at_least(name, each.num_places, 1))
        found += _ratio_claims(each) if compares else []
    return found


def _regret_claim(cases: Sequence[ExactCase], run: str, told: str, bound: float) -> Claim:
    """Give the claim about one link: the mean over its nets."""
    regrets = [_run(case, run).run.regret for case in cases]
    link = cases[0].trace.name
    name = f"exact mean regret of cutpoint on {link}, {told}, mean over {len(cases)} nets"
    worst = f"; worst {max(regrets):.1%}" if len(regrets) > 1 else ""
    return at_most(name + worst, float(np.mean(regrets)), bound)


def _ratio_claims(measured: MeasuredCase) -> list[Claim]:
    """
    Give one claim for each published policy that ran: cutpoint is not slower than it by 2 %.

    Where no round of both counts, the claim does not hold: nothing is known.
    """
    ratios, found = measured.ratios(), []
    ran = {shot.contender for shot in measured.shots}
    for policy in (name for name in PUBLISHED if name in ran):
        _, (_, high) = ratios.get(policy, _UNKNOWN)
        link = measured.case.trace.name
        name = f"cutpoint / {policy} on {link}, real clock, upper end of the 95 % interval"
        found.append(at_most(name, high, MOST_RATIO))
    return found


def _row(case: ExactCase, run: Run, seed: int) -> ResultRow:
    regret = exact_regret(run.run, seed)
    return ResultRow(
        model=case.model,
        link=case.trace.name,
        load=LOAD_TEXT,
        policy=run.name,
        clock="virtual",
        n=len(run.run.latency_s),
        latency_s=summarise(run.run.latency_s.tolist(), seed, mean_interval(run.run, seed)),
        regret=Regret("exact", regret.mean, regret.ci),
        note=run.note,
    )


def _run(case: ExactCase, name: str) -> Run:
    return next(run for run in case.runs if run.name == name)


def _ahead_of_oracle_s(case: ExactCase) -> float:
    return min(
        float((run.run.latency_s - run.run.oracle_s).min())
        for run in case.runs
        if run.name != ORACLE
    )
