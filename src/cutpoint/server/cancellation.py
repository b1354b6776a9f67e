"""A flag that stops a request, and tells who holds a place for it."""

from collections.abc import Callable
from threading import Event


class Cancellation(Event):
    """An event that calls a listener when it is set: a place in a queue is free at once."""

    def __init__(self) -> None:
        super().__init__()
        self._listener: Callable[[], None] | None = None

    def listen(self, listener: Callable[[], None]) -> None:
        """Call this when it is set; at once if it is."""
        self._listener = listener
        if self.is_set():
            listener()

    def set(self) -> None:
        """Stop the request."""
        super().set()
        if self._listener is not None:
            self._listener()
