"""One inference that is raced: the device computes on, and the first to be done ends it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from cutpoint.inference import (
    Answered,
    Cancel,
    Deliver,
    EncodeDone,
    HeadDone,
    Inference,
    OffloadFailed,
    PatienceEnded,
    Retry,
    RunHead,
    RunTail,
    Send,
    StopTail,
    TailDone,
    Uploaded,
    UploadLags,
)
from cutpoint.records import LegRun, Parts, Placement, Plan, RaceRun

HEAD = HeadDone(at_s=1.0, head_s=0.5)


@pytest.fixture
def racing(plan_of: Callable[[Placement], Plan]) -> Callable[..., Inference]:
    """Give what begins a raced inference and takes it to where both are at work."""

    def begun(placement: Placement = "split", patience_s: float = 2.0) -> Inference:
        plan = replace(plan_of(placement), races=True, predicted=Parts(upload_s=0.5))
        inference = Inference(plan, patience_s, rest_s=3.0)
        assert (RunHead(),) == inference.start()
        assert (Send(patience_s), RunTail()) == inference.handle(HEAD)
        return inference

    return begun


def test_a_device_only_plan_races_with_nobody(plan_of: Callable[[Placement], Plan]) -> None:
    """Whatever it says: nothing is sent."""
    inference = Inference(replace(plan_of("device"), races=True))
    inference.start()
    assert (Deliver(False),) == inference.handle(HEAD)
    assert inference.race is None


def test_the_server_is_first(racing: Callable[..., Inference]) -> None:
    """The tail here is called off; the record is that of any answer, and what was computed."""
    inference = racing()
    assert inference.handle(Uploaded(1.5, 0.5)) == ()
    assert (StopTail(), Deliver(True)) == inference.handle(Answered(2.5, 0.25, 0.5))
    assert RaceRun(1.5, is_won=False) == inference.race
    assert (
        inference.placement,
        inference.fallback_reason,
        inference.failed_in,
    ) == ("split", None, None)
    assert inference.measured == Parts(0.5, 0.0, 0.5, 0.25, 0.5, 0.25)
    assert inference.handle(PatienceEnded(9.0)) == ()


def test_the_device_is_first(racing: Callable[..., Inference]) -> None:
    """The server is told off, and nothing has failed: handing over is all that was lost."""
    inference = racing()
    assert (Cancel(is_late=False), Deliver(False)) == inference.handle(TailDone(1.55, 0.5, 0.4))
    assert RaceRun(0.5, is_won=True, cpu_s=0.4) == inference.race
    assert (
        inference.placement,
        inference.fallback_reason,
        inference.failed_in,
    ) == ("device", None, None)
    assert inference.measured.latency_s == pytest.approx(0.5 + 0.55)
    assert inference.measured.lost_s == pytest.approx(0.05)
    assert inference.waited_s == pytest.approx(0.55)
    assert LegRun("device", "tail", 0.5, 0.4) == inference.legs[-1]
    assert inference.handle(Answered(2.5, 0.25, 0.5)) == ()


def test_a_server_that_is_grossly_late_is_told_so(racing: Callable[..., Inference]) -> None:
    """It had three times what was predicted of it: something is wrong with it, or the link."""
    inference = racing()
    assert Cancel(is_late=True) == inference.handle(TailDone(3.0, 2.0))[0]


def test_encoding_counts_before_the_race(racing: Callable[..., Inference]) -> None:
    """Both begin when all is encoded."""
    inference = racing("server")
    assert inference.handle(EncodeDone(1.25)) == ()
    inference.handle(TailDone(2.25, 1.0))
    assert (inference.measured.encode_s, inference.measured.lost_s) == (0.25, 0.0)
    assert inference.legs == (LegRun("device", "whole", 1.0),)


def test_a_server_that_fails_leaves_it_to_the_device(racing: Callable[..., Inference]) -> None:
    """Which is at it already: no other server is tried, and the record says why."""
    inference = racing()
    assert not inference.may_retry
    retry = Retry("edge:8002", 1.0)
    assert inference.handle(OffloadFailed(1.5, "it is overloaded", retry)) == ()
    assert (Deliver(False),) == inference.handle(TailDone(3.0, 2.0))
    assert (
        inference.placement,
        inference.fallback_reason,
        inference.failed_in,
        inference.waited_s,
    ) == ("device", "it is overloaded", "upload", 0.5)
    assert inference.race == RaceRun(2.0, is_won=True)
    assert inference.measured.latency_s == pytest.approx(2.5)


def test_neither_patience_nor_a_slow_upload_ends_it(racing: Callable[..., Inference]) -> None:
    """To wait costs nothing while the device computes anyway; the server may still be first."""
    inference = racing()
    assert not inference.is_uploading
    assert inference.handle(UploadLags(1.5, 100.0)) == ()
    assert inference.handle(PatienceEnded(3.0)) == ()
    assert (StopTail(), Deliver(True)) == inference.handle(Answered(3.5, 0.0, 0.5))
