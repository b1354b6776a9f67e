import pytest

from cutpoint.records import Conditions, InferenceRecord, LegRun, Parts


def record_of(*legs: LegRun) -> InferenceRecord:
    """Give a record in which little is of interest."""
    return InferenceRecord(
        request=1,
        at_s=0.0,
        planned="device",
        placement="device",
        cut="device-only",
        crossing=(),
        server=None,
        predicted=Parts(head_s=9.0),
        measured=Parts(head_s=1.0, tail_s=0.5),
        legs=legs,
        sent_bytes=0,
        received_bytes=0,
        fallback_reason=None,
        conditions=Conditions(),
    )


def test_the_latency_is_the_measured_one() -> None:
    """A record's latency is what was measured, not what was predicted."""
    assert record_of().latency_s == 1.5


def test_contention_is_wall_time_over_cpu_time() -> None:
    """What an emulated device slept on purpose is no waiting."""
    assert LegRun("device", "head", 1.5, 1.0).contention == 1.5
    assert LegRun("device", "head", 8.25, 1.0, 7.0).contention == 1.25


@pytest.mark.parametrize("cpu_s", [None, 0.0])
def test_contention_of_a_leg_may_be_unknown(cpu_s: float | None) -> None:
    """Where no CPU time is told, or nothing ran, there is none."""
    assert LegRun("edge:8001", "tail", 1.5, cpu_s).contention is None


def test_contention_of_an_inference_is_that_of_its_worst_leg() -> None:
    """And not known if that of one leg is not."""
    quiet, busy = LegRun("device", "head", 1.0, 1.0), LegRun("edge:8001", "tail", 3.0, 2.0)
    assert record_of(quiet, busy).contention == 1.5
    assert record_of(quiet, LegRun("edge:8001", "tail", 3.0)).contention is None
    assert record_of().contention is None
