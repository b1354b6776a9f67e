"""Contenders side by side, with a real server and real links."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cutpoint.exceptions import ConfigurationError, ModelError
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
from cutpoint.lab.arena.seat import Seat
from cutpoint.simulation.rate_schedule import RateSchedule

_FAST = RateSchedule.constant(12.5e6)
_CHANGING = RateSchedule(((1.0, 12.5e6), (1.0, 2.5e6)), repeat=True)


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory, zoo_write) -> Iterator[Subject]:
    """Give a net of the zoo that takes photographs, and few cuts to be measured."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cutpoint.lab.arena.subject.write", zoo_write)
        yield prepare_subject("squeezenet", tmp_path_factory.mktemp("arena"), num_pictures=2)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give where shots are written down."""
    return tmp_path_factory.mktemp("log") / "shots.jsonl"


@pytest.fixture(scope="module")
def arena(subject: Subject, log: Path, forked_process) -> Iterator[Arena]:
    """Give an arena of three contenders and a seat for rows."""
    contenders = (SERVER_ONLY_FLOAT32, SERVER_ONLY_JPEG, CUTPOINT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cutpoint.lab.arena.arena.ServerProcess", forked_process)
        with Arena(subject, contenders, slowdown=2.0, with_rows=True, log=log) as opened:
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


def test_a_link_is_led_to_the_next_turn_of_its_session_and_to_no_later_one(
    arena: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a session is shown before it runs is where it runs, however short rounds are."""
    led: dict[Seat, Place] = {}
    elsewhere = []
    lead_in, run = Seat.lead_in, Seat.run

    def led_in(seat: Seat, place: Place, lead_s: float) -> None:
        led[seat] = place
        lead_in(seat, place, lead_s)

    def ran(seat: Seat, place: Place, example: int) -> Any:
        if led[seat] != place:
            elsewhere.append(seat)
        return run(seat, place, example)

    monkeypatch.setattr(Seat, "lead_in", led_in)
    monkeypatch.setattr(Seat, "run", ran)
    places = [Place("changing", _CHANGING, _CHANGING, position_s=at_s) for at_s in (0.2, 0.4, 0.6)]
    shots = [shot for done in arena.rounds(map(Visit, places)) for shot in done]
    assert len(shots) == 9
    assert elsewhere == []


def test_a_link_that_is_led_to_a_place_stays_there(
    arena: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose turn comes late is shown nothing of what the trace brings after the place."""
    seat = arena.seat(CUTPOINT.name)
    played: list[tuple[RateSchedule, RateSchedule, float]] = []
    monkeypatch.setattr(seat.link, "play", lambda *given: played.append(given))
    seat.lead_in(Place("changing", _CHANGING, _CHANGING, position_s=3.5), 0.8)
    ((up, down, at_s),) = played
    assert up == down
    seen = [up.bandwidth_at(at_s + after_s) for after_s in (0.1, 0.7, 0.9, 1.5, 60.0)]
    assert seen == pytest.approx([12.5e6, 2.5e6, 7.5e6, 7.5e6, 7.5e6])


def test_records_can_be_read_again(arena: Arena, log: Path) -> None:
    """Every shot so far is a line of JSON with its contender, place and record."""
    arena.round(Place("fast", _FAST, _FAST), only=(CUTPOINT.name,))
    arena.flush()
    lines = [msgspec.json.decode(line) for line in log.read_bytes().splitlines()]
    assert len(lines) == len(arena.shots)
    assert lines[-1]["contender"] == CUTPOINT.name
    assert lines[-1]["spot"]["link"] == "fast"
    assert lines[-1]["record"]["measured"]["head_s"] >= 0


def test_a_net_that_is_not_in_the_zoo_is_refused(tmp_path: Path) -> None:
    """With the nets that are."""
    with pytest.raises(ModelError, match=r"'vgg99' in the zoo: take one of .*shufflenet"):
        prepare_subject("vgg99", tmp_path)


def test_two_contenders_of_one_name_are_refused(subject: Subject) -> None:
    """Their shots could not be told apart."""
    with pytest.raises(ConfigurationError, match="name"):
        Arena(subject, (CUTPOINT, CUTPOINT), slowdown=1.0)
