"""The course of races on the virtual clock: what happens to the link, and what that makes of it."""

import numpy as np
import pytest

from cutpoint.cost import POWER_PROFILES
from cutpoint.lab.race.text import race_text
from cutpoint.lab.race.virtual import (
    DEVICE_TIMES,
    NOMINAL_BYTES_PER_S,
    OUTAGE_SHARE,
    PERIOD_S,
    SPREAD,
    Course,
    Way,
    course_of,
)

POWER = POWER_PROFILES["raspberry-pi-4b-wifi"]
ALWAYS, NEVER = Way("raced", "cutpoint", "always"), Way("not raced", "cutpoint", "off")


@pytest.fixture(scope="module")
def course(table_of) -> Course:
    """Give a course of a net that takes 70 ms by the server when all is well."""
    table = table_of((1.0, 0, 0, 0, 0), (0, 1.0, 0.01, 150_000, 4000))
    return course_of("made up", table, 1500, seed=3)


def test_the_link_is_off_and_falls_silent_as_it_is_said_to(course: Course) -> None:
    """Rates about the nominal one, and outages of two hundredths of the time."""
    phases = course.world.up.phases[:-1]
    silent_s = sum(duration_s for duration_s, rate in phases if rate == 0)
    total_s = sum(duration_s for duration_s, _ in phases)
    assert total_s == pytest.approx(1500 * PERIOD_S, abs=2)
    assert silent_s / total_s == pytest.approx(OUTAGE_SHARE, abs=0.01)
    off = np.log([rate / NOMINAL_BYTES_PER_S for _, rate in phases if rate > 0])
    assert (float(off.mean()), float(off.std())) == (
        pytest.approx(0, abs=0.03),
        pytest.approx(SPREAD, abs=0.02),
    )


def test_the_device_is_as_slow_as_it_is_said_to_be(course: Course) -> None:
    """In times of the clairvoyant mean."""
    times = float(course.table.head_s[0] / course.clairvoyant_s.mean())
    assert times == pytest.approx(DEVICE_TIMES, rel=0.01)


def test_a_race_bounds_what_an_outage_costs(course: Course) -> None:
    """By the device, at hardly more than who knows what comes; without one it takes longer."""
    raced, plain = (
        np.array([record.latency_s for record in course.run(way, POWER)])
        / course.clairvoyant_s.mean()
        for way in (ALWAYS, NEVER)
    )
    assert len(raced) == len(plain) == 1500
    assert raced.mean() <= min(1.05, plain.mean())
    assert raced.max() <= 1.01 * DEVICE_TIMES
    assert np.percentile(raced, 99) <= 4.5 <= plain.max()


def test_the_page_has_a_row_per_way() -> None:
    """With its joules."""
    page = race_text({"raced": np.ones(3), "plain": np.full(3, 2.0)}, {"raced": 1, "plain": 2}, ())
    assert "| raced | 3 | 1.000 | 1.00 | 1.00 | 1.00 | 1.00 |" in page
    assert "| plain | 3 | 2.000 |" in page
