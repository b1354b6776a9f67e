"""Offloads of exact runs that the device gives up."""

from collections.abc import Callable

import pytest

from cutpoint.cost import POWER_PROFILES, CutTable
from cutpoint.policies import Fixed
from cutpoint.records import InferenceRecord, LoadConditions
from cutpoint.simulation.exact_run import ExactReplay
from cutpoint.simulation.load_schedule import LoadSchedule
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.simulation.world import World


class Sender(Fixed):
    """Sends always, and keeps the records."""

    def __init__(self) -> None:
        super().__init__("server")
        self.records: list[InferenceRecord] = []

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
