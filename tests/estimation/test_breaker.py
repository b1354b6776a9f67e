"""When a server is left alone, on a made-up clock."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.estimation import Breaker


@pytest.fixture
def breaker() -> Breaker:
    """Give a breaker that nothing has happened to yet."""
    return Breaker(np.random.default_rng(0), Lock())


def opened(breaker: Breaker) -> float:
    """Open it at time 0; give when its pause is over."""
    while breaker.reason(0.0) is None:
        breaker.failed(0.0, "late")
    return breaker.calm_since_s


def test_one_failure_is_forgiven(breaker: Breaker):
    """A single miss keeps the server in use."""
    breaker.failed(1.0, "late")
    assert breaker.reason(1.0) is None
    assert breaker.admit(1.0) == 0


def test_five_failures_in_a_row_are_never_reached(breaker: Breaker):
    """A server that answers every request with an error gets five of them at most."""
    asked = 0
    while breaker.admit(float(asked)) is not None:
        breaker.failed(float(asked), "wrong")
        asked += 1
        if breaker.reason(float(asked) - 1) is not None:
            break
    assert asked <= 5


def test_half_of_the_latest_open_it_too(breaker: Breaker):
    """A server that fails every other request never fails twice in a row, and is left alone."""
    for turn in range(30):
        if breaker.reason(0.0) is not None:
            break
        if turn % 2:
            breaker.succeeded(0.0)
        else:
            breaker.failed(0.0, "wrong")
    assert breaker.reason(0.0) == "wrong"
    assert turn <= 12


def test_a_third_of_the_latest_does_not(breaker: Breaker):
    """Two good answers for each bad one are worth more than none."""
    for turn in range(300):
        if turn % 3:
            breaker.succeeded(0.0)
        else:
            breaker.failed(0.0, "wrong")
        assert breaker.reason(0.0) is None


def test_the_pause_doubles_with_each_failed_trial(breaker: Breaker):
    """The pause doubles, within jitter, and never passes five seconds."""
    breaker.failed(0.0, "late")
    pauses = []
    for repeat in range(12):
        at_s = 100.0 * repeat
        breaker.failed(at_s, "late")
        assert breaker.reason(at_s) == "late"
        pauses.append(breaker.calm_since_s - at_s)
    assert all(0.5 * 0.25 * 2**n <= pause <= 0.25 * 2**n for n, pause in enumerate(pauses[:4]))
    assert max(pauses) <= 5.0
    assert pauses[-1] >= 2.5


def test_no_two_devices_come_back_together():
    """Of fifty devices that opened at the same moment no two pauses are alike."""
    pauses = {opened(Breaker(np.random.default_rng(seed))) for seed in range(50)}
    assert len(pauses) == 50


def test_requests_that_fail_together_count_once(breaker: Breaker):
    """Eight late answers of one moment are one failure more, not eight."""
    for _ in range(8):
        breaker.failed(0.0, "late")
    assert breaker.reason(0.26) is None


def test_exactly_one_request_is_let_through_on_trial(breaker: Breaker):
    """After the pause one request goes, and those beside it go elsewhere until it has ended."""
    at_s = opened(breaker)
    trial = breaker.admit(at_s)
    assert trial
    assert [breaker.admit(at_s) for _ in range(5)] == [None] * 5
    assert "on trial" in breaker.reason(at_s)
    breaker.succeeded(at_s)
    assert breaker.admit(at_s) == 0


def test_one_of_many_threads_gets_the_trial(breaker: Breaker):
    """However many ask at the same moment."""
    at_s = opened(breaker)
    together = Barrier(8)

    def ask() -> int | None:
        together.wait()
        return breaker.admit(at_s)

    with ThreadPoolExecutor(8) as pool:
        admitted = [each.result() for each in [pool.submit(ask) for _ in range(8)]]
    assert len([each for each in admitted if each is not None]) == 1


def test_a_failed_trial_opens_it_again_for_longer(breaker: Breaker):
    """One failure is enough then, and nobody is let through meanwhile."""
    at_s = opened(breaker)
    breaker.admit(at_s)
    breaker.failed(at_s, "late again")
    assert breaker.admit(at_s) is None
    assert breaker.reason(at_s + 0.24) == "late again"
    assert breaker.reason(at_s + 0.51) is None


def test_a_trial_that_told_nothing_is_followed_by_another(breaker: Breaker):
    """A request that was called off (Ctrl-C, a head that fails) blocks no server for ever."""
    at_s = opened(breaker)
    trial = breaker.admit(at_s)
    breaker.release(trial)
    another = breaker.admit(at_s)
    assert another not in (None, trial)
    breaker.release(trial)  # of the one before: this one goes on
    assert breaker.admit(at_s) is None


def test_an_answer_forgives_all(breaker: Breaker):
    """After a trial that was answered the count begins anew."""
    at_s = opened(breaker)
    breaker.succeeded(at_s)
    breaker.failed(at_s, "late")
    assert breaker.reason(at_s) is None


def test_an_answer_that_was_under_way_ends_no_pause(breaker: Breaker):
    """A request that left before it opened says nothing of what has happened since."""
    at_s = opened(breaker)
    breaker.succeeded(at_s - 0.01)
    assert breaker.reason(at_s - 0.01) == "late"


def test_a_server_that_asks_for_time_gets_it(breaker: Breaker):
    """An overloaded server is left alone for as long as it said, and up to half as long more."""
    breaker.hold(2.0, 0.5, "overloaded")
    assert breaker.reason(2.499) == "overloaded"
    assert breaker.reason(2.751) is None


def test_overload_is_no_failure(breaker: Breaker):
    """However often it refuses: when the time is over it is used as before."""
    for turn in range(50):
        breaker.hold(float(turn), 0.1, "overloaded")
    assert breaker.admit(60.0) == 0
    assert breaker.admit(60.0) == 0


def test_devices_that_were_refused_together_come_back_one_by_one():
    """The same hint gives fifty devices fifty times, spread over half of it."""
    until = []
    for seed in range(50):
        breaker = Breaker(np.random.default_rng(seed))
        breaker.hold(0.0, 1.0, "overloaded")
        until.append(breaker.calm_since_s)
    assert len(set(until)) == 50
    assert min(until) >= 1.0
    assert 0.3 < max(until) - min(until) < 0.5


def test_a_longer_pause_is_not_shortened(breaker: Breaker):
    """Being told to wait a moment does not end a pause that lasts longer."""
    breaker.hold(0.0, 3.0, "busy")
    breaker.hold(0.0, 0.1, "overloaded")
    assert breaker.reason(1.0) == "busy"


def test_a_new_connection_is_tried_soon(breaker: Breaker):
    """Behind it may be another process: one request tells, without the rest of a long pause."""
    for turn in range(12):
        breaker.failed(100.0 * turn, "late")
    at_s = 1100.0
    assert breaker.reason(at_s + 1.0) == "late"
    breaker.reconnected(at_s + 1.0)
    assert breaker.admit(at_s + 1.251)
    assert breaker.admit(at_s + 1.251) is None


EVENTS = st.sampled_from(["failed", "succeeded", "admit", "hold", "release", "reconnected"])


@given(st.lists(st.tuples(EVENTS, st.floats(0, 1)), max_size=60))
def test_whatever_happens_it_is_tried_again_within_its_longest_pause(history):
    """No order of events leaves a server alone for ever, once its trials have ended."""
    breaker, at_s, trials = Breaker(np.random.default_rng(0)), 0.0, []
    for event, step_s in history:
        at_s += step_s
        match event:
            case "failed":
                breaker.failed(at_s, "late")
            case "succeeded":
                breaker.succeeded(at_s)
            case "admit":
                trials.append(breaker.admit(at_s) or 0)
            case "hold":
                breaker.hold(at_s, 0.5, "overloaded")
            case "release":
                breaker.release(trials.pop() if trials else 0)
            case "reconnected":
                breaker.reconnected(at_s)
    for trial in trials:
        breaker.release(trial)
    assert breaker.admit(at_s + 5.0) is not None


def test_a_late_answer_before_an_outage_does_not_count_after_it(breaker: Breaker):
    """One late before the connection was lost and one after it are not two in a row."""
    breaker.failed(1.0, "late")
    breaker.reconnected(4.0)
    breaker.failed(4.1, "late")
    assert breaker.reason(4.1) is None
    breaker.failed(4.2, "late")
    assert breaker.reason(4.2) == "late"


def test_pauses_begin_anew_behind_a_new_connection(breaker: Breaker):
    """However long pauses had grown, a failed trial after a reconnection costs half a second."""
    at_s = opened(breaker)
    for _ in range(10):
        breaker.failed(at_s, "late")
        at_s = breaker.calm_since_s
    breaker.reconnected(at_s)
    assert breaker.admit(at_s)
    breaker.failed(at_s, "late")
    assert breaker.calm_since_s - at_s <= 0.5
