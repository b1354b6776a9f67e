"""One request at a server, as the device holds it."""

from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from cutpoint.exceptions import CutpointError
from cutpoint.graph import Arrays
from cutpoint.inference import Answered, Event, OffloadFailed, PatienceEnded
from cutpoint.records import LoadReport
from cutpoint.wire.chunks import Assembly, Chunker
from cutpoint.wire.protocol import Parameter


@dataclass(frozen=True)
class OffloadRequest:
    """
    What is asked of a server.

    Parameters
    ----------
    model
        Name of the whole model or tail at the server.
    parameters
        Ride with the first piece: digest, remaining time.
    chunker
        The tensors to send.
    assembly
        Takes the tensors that come back.
    """

    model: str
    parameters: dict[str, Parameter]
    chunker: Chunker
    assembly: Assembly


class Offload:
    """
    A request under way: events come in from the I/O thread, the caller waits for them.

    What only ends in the record is noted and wakes nobody: the caller hears of it with the
    next event that asks for something.

    Parameters
    ----------
    number
        Of the request, unique on its connection.
    request
        What was asked.
    """

    def __init__(self, number: int, request: OffloadRequest) -> None:
        self.number = number
        self.request = request
        self.began_at_s = 0.0
        self.first_sent_at_s: float | None = None
        self.first_piece: tuple[float, int] | None = None
        self.uploaded_at_s: float | None = None
        self.expected_idle_s = 0.0
        self.idle_s = 0.0
        self.load: LoadReport | None = None
        self.outputs: Arrays = {}
        self.report: dict[str, Parameter] = {}
        self.error: CutpointError | None = None
        self._events: deque[Event] = deque()
        self._awake: SimpleQueue[None] = SimpleQueue()

    def encoded(self, at_s: float) -> None:
        """Take note that all of it is encoded: its upload counts from now."""
        self.began_at_s = at_s

    def __repr__(self) -> str:
        return f"<Offload {self.number} of {self.request.model}>"

    @property
    def received_bytes(self) -> int:
        """Payload bytes that have come back."""
        return self.request.assembly.received_bytes

    def note(self, event: Event) -> None:
        """Pass on what has happened and can wait; any thread."""
        self._events.append(event)

    def tell(self, event: Event) -> None:
        """Pass on what has happened, and wake who waits; any thread."""
        self._events.append(event)
        self._awake.put(None)

    def fail(self, at_s: float, error: CutpointError) -> None:
        """Tell that no answer will come."""
        self.error = error
        self.tell(OffloadFailed(at_s, str(error), is_unsent=self.first_sent_at_s is None))

    def answer(
        self,
        at_s: float,
        outputs: Arrays,
        wait_s: float,
        tail_s: float,
        decode_s: float = 0.0,
        cpu_s: float | None = None,
    ) -> None:
        """Tell the answer."""
        self.outputs = outputs
        self.tell(Answered(at_s, wait_s, tail_s, decode_s, cpu_s))

    def next_event(self, until_s: float, now_s: float) -> Event:
        """
        Wait for the next event, no longer than until a time.

        Returns
        -------
        Event
            `PatienceEnded` when nothing happened.
        """
        timeout_s = min(max(until_s - now_s, 0.0), _FOREVER_S)
        with suppress(Empty):
            while not self._events:
                self._awake.get(timeout=timeout_s)
        return self._events.popleft() if self._events else PatienceEnded(until_s)


_FOREVER_S = 86_400.0
