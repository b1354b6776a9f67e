"""The clock of a session: it begins when the session does."""

import time
from collections.abc import Callable


def session_clock() -> Callable[[], float]:
    """Give a clock that begins now."""
    opened_s = time.perf_counter()
    return lambda: time.perf_counter() - opened_s
