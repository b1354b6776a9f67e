"""A request that comes in pieces, and the memory that all such requests may take."""

from asyncio import TimerHandle
from collections.abc import Callable
from concurrent.futures import Future

from cutpoint.exceptions import OverloadedError
from cutpoint.server.cancellation import Cancellation
from cutpoint.server.catalog import Endpoint
from cutpoint.server.data_plane import DataPlane, Reply
from cutpoint.wire.chunks import Assembly

_MOST_BYTES = 1 << 30
_STALLED_S = 30.0


class Uploads:
    """
    What requests that come in pieces may take, all streams together.

    No caller takes more than it leaves to the others, however many streams it opens: whoever
    comes while one holds what it can finds as much as that one has. One thread only: the
    event loop's.

    Parameters
    ----------
    max_bytes
        Of tensors that have come or are coming, of every request not answered yet; what would
        exceed them is refused.
    stalled_s
        After which a request is given up when no piece of it comes.
    """

    def __init__(self, max_bytes: int = _MOST_BYTES, stalled_s: float = _STALLED_S) -> None:
        self.max_bytes = max_bytes
        self.stalled_s = stalled_s
        self.held_bytes = 0
        self._held_by: dict[str, int] = {}

    def __repr__(self) -> str:
        return f"<Uploads: {self.held_bytes} of {self.max_bytes} B>"

    def take(self, size_bytes: int, caller: str) -> None:
        """
        Take memory for a caller.

        Raises
        ------
        OverloadedError
            If there is not so much left, or this caller would have more than is left then.
        """
        left_bytes = self.max_bytes - self.held_bytes - size_bytes
        if left_bytes < 0:
            raise OverloadedError(
                f"{self.held_bytes} bytes of requests are being received, {size_bytes} more would "
                f"exceed the {self.max_bytes} of this server: try again later"
            )
        own_bytes = self._held_by.get(caller, 0)
        if size_bytes and own_bytes + size_bytes > left_bytes:
            raise OverloadedError(
                f"{own_bytes} bytes of requests of this client are being received, {size_bytes} "
                f"more would leave others less than it has ({left_bytes} of {self.max_bytes}): "
                "wait for an answer"
            )
        self.held_bytes += size_bytes
        self._held_by[caller] = own_bytes + size_bytes

    def give_back(self, size_bytes: int, caller: str) -> None:
        """Give a caller's memory back."""
        self.held_bytes -= size_bytes
        left_bytes = self._held_by.pop(caller, 0) - size_bytes
        if left_bytes > 0:  # nothing is kept of those who have gone
            self._held_by[caller] = left_bytes


def _nothing() -> None:
    """Tell nobody."""


class Upload:
    """
    One request: what has come of it, the flag that stops it, and whether it is computed yet.

    Parameters
    ----------
    endpoint
        What it asks for.
    assembly
        Takes its tensors.
    remaining_s
        Seconds until its answer is of no use; ``None`` if nobody said.
    wants_phases
        Whether the device asked to be told when it leaves the queue.
    at_s
        When its first piece came, by the event loop's clock.
    came
        Called when it has come, or will not.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        assembly: Assembly,
        remaining_s: float | None,
        *,
        wants_phases: bool,
        at_s: float,
        came: Callable[[], None] = _nothing,
    ) -> None:
        self.endpoint = endpoint
        self.assembly = assembly
        self.wants_phases = wants_phases
        self.heard_at_s = self._began_at_s = at_s
        self.held_bytes = 0
        self.came = came
        self.cancelled = Cancellation()
        self.timer: TimerHandle | None = None
        self._remaining_s = remaining_s
        self._is_started = False
        self._is_awaited = False

    def submit(
        self, plane: DataPlane, at_s: float, on_started: Callable[[], None]
    ) -> "Future[Reply]":
        """
        Queue it, all of it having come.

        Parameters
        ----------
        at_s
            Now: what the upload took is not left of the time it has.
        on_started
            Called on a worker's thread when it is computed, if `is_running` was false before.

        Raises
        ------
        CutpointError
            If its tensors are none, or the queue is full.
        """
        self.came()
        arrays = self.assembly.arrays()
        remaining_s = self._remaining_s
        if remaining_s is not None:
            remaining_s = max(remaining_s - (at_s - self._began_at_s), 0.0)

        def started() -> None:
            self._is_started = True
            if self._is_awaited:
                on_started()

        # Where a worker is free it begins now; a word of it would only cost both sides time.
        self._is_started = plane.queue.pending < plane.queue.num_workers
        tells = started if self.wants_phases and not self._is_started else None
        undecoded = self.assembly.undecoded()
        return plane.submit(self.endpoint, arrays, self.cancelled, remaining_s, tells, undecoded)

    def is_running(self) -> bool | None:
        """Tell whether it is computed already; ``None`` where the device did not ask."""
        if not self.wants_phases:
            return None
        # In this order: a worker that starts it in between has seen that somebody waits.
        self._is_awaited = True
        return self._is_started
