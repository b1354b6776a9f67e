"""Fair shares: greed takes from nobody, and room that nobody else wants is not kept back."""

import numpy as np
import pytest

from cutpoint.exceptions import OverloadedError
from cutpoint.server.fair_shares import FairShares

WORK_S = 0.01
PLACES = 3


def _served(rates: dict[str, float], *, is_fair: bool, seconds: float = 20.0) -> dict[str, int]:
    """Count what each caller gets of one worker with a queue, asking at rates per second."""
    rng = np.random.default_rng(5)
    asked = sorted(
        (at_s, name)
        for name, rate in rates.items()
        for at_s in rng.uniform(0, seconds, rng.poisson(rate * seconds))
    )
    shares, ends = FairShares(), [0.0]
    got = dict.fromkeys(rates, 0)
    for at_s, name in asked:
        ends = [end_s for end_s in ends if end_s > at_s]
        try:
            if is_fair:
                shares.check(name, at_s)
        except OverloadedError:
            continue
        if len(ends) >= PLACES:
            shares.turned_away(name, at_s)
            continue
        shares.took(name, WORK_S, at_s)
        ends.append(max(at_s, *ends, 0.0) + WORK_S if ends else at_s + WORK_S)
        got[name] += 1
    return got


MODEST = {f"modest {i}": 20.0 for i in range(4)}


def test_one_that_asks_ten_times_as_much_leaves_the_others_their_share() -> None:
    """Each of the others gets at least 90 % of what it gets among equals; without shares, less."""
    equal = _served({**MODEST, "other": 20.0}, is_fair=True)
    greedy = _served({**MODEST, "other": 200.0}, is_fair=True)
    unfair = _served({**MODEST, "other": 200.0}, is_fair=False)
    for name in MODEST:
        assert greedy[name] >= 0.9 * equal[name]
        assert unfair[name] < 0.7 * equal[name]


def test_what_nobody_else_wants_is_given_away() -> None:
    """Alone, or beside callers that are never turned away, a caller gets all it asks for."""
    alone = _served({"one": 300.0}, is_fair=True)
    assert alone == _served({"one": 300.0}, is_fair=False)
    assert alone["one"] > 0.95 * 20 / WORK_S


def test_the_server_is_as_busy_as_among_equals() -> None:
    """What the greedy one is refused goes to the others."""
    greedy = _served({**MODEST, "other": 200.0}, is_fair=True)
    equal = _served({**MODEST, "other": 20.0}, is_fair=True)
    assert sum(greedy.values()) >= 0.95 * sum(equal.values())


def test_equals_do_not_refuse_each_other() -> None:
    """Where all ask for the same, shares take nothing away from anybody."""
    rates = {f"equal {i}": 60.0 for i in range(5)}
    fair, unfair = (_served(rates, is_fair=each) for each in (True, False))
    assert sum(fair.values()) >= 0.97 * sum(unfair.values())


def test_a_refusal_says_when_the_share_has_grown_back() -> None:
    """Before that it is refused again, after it there is no refusal."""
    shares = FairShares()
    shares.turned_away("modest", 0.0)
    for _ in range(100):
        shares.took("greedy", WORK_S, 0.0)
    with pytest.raises(OverloadedError, match="more than its share") as caught:
        shares.check("greedy", 0.0)
    retry_s = caught.value.retry_after_s
    assert 0 < retry_s < 5
    shares.check("modest", 0.0)
    with pytest.raises(OverloadedError):
        shares.check("greedy", 0.5 * retry_s)
    shares.check("greedy", 6.0)


def test_many_callers_are_forgotten() -> None:
    """Addresses that come once take no memory for ever."""
    shares = FairShares()
    for i in range(20_000):
        shares.check(f"caller {i}", i * 1e-3)
        shares.turned_away(f"caller {i}", i * 1e-3)
    assert len(shares._callers) <= 10_001
    assert len(shares._turned_away) <= 2
