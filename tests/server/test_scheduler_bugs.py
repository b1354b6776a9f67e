"""A bug in the rules of the scheduler ends requests, never a worker: the server goes on."""

from threading import Event

import pytest
from tests.server.fake_stages import GateStage, MadeUpStage

from cutpoint.exceptions import RemoteExecutionError
from cutpoint.server.agenda import Agenda
from cutpoint.server.job import Job
from cutpoint.server.scheduler import Scheduler


def _ended(scheduler: Scheduler) -> BaseException | None:
    """Run one job to its end; give why it has no answer."""
    ends: list[BaseException | None] = []
    over = Event()

    def on_ended(_: Job, error: BaseException | None) -> None:
        ends.append(error)
        over.set()

    scheduler.submit(Job([MadeUpStage("x", {1: 0.001})], {"x": 0}, on_ended=on_ended))
    assert over.wait(20), "nobody was told"
    return ends[0]


@pytest.mark.parametrize("where", ["take", "ran"])
def test_a_bug_between_two_stages_is_told_and_passes(
    where: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever waited has an error, and the same worker computes the next request."""
    scheduler = Scheduler(1, 4)
    honest = getattr(Agenda, where)
    is_broken = [True]

    def broken(*arguments: object, **named: object) -> object:
        has_jobs = where == "ran" or arguments[0].num_waiting  # type: ignore[attr-defined]
        if is_broken[0] and has_jobs:
            is_broken[0] = False
            raise ZeroDivisionError("secret")
        return honest(*arguments, **named)

    monkeypatch.setattr(Agenda, where, broken)
    try:
        assert isinstance(_ended(scheduler), RemoteExecutionError)
        assert _ended(scheduler) is None
        assert scheduler.pending == 0
    finally:
        scheduler.close()
    assert "bug: ZeroDivisionError" in caplog.text
    assert "secret" not in caplog.text


def test_a_bug_leaves_nobody_untold_who_had_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was let go right before the bug hears of it, too."""
    scheduler, gate, is_wanted, over = Scheduler(1, 4), GateStage(), Event(), Event()
    is_wanted.set()
    honest = Agenda.take
    is_broken = [True]

    def broken(agenda: Agenda, at_s: float) -> object:
        if is_broken[0]:
            is_broken[0] = False
            raise ZeroDivisionError
        return honest(agenda, at_s)

    try:
        scheduler.submit(Job([gate], {"x": 0}))
        assert gate.began.wait(20)
        monkeypatch.setattr(Agenda, "take", broken)
        scheduler.submit(
            Job(
                [MadeUpStage("x", {1: 0.001})],
                {"x": 0},
                is_cancelled=lambda: not is_wanted.is_set(),
                on_ended=lambda *_: over.set(),
            )
        )
        is_wanted.clear()
        gate.opened.set()
        assert over.wait(20), "nobody was told"
    finally:
        gate.opened.set()
        scheduler.close()
