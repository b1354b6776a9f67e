"""Whose the delay of an answer is, where the server tells nothing."""

import math

import pytest

from cutpoint.estimation import Blame
from cutpoint.estimation.blame import carried_bytes_per_s

RATE, SIZE, IDLE_S, ROUND_TRIP_S = 1e6, 100_000, 0.1, 0.01
ON_TIME_S = SIZE / RATE + IDLE_S + ROUND_TRIP_S
PROBE_BYTES = 16 * 1024


def trusting() -> Blame:
    """Give one that knows the link."""
    blame = Blame(PROBE_BYTES)
    blame.trust(RATE)
    return blame


def split(blame: Blame, took_s: float, at_s: float = 0.0) -> float | None:
    """Tell of an answer of the usual size."""
    return blame.answered(took_s, SIZE, ROUND_TRIP_S, IDLE_S, at_s)


def test_an_answer_on_time_is_nobodys_fault():
    """The server took what it takes when idle, and no probe is wanted."""
    blame = trusting()
    assert split(blame, ON_TIME_S) == IDLE_S
    assert not blame.wants_probe


def test_a_late_answer_waits_for_a_probe():
    """Nothing is learned before."""
    blame = trusting()
    assert split(blame, ON_TIME_S + 0.4) is None
    assert blame.wants_probe


def test_where_the_link_is_as_ever_the_server_took_the_rest():
    """What is more than its idle time and the link's is its own."""
    blame = trusting()
    split(blame, ON_TIME_S + 0.4)
    blame.probed(RATE, 0.1)
    assert not blame.wants_probe
    assert split(blame, ON_TIME_S + 0.4, 0.2) == pytest.approx(IDLE_S + 0.4)


def test_where_the_link_is_slow_the_server_is_not():
    """A probe that takes as much longer explains it."""
    blame = trusting()
    split(blame, ON_TIME_S + 0.4)
    blame.probed(RATE / 5, 0.1)
    assert split(blame, ON_TIME_S + 0.4, 0.2) == IDLE_S


def test_a_link_that_is_a_little_slower_explains_a_little():
    """Each is told its own part."""
    blame = trusting()
    split(blame, 1.0)
    blame.probed(RATE / 2, 0.1)
    assert split(blame, 1.0, 0.2) == pytest.approx(1.0 - ROUND_TRIP_S - 2 * SIZE / RATE)


def test_an_answer_on_time_clears_both():
    """The next late one is looked into anew."""
    blame = trusting()
    split(blame, ON_TIME_S + 0.4)
    blame.probed(RATE, 0.1)
    assert split(blame, ON_TIME_S, 0.2) == IDLE_S
    assert split(blame, ON_TIME_S + 0.4, 0.3) is None


def test_as_long_as_answers_stay_late_it_is_looked_into_again():
    """A link may become slow where a server was."""
    blame = trusting()
    split(blame, ON_TIME_S + 0.4)
    blame.probed(RATE, 0.1)
    split(blame, ON_TIME_S + 0.4, 1.0)
    assert not blame.wants_probe
    for number in range(20):
        split(blame, ON_TIME_S + 0.4, 2.5 + number)
    assert blame.wants_probe
    blame.probed(RATE / 5, 30.0)
    assert split(blame, ON_TIME_S + 0.4, 30.1) == IDLE_S


def test_probes_take_no_more_than_their_share():
    """A hundredth of what was sent, beyond two at first."""
    blame, num_probes = trusting(), 0
    for number in range(1000):
        split(blame, ON_TIME_S + 0.4, 3.0 * number)
        if blame.wants_probe:
            num_probes += 1
            blame.probed(RATE, 3.0 * number)
    assert num_probes * PROBE_BYTES <= 0.01 * 1000 * SIZE + 2 * PROBE_BYTES


@pytest.mark.parametrize("rate", [math.nan, math.inf, 0.0, -1.0])
def test_a_rate_that_is_none_settles_nothing(rate):
    """It stays to be found out."""
    blame = trusting()
    split(blame, ON_TIME_S + 0.4)
    blame.probed(rate, 0.1)
    assert split(blame, ON_TIME_S + 0.4) is None


def test_without_a_link_or_an_idle_time_nothing_is_told_apart():
    """The server is taken at its idle time."""
    assert split(Blame(PROBE_BYTES), 5.0) == IDLE_S
    assert trusting().answered(5.0, SIZE, ROUND_TRIP_S, 0.0, 0.0) == 0.0


def test_what_was_measured_may_be_forgotten_meanwhile():
    """One answer is on time on one thread while another's is split on another."""

    class Forgetful(Blame):
        _found: float | None = None

        @property
        def _measured(self) -> float | None:
            found, self._found = self._found, None
            return found

        @_measured.setter
        def _measured(self, value: float | None) -> None:
            self._found = value

    blame = Forgetful(PROBE_BYTES)
    blame.trust(RATE)
    split(blame, ON_TIME_S + 0.4)
    blame.probed(RATE, 0.1)
    assert split(blame, ON_TIME_S + 0.4, 0.2) == pytest.approx(IDLE_S + 0.4)


def test_what_holds_up_an_empty_message_is_not_the_links_doing():
    """A probe that is late beside an empty one on time shows the link; both late, the server."""
    assert carried_bytes_per_s(16_000, 0.02, 0.0) == pytest.approx(0.8e6)
    assert carried_bytes_per_s(16_000, 0.02, 0.019) > 10e6
    assert math.isfinite(carried_bytes_per_s(16_000, 0.02, 0.5))
