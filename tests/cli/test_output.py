"""What commands print."""

import io

import pytest

from cutpoint.cli.output import PlainConsole, printable, table

EVIL = "\x1b[31mEVIL\x1b[2J\x07\u202e\u009b1m"
SHOWN = "\\x1b[31mEVIL\\x1b[2J\\x07\\u202e\\x9b1m"


@pytest.mark.parametrize("text", ["plain", "été ☃ 漢字", "two\nlines\tand a tab", ""])
def test_text_stays_as_it_is(text: str) -> None:
    """Letters of any script, line ends and tabs are text."""
    assert printable(text) == text


def test_what_moves_the_cursor_is_written_out() -> None:
    """Names in a file can neither clear the screen nor turn the line around."""
    assert printable(EVIL) == SHOWN


def test_a_console_and_its_tables_are_plain() -> None:
    """Whether a name is printed by itself or in a cell."""
    written = io.StringIO()
    console = PlainConsole(file=written, width=100)
    console.print(EVIL, markup=False)
    console.print(table("names", ("name", ""), [[EVIL, "1"]]))
    assert "\x1b" not in written.getvalue()
    assert written.getvalue().count("EVIL") == 2
