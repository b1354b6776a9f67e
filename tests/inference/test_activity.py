"""What a device did during an inference, from its events; held against an integral over time."""

from dataclasses import replace

import pytest
from tests.power_timeline import PowerTimeline

from cutpoint.cost import PowerProfile, activity_j
from cutpoint.inference import (
    Answered,
    EncodeDone,
    Event,
    HeadDone,
    Inference,
    OffloadFailed,
    PatienceEnded,
    Replying,
    Started,
    TailDone,
    Uploaded,
    activity_of,
)
from cutpoint.inference.events import Retry
from cutpoint.records import DEVICE, Leg, Parts, Plan

POWER = PowerProfile("board", 8.0, 2.0, 5.0, 3.5, "made up", 1e-3, 5e-4)

SPLIT = Plan(
    "split",
    "cut",
    (Leg(DEVICE, "cut", ("v",), ("raw",)), Leg("edge:8001", None)),
    Parts(head_s=1.0, upload_s=1.0, tail_s=0.2, download_s=0.2),
)
ALONE = Plan("device", "device-only", (Leg(DEVICE, None),), Parts(head_s=3.0))


def _ended(plan: Plan, *events: Event) -> Inference:
    inference = Inference(plan)
    inference.start()
    for event in events:
        inference.handle(event)
    assert inference.is_done
    return inference


def _check(inference: Inference, timeline: PowerTimeline, end_s: float) -> None:
    """Hold the joules of what the machine says was done against the integral over what was."""
    activity = activity_of(inference, timeline.sent_bytes, timeline.received_bytes)
    found_j = activity_j(activity, POWER)
    assert activity.duration_s == pytest.approx(end_s)
    assert found_j == pytest.approx(timeline.exact_joules(0.0, end_s), rel=1e-9)
    assert found_j == pytest.approx(timeline.joules(0.0, end_s), rel=0.01)


def test_alone_it_computes_all_the_time() -> None:
    """And nothing else."""
    timeline = PowerTimeline(POWER, computing=[(0, 3)])
    _check(_ended(ALONE, HeadDone(3.0, 3.0)), timeline, 3.0)


def test_each_part_of_an_offload_is_counted() -> None:
    """Head, upload, queue, tail, download: computing, sending, idling twice, receiving."""
    inference = _ended(
        SPLIT, HeadDone(1.0, 1.0), Uploaded(2.1, 1.0), Answered(3.0, wait_s=0.3, tail_s=0.2)
    )
    timeline = PowerTimeline(POWER, [(0, 1)], [(1, 2)], [(2.5, 3)], 1000, 100)
    _check(inference, timeline, 3.0)


def test_what_is_sent_while_it_encodes_is_counted_twice_over() -> None:
    """Encoding from 1 to 1.5 s, bytes on their way from 1.2 s on: for 0.3 s it does both."""
    inference = _ended(
        SPLIT,
        HeadDone(1.0, 1.0),
        EncodeDone(1.5, sending_s=0.3),
        Uploaded(2.6, 1.0),
        Answered(3.0, wait_s=0.1, tail_s=0.2),
    )
    timeline = PowerTimeline(POWER, [(0, 1.5)], [(1.2, 2.5)], [(2.8, 3)], 5000, 100)
    _check(inference, timeline, 3.0)


def test_a_lost_offload_sent_no_longer_than_it_took_to_send() -> None:
    """Its values were through after a second; then it waited in vain, and computed."""
    inference = _ended(
        SPLIT, HeadDone(1.0, 1.0), Uploaded(2.0, 1.0), Started(2.1), PatienceEnded(4.0),
        TailDone(6.0, 2.0),
    )  # fmt: skip
    _check(inference, PowerTimeline(POWER, [(0, 1), (4, 6)], [(1, 2)], [], 1000), 6.0)


REPLY = (HeadDone(1.0, 1.0), Uploaded(2.0, 1.0), Replying(2.5))


@pytest.mark.parametrize("ended", [PatienceEnded(4.0), OffloadFailed(4.0, "died")])
def test_an_answer_that_was_not_waited_for_was_received_until_then(ended: Event) -> None:
    """Half of it had come, and is of no use."""
    inference = _ended(SPLIT, *REPLY, ended, TailDone(6.0, 2.0))
    _check(
        inference,
        PowerTimeline(POWER, [(0, 1), (4, 6)], [(1, 2)], [(2.5, 4)], 1000, 50),
        6.0,
    )


def test_an_answer_that_came_second_was_received_until_then() -> None:
    """The device won the race while it was on its way."""
    inference = _ended(replace(SPLIT, races=True), *REPLY, TailDone(3.0, 2.0))
    _check(inference, PowerTimeline(POWER, [(0, 3)], [(1, 2)], [(2.5, 3)], 1000, 50), 3.0)


def test_an_answer_in_pieces_is_received_once() -> None:
    """What it took is in the parts."""
    inference = _ended(SPLIT, *REPLY, Answered(3.0, wait_s=0.3, tail_s=0.2))
    _check(inference, PowerTimeline(POWER, [(0, 1)], [(1, 2)], [(2.5, 3)], 1000, 100), 3.0)


def test_an_upload_that_was_called_off_sent_until_then() -> None:
    """All of what was lost was spent on sending."""
    inference = _ended(SPLIT, HeadDone(1.0, 1.0), PatienceEnded(4.0), TailDone(6.0, 2.0))
    _check(inference, PowerTimeline(POWER, [(0, 1), (4, 6)], [(1, 4)], [], 400), 6.0)


def test_what_never_left_was_not_sent() -> None:
    """A connection that was gone before the first byte costs time, and no radio."""
    failed = OffloadFailed(1.5, "gone", is_unsent=True)
    inference = _ended(SPLIT, HeadDone(1.0, 1.0), failed, TailDone(3.5, 2.0))
    _check(inference, PowerTimeline(POWER, [(0, 1), (1.5, 3.5)]), 3.5)


def test_both_attempts_are_counted() -> None:
    """The first was through when its server died, the second was answered."""
    inference = _ended(
        SPLIT,
        HeadDone(1.0, 1.0),
        Uploaded(2.0, 1.0),
        OffloadFailed(2.5, "died", Retry("other:8001", 10.0)),
        Uploaded(3.0, 0.5),
        Answered(4.0, wait_s=0.5, tail_s=0.25),
    )
    timeline = PowerTimeline(POWER, [(0, 1)], [(1, 2), (2.5, 3)], [(3.75, 4)], 2000, 100)
    _check(inference, timeline, 4.0)


def test_a_race_that_the_server_wins_computed_until_then() -> None:
    """Beside sending, waiting and receiving."""
    racing = replace(SPLIT, races=True)
    inference = _ended(
        racing, HeadDone(1.0, 1.0), Uploaded(2.0, 1.0), Answered(3.0, wait_s=0.1, tail_s=0.4)
    )
    timeline = PowerTimeline(POWER, [(0, 3)], [(1, 2)], [(2.5, 3)], 1000, 100)
    _check(inference, timeline, 3.0)


@pytest.mark.parametrize("uploaded", [(), (Uploaded(2.0, 1.0),)])
def test_a_race_that_the_device_wins_counts_its_computing_once(uploaded: tuple[Event]) -> None:
    """And the sending until it was through, or called off."""
    racing = replace(SPLIT, races=True)
    inference = _ended(racing, HeadDone(1.0, 1.0), *uploaded, TailDone(3.0, 2.0))
    sending = [(1.0, 2.0 if uploaded else 3.0)]
    _check(inference, PowerTimeline(POWER, [(0, 3)], sending, [], 1000), 3.0)


def test_a_race_without_its_server_stops_sending_then() -> None:
    """The server died half a second after the sending began; the device computed on."""
    racing = replace(SPLIT, races=True)
    inference = _ended(racing, HeadDone(1.0, 1.0), OffloadFailed(1.5, "died"), TailDone(3.0, 2.0))
    _check(inference, PowerTimeline(POWER, [(0, 3)], [(1, 1.5)], [], 500), 3.0)
