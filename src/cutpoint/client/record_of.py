"""The record of an inference that has ended."""

from cutpoint.client.dispatch import Dispatch
from cutpoint.client.drive import Drive
from cutpoint.cost import Activity, PowerProfile, activity_j
from cutpoint.inference import activity_of
from cutpoint.records import InferenceRecord


def record_of(
    number: int,
    drive: Drive,
    dispatch: Dispatch,
    calibrated_error: float | None,
    power: PowerProfile | None = None,
) -> InferenceRecord:
    """
    Put together what was planned and what was done.

    Parameters
    ----------
    number
        Of the inference in its session.
    calibrated_error
        Of the codecs that were used.
    power
        What the device draws, if that is known: its joules are counted.
    """
    inference, plan = drive.inference, dispatch.plan
    # A plan that is carried out otherwise, raw instead of encoded, is no fallback.
    note = plan.note if plan.server is None else None
    return InferenceRecord(
        request=number,
        at_s=dispatch.at_s,
        planned=plan.placement,
        placement=inference.placement,
        cut=plan.cut,
        crossing=plan.crossing,
        server=inference.server,
        predicted=plan.predicted,
        measured=inference.measured,
        legs=inference.legs,
        sent_bytes=drive.sent_bytes,
        received_bytes=drive.received_bytes,
        fallback_reason=inference.fallback_reason or note,
        conditions=dispatch.conditions,
        attempts=inference.attempts,
        failed_in=inference.failed_in,
        codecs=drive.codecs,
        calibrated_error=calibrated_error,
        load=drive.load,
        race=inference.race,
        energy_j=None if power is None else activity_j(_activity(drive), power),
    )


def _activity(drive: Drive) -> Activity:
    return activity_of(drive.inference, drive.sent_bytes, drive.received_bytes)
