from collections.abc import Callable, Sequence

import pytest

from cutpoint.exceptions import LocalProtocolError
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
from cutpoint.records import LegRun, Parts, Placement, Plan

Write = Callable[[Placement], Plan]

HEAD = HeadDone(at_s=1.0, head_s=0.5, encode_s=0.25)
EVENTS: tuple[Event, ...] = (
    HEAD,
    Uploaded(at_s=2.0, upload_s=0.75),
    Answered(at_s=4.0, wait_s=0.5, tail_s=1.0),
    OffloadFailed(at_s=3.0, reason="server edge:8001 is gone"),
    PatienceEnded(at_s=3.0),
    TailDone(at_s=9.0, tail_s=5.0),
    UploadLags(at_s=2.0, remaining_s=100.0),
    Started(at_s=2.5),
    Replying(at_s=3.5),
)
_, UPLOADED, ANSWERED, FAILED, LATE, TAIL, LAGS, STARTED, REPLYING = EVENTS
OUTSIDE: set[type[Event]] = {type(event) for event in EVENTS} - {HeadDone, TailDone}
"""What server, link and timer may say."""


def run(inference: Inference, *events: Event) -> list[tuple[Action, ...]]:
    """Start an inference and give the actions of each event."""
    return [inference.start(), *(inference.handle(event) for event in events)]


def test_device_only(plan_of: Write) -> None:
    """Device-only runs its head, which is all, and delivers."""
    inference = Inference(plan_of("device"))
    assert [(RunHead(),), (Deliver(False),)] == run(inference, HEAD)
    assert (
        inference.is_done,
        inference.placement,
        inference.fallback_reason,
    ) == (True, "device", None)
    assert Parts(head_s=0.5, encode_s=0.25) == inference.measured
    assert (LegRun("device", "whole", 0.5),) == inference.legs


def test_a_split_that_is_answered(plan_of: Write) -> None:
    """A split runs its head, sends, and delivers what the server answers."""
    inference = Inference(plan_of("split"), patience_s=2.5)
    expected = [(RunHead(),), (Send(2.5),), (), (Deliver(True),)]
    assert expected == run(inference, HEAD, UPLOADED, ANSWERED)
    assert (
        inference.is_done,
        inference.placement,
        inference.fallback_reason,
    ) == (True, "split", None)
    assert (
        Parts(head_s=0.5, encode_s=0.25, upload_s=0.75, wait_s=0.5, tail_s=1.0, download_s=0.75)
        == inference.measured
    )
    assert (
        LegRun("device", "head", 0.5),
        LegRun("edge:8001", "tail", 1.0),
    ) == inference.legs


def test_server_only_that_is_answered(plan_of: Write) -> None:
    """Server-only has one leg: the whole, at the server."""
    inference = Inference(plan_of("server"))
    run(inference, HeadDone(at_s=1.0, head_s=0.0), ANSWERED)
    assert ("server", (LegRun("edge:8001", "whole", 1.0),)) == (
        inference.placement,
        inference.legs,
    )


def test_legs_carry_the_cpu_time_of_their_threads(plan_of: Write) -> None:
    """Of both hosts, as the events have it, with what an emulated device slept."""
    inference = Inference(plan_of("split"))
    run(inference, HeadDone(1.0, 0.5, 0.0, 0.1, 0.4), Answered(4.0, 0.5, 0.75, 0.25, 0.9))
    head, tail = inference.legs
    assert (head.cpu_s, head.stretched_s) == (0.1, 0.4)
    assert (tail.duration_s, tail.cpu_s, tail.stretched_s) == (1.0, 0.9, 0.0)
    alone = Inference(plan_of("server"))
    run(alone, HeadDone(1.0, 0.0), OffloadFailed(2.0, "gone"), TailDone(9.0, 6.0, 2.0, 4.0))
    assert alone.legs[-1].contention == 1.0


def test_without_a_notice_of_the_upload_the_link_time_is_all_upload(plan_of: Write) -> None:
    """A transport that does not tell when the upload ended shows no download."""
    inference = Inference(plan_of("split"))
    run(inference, HEAD, ANSWERED)
    assert (inference.measured.upload_s, inference.measured.download_s) == (1.5, 0.0)


@pytest.mark.parametrize(
    ("event", "actions", "reason"),
    [
        (FAILED, (RunTail(),), "server edge:8001 is gone"),
        (LATE, (Cancel(), RunTail()), "late: no answer within 2.50 s"),
    ],
)
@pytest.mark.parametrize(
    ("placement", "legs"),
    [
        ("split", (LegRun("device", "head", 0.5), LegRun("device", "tail", 5.0))),
        ("server", (LegRun("device", "whole", 5.0),)),
    ],
)
def test_the_device_finishes_alone(
    event: Event,
    actions: tuple[Action, ...],
    reason: str,
    placement: Placement,
    legs: tuple[LegRun, ...],
    plan_of: Write,
) -> None:
    """Where no answer comes, the device runs the rest and says why; a late server is told off."""
    inference = Inference(plan_of(placement), patience_s=2.5)
    assert [(RunHead(),), (Send(2.5),), actions, (Deliver(False),)] == run(
        inference, HEAD, event, TAIL
    )
    assert ("device", reason, legs) == (
        inference.placement,
        inference.fallback_reason,
        inference.legs,
    )
    assert Parts(head_s=0.5, encode_s=0.25, lost_s=2.0, tail_s=5.0) == inference.measured


def test_who_is_alone_is_not_done(plan_of: Write) -> None:
    """An inference that goes on alone is done when its tail is."""
    inference = Inference(plan_of("split"))
    run(inference, HEAD, FAILED)
    assert not inference.is_done
    inference.handle(TAIL)
    assert inference.is_done


STATES: dict[str, tuple[Placement, Sequence[Event] | None, set[type[Event]]]] = {
    "not started": ("split", None, set()),
    "head": ("split", (), {HeadDone}),
    "offloaded": ("split", (HEAD,), OUTSIDE),
    "uploaded": ("server", (HEAD, UPLOADED), OUTSIDE),
    "alone": ("split", (HEAD, LATE), {TailDone, *OUTSIDE}),
    "answered": ("split", (HEAD, ANSWERED), OUTSIDE),
    "finished": ("split", (HEAD, FAILED, TAIL), OUTSIDE),
    "device-only": ("device", (HEAD,), OUTSIDE),
}
"""How each state is reached, and what can happen then."""


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
@pytest.mark.parametrize("state", STATES)
def test_what_can_happen_when(state: str, event: Event, plan_of: Write) -> None:
    """What cannot happen in a state is our bug, named by event and state, and changes nothing."""
    placement, past, possible = STATES[state]
    inference = Inference(plan_of(placement))
    if past is not None:
        run(inference, *past)
    if type(event) in possible:
        inference.handle(event)
        return
    before = (repr(inference), inference.measured, inference.legs, inference.is_done)
    with pytest.raises(LocalProtocolError, match=rf"{type(event).__name__}\(.*cannot happen"):
        inference.handle(event)
    assert before == (repr(inference), inference.measured, inference.legs, inference.is_done)


@pytest.mark.parametrize(
    "event",
    [UPLOADED, ANSWERED, FAILED, LATE, LAGS, STARTED, REPLYING],
    ids=lambda e: type(e).__name__,
)
@pytest.mark.parametrize("state", ["alone", "answered", "finished", "device-only"])
def test_what_comes_too_late_asks_for_nothing(state: str, event: Event, plan_of: Write) -> None:
    """After the decision, the server's words change neither the answer nor the record."""
    placement, past, _ = STATES[state]
    inference = Inference(plan_of(placement))
    run(inference, *(past or ()))
    before = (repr(inference), inference.measured, inference.legs, inference.fallback_reason)
    assert inference.handle(event) == ()
    assert before == (
        repr(inference),
        inference.measured,
        inference.legs,
        inference.fallback_reason,
    )


OTHER = OffloadFailed(at_s=3.0, reason="gone", retry=Retry("edge:8002", 0.75))


def test_another_server_is_tried_once(plan_of: Write) -> None:
    """A failure that names another server sends to it; that one's failure is final."""
    inference = Inference(plan_of("split"), patience_s=2.5)
    second = OffloadFailed(at_s=5.0, reason="gone too", retry=Retry("edge:8003", 9.0))
    given = run(inference, HEAD, OTHER, second, TAIL)
    assert given[1:] == [(Send(2.5),), (Send(0.75, "edge:8002"),), (RunTail(),), (Deliver(False),)]
    assert (
        inference.attempts,
        inference.server,
        inference.fallback_reason,
    ) == (2, "edge:8002", "gone too")
    assert Parts(head_s=0.5, encode_s=0.25, lost_s=4.0, tail_s=5.0) == inference.measured


def test_the_other_server_answers(plan_of: Write) -> None:
    """What the first cost is lost time; the rest, and the leg, are the second's."""
    inference = Inference(plan_of("split"))
    answered = Answered(at_s=6.0, wait_s=0.5, tail_s=1.0)
    run(inference, HEAD, UPLOADED, OTHER, Uploaded(at_s=4.0, upload_s=0.5), answered)
    assert (
        inference.attempts,
        inference.failed_in,
        inference.fallback_reason,
    ) == (2, "wait", None)
    assert inference.legs[-1] == LegRun("edge:8002", "tail", 1.0)
    measured = Parts(
        head_s=0.5, encode_s=0.25, lost_s=2.0, upload_s=0.5, wait_s=0.5, tail_s=1.0, download_s=1.0
    )
    assert measured == inference.measured


def test_patience_is_the_other_servers_own(plan_of: Write) -> None:
    """After a retry the reason names how long the second was waited for."""
    inference = Inference(plan_of("split"), patience_s=2.5)
    run(inference, HEAD, OTHER, PatienceEnded(at_s=3.75))
    assert inference.fallback_reason == "late: no answer within 750.0 ms"


@pytest.mark.parametrize(
    ("past", "phase"),
    [
        ((), "upload"),
        ((Uploaded(2.0, 0.5),), "wait"),
        ((Uploaded(2.0, 0.5, is_running=True),), "compute"),
        ((UPLOADED, STARTED), "compute"),
        ((STARTED, UPLOADED), "compute"),  # the worker was faster than the acknowledgement
        ((UPLOADED, REPLYING), "reply"),
        ((REPLYING, UPLOADED, STARTED), "reply"),
        ((UPLOADED, OTHER), "upload"),  # the second has yet to get it
    ],
)
@pytest.mark.parametrize("event", [FAILED, LATE])
def test_the_record_says_in_which_phase_it_failed(
    past: Sequence[Event], phase: str, event: Event, plan_of: Write
) -> None:
    """As far as the server told, whatever the order in which its words came."""
    inference = Inference(plan_of("split"))
    run(inference, HEAD, *past, event)
    assert inference.failed_in == phase


def test_what_could_not_be_sent_failed_to_connect(plan_of: Write) -> None:
    """Nothing left the device: no phase of the server's was reached."""
    inference = Inference(plan_of("split"))
    run(inference, HEAD, OffloadFailed(at_s=1.0, reason="no connection", is_unsent=True))
    assert (inference.failed_in, inference.attempts) == ("connect", 1)


def test_an_upload_without_hope_is_called_off(plan_of: Write) -> None:
    """What is left of it takes far longer than planned and than the tail here."""
    inference = Inference(plan_of("split"), rest_s=0.5)
    assert run(inference, HEAD, LAGS)[-1] == (Cancel(), RunTail())
    assert (
        inference.fallback_reason,
        inference.failed_in,
    ) == ("late: the rest of the upload would take 100.00 s or more", "upload")


@pytest.mark.parametrize("past", [(UPLOADED,), (STARTED,), (REPLYING,)])
def test_an_upload_that_is_through_is_not_called_off(past: Sequence[Event], plan_of: Write) -> None:
    """A word of the watch that was overtaken by the last acknowledgement is of no account."""
    inference = Inference(plan_of("split"), rest_s=0.5)
    assert run(inference, HEAD, *past, LAGS)[-1] == ()


def test_by_default_no_upload_is_called_off(plan_of: Write) -> None:
    """Who does not say what the tail takes here waits as long as patience lasts."""
    assert run(Inference(plan_of("split")), HEAD, LAGS)[-1] == ()


def test_it_starts_once(plan_of: Write) -> None:
    """A second start is our bug, and changes nothing."""
    inference = Inference(plan_of("split"))
    run(inference, HEAD)
    with pytest.raises(LocalProtocolError, match="cannot be started twice"):
        inference.start()
    assert inference.handle(ANSWERED) == (Deliver(True),)


def test_it_shows_its_state_and_plan(plan_of: Write) -> None:
    """For people: what it does now, and what was planned."""
    inference = Inference(plan_of("split"))
    run(inference, HEAD)
    assert repr(inference) == "<Inference offloaded, planned split at 0123456789ab>"


def test_what_is_encoded_while_it_leaves_counts_the_upload_from_its_end(plan_of: Write) -> None:
    """Head, encoding, and then the rest of the upload: the parts are the time that passed."""
    inference = Inference(plan_of("split"), patience_s=9.0)
    run(inference, HeadDone(at_s=1.0, head_s=0.5), EncodeDone(at_s=1.75))
    assert inference.handle(Uploaded(at_s=2.0, upload_s=0.25)) == ()
    inference.handle(Answered(at_s=4.0, wait_s=0.5, tail_s=0.75, decode_s=0.25))
    assert inference.measured == Parts(
        head_s=0.5, encode_s=0.75, upload_s=0.25, wait_s=0.5, tail_s=1.0, download_s=0.5
    )
    assert inference.legs[-1] == LegRun("edge:8001", "tail", 1.0)


@pytest.mark.parametrize("last", [Answered(8.0, 0.0, 1.0), TailDone(8.0, 2.0)])
def test_encoding_for_a_second_server_is_encoding_too(plan_of: Write, last: Event) -> None:
    """What the first server cost is lost, what was encoded anew is not; nothing counts twice."""
    inference = Inference(plan_of("split"), patience_s=9.0)
    failed = OffloadFailed(3.0, "gone", Retry("edge:8002", 5.0))
    run(inference, HeadDone(at_s=1.0, head_s=1.0), EncodeDone(2.0), failed, EncodeDone(3.5))
    if isinstance(last, TailDone):
        inference.handle(PatienceEnded(6.0))
    inference.handle(last)
    measured = inference.measured
    assert (measured.head_s, measured.encode_s) == (1.0, 1.5)
    assert measured.lost_s == (1.0 if isinstance(last, Answered) else 1.0 + 2.5)
    assert measured.latency_s == (8.0 if isinstance(last, Answered) else 6.0 + 2.0)


def test_the_end_of_the_encoding_may_come_too_late(plan_of: Write) -> None:
    """After the device went on alone it asks for nothing."""
    inference = Inference(plan_of("split"))
    run(inference, HEAD, FAILED)
    assert inference.handle(EncodeDone(at_s=4.0)) == ()
