"""Contenders side by side, with a real server and real links."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from cutpoint.exceptions import ConfigurationError
from cutpoint.lab.arena import (
    CUTPOINT,
    SERVER_ONLY_FLOAT32,
    SERVER_ONLY_JPEG,
    Arena,
    FixedRow,
    Place,
    Subject,
    Visit,
    prepare_subject,
)
from cutpoint.lab.arena.rows_seat import ROWS
from cutpoint.simulation.rate_schedule import RateSchedule

_FAST = RateSchedule.constant(12.5e6)
_CHANGING = RateSchedule(((1.0, 12.5e6), (1.0, 2.5e6)), repeat=True)


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """Give the smallest net of the zoo that takes photographs."""
    return prepare_subject("shufflenet", tmp_path_factory.mktemp("arena"), num_pictures=2)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give where shots are written down."""
    return tmp_path_factory.mktemp("log") / "shots.jsonl"


@pytest.fixture(scope="module")
def arena(subject: Subject, log: Path) -> Iterator[Arena]:
    """Give an arena of three contenders and a seat for rows."""
    contenders = (SERVER_ONLY_FLOAT32, SERVER_ONLY_JPEG, CUTPOINT)
    with Arena(subject, contenders, slowdown=4.0, with_rows=True, log=log) as opened:
        opened.wait_until_ready()
        yield opened


def test_every_contender_runs_once_a_round_in_an_order_that_turns(arena: Arena) -> None:
    """Each round begins with another contender, and every shot is kept."""
    before = len(arena.shots)
    rounds = list(arena.rounds([Visit(Place("fast", _FAST, _FAST), i) for i in range(3)]))
    assert len({done[0].contender for done in rounds}) == 3
    for done in rounds:
        assert sorted(shot.contender for shot in done) == sorted(arena.names)
    assert len(arena.shots) == before + 9


def test_contenders_send_what_they_stand_for_and_compute_the_same(arena: Arena) -> None:
    """Floats are far more than a JPEG; what loses nothing gives what the uncut net gives."""
    shots = {shot.contender: shot for shot in arena.round(Place("fast", _FAST, _FAST))}
    floats, jpeg = shots["server-only float32"], shots["server-only jpeg"]
    assert floats.is_equal is True
    assert floats.record.sent_bytes > 8 * jpeg.record.sent_bytes > 0
    assert jpeg.record.codecs == ("jpeg:90",)
    assert floats.contention_server is not None


def test_a_fixed_row_is_carried_out_as_it_is(arena: Arena) -> None:
    """Rows are replayed by their own seat, whatever would be sooner, on a link that changes."""
    table = arena.table(ROWS)
    assert table is not None
    rows = tuple(FixedRow.of(table, row) for row in (0, 1))
    place = Place("changing", _CHANGING, _CHANGING, position_s=0.5)
    shots = arena.round(place, rows=rows, only=())
    found = {shot.contender: shot for shot in shots}
    assert found["row device-only"].record.placement == "device"
    assert found["row server-only raw"].record.placement == "server"
    assert found["row server-only raw"].is_as_planned
    assert found["row device-only"].contention_device is not None


def test_records_can_be_read_again(arena: Arena, log: Path) -> None:
    """Every shot so far is a line of JSON with its contender, place and record."""
    arena.round(Place("fast", _FAST, _FAST), only=(CUTPOINT.name,))
    arena.flush()
    lines = [msgspec.json.decode(line) for line in log.read_bytes().splitlines()]
    assert len(lines) == len(arena.shots)
    assert lines[-1]["contender"] == CUTPOINT.name
    assert lines[-1]["spot"]["link"] == "fast"
    assert lines[-1]["record"]["measured"]["head_s"] >= 0


def test_two_contenders_of_one_name_are_refused(subject: Subject) -> None:
    """Their shots could not be told apart."""
    with pytest.raises(ConfigurationError, match="name"):
        Arena(subject, (CUTPOINT, CUTPOINT), slowdown=1.0)
