"""Laws of one inference, under any order of events that a client may deliver."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.inference import (
    Action,
    Answered,
    Cancel,
    Deliver,
    EncodeDone,
    Event,
    HeadDone,
    Inference,
    OffloadFailed,
    PatienceEnded,
    Replying,
    Retry,
    RunHead,
    RunTail,
    Send,
    Started,
    TailDone,
    Uploaded,
    UploadLags,
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


REST_S = 3.0
"""What the tail takes here, as the inference is told: some uploads that lag are hopeless by it."""

RETRY = Retry("edge:8002", 2.0)

WORDS: dict[str, Callable[[float, float, float], Event]] = {
    "uploaded": lambda at_s, first_s, _: Uploaded(at_s, first_s),
    "uploaded, running": lambda at_s, first_s, _: Uploaded(at_s, first_s, is_running=True),
    "lags": lambda at_s, first_s, _: UploadLags(at_s, first_s),
    "started": lambda at_s, *_: Started(at_s),
    "replying": lambda at_s, *_: Replying(at_s),
    "answered": Answered,
    "answered, decoded": lambda at_s, first_s, second_s: Answered(at_s, 0.0, first_s, second_s),
    "encoded": lambda at_s, *_: EncodeDone(at_s),
    "failed": lambda at_s, *_: OffloadFailed(at_s, "gone"),
    "failed, unsent": lambda at_s, *_: OffloadFailed(at_s, "gone", is_unsent=True),
    "failed, another": lambda at_s, *_: OffloadFailed(at_s, "gone", RETRY),
    "late": lambda at_s, *_: PatienceEnded(at_s),
}
"""What server, link and timer may say, and how it is said."""


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
    outside: list[tuple[float, str, float, float]]
    before_tail: int


STORIES = st.builds(
    Story,
    TIMES,
    TIMES,
    TIMES,
    st.lists(st.tuples(TIMES, st.sampled_from(sorted(WORDS)), TIMES, TIMES), max_size=10),
    st.integers(0, 3),
)


@dataclass
class Told:
    """An inference to its end: what it was told, and what it asked for because of it."""

    inference: Inference
    began_s: float
    answers: list[tuple[Event | None, tuple[Action, ...]]] = field(default_factory=list)

    def tell(self, event: Event) -> None:
        """Pass on an event."""
        self.answers.append((event, self.inference.handle(event)))

    @property
    def actions(self) -> list[Action]:
        """Everything it asked for, in order."""
        return [action for _, actions in self.answers for action in actions]

    def because_of(self, *kinds: type[Event]) -> list[tuple[Action, ...]]:
        """Give what it asked for on events of these kinds, where it asked for anything."""
        return [given for event, given in self.answers if isinstance(event, kinds) and given]

    @property
    def settled(self) -> Event | None:
        """The word that said who computes the rest; ``None`` as long as none has."""
        settling = {RunTail(), Deliver(True)}
        return next((event for event, given in self.answers if settling & set(given)), None)


def tell(placement: str, story: Story) -> Told:
    """Play the client: do what is asked for, and pass on what the outside says, when it says it."""
    told = Told(Inference(PLANS[placement], patience_s=1.0, rest_s=REST_S), began_s=100.0)
    told.answers.append((None, told.inference.start()))
    now_s = told.began_s + story.head_s + story.encode_s
    told.tell(HeadDone(now_s, story.head_s, story.encode_s))
    tail_done: tuple[int, float] | None = None
    for index, (pause_s, word, first_s, second_s) in enumerate(story.outside):
        now_s += pause_s
        if tail_done is not None and index == tail_done[0]:
            told.tell(TailDone(tail_done[1], story.alone_s))
        told.tell(WORDS[word](now_s, first_s, second_s))
        if RunTail() in told.actions and tail_done is None:
            tail_done = (index + 1 + story.before_tail, now_s + story.alone_s)
    if tail_done is not None and tail_done[0] >= len(story.outside):
        told.tell(TailDone(tail_done[1], story.alone_s))
    return told


@given(placement=PLACEMENTS, story=STORIES)
def test_every_story_ends_in_one_answer(placement: str, story: Story) -> None:
    """There is one answer and nothing after it; without one, the server still owes a word."""
    told = tell(placement, story)
    delivered = [action for action in told.actions if isinstance(action, Deliver)]
    if placement != "device" and told.settled is None:
        assert delivered == []
        assert not told.inference.is_done
        assert isinstance(told.actions[-1], Send)
        return
    from_server = placement != "device" and isinstance(told.settled, Answered)
    assert [Deliver(from_server)] == delivered
    assert told.inference.is_done
    assert told.actions[-1] == Deliver(from_server)


@given(placement=PLACEMENTS, story=STORIES)
def test_what_is_asked_for_comes_in_order(placement: str, story: Story) -> None:
    """Head, sending, perhaps another, perhaps a cancel, perhaps the tail, answer: each once."""
    order = (RunHead, Send, Cancel, RunTail, Deliver)
    asked = [order.index(type(action)) for action in tell(placement, story).actions]
    assert asked == sorted(asked)
    most = {Send: 2 if placement != "device" else 0}
    assert all(asked.count(index) <= most.get(kind, 1) for index, kind in enumerate(order))
    assert asked[0] == 0


@given(placement=PLACEMENTS, story=STORIES)
def test_a_second_server_is_tried_after_a_failure_that_names_it(
    placement: str, story: Story
) -> None:
    """At most once, at the address and with the patience that were named; never out of turn."""
    told = tell(placement, story)
    sends = [action for action in told.actions if isinstance(action, Send)]
    assert len(sends) == told.inference.attempts <= 2
    assert sends[1:] in ([], [Send(RETRY.patience_s, RETRY.server)])
    for event, given_actions in told.answers:
        if any(isinstance(action, Send) for action in given_actions):
            assert isinstance(event, HeadDone) or event.retry == RETRY
    if told.inference.attempts == 1 and isinstance(told.settled, OffloadFailed):
        assert told.settled.retry is None


@given(placement=PLACEMENTS, story=STORIES)
def test_nothing_is_left_behind_at_a_server(placement: str, story: Story) -> None:
    """Each sending ends by its server's own word, or by a cancel right when it is given up."""
    told = tell(placement, story)
    if not told.inference.is_done:
        return
    cancels = told.actions.count(Cancel())
    failures = len(told.because_of(OffloadFailed))
    answers = len(told.because_of(Answered))
    assert cancels + failures + answers == told.inference.attempts
    given_up = told.because_of(PatienceEnded, UploadLags)
    assert given_up == [(Cancel(), RunTail())] * cancels


@given(placement=PLACEMENTS, story=STORIES)
def test_an_upload_is_called_off_for_a_gain_alone(placement: str, story: Story) -> None:
    """What is left of it would take longer than the tail here, and it is not through yet."""
    told = tell(placement, story)
    if isinstance(told.settled, UploadLags):
        assert told.settled.remaining_s > REST_S
        assert told.inference.failed_in == "upload"


@given(placement=PLACEMENTS, story=STORIES)
def test_parts_add_up_to_the_time_that_passed(placement: str, story: Story) -> None:
    """The parts are the time from input to output, whatever the server's clock claims."""
    told = tell(placement, story)
    if not told.inference.is_done:
        return
    measured, settled = told.inference.measured, told.settled
    elapsed_s = story.head_s + story.encode_s
    if placement != "device" and settled is not None:
        elapsed_s = settled.at_s - told.began_s
    if placement != "device" and not isinstance(settled, Answered):
        elapsed_s += story.alone_s
    assert measured.latency_s == pytest.approx(elapsed_s, abs=1e-9)
    assert min(vars(measured).values()) >= 0


@given(placement=PLACEMENTS, story=STORIES)
def test_the_record_says_who_answered(placement: str, story: Story) -> None:
    """A fallback has a reason, a phase, and is the device's; everything else is as planned."""
    told = tell(placement, story)
    inference = told.inference
    fell_back = RunTail() in told.actions
    assert fell_back == (inference.fallback_reason is not None)
    assert (fell_back or inference.attempts == 2) == (inference.failed_in is not None)
    assert ("device" if fell_back else placement) == inference.placement
    if inference.is_done:
        parts = [leg.part for leg in inference.legs]
        assert parts == (["head", "tail"] if placement == "split" else ["whole"])
        servers = [None, "edge:8001", RETRY.server]
        wanted = "device" if fell_back else servers[inference.attempts] or "device"
        assert wanted == inference.legs[-1].host


@given(placement=PLACEMENTS, story=STORIES)
def test_the_same_events_give_the_same_actions(placement: str, story: Story) -> None:
    """The machine draws nothing and reads no clock."""
    first, second = tell(placement, story), tell(placement, story)
    assert first.actions == second.actions
    assert first.inference.measured == second.inference.measured
    assert first.inference.legs == second.inference.legs
