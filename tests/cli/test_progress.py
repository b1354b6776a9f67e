"""Bars on standard error."""

import io

from cutpoint.cli.output import PlainConsole
from cutpoint.cli.progress import ProgressBar


def _drawn(*, is_terminal: bool) -> str:
    written = io.StringIO()
    console = PlainConsole(file=written, width=120, force_terminal=is_terminal, highlight=False)
    with ProgressBar(console) as progress:
        progress.begin("[red]nets", 3)
        progress.advance("squeeze\x1b[2Jnet")
        progress._progress.refresh()  # as it does ten times a second
        progress.note("[bold]a note")
        progress.begin("links", 2)
        progress.advance()
        progress._progress.refresh()
    return written.getvalue()


def test_who_watches_sees_how_far_it_is() -> None:
    """Title, what is at work, steps; what is in a name neither colours nor clears the screen."""
    drawn = _drawn(is_terminal=True)
    for words in ("[red]nets: squeeze\\x1b[2Jnet", "1/3", "links", "1/2", "[bold]a note\n"):
        assert words in drawn


def test_where_nobody_watches_only_notes_are_written() -> None:
    """A log has no bars in it."""
    assert _drawn(is_terminal=False) == "[bold]a note\n"
