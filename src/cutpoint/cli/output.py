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

out = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPED_WIDTH)
"""Results go here (standard output)."""

err = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else _PIPED_WIDTH)
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
        made.add_row(*row)
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
