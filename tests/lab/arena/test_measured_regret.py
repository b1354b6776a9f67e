"""The oracle that is found by replaying fixed rows."""

import pytest
from tests.lab.arena.shots import shot

from cutpoint.lab.arena.measured_regret import MeasuredRegret
from cutpoint.lab.arena.shot import Shot

_ROWS = ("row fast here", "row fast there")


def _replayed(name: str, here_s: float, there_s: float, num: int = 5) -> list[Shot]:
    return [
        shot(name, latency_s * (1 + 0.01 * i), position_s=at_s)
        for at_s, latency_s in ((0.0, here_s), (1.0, there_s))
        for i in range(num)
    ]


_BOTH = [*_replayed(_ROWS[0], 1.0, 3.0), *_replayed(_ROWS[1], 2.0, 1.0)]


def test_the_oracle_takes_the_lowest_median_at_each_place() -> None:
    """Its rows differ from place to place; the best fixed row is one for all."""
    oracle = MeasuredRegret(_BOTH, _ROWS).oracle()
    assert oracle.rows == _ROWS
    assert oracle.median_s == (pytest.approx(1.02), pytest.approx(1.02))
    assert oracle.best_fixed == _ROWS[1]


def test_a_policy_that_always_takes_the_best_row_has_no_regret_and_no_row_has_less() -> None:
    """Regret is over the same places as the oracle's."""
    regret = MeasuredRegret([*_BOTH, *_replayed("clever", 1.0, 1.0)], _ROWS)
    clever = regret.of("clever")
    assert clever is not None
    assert clever.mean == pytest.approx(0.0)
    assert clever.ci[0] <= clever.mean + 1e-9 <= clever.ci[1] + 2e-9
    for row in _ROWS:
        found = regret.of(row)
        assert found is not None
        assert found.mean >= 0.0
        assert found.kind == "measured"


def test_a_row_that_was_never_tried_is_no_replay_of_it() -> None:
    """What was planned for the device from the start says nothing of the row, however soon."""
    given_up = [shot(_ROWS[0], 0.1, position_s=1.0, reason="late") for _ in range(5)]
    oracle = MeasuredRegret([*_BOTH, *given_up], _ROWS).oracle()
    assert oracle.median_s[1] == pytest.approx(1.02)


def test_too_few_replays_make_no_oracle() -> None:
    """Two replays of a row at a place are not enough to call it the best there."""
    few = _replayed(_ROWS[0], 1.0, 1.0, num=2)
    with pytest.raises(ValueError, match="enough"):
        MeasuredRegret(few, _ROWS)
    assert MeasuredRegret([*few, *_replayed(_ROWS[1], 2.0, 2.0)], _ROWS).oracle().rows == (
        _ROWS[1],
        _ROWS[1],
    )
