"""How long work tells how far it is; the command line draws it."""

from typing import Protocol


class Progress(Protocol):
    """Told by an experiment how far it is."""

    def begin(self, title: str, total: int) -> None:
        """Begin a stretch of so many steps; the one before it is over."""
        ...

    def advance(self, text: str = "") -> None:
        """Tell that one step is done, and what is at work now."""
        ...

    def note(self, text: str) -> None:
        """Say something worth keeping on the screen."""
        ...


class Silence:
    """Shows nothing: for tests, and where the output is for programs."""

    def begin(self, title: str, total: int) -> None:
        """Show nothing."""

    def advance(self, text: str = "") -> None:
        """Show nothing."""

    def note(self, text: str) -> None:
        """Show nothing."""
