"""ANS learns what offloading takes from what it took, and from nothing else."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from tests.policies.made_up_host import LINK, MadeUpHosts

from cutpoint.cost import CutTable
from cutpoint.graph import Graph, server_only
from cutpoint.policies import Situation
from cutpoint.policies.ans import Ans, DelayLine
from cutpoint.policies.offloaded_work import OffloadedWork
from cutpoint.records import Conditions, LinkConditions, RaceRun


@pytest.fixture
def hosts(table: CutTable) -> MadeUpHosts:
    """Give 400 ms on the device against 40 ms and the way on the server."""
    fast = replace(table, head_s=table.head_s / 10, tail_s=table.tail_s / 10)
    return MadeUpHosts(fast, fast)


def test_every_fourth_frame_offloads_however_bad_that_is(hosts: MadeUpHosts) -> None:
    """Of the first 200 frames each fourth is forced: 4 is 200 to the power of a quarter."""
    hosts.true = replace(hosts.true, tail_s=hosts.true.tail_s + 10.0 * hosts.true.is_offloaded)
    taken = hosts.rows(Ans(), 120)
    offloaded = [frame for frame, row in enumerate(taken, 1) if row != 0]
    assert set(range(4, 121, 4)) <= set(offloaded)
    assert set(offloaded[-10:]) == set(range(84, 121, 4))


def test_a_frame_is_forced_more_rarely_the_longer_it_runs() -> None:
    """The horizon doubles when it is over: every 4th, 5th, 6th frame ..."""
    line = DelayLine(np.random.default_rng(0))
    forced = np.flatnonzero([line.is_forced() for _ in range(1600)]) + 1
    assert set(np.diff(forced[forced <= 200])) == {4}
    assert set(np.diff(forced[(forced > 205) & (forced <= 400)])) == {5}
    assert set(np.diff(forced[forced > 810])) == {7}


def test_it_finds_the_best_cut_with_nothing_told(graph: Graph, hosts: MadeUpHosts) -> None:
    """Where offloading pays it is most of what is done, though no profile of a server is seen."""
    policy = Ans()
    policy.candidates(graph)
    blind = replace(hosts.believed, tail_s=np.zeros(4))
    hosts.believed = blind
    assert hosts.rows(policy, 400)[-50:].count(1) >= 35


def test_the_link_it_is_told_of_counts_for_nothing(table: CutTable) -> None:
    """Conditions say nothing to it but whether there is a server."""
    plans = [
        Ans().decide(Situation(0.0, table, Conditions(link), "edge:8001")).cut
        for link in (LINK, LinkConditions(1.0, 1.0, 9.0, 9.0))
    ]
    assert plans[0] == plans[1]


def test_a_lost_offload_counts_with_all_it_took(hosts: MadeUpHosts) -> None:
    """An outage makes the server look as slow as it was, and a race won here teaches nothing."""
    policy = Ans()
    row, record = hosts.run(policy)
    assert row != 0
    line = policy._line_of("edge:8001")
    before = line.theta
    policy.observe(replace(record, race=RaceRun(0.1, is_won=True)))
    np.testing.assert_array_equal(line.theta, before)
    lost = replace(record.measured, lost_s=50.0)
    policy.observe(replace(record, placement="device", measured=lost))
    assert line.theta.sum() > 10 * before.sum()


@pytest.mark.parametrize("absurd", [float("nan"), float("inf"), -1e9])
def test_absurd_delays_teach_nothing(absurd: float, hosts: MadeUpHosts) -> None:
    """A time that cannot be true, or an endless one, is no point of a line."""
    policy = Ans()
    _, record = hosts.run(policy)
    before = policy._line_of("edge:8001").theta
    policy.observe(replace(record, measured=replace(record.measured, tail_s=absurd)))
    np.testing.assert_array_equal(policy._line_of("edge:8001").theta, before)


def test_seeds_differ_in_the_first_covariance_alone(hosts: MadeUpHosts) -> None:
    """The draw is the seed's: the same one decides the same."""
    runs = [MadeUpHosts(hosts.believed, hosts.true).rows(Ans(seed), 40) for seed in (3, 3)]
    assert runs[0] == runs[1]


def test_the_offloaded_work_is_what_lies_behind_the_cut(
    graph_of: Callable[..., Graph],
) -> None:
    """Operations, layers and bytes by type; an activation counts by the bytes it writes."""
    graph = graph_of(
        """(float[1,4] x) => (float[1,4] y)
        <float[4,4] w = {1,0,0,0,0,1,0,0,0,0,1,0,0,0,0,1}>
        { a = MatMul(x, w) b = Relu(a) c = MatMul(b, w) y = Sigmoid(c) }"""
    )
    work = OffloadedWork(graph)
    cuts = [replace(server_only(graph), head=head) for head in (0, 3, 15)]
    found = work.of(cuts, np.array([16.0, 16.0, 0.0]))
    assert found[:, 3].tolist() == [2, 1, 0]
    assert found[:, 4].tolist() == [32, 16, 0]
    assert found[:, 5].tolist() == [2, 1, 0]
    assert found[0, 2] == 2 * found[1, 2] > 0
    assert found[:, 6].tolist() == [16, 16, 0]
