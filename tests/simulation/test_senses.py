"""Policies with estimators of their own, in exact runs."""

from collections.abc import Callable

import numpy as np
import pytest

from cutpoint.cost import CutTable
from cutpoint.policies import Fixed
from cutpoint.records import InferenceRecord, LoadConditions, LoadReport
from cutpoint.records.probe import ProbeRequest, ProbeSample
from cutpoint.simulation.exact_run import ExactReplay
from cutpoint.simulation.load_schedule import LoadSchedule
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.simulation.senses import ASK_EVERY_S, FRAME_BYTES, sensing_of
from cutpoint.simulation.world import World

_RATE = 10_000.0


class Listener(Fixed):
    """Always takes the server, and writes down what it hears."""

    def __init__(self, *requests: tuple[int, ...]) -> None:
        super().__init__("server")
        self._requests = list(requests)
        self.asked_s: list[float] = []
        self.heard: list[ProbeSample | LoadReport] = []
        self.ended: list[tuple[float, InferenceRecord]] = []

    def next_probe(self, server: str, at_s: float) -> ProbeRequest | None:
        """Give the next of the requests."""
        self.asked_s.append(at_s)
        return ProbeRequest(self._requests.pop(0)) if self._requests else None

    def sensed(self, server: str, sample: ProbeSample | LoadReport) -> None:
        """Write it down."""
        self.heard.append(sample)

    def observe(self, record: InferenceRecord) -> None:
        """Write down what was known when."""
        self.ended.append((record.at_s + record.latency_s, record))


@pytest.fixture
def table(table_of: Callable[..., CutTable]) -> CutTable:
    """Give device-only in 1 s and server-only of 1000 bytes."""
    return table_of((1.0, 0.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.1, 1000.0, 0.0))


def _world(load: LoadSchedule | None = None) -> World:
    rate = RateSchedule.constant(_RATE)
    idle = LoadSchedule.constant(LoadConditions())
    return World(rate, rate, 0.01, 0.02, idle if load is None else load)


def _samples(policy: Listener) -> list[ProbeSample]:
    return [each for each in policy.heard if isinstance(each, ProbeSample)]


def test_a_probe_takes_what_the_link_takes_for_it_and_the_next_leaves_behind_it(
    table: CutTable,
) -> None:
    """Both of a request are answered, one after the other, each with the round trip."""
    policy = Listener((1000, 0))
    ExactReplay(table, _world(), [0.0, 2.0]).run(policy)
    first, second = _samples(policy)
    assert first.duration_s == pytest.approx((1000 + FRAME_BYTES) / _RATE + 0.03)
    assert second.duration_s == pytest.approx(FRAME_BYTES / _RATE + 0.03)
    assert second.at_s == pytest.approx(first.at_s + second.duration_s)
    assert (first.size_bytes, second.size_bytes) == (1000, 0)


def test_what_is_uploaded_while_a_probe_is_under_way_waits_for_it(table: CutTable) -> None:
    """Heavy probes cost latency: the upload of the first inference leaves behind them."""
    replay = ExactReplay(table, _world(), [0.0, 5.0])
    quiet, busy = replay.run(Listener()), replay.run(Listener((5000,)))
    waited_s = busy.latency_s - quiet.latency_s
    assert waited_s == pytest.approx([(5000 + FRAME_BYTES) / _RATE, 0.0])
    assert busy.probe_bytes == 5000 + FRAME_BYTES
    assert quiet.probe_bytes == 0


def test_it_is_asked_a_few_times_a_second_and_not_while_a_probe_is_under_way(
    table: CutTable,
) -> None:
    """A probe of a second pushes the next question out to its answer."""
    policy = Listener((10_000,))
    ExactReplay(table, _world(), [0.0, 3.0]).run(policy)
    answered_s = _samples(policy)[0].at_s
    assert policy.asked_s[:2] == [0.0, answered_s]
    assert np.diff(policy.asked_s[1:]) == pytest.approx(ASK_EVERY_S)


def test_answers_and_probes_tell_of_the_load(table: CutTable) -> None:
    """A loaded server tells wait and slow-down with both; an idle one that its queue is empty."""
    load = LoadSchedule(((5.0, LoadConditions()), (100.0, LoadConditions(0.3, 2.0))))
    policy = Listener((), (0,))
    ExactReplay(table, _world(load), [0.0, 6.0, 12.0]).run(policy)
    heard = [each for each in policy.heard if isinstance(each, LoadReport)]
    (polled,) = [each for each in heard if each.is_polled]
    answers = [each for each in heard if not each.is_polled]
    assert (polled.wait_s, polled.slowdown, polled.num_pending) == (None, None, 0)
    told = [(each.wait_s, each.slowdown) for each in answers]
    assert told == [(0.0, pytest.approx(1.0)), (0.3, pytest.approx(2.0)), (0.3, pytest.approx(2.0))]


def test_an_inference_teaches_when_it_has_ended(table: CutTable) -> None:
    """Of two that are under way at once the second is decided before the first is known."""
    policy = Listener()
    known: list[int] = []
    decide = policy.decide
    policy.decide = lambda situation: (known.append(len(policy.ended)), decide(situation))[1]  # type: ignore[method-assign]
    ExactReplay(table, _world(), [0.0, 0.1, 4.0]).run(policy)
    assert known == [0, 0, 2]
    assert len(policy.ended) == 3


def test_who_is_only_told_learns_nothing_by_itself(table: CutTable) -> None:
    """Neither probes nor records reach it."""
    policy = Listener((1000,))
    ExactReplay(table, _world(), [0.0, 4.0]).run(policy, is_told_only=True)
    assert (policy.heard, policy.ended, policy.asked_s) == ([], [], [])


def test_a_probe_over_a_link_that_is_gone_stops_nothing(table: CutTable) -> None:
    """It is never answered; the run goes on, and its policy is asked for no more."""
    gone = World(RateSchedule(((1.0, _RATE), (1.0, 0.0))), RateSchedule.constant(_RATE))
    policy = Listener((), (50_000,))
    run = ExactReplay(table, gone, [0.0, 3.0]).run(policy)
    assert _samples(policy) == []
    assert len(run.rows) == 2


def test_a_policy_without_estimators_is_none(table: CutTable) -> None:
    """Only what has both calls is asked and told."""
    assert sensing_of(Fixed("server")) is None
    assert sensing_of(Listener()) is not None
