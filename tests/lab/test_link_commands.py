"""The lines that a link in a process of its own is told."""

import pytest

from cutpoint.exceptions import UnitError
from cutpoint.lab.disturbance import Disturbance
from cutpoint.lab.link_commands import obey, parse_rate


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
