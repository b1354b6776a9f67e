"""What counts, and how contenders compare."""

import pytest
from tests.lab.arena.shots import shot

from cutpoint.lab.arena.comparison import kept, ratio_of_means, result_row, share_dropped

_NAMES = {"model": "net", "link": "trace", "load": "idle", "policy": "a"}


def test_drops_what_something_else_disturbed_and_keeps_what_is_not_known() -> None:
    """A wall time over CPU time above 1.1 does not count; one that nobody knows does."""
    shots = [shot("a", 1.0, contention=each) for each in (1.0, 1.1, 1.11, None)]
    assert kept(shots) == (shots[0], shots[1], shots[3])
    assert share_dropped(shots) == 0.25
    assert share_dropped([]) == 0.0


def test_gives_no_row_where_most_was_dropped() -> None:
    """Over four fifths dropped is no result; a row says how many were."""
    disturbed = [shot("a", 1.0, contention=2.0)] * 5
    assert result_row([*disturbed, shot("a", 1.0)], **_NAMES) is None
    row = result_row([*disturbed[:4], shot("a", 1.0)], **_NAMES)
    assert row is not None
    assert (row.n, row.num_dropped) == (1, 4)


def test_says_how_often_the_device_finished() -> None:
    """A row of inferences that were planned otherwise says so."""
    row = result_row([shot("a", 1.0, reason="late"), shot("a", 1.0)], **_NAMES)
    assert row is not None
    assert "1 of 2 finished by the device" in row.note


def test_compares_only_rounds_in_which_both_count() -> None:
    """The ratio of means is over pairs of a round; an undisturbed half of a pair does not count."""
    ours = [shot("a", 1.0 + i % 2, round_number=i) for i in range(20)]
    others = [shot("b", 2.0 + 2 * (i % 2), round_number=i) for i in range(20)]
    spoilt = [shot("a", 99.0, round_number=20), shot("b", 1.0, round_number=20, contention=9.0)]
    found = ratio_of_means([*ours, spoilt[0]], [*others, spoilt[1]])
    assert found is not None
    ratio, (low, high) = found
    assert ratio == pytest.approx(0.5)
    assert (low, high) == (pytest.approx(0.5), pytest.approx(0.5))
    assert ratio_of_means(ours, []) is None


def test_rounds_at_one_place_are_not_taken_for_places_of_their_own() -> None:
    """Twenty rounds at each of two places say twice how the two compare, and not forty times."""
    rounds = [(number, float(number % 2)) for number in range(40)]
    ours = [shot("a", 0.5 + at_s, position_s=at_s, round_number=n) for n, at_s in rounds]
    others = [shot("b", 1.0, position_s=at_s, round_number=n) for n, at_s in rounds]
    found = ratio_of_means(ours, others)
    assert found is not None
    assert found == (pytest.approx(1.0), (pytest.approx(0.5), pytest.approx(1.5)))
