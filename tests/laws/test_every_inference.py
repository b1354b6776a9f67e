"""Laws of one inference, under any order of events that a client may deliver."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.inference import (
    Action,
    Answered,
    Cancel,
    Deliver,
    Event,
    HeadDone,
    Inference,
    OffloadFailed,
    PatienceEnded,
    RunHead,
    RunTail,
    Send,
    TailDone,
    Uploaded,
)
from cutpoint.records import DEVICE, Leg, Parts, Plan

TIMES = st.floats(0, 10)
PLANS = {
    "device": Plan("device", "device-only", (Leg(DEVICE, None),), Parts()),
    "split": Plan(
        "split",
        "0123456789ab",
        (Leg(DEVICE, "0123456789ab", ("a",), ("raw",)), Leg("edge:8001", None)),
        Parts(),
    ),
    "server": Plan(
        "server",
        "server-only",
        (Leg(DEVICE, "server-only", ("x",), ("raw",)), Leg("edge:8001", None)),
        Parts(),
    ),
}
PLACEMENTS = st.sampled_from(sorted(PLANS))


@dataclass
class Story:
    """
    What happens to one inference: times between events, and what the outside says when.

    Parameters
    ----------
    head_s, encode_s, alone_s
        What the device's own work takes.
    outside
        Events of server and timer in order, each so long after the one before.
    before_tail
        How many events of the outside come in while the device runs the tail alone.
    """

    head_s: float
    encode_s: float
    alone_s: float
    outside: list[tuple[float, type[Event], float, float]]
    before_tail: int


STORIES = st.builds(
    Story,
    TIMES,
    TIMES,
    TIMES,
    st.lists(
        st.tuples(
            TIMES,
            st.sampled_from([Uploaded, Uploaded, Answered, OffloadFailed, PatienceEnded]),
            TIMES,
            TIMES,
        ),
        max_size=6,
    ),
    st.integers(0, 3),
)


@dataclass
class Told:
    """An inference to its end: what it was told, and what it asked for."""

    inference: Inference
    began_s: float
    events: list[Event] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)

    def tell(self, event: Event) -> None:
        """Pass on an event."""
        self.events.append(event)
        self.actions += self.inference.handle(event)


def tell(placement: str, story: Story) -> Told:
    """Play the client: do what is asked for, and pass on what the outside says, when it says it."""
    told = Told(Inference(PLANS[placement], patience_s=1.0), began_s=100.0)
    told.actions += told.inference.start()
    now_s = told.began_s + story.head_s + story.encode_s
    told.tell(HeadDone(now_s, story.head_s, story.encode_s))
    tail_done: tuple[int, float] | None = None
    for index, (pause_s, kind, first_s, second_s) in enumerate(story.outside):
        now_s += pause_s
        if tail_done is not None and index == tail_done[0]:
            told.tell(TailDone(tail_done[1], story.alone_s))
        if kind is Uploaded:
            told.tell(Uploaded(now_s, first_s))
        elif kind is Answered:
            told.tell(Answered(now_s, first_s, second_s))
        elif kind is OffloadFailed:
            told.tell(OffloadFailed(now_s, "gone"))
        else:
            told.tell(PatienceEnded(now_s))
        if RunTail() in told.actions and tail_done is None:
            tail_done = (index + 1 + story.before_tail, now_s + story.alone_s)
    if tail_done is not None and tail_done[0] >= len(story.outside):
        told.tell(TailDone(tail_done[1], story.alone_s))
    return told


def deciding(told: Told) -> Event | None:
    """Give the first word of server or timer that settles who computes the rest."""
    settling = (Answered, OffloadFailed, PatienceEnded)
    return next((event for event in told.events if isinstance(event, settling)), None)


@given(placement=PLACEMENTS, story=STORIES)
def test_every_story_ends_in_one_answer(placement: str, story: Story) -> None:
    """There is one answer, from who settled it; without one, the server still owes a word."""
    told = tell(placement, story)
    delivered = [action for action in told.actions if isinstance(action, Deliver)]
    settled = deciding(told)
    if placement != "device" and settled is None:
        assert delivered == []
        assert (False, Send(1.0)) == (told.inference.is_done, told.actions[-1])
        return
    from_server = placement != "device" and isinstance(settled, Answered)
    assert [Deliver(from_server)] == delivered
    assert told.inference.is_done
    assert told.actions[-1] == Deliver(from_server)


@given(placement=PLACEMENTS, story=STORIES)
def test_what_is_asked_for_follows_from_what_settled_it(placement: str, story: Story) -> None:
    """The head once, one sending, and the tail and the cancel only where they are called for."""
    told = tell(placement, story)
    settled = None if placement == "device" else deciding(told)
    expected: list[Action] = [RunHead()]
    if placement != "device":
        expected.append(Send(1.0))
    if isinstance(settled, PatienceEnded):
        expected.append(Cancel())
    if isinstance(settled, OffloadFailed | PatienceEnded):
        expected.append(RunTail())
    if placement == "device" or settled is not None:
        expected.append(Deliver(isinstance(settled, Answered)))
    assert expected == told.actions


@given(placement=PLACEMENTS, story=STORIES)
def test_parts_add_up_to_the_time_that_passed(placement: str, story: Story) -> None:
    """The parts are the time from input to output, whatever the server's clock claims."""
    told = tell(placement, story)
    if not told.inference.is_done:
        return
    measured, settled = told.inference.measured, deciding(told)
    elapsed_s = story.head_s + story.encode_s
    if placement != "device" and settled is not None:
        elapsed_s = settled.at_s - told.began_s
    if placement != "device" and not isinstance(settled, Answered):
        elapsed_s += story.alone_s
    assert measured.latency_s == pytest.approx(elapsed_s, abs=1e-9)
    assert min(vars(measured).values()) >= 0


@given(placement=PLACEMENTS, story=STORIES)
def test_the_record_says_who_answered(placement: str, story: Story) -> None:
    """A fallback has a reason and is the device's; everything else is as planned and has none."""
    told = tell(placement, story)
    inference, settled = told.inference, deciding(told)
    fell_back = placement != "device" and isinstance(settled, OffloadFailed | PatienceEnded)
    assert fell_back == (inference.fallback_reason is not None)
    assert ("device" if fell_back else placement) == inference.placement
    if inference.is_done:
        parts = [leg.part for leg in inference.legs]
        assert parts == (["head", "tail"] if placement == "split" else ["whole"])
        from_device = fell_back or placement == "device"
        assert ("device" if from_device else "edge:8001") == inference.legs[-1].host


@given(placement=PLACEMENTS, story=STORIES)
def test_the_same_events_give_the_same_actions(placement: str, story: Story) -> None:
    """The machine draws nothing and reads no clock."""
    first, second = tell(placement, story), tell(placement, story)
    assert first.actions == second.actions
    assert first.inference.measured == second.inference.measured
    assert first.inference.legs == second.inference.legs
