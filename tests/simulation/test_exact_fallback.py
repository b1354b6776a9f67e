"""Offloads of exact runs that the device gives up."""

from collections.abc import Callable

import pytest

from cutpoint.cost import POWER_PROFILES, CutTable
from cutpoint.policies import Fixed, Hedge, Situation
from cutpoint.records import (
    Conditions,
    InferenceRecord,
    LinkConditions,
    LoadConditions,
    LoadReport,
    Parts,
    Plan,
    ProbeRequest,
    ProbeSample,
)
from cutpoint.simulation.belief import Belief
from cutpoint.simulation.exact_run import ExactReplay
from cutpoint.simulation.load_schedule import LoadSchedule
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.simulation.world import World


class Sender(Fixed):
    """Sends always, and keeps the records."""

    def __init__(self) -> None:
        super().__init__("server")
        self.records: list[InferenceRecord] = []
        self.told: list[Conditions] = []

    def decide(self, situation: Situation) -> Plan:
        """Keep what it is told."""
        self.told.append(situation.conditions)
        return super().decide(situation)

    def observe(self, record: InferenceRecord) -> None:
        """Keep it."""
        self.records.append(record)


@pytest.fixture
def table(table_of: Callable[..., CutTable]) -> CutTable:
    """Give a second on the device, or a hundred kilobytes to the server."""
    return table_of((1.0, 0.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.01, 100_000.0, 0.0))


def _replay(table: CutTable, *rates: tuple[float, float], wait_s: float = 0.0) -> ExactReplay:
    load = LoadSchedule(((1.0, LoadConditions()), (100.0, LoadConditions(wait_s))))
    fast = RateSchedule.constant(1e7)
    return ExactReplay(table, World(RateSchedule(rates), fast, 0.005, 0.005, load), [0.0, 2.0])


def test_an_upload_that_lags_is_called_off_once_that_shows(table: CutTable) -> None:
    """The link is a hundred times slower than planned for: the device begins a moment later."""
    replay = _replay(table, (1.9, 1e6), (1e3, 1e4))
    policy = Sender()
    run = replay.run(policy, "late", gives_up=True)
    seen_through = replay.run(Sender(), "late")
    assert run.latency_s[0] == seen_through.latency_s[0]
    assert seen_through.latency_s[1] > 9.0
    assert 1.0 < run.latency_s[1] < 1.5
    record = policy.records[1]
    assert (record.placement, record.planned, record.failed_in) == ("device", "server", "upload")
    assert record.measured.lost_s == pytest.approx(run.latency_s[1] - 1.0)
    assert record.fallback_reason == "the upload lagged"
    assert record.load is None


def test_a_server_that_does_not_answer_is_waited_for_as_long_as_a_session_does(
    table: CutTable,
) -> None:
    """Patience is three times what was predicted, and at least what the device needs beside it."""
    policy = Sender()
    run = _replay(table, (1e3, 1e6), wait_s=20.0).run(policy, "late", gives_up=True)
    predicted_s = policy.records[1].predicted.latency_s
    assert run.latency_s[1] == pytest.approx(predicted_s + 1.0 + 1.0)
    assert policy.records[1].failed_in == "compute"


def test_what_keeps_to_its_prediction_is_seen_through(table: CutTable) -> None:
    """On a link that is as planned nothing is given up."""
    replay = _replay(table, (1e3, 1e6))
    run = replay.run(Sender(), "late", gives_up=True)
    assert run.latency_s.tolist() == replay.run(Sender(), "late").latency_s.tolist()


def test_giving_up_costs_what_was_sent_until_then(table: CutTable) -> None:
    """Sending while it lasted, and computing after that."""
    power = POWER_PROFILES["raspberry-pi-4b-wifi"]
    policy = Sender()
    run = _replay(table, (1.9, 1e6), (1e3, 1e4)).run(policy, "late", gives_up=True, power=power)
    assert run.energy_j is not None
    least_j = power.compute_w * 1.0 + power.send_w * policy.records[1].measured.lost_s
    assert least_j <= run.energy_j[1] <= 1.1 * least_j


def test_what_waits_behind_a_probe_makes_no_progress_by_it(table: CutTable) -> None:
    """The link carries the probe alone: the upload is called off as if nothing passed."""
    policy = Probing()
    run = _replay(table, (1e3, 1e6)).run(policy, "late", gives_up=True)
    assert policy.records[0].failed_in == "upload"
    assert run.latency_s[0] == pytest.approx(1.0, abs=0.2)


class Probing(Sender):
    """Sends five megabytes to learn of the link, once."""

    def __init__(self) -> None:
        super().__init__()
        self.probes = [ProbeRequest((5_000_000,))]

    def next_probe(self, server: str, at_s: float) -> ProbeRequest | None:
        """Give the one there is."""
        return self.probes.pop() if self.probes else None

    def sensed(self, server: str, sample: ProbeSample | LoadReport) -> None:
        """Learn nothing."""


@pytest.mark.parametrize("hedge", ["off", "always"])
def test_an_answer_that_nobody_waited_for_teaches_nothing(table: CutTable, hedge: Hedge) -> None:
    """The server held one request up for 20 s; the device had gone on by itself long before."""
    held_up = LoadSchedule(
        ((2.0, LoadConditions()), (0.5, LoadConditions(20.0)), (100.0, LoadConditions()))
    )
    fast = RateSchedule.constant(1e7)
    world = World(RateSchedule.constant(1e6), fast, 0.005, 0.005, held_up)
    policy = Sender()
    replay = ExactReplay(table, world, [0.0, 2.05, 15.0, 22.4])
    run = replay.run(policy, "estimated", gives_up=True, hedge=hedge)
    assert run.latency_s[1] < 4.0
    assert policy.told[-1].load.wait_s < 0.1


def test_no_loss_is_known_before_it_has_happened(table: CutTable) -> None:
    """What is sent while the first that is lost is under way races no more than that one did."""
    replay = ExactReplay(
        table,
        World(RateSchedule(((1.9, 1e6), (1e3, 1e4))), RateSchedule.constant(1e7), 0.005, 0.005),
        [0.0, 2.0, 2.03, 9.0],
    )
    policy = Sender()
    replay.run(policy, Unshaken(), gives_up=True, hedge="auto")
    assert [record.failed_in for record in policy.records[1:3]] == ["upload", "upload"]
    assert [record.race is not None for record in policy.records] == [False, False, False, True]


class Unshaken(Belief):
    """Holds a link for fast whatever happens."""

    def conditions(self, index: int) -> Conditions:
        """Give the same each time."""
        return Conditions(LinkConditions(1e6, 1e7, 0.005, 0.005))

    def observe(self, index: int, row: int, parts: Parts, record: InferenceRecord) -> None:
        """Learn nothing."""
