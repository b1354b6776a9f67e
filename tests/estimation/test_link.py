from math import log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutpoint.estimation import BandwidthEstimate, LinkEstimator
from cutpoint.records import LinkConditions

RATES = st.floats(1e3, 1e9)


def distances(believed: float, real: float) -> list[float]:
    """Give how far the logarithm of a belief is off after each of five transfers of 0.25 s."""
    estimate, found = BandwidthEstimate(), []
    estimate.observe(believed, 1.0)
    for _ in range(5):
        estimate.observe(real / 4, 0.25)
        assert estimate.bytes_per_s is not None
        found.append(abs(log(estimate.bytes_per_s / real)))
    return found


@pytest.mark.parametrize("factor", [100.0, 0.01])
def test_a_jolt_counts_for_little_until_it_is_witnessed(factor: float) -> None:
    """20 ms at a hundredth or a hundredfold move the belief like a quarter; the next confirms."""
    jolted, quarter = BandwidthEstimate(), BandwidthEstimate()
    for estimate, seen in ((jolted, factor), (quarter, 4.0 if factor > 1 else 0.25)):
        estimate.observe(1e6, 1.0)
        estimate.observe(1e6 * seen * 0.02, 0.02)
    assert jolted.bytes_per_s == pytest.approx(quarter.bytes_per_s, rel=0.01)
    for _ in range(4):
        jolted.observe(1e6 * factor * 0.02, 0.02)
    assert jolted.bytes_per_s == pytest.approx(1e6 * factor, rel=0.3)


def test_a_late_probe_of_a_fast_link_is_no_slow_link() -> None:
    """A kilobyte that is late because somebody was not woken says nothing, however often."""
    link = LinkEstimator()
    link.observe_probe(32_000, 1e-3, 0.0)
    for tick in range(1, 50):
        link.observe_probe(1000, 1.5e-3 if tick % 2 else 20e-3, 0.5 * tick)
    assert link.up.bytes_per_s == pytest.approx(32e6)
    assert link.up.observed_at_s == 0.5 * 49


def test_two_late_probes_are_a_slow_link() -> None:
    """And the first quick one is a fast one again."""
    link = LinkEstimator()
    link.observe_probe(32_000, 1e-3, 0.0)
    for tick in range(1, 6):
        link.observe_probe(1000, 0.1, float(tick))
        assert (link.up.bytes_per_s < 32e6) == (tick > 1)
    assert link.up.bytes_per_s < 3e4
    before = link.up.bytes_per_s
    link.observe_probe(1000, 1e-3, 7.0)
    assert link.up.bytes_per_s > 2 * before


@pytest.mark.parametrize("waking_s", [2e-3, 25e-3])
def test_the_first_probes_of_a_fast_link_are_bounds(waking_s: float) -> None:
    """What waking took of a tiny first probe does not weigh on those that are larger."""
    link = LinkEstimator()
    first = (2000, waking_s)
    for tick, (size_bytes, duration_s) in enumerate([first, (20_000, 2e-3), (32_000, 2e-3)]):
        link.observe_round_trip(0.005)
        link.observe_probe(size_bytes, duration_s, 0.01 * tick)
    assert link.up.bytes_per_s == pytest.approx(16e6, rel=0.1)
    link.up.observe(1e6, 0.01, 0.1)
    assert link.up.bytes_per_s == pytest.approx(100e6, rel=0.1)
    link.up.observe(1e6, 0.1, 0.2)
    assert 10e6 < (link.up.bytes_per_s or 0.0) < 50e6


def test_probes_as_late_as_empty_ones_are_no_slow_link() -> None:
    """A machine that is busy holds up each message by milliseconds, whatever its size."""
    busy, calm = LinkEstimator(), LinkEstimator()
    for link, jitter_s in ((busy, 5e-3), (calm, 0.0)):
        link.up.observe(1e6, 0.05, 0.0)
        for tick in range(12):
            link.observe_round_trip(0.005 + jitter_s * (tick % 3) / 2)
            if tick >= 3:
                link.observe_probe(1000, 4e-3, 0.5 * tick)
    assert busy.up.bytes_per_s == pytest.approx(20e6)
    assert (calm.up.bytes_per_s or 0.0) < 1e6


def test_what_has_changed_before_is_believed_to_change_again() -> None:
    """After a while of silence an observation counts for more where the link is a restless one."""
    restless, steady = BandwidthEstimate(), BandwidthEstimate()
    for tick in range(200):
        restless.observe(1e5 * (1 + tick % 2), 0.1, at_s=0.5 * tick)
        steady.observe(1e5, 0.1, at_s=0.5 * tick)
    seen = []
    for estimate in (restless, steady):
        before = estimate.bytes_per_s
        estimate.observe(before * 0.004 / 2, 0.004, at_s=102.0)  # 4 ms on the link
        seen.append(estimate.bytes_per_s / before)
    assert seen[0] < 0.85 * seen[1]


@settings(max_examples=10)
@given(factor=st.floats(1.05, 3), num=st.integers(20, 60))
def test_the_spread_is_that_of_the_links_changes(factor: float, num: int) -> None:
    """A rate that alternates every two seconds spreads by the logarithm of the factor."""
    link = LinkEstimator()
    link.observe_round_trip(0.02)
    for tick in range(num):
        rate = 1e6 * (factor if tick % 2 else 1.0)
        for part in range(100):  # so often that the belief is there
            link.up.observe(rate * 0.02, 0.02, at_s=2.0 * tick + 0.02 * part)
    at_s = link.up.observed_at_s
    assert link.conditions(at_s + 2.0).spread == pytest.approx(log(factor), rel=0.2)
    assert link.conditions(at_s).spread < link.conditions(at_s + 2.0).spread


def test_a_steady_link_does_not_spread() -> None:
    """However old the belief is: it was always right."""
    link = LinkEstimator()
    link.observe_round_trip(0.02)
    for tick in range(50):
        link.up.observe(1e5, 0.1, at_s=0.5 * tick)
    assert link.conditions(100.0).spread == pytest.approx(0.0, abs=1e-9)


def test_what_is_under_way_bounds_the_way_up() -> None:
    """A link is believed no faster than what it was seen to carry; a faster bound is none."""
    link = LinkEstimator()
    link.observe_round_trip(0.02)
    link.up.observe(1e5, 0.1)
    assert link.conditions(None, 1e4).bandwidth_up_bytes_per_s == 1e4
    assert link.conditions(None, 1e9).bandwidth_up_bytes_per_s == pytest.approx(1e6)


def test_nothing_is_believed_at_first() -> None:
    """Before the first transfer there is no belief, and it is endlessly old."""
    estimate = BandwidthEstimate()
    assert (None, float("-inf")) == (estimate.bytes_per_s, estimate.observed_at_s)


def test_the_first_transfer_is_believed() -> None:
    """The first transfer, however small, is all there is to believe."""
    estimate = BandwidthEstimate()
    estimate.observe(10, 1e-5, at_s=3.0)
    assert (pytest.approx(1e6), 3.0) == (estimate.bytes_per_s, estimate.observed_at_s)


@given(rate=RATES, factor=st.floats(1.5, 100))
def test_a_rise_is_followed_as_fast_as_a_fall(rate: float, factor: float) -> None:
    """A link faster by a factor is found after as many transfers as one slower by it."""
    rise = distances(rate, rate * factor)
    assert rise == pytest.approx(distances(rate * factor, rate), rel=1e-3)
    assert rise[-1] < log(1.1)


def test_a_telling_transfer_moves_the_logarithm_by_its_weight() -> None:
    """A transfer of 20 ms or more moves the belief by about 0.6 of the way, on a log scale."""
    for rate in (3e6, 3e5):
        estimate = BandwidthEstimate()
        estimate.observe(1e6, 1.0)
        estimate.observe(rate * 0.02, 0.02)
        assert estimate.bytes_per_s == pytest.approx(1e6**0.4 * rate**0.6, rel=0.02)


@given(rate=st.floats(1e8, 1e10), share=st.floats(0.1, 10))
def test_a_tiny_transfer_on_a_fast_link_says_little(rate: float, share: float) -> None:
    """A kilobyte on a fast link, timed ten times too fast or slow, moves the belief by < 2 %."""
    estimate = BandwidthEstimate()
    estimate.observe(rate, 1.0)
    estimate.observe(1000, 1000 / (rate * share))
    assert estimate.bytes_per_s == pytest.approx(rate, rel=0.02)


def test_a_small_transfer_that_takes_long_is_believed() -> None:
    """On a link that broke down even a kilobyte says enough."""
    estimate = BandwidthEstimate()
    estimate.observe(1e8, 1.0)
    for _ in range(10):
        estimate.observe(1000, 1.0)
    assert estimate.bytes_per_s == pytest.approx(1000, rel=0.1)


@given(st.lists(st.tuples(RATES, st.floats(1e-6, 10)), min_size=1))
def test_the_belief_stays_between_what_was_seen(seen: list[tuple[float, float]]) -> None:
    """However transfers come, the belief lies between the slowest and the fastest."""
    estimate = BandwidthEstimate()
    for rate, duration_s in seen:
        estimate.observe(rate * duration_s, duration_s)
    rates = [rate for rate, _ in seen]
    assert estimate.bytes_per_s is not None
    assert min(rates) * 0.999 <= estimate.bytes_per_s <= max(rates) * 1.001


@pytest.mark.parametrize(("size_bytes", "duration_s"), [(0, 1.0), (10, 0.0), (10, -1.0), (-1, 1.0)])
def test_what_is_no_transfer_says_nothing(size_bytes: float, duration_s: float) -> None:
    """Neither no bytes nor no time moves the belief or its age."""
    estimate = BandwidthEstimate()
    estimate.observe(1e6, 1.0, at_s=1.0)
    estimate.observe(size_bytes, duration_s, at_s=2.0)
    estimate.observe_at_most(size_bytes, duration_s, at_s=2.0)
    assert (estimate.bytes_per_s, estimate.observed_at_s) == (1e6, 1.0)


def test_a_bound_above_the_belief_says_nothing() -> None:
    """That a link is slower than something faster than believed is no news."""
    estimate = BandwidthEstimate()
    estimate.observe(1e6, 1.0, at_s=1.0)
    estimate.observe_at_most(2e6, 1.0, at_s=2.0)
    assert (estimate.bytes_per_s, estimate.observed_at_s) == (1e6, 1.0)


def test_a_bound_below_the_belief_is_believed() -> None:
    """A bound below the belief counts as a transfer at the bound."""
    bounded, observed = BandwidthEstimate(), BandwidthEstimate()
    for estimate in (bounded, observed):
        estimate.observe(1e6, 1.0)
    bounded.observe_at_most(1e5, 1.0, at_s=2.0)
    observed.observe(1e5, 1.0, at_s=2.0)
    assert observed.bytes_per_s == bounded.bytes_per_s
    assert bounded.observed_at_s == 2.0


def test_a_bound_is_better_than_nothing() -> None:
    """Where nothing is believed yet, the bound is."""
    estimate = BandwidthEstimate()
    estimate.observe_at_most(1e5, 0.5)
    assert estimate.bytes_per_s == pytest.approx(2e5)


def test_a_link_is_unknown_until_both_are_measured() -> None:
    """Conditions need a round trip and one rate."""
    link = LinkEstimator()
    assert link.conditions() is None
    link.observe_round_trip(0.02)
    assert link.conditions() is None
    other = LinkEstimator()
    other.up.observe(1e6, 1.0)
    assert other.conditions() is None


@pytest.mark.parametrize(
    ("up", "down", "expected"),
    [(1e6, 4e6, (1e6, 4e6)), (1e6, None, (1e6, 1e6)), (None, 4e6, (4e6, 4e6))],
)
def test_an_unmeasured_direction_is_like_the_other(
    up: float | None, down: float | None, expected: tuple[float, float]
) -> None:
    """Each way has its own rate where it was measured; the round trip is shared out evenly."""
    link = LinkEstimator()
    link.observe_round_trip(0.02)
    for estimate, rate in ((link.up, up), (link.down, down)):
        if rate is not None:
            estimate.observe(rate, 1.0)
    assert LinkConditions(*expected, 0.01, 0.01) == link.conditions()


def test_the_round_trip_is_the_median_of_the_latest_nine() -> None:
    """A few late answers do not count; old ones are forgotten."""
    link = LinkEstimator()
    assert link.round_trip_s is None
    for duration_s in [*[9.0] * 20, *[0.01] * 3, 5.0, *[0.01] * 2, 5.0, 5.0, 5.0]:
        link.observe_round_trip(duration_s)
    assert link.round_trip_s == 0.01


def test_a_round_trip_of_nothing_says_nothing() -> None:
    """A round trip that took no time was not measured."""
    link = LinkEstimator()
    link.observe_round_trip(0.0)
    link.observe_round_trip(-1.0)
    assert link.round_trip_s is None


def test_a_new_connection_forgets_the_round_trip_only() -> None:
    """Rates outlive a connection, round trips do not."""
    link = LinkEstimator()
    link.observe_round_trip(0.02)
    link.up.observe(1e6, 1.0)
    link.forget()
    assert (link.round_trip_s, link.up.bytes_per_s) == (None, 1e6)


def test_one_answer_that_stalled_does_not_keep_a_device_alone_for_ever() -> None:
    """While nothing comes back, probes lead a slow direction's belief to the other one's."""
    link = LinkEstimator()
    link.up.observe(1e6, 0.1)
    link.down.observe(1e6, 0.1)
    link.down.observe(64e3, 5.0)
    poisoned = link.down.bytes_per_s
    assert poisoned is not None
    assert poisoned < 1e6
    for _ in range(40):
        link.observe_round_trip(0.01)
    conditions = link.conditions()
    assert conditions is not None
    assert conditions.bandwidth_down_bytes_per_s > 0.9e7


def test_a_fast_way_down_is_not_doubted() -> None:
    """Probes tell nothing against a direction that is faster than the other."""
    link = LinkEstimator()
    link.up.observe(1e6, 1.0)
    link.down.observe(9e6, 1.0)
    link.observe_round_trip(0.01)
    assert link.down.bytes_per_s == pytest.approx(9e6)


def test_an_answer_may_take_more_than_a_probe() -> None:
    """What it takes beside round trip and bytes is part of the message back, within bounds."""
    link = LinkEstimator()
    link.observe_answer(1.0, 1000)  # before anything is known of the link
    link.observe_round_trip(0.02)
    link.up.observe(1e5, 0.1)
    assert link.conditions() == LinkConditions(1e6, 1e6, 0.01, 0.01)
    for extra_s in (0.001, 0.002, 0.5):
        link.observe_answer(0.01 + 0.004 + extra_s, 4000)
    assert link.conditions().message_down_s == pytest.approx(0.012)
    for _ in range(9):
        link.observe_answer(0.5, 4000)
    assert link.conditions().message_down_s == pytest.approx(0.013)
    link.forget()
    link.observe_round_trip(0.02)
    assert link.conditions() == LinkConditions(1e6, 1e6, 0.01, 0.01)


def test_an_answer_in_one_piece_shows_what_the_way_down_carries() -> None:
    """A slow way up says nothing of the way down, once answers were back sooner than that."""
    link = LinkEstimator()
    link.observe_round_trip(0.02)
    link.up.observe(1e5, 1.0)
    assert link.conditions().bandwidth_down_bytes_per_s == pytest.approx(1e5)
    link.observe_answer(0.012, 4000)  # at the rate of the way up it takes 50 ms
    assert link.conditions().bandwidth_down_bytes_per_s == pytest.approx(2e6)
    assert link.conditions().message_down_s == pytest.approx(0.01)
    link.up.observe(1e3, 1.0)
    assert link.conditions().bandwidth_down_bytes_per_s == pytest.approx(2e6)
    for _ in range(9):
        link.observe_answer(0.41, 4000)  # the way down has become slow
    assert link.conditions().bandwidth_down_bytes_per_s == pytest.approx(1e4)
    link.observe_answer(0.012, 4000)
    link.forget()
    link.observe_round_trip(0.02)
    assert link.conditions().bandwidth_down_bytes_per_s < 1e4


def test_an_answer_does_not_slow_down_what_is_measured() -> None:
    """What it shows is a bound: the server's own work is in it."""
    link = LinkEstimator()
    link.observe_round_trip(0.02)
    link.up.observe(1e6, 0.1)
    link.down.observe(1e7, 0.1)
    link.observe_answer(0.5, 4000)
    link.observe_answer(0.0, 4000)
    link.observe_answer(0.02, 0)
    assert link.conditions().bandwidth_down_bytes_per_s == pytest.approx(1e8)


def test_one_slow_answer_is_not_believed_for_ever() -> None:
    """One alone says nothing, and several fade with every probe: they may be why none come."""
    link = LinkEstimator()
    link.up.observe(1e5, 0.1)
    link.observe_round_trip(0.001)
    link.observe_answer(0.0105, 0)
    assert link.conditions().message_down_s == pytest.approx(0.0005)
    link.observe_answer(0.0105, 0)
    link.observe_answer(0.0105, 0)
    assert link.conditions().message_down_s == pytest.approx(0.0035)
    for _ in range(60):
        link.observe_round_trip(0.001)
    assert link.conditions().message_down_s == pytest.approx(0.0005, rel=0.1)


def test_an_answer_may_come_while_the_others_fade() -> None:
    """Probes and answers are heard on threads of their own."""
    link = LinkEstimator()

    class Meddling(float):
        def __rmul__(self, other: float) -> float:
            link._answers_s.append(0.001)
            return float(self) * other

    link._answers_s.extend([Meddling(0.002), 0.002])
    link.observe_round_trip(0.01)
    assert max(link._answers_s) < 0.002
