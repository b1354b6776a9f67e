"""The lines that a link in a process of its own is told."""

import json
import math

import pytest

from cutpoint.exceptions import UnitError
from cutpoint.lab.disturbance import Disturbance
from cutpoint.lab.link_commands import obey, parse_rate, parse_schedule, schedule_text
from cutpoint.simulation.rate_schedule import RateSchedule


class Told:
    """A link that remembers what it was told."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[object, ...]]] = []

    def __getattr__(self, name: str):
        return lambda *arguments: self.calls.append((name, arguments))


@pytest.mark.parametrize(
    ("line", "name", "arguments"),
    [
        ("rate 8Mbit/s none", "set_rate", (1e6, None)),
        ("delay 5ms 10ms", "set_delay", (0.005, 0.01)),
        ("partition up", "partition", ("up",)),
        ("heal", "heal", ()),
        ("stall 2s", "stall", (2.0,)),
        ("disturb 30ms 0.05", "disturb", (Disturbance(0.03, 0.05),)),
        ("reset", "reset_connections", ()),
    ],
)
def test_each_line_is_one_call(line, name, arguments):
    """Durations and rates are written as people write them."""
    told = Told()
    obey(told, [line + "\n", "\n", "quit\n", "heal\n"])
    assert told.calls == [(name, pytest.approx(arguments) if name == "delay" else arguments)]


@pytest.mark.parametrize(
    "line", ["partition left", "delay 5ms", "disturb 1ms 2", "rate 1 2", "hello", "stall soon"]
)
def test_a_line_that_is_no_command_is_said_so_and_passed_over(line, capsys):
    """What follows is still obeyed."""
    told = Told()
    obey(told, [line, "heal"])
    assert told.calls == [("heal", ())]
    assert capsys.readouterr().err.count("\n") == 1


def test_no_limit_is_a_rate():
    """``none`` in any case; anything else is a bandwidth."""
    assert parse_rate("NONE") is None
    with pytest.raises(UnitError):
        parse_rate("quick")


STEP = RateSchedule(((0.5, 1e3), (math.inf, 1 / 3)))


@pytest.mark.parametrize(
    "schedule", [STEP, RateSchedule.constant(0), RateSchedule(((0.1, 0.1), (2, 3)), repeat=True)]
)
def test_a_schedule_is_one_word_and_comes_back(schedule):
    """Exactly, also with an end that never comes."""
    text = schedule_text(schedule)
    assert text.split() == [text]
    assert parse_schedule(text) == schedule


def test_kept_schedules_are_played_by_name_and_each_play_is_answered():
    """An unknown name and a schedule that is none are told, and nothing is played."""
    told, answers = Told(), []
    lines = [f"schedule a {schedule_text(STEP)}", "play a none 1.5", "play a b 0", "play a a soon"]
    obey(told, lines, answers.append)
    assert told.calls == [("play", (STEP, None, 1.5))]
    played, unknown, no_time = (json.loads(answer) for answer in answers)
    assert played == {"played": 1.5}
    assert "no schedule is kept by the name 'b'" in unknown["error"]
    assert "soon" in no_time["error"]


@pytest.mark.parametrize("text", ["{}", '{"phases":[]}', '{"phases":[[-1,5]]}', "fast"])
def test_a_schedule_that_is_none_is_said_so(text, capsys):
    """As any line that is no command."""
    obey(Told(), [f"schedule a {text}"])
    assert capsys.readouterr().err.count("\n") == 1
