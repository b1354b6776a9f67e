"""How long work tells how far it is; the command line draws it."""

from collections.abc import Callable
from typing import Protocol


class Progress(Protocol):
    """Told by an experiment how far it is."""

    def begin(self, title: str, total: int, text: str = "") -> None:
        """Begin a stretch of so many steps, and say what is at work; the one before is over."""
        ...

    def advance(self, text: str = "") -> None:
        """Tell that one step is done, and what is at work now."""
        ...

    def note(self, text: str) -> None:
        """Say something worth keeping on the screen."""
        ...


class Silence:
    """Shows nothing: for tests, and where the output is for programs."""

    def begin(self, title: str, total: int, text: str = "") -> None:
        """Show nothing."""

    def advance(self, text: str = "") -> None:
        """Show nothing."""

    def note(self, text: str) -> None:
        """Show nothing."""


def announcer(progress: Progress, title: str, total: int) -> Callable[[str], None]:
    """
    Give what is told of each of so many steps when it begins.

    Parameters
    ----------
    progress
        Told how many of them are over.
    title, total
        Of the stretch.
    """
    progress.begin(title, total)
    has_begun = False

    def announce(text: str) -> None:
        nonlocal has_begun
        if has_begun:
            progress.advance(text)
        else:
            progress.begin(title, total, text)
        has_begun = True

    return announce
