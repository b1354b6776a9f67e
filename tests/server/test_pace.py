"""How slow the server is lately."""

import pytest

from cutpoint.server.pace import Pace


def test_an_undisturbed_server_is_as_quick_as_its_profile() -> None:
    """Before anything ran, and while runs take what was profiled."""
    pace = Pace()
    assert (pace.slowdown(0.0), pace.share) == (1.0, 1.0)
    pace.note(1.0, 0.2, 0.2, 0.2)
    assert pace.slowdown(1.0) == 1.0


def test_one_run_that_was_held_up_is_no_slowdown() -> None:
    """What is slow again and again is; what was slow now and then is not."""
    pace = Pace()
    for number in range(16):
        pace.note(1.0, 9.0 if number % 3 == 0 else 1.1, 1.0, 1.0)
    assert pace.slowdown(1.0) == pytest.approx(1.1)
    for _ in range(16):
        pace.note(1.0, 4.0, 1.0, 1.0)
    assert pace.slowdown(1.0) == pytest.approx(4.0)


def test_what_was_seen_fades() -> None:
    """Half of it in five quiet seconds, down to less than the profile says."""
    pace = Pace()
    pace.note(10.0, 4.5, 1.0, 1.0)
    assert pace.slowdown(10.0) == pytest.approx(4.5)
    assert pace.slowdown(15.0) == pytest.approx(2.5)
    assert pace.slowdown(1e4) == pytest.approx(0.5)


def test_what_batches_save_is_a_share() -> None:
    """Weighted by time; what takes no time says nothing, and batches never cost more."""
    pace = Pace()
    pace.note(1.0, 1.0, 1.0, 4.0)
    assert pace.share == pytest.approx(0.25)
    pace.note(2.0, 1.0, 0.0, 0.0)
    assert pace.slowdown(1.0) == 1.0
    pace.note(3.0, 1.0, 9.0, 1.0)
    assert pace.share == 1.0
