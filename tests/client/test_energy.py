"""Joules of real inferences, held against the power over what their records say was done."""

from pathlib import Path

import pytest
from tests.client.conftest import running_server
from tests.power_timeline import PowerTimeline

from cutpoint import InferenceSession
from cutpoint.cost import PowerProfile
from cutpoint.exceptions import CostError, PlannerError
from cutpoint.records import InferenceRecord

POWER = PowerProfile("board", 8.0, 2.0, 5.0, 3.5, "made up", 1e-4, 5e-5)


def _integral_j(record: InferenceRecord) -> float:
    """Lay out what a record says on a line of time; a race runs from the end of encoding on."""
    parts, race = record.measured, record.race
    timeline = PowerTimeline(
        POWER, sent_bytes=record.sent_bytes, received_bytes=record.received_bytes
    )
    ready_s = parts.head_s + parts.encode_s
    end_s = record.latency_s
    timeline.computing.append((0.0, ready_s))
    if record.placement != "device":
        timeline.sending.append((ready_s, ready_s + parts.upload_s))
        timeline.receiving.append((end_s - parts.download_s, end_s))
        if race is not None:
            timeline.computing.append((ready_s, ready_s + race.duration_s))
    elif record.planned != "device":
        timeline.computing.append((end_s - parts.tail_s, end_s))
    return timeline.exact_joules(0.0, end_s)


@pytest.mark.parametrize("hedge", ["off", "always"])
@pytest.mark.parametrize("policy", ["server", "t1", "device"])
def test_a_record_counts_what_the_device_drew(
    model_path: Path, feed: dict, policy: str, hedge: str
) -> None:
    """Within 1 %, raced or not; what a race sent before the device won it is not in the record."""
    with (
        running_server(model_path) as address,
        InferenceSession(
            model_path, server=address, policy=policy, power=POWER, hedge=hedge
        ) as session,
    ):
        session.wait_until_ready(10)
        for _ in range(5):
            session.run(None, feed)
            record = session.last_record
            assert record is not None
            if record.race is not None and record.race.is_won:
                sent_j = (POWER.send_w - POWER.idle_w) * record.latency_s
                sent_j += POWER.send_w_per_bytes_per_s * record.sent_bytes
                floor_j = _integral_j(record)
                assert floor_j * 0.99 <= record.energy_j <= (floor_j + sent_j) * 1.01
            elif record.fallback_reason is None:
                assert record.energy_j == pytest.approx(_integral_j(record), rel=0.01)


@pytest.mark.parametrize("given", ["raspberry-pi-4b-wifi", POWER])
def test_a_power_profile_is_given_by_name_or_as_it_is(
    model_path: Path, feed: dict, given: str | PowerProfile
) -> None:
    """Alone the device computes all the time, so its joules are its watts times the latency."""
    compute_w = 6.4 if isinstance(given, str) else given.compute_w
    with InferenceSession(model_path, server="127.0.0.1:1", power=given) as session:
        session.run(None, feed)
        record = session.last_record
    assert record is not None
    assert record.energy_j == pytest.approx(compute_w * record.latency_s)


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"objective": "energy"}, PlannerError),
        ({"objective": "speed"}, PlannerError),
        ({"objective": "weighted:2", "power": POWER}, PlannerError),
        ({"power": "toaster"}, PlannerError),
    ],
)
def test_what_cannot_be_counted_is_refused(
    model_path: Path, settings: dict, error: type[Exception]
) -> None:
    """Before anything is loaded, by what it is; a profile with a bad figure is none at all."""
    with pytest.raises(error):
        InferenceSession(model_path, server="127.0.0.1:1", **settings)
    with pytest.raises(CostError):
        PowerProfile("bad", float("nan"), 1.0, 1.0, 1.0, "made up")
