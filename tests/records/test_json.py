"""Records are written as JSON lines and read by other programs."""

from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint import records
from cutpoint.records import (
    Conditions,
    Environment,
    InferenceRecord,
    Leg,
    LegRun,
    LinkConditions,
    LoadConditions,
    LoadReport,
    Parts,
    Placement,
    Plan,
    ProbeRequest,
    ProbeSample,
    Profile,
    RaceRun,
    Sample,
    SampleKind,
    Withdrawal,
)

SECONDS = st.floats(0, allow_infinity=False)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
COUNTS = st.integers(0, 2**53)
NAMES = st.text()
TUPLES = st.lists(NAMES, max_size=3).map(tuple)
PLACEMENTS = st.sampled_from(get_args(Placement))

POSITIVE = st.floats(0, allow_infinity=False, exclude_min=True)
LINKS = st.builds(LinkConditions, POSITIVE, POSITIVE, SECONDS, SECONDS, SECONDS)
LOADS = st.builds(LoadConditions, SECONDS, SECONDS)
CONDITIONS = st.builds(
    Conditions, st.none() | LINKS, LOADS, POSITIVE, st.none() | NAMES, st.none() | SECONDS
)
PARTS = st.builds(Parts, *[NUMBERS] * 7)
LEGS = st.builds(Leg, NAMES, st.none() | NAMES, TUPLES, TUPLES)
PLANS = st.builds(
    Plan,
    PLACEMENTS,
    NAMES,
    st.lists(LEGS, max_size=3).map(tuple),
    PARTS,
    st.none() | NAMES,
    st.booleans(),
)
SAMPLES = st.builds(
    Sample,
    st.sampled_from(get_args(SampleKind)),
    NAMES,
    SECONDS,
    st.none() | NUMBERS,
    COUNTS,
)
ENVIRONMENTS = st.builds(
    Environment, NAMES, TUPLES, COUNTS, NAMES, COUNTS, st.none() | NAMES, st.booleans(), NUMBERS
)
CROSSINGS = st.lists(TUPLES, max_size=3).map(tuple)
PROFILES = st.builds(
    Profile,
    COUNTS,
    NAMES,
    NAMES,
    NAMES,
    ENVIRONMENTS,
    CROSSINGS,
    st.lists(SAMPLES, max_size=3).map(tuple),
    NUMBERS,
    CROSSINGS,
)
REPORTS = st.builds(
    LoadReport,
    NUMBERS,
    NUMBERS,
    st.none() | NUMBERS,
    st.none() | NUMBERS,
    st.lists(st.tuples(COUNTS, NUMBERS), max_size=3).map(tuple),
    st.none() | NUMBERS,
    st.none() | COUNTS,
    st.booleans(),
)
RACES = st.builds(RaceRun, NUMBERS, st.booleans(), st.none() | NUMBERS)
PROBES = st.builds(ProbeSample, NUMBERS, COUNTS, NUMBERS)
LEG_RUNS = st.builds(LegRun, NAMES, NAMES, NUMBERS)
RECORDS = st.builds(
    InferenceRecord,
    request=COUNTS,
    at_s=NUMBERS,
    planned=PLACEMENTS,
    placement=PLACEMENTS,
    cut=NAMES,
    crossing=TUPLES,
    server=st.none() | NAMES,
    predicted=PARTS,
    measured=PARTS,
    legs=st.lists(LEG_RUNS, max_size=3).map(tuple),
    sent_bytes=COUNTS,
    received_bytes=COUNTS,
    fallback_reason=st.none() | NAMES,
    conditions=CONDITIONS,
    codecs=TUPLES,
    calibrated_error=st.none() | NUMBERS,
    load=st.none() | REPORTS,
    race=st.none() | RACES,
    energy_j=st.none() | NUMBERS,
)
WITHDRAWALS = st.builds(
    Withdrawal, NAMES, TUPLES, NAMES, NUMBERS, st.none() | NUMBERS, NAMES, COUNTS
)
STRATEGIES = {
    Conditions: CONDITIONS,
    Environment: ENVIRONMENTS,
    InferenceRecord: RECORDS,
    Leg: LEGS,
    LegRun: LEG_RUNS,
    LinkConditions: LINKS,
    LoadConditions: LOADS,
    LoadReport: REPORTS,
    Parts: PARTS,
    Plan: PLANS,
    ProbeRequest: st.builds(ProbeRequest, st.lists(COUNTS, max_size=3).map(tuple)),
    ProbeSample: PROBES,
    Profile: PROFILES,
    RaceRun: RACES,
    Sample: SAMPLES,
    Withdrawal: WITHDRAWALS,
}


@pytest.mark.parametrize("record", STRATEGIES, ids=lambda record: record.__name__)
@given(data=st.data())
def test_every_record_survives_json(record: type, data: st.DataObject) -> None:
    """A record written as JSON and read back is the same record, its types included."""
    written = data.draw(STRATEGIES[record])
    read = msgspec.json.decode(msgspec.json.encode(written), type=record)
    assert written == read
    assert repr(written) == repr(read)


def test_no_record_is_left_out() -> None:
    """Every record of the room is among those above."""
    exported = {getattr(records, name) for name in records.__all__}
    assert {each for each in exported if isinstance(each, type)} == set(STRATEGIES)


def test_every_record_is_frozen() -> None:
    """Records travel between rooms and threads: none can be changed on the way."""
    assert all(record.__dataclass_params__.frozen for record in STRATEGIES)


@pytest.mark.parametrize(
    ("text", "record"),
    [
        (b'{"kind": "guess", "subject": "", "duration_s": 1.0}', Sample),
        (b'{"kind": "node", "subject": "", "duration_s": -1.0}', Sample),
        (b'{"kind": "node", "subject": ""}', Sample),
        (b'{"placement": "cloud", "cut": "", "legs": [], "predicted": {}}', Plan),
    ],
)
def test_what_is_no_record_is_refused(text: bytes, record: type) -> None:
    """Reading checks names, types and domains."""
    with pytest.raises(Exception, match=r"Invalid enum value|is not a duration|missing required"):
        msgspec.json.decode(text, type=record)
