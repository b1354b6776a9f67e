"""What clients asked and what came of it: one line per request begun and per request ended."""

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Lock

import msgspec

from cutpoint.records import InferenceRecord


class Invoked(msgspec.Struct, frozen=True, tag="invoked"):
    """
    A request begins.

    Parameters
    ----------
    client, number
        Whose, and which of its own.
    at_s
        On the history's clock.
    """

    client: str
    number: int
    at_s: float


class Ended(msgspec.Struct, frozen=True, tag="ended", kw_only=True):
    """
    A request has its answer, or its error.

    Parameters
    ----------
    client, number
        As invoked.
    began_s, ended_s
        On the history's clock.
    is_right
        Whether the answer is the uncut model's; ``None`` without an answer.
    error
        Text of the error; ``None`` with an answer.
    planned, placement, cut, server, fallback_reason, failed_in, attempts
        As in the record.
    head_s, tail_s, lost_s
        Measured parts of the record.
    """

    client: str
    number: int
    began_s: float
    ended_s: float
    is_right: bool | None
    error: str | None = None
    planned: str = ""
    placement: str = ""
    cut: str = ""
    server: str | None = None
    fallback_reason: str | None = None
    failed_in: str | None = None
    attempts: int = 0
    head_s: float = 0.0
    tail_s: float = 0.0
    lost_s: float = 0.0

    @property
    def latency_s(self) -> float:
        """Asked -> answered."""
        return self.ended_s - self.began_s

    @property
    def is_offloaded(self) -> bool:
        """Whether a server gave the answer."""
        return self.placement in ("server", "split")


class Fault(msgspec.Struct, frozen=True, tag="fault"):
    """
    Something was done to the world, or undone.

    Parameters
    ----------
    what
        Name of the fault, ``"heal"`` at its end.
    target
        Which server or link.
    """

    what: str
    target: str
    at_s: float


Happening = Invoked | Ended | Fault


class History:
    """Everything that happened, in the order it was told; any thread."""

    def __init__(self, happenings: Iterable[Happening] = ()) -> None:
        self._lock = Lock()
        self._happenings: list[Happening] = list(happenings)
        self._opened_s = time.perf_counter()

    def now_s(self) -> float:
        """Give the time on this history's clock."""
        return time.perf_counter() - self._opened_s

    def add(self, happening: Happening) -> None:
        """Take note."""
        with self._lock:
            self._happenings.append(happening)

    @property
    def happenings(self) -> tuple[Happening, ...]:
        """Everything so far."""
        with self._lock:
            return tuple(self._happenings)

    @property
    def ended(self) -> list[Ended]:
        """The requests that ended, in the order in which they began."""
        found = [each for each in self.happenings if isinstance(each, Ended)]
        return sorted(found, key=lambda each: each.began_s)

    @property
    def invoked(self) -> list[Invoked]:
        """The requests that began."""
        return [each for each in self.happenings if isinstance(each, Invoked)]

    @property
    def faults(self) -> list[Fault]:
        """The faults."""
        return [each for each in self.happenings if isinstance(each, Fault)]

    def begun_within(self, from_s: float, until_s: float = float("inf")) -> list[Ended]:
        """Give the requests that ended and began within a time."""
        return [each for each in self.ended if from_s <= each.began_s < until_s]

    def write(self, path: Path) -> None:
        """Write one line of JSON per happening."""
        encode = msgspec.json.encode
        path.write_bytes(b"".join(encode(each) + b"\n" for each in self.happenings))

    @classmethod
    def read(cls, path: Path) -> "History":
        """Read what `write` wrote."""
        decoder = msgspec.json.Decoder(Happening)
        return cls(decoder.decode(line) for line in path.read_bytes().splitlines())


def ended_of(
    client: str,
    number: int,
    times_s: Sequence[float],
    is_right: bool,
    record: InferenceRecord,
) -> Ended:
    """Give the end of a request that was answered; `times_s` are its begin and end."""
    measured = record.measured
    return Ended(
        client=client,
        number=number,
        began_s=times_s[0],
        ended_s=times_s[1],
        is_right=is_right,
        planned=record.planned,
        placement=record.placement,
        cut=record.cut,
        server=record.server,
        fallback_reason=record.fallback_reason,
        failed_in=record.failed_in,
        attempts=record.attempts,
        head_s=measured.head_s,
        tail_s=measured.tail_s,
        lost_s=measured.lost_s,
    )
