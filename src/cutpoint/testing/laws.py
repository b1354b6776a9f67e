"""Laws every planner keeps: a scheme of your own gets all of them by one call."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import combinations_with_replacement, product
from math import inf
from types import MappingProxyType

import numpy as np

from cutpoint.cost import NO_LIMITS, CostTable, CostValue, every_head, head_of, predict
from cutpoint.cost.flow_shop import makespan
from cutpoint.graph import closed_sets
from cutpoint.planning import Planner, PlanResult, Problem, evaluate, is_closed
from cutpoint.planning.evaluate import job_of
from cutpoint.planning.schedules.johnson import johnson_key
from cutpoint.records import Conditions, LinkConditions, LoadConditions
from cutpoint.testing.tables import named_problems

Law = Callable[[Planner, Problem], None]
"""Raises AssertionError, with a sentence, where a planner breaks it."""

_CLOSE = 1e-9
_TINY = 1e-15
"""Seconds that no clock tells."""


def check_planner(planner: Planner, problems: Iterable[Problem] | None = None) -> None:
    """
    Hold a planner to every law it does not exempt itself from.

    Parameters
    ----------
    planner
        Of this package or of your own.
    problems
        On which; the named small ones by default.

    Raises
    ------
    AssertionError
        Names the law and says how it was broken.
    """
    for problem in named_problems() if problems is None else problems:
        for name, law in LAWS.items():
            if name in planner.exempt:
                continue
            try:
                law(planner, problem)
            except AssertionError as error:
                raise AssertionError(f"{planner.name} breaks {name!r}: {error}") from error


def is_valid(planner: Planner, problem: Problem) -> None:
    """Give each block a host that is there, and each job a placement."""
    result = planner.plan(problem)
    if result.status == "infeasible":
        assert (result.placement, result.promised_s) == ((), inf), "infeasible, and yet a plan"
        return
    for placement in _placements(result):
        assert len(placement) == problem.table.num_blocks, "not one host per block"
        assert set(placement) <= set(range(problem.table.num_hosts)), "a host that is not there"
    if result.mix:
        jobs = sum(num for _, num in result.mix)
        assert jobs == problem.num_jobs, f"a mix of {jobs} for {problem.num_jobs} jobs"


def moves_away(planner: Planner, problem: Problem) -> None:
    """Let no block feed one on an earlier host: data only moves away from the device."""
    for placement in _placements(planner.plan(problem)):
        assert is_closed(problem, placement), f"{placement} crosses back"


def promises_truly(planner: Planner, problem: Problem) -> None:
    """Promise what the planner's own setting of the objective gives for its plan."""
    result = planner.plan(problem)
    if result.status == "infeasible":
        return
    worth_s = evaluate(problem, result, planner.setting, planner.goal)
    assert _is_close(result.promised_s, worth_s), f"promised {result.promised_s}, gives {worth_s}"


def is_optimal_where_claimed(planner: Planner, problem: Problem) -> None:
    """Say optimal only where no plan at all is better."""
    result = planner.plan(problem)
    if result.status != "optimal":
        return
    best_s = brute_force_s(planner, problem)
    assert _is_close(result.promised_s, best_s), f"gives {result.promised_s}, best is {best_s}"


def beats_the_ends(planner: Planner, problem: Problem) -> None:
    """Be no worse, under its own model, than all on the device or all on the server."""
    result = planner.plan(problem)
    for host in (0, 1):
        placement = (host,) * problem.table.num_blocks
        if not problem.limits.are_kept(problem.table, placement):
            continue
        order = tuple(range(problem.table.num_blocks)) if host == 0 else ()
        end = PlanResult("feasible", placement, order=order)
        end_s = evaluate(problem, end, planner.setting, planner.goal)
        is_kept = result.promised_s <= end_s * (1 + _CLOSE) + _TINY
        assert is_kept, f"{result.promised_s} is worse than all on host {host}, {end_s}"


def gains_by_bandwidth(planner: Planner, problem: Problem) -> None:
    """Let more bandwidth make no optimal plan slower."""
    before, link = planner.plan(problem), problem.conditions.link
    if before.status != "optimal" or link is None:
        return
    wider = replace(
        link,
        bandwidth_up_bytes_per_s=2 * link.bandwidth_up_bytes_per_s,
        bandwidth_down_bytes_per_s=2 * link.bandwidth_down_bytes_per_s,
    )
    after = planner.plan(replace(problem, conditions=replace(problem.conditions, link=wider)))
    is_kept = after.promised_s <= before.promised_s * (1 + _CLOSE) + _TINY
    assert is_kept, f"{before.promised_s} before, {after.promised_s} with twice the bandwidth"


def stays_home_without_a_link(planner: Planner, problem: Problem) -> None:
    """Leave all on the device when the link is dead or the server cannot be used."""
    dead = (
        replace(problem.conditions, link=None),
        replace(problem.conditions, unavailable="left alone for a while"),
    )
    for conditions in dead:
        result = planner.plan(replace(problem, conditions=conditions, limits=NO_LIMITS))
        for placement in _placements(result):
            assert set(placement) == {0}, f"{placement} needs a link that is dead"
        assert result.status != "infeasible", "all on the device is always feasible"


def leaves_home_for_nothing(planner: Planner, problem: Problem) -> None:
    """Be as good as all on the server where the link is free and the server faster."""
    link = LinkConditions(inf, inf, 0.0, 0.0)
    seconds = problem.table.host_s.copy()
    seconds[1:] = seconds[0] / 10
    table = replace(problem.table, host_s=seconds)
    free = replace(
        problem,
        table=table,
        conditions=Conditions(link, LoadConditions()),
        limits=NO_LIMITS,
        onward=None,
    )
    all_there = PlanResult("feasible", (1,) * table.num_blocks)
    if not NO_LIMITS.are_kept(table, all_there.placement):
        return  # an input that cannot travel holds some of it back
    worth_s = evaluate(free, all_there, planner.setting, planner.goal)
    promised_s = planner.plan(free).promised_s
    assert promised_s <= worth_s * (1 + _CLOSE) + _TINY, f"{promised_s} instead of {worth_s}"


def ignores_names(planner: Planner, problem: Problem) -> None:
    """Plan alike after blocks and values were renamed."""
    renamed, names = _renamed(problem.table)
    limits = replace(
        problem.limits, never_send=frozenset(names[name] for name in problem.limits.never_send)
    )
    before = planner.plan(problem)
    after = planner.plan(replace(problem, table=renamed, limits=limits))
    assert before == after, f"{before} becomes {after}"


def repeats_itself(planner: Planner, problem: Problem) -> None:
    """Give the same plan for the same input, and leave that as it was."""
    copy = problem.table.host_s.copy()
    first = planner.plan(problem)
    assert first == planner.plan(problem), "two plans for one problem"
    assert np.array_equal(copy, problem.table.host_s), "the costs were written to"


def finds_a_plan(planner: Planner, problem: Problem) -> None:
    """Say infeasible only where no cut keeps the limits, or none that does can be carried out."""
    if planner.plan(problem).status != "infeasible":
        return
    rows = every_head(problem.table, problem.limits, 1 << min(problem.table.num_blocks, 16))
    if rows is None:
        return  # too many cuts to look at
    latency_s = predict(rows, problem.conditions).latency_s
    found = int(np.count_nonzero(rows.is_allowed & np.isfinite(latency_s)))
    assert not found, f"says infeasible where {found} cuts would do"


def keeps_limits(planner: Planner, problem: Problem) -> None:
    """Break no limit."""
    for placement in _placements(planner.plan(problem)):
        assert problem.limits.are_kept(problem.table, placement), f"{placement} breaks a limit"


LAWS: Mapping[str, Law] = MappingProxyType(
    {
        "a plan is valid": is_valid,
        "data only moves away from the device": moves_away,
        "promises what the objective gives": promises_truly,
        "optimal where claimed": is_optimal_where_claimed,
        "never worse than the ends": beats_the_ends,
        "more bandwidth is never slower": gains_by_bandwidth,
        "a dead link keeps all on the device": stays_home_without_a_link,
        "a free link and a faster server take all": leaves_home_for_nothing,
        "renaming changes nothing": ignores_names,
        "same input, same plan": repeats_itself,
        "forbidden stays forbidden": keeps_limits,
        "finds a plan where there is one": finds_a_plan,
    }
)
"""Every law by the name under which a planner may exempt itself."""


def brute_force_s(planner: Planner, problem: Problem) -> float:
    """
    Give the best that any plan reaches under a planner's goal and setting, by trying all.

    For small tables: every placement in which data only moves away from the device
    (every placement at all for a planner exempt from that law), and with overlap every
    order of the head. For several jobs every multiset of cuts, in Johnson's order.
    """
    table = problem.table
    may_return = "data only moves away from the device" in planner.exempt
    # A planner of two hosts is judged among two, though there be a third.
    num_hosts = getattr(planner, "num_hosts", 2) if problem.onward is not None else 2
    best_s = inf
    if may_return or num_hosts > 2:
        listed = product(range(num_hosts), repeat=table.num_blocks)
        placements = [p for p in listed if may_return or is_closed(problem, p)]
    else:
        heads = closed_sets(table.predecessors, 1 << table.num_blocks) or []
        placements = [
            tuple(0 if head >> block & 1 else 1 for block in range(table.num_blocks))
            for head in heads
        ]
    allowed = [p for p in placements if problem.limits.are_kept(table, p)]
    if planner.goal == "jobs":
        return _best_jobs_s(planner, problem, allowed)
    for placement in allowed:
        for order in _orders(planner, table, placement):
            result = PlanResult("feasible", placement, order=order)
            best_s = min(best_s, evaluate(problem, result, planner.setting, planner.goal))
    return best_s


def _best_jobs_s(planner: Planner, problem: Problem, placements: list[tuple[int, ...]]) -> float:
    """Try every number of jobs under every placement, all sequences being Johnson's."""
    jobs = [job_of(problem, head_of(placement), planner.setting) for placement in placements]
    # Cuts alike in both times, and those that need a dead link, change no minimum.
    distinct = sorted({job for job in jobs if job[1] < inf}, key=lambda job: johnson_key(*job))
    chosen = combinations_with_replacement(distinct, problem.num_jobs)
    return min(map(makespan, chosen), default=inf)


def _orders(
    planner: Planner, table: CostTable, placement: tuple[int, ...]
) -> Iterable[tuple[int, ...]]:
    if not planner.setting.overlap:
        return [()]
    return _topological_orders(table, head_of(placement))


def _topological_orders(table: CostTable, head: int, done: int = 0) -> Iterator[tuple[int, ...]]:
    """Yield every order of a head's blocks in which each follows what it needs."""
    if done == head:
        yield ()
    for block, needed in enumerate(table.predecessors):
        if (head & ~done) >> block & 1 and not needed & ~done:
            for rest in _topological_orders(table, head, done | 1 << block):
                yield (block, *rest)


def _placements(result: PlanResult) -> list[tuple[int, ...]]:
    if result.status == "infeasible":
        return []
    return [result.placement, *(placement for placement, _ in result.mix)]


def _renamed(table: CostTable) -> tuple[CostTable, dict[str, str]]:
    """Give other names in another alphabetical order."""
    count = len(table.values)
    names = {value.name: f"other{count - index}" for index, value in enumerate(table.values)}
    values = tuple(_with_name(value, names[value.name]) for value in table.values)
    blocks = tuple(f"renamed{table.num_blocks - index}" for index in range(table.num_blocks))
    return replace(table, name="renamed", blocks=blocks, values=values), names


def _with_name(value: CostValue, name: str) -> CostValue:
    return replace(value, name=name)


def _is_close(left: float, right: float) -> bool:
    return left == right or abs(left - right) <= _CLOSE * max(abs(left), abs(right)) + _TINY
