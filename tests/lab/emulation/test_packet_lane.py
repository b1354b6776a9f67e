"""One direction of a link of packets."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutpoint.lab.disturbance import Disturbance
from cutpoint.lab.emulation.packet_lane import HEADER_BYTES, PacketLane
from cutpoint.simulation.rate_schedule import RateSchedule

CALM = Disturbance()
FAST = RateSchedule.constant(1000.0)


def _packet(payload_bytes: int, mark: int = 0) -> bytes:
    return bytes([mark]) * (HEADER_BYTES + payload_bytes)


def _lane(**changes) -> PacketLane:
    settings = {"schedule": FAST, "delay_s": 0.5, "queue_bytes": 1e6, "disturbance": CALM}
    return PacketLane(**{**settings, **changes})


def test_a_packet_takes_its_payload_over_the_rate_and_the_delay() -> None:
    """Headers cost nothing, nor does a packet that is all header."""
    lane = _lane()
    lane.push(1.0, _packet(1000, 1))
    lane.push(1.0, _packet(0, 2))
    assert lane.due_s() == 2.0
    assert list(lane.pop_due(2.4)) == []
    assert lane.due_s() == 2.5
    assert [packet[0] for packet in lane.pop_due(2.5)] == [1, 2]
    assert lane.due_s() == math.inf


def test_what_finds_no_room_is_dropped() -> None:
    """The queue is counted in bytes, the packet being served included; headers always fit."""
    lane = _lane(queue_bytes=1500)
    for mark in range(3):
        lane.push(0.0, _packet(700, mark))
    lane.push(0.0, _packet(0, 9))
    assert lane.num_dropped == 1
    assert [packet[0] for packet in lane.pop_due(9.0)] == [0, 1, 9]


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(0, 9))
def test_jitter_delays_and_never_reorders(gaps_s: list[float], seed: int) -> None:
    """Each packet arrives within the jitter after its due time, or with the one before it."""
    lane = _lane(schedule=None, disturbance=Disturbance(jitter_s=0.3), seed=seed)
    at_s = 0.0
    for mark, gap_s in enumerate(gaps_s):
        at_s += gap_s
        lane.push(at_s, _packet(10, mark))
    assert list(lane.pop_due(0.49)) == []
    assert [packet[0] for packet in lane.pop_due(at_s + 0.8)] == list(range(len(gaps_s)))


def test_the_stated_share_is_lost() -> None:
    """By the seed, and the same again."""
    counts = []
    for _ in range(2):
        lane = _lane(schedule=None, disturbance=Disturbance(loss=0.2), seed=7)
        for _ in range(1000):
            lane.push(0.0, _packet(10))
        counts.append(len(list(lane.pop_due(9.0))))
    assert counts[0] == counts[1]
    assert 750 < counts[0] < 850


def test_a_cut_lane_loses_and_a_blocked_one_keeps() -> None:
    """What came while it was blocked is delivered when that ends."""
    lane = _lane(schedule=None, delay_s=0.0)
    lane.is_cut = True
    lane.push(0.0, _packet(10, 1))
    lane.is_cut = False
    lane.block(0.0, 2.0)
    lane.push(1.0, _packet(10, 2))
    assert list(lane.pop_due(1.5)) == []
    assert lane.due_s() == 2.0
    assert [packet[0] for packet in lane.pop_due(2.0)] == [2]
    lane.block(3.0, math.inf)
    lane.push(3.0, _packet(10, 3))
    lane.unblock()
    assert [packet[0] for packet in lane.pop_due(3.0)] == [3]


def test_a_lane_is_emptied_and_goes_on_from_a_position() -> None:
    """What travels comes first, then what waits; the schedule stands where it was put."""
    lane = _lane()
    for mark in range(3):
        lane.push(0.0, _packet(1000, mark))
    assert list(lane.pop_due(1.2)) == []
    assert [packet[0] for packet in lane.pop_all()] == [0, 1, 2]
    lane.play(5.0, RateSchedule(((1.0, 0.0), (9.0, 2000.0))), position_s=0.75)
    lane.push(5.0, _packet(1000))
    assert lane.due_s() == pytest.approx(5.75)
