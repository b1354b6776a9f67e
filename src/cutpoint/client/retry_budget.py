"""How many requests may be made twice: a share of all, so that retries cannot pile up."""

from threading import Lock

from cutpoint.exceptions import (
    ConfigurationError,
    ConnectError,
    ConnectionLostError,
    OverloadedError,
)

MAY_RETRY = (ConnectError, ConnectionLostError, OverloadedError)
"""Failures that another server may not share, and that say so soon; never a deadline."""

_BURST = 3.0
"""Retries that may follow each other at once after a long time without any."""

_ROUNDING = 1e-9
"""Ten times a tenth is a little less than one."""


class RetryBudget:
    """
    Tokens: every request puts in a part of one, a second attempt takes a whole one out.

    When servers fail because there is too much to do, clients that all try again make it
    worse; with a budget they add a tenth at most. Nothing is in it at first, so that the
    share holds from the first request on; what is saved up is bounded.

    Parameters
    ----------
    ratio
        Extra attempts per request; 0 for none.

    Raises
    ------
    ConfigurationError
        If the ratio is not between 0 and 1.
    """

    def __init__(self, ratio: float = 0.1) -> None:
        if not 0.0 <= ratio <= 1.0:
            raise ConfigurationError(
                f"max_extra_attempts={ratio}: give a share of all requests between 0 and 1"
            )
        self.ratio = ratio
        self._tokens = 0.0
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"<RetryBudget of {self.ratio:g} per request: {self._tokens:.1f} left>"

    def deposit(self) -> None:
        """Take note of a request that is sent for the first time."""
        with self._lock:
            self._tokens = min(self._tokens + self.ratio, _BURST)

    def spend(self) -> bool:
        """Take out what a second attempt costs; gives whether there was enough."""
        with self._lock:
            if self._tokens < 1.0 - _ROUNDING:
                return False
            self._tokens = max(self._tokens - 1.0, 0.0)
            return True
