from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.estimation import BandwidthEstimate, ProgressMeter

RATES = st.floats(4, 8).map(lambda exponent: 10.0**exponent)
"""Bytes per second over four decades."""

ROUND_TRIPS = st.floats(0, 0.08)


class MadeUpLink:
    """A link of a rate and a delay on a made-up clock, and the meter that watches it."""

    def __init__(
        self, meter: ProgressMeter, rate: float, round_trip_s: float, began_s: float = 0.0
    ) -> None:
        self.meter = meter
        self.rate = rate
        self.round_trip_s = round_trip_s
        self.now_s = began_s

    def send(self, sizes: Sequence[int]) -> list[tuple[float, int]]:
        """Hand pieces to the link now; gives when each is acknowledged."""
        through_s = self.now_s + self.round_trip_s / 2
        acknowledgements = []
        for size_bytes in sizes:
            self.meter.sent(size_bytes, self.now_s)
            through_s += size_bytes / self.rate
            acknowledgements.append((through_s + self.round_trip_s / 2, size_bytes))
        return acknowledgements

    def acknowledge(self, acknowledgements: Sequence[tuple[float, int]]) -> None:
        """Let the meter see acknowledgements when they come."""
        for at_s, size_bytes in acknowledgements:
            self.now_s = at_s
            self.meter.acknowledged(size_bytes, at_s, self.round_trip_s)

    def carry(self, sizes: Sequence[int]) -> None:
        """Send pieces and see all their acknowledgements."""
        self.acknowledge(self.send(sizes))


def pieces(rate: float, count: int) -> list[int]:
    """Give pieces as the client cuts them: 20 ms each, 1 KB to 64 KB, the last one smaller."""
    size_bytes = int(min(max(rate * 0.02, 1024), 65536))
    return [size_bytes] * (count - 1) + [max(size_bytes // 3, 1)]


@given(rate=RATES, round_trip_s=ROUND_TRIPS, count=st.integers(2, 40))
def test_one_message_tells_the_rate(rate: float, round_trip_s: float, count: int) -> None:
    """After a message of several pieces the rate is known, whatever the round trip."""
    estimate = BandwidthEstimate()
    link = MadeUpLink(ProgressMeter(estimate), rate, round_trip_s, began_s=5.0)
    link.carry(pieces(rate, count))
    assert estimate.bytes_per_s == pytest.approx(rate, rel=1e-3)
    assert estimate.observed_at_s <= link.now_s


@given(rate=RATES, round_trip_s=ROUND_TRIPS, wrong=st.floats(-3, 3))
def test_a_wrong_belief_is_corrected(rate: float, round_trip_s: float, wrong: float) -> None:
    """A belief wrong by up to a thousand is within 10 % after a second of traffic."""
    estimate = BandwidthEstimate()
    estimate.observe(rate * 10**wrong, 1.0)
    link = MadeUpLink(ProgressMeter(estimate), rate, round_trip_s)
    began_s = link.now_s
    while link.now_s - began_s < 1.0:
        link.carry(pieces(rate, 40))
    assert estimate.bytes_per_s == pytest.approx(rate, rel=0.1)


@given(
    rate=RATES,
    round_trip_s=ROUND_TRIPS,
    link_time_s=st.floats(3e-4, 1.0),
)
def test_a_single_piece_is_told_from_the_round_trip(
    rate: float, round_trip_s: float, link_time_s: float
) -> None:
    """Where one piece is all there is, its time less the round trip gives the rate."""
    estimate = BandwidthEstimate()
    size_bytes = max(round(rate * link_time_s), 100)
    MadeUpLink(ProgressMeter(estimate), rate, round_trip_s).carry([size_bytes])
    assert estimate.bytes_per_s == pytest.approx(rate, rel=0.01)


def test_a_piece_faster_than_the_round_trip_gives_no_endless_rate() -> None:
    """A piece back sooner than a round trip counts as 0.2 ms on the link."""
    estimate = BandwidthEstimate()
    meter = ProgressMeter(estimate)
    meter.sent(1000, 1.0)
    meter.acknowledged(1000, 1.01, round_trip_s=0.02)
    assert estimate.bytes_per_s == pytest.approx(1000 / 2e-4)


@given(rate=RATES, round_trip_s=ROUND_TRIPS, pause_s=st.floats(0.1, 100))
def test_idle_time_is_not_counted(rate: float, round_trip_s: float, pause_s: float) -> None:
    """What lies between two messages does not make the link look slow."""
    estimate = BandwidthEstimate()
    link = MadeUpLink(ProgressMeter(estimate), rate, round_trip_s)
    for _ in range(3):
        link.carry(pieces(rate, 5))
        link.now_s += pause_s
    assert estimate.bytes_per_s == pytest.approx(rate, rel=1e-3)


def test_every_message_counts() -> None:
    """A short message after a long one is observed as well: each busy period tells its rate."""
    estimate = BandwidthEstimate()
    meter = ProgressMeter(estimate)
    MadeUpLink(meter, 1e6, 0.01).carry([10_000] * 10)
    MadeUpLink(meter, 1e5, 0.01, began_s=60.0).carry([100, 900, 1000])
    # 19 ms on the link: one jolt at most, and so a step of a factor of four.
    assert estimate.bytes_per_s == pytest.approx(1e6 / 4**0.6, rel=0.02)


def test_a_change_of_rate_is_seen_inside_a_message() -> None:
    """A link that slows down is believed slower before the message is through."""
    estimate = BandwidthEstimate()
    meter = ProgressMeter(estimate)
    fast = MadeUpLink(meter, 1e6, 0.01)
    slow = MadeUpLink(meter, 1e5, 0.01)
    fast.carry([10_000] * 10)
    slow.now_s = fast.now_s
    slow.acknowledge(slow.send([10_000] * 10)[:7])
    assert meter.under_way_bytes == 30_000
    assert estimate.bytes_per_s == pytest.approx(1e5, rel=0.1)


@given(rate=RATES, round_trip_s=ROUND_TRIPS, count=st.integers(2, 20), seen=st.data())
def test_bytes_under_way(rate: float, round_trip_s: float, count: int, seen: st.DataObject) -> None:
    """What was sent and not acknowledged is under way; a lost connection leaves nothing."""
    meter = ProgressMeter(BandwidthEstimate())
    link = MadeUpLink(meter, rate, round_trip_s)
    sizes = pieces(rate, count)
    num_seen = seen.draw(st.integers(0, count))
    link.acknowledge(link.send(sizes)[:num_seen])
    assert sum(sizes[num_seen:]) == meter.under_way_bytes
    meter.dropped()
    assert meter.under_way_bytes == 0


def test_acknowledgements_without_a_send_leave_nothing_under_way() -> None:
    """More acknowledged than sent is nothing under way, not less."""
    meter = ProgressMeter(BandwidthEstimate())
    meter.sent(10, 0.0)
    meter.acknowledged(15, 0.1, None)
    assert meter.under_way_bytes == 0


def test_a_new_connection_begins_anew() -> None:
    """After a lost connection, old marks do not count for what is sent then."""
    estimate = BandwidthEstimate()
    meter = ProgressMeter(estimate)
    lost = MadeUpLink(meter, 1e6, 0.01)
    lost.acknowledge(lost.send([10_000] * 3)[:1])
    meter.dropped()
    MadeUpLink(meter, 1e5, 0.01, began_s=60.0).carry([10_000] * 3)
    assert estimate.bytes_per_s == pytest.approx(1e5)


@given(rate=RATES, count=st.integers(3, 30), data=st.data())
def test_silence_never_makes_a_link_slower_than_it_is(
    rate: float, count: int, data: st.DataObject
) -> None:
    """However far a message has come, giving it up does not bring the belief below the rate."""
    estimate = BandwidthEstimate()
    estimate.observe(rate, 1.0)
    meter = ProgressMeter(estimate)
    link = MadeUpLink(meter, rate, 0.0)
    acknowledgements = link.send(pieces(rate, count))
    num_seen = data.draw(st.integers(0, count - 1))
    link.acknowledge(acknowledgements[:num_seen])
    next_s = acknowledgements[num_seen][0]
    meter.stalled(link.now_s + data.draw(st.floats(0, 0.999)) * (next_s - link.now_s))
    assert estimate.bytes_per_s == pytest.approx(rate, rel=1e-3)


def test_silence_brings_the_belief_down() -> None:
    """A second without an acknowledgement of what should take 10 ms makes the link slow."""
    estimate = BandwidthEstimate()
    estimate.observe(1e6, 1.0)
    meter = ProgressMeter(estimate)
    meter.sent(10_000, 1.0)
    meter.stalled(2.0)
    assert estimate.bytes_per_s == pytest.approx(1e6**0.4 * 1e4**0.6, rel=0.05)
    assert estimate.observed_at_s == 2.0


@pytest.mark.parametrize(("idle_s", "is_spared"), [(5.0, True), (0.05, False)])
def test_a_window_that_opens_anew_is_no_slow_link(idle_s: float, is_spared: bool) -> None:
    """After idle TCP sends 14.6 KB, waits a round trip, sends twice as much: no slow link."""
    rate, round_trip_s, piece = 2.5e6, 0.05, 14_600
    estimate = BandwidthEstimate()
    meter = ProgressMeter(estimate)
    MadeUpLink(meter, rate, round_trip_s).carry([piece] * 20)
    before, began_s = estimate.bytes_per_s, meter._last_at_s + idle_s
    num_pieces, turn = 0, 0
    for _ in range(7):
        meter.sent(piece, began_s)
    while num_pieces < 7:  # one, two, four: each turn a round trip after the one before
        turn += 1
        for index in range(min(2 ** (turn - 1), 7 - num_pieces)):
            at_s = began_s + turn * round_trip_s + (index + 1) * piece / rate
            meter.acknowledged(piece, at_s, round_trip_s)
            num_pieces += 1
    assert (estimate.bytes_per_s == pytest.approx(before, rel=0.02)) == is_spared


def test_a_link_that_is_slow_after_idle_is_believed_to_be() -> None:
    """What the window does not explain is the link's: half a second later it is found out."""
    estimate = BandwidthEstimate()
    meter = ProgressMeter(estimate)
    MadeUpLink(meter, 2.5e6, 0.05).carry([20_000] * 20)
    MadeUpLink(meter, 1e5, 0.05, began_s=60.0).carry([5_000] * 10)
    assert estimate.bytes_per_s == pytest.approx(1e5, rel=0.2)


def test_silence_with_nothing_under_way_says_nothing() -> None:
    """Where nothing was sent, nothing was to be heard."""
    estimate = BandwidthEstimate()
    ProgressMeter(estimate).stalled(100.0)
    assert estimate.bytes_per_s is None


@given(rate=RATES, round_trip_s=ROUND_TRIPS, count=st.integers(3, 60), data=st.data())
def test_what_a_link_carries_at_most_is_never_less_than_it_does(
    rate: float, round_trip_s: float, count: int, data: st.DataObject
) -> None:
    """At any moment of a message the bound holds, however long nothing was heard."""
    meter = ProgressMeter(BandwidthEstimate())
    link = MadeUpLink(meter, rate, round_trip_s, began_s=5.0)
    acknowledgements = link.send(pieces(rate, count))
    num_seen = data.draw(st.integers(0, count - 1))
    link.acknowledge(acknowledgements[:num_seen])
    next_s = acknowledgements[num_seen][0]
    at_s = link.now_s + data.draw(st.floats(0, 0.999)) * (next_s - link.now_s)
    most = meter.most_bytes_per_s(at_s, round_trip_s)
    assert most is None or most >= rate * (1 - 1e-6)


@given(rate=RATES, round_trip_s=ROUND_TRIPS, num_seen=st.integers(2, 30))
def test_a_collapse_is_seen_before_the_next_piece_is_through(
    rate: float, round_trip_s: float, num_seen: int
) -> None:
    """80 ms after a link has stopped, it carries less than half; after 200 ms, a twentieth."""
    meter = ProgressMeter(BandwidthEstimate())
    link = MadeUpLink(meter, rate, round_trip_s, began_s=5.0)
    size_bytes = max(int(rate * 0.01), 1)
    link.acknowledge(link.send([size_bytes] * 40)[:num_seen])
    assert meter.most_bytes_per_s(link.now_s + 0.08, round_trip_s) <= 0.5 * rate
    assert meter.most_bytes_per_s(link.now_s + 0.2, round_trip_s) <= 0.051 * rate


@given(rate=st.floats(5.5, 8).map(lambda exponent: 10.0**exponent), data=st.data())
def test_acknowledgements_that_jitter_are_no_collapse(rate: float, data: st.DataObject) -> None:
    """Each up to 30 ms late: the link is not taken for less than a third of what it is."""
    meter = ProgressMeter(BandwidthEstimate())
    link = MadeUpLink(meter, rate, 0.01, began_s=5.0)
    sent = link.send([int(rate * 0.01)] * 40)
    late_s = 0.0
    for index, (at_s, size_bytes) in enumerate(sent):
        late_s = max(data.draw(st.floats(0, 0.03)), late_s - 0.01)  # they keep their order
        most = meter.most_bytes_per_s(at_s + late_s, 0.01)
        assert most is None or most > rate / 3, index
        meter.acknowledged(size_bytes, at_s + late_s, 0.01)


def test_nothing_is_said_of_an_idle_link() -> None:
    """Where nothing is under way, and before 60 ms of a message, there is no bound."""
    meter = ProgressMeter(BandwidthEstimate())
    assert meter.most_bytes_per_s(100.0, 0.01) is None
    meter.sent(1000, 100.0)
    assert meter.most_bytes_per_s(100.06, 0.01) is None
    assert meter.most_bytes_per_s(100.08, 0.01) == pytest.approx(1000 / 0.07)
    meter.acknowledged(1000, 100.09, 0.01)
    assert meter.most_bytes_per_s(100.1, 0.01) is None


def test_a_link_that_pauses_by_habit_is_given_more_time() -> None:
    """Pauses of 200 ms, one piece in ten: the next one is no collapse; the first ones were."""
    meter = ProgressMeter(BandwidthEstimate())
    now_s = 5.0
    for index in range(100):
        meter.sent(1000, now_s)
        meter.sent(1000, now_s)
        now_s += 0.2 if index % 10 == 9 else 0.01
        meter.acknowledged(1000, now_s, 0.0)
        if index == 11:
            early = meter.most_bytes_per_s(now_s + 0.19, 0.0)
    late = meter.most_bytes_per_s(now_s + 0.19, 0.0)
    assert early is not None
    assert early < 1000 / 0.18
    assert late is not None
    assert late > 1.5 * early
