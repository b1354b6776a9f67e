"""The probes that a policy asks for, on one connection: each leaves when the last was answered."""

from collections import deque
from collections.abc import Callable
from math import isfinite
from threading import Lock, Thread

from cutpoint.exceptions import CutpointError
from cutpoint.records import ProbeRequest, ProbeSample

MOST_PROBE_BYTES = 1 << 20
"""No probe is larger, whatever a policy asks for: a message of a stream is bounded."""

_MOST_PROBES = 16
"""Of one request; what follows is passed over."""

_GIVEN_UP_S = 30.0
"""A probe without an answer for so long is lost, and those behind it are not sent."""


class PolicyProbes:
    """
    One request at a time, probe by probe.

    Parameters
    ----------
    send
        Sends a probe of a size; gives the number by which its answer is known.
    tell
        Told every answer.
    """

    def __init__(self, send: Callable[[int], int], tell: Callable[[ProbeSample], None]) -> None:
        self._send = send
        self._tell = tell
        self._lock = Lock()
        self._waiting: deque[int] = deque()
        self._number: int | None = None
        self._size_bytes = 0
        self._sent_at_s = 0.0

    def __repr__(self) -> str:
        return f"<PolicyProbes: {len(self._waiting)} to be sent>"

    def is_busy(self, at_s: float) -> bool:
        """Tell whether a request is under way: the next one is not asked for before."""
        with self._lock:
            if self._number is not None and at_s - self._sent_at_s > _GIVEN_UP_S:
                self._number = None
                self._waiting.clear()
            return self._number is not None

    def begin(self, request: ProbeRequest, at_s: float) -> None:
        """Send the first probe of a request."""
        with self._lock:
            self._waiting = deque(possible_sizes(request))
            self._send_next(at_s)

    def take(self, number: int, at_s: float) -> bool:
        """Take an answer, and send the next probe; gives whether it was one of these."""
        with self._lock:
            if number != self._number:
                return False
            sample = ProbeSample(at_s, self._size_bytes, at_s - self._sent_at_s)
            self._send_next(at_s)
        self._tell(sample)
        return True

    def _send_next(self, at_s: float) -> None:
        self._number = None
        if self._waiting:
            self._size_bytes, self._sent_at_s = self._waiting.popleft(), at_s
            self._number = self._send(self._size_bytes)


class WaitedProbes:
    """
    The same where each probe is a call that is waited for: on a thread while there are any.

    Parameters
    ----------
    ask
        Sends a probe of a size and waits for its answer; gives how long that took.
    clock
        Gives the session's time in seconds.
    tell
        Told every answer.
    """

    def __init__(
        self,
        ask: Callable[[int], float],
        clock: Callable[[], float],
        tell: Callable[[ProbeSample], None],
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._tell = tell
        self._thread: Thread | None = None

    def __repr__(self) -> str:
        return f"<WaitedProbes: {'under way' if self.is_busy else 'none'}>"

    @property
    def is_busy(self) -> bool:
        """Whether a request is under way."""
        return self._thread is not None and self._thread.is_alive()

    def begin(self, request: ProbeRequest) -> None:
        """Send the probes of a request one after the other, without waiting here."""
        sizes = possible_sizes(request)
        self._thread = Thread(
            target=self._run, args=(sizes,), name="cutpoint-policy-probes", daemon=True
        )
        self._thread.start()

    def _run(self, sizes: tuple[int, ...]) -> None:
        for size_bytes in sizes:
            try:
                took_s = self._ask(size_bytes)
            except (CutpointError, ValueError):  # the latter of a channel that was closed
                return  # what it says of the server is found out by the next health check
            self._tell(ProbeSample(self._clock(), size_bytes, took_s))


def possible_sizes(request: ProbeRequest) -> tuple[int, ...]:
    """Give the sizes of a request, within bounds; a policy may be anybody's."""
    sizes = [size for size in request.sizes_bytes[:_MOST_PROBES] if isfinite(size)]
    return tuple(min(max(int(size), 0), MOST_PROBE_BYTES) for size in sizes)
