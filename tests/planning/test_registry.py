"""Planners by name, ours and others'."""

import sys
from pathlib import Path

import pytest

from cutpoint.exceptions import PlannerError
from cutpoint.planning import PLANNERS, planner_named


def test_every_planner_goes_by_its_own_name() -> None:
    """The list's names are the planners' names, and each call makes a new one."""
    for name in PLANNERS:
        assert planner_named(name).name == name
        assert planner_named(name) is not planner_named(name)


def test_an_unknown_name_lists_the_known_ones() -> None:
    """The error says what could have been meant."""
    with pytest.raises(PlannerError, match=r"no planner 'dads': take one of device-only, .*jps"):
        planner_named("dads")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no_such_module:Planner", "cannot be made: No module named"),
        ("cutpoint.planning:NoSuchClass", "cannot be made: module .* has no attribute"),
        ("builtins:dict", "is no planner: it has no name, no goal, no setting, no exempt, no plan"),
    ],
)
def test_what_is_no_planner_is_refused(name: str, words: str) -> None:
    """Whatever foreign code is or raises, the error names it."""
    with pytest.raises(PlannerError, match=words):
        planner_named(name)


def test_a_planner_that_raises_when_made_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of foreign code is told as ours."""
    (tmp_path / "raising_scheme.py").write_text("class Scheme:\n    def __init__(self): 1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PlannerError, match="cannot be made: division by zero"):
        planner_named("raising_scheme:Scheme")
    sys.modules.pop("raising_scheme", None)
