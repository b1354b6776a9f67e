"""Devices, links and servers on the virtual clock."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from tests.simulation.made_up import tables, worlds

from cutpoint.cost import CutTable
from cutpoint.exceptions import ConfigurationError
from cutpoint.policies import Cutpoint, Fixed
from cutpoint.records import InferenceRecord, LoadConditions, LoadReport
from cutpoint.records.probe import ProbeRequest, ProbeSample
from cutpoint.simulation.exact import exact_parts
from cutpoint.simulation.load_schedule import LoadSchedule, SlowdownSchedule
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.simulation.scenario import (
    BackgroundSpec,
    ClosedLoop,
    DeviceSpec,
    Periodic,
    Poisson,
    Scenario,
    ServerSpec,
)
from cutpoint.simulation.simulator import SimulationResult, simulate
from cutpoint.simulation.world import World

FAST = World(RateSchedule.constant(1e6), RateSchedule.constant(1e6), 0.005, 0.005)
MANY = ServerSpec(num_workers=50)


@pytest.fixture
def table(table_of: Callable[..., CutTable]) -> CutTable:
    """Give a net of half a second, a tenth of it on the server, and a cut in its middle."""
    return table_of(
        (0.5, 0.0, 0.0, 0.0, 0.0),
        (0.0, 0.5, 0.05, 100_000.0, 4_000.0),
        (0.25, 0.25, 0.025, 20_000.0, 4_000.0),
    )


def alone(table: CutTable, world: World, until_s: float, **settings: object) -> SimulationResult:
    """Simulate one device, and a server that is never busy unless told otherwise."""
    server = settings.pop("served", MANY)
    assert isinstance(server, ServerSpec)
    device = DeviceSpec("device", Cutpoint(), table, world, **settings)  # type: ignore[arg-type]
    return simulate(Scenario((device,), (server,)), until_s)


def offloaded(records: tuple[InferenceRecord, ...]) -> list[InferenceRecord]:
    """Give those that a server has answered."""
    return [record for record in records if record.placement != "device"]


@settings(max_examples=40)
@given(table=tables(), world=worlds())
def test_alone_in_the_world_it_is_exact(table: CutTable, world: World) -> None:
    """Whatever changes: an inference that went as planned took what the exact form says."""
    result = alone(table, world, 8.0, num_inferences=20)
    for record in result.records:
        if record.placement != record.planned:
            break  # what is left of it on the link, the next one shares
        row = table.find(record.cut)
        assert row is not None
        exact = exact_parts(table, world, record.at_s, row)
        assert record.latency_s == pytest.approx(exact.latency_s, rel=1e-6, abs=1e-6)
        assert record.measured.tail_s == pytest.approx(exact.tail_s, abs=1e-6)
        assert record.measured.wait_s == pytest.approx(exact.wait_s, abs=1e-6)


@settings(max_examples=25)
@given(table=tables(), world=worlds())
def test_inferences_follow_each_other_and_last_as_long_as_they_say(
    table: CutTable, world: World
) -> None:
    """In a closed loop the next begins when one has ended, after whatever has gone wrong."""
    records = alone(
        table, world, 8.0, num_inferences=20, served=ServerSpec(down=((1.0, 2.0),))
    ).records
    for before, after in pairwise(records):
        assert after.at_s == pytest.approx(before.at_s + before.latency_s, abs=1e-6)
        assert min(vars(before.measured).values()) >= 0


def test_the_policy_follows_the_link(table: CutTable) -> None:
    """Server, split and device, as the rate falls; and back up."""
    steps = [(5.0, 2e7), (5.0, 3e5), (5.0, 1e3), (5.0, 2e7)]
    world = replace(FAST, up=RateSchedule(tuple(steps)))
    records = alone(table, world, 20.0).records
    late_in = [
        {record.planned for record in records if begin <= record.at_s < begin + 2.0}
        for begin in (3.0, 8.0, 13.0, 18.0)
    ]
    assert late_in == [{"server"}, {"split"}, {"device"}, {"server"}]


def test_an_upload_that_lags_is_finished_by_the_device(table: CutTable) -> None:
    """A link that collapses in the middle of it is noticed long before patience ends."""
    world = replace(FAST, up=RateSchedule(((1.05, 1e6), (60.0, 1e3))))
    records = alone(table, world, 10.0).records
    given_up = [record for record in records if record.placement != record.planned]
    assert given_up
    assert given_up[0].failed_in == "upload"
    assert given_up[0].measured.lost_s < 0.4
    assert {record.planned for record in records[-3:]} == {"device"}


def test_a_server_that_dies_costs_no_answer(table: CutTable) -> None:
    """What it held is finished by the device; it is used again soon after it is back."""
    result = alone(table, FAST, 20.0, served=replace(MANY, down=((5.1, 9.0),)))
    records = result.records
    lost = [record for record in records if record.placement != record.planned]
    assert len(lost) == 1
    assert "closed the connection" in (lost[0].fallback_reason or "")
    meanwhile = [record for record in records if 5.5 < record.at_s < 9.0]
    assert {record.planned for record in meanwhile} == {"device"}
    assert all("not there" in (record.fallback_reason or "") for record in meanwhile)
    assert any(record.planned == "server" for record in records if 9.0 < record.at_s < 11.5)


def test_an_outage_of_the_link_costs_no_answer(table: CutTable) -> None:
    """The device goes on alone, does not ask while nothing passes, and comes back."""
    world = replace(FAST, up=RateSchedule(((5.05, 1e6), (5.0, 0.0), (50.0, 1e6))))
    records = alone(table, world, 20.0).records
    meanwhile = [record for record in records if 6.5 < record.at_s < 10.0]
    assert {record.planned for record in meanwhile} == {"device"}
    assert len(meanwhile) >= 5
    assert max(record.latency_s for record in records) < 1.5
    assert {record.planned for record in records if record.at_s > 13.0} == {"server"}


def test_a_slow_server_is_learned_of(table: CutTable) -> None:
    """Tails that take thirty times as long lead to the device; the belief fades and it is tried."""
    busy = LoadSchedule(((5.0, LoadConditions()), (60.0, LoadConditions(0.0, 30.0))))
    records = alone(table, replace(FAST, load=busy), 15.0).records
    assert {record.planned for record in records if record.at_s < 4.5} == {"server"}
    later = [record.planned for record in records if record.at_s > 6.0]
    assert later.count("device") > len(later) / 2


def test_a_hot_device_sends_more(table: CutTable) -> None:
    """Its own slow-down is learned of from what it runs."""
    world = replace(
        FAST,
        up=RateSchedule.constant(3e5),
        device=SlowdownSchedule(((5.0, 1.0), (30.0, 8.0))),
    )
    records = alone(table, world, 30.0).records
    assert "server" not in {record.planned for record in records if record.at_s < 4.0}
    hot = [record.planned for record in records if record.at_s > 8.0]
    assert hot.count("server") > len(hot) / 2
    assert "device" not in hot


def test_devices_share_a_link(table: CutTable) -> None:
    """Two that upload together take twice as long for it; on links of their own they do not."""

    def mean_s(link: str | None) -> float:
        devices = tuple(
            DeviceSpec(f"d{i}", Fixed("server"), table, FAST, link=link) for i in range(2)
        )
        records = simulate(Scenario(devices, (MANY,)), 20.0).records
        return float(np.mean([record.measured.upload_s for record in records]))

    assert mean_s(None) == pytest.approx(0.105, rel=1e-3)
    assert 0.15 < mean_s("air") < 0.21


def test_a_crowd_is_refused_and_computes_alone(table: CutTable) -> None:
    """A bounded queue keeps its word: nobody waits for more than is before it, all get answers."""
    devices = tuple(DeviceSpec(f"d{i}", Cutpoint(), table, FAST, Poisson(2.0)) for i in range(30))
    result = simulate(Scenario(devices), 30.0)
    assert result.num_refused["edge"] > 0
    refused = [r for r in result.records if "overloaded" in (r.fallback_reason or "")]
    assert refused
    waits_s = [record.measured.wait_s for record in offloaded(result.records)]
    assert max(waits_s) <= 2 * 0.05 + 1e-9


def test_others_make_a_server_slow(table: CutTable) -> None:
    """Background load at 80 % makes requests wait; they are served when it is over."""
    device = DeviceSpec("d", Fixed("server"), table, FAST)
    load = BackgroundSpec("edge", 16.0, 0.05, to_s=20.0)
    records = simulate(Scenario((device,), background=(load,)), 40.0).records
    waits_s = [record.measured.wait_s for record in offloaded(records)]
    during = [r.measured.wait_s for r in offloaded(records) if r.at_s < 20.0]
    assert np.mean(during) > 0.005
    assert waits_s[-10:] == [0.0] * 10


def test_inputs_come_as_they_are_said_to(table: CutTable) -> None:
    """At a fixed pace, at random, or one after the other; what comes too soon waits."""
    arrivals = {
        "camera": Periodic(0.25, 0.1),
        "slow": Periodic(2.0),
        "random": Poisson(1.0),
        "loop": ClosedLoop(pause_s=1.0),
    }
    devices = tuple(
        DeviceSpec(name, Fixed("device"), table, FAST, given) for name, given in arrivals.items()
    )
    result = simulate(Scenario(devices), 20.0)
    assert result.arrived_s["camera"][:3] == pytest.approx((0.1, 0.35, 0.6))
    assert [record.at_s for record in result.of("camera")][:3] == pytest.approx([0.1, 0.6, 1.1])
    assert [record.at_s for record in result.of("slow")][:3] == pytest.approx([0.0, 2.0, 4.0])
    assert [record.at_s for record in result.of("loop")][:3] == pytest.approx([0.0, 1.5, 3.0])
    assert 10 <= len(result.of("random")) <= 30


def test_a_deadline_is_kept_by_the_device(table: CutTable) -> None:
    """An answer that does not come is not waited for longer than the device needs then."""
    load = LoadSchedule(((3.0, LoadConditions()), (60.0, LoadConditions(2.0, 1.0))))
    records = alone(table, replace(FAST, load=load), 12.0, deadline_s=0.9).records
    assert any(record.placement != record.planned for record in records)
    assert max(record.latency_s for record in records) <= 0.9 + 1e-6


def test_the_same_seed_gives_the_same_records(table: CutTable) -> None:
    """To the last digit; another one does not."""

    def records(seed: int) -> tuple[InferenceRecord, ...]:
        devices = tuple(
            DeviceSpec(f"d{i}", Cutpoint(), table, FAST, Poisson(3.0)) for i in range(4)
        )
        down = ServerSpec(down=((2.0, 3.0),))
        return simulate(Scenario(devices, (down,)), 6.0, seed).records

    assert records(1) == records(1) != records(2)


def test_who_is_not_there_is_named(table: CutTable) -> None:
    """Names that are given twice, too."""
    device = DeviceSpec("d", Cutpoint(), table, FAST, server="cloud")
    with pytest.raises(ConfigurationError, match="device 'd' uses server 'cloud'"):
        Scenario((device,))
    with pytest.raises(ConfigurationError, match="two devices of a scenario are called 'd'"):
        Scenario((device, device), (ServerSpec("cloud"),))
    with pytest.raises(ConfigurationError, match="background load uses server 'x'"):
        Scenario((), background=(BackgroundSpec("x", 1.0, 1.0),))


class Prober(Fixed):
    """Takes the server, asks for two probes once, and writes down what it hears."""

    def __init__(self) -> None:
        super().__init__("server")
        self.is_asked = False
        self.heard: list[tuple[str, ProbeSample | LoadReport]] = []

    def next_probe(self, server: str, at_s: float) -> ProbeRequest | None:
        """Give them the first time."""
        request = None if self.is_asked else ProbeRequest((50_000, 0))
        self.is_asked = True
        return request

    def sensed(self, server: str, sample: ProbeSample | LoadReport) -> None:
        """Write it down."""
        self.heard.append((server, sample))


def test_probes_share_the_link_with_what_is_sent(table: CutTable) -> None:
    """Beside an upload a probe takes longer than alone, and so does the upload."""
    policies = Prober(), Fixed("server")
    results = [
        simulate(
            Scenario((DeviceSpec("device", policy, table, FAST, num_inferences=2),), (MANY,)), 5.0
        )
        for policy in policies
    ]
    with_probes, without = (result.of("device") for result in results)
    assert with_probes[0].measured.upload_s > without[0].measured.upload_s + 0.04
    assert with_probes[1].measured.upload_s == pytest.approx(without[1].measured.upload_s, rel=0.1)
    large, empty = [each for _, each in policies[0].heard if isinstance(each, ProbeSample)]
    assert large.duration_s > 50_000 / 1e6 + 0.01
    assert (large.size_bytes, empty.size_bytes) == (50_000, 0)


def test_answers_tell_a_sensing_policy_what_the_server_is_like(table: CutTable) -> None:
    """Whose worker is busy with others': the wait that was met, and the slow-down."""
    policy = Prober()
    device = DeviceSpec("device", policy, table, FAST, ClosedLoop(1.0), num_inferences=6)
    others = BackgroundSpec("edge", rate_per_s=8.0, service_s=0.1)
    result = simulate(Scenario((device,), (ServerSpec(max_waiting=50),), (others,)), 10.0)
    told = [each for _, each in policy.heard if isinstance(each, LoadReport)]
    riding = [each for each in told if not each.is_polled]
    answered = offloaded(result.of("device"))
    assert [record.load for record in answered] == riding
    assert max(each.wait_s or 0.0 for each in riding) > 0.02
    assert all(each.slowdown == pytest.approx(1.0) for each in riding)


def test_a_server_that_dies_loses_the_probe_and_is_probed_no_more_until_it_is_back(
    table: CutTable,
) -> None:
    """Nothing is heard of what was under way; the policy is not stuck."""
    policy = Prober()
    slow = World(RateSchedule.constant(1e4), RateSchedule.constant(1e6), 0.005, 0.005)
    server = ServerSpec(down=((0.5, 2.0),))
    device = DeviceSpec("device", policy, table, slow, Periodic(1.0))
    result = simulate(Scenario((device,), (server,)), 6.0)
    assert [each for _, each in policy.heard if isinstance(each, ProbeSample)] == []
    assert result.of("device")[-1].at_s >= 2.0
