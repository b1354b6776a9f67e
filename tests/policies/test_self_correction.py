"""A table that is wrong of a host, or of one cut on it, is found out by what inferences take."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from tests.policies.made_up_host import MadeUpHosts, times

from cutpoint.cost import CutTable, predict
from cutpoint.policies import Cutpoint, Situation
from cutpoint.records import Conditions

TableOf = Callable[..., CutTable]

LEARNS = pytest.mark.parametrize("learns", [False, True], ids=["told", "estimated"])
"""Whether the session's own estimators learn beside the policy, and so blur what is whose fault."""


@pytest.fixture
def rows(table: CutTable) -> CutTable:
    """Give device-only 60 ms, server-only 20 ms and 30 for its bytes, and two cuts: 28, 33 ms."""
    return replace(
        table,
        head_s=np.array([0.06, 0.0, 0.01, 0.02]),
        rest_s=np.array([0.0, 0.06, 0.05, 0.04]),
        tail_s=np.array([0.0, 0.02, 0.008, 0.003]),
        up_bytes=np.array([0.0, 30e3, 0.0, 0.0]),
        down_bytes=np.zeros(4),
    )


def best(table: CutTable, hosts: MadeUpHosts) -> int:
    """Give the row that truly answers soonest."""
    return int(predict(table, Conditions(hosts.link)).latency_s.argmin())


@pytest.mark.parametrize(
    ("column", "learns"), [("tail_s", False), ("tail_s", True), ("head_s", False)]
)
def test_a_cut_that_takes_three_times_its_profile_is_left_within_ten(
    column: str, learns: bool, rows: CutTable
) -> None:
    """The wrong cut is found out, the best of the others is taken, and stays."""
    hosts = MadeUpHosts(rows, times(rows, column, 2, 3.0), learns)
    assert best(rows, hosts) == 2
    taken = hosts.rows(Cutpoint(), 60)
    assert taken[0] == 2
    assert 2 not in taken[10:40]
    assert set(taken[20:40]) == {best(hosts.true, hosts)}
    assert np.count_nonzero(np.diff(taken[:40])) <= 4


def test_a_head_that_looks_like_a_hot_device_is_found_out_by_a_trial(rows: CutTable) -> None:
    """All that runs is one cut, so the session takes it for heat: a trial of another tells."""
    hosts = MadeUpHosts(rows, times(rows, "head_s", 2, 3.0), learns=True)
    taken = hosts.rows(Cutpoint(), 120)
    assert set(taken[60:]) == {best(hosts.true, hosts)} == {3}


@LEARNS
def test_a_device_three_times_slower_is_left_within_ten(learns: bool, rows: CutTable) -> None:
    """Heat is the whole host's: the device hands over all it can, but for a few trials."""
    near = replace(rows, up_bytes=np.array([0.0, 12e3, 0.0, 0.0]))
    hot = replace(near, head_s=3 * near.head_s)
    hosts = MadeUpHosts(near, hot, learns)
    assert (best(near, hosts), best(hot, hosts)) == (2, 1)
    taken = hosts.rows(Cutpoint(), 200)
    assert set(taken[10:20]) == {1}
    assert taken[10:].count(1) >= 0.94 * 190


@LEARNS
def test_a_server_three_times_slower_is_left_within_ten(learns: bool, rows: CutTable) -> None:
    """Another server than the one that was profiled, three times slower in all it does."""
    slow = replace(rows, tail_s=6 * rows.tail_s)
    hosts = MadeUpHosts(rows, slow, learns)
    assert (best(rows, hosts), best(slow, hosts)) == (2, 3)
    assert 2 not in hosts.rows(Cutpoint(), 60)[10:40]


def test_without_correction_it_is_never_left(rows: CutTable) -> None:
    """What is told never changes here: only what inferences took speaks against the row."""
    hosts = MadeUpHosts(rows, times(rows, "tail_s", 2, 3.0))
    assert set(hosts.rows(Cutpoint(corrects=False), 60)) == {2}


@LEARNS
def test_a_table_that_is_right_is_not_corrected(learns: bool, rows: CutTable) -> None:
    """Where inferences take what was believed, the predicted parts stay the table's."""
    hosts, policy = MadeUpHosts(rows, rows, learns), Cutpoint()
    hosts.rows(policy, 50)
    _, record = hosts.run(policy)
    assert record.predicted == pytest.approx(predict(rows, hosts.conditions()).parts(2))


def test_what_is_predicted_is_corrected(rows: CutTable) -> None:
    """Once a slow cut is known and still the best, its prediction is near what it takes."""
    hosts, policy = MadeUpHosts(rows, times(rows, "tail_s", 2, 1.6)), Cutpoint()
    hosts.rows(policy, 10)
    row, record = hosts.run(policy)
    assert row == 2
    assert record.predicted.tail_s == pytest.approx(record.measured.tail_s, rel=0.15)
    assert record.predicted.upload_s == record.measured.upload_s


def test_one_long_run_moves_nothing(rows: CutTable) -> None:
    """A tail that stalled once is no profile that is wrong."""
    hosts, policy = MadeUpHosts(rows, rows), Cutpoint()
    hosts.rows(policy, 20)
    hosts.true = times(rows, "tail_s", 2, 20.0)
    hosts.run(policy)
    hosts.true = rows
    assert set(hosts.rows(policy, 30)) == {2}


def test_a_cut_that_has_recovered_is_taken_again(rows: CutTable) -> None:
    """What was wrong of it fades, so it is tried again in minutes, and kept."""
    hosts, policy = MadeUpHosts(rows, times(rows, "tail_s", 2, 3.0)), Cutpoint()
    assert 2 not in hosts.rows(policy, 40)[10:]
    hosts.true = rows
    assert set(hosts.rows(policy, 200, pause_s=1.0)[-20:]) == {2}


def test_it_is_asked_anew_when_a_correction_has_moved(rows: CutTable) -> None:
    """The client may repeat a decision while nothing was learnt, and not after."""
    hosts, policy = MadeUpHosts(rows, rows), Cutpoint()
    hosts.rows(policy, 20)
    assert policy.is_steady
    hosts.true = times(rows, "tail_s", 2, 3.0)
    hosts.rows(policy, 2)
    assert not policy.is_steady
    policy.decide(Situation(hosts.at_s, rows, hosts.conditions(), "edge:8001"))
    assert policy.is_steady


@pytest.mark.parametrize("absurd", [float("nan"), float("inf"), -1.0, 0.0])
def test_absurd_times_teach_nothing(absurd: float, rows: CutTable) -> None:
    """A record whose times cannot be true leaves the policy as it was."""
    hosts, policy = MadeUpHosts(rows, rows), Cutpoint()
    _, record = hosts.run(policy)
    wrong = replace(record, measured=replace(record.measured, head_s=absurd, tail_s=absurd))
    for _ in range(20):
        policy.observe(wrong)
    assert set(hosts.rows(policy, 5)) == {2}
