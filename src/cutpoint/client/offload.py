"""One request at a server, as the device holds it."""

from dataclasses import dataclass
from queue import Empty, SimpleQueue

from cutpoint.graph import Arrays
from cutpoint.inference import Answered, Event, OffloadFailed, PatienceEnded
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
        self.idle_s = 0.0
        self.outputs: Arrays = {}
        self.report: dict[str, Parameter] = {}
        self._events: SimpleQueue[Event] = SimpleQueue()

    def __repr__(self) -> str:
        return f"<Offload {self.number} of {self.request.model}>"

    @property
    def received_bytes(self) -> int:
        """Payload bytes that have come back."""
        return self.request.assembly.received_bytes

    def tell(self, event: Event) -> None:
        """Pass on what has happened; any thread."""
        self._events.put(event)

    def fail(self, at_s: float, reason: str) -> None:
        """Tell that no answer will come."""
        self.tell(OffloadFailed(at_s, reason))

    def answer(self, at_s: float, outputs: Arrays, wait_s: float, tail_s: float) -> None:
        """Tell the answer."""
        self.outputs = outputs
        self.tell(Answered(at_s, wait_s, tail_s))

    def next_event(self, until_s: float, now_s: float) -> Event:
        """
        Wait for the next event, no longer than until a time.

        Returns
        -------
        Event
            `PatienceEnded` when nothing happened.
        """
        try:
            timeout_s = max(until_s - now_s, 0.0)
            return self._events.get(timeout=min(timeout_s, _FOREVER_S))
        except Empty:
            return PatienceEnded(until_s)


_FOREVER_S = 86_400.0
