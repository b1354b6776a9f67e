"""The judge of the campaigns: each law finds what breaks it, and nothing else."""

import msgspec
import pytest

from cutpoint.lab.faults.footprint import footprint_of
from cutpoint.lab.faults.history import Ended, Fault, History, Invoked
from cutpoint.lab.faults.invariants import (
    Footprint,
    has_grown,
    late_answers,
    lost_or_doubled,
    not_back,
    unanswered,
    unexplained,
    violations,
    wrong_answers,
)


def ended(number=0, **changed):
    """Give the end of a request that a server answered in 20 ms."""
    given = {
        "client": "a",
        "number": number,
        "began_s": float(number),
        "ended_s": number + 0.02,
        "is_right": True,
        "planned": "server",
        "placement": "server",
    }
    return Ended(**{**given, **changed})


def history_of(*ends):
    """Give a history in which each of these began, once."""
    begun = {(each.client, each.number): each.began_s for each in ends}
    return History([*(Invoked(*key, at_s) for key, at_s in begun.items()), *ends])


def test_a_history_without_faults_breaks_nothing():
    """Answers that are right, in time and once."""
    assert violations(history_of(*(ended(number) for number in range(5))), 1.0) == []


def test_a_wrong_answer_is_found():
    """I1."""
    history = history_of(ended(), ended(1, is_right=False))
    assert wrong_answers(history) == ["a 1: wrong answer"]
    assert violations(history) == ["a 1: wrong answer"]


@pytest.mark.parametrize(
    "happenings",
    [
        [Invoked("a", 0, 0.0)],
        [Invoked("a", 0, 0.0), ended(), ended()],
        [ended()],
        [Invoked("a", 0, 0.0), Invoked("a", 0, 0.0), ended(), ended()],
        [Invoked("a", 0, 0.0), ended(is_right=None)],
        [Invoked("a", 0, 0.0), ended(error="gone")],
    ],
    ids=["lost", "doubled", "unasked", "asked twice", "neither", "both"],
)
def test_each_request_ends_once(happenings):
    """I2."""
    assert lost_or_doubled(History(happenings)) != []


def test_a_late_answer_is_found():
    """I3: the deadline and 50 ms."""
    history = history_of(ended(), ended(1, ended_s=1.56))
    assert late_answers(history, 0.5) == ["a 1: ended after 0.560 s, deadline 0.500 s"]
    assert late_answers(history, 0.52) == []


def test_errors_beyond_one_in_a_thousand_are_found():
    """I4."""
    failed = ended(0, is_right=None, error="ConnectError: gone")
    few = [ended(number) for number in range(1, 100)]
    many = [ended(number) for number in range(1, 2000)]
    assert unanswered(history_of(failed, *few)) == ["a 0: ConnectError: gone"]
    assert unanswered(history_of(failed, *many)) == []


def test_less_offloading_or_slower_answers_than_before_are_found():
    """I5."""
    before = [ended(number) for number in range(10)]
    alone = [ended(number, placement="device") for number in range(10)]
    slow = [ended(number, ended_s=number + 0.03) for number in range(10)]
    assert not_back(before, before) == []
    assert "offloaded" in not_back(before, alone)[0]
    assert "median" in not_back(before, slow)[0]
    assert not_back(before, []) != []


def test_growth_is_found():
    """I6."""
    small, large = Footprint(10**8, 10, 10), Footprint(10**9, 40, 40)
    assert has_grown(small, small) == []
    assert len(has_grown(small, large)) == 3
    assert footprint_of().rss_bytes > 10**6


def test_a_fallback_without_a_reason_or_a_phase_is_found():
    """I7."""
    fallen = {"placement": "device", "failed_in": "wait", "fallback_reason": "gone"}
    assert unexplained(history_of(ended(**fallen))) == []
    assert len(unexplained(history_of(ended(placement="device")))) == 2


def test_a_history_is_read_as_it_was_written(tmp_path):
    """The judge may come later, and elsewhere."""
    history = history_of(ended(), ended(1, error="gone", is_right=None))
    history.add(Fault("kill", "server 0", 0.5))
    history.write(tmp_path / "history.jsonl")
    told = History.read(tmp_path / "history.jsonl")
    assert told.happenings == history.happenings
    assert told.begun_within(0.5) == [ended(1, error="gone", is_right=None)]
    assert [fault.what for fault in told.faults] == ["kill"]
    (tmp_path / "other.jsonl").write_text("{}\n")
    with pytest.raises(msgspec.ValidationError):
        History.read(tmp_path / "other.jsonl")
