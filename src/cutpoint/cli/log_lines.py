"""How the program logs: one line per event, nothing a file or a client wrote acts on it."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from cutpoint.cli.output import printable

LONGEST_LINE = 2000
"""Characters; the rest of a longer one is left out."""

_BURST = 10
_PER_S = 0.2
"""Lines of one kind that may come at once, and how many more a second from then on."""

_MOST_KINDS = 256


class LineFormatter(logging.Formatter):
    """Writes each record as one line: new lines and control characters are written out."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line."""
        text = " | ".join(super().format(record).splitlines() or [""])
        if len(text) > LONGEST_LINE:
            text = f"{text[:LONGEST_LINE]} ... {len(text) - LONGEST_LINE} characters more"
        return printable(text).replace("\t", " ")


@dataclass
class _Kind:
    """Lines of one kind: how many may come now, as of when, and how many did not."""

    allowance: float
    at_s: float
    num_left_out: int = 0


class Sparing(logging.Filter):
    """
    Lets a burst of lines of one kind through, then few: what clients provoke fills no disk.

    Errors are of a kind if they come from the same place, whatever they say. The next line that
    is let through tells how many were not.

    Parameters
    ----------
    clock
        Seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        super().__init__()
        self._clock = clock
        self._kinds: OrderedDict[tuple[str, int], _Kind] = OrderedDict()
        self._lock = Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record is written."""
        if record.levelno < logging.INFO:
            return True  # who asks for every detail gets it
        with self._lock:
            kind = self._kind_of(record)
            now_s = self._clock()
            kind.allowance = min(kind.allowance + (now_s - kind.at_s) * _PER_S, float(_BURST))
            kind.at_s = now_s
            if kind.allowance < 1:
                kind.num_left_out += 1
                return False
            kind.allowance -= 1
            num_left_out, kind.num_left_out = kind.num_left_out, 0
        if num_left_out:
            record.msg = f"{record.getMessage()} ({num_left_out} like it left out)"
            record.args = None
        return True

    def _kind_of(self, record: logging.LogRecord) -> _Kind:
        key = (record.pathname, record.lineno)
        kind = self._kinds.get(key)
        if kind is None:
            while len(self._kinds) >= _MOST_KINDS:
                self._kinds.popitem(last=False)
            kind = self._kinds[key] = _Kind(float(_BURST), self._clock())
        return kind
