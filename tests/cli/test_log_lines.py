"""Log lines: one per event, whatever is in it, and not more than somebody would read."""

import logging

import pytest

from cutpoint.cli.log_lines import LONGEST_LINE, LineFormatter, Sparing


def record(
    message: str, *args: object, level: int = logging.WARNING, line: int = 1
) -> logging.LogRecord:
    """Give what a logger hands on."""
    return logging.LogRecord("cutpoint.x", level, "x.py", line, message, args, None)


@pytest.mark.parametrize(
    "text",
    ["a\nERROR cutpoint: lie", "a\r\nb", "\x1b[2J\x1b[31m", "a\x00b", "a\u2028b", "a\x85b", "a\tb",
     "\u202eabc", "\x9b1m", "a\x0bb\x0cc"],
)  # fmt: skip
def test_what_is_quoted_stays_on_its_line(text: str) -> None:
    """Nothing in a message begins a line or moves a cursor."""
    line = LineFormatter("%(levelname)s %(name)s: %(message)s").format(record("said %s", text))
    assert line.isprintable()
    assert line.startswith("WARNING cutpoint.x: said ")


def test_a_traceback_is_one_line_too() -> None:
    """An error's words follow on the same line."""
    error = ValueError("first\nsecond")
    one = record("failed")
    one.exc_info = (ValueError, error, error.__traceback__)
    line = LineFormatter("%(message)s").format(one)
    assert line.isprintable()
    assert line.startswith("failed | ValueError: first")
    assert line.endswith("| second")


def test_long_lines_are_cut() -> None:
    """A megabyte that a client sent is not in the log; how much there was is."""
    line = LineFormatter("%(message)s").format(record("%s", "x" * 10**6))
    assert len(line) < LONGEST_LINE + 50
    assert line.endswith("998000 characters more")


def test_a_flood_of_one_kind_is_thinned_out() -> None:
    """Ten at once, then one in five seconds, which says how many were not written."""
    now_s = [0.0]
    sparing = Sparing(lambda: now_s[0])
    assert [sparing.filter(record("bad %d", n)) for n in range(50)] == [True] * 10 + [False] * 40
    assert sparing.filter(record("of another place", line=2))
    now_s[0] = 5.0
    told = record("bad %d", 51)
    assert sparing.filter(told)
    assert told.getMessage() == "bad 51 (40 like it left out)"
    now_s[0] = 1e6
    assert sum(sparing.filter(record("bad")) for _ in range(50)) == 10


def test_details_are_for_who_asks() -> None:
    """At level debug nothing is left out."""
    sparing = Sparing(lambda: 0.0)
    assert all(sparing.filter(record("detail", level=logging.DEBUG)) for _ in range(100))


def test_what_is_remembered_is_bounded() -> None:
    """However many places log, few are remembered."""
    sparing = Sparing(lambda: 0.0)
    for line in range(2000):
        assert sparing.filter(record("x", line=line))
    assert len(sparing._kinds) == 256
