"""Laws of the agenda, over made-up requests on a made-up clock; and what its rule is worth."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.server.agenda_run import AgendaRun, Request
from tests.server.fake_stages import MadeUpStage

from cutpoint.exceptions import DeadlineExceededError, NotReadyError, RemoteExecutionError
from cutpoint.server.agenda import Agenda
from cutpoint.server.decode_step import DecodeStep
from cutpoint.server.job import Job
from cutpoint.server.stage import Stage

_SIZES = (1, 2, 4, 8)


def _stages(single_s: Sequence[float], shares: Sequence[float]) -> list[MadeUpStage]:
    """Give stages of which each further member of a batch costs a share of the first."""
    return [
        MadeUpStage(
            str(number),
            {size: time_s * (1 + share * (size - 1)) for size in (_SIZES if share <= 1 else (1,))},
        )
        for number, (time_s, share) in enumerate(zip(single_s, shares, strict=True))
    ]


@st.composite
def _models(draw: st.DrawFn) -> list[MadeUpStage]:
    num = draw(st.integers(1, 5))
    time_s = st.floats(1e-4, 0.2)
    share = st.sampled_from((0.05, 0.5, 0.97, 1.0, 2.0))  # the last runs nobody together
    return _stages(
        draw(st.lists(time_s, min_size=num, max_size=num)),
        draw(st.lists(share, min_size=num, max_size=num)),
    )


@st.composite
def _requests(draw: st.DrawFn) -> list[Request]:
    models = draw(st.lists(_models(), min_size=1, max_size=2))
    found = []
    for _ in range(draw(st.integers(1, 30))):
        stages = draw(st.sampled_from(models))
        found.append(
            Request(
                draw(st.floats(0, 1)),
                stages[draw(st.integers(0, len(stages) - 1)) :],
                draw(st.none() | st.floats(0, 1.5)),
                draw(st.none() | st.floats(0, 1.5)),
                draw(st.none() | st.integers(0, 4)),
                decode_s=draw(st.none() | st.floats(0, 0.05)),
                is_corrupt=draw(st.integers(0, 9)) == 0,
            )
        )
    return found


@settings(max_examples=100, deadline=None)
@given(
    requests=_requests(),
    workers=st.integers(1, 3),
    waiting=st.integers(0, 12),
    max_batch=st.sampled_from((1, 2, 8)),
    factor=st.sampled_from((0.5, 1.0, 3.0)),
)
def test_every_request_ends_once_and_nobody_starves(
    requests: list[Request], workers: int, waiting: int, max_batch: int, factor: float
) -> None:
    """
    Whatever comes, everyone admitted ends exactly once, for the reason there is, within bounds.

    The bound on who runs or waits is checked by the run itself at every event, and at every
    turn that no deadline is missed by running with others, or by being held back for them.
    """
    run = AgendaRun(Agenda(workers, waiting, max_batch), factor)
    for request in requests:
        run.add(request)
    run.run()
    assert run.agenda.num_pending == 0
    for request in requests:
        assert len(request.ends) == (0 if request.is_refused else 1)
        if not request.is_refused:
            _check(request, run, factor)


def _check(request: Request, run: AgendaRun, factor: float) -> None:
    assert request.job is not None
    job, (at_s, error) = request.job, request.ends[0]
    if error is None:
        assert job.position == len(request.stages)
        assert job.values["x"] == len(request.stages)
        assert request.cancel_s is None or at_s <= request.at_s + request.cancel_s
    elif isinstance(error, DeadlineExceededError):
        assert request.remaining_s is not None
    elif isinstance(error, RemoteExecutionError):
        assert request.is_cancelled
        assert at_s >= request.at_s + (request.cancel_s or 0.0) - 1e-9
    elif isinstance(error, ValueError):
        assert request.is_corrupt
        assert job.position == 0
    else:
        assert isinstance(error, ArithmeticError)
        assert job.position == request.fails_at
    # Held back for others no longer than its own tail takes; then it is its turn.
    assert job.held_s <= job.whole_s + 1e-9
    longest_s = max(run.turns_s, default=0.0)
    assert request.oldest_s <= factor * job.whole_s + longest_s + 1e-9
    # Every second from its admission to its end is accounted for.
    if error is None:
        assert job.wait_s + job.decode_s + job.tail_s == pytest.approx(at_s - request.at_s)


def _closed_loop(
    stages: Sequence[MadeUpStage], mode: str, num_clients: int = 8
) -> tuple[int, float]:
    """
    Let clients at three cuts ask again as soon as they are answered, for ten seconds.

    Gives the answers, and the mean batch.
    """
    lines: list[list[Stage]] = []
    for entry in (0, len(stages) // 3, 2 * len(stages) // 3):
        line: list[Stage] = list(stages[entry:])
        if mode == "tails":
            times_s = {size: sum(s.time_s(size) for s in stages[entry:]) for size in _SIZES}
            line = [MadeUpStage("tail", times_s)]
        lines.append(line)

    def again(request: Request, at_s: float) -> None:
        run.add(Request(at_s + 1e-3, request.stages))
        answered.append(request)

    answered: list[Request] = []
    run = AgendaRun(Agenda(1, 16, 1 if mode == "off" else 8), on_end=again)
    for client in range(num_clients):
        run.add(Request(client * 1e-3, lines[client % 3]))
    run.run(10.0)
    return len(answered), sum(run.batches) / len(run.batches)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("num_stages", [3, 6])
def test_meeting_in_segments_serves_more_than_queues_per_tail(
    share: float, num_stages: int
) -> None:
    """Of eight clients at three cuts at least as many are answered as by per-tail queues."""
    stages = _stages([0.01] * num_stages, [share] * num_stages)
    (ours, batch), (tails, _), (off, _) = (
        _closed_loop(stages, mode) for mode in ("segments", "tails", "off")
    )
    if share < 1:
        assert ours > 1.05 * tails > 1.05 * off
        assert batch > 1.5
    else:
        assert ours == tails == off
        assert batch == 1  # nothing is gained: nobody runs together


@pytest.mark.parametrize("decode_s", [0.0, 1e-4, 1e-3])
def test_who_comes_encoded_meets_whom_it_would_meet_raw(decode_s: float) -> None:
    """Six requests at three cuts, every other one encoded, run in the very same batches."""
    stages = _stages([0.01] * 6, [0.5] * 6)
    batches = []
    for codings in ([None] * 6, [None, decode_s] * 3, [decode_s] * 6):
        run = AgendaRun(Agenda(1, 16, 8))
        for number, each_s in enumerate(codings):
            run.add(Request(0.0, stages[2 * (number % 3) :], decode_s=each_s))
        run.add(Request(0.0, _stages([1e-3], [2.0])))  # what they wait behind
        run._events.sort(key=lambda event: event[1] != 7)
        run.run()
        batches.append(run.batches)
    assert batches == [[1, 2, 2, 4, 4, 6, 6]] * 3


def test_what_takes_long_to_decode_is_not_waited_for() -> None:
    """Two that are ready run without a third whose decoding costs more than it saves."""
    (stage,) = _stages([0.01], [0.1])
    agenda = Agenda(1, 8)
    ready = [Job([stage], {"x": 0}), Job([stage], {"x": 0})]
    for job in (ready[0], Job([stage], {"x": 0}, decoding=DecodeStep((), 1.0)), ready[1]):
        agenda.admit(job, 0.0)
    turn = agenda.take(0.0)
    assert turn is not None
    assert (turn.jobs, turn.decodes) == (tuple(ready), False)


def test_nobody_is_late_for_the_decoding_of_others() -> None:
    """A deadline that decoding would break is kept: the batch is smaller."""
    (stage,) = _stages([0.1], [0.1])
    agenda = Agenda(1, 8)
    hasty = Job([stage], {"x": 0}, remaining_s=0.115)
    agenda.admit(hasty, 0.0)
    agenda.admit(Job([stage], {"x": 0}, decoding=DecodeStep((), 0.02)), 0.0)
    turn = agenda.take(0.0)
    assert turn is not None
    assert (turn.jobs, turn.decodes) == ((hasty,), False)


def test_who_entered_earlier_catches_up() -> None:
    """The oldest waits for one behind it while the shared rest is worth it, and they run as one."""
    stages = _stages([0.01, 0.1], [1.0, 0.05])
    agenda = Agenda(1, 8)
    ahead, behind = Job(stages[1:], {"x": 0}), Job(stages, {"x": 0})
    agenda.admit(ahead, 0.0)
    agenda.admit(behind, 0.0)
    turn = agenda.take(0.0)
    assert turn is not None
    assert (turn.jobs, turn.held, turn.held_s) == ((behind,), (ahead,), 0.01)
    assert agenda.ran(turn, [{"x": 1}], 0.01, 0.01) == []
    together = agenda.take(0.01)
    assert together is not None
    assert together.jobs == (ahead, behind)


@pytest.mark.parametrize(
    ("way_s", "share", "remaining_s"),
    [(0.2, 0.05, None), (0.01, 0.99, None), (0.01, 0.05, 0.105)],
    ids=["the way is too long", "nothing is saved", "its deadline would be missed"],
)
def test_the_oldest_is_not_held_in_vain(
    way_s: float, share: float, remaining_s: float | None
) -> None:
    """It runs at once where waiting for another costs more than it gives."""
    stages = _stages([way_s, 0.1], [1.0, share])
    agenda = Agenda(1, 8)
    ahead = Job(stages[1:], {"x": 0}, remaining_s=remaining_s)
    agenda.admit(ahead, 0.0)
    agenda.admit(Job(stages, {"x": 0}), 0.0)
    turn = agenda.take(0.0)
    assert turn is not None
    assert turn.jobs == (ahead,)


def test_a_batch_is_no_larger_than_deadlines_allow() -> None:
    """The oldest takes along only so many that all of them are in time."""
    (stage,) = _stages([0.1], [0.5])
    agenda = Agenda(1, 8)
    for remaining_s in (0.16, None, None, None):
        agenda.admit(Job([stage], {"x": 0}, remaining_s=remaining_s), 0.0)
    turn = agenda.take(0.0)
    assert turn is not None
    assert len(turn.jobs) == 2  # 0.15 s for two, 0.2 s for three


def test_only_kin_run_as_one() -> None:
    """Requests of other types or dimensions wait for their own turn."""
    (stage,) = _stages([0.1], [0.1])
    agenda = Agenda(1, 8)
    jobs = [Job([stage], {"x": 0, "kin": kin}) for kin in ("a", "b", "a", None, "b")]
    for job in jobs:
        agenda.admit(job, 0.0)
    turns = [agenda.take(0.0) for _ in range(3)]
    assert [turn and turn.jobs for turn in turns] == [
        (jobs[0], jobs[2]),
        (jobs[1], jobs[4]),
        (jobs[3],),
    ]


def test_as_many_may_wait_as_batching_saves() -> None:
    """Two per worker, times as many as run in the time of one; who saves nothing has two."""
    saving, plain = _stages([0.1, 0.1], [0.0, 1.0])
    agenda = Agenda(1, None, 8)
    assert agenda.max_waiting == 2
    for _ in range(3):
        agenda.admit(Job([plain], {"x": 0}), 0.0)
    assert agenda.max_waiting == 2
    for _ in range(14):
        agenda.admit(Job([saving], {"x": 0}), 0.0)
    assert (agenda.max_waiting, agenda.num_pending) == (16, 17)
    agenda.close(0.0)
    with pytest.raises(NotReadyError):
        agenda.check_room(0.0)


def test_a_larger_request_counts_as_several() -> None:
    """Times are those of as many requests as its rows make up."""
    (stage,) = _stages([0.1], [0.5])
    assert Job([stage], {"x": 0}, size=4.0).whole_s == pytest.approx(0.25)
    assert Job([stage], {"x": 0}, size=16.0).whole_s == pytest.approx(0.9)
    assert Job([stage], {"x": 0}, size=0.5).whole_s == pytest.approx(0.05)
