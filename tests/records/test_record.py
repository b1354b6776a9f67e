from cutpoint.records import Conditions, InferenceRecord, Parts


def test_the_latency_is_the_measured_one() -> None:
    """A record's latency is what was measured, not what was predicted."""
    record = InferenceRecord(
        request=1,
        at_s=0.0,
        planned="device",
        placement="device",
        cut="device-only",
        crossing=(),
        server=None,
        predicted=Parts(head_s=9.0),
        measured=Parts(head_s=1.0, tail_s=0.5),
        legs=(),
        sent_bytes=0,
        received_bytes=0,
        fallback_reason=None,
        conditions=Conditions(),
    )
    assert record.latency_s == 1.5
