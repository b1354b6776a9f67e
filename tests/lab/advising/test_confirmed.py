"""When the real clock confirms a plan."""

import pytest

from cutpoint.lab.advising.confirmed import Point


@pytest.mark.parametrize(
    ("measured_s", "is_confirmed"),
    [
        ((3.0, 2.0, 1.0), True),
        ((3.0, 1.0, 1.04), True),  # as good as the best
        ((3.0, 1.0, 1.1), False),
        ((3.0, None, 1.0), False),  # the other might have been better
        ((None, None, None), False),
    ],
)
def test_what_was_planned_best_has_to_be(
    measured_s: tuple[float | None, ...], is_confirmed: bool
) -> None:
    """Within five per cent, and only where all of them were measured."""
    point = Point("toy", "uint8", 5, 10, (3.0, 2.0, 1.0), measured_s, ((), (), ()))
    assert point.planned_best == "split"
    assert point.is_confirmed is is_confirmed
