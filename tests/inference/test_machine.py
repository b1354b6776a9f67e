from collections.abc import Callable, Sequence

import pytest

from cutpoint.exceptions import LocalProtocolError
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
)
_, UPLOADED, ANSWERED, FAILED, LATE, TAIL = EVENTS


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
    "offloaded": ("split", (HEAD,), {Uploaded, Answered, OffloadFailed, PatienceEnded}),
    "uploaded": ("server", (HEAD, UPLOADED), {Uploaded, Answered, OffloadFailed, PatienceEnded}),
    "alone": (
        "split",
        (HEAD, LATE),
        {TailDone, Uploaded, Answered, OffloadFailed, PatienceEnded},
    ),
    "answered": ("split", (HEAD, ANSWERED), {Uploaded, Answered, OffloadFailed, PatienceEnded}),
    "finished": (
        "split",
        (HEAD, FAILED, TAIL),
        {Uploaded, Answered, OffloadFailed, PatienceEnded},
    ),
    "device-only": ("device", (HEAD,), {Uploaded, Answered, OffloadFailed, PatienceEnded}),
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


@pytest.mark.parametrize("event", [UPLOADED, ANSWERED, FAILED, LATE])
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


def test_it_shows_its_state_and_plan(plan_of: Write) -> None:
    """For people: what it does now, and what was planned."""
    inference = Inference(plan_of("split"))
    run(inference, HEAD)
    assert repr(inference) == "<Inference offloaded, planned split at 0123456789ab>"
