"""Tiny probes of an idle link: a message of nothing, and a small one right behind it."""

from collections.abc import Callable
from threading import Event, Lock
from typing import Any

from cutpoint.estimation import LinkEstimator, probe_bytes
from cutpoint.wire import frames

_SPACING_FLOOR_S = 5e-5


class Prober:
    """
    Measures round trip and rate with two messages.

    The first is empty: its acknowledgement gives the round trip. The second follows
    at once: how much later its acknowledgement comes is its time on the link.

    Parameters
    ----------
    link
        Told what was measured.
    put_control
        Sends a frame before anything else.
    """

    def __init__(self, link: LinkEstimator, put_control: Callable[[Any], None]) -> None:
        self._link = link
        self._put_control = put_control
        self._lock = Lock()
        self._sent_at_s: dict[int, float] = {}
        self._sizes: dict[int, int] = {}
        self._empty_ack_at_s = 0.0
        self.answered = Event()

    def send(self, number: int, at_s: float, *, size_bytes: int | None = None) -> None:
        """
        Send both messages; they take numbers `number` and ``number + 1``.

        While the last ones are unanswered none are added: the link has collapsed, and
        their silence says how far. The next ones are small accordingly.

        Parameters
        ----------
        size_bytes
            Of the second one; ``None`` for a connection that is new or in doubt, whatever it costs.
        """
        if size_bytes is None:
            size_bytes = probe_bytes(self._link.up.bytes_per_s, is_large=True)
        with self._lock:
            if self._sent_at_s:
                self._learn_overdue(at_s)
                return
            self.answered.clear()
            self._sent_at_s = {number: at_s, number + 1: at_s}
            self._sizes = {number: 0, number + 1: size_bytes}
        self._put_control(frames.probe_request(number, 0))
        self._put_control(frames.probe_request(number + 1, size_bytes))

    def _learn_overdue(self, at_s: float) -> None:
        for number, sent_at_s in self._sent_at_s.items():
            self._link.up.observe_at_most(self._sizes[number], at_s - sent_at_s, at_s)

    @property
    def sent_at_s(self) -> float | None:
        """When the oldest probe left that was not answered yet; ``None`` where all were."""
        with self._lock:
            return min(self._sent_at_s.values(), default=None)

    def take(self, number: int, at_s: float) -> bool:
        """Take an acknowledgement; gives whether it was a probe's."""
        with self._lock:
            sent_at_s = self._sent_at_s.pop(number, None)
            size_bytes = self._sizes.pop(number, 0)
        if sent_at_s is None:
            return False
        if size_bytes == 0:
            self._empty_ack_at_s = at_s
            self._link.observe_round_trip(at_s - sent_at_s)
        else:
            spacing_s = max(at_s - self._empty_ack_at_s, _SPACING_FLOOR_S)
            self._link.observe_probe(size_bytes, spacing_s, at_s)
            self.answered.set()
        return True
