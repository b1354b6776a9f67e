"""From cases to rows and claims of the report."""

from collections.abc import Sequence

import numpy as np

from cutpoint.lab.experiments.form import Claim, Regret, ResultRow, at_least, at_most, summarise
from cutpoint.lab.regret.exact import CUTPOINT, ORACLE, ExactCase, Run
from cutpoint.lab.regret.measured import MeasuredCase
from cutpoint.lab.regret.world_of import LOAD_TEXT
from cutpoint.simulation.exact_run import exact_regret, mean_interval

MOST_REGRET = 0.03
_ROUNDING_S = 1e-9
_MOST_DROPPED = 0.8


def result_rows(
    cases: Sequence[ExactCase], measured: Sequence[MeasuredCase], seed: int
) -> list[ResultRow]:
    """Give the rows of the exact form, then those of the measured one."""
    exact = [_row(case, run, seed) for case in cases for run in case.runs]
    return [*exact, *(row for each in measured for row in each.result_rows())]


def claims(cases: Sequence[ExactCase], measured: Sequence[MeasuredCase]) -> list[Claim]:
    """Give what the experiment shows."""
    found = []
    for link in dict.fromkeys(case.trace.name for case in cases):
        of_link = [case for case in cases if case.trace.name == link]
        regrets = [_run(case, CUTPOINT).run.regret for case in of_link]
        name = (
            f"exact mean regret of cutpoint on {link}, true conditions known one sample (33 ms) "
            f"late, mean over {len(of_link)} nets"
        )
        worst = f"; worst {max(regrets):.1%}" if len(regrets) > 1 else ""
        found.append(at_most(name + worst, float(np.mean(regrets)), MOST_REGRET))
    ahead_s = min(_ahead_of_oracle_s(case) for case in cases)
    # Of the instrument, not of policies: the oracle is the least of rows that all choose from.
    name = "least latency of any policy less the oracle's at the same position, exact (s)"
    found.append(at_least(name, ahead_s, -_ROUNDING_S))
    for each in measured:
        name = f"share of inferences dropped on {each.case.trace.name} on the real clock"
        found.append(at_most(name, each.share_dropped, _MOST_DROPPED))
        name = f"places of {each.case.trace.name} with a measured oracle, at least"
        found.append(at_least(name, each.num_places, 1))
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
