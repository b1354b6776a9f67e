"""Steps of a measurement, counted for whoever draws a bar."""

from collections.abc import Callable

ProgressCallback = Callable[[int, int, str], None]
"""Called with the steps done, the steps in all as far as known, and what is done now."""


class Steps:
    """
    A count of steps that tells its listener.

    Parameters
    ----------
    listener
        Told after every change; ``None`` for nobody.
    total
        Steps expected at first.
    """

    def __init__(self, listener: ProgressCallback | None, total: int) -> None:
        self.done = 0
        self.total = total
        self._listener = listener

    def __repr__(self) -> str:
        return f"<Steps: {self.done} of {self.total}>"

    def announce(self, what: str, more: int = 0) -> None:
        """Say what comes next, and that it takes more steps than were expected."""
        self.total += more
        self._tell(what)

    def advance(self, what: str) -> None:
        """Count one step as done."""
        self.done += 1
        self._tell(what)

    def _tell(self, what: str) -> None:
        if self._listener is not None:
            self._listener(self.done, self.total, what)
