"""How far an experiment is, drawn on standard error where somebody watches."""

from types import TracebackType

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cutpoint.cli.output import PlainConsole, err, printable


class ProgressBar:
    """
    Draws one stretch of an experiment after the other; a context.

    Where standard error is no terminal nothing is drawn, and notes are lines.

    Parameters
    ----------
    console
        Drawn on.
    """

    def __init__(self, console: PlainConsole = err) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._title = ""
        self._task = self._progress.add_task("", total=None, visible=False)

    def __enter__(self) -> "ProgressBar":  # noqa: PYI034 (Self needs Python 3.11)
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def begin(self, title: str, total: int, text: str = "") -> None:
        """Begin a stretch of so many steps, and show what is at work."""
        self._title = printable(title)
        self._progress.reset(
            self._task, total=total, completed=0, description=self._told(text), visible=True
        )

    def advance(self, text: str = "") -> None:
        """Draw one more step, and what is at work now."""
        self._progress.update(self._task, advance=1, description=self._told(text))

    def note(self, text: str) -> None:
        """Print a line above the bar, to stay."""
        self._console.print(text, markup=False, soft_wrap=True)

    def _told(self, text: str) -> str:
        return f"{self._title}: {printable(text)}" if text else self._title
