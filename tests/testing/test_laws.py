"""The laws can fail: planners that break one are caught, by its name."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from cutpoint.cost import FULL
from cutpoint.planning import INFEASIBLE, PlanResult, Problem, planner_named
from cutpoint.testing import LAWS, check_planner, named_problems


class Bent:
    """The exhaustive planner, its answer bent by a function."""

    name = "bent"
    goal = "latency"
    setting = FULL
    exempt: dict[str, str] = {}  # noqa: RUF012

    def __init__(self, bend: Callable[[Problem, PlanResult], PlanResult]) -> None:
        self._bend = bend
        self._straight = planner_named("exhaustive")

    def plan(self, problem: Problem) -> PlanResult:
        """Bend what the exhaustive planner gives."""
        return self._bend(problem, self._straight.plan(problem))


def all_on(host: int) -> Callable[[Problem, PlanResult], PlanResult]:
    """Put everything on one host, whatever was promised."""

    def bend(problem: Problem, result: PlanResult) -> PlanResult:
        return replace(result, placement=(host,) * problem.table.num_blocks)

    return bend


def by_name(problem: Problem, result: PlanResult) -> PlanResult:
    """Refuse when the alphabet says so."""
    return INFEASIBLE if problem.table.blocks[0].startswith("renamed") else result


class Moody:
    """Every second answer is another one."""

    def __init__(self) -> None:
        self._calls = 0

    def __call__(self, problem: Problem, result: PlanResult) -> PlanResult:
        """Count, and change the mind."""
        self._calls += 1
        return replace(result, promised_s=result.promised_s + self._calls)


BREACHES = {
    "a plan is valid": lambda _, result: replace(result, placement=result.placement[:-1]),
    "promises what the objective gives": lambda _, r: replace(r, promised_s=r.promised_s / 2),
    "never worse than the ends": lambda _, r: replace(r, promised_s=r.promised_s * 1e6),
    "a dead link keeps all on the device": all_on(1),
    "renaming changes nothing": by_name,
    "same input, same plan": Moody(),
    "forbidden stays forbidden": all_on(1),
    "finds a plan where there is one": lambda *_: INFEASIBLE,
    "optimal where claimed": lambda _, r: replace(r, promised_s=r.promised_s + 1),
    "data only moves away from the device": lambda p, r: replace(
        r, placement=tuple((block + 1) % 2 for block in range(p.table.num_blocks))
    ),
    "a free link and a faster server take all": lambda p, r: replace(
        r, promised_s=float(p.table.device_s.sum()) + 1
    ),
    "more bandwidth is never slower": lambda p, r: replace(
        r,
        promised_s=0.0 if p.conditions.link is None else p.conditions.link.bandwidth_up_bytes_per_s,
    ),
}


@pytest.mark.parametrize("law", LAWS)
def test_a_breach_is_caught(law: str) -> None:
    """Each law, alone, catches a planner made to break it."""
    planner = Bent(BREACHES[law])
    planner.exempt = {other: "not the one that is tried" for other in LAWS if other != law}
    with pytest.raises(AssertionError, match=f"bent breaks '{law}'"):
        check_planner(planner)


def test_an_honest_planner_passes() -> None:
    """Unbent, the same planner keeps every law."""
    check_planner(Bent(lambda _, result: result))


def test_the_named_problems_are_the_same_each_time() -> None:
    """Problems are drawn from a seed."""
    first, second = named_problems(), named_problems()
    for left, right in zip(first, second, strict=True):
        assert left.conditions == right.conditions
        assert (left.table.host_s == right.table.host_s).all()
