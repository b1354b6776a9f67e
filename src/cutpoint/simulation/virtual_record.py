"""The record of an inference that went as planned on the virtual clock."""

from cutpoint.cost import Activity, CutTable, PowerProfile, activity_j
from cutpoint.records import DEVICE, Conditions, InferenceRecord, LegRun, Parts, Plan


def virtual_record(
    request: int,
    at_s: float,
    plan: Plan,
    measured: Parts,
    conditions: Conditions,
    table: CutTable,
    row: int,
    power: PowerProfile | None = None,
) -> InferenceRecord:
    """
    Give the record of an inference without fallbacks.

    Parameters
    ----------
    measured
        What its parts truly took.
    row
        Of the plan in the table.
    power
        What the device draws, if its joules are to be counted.
    """
    activity = Activity(
        duration_s=measured.latency_s,
        computing_s=measured.head_s + measured.encode_s,
        sending_s=measured.upload_s,
        receiving_s=measured.download_s,
        sent_bytes=float(table.up_bytes[row]),
        received_bytes=float(table.down_bytes[row]),
    )
    return InferenceRecord(
        request=request,
        at_s=at_s,
        planned=plan.placement,
        placement=plan.placement,
        cut=plan.cut,
        crossing=plan.crossing,
        server=plan.server,
        predicted=plan.predicted,
        measured=measured,
        legs=_legs(plan, measured),
        sent_bytes=round(table.up_bytes[row]),
        received_bytes=round(table.down_bytes[row]),
        fallback_reason=None,
        conditions=conditions,
        attempts=0 if plan.server is None else 1,
        codecs=plan.legs[0].codecs,
        energy_j=None if power is None else activity_j(activity, power),
    )


def _legs(plan: Plan, measured: Parts) -> tuple[LegRun, ...]:
    if plan.server is None:
        return (LegRun(DEVICE, "whole", measured.head_s),)
    if plan.placement == "server":
        return (LegRun(plan.server, "whole", measured.tail_s),)
    head = LegRun(DEVICE, "head", measured.head_s)
    return head, LegRun(plan.server, "tail", measured.tail_s)
