"""Laws of one inference that is raced, under any order of events that a client may deliver."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.laws.test_every_inference import PLANS, TIMES, WORDS, Told

from cutpoint.inference import (
    Answered,
    Cancel,
    Deliver,
    EncodeDone,
    HeadDone,
    Inference,
    RunHead,
    RunTail,
    Send,
    StopTail,
    TailDone,
)


@dataclass(frozen=True)
class Race:
    """What happens: words of server and timer, and how many of them come before the tail's end."""

    placement: str
    words: list[tuple[float, str, float, float]]
    before_end: int
    share: float


RACES = st.builds(
    Race,
    st.sampled_from(["split", "server"]),
    st.lists(st.tuples(TIMES, st.sampled_from(sorted(WORDS)), TIMES, TIMES), max_size=10),
    st.integers(0, 10),
    st.floats(0, 1),
)


def run(race: Race) -> tuple[Told, float]:
    """Play the client to the end; gives when it was, too."""
    plan = replace(PLANS[race.placement], races=True)
    told = Told(Inference(plan, patience_s=1.0, rest_s=3.0), began_s=100.0)
    told.answers.append((None, told.inference.start()))
    now_s = begun_s = told.began_s
    told.tell(HeadDone(now_s, 0.0))
    for index, (pause_s, word, first_s, second_s) in enumerate(race.words):
        if index == race.before_end:
            break
        now_s += pause_s
        event = WORDS[word](now_s, first_s, second_s)
        if isinstance(event, EncodeDone):
            begun_s = now_s
        told.tell(event)
        if told.inference.is_done:
            return told, now_s
    told.tell(TailDone(now_s, race.share * (now_s - begun_s)))
    return told, now_s


@given(RACES)
def test_a_race_ends_in_one_answer_by_whoever_was_first(race: Race) -> None:
    """Nothing is asked for twice, and the loser is told: the server, or the tail here."""
    told, _ = run(race)
    kinds = [type(action) for action in told.actions]
    last = told.answers[-1][0]
    assert told.inference.is_done
    assert kinds[:3] == [RunHead, Send, RunTail]
    assert kinds[-1] is Deliver
    assert told.actions[-1] == Deliver(isinstance(last, Answered))
    if isinstance(last, Answered):
        assert kinds[3:] == [StopTail, Deliver]
    else:
        has_failed = told.inference.failed_in is not None
        assert kinds[3:] == ([Deliver] if has_failed else [Cancel, Deliver])


@given(RACES)
def test_the_parts_of_a_race_are_the_time_that_passed(race: Race) -> None:
    """From input to output, whoever was first."""
    told, ended_s = run(race)
    measured = told.inference.measured
    assert measured.latency_s == pytest.approx(ended_s - told.began_s, abs=1e-9)
    assert min(vars(measured).values()) >= 0


@given(RACES)
def test_a_race_is_recorded(race: Race) -> None:
    """Who won is where the answer is from; a reason is given where the server had failed alone."""
    inference = run(race)[0].inference
    assert inference.race is not None
    assert inference.race.is_won == (inference.placement == "device")
    assert 0 <= inference.race.duration_s <= inference.measured.latency_s + 1e-9
    assert (inference.failed_in is None) == (inference.fallback_reason is None)
    assert inference.attempts == 1
