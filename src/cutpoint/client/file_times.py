"""What it takes on this device to decode image files, as they come."""

import time
from threading import Lock

from cutpoint.client.encoded_inputs import EncodedInputs

_WEIGHT = 0.2
_WORTH_TELLING = 0.1
"""Change, relative, that is worth other tables."""


class FileTimes:
    """
    Seconds per pixel, learnt from what was decoded; the first file of a kind is decoded for it.

    Thread-safe.

    Parameters
    ----------
    slowdown
        Of the device that is emulated.
    """

    def __init__(self, slowdown: float = 1.0) -> None:
        self._slowdown = slowdown
        self._seen_s: dict[tuple[str, ...], float] = {}
        self._told_s: dict[tuple[str, ...], float] = {}
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"<FileTimes of {sorted(self._told_s)}>"

    def time_s(self, inputs: EncodedInputs) -> float:
        """Give what decoding takes on the idle device; the same until it has changed for good."""
        kind = _kind(inputs)
        if kind not in self._told_s:
            self._begin(kind, inputs)
        return self._told_s[kind] * inputs.raw_bytes

    def observe(self, inputs: EncodedInputs, took_s: float) -> None:
        """
        Learn.

        Parameters
        ----------
        took_s
            To decode these, on the idle device.
        """
        kind, per_byte_s = _kind(inputs), took_s / max(inputs.raw_bytes, 1)
        with self._lock:
            seen_s = self._seen_s.get(kind, per_byte_s)
            seen_s = self._seen_s[kind] = (1 - _WEIGHT) * seen_s + _WEIGHT * per_byte_s
            told_s = self._told_s.get(kind, 0.0)
            if abs(seen_s - told_s) > _WORTH_TELLING * told_s:
                self._told_s[kind] = seen_s

    def _begin(self, kind: tuple[str, ...], inputs: EncodedInputs) -> None:
        """Decode twice: the first time loads what the library needs."""
        took_s = float("inf")
        for _ in range(2):
            began_s = time.perf_counter()
            inputs.decoded()
            took_s = min(took_s, time.perf_counter() - began_s)
        with self._lock:
            per_byte_s = self._slowdown * took_s / max(inputs.raw_bytes, 1)
            self._seen_s.setdefault(kind, per_byte_s)
            self._told_s.setdefault(kind, per_byte_s)


def _kind(inputs: EncodedInputs) -> tuple[str, ...]:
    return tuple(sorted(inputs.codecs.values()))
