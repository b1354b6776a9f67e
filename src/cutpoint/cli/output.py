"""How commands speak: tables and lines for people, JSON for programs."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

_PIPED_WIDTH = 160
"""Columns where nobody is watching: a table in a log is not to be folded."""


class PlainConsole(Console):
    """A console on which a name in a file cannot move the cursor or clear the screen."""

    def print(self, *objects: Any, **settings: Any) -> None:
        """Print as rich does, with what is no text made visible."""
        super().print(*(printable(o) if isinstance(o, str) else o for o in objects), **settings)


def printable(text: str) -> str:
    """Give a text with control characters and the like written out."""
    return "".join(
        each if each.isprintable() or each in "\n\t" else ascii(each)[1:-1] for each in text
    )


def _width(is_watched: bool) -> int | None:
    return None if is_watched else _PIPED_WIDTH


out = PlainConsole(highlight=False, width=_width(sys.stdout.isatty()))
"""Results go here (standard output)."""

err = PlainConsole(stderr=True, highlight=False, width=_width(sys.stderr.isatty()))
"""Progress, notes and errors go here (standard error)."""


def print_json(document: Any) -> None:
    """Print a document as JSON, records as objects."""
    text = msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
    out.print(text, markup=False, soft_wrap=True)


def table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1
) -> Table:
    """Give a table; the first columns (one, or `left`) are left-aligned, the others right."""
    made = Table(title=title, title_justify="left", title_style="bold", show_edge=False)
    for position, column in enumerate(columns):
        made.add_column(column, justify="left" if position < left else "right", overflow="fold")
    for row in rows:
        made.add_row(*(printable(cell) for cell in row))
    return made


@contextmanager
def progress_bar(what: str) -> Iterator[Any]:
    """Draw a bar on standard error while the block runs; gives its listener."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task(what, total=None)

        def listener(done: int, total: int, now: str) -> None:
            progress.update(task, completed=done, total=total, description=f"{what}: {now}")

        yield listener
