"""What a model takes while this host sends: measured beside a thread that does."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from threading import Event, Thread

from cutpoint.execution import Segments
from cutpoint.graph import Arrays
from cutpoint.records import Sample

SENT_BYTES_PER_S = 12.5e6
"""100 Mbit/s: a fast wireless link. What sending takes of the processor grows with the rate."""

_PIECE_BYTES = 16 * 1024
_ROUNDS = 5


def sending_samples(segments: Segments, feed: Arrays, whole_s: float) -> tuple[Sample, ...]:
    """
    Time the whole chain while a connection of this host is kept busy, each beside a quiet run.

    Parameters
    ----------
    feed
        The model's inputs; the segments have been warmed up with them.
    whole_s
        What the whole takes, as the profile has it: the figures are scaled to it.

    Returns
    -------
    tuple of samples
        ``sending``, one per round.
    """
    ratios: list[float] = []
    with _sender() as send:
        for _ in range(_ROUNDS):
            quiet_s = segments.run(segments.segments, feed).duration_s
            with send():
                busy_s = segments.run(segments.segments, feed).duration_s
            ratios.append(busy_s / quiet_s)
    return tuple(Sample("sending", "", ratio * whole_s) for ratio in ratios)


def sending_slowdown(samples: tuple[Sample, ...]) -> float:
    """
    Give how many times longer this host computes while it sends; 1 where that was not measured.

    Parameters
    ----------
    samples
        Of a profile.
    """
    times = {
        kind: [each.duration_s for each in samples if each.kind == kind and each.batch == 1]
        for kind in ("whole", "sending")
    }
    if not all(times.values()):
        return 1.0
    return max(median(times["sending"]) / median(times["whole"]), 1.0)


@contextmanager
def _sender() -> Iterator[Callable[[], "_Sending"]]:
    """Connect over loopback to a thread that reads; gives what sends meanwhile."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as out,
        listener.accept()[0] as into,
    ):
        reader = Thread(target=_read_all, args=(into,), name="cutpoint-profile-reader")
        reader.start()
        try:
            yield lambda: _Sending(out)
        finally:
            out.shutdown(socket.SHUT_RDWR)
            reader.join()


class _Sending:
    """Sends at the rate from when it is entered until it is left."""

    def __init__(self, out: socket.socket) -> None:
        self._out = out
        self._is_over = Event()
        self._thread = Thread(target=self._send, name="cutpoint-profile-sender")

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _send(self) -> None:
        piece, due_s = bytes(_PIECE_BYTES), time.perf_counter()
        while not self._is_over.wait(max(due_s - time.perf_counter(), 0.0)):
            self._out.sendall(piece)
            due_s += _PIECE_BYTES / SENT_BYTES_PER_S


def _read_all(into: socket.socket) -> None:
    while into.recv(4 * _PIECE_BYTES):
        pass
