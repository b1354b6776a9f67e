"""A server that answers, and never as soon as predicted."""

import pytest

from cutpoint.estimation import Pace


def test_ten_in_a_row_leave_it():
    """The tenth answer that takes over three times what was predicted ends it, for a second."""
    pace = Pace()
    assert [pace.observe(0.4, 0.1, 0.2) for _ in range(10)] == [0.0] * 9 + [1.0]


def test_one_that_keeps_to_it_starts_the_count_anew():
    """Jitter is no slow-down."""
    pace = Pace()
    for _ in range(50):
        assert [pace.observe(0.4, 0.1, 0.2) for _ in range(9)] == [0.0] * 9
        assert pace.observe(0.1, 0.1, 0.2) == 0.0


@pytest.mark.parametrize(("took_s", "alone_s"), [(0.4, 0.5), (0.29, 0.01)])
def test_one_that_is_worth_it_is_not_left(took_s, alone_s):
    """Sooner than the device all the same, or not much later than predicted."""
    pace = Pace()
    assert not any(pace.observe(took_s, 0.1, alone_s) for _ in range(100))


def test_one_that_stays_slow_is_left_for_longer_each_time():
    """After the pause one slow answer is enough; a good one forgives."""
    pace = Pace()
    pauses = [pace.observe(0.4, 0.1, 0.2) for _ in range(16)]
    assert pauses[9:] == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    pace.observe(0.1, 0.1, 0.2)
    assert [pace.observe(0.4, 0.1, 0.2) for _ in range(10)] == [0.0] * 9 + [1.0]
