import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutpoint.lab.bottleneck import PIECE_MAX_BYTES, PIECE_MIN_BYTES, QUEUE_MIN_BYTES, Bottleneck
from cutpoint.simulation.rate_schedule import RateSchedule

unhurried = settings(deadline=None)
STEP = RateSchedule(phases=((1.0, 1000), (1.0, 4000), (2.0, 0)), repeat=True)


def departures(bottleneck: Bottleneck[int], until_s: float) -> list[tuple[float, int]]:
    """Pop all that left by then."""
    return list(bottleneck.pop_departed(until_s))


def test_pieces_leave_in_arrival_order_one_after_another() -> None:
    """A piece starts when it arrives, or when the piece before it left."""
    bottleneck: Bottleneck[int] = Bottleneck(RateSchedule.constant(1000))
    bottleneck.push(0.0, 500, 0)
    bottleneck.push(0.1, 1000, 1)
    assert bottleneck.queued_bytes == 1500
    assert departures(bottleneck, 1.4) == [(0.5, 0)]
    assert departures(bottleneck, 9.0) == [(1.5, 1)]
    bottleneck.push(9.0, 1000, 2)
    assert bottleneck.departure_s == 10.0


def test_a_late_caller_costs_no_bandwidth() -> None:
    """Pieces noticed late carry the time they left, and the next one started then."""
    bottleneck: Bottleneck[int] = Bottleneck(RateSchedule.constant(1000))
    for piece in range(3):
        bottleneck.push(0.0, 1000, piece)
    assert departures(bottleneck, 2.9) == [(1.0, 0), (2.0, 1)]
    assert bottleneck.departure_s == 3.0


@unhurried
@given(st.lists(st.integers(0, 5000), min_size=1, max_size=20))
def test_a_busy_bottleneck_follows_its_schedule(sizes_bytes: list[int]) -> None:
    """Pieces back to back end when one transfer of all their bytes would."""
    bottleneck: Bottleneck[int] = Bottleneck(STEP)
    for piece, size_bytes in enumerate(sizes_bytes):
        bottleneck.push(0.25, size_bytes, piece)
    left = departures(bottleneck, 1e9)
    assert [piece for _, piece in left] == list(range(len(sizes_bytes)))
    assert STEP.sent_bytes(0.25, left[-1][0]) == pytest.approx(sum(sizes_bytes), abs=1e-3)
    assert bottleneck.queued_bytes == 0
    assert bottleneck.departure_s == math.inf


@unhurried
@given(st.floats(0, 20), st.floats(0, 20))
def test_changing_to_the_same_schedule_changes_nothing(first_s: float, then_s: float) -> None:
    """A change keeps what the piece being served has done already."""
    bottleneck: Bottleneck[int] = Bottleneck(RateSchedule.constant(1000))
    for piece in range(5):
        bottleneck.push(0.0, 3000, piece)
    left = []
    for now_s in sorted((first_s, then_s)):
        left += departures(bottleneck, now_s)
        bottleneck.change_schedule(now_s, RateSchedule.constant(1000))
    left += departures(bottleneck, 1e3)
    assert [left_s for left_s, _ in left] == pytest.approx([3.0, 6.0, 9.0, 12.0, 15.0])


def test_a_new_rate_holds_for_the_rest_of_the_piece_and_for_what_waits() -> None:
    """Half a piece at the old rate, the rest and the queue at the new one."""
    bottleneck: Bottleneck[int] = Bottleneck(RateSchedule.constant(1000))
    bottleneck.push(0.0, 1000, 0)
    bottleneck.push(0.0, 1000, 1)
    bottleneck.change_schedule(0.5, RateSchedule.constant(10_000))
    left_s = [left_s for left_s, _ in departures(bottleneck, 1.0)]
    assert left_s == pytest.approx([0.55, 0.65])


def test_an_outage_holds_everything_until_it_ends() -> None:
    """With rate 0 nothing leaves; without a limit everything leaves at once."""
    bottleneck: Bottleneck[int] = Bottleneck(RateSchedule.constant(0))
    bottleneck.push(0.0, 1000, 0)
    bottleneck.push(0.0, 1000, 1)
    assert departures(bottleneck, 100.0) == []
    bottleneck.change_schedule(100.0, None)
    assert departures(bottleneck, 100.0) == [(100.0, 0), (100.0, 1)]


def test_an_unlimited_link_takes_a_rate() -> None:
    """What left an unlimited link before the change does not wait again."""
    bottleneck: Bottleneck[int] = Bottleneck(None)
    bottleneck.push(1.0, 1000, 0)
    bottleneck.change_schedule(2.0, RateSchedule.constant(1000))
    bottleneck.push(2.0, 1000, 1)
    assert departures(bottleneck, 9.0) == [(2.0, 0), (3.0, 1)]


@pytest.mark.parametrize(
    ("bandwidth_bytes_per_s", "piece_bytes"),
    [(0, PIECE_MIN_BYTES), (125e3, PIECE_MIN_BYTES), (2.5e6, 5000), (1e9, PIECE_MAX_BYTES)],
)
def test_a_piece_is_two_milliseconds_within_bounds(
    bandwidth_bytes_per_s: float, piece_bytes: int
) -> None:
    """Pieces follow the rate, from one Ethernet frame to 16 KB."""
    bottleneck: Bottleneck[int] = Bottleneck(RateSchedule.constant(bandwidth_bytes_per_s))
    assert bottleneck.piece_bytes(0.0) == piece_bytes


@pytest.mark.parametrize("queue_s", [0.0, 0.05, 1.0])
@pytest.mark.parametrize("bandwidth_bytes_per_s", [0, 1e4, 1e6, 1e8])
def test_the_queue_is_bounded_and_always_takes_two_pieces(
    bandwidth_bytes_per_s: float, queue_s: float
) -> None:
    """Filling while there is room ends between two pieces and the stated bound."""
    bottleneck: Bottleneck[int] = Bottleneck(RateSchedule.constant(bandwidth_bytes_per_s), queue_s)
    num_pieces = 0
    while bottleneck.has_room(0.0):
        bottleneck.push(0.0, bottleneck.piece_bytes(0.0), num_pieces)
        num_pieces += 1
    assert num_pieces >= 2
    largest_bytes = max(queue_s * bandwidth_bytes_per_s, QUEUE_MIN_BYTES, 2 * PIECE_MAX_BYTES)
    assert bottleneck.queued_bytes <= largest_bytes


@pytest.mark.parametrize("queue_s", [-1.0, math.inf, math.nan])
def test_an_impossible_queue_is_refused(queue_s: float) -> None:
    """A negative or endless queue is an error that names the bound."""
    with pytest.raises(ValueError, match="queue_s must be at least 0 and finite"):
        Bottleneck(None, queue_s)


def test_a_schedule_may_begin_in_its_middle() -> None:
    """Whatever the time, it stands where it was put, for the queue's length and for what leaves."""
    bottleneck: Bottleneck[int] = Bottleneck(RateSchedule.constant(8000), queue_s=100.0)
    bottleneck.push(7.0, 4000, 0)
    bottleneck.change_schedule(7.25, STEP, position_s=0.5)
    bottleneck.push(7.25, 1500, 1)
    # 2000 bytes are left of the first: half a second at 1000, then 4000 a second.
    assert departures(bottleneck, 9.0) == [(8.125, 0), (8.5, 1)]
    assert bottleneck.queue_max_bytes(7.5) == 100.0 * 1000
    assert bottleneck.queue_max_bytes(8.0) == 100.0 * 4000
    bottleneck.push(9.0, 1000, 2)
    bottleneck.change_schedule(9.5, STEP)
    assert bottleneck.queue_max_bytes(9.5) == 100.0 * 4000, "it stands where the link does again"


def test_what_waits_can_be_taken_out() -> None:
    """In order, and then the queue is empty."""
    bottleneck: Bottleneck[int] = Bottleneck(RateSchedule.constant(1000))
    for piece in range(3):
        bottleneck.push(0.0, 1000, piece)
    assert list(bottleneck.pop_all()) == [0, 1, 2]
    assert bottleneck.queued_bytes == 0
    assert bottleneck.departure_s == math.inf
    bottleneck.push(5.0, 1000, 3)
    assert departures(bottleneck, 9.0) == [(6.0, 3)]
