"""A race in an exact run: the device computes on from the cut, and the first answer counts."""

from dataclasses import replace

from cutpoint.cost import Activity, PowerProfile, activity_j
from cutpoint.records import DEVICE, InferenceRecord, LegRun, Parts, RaceRun


def raced_record(
    record: InferenceRecord, rest_s: float, power: PowerProfile | None = None
) -> InferenceRecord:
    """
    Give the record of an inference that races, from that of the same without a race.

    Parameters
    ----------
    record
        As the server alone would have answered.
    rest_s
        What the device takes from the cut on, while it sends.
    power
        What the device draws, if its joules are to be counted.

    Returns
    -------
    InferenceRecord
        With the server's parts if it was the first; else with those of the device, whose time
        from the cut on is the tail.
    """
    parts = record.measured
    own_s = parts.head_s + parts.encode_s
    way_s = parts.latency_s - own_s
    race = RaceRun(min(way_s, rest_s), is_won=rest_s < way_s)
    raced = replace(record, race=race)
    if race.is_won:
        alone = Parts(parts.head_s, parts.encode_s, tail_s=rest_s)
        leg = LegRun(DEVICE, "whole" if record.planned == "server" else "tail", rest_s)
        legs = (*(each for each in record.legs if each.host == DEVICE), leg)
        raced = replace(raced, placement="device", measured=alone, legs=legs)
    if power is None:
        return raced
    return replace(raced, energy_j=activity_j(_activity(raced, own_s, parts), power))


def _activity(raced: InferenceRecord, own_s: float, alone: Parts) -> Activity:
    """Give what the device did: it computed to the end, and sent until then at most."""
    race = raced.race
    assert race is not None
    sending_s = min(alone.upload_s, race.duration_s)
    share = sending_s / alone.upload_s if alone.upload_s > 0 else 1.0
    return Activity(
        duration_s=own_s + race.duration_s,
        computing_s=own_s + race.duration_s,
        sending_s=sending_s,
        receiving_s=0.0 if race.is_won else alone.download_s,
        sent_bytes=share * raced.sent_bytes,
        received_bytes=0.0 if race.is_won else float(raced.received_bytes),
    )
